"""The live market without sockets: a scripted source, and a stage that notes what it is shown."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest

from lib.clock import read_boottime
from lib.errors import Unavailable
from lib.simulator.paper.live_market import LiveMarket, LivePatience, find_live_market
from tests.simulator.venue import START, exchange_info

pytestmark = pytest.mark.asyncio

SYMBOL = "BTCUSDT"
PATIENCE = LivePatience(retry_first=1, retry_last=1, opening=1_000)


class Script:
    """A source that answers from a table and lets a test speak on its streams."""

    def __init__(self) -> None:
        self.began = read_boottime()
        self.last_update = 10
        self.asked: list[str] = []
        self.down = False
        self.hear: Callable[[Mapping[str, Any]], None]
        self.ready: Callable[[], None]
        self.lose: Callable[[str], None]

    @property
    def now(self) -> int:
        return START + read_boottime() - self.began

    async def get(self, path: str, params: Mapping[str, str]) -> tuple[int, object]:
        self.asked.append(path)
        await asyncio.sleep(0)
        if self.down:
            raise Unavailable(path)
        levels = [["100", "1"]], [["101", "1"]]
        trade = {"id": 5, "price": "100", "qty": "1", "time": START - 9, "isBuyerMaker": True}
        answers = {
            "time": {"serverTime": self.now},
            "exchangeInfo": exchange_info(),
            "depth": {"lastUpdateId": self.last_update, "bids": levels[0], "asks": levels[1]},
            "trades": [trade],
            "klines": [],
        }
        return 200, answers[path]

    def start(self, *, on_frame: Any, on_ready: Any, on_lost: Any) -> None:
        self.hear, self.ready, self.lose = on_frame, on_ready, on_lost
        on_ready()

    def follow(self, symbol: str) -> None:
        pass

    async def close(self) -> None:
        pass

    def depth(self, first: int, last: int, *bids: list[str]) -> None:
        event = {"e": "depthUpdate", "s": SYMBOL, "U": first, "u": last}
        self.hear({**event, "b": list(bids), "a": []})

    def trade(self, number: int, price: str = "100", *, time: int | None = None) -> None:
        told = self.now if time is None else time
        event = {"e": "trade", "s": SYMBOL, "t": number, "p": price, "q": "1", "m": True}
        self.hear({**event, "T": told})


class Stage:
    """Notes what it is shown."""

    def __init__(self) -> None:
        self.books: list[Any] = []
        self.changes: list[Any] = []
        self.prices: list[str] = []
        self.changed: list[str] = []

    def set_book(self, symbol: str, bids: Any, asks: Any, time: int) -> None:
        self.books.append(bids)

    def apply_depth(self, symbol: str, bids: Any, asks: Any, time: int) -> None:
        self.changes.append(bids)

    def market_trade(self, symbol: str, price: str, quantity: str, **_: Any) -> None:
        self.prices.append(price)

    def give_past(self, pasts: Any) -> None:
        pass

    def change_symbol(self, symbol: str, changes: Any) -> None:
        self.changed.append(symbol)


@asynccontextmanager
async def shown(*, priced: bool = True) -> AsyncIterator[tuple[Script, Stage, LiveMarket]]:
    script, stage = Script(), Stage()
    market = await find_live_market(script, [SYMBOL], now=START, patience=PATIENCE)
    await market.begin(stage, priced=lambda _: priced)
    try:
        yield script, stage, market
    finally:
        await market.close()


async def in_step(market: LiveMarket) -> None:
    async with asyncio.timeout(2):
        while market.stale(SYMBOL):
            await asyncio.sleep(0.001)


async def test_a_trade_that_comes_over_two_connections_is_shown_once() -> None:
    async with shown() as (script, stage, _):
        script.trade(7, "101")
        script.trade(7, "101")
        script.trade(8, "102")

    assert stage.prices == ["101", "102"]


async def test_a_trade_from_before_the_snapshot_is_not_shown() -> None:
    async with shown() as (script, stage, _):
        script.trade(7, "101", time=script.now - 60_000)
        script.trade(8, "102")

    assert stage.prices == ["102"]


async def test_trades_while_out_of_step_are_not_made_up_later() -> None:
    async with shown() as (script, stage, market):
        script.lose("cut")
        script.trade(7, "90")
        assert market.stale(SYMBOL)
        script.ready()
        script.trade(8, "91")
        await in_step(market)
        script.trade(9, "92")

    assert stage.prices == ["92"]


async def test_a_missing_update_brings_a_new_snapshot() -> None:
    async with shown() as (script, stage, market):
        script.depth(11, 12, ["99", "1"])
        script.last_update = 20
        script.depth(14, 14, ["98", "1"])
        assert market.stale(SYMBOL)
        await in_step(market)

        assert len(stage.books) == 2
        script.depth(21, 21, ["97", "1"])

    assert stage.changes == [(("99", "1"),), (("97", "1"),)]


async def test_an_update_that_cannot_be_read_puts_the_book_out_of_step() -> None:
    async with shown() as (script, stage, market):
        script.hear({"e": "depthUpdate", "s": SYMBOL, "U": 11})
        assert market.stale(SYMBOL)
        await in_step(market)

    assert len(stage.books) == 2


async def test_a_feed_of_other_symbols_changes_nothing() -> None:
    async with shown() as (script, stage, market):
        script.hear({"e": "trade", "s": "ETHUSDT", "t": 1})
        script.hear({"result": None})

        assert not market.stale(SYMBOL)
    assert stage.prices == []


async def test_an_exchange_without_a_price_is_given_the_last_trades() -> None:
    async with shown(priced=False) as (_, stage, _market):
        assert stage.prices == ["100"]


async def test_an_exchange_that_has_a_price_is_not_told_old_trades() -> None:
    async with shown() as (script, stage, _market):
        assert stage.prices == []
    assert "trades" not in script.asked


async def test_rules_that_stayed_the_same_change_nothing() -> None:
    async with shown() as (_, stage, market):
        await market.renew_rules()

    assert stage.changed == []


async def test_the_exchange_s_time_is_the_real_market_s() -> None:
    async with shown() as (script, _, market):
        assert abs(market.now() - script.now) < 100


async def test_no_symbol_is_no_market() -> None:
    with pytest.raises(ValueError, match="0 symbols"):
        await find_live_market(Script(), [], now=START)
