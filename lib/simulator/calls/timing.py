"""Timing security: when a signed request is too old or from the future.

Checked twice: at receipt, and again before it goes to the matching engine.
"""

import re
from collections.abc import Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Final

from lib.simulator.refusals import (
    INTEGER_RANGE,
    ahead_of_time,
    beyond,
    empty,
    illegal,
    missing,
    outside_window,
)

AHEAD_MS: Final = 1000
DEFAULT_WINDOW_MS: Final = 5000
LONGEST_WINDOW_MS: Final = 60_000
MICROSECOND_DIGITS: Final = 16
WINDOW_RANGE: Final = r"^([0-9]{1,20})(\.[0-9]{1,3})?$"

_WINDOW = re.compile(WINDOW_RANGE, re.ASCII)


def check_receipt(params: Mapping[str, str], now: int) -> int | Decimal:
    """Read `timestamp` (ms or us) and `recvWindow` (ms, up to three decimals).

    Answer the last moment at which the request is good; raise -1021 if it is not good now.
    """
    timestamp = _timestamp(params.get("timestamp"))
    good_until = timestamp + _window(params.get("recvWindow"))
    if timestamp >= now + AHEAD_MS:
        raise ahead_of_time()
    if now > good_until:
        raise outside_window()
    return good_until


def check_forwarding(good_until: int | Decimal, now: int) -> None:
    """Raise -1021 if the request has become too old for the matching engine."""
    if now > good_until:
        raise outside_window()


def _timestamp(text: str | None) -> int:
    if not text:
        raise missing("timestamp")
    if not (text.isdecimal() and text.isascii() and len(text) <= 20):
        raise illegal("timestamp", INTEGER_RANGE)
    return int(text) // 1000 if len(text) >= MICROSECOND_DIGITS else int(text)


@lru_cache(maxsize=256)
def _window(text: str | None) -> int | Decimal:
    if text is None:
        return DEFAULT_WINDOW_MS
    if not text:
        raise empty("recvWindow")
    if not _WINDOW.fullmatch(text):
        raise illegal("recvWindow", WINDOW_RANGE)
    window = int(text) if text.isdecimal() else Decimal(text)
    if window > LONGEST_WINDOW_MS:
        raise beyond("recvWindow", LONGEST_WINDOW_MS)
    return window
