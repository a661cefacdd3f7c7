"""How markets stood while nobody waited for it: kept until somebody looks.

Most of what a market shows concerns nobody. So it is held back here, and told when a bot looks at
the price, or begins to wait for one: what had arrived by then at once, what is still under way in
its time.
"""

from collections import defaultdict, deque
from collections.abc import Iterator
from decimal import Decimal
from typing import NamedTuple

from lib.backtest.extents import alert_of
from lib.exchange import Quote
from lib.quotes import Bounds
from lib.simulator.units import DECIMALS, write


class Touch(NamedTuple):
    """Best bid, best ask and last price in units; 0 where there is none."""

    bid: int
    ask: int
    last: int

    def concerns(self, waited_for: Bounds) -> bool:
        """Say whether one of the prices is at or beyond a bound."""
        known = [price for price in self if price]
        return bool(known) and not alert_of(waited_for, ()).is_far(min(known), max(known))

    def as_quote(self, symbol: str, time: int) -> Quote:
        """Say it as a bot reads it."""
        bid, ask, last = (Decimal(price).scaleb(-DECIMALS) for price in self)
        return Quote(symbol=symbol, bid=bid, ask=ask, last=last, time=time)

    def as_frames(self, symbol: str) -> tuple[dict[str, str], ...]:
        """Say it as the exchange's streams would, as far as it is listened to."""
        best = {"s": symbol, "u": "1", "b": write(self.bid), "a": write(self.ask)}
        return ({"e": "trade", "s": symbol, "p": write(self.last)}, best) if self.last else (best,)


class Untold:
    """What was not told yet, by symbol, oldest first. Times are the loop's seconds."""

    def __init__(self) -> None:
        self._held: defaultdict[str, deque[tuple[float, Touch]]] = defaultdict(deque)

    def hold(self, symbol: str, touch: Touch, *, now: float, arrives_at: float) -> None:
        """Keep how a market stands; of what has arrived, only the newest is kept."""
        held = self._held[symbol]
        while len(held) > 1 and held[1][0] <= now:
            held.popleft()
        held.append((arrives_at, touch))

    def arrived(self, symbol: str, now: float) -> tuple[float, Touch] | None:
        """Take out the newest that has arrived, and forget what came before it."""
        newest, held = None, self._held[symbol]
        while held and held[0][0] <= now:
            newest = held.popleft()
        return newest

    def under_way(self, symbol: str) -> Iterator[tuple[float, Touch]]:
        """Take out what has not arrived yet."""
        held = self._held[symbol]
        while held:
            yield held.popleft()
