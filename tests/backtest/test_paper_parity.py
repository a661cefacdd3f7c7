"""The same bots on the same prices: on paper, over sockets and in real time, and in a back-test."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from lib.backtest.bar_path import PathModel
from lib.backtest.history import BarHistory
from lib.backtest.ledger import Ledger
from lib.backtest.life import Quiet
from lib.backtest.liquidity import Costs, ladders
from lib.backtest.market import BarPlayback, lanes_of
from lib.backtest.refusals import RefusalJournal
from lib.backtest.settings import BALANCES, BacktestSettings
from lib.binance.addresses import resolve
from lib.binance.wiring import open_venue
from lib.clock import ExchangeClock
from lib.conf import RunnerConf
from lib.market.candle_path import Grid
from lib.market.candles import Bar
from lib.market.recordings import Levels
from lib.shelf import Shelf
from lib.simulator.engine.past import Past
from lib.simulator.paper.paper import Paper, PaperSettings, open_paper
from lib.supervisor import Supervisor
from tests.backtest.scenes import DIPS, SPAN, SYMBOL, ListBars, bar, conf_of, flat, staged

COSTS = Costs(spread=Decimal("0.0001"), volume_share=Decimal("0.01"))
GRID = Grid(tick=Decimal("0.01"), lot=Decimal("0.00001"))
QUIET = 0.25  # seconds without an event, after which everybody has done what a price asked for
SWING = [
    flat(0, 60_000),
    bar(1, 60_000, 60_020, 59_700, 59_950),
    bar(2, 59_950, 60_200, 59_930, 60_150),
    bar(3, 60_150, 60_160, 58_900, 59_000),
    bar(4, 59_000, 59_300, 58_700, 59_250),
]
# What both take in one moment stands at one price: over sockets chance decides who comes first.
BOTS: Mapping[str, Mapping[str, Any]] = {
    "dip_buyer": DIPS,
    "deep": {**DIPS, "function": "dip_buyer", "quantity": "0.03", "dip": "0.001", "stop": "0.015"},
}


Furnished: TypeAlias = tuple[Awaitable[None], Callable[[], None]]  # what runs beside, and a look
Furnish: TypeAlias = Callable[[Supervisor, Shelf, Ledger], Furnished]


def bare(_supervisor: Supervisor, _shelf: Shelf, _ledger: Ledger) -> Furnished:
    """Let nothing run beside the bots."""
    return asyncio.sleep(0), lambda: None


class Redated:
    """The paper exchange's market, moved at the time its own clock shows."""

    def __init__(self, paper: Paper) -> None:
        self._paper = paper

    def set_book(self, symbol: str, bids: Levels, asks: Levels, time: int) -> None:
        self._paper.exchange.set_book(symbol, bids, asks, self._paper.clock())

    def play_step(
        self, symbol: str, sides: Any, trade: tuple[int, int], time: int, *, buyer_is_maker: bool
    ) -> None:
        now = self._paper.clock()
        self._paper.exchange.play_step(symbol, sides, trade, now, buyer_is_maker=buyer_is_maker)

    def apply_depth(self, symbol: str, bids: Levels, asks: Levels, time: int) -> None:
        self._paper.exchange.apply_depth(symbol, bids, asks, self._paper.clock())

    def market_trade(
        self, symbol: str, price: Decimal, quantity: Decimal, *, buyer_is_maker: bool, time: int
    ) -> None:
        now = self._paper.clock()
        self._paper.exchange.market_trade(
            symbol, price, quantity, buyer_is_maker=buyer_is_maker, time=now
        )


def overheard(paper: Paper, bots: Sequence[str]) -> Ledger:
    """Have a ledger hear what the paper exchange tells its account."""
    ledger, told = Ledger(bots), paper.exchange.on_user_event

    def hear(account: str, event: dict[str, Any]) -> None:
        ledger.hear(event)
        told(account, event)

    paper.exchange.on_user_event = hear
    return ledger


async def quiet(ledger: Ledger) -> None:
    """Wait until nothing more follows from the last price."""
    heard = -1
    while heard != len(ledger.lines):
        heard = len(ledger.lines)
        await asyncio.sleep(QUIET)


async def on_paper(
    ctx: Path, bars: Sequence[Bar], conf: RunnerConf, furnish: Furnish = bare
) -> Ledger:
    """Run the bots on a paper exchange behind sockets; a price comes once they rest."""
    settings = PaperSettings(market="none", symbols=(SYMBOL,), balances=BALANCES)
    paper = await open_paper(settings)
    names = [bot.name for bot in conf.bots]
    ledger, source = overheard(paper, names), ListBars(*bars)
    past = Past(BarHistory(source, GRID), ends=source.begins_at)
    lanes = lanes_of(
        *({SYMBOL: source}, {SYMBOL: GRID}, {SYMBOL: past}, ladders(COSTS)),
        begins=source.begins_at,
        ends=source.ends_at,
    )
    playback = BarPlayback(
        *(lanes, Redated(paper), ledger), model=PathModel.PESSIMISTIC, costs=COSTS
    )
    playback.play()
    clock = ExchangeClock()
    address = replace(resolve(paper.address), name="paper")
    venue = await open_venue(address, key=settings.key, secret=settings.secret, clock=clock)
    shelf = Shelf.open(ctx, allow_volatile=True)
    supervisor = Supervisor(
        *(conf, shelf, venue, clock),
        tell=lambda _: None,
        vitals=Quiet(),
        journal=RefusalJournal(ledger, clock.now),
    )
    beside, look = furnish(supervisor, shelf, ledger)
    running = asyncio.gather(supervisor.run(), beside)
    while not set(names) <= {getattr(line, "bot", "") for line in ledger.lines}:
        await asyncio.sleep(QUIET)
    while playback.next_at < source.ends_at:
        await quiet(ledger)
        look()
        await quiet(ledger)
        playback.play()
    await quiet(ledger)
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
    await venue.close()
    await paper.close()
    shelf.close()
    return ledger


@pytest.mark.slow
def test_a_back_test_trades_exactly_as_paper_does_on_the_same_prices(tmp_path: Path) -> None:
    paper = asyncio.run(on_paper(tmp_path / "ctx", SWING, conf_of(BOTS)))
    settings = BacktestSettings(costs=COSTS, ends=SWING[-1].open_time + SPAN)

    backtest = staged(BOTS, SWING, settings).run()

    assert {row[0] for row in paper.trading} == set(BOTS)
    assert len(paper.trading) > 6
    assert backtest.ledger.trading == paper.trading
