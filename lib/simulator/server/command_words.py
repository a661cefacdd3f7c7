"""The words of a command, read strictly: what makes no market must not get into the books."""

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from lib.market.recordings import Levels

MOST: Final = Decimal(10) ** 12

_ASSET: Final = re.compile(r"\w{1,20}")


def positive(written: Any) -> Decimal:
    """Read a price or a quantity. Raise ValueError for what can be none."""
    amount = Decimal(str(written))
    if not 0 < amount < MOST:
        raise ValueError(f"{written} is no price and no quantity")
    return amount


def levels(pairs: Sequence[Sequence[Any]]) -> Levels:
    """Read one side of a book."""
    return tuple((positive(price), positive(quantity)) for price, quantity in pairs)


def truth(asked: Mapping[str, Any], name: str) -> bool:
    value = asked[name]
    if not isinstance(value, bool):
        raise TypeError(f"{name} is true or false, not {value!r}")
    return value


def span(written: Any) -> int:
    """Read a number of ms that cannot be below zero."""
    ms = int(written)
    if ms < 0:
        raise ValueError(f"{ms} ms are less than none")
    return ms


def asset(written: Any) -> str:
    if not isinstance(written, str) or not _ASSET.fullmatch(written):
        raise ValueError(f"no asset is called {written!r}")
    return written


def uncrossed(bids: Levels, asks: Levels) -> None:
    """Raise ValueError for a book in which somebody would have to trade."""
    if bids and asks and max(bids)[0] >= min(asks)[0]:
        raise ValueError(f"the bid {max(bids)[0]} reaches the ask {min(asks)[0]}")
