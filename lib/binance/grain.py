"""The grains of Binance's JSON: one value each, of the documented kind, or Unreadable.

What is missing is not zero, what is too large is not believed, and a refusal stays one sentence
however much came.
"""

import re
from decimal import Decimal
from typing import Final

from lib.binance.transport import Frame
from lib.exchange import ZERO

AMOUNT: Final = re.compile(r"[0-9]{1,30}(?:\.[0-9]{1,30})?")
WORD: Final = re.compile(r"[A-Z][A-Z_]{0,63}")
TEXT_MAX: Final = 200
SHOWN_MAX: Final = 60
WHOLE_MAX: Final = 2**63 - 1
LAST_MOMENT: Final = 4_102_444_800_000  # 2100, ms: no answer is from later than that


class Unreadable(ValueError):
    """An answer or event does not have the shape that Binance documents."""


def mapping(value: object) -> Frame:
    if not isinstance(value, dict):
        raise Unreadable(f"{type(value).__name__} where an object belongs")
    return value


def rows(value: object) -> list[Frame]:
    return [mapping(each) for each in sequence(value)]


def text(row: Frame, key: str) -> str:
    value = row.get(key)
    if not isinstance(value, str) or not 0 < len(value) <= TEXT_MAX:
        raise Unreadable(f"{key} is {shown(value)}, no text")
    return value


def word(row: Frame, key: str) -> str:
    """Read a name that Binance gives things, as LIMIT_MAKER; it may be one we do not know."""
    value = text(row, key)
    if not WORD.fullmatch(value):
        raise Unreadable(f"{key} is {shown(value)}, no word of Binance's")
    return value


def whole(row: Frame, key: str) -> int:
    value = row.get(key)
    if not isinstance(value, int) or isinstance(value, bool) or abs(value) > WHOLE_MAX:
        raise Unreadable(f"{key} is {shown(value)}, no whole number")
    return value


def moment(row: Frame, key: str) -> int:
    """Read a time, ms. One of a far future would outlive every true one, and is refused."""
    value = whole(row, key)
    if not 0 <= value < LAST_MOMENT:
        raise Unreadable(f"{key} is {value}, no time")
    return value


def amount(row: Frame, key: str) -> Decimal:
    """Read an exact amount. A JSON number would be a float, and is refused; so is none at all."""
    value = row.get(key)
    return ZERO if value == "0.00000000" else exact(value, key)  # by far the most frequent one


def amount_if_said(row: Frame, key: str) -> Decimal:
    """Read an amount that is left out where it is zero, or not known yet."""
    return amount(row, key) if key in row else ZERO


def amount_if_known(row: Frame, key: str) -> Decimal:
    """Read an amount that is negative where Binance does not have it."""
    value = row.get(key)
    if isinstance(value, str) and value.startswith("-"):
        exact(value[1:], key)
        return ZERO
    return amount(row, key)


def exact(value: object, key: object) -> Decimal:
    if not isinstance(value, str) or not AMOUNT.fullmatch(value):
        raise Unreadable(f"{key} is {shown(value)}, no amount")
    return Decimal(value)


def flag(row: Frame, key: str) -> bool:
    value = row.get(key)
    if not isinstance(value, bool):
        raise Unreadable(f"{key} is {shown(value)}, neither true nor false")
    return value


def shown(value: object) -> str:
    """Show what came in a sentence that stays one, however much came."""
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "a list"
    words = repr(value[:SHOWN_MAX] if isinstance(value, str) else value)
    return words[: SHOWN_MAX + 2]


def sequence(value: object) -> list[object]:
    if not isinstance(value, list):
        raise Unreadable(f"{type(value).__name__} where a list belongs")
    return value
