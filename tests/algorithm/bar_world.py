"""Paper in process: the runner on the simulated exchange, whose market is bars in virtual time."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar

from lib.backtest.bar_path import PathModel
from lib.backtest.history import BarHistory
from lib.backtest.ledger import Ledger
from lib.backtest.liquidity import Costs, ladders
from lib.backtest.market import BarPlayback, lanes_of
from lib.market.candle_path import Grid
from lib.market.candles import Bar
from lib.simulator.engine.past import Past
from tests.backtest.scenes import BEGIN, SYMBOL, ListBars
from tests.world import World, live

COSTS = Costs(spread=Decimal("0.0001"), volume_share=Decimal("0.1"))
GRID = Grid(tick=Decimal("0.01"), lot=Decimal("0.00001"))


@dataclass
class BarWorld(World):
    """The market is bars, played at their own times."""

    bars: Sequence[Bar] = ()
    costs: Costs = COSTS

    TICK: ClassVar[float] = 0.25
    PATIENCE: ClassVar[float] = 30 * 86_400.0

    def __post_init__(self) -> None:
        self.ledger = Ledger(self.bots)
        self.playback: BarPlayback | None = None
        super().__post_init__()

    def _on_user_event(self, account: str, event: dict[str, Any]) -> None:
        self.ledger.hear(event)
        super()._on_user_event(account, event)

    def move_market(self) -> None:
        if self.playback is None:
            self.playback = self._open()
        while self.playback.next_at <= self.clock():
            self.playback.play()

    def _open(self) -> BarPlayback:
        source = ListBars(*self.bars)
        past = Past(BarHistory(source, GRID), ends=source.begins_at)
        lanes = lanes_of(
            *({SYMBOL: source}, {SYMBOL: GRID}, {SYMBOL: past}, ladders(self.costs)),
            begins=source.begins_at,
            ends=source.ends_at,
        )
        model = PathModel.PESSIMISTIC
        return BarPlayback(lanes, self.exchange, self.ledger, model=model, costs=self.costs)


@dataclass
class SlowBarWorld(BarWorld):
    """The same, looked at less often: for days of it."""

    TICK: ClassVar[float] = 1.0


def on_paper(world: BarWorld) -> Ledger:
    """Live it to its end; answer what the exchange told the account."""
    assert world.now * 1000 == BEGIN
    live(world)
    world.check()
    return world.ledger
