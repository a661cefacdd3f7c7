"""Reading what a client sent, refusing as Binance does what cannot be read."""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from lib.simulator.refusals import (
    CLIENT_ID_RANGE,
    INTEGER_RANGE,
    Refusal,
    empty,
    illegal,
    missing,
    overflowed,
    too_many,
    too_precise,
    unread,
)
from lib.simulator.units import AMOUNT_RANGE, parse

SIGNING: Final = frozenset({"timestamp", "recvWindow", "signature", "apiKey"})
DAY_MS: Final = 24 * 3_600_000
CLIENT_ID_LENGTH: Final = 36
GREATEST_LONG: Final = (1 << 63) - 1
GREATEST_INT: Final = (1 << 31) - 1

_CLIENT_ID = re.compile(CLIENT_ID_RANGE, re.ASCII)
_INTEGER = re.compile(INTEGER_RANGE, re.ASCII)


@lru_cache(maxsize=4096)
def check_names(known: frozenset[str], names: tuple[str, ...]) -> None:
    """Refuse names the endpoint does not know."""
    strangers = set(names) - known
    if not strangers:
        return
    if len(names) > len(known):
        raise too_many(len(known - SIGNING), len(names))
    raise unread(len(names) - len(strangers), len(names))


def required(params: Mapping[str, str], name: str) -> str:
    text = params.get(name)
    if not text:
        raise missing(name)
    return text


def amount(params: Mapping[str, str], name: str, precision: int) -> int:
    """Read an amount in units, 0 if it was not sent."""
    text = params.get(name)
    if text is None:
        return 0
    found = parse(text)
    if found is None:
        raise illegal(name, AMOUNT_RANGE) if text else empty(name)
    number, decimals = found
    if decimals > precision:
        raise too_precise(name)
    if number > GREATEST_LONG:
        raise overflowed(name)
    return number


def integer(params: Mapping[str, str], name: str) -> int | None:
    """Read a whole number, None if it was not sent."""
    text = params.get(name)
    if text is None:
        return None
    if not _INTEGER.fullmatch(text):
        raise illegal(name, INTEGER_RANGE) if text else empty(name)
    number = int(text)
    if number > GREATEST_LONG:
        raise overflowed(name)
    return number


def small_integer(params: Mapping[str, str], name: str) -> int | None:
    """Read a whole number of 32 bits; None if it was not sent."""
    number = integer(params, name)
    if number is not None and number > GREATEST_INT:
        raise overflowed(name)
    return number


def client_id(params: Mapping[str, str], name: str) -> str:
    """Read a client order id, empty if it was not sent."""
    text = params.get(name)
    if text is None:
        return ""
    # Letters and digits alone need no pattern; most ids have nothing else.
    if text.isalnum() and text.isascii() and len(text) <= CLIENT_ID_LENGTH:
        return text
    if not _CLIENT_ID.fullmatch(text):
        raise illegal(name, CLIENT_ID_RANGE) if text else empty(name)
    return text


def limit(params: Mapping[str, str], usual: int, most: int) -> int:
    """Read how many rows are wanted; more than there may be means as many as there may be."""
    wanted = integer(params, "limit")
    if wanted == 0:
        raise Refusal(-1130, "Data sent for parameter 'limit' is not valid.")
    return usual if wanted is None else min(wanted, most)


def flag(params: Mapping[str, str], name: str) -> bool:
    text = params.get(name, "false").lower()
    if text not in {"true", "false"}:
        raise Refusal(-1130, f"Data sent for parameter '{name}' is not valid.")
    return text == "true"
