"""A world whose prices go by steps: each is said, so that a test knows what was traded when."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, TypeAlias

from tests.told_world import ToldLife, ToldWorld

CENT = Decimal("0.01")
LONG = 10  # paces that each of the last prices lasts


@dataclass(frozen=True)
class Prices:
    """What the market shows for a while; what is not said lies beside the last price."""

    last: Decimal
    bid: Decimal
    ask: Decimal


Step: TypeAlias = str | int | Mapping[str, str]


def prices(step: Step, before: Prices | None) -> Prices:
    """Read a step: a last price, or what of a market is different from before."""
    if not isinstance(step, Mapping):
        last = Decimal(step)
        return Prices(last, last - CENT, last)
    assert before is not None
    said = {name: Decimal(price) for name, price in step.items()}
    shown = {"last": before.last, "bid": before.bid, "ask": before.ask, **said}
    return Prices(**shown)


@dataclass
class SteppedWorld(ToldWorld):
    """The first price holds until the entry is done, the others come one after the other."""

    steps: Sequence[Step] = ("1000",)
    start: float = 40  # seconds that the first one lasts
    pace: float = 6  # seconds that each of the others lasts
    ever: Sequence[Step] = ()  # afterwards, again and again: what began late comes to its end
    resting_at: float | None = None  # seconds after which it is looked at, also if nothing ended
    shown: list[Prices] = field(default_factory=list)

    def __post_init__(self) -> None:
        for step in (*self.steps, *self.ever):
            self.shown.append(prices(step, self.shown[-1] if self.shown else None))
        super().__post_init__()
        self.begin_life = SteppedLife

    def move_market(self) -> None:
        seconds = self.clock() / 1000
        self.begun = self.begun or seconds
        at = self.shown[self.number(seconds - self.begun)]
        for symbol in self.prices:
            self._show(symbol, at)
        while self.waiting and self.waiting[0][0] <= seconds - self.begun:
            self.waiting.pop(0)[1](self)

    def number(self, seconds: float) -> int:
        """Answer which step it is so long after the beginning."""
        if seconds < self.start:
            return 0
        number = 1 + int((seconds - self.start) / self.pace)
        last = len(self.steps) - 1
        if number <= last or not self.ever:
            return min(last, number)
        return last + 1 + (number - last - 1) // LONG % len(self.ever)

    def _show(self, symbol: str, at: Prices) -> None:
        now = self.clock()
        bids = [(at.bid - CENT * away, self.depth) for away in range(2)]
        asks = [(at.ask + CENT * away, self.depth) for away in range(2)]
        self.exchange.set_book(symbol, bids, asks, now)
        size = min(self.depth, Decimal("0.001"))
        self.exchange.market_trade(symbol, at.last, size, buyer_is_maker=False, time=now)

    def traded(self) -> list[dict[str, Any]]:
        """Every order that was accepted, as far as it says something."""
        names = ("side", "type", "status", "price", "stopPrice", "origQty", "executedQty")
        return [{name: order[name] for name in names} for order in self.orders()]


class SteppedLife(ToldLife):
    """A life that is looked at while its bots still wait, where the test says so."""

    def _at_rest(self) -> bool:
        world = self.world
        assert isinstance(world, SteppedWorld)
        at_rest = super()._at_rest()
        if world.resting_at is not None:
            return self.loop.time() - world.begun >= world.resting_at
        return at_rest
