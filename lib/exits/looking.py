"""What a machine that stands for coins looks at, and what it waits for."""

from collections.abc import Iterable
from contextlib import suppress
from decimal import Decimal
from typing import Final

from lib.desk import Desk
from lib.errors import Unavailable
from lib.exchange import ZERO, Quote
from lib.quotes import Base, Bounds

RETRY: Final = 60_000  # ms after a refusal before anything is placed again
ALL_BASES: Final[tuple[Base, ...]] = ("bid", "ask", "last")


async def look(desk: Desk, symbol: str, bases: Iterable[Base]) -> Quote:
    """Answer the prices that are asked for; zero for what cannot be had now."""
    known = {base: await known_price(desk, symbol, base) for base in sorted(set(bases))}
    bid, ask, last = (known.get(base, ZERO) for base in ALL_BASES)
    trades, tops = (desk.tick(symbol, base=base) for base in ("last", "bid"))
    return Quote(symbol, bid=bid, ask=ask, last=last, trades=trades, tops=tops)


async def known_price(desk: Desk, symbol: str, base: Base = "last") -> Decimal:
    """Answer a price; zero where it cannot be had now."""
    with suppress(Unavailable):
        return await desk.price(symbol, base=base)
    return ZERO


async def stir(desk: Desk, symbol: str, times: Iterable[int], bounds: Iterable[Bounds]) -> None:
    """Wait until something was saved, a time or a price matters; ten seconds at most.

    Times are exchange ms; those that have passed do not count.
    """
    now = desk.now()
    soonest = min((at for at in times if at > now), default=None)
    await desk.stirring(symbol, *bounds, until=soonest)


def missing(desk: Desk, symbol: str, lots: Decimal) -> Decimal:
    """Answer what the account lacks of what is to be sold, while nothing of ours stands for it."""
    return max(ZERO, lots - desk.wallet.free_to_sell(symbol))


def spoken(base: Base) -> str:
    """Name a price to a person."""
    return "price" if base == "last" else base
