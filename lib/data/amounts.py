"""Amounts as they are kept: whole numbers of 10^-8, the finest that Binance Spot knows.

SQLite keeps an integer in as many bytes as it needs, and any tool can add them up. What does not
fit into 63 bits (a month's turnover in a small currency can be that much) is kept as its digits,
in the same column, and no digit is lost either way.
"""

from decimal import Decimal
from typing import Final, TypeAlias

from lib.amounts import EXACT

Kept: TypeAlias = int | str

DECIMALS: Final = 8
ONE: Final = Decimal("1E-8")
WHOLE_MAX: Final = 2**63 - 1


class Unstorable(ValueError):
    """An amount that cannot be kept exactly, or is none."""


def kept(amount: Decimal) -> Kept:
    """Write an amount as it is kept. Raises Unstorable rather than round."""
    if not amount.is_finite() or amount.is_signed():
        raise Unstorable(f"{amount} is no amount of a market")
    scaled = amount.scaleb(DECIMALS, EXACT)
    whole = int(scaled)
    if whole != scaled:
        raise Unstorable(f"{amount} has more than {DECIMALS} decimals")
    return whole if whole <= WHOLE_MAX else str(whole)


def amount_of(value: Kept) -> Decimal:
    """Read an amount back, to the last digit."""
    if isinstance(value, int):
        return Decimal(value) * ONE  # 19 digits at most: nothing is rounded
    return EXACT.multiply(Decimal(value), ONE)
