"""Amounts as integers of 10^-8, the precision of every asset on Binance Spot.

A price is the quote amount for one whole base unit, so price * quantity // UNIT is the quote
amount of a trade, rounded down to what the venue can book. Texts repeat (ticks, lots), so both
directions remember what they have seen.
"""

import re
from decimal import Decimal
from functools import lru_cache
from typing import Final, NamedTuple

DECIMALS: Final = 8
UNIT: Final = 10**DECIMALS
ZERO_TEXT: Final = "0.00000000"
AMOUNT_RANGE: Final = r"^([0-9]{1,20})(\.[0-9]{1,20})?$"

_AMOUNT = re.compile(AMOUNT_RANGE, re.ASCII)


class Parsed(NamedTuple):
    units: int
    decimals: int  # as written


@lru_cache(maxsize=1 << 16)
def parse(text: str) -> Parsed | None:
    """Read an amount as a client wrote it; None if it uses illegal characters."""
    found = _AMOUNT.fullmatch(text)
    if found is None:
        return None
    whole, fraction = found[1], (found[2] or ".")[1:]
    return Parsed(int(whole + fraction[:DECIMALS].ljust(DECIMALS, "0")), len(fraction))


def units(amount: str | int | Decimal) -> int:
    """Read an amount of our own side exactly; raise ValueError if it cannot be represented."""
    scaled = (amount if type(amount) is Decimal else Decimal(amount)).scaleb(DECIMALS)
    whole = int(scaled)
    if scaled != whole:
        raise ValueError(f"{amount} has more than {DECIMALS} decimals")
    return whole


@lru_cache(maxsize=1 << 16)
def write(amount: int) -> str:
    """Write an amount as Binance does, all eight decimals."""
    if amount < 0:
        return "-" + write(-amount)
    return f"{amount // UNIT}.{amount % UNIT:08d}"


def quote_of(price: int, quantity: int) -> int:
    return price * quantity // UNIT
