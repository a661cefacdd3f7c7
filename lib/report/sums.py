"""How a report writes amounts: to eight places, as the exchange does."""

from decimal import Decimal
from typing import Final

from lib.amounts import plain

FINEST: Final = Decimal("1e-8")


def rounded(amount: Decimal) -> str:
    """Write an amount to eight places, without idle zeros."""
    return plain(amount.quantize(FINEST)) if amount else "0"
