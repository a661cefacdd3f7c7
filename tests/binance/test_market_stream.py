"""The market stream and the quotes made of it."""

import asyncio
import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from itertools import pairwise
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from lib.binance import market_stream
from lib.binance.connection import Patience, connect
from lib.binance.market_stream import MarketStream
from lib.binance.quotes import Quotes
from lib.clock import ExchangeClock
from lib.errors import Halt
from lib.exchange import Quote
from lib.quotes import tick_of
from tests.binance.scripted import Line, ScriptedExchange, answer_word

pytestmark = pytest.mark.asyncio

HASTE = Patience(silence=10_000, answer=4_000, linger=20, farewell=20, retry_first=2, retry_last=20)


class Board:
    """The quotes each follower was told."""

    def __init__(self) -> None:
        self.quotes: list[Quote] = []
        self._told = asyncio.Event()

    def __call__(self, quote: Quote) -> None:
        self.quotes.append(quote)
        self._told.set()

    async def next(self) -> Quote:
        self._told.clear()
        async with asyncio.timeout(5):
            await self._told.wait()
        return self.quotes[-1]


def best(symbol: str, bid: str, ask: str) -> dict[str, Any]:
    content = {"u": 400, "s": symbol, "b": bid, "B": "1.0", "a": ask, "A": "2.0"}
    return {"stream": f"{symbol.lower()}@bookTicker", "data": content}


def trade(symbol: str, price: str) -> dict[str, Any]:
    content = {"e": "trade", "E": 1, "s": symbol, "t": 9, "p": price, "q": "1", "T": 1, "m": True}
    return {"stream": f"{symbol.lower()}@trade", "data": content}


@pytest_asyncio.fixture
async def exchange() -> AsyncIterator[ScriptedExchange]:
    async with ScriptedExchange.running() as running:
        yield running


@pytest.fixture(autouse=True)
def _short_breath(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(market_stream, "BREATH", 1)


@asynccontextmanager
async def following(
    exchange: ScriptedExchange, patience: Patience = HASTE
) -> AsyncIterator[Quotes]:
    clock = ExchangeClock()
    clock.measured(exchange.now(), clock.ticks(), clock.ticks())
    async with aiohttp.ClientSession() as session:
        stream = MarketStream(
            session, exchange.addresses.streams, patience=patience, chance=lambda below: below - 1
        )
        quotes = Quotes(stream, clock)
        try:
            yield quotes
        finally:
            async with asyncio.timeout(1):
                await quotes.close()


async def heard(line: Line, method: str, times: int = 1) -> list[str]:
    """Wait until the exchange heard a request so often; answer all its streams."""
    async with asyncio.timeout(5):
        while line.methods().count(method) < times:
            await asyncio.sleep(0.001)
    return [name for each in line.heard if each["method"] == method for name in each["params"]]


async def test_trades_and_best_prices_are_counted_each_for_themselves(
    exchange: ScriptedExchange,
) -> None:
    board, seen = Board(), []
    async with following(exchange) as quotes:
        quotes.watch("BTCUSDT", board)
        line = await exchange.line(1)
        await heard(line, "SUBSCRIBE")
        traded, shown = trade("BTCUSDT", "10.00"), best("BTCUSDT", "9.90", "10.10")
        for frame in (traded, shown, traded, traded, shown):
            await line.say(frame)
            seen.append(await board.next())

    trades = [tick_of(quote, "last") for quote in seen]
    tops = [tick_of(quote, "bid") for quote in seen[1:]]
    assert [after > before for before, after in pairwise(trades)] == [False, True, True, False]
    assert [after > before for before, after in pairwise(tops)] == [False, False, True]


async def test_merges_best_prices_and_trades_into_one_quote(exchange: ScriptedExchange) -> None:
    board = Board()
    async with following(exchange) as quotes:
        quotes.watch("BTCUSDT", board)
        line = await exchange.line(1)
        streams = await heard(line, "SUBSCRIBE")

        await line.say(best("BTCUSDT", "9.90", "10.10"))
        first = await board.next()
        await line.say(trade("BTCUSDT", "10.00"))
        second = await board.next()

    assert streams == ["btcusdt@bookTicker", "btcusdt@trade"]
    assert (first.bid, first.ask, first.last) == (Decimal("9.90"), Decimal("10.10"), Decimal(0))
    assert (second.bid, second.ask, second.last) == (
        Decimal("9.90"),
        Decimal("10.10"),
        Decimal("10.00"),
    )
    assert abs(second.time - exchange.now()) < 5_000


async def test_tells_the_newest_of_a_burst_and_few_of_it(exchange: ScriptedExchange) -> None:
    board = Board()
    async with following(exchange) as quotes:
        quotes.watch("BTCUSDT", board)
        line = await exchange.line(1)
        await heard(line, "SUBSCRIBE")

        await line.say(*(best("BTCUSDT", f"{price}.0", "9999") for price in range(1, 1001)))
        while not board.quotes or board.quotes[-1].bid != 1000:
            await board.next()

    bids = [quote.bid for quote in board.quotes]
    assert bids == sorted(bids)
    assert len(bids) < 1000


async def test_followers_of_one_symbol_share_its_subscription(exchange: ScriptedExchange) -> None:
    one, other = Board(), Board()
    async with following(exchange) as quotes:
        leave_one = quotes.watch("BTCUSDT", one)
        leave_other = quotes.watch("BTCUSDT", other)
        line = await exchange.line(1)
        subscribed = await heard(line, "SUBSCRIBE")
        await line.say(best("BTCUSDT", "1", "2"))
        await other.next()
        leave_one()
        leave_one()
        await line.say(best("BTCUSDT", "3", "4"))
        await other.next()
        leave_other()
        unsubscribed = await heard(line, "UNSUBSCRIBE")

    assert subscribed == unsubscribed == ["btcusdt@bookTicker", "btcusdt@trade"]
    assert [quote.bid for quote in one.quotes] == [1]
    assert [quote.bid for quote in other.quotes] == [1, 3]


async def test_symbols_come_and_go_without_a_new_connection(exchange: ScriptedExchange) -> None:
    board = Board()
    async with following(exchange) as quotes:
        leave = quotes.watch("BTCUSDT", Board())
        line = await exchange.line(1)
        await heard(line, "SUBSCRIBE")
        quotes.watch("ETHUSDT", board)
        leave()
        await heard(line, "SUBSCRIBE", 2)
        gone = await heard(line, "UNSUBSCRIBE")
        await line.say(best("ETHUSDT", "5", "6"))
        quote = await board.next()

    assert gone == ["btcusdt@bookTicker", "btcusdt@trade"]
    assert quote.symbol == "ETHUSDT"
    assert len(exchange.lines) == 1


async def test_many_symbols_are_asked_for_in_few_messages(exchange: ScriptedExchange) -> None:
    async with following(exchange) as quotes:
        for number in range(250):
            quotes.watch(f"S{number}USDT", Board())
        line = await exchange.line(1)
        streams = await heard(line, "SUBSCRIBE", 3)

    assert len(streams) == len(set(streams)) == 500
    assert line.methods() == ["SUBSCRIBE"] * 3


async def test_refuses_more_symbols_than_a_connection_carries(exchange: ScriptedExchange) -> None:
    async with following(exchange) as quotes:
        for number in range(512):
            quotes.watch(f"S{number}", Board())

        with pytest.raises(Halt, match="512"):
            quotes.watch("ONEMORE", Board())


async def test_subscribes_everything_again_after_a_loss(exchange: ScriptedExchange) -> None:
    board = Board()
    async with following(exchange) as quotes:
        quotes.watch("BTCUSDT", board)
        quotes.watch("ETHUSDT", Board())
        first = await exchange.line(1)
        await heard(first, "SUBSCRIBE")

        first.cut()
        second = await exchange.line(2)
        streams = await heard(second, "SUBSCRIBE")
        await second.say(best("BTCUSDT", "7", "8"))
        quote = await board.next()

    assert len(streams) == 4
    assert quote.bid == 7


async def test_leaves_a_connection_that_answers_pings_and_brings_nothing(
    exchange: ScriptedExchange,
) -> None:
    async with following(exchange, Patience(silence=30, retry_first=2)) as quotes:
        quotes.watch("BTCUSDT", Board())
        second = await exchange.line(2)

        assert await heard(second, "SUBSCRIBE")


async def test_looks_ever_more_rarely_into_a_market_that_sleeps(
    exchange: ScriptedExchange,
) -> None:
    async with following(exchange, Patience(silence=20, retry_first=1)) as quotes:
        quotes.watch("BTCUSDT", Board())
        await exchange.line(2)
        began = asyncio.get_running_loop().time()
        await exchange.line(4)

        assert asyncio.get_running_loop().time() - began > 0.1


async def test_stays_with_a_silent_connection_while_nothing_is_followed(
    exchange: ScriptedExchange,
) -> None:
    async with following(exchange, Patience(silence=20)) as quotes:
        leave = quotes.watch("BTCUSDT", Board())
        line = await exchange.line(1)
        await heard(line, "SUBSCRIBE")
        leave()
        await heard(line, "UNSUBSCRIBE")
        await asyncio.sleep(0.08)

        assert len(exchange.lines) == 1


async def test_connects_again_when_a_subscription_is_not_answered(
    exchange: ScriptedExchange,
) -> None:
    async def deaf(line: Line, said: dict[str, Any]) -> None:
        if len(exchange.lines) > 1:
            await answer_word(line, said)

    exchange.word = deaf
    board = Board()
    async with following(exchange, Patience(answer=50, retry_first=2)) as quotes:
        quotes.watch("BTCUSDT", board)
        second = await exchange.line(2)
        await heard(second, "SUBSCRIBE")
        await second.say(best("BTCUSDT", "1", "2"))

        assert (await board.next()).bid == 1


async def test_a_refused_symbol_disturbs_no_other(exchange: ScriptedExchange) -> None:
    async def picky(line: Line, said: dict[str, Any]) -> None:
        if "bad@trade" in said["params"]:
            await line.say({"id": said["id"], "error": {"code": 2, "msg": "Invalid request"}})
        else:
            await answer_word(line, said)

    exchange.word = picky
    board = Board()
    async with following(exchange) as quotes:
        quotes.watch("BTCUSDT", board)
        line = await exchange.line(1)
        await heard(line, "SUBSCRIBE")
        quotes.watch("BAD", Board())
        await heard(line, "SUBSCRIBE", 2)
        await line.say(best("BTCUSDT", "1", "2"))

        assert (await board.next()).bid == 1
        assert len(exchange.lines) == 1


async def test_survives_garbage_and_keeps_to_what_it_can_read(exchange: ScriptedExchange) -> None:
    board, bystander = Board(), Board()
    async with following(exchange) as quotes:
        quotes.watch("BTCUSDT", board)
        quotes.watch("ETHUSDT", bystander)
        line = await exchange.line(1)
        await heard(line, "SUBSCRIBE")

        await line.say(
            "junk",
            "[1]",
            {"stream": "x"},
            {"stream": "x", "data": None},
            {"stream": "x", "data": {"s": ["list"]}},
            {"stream": "x", "data": {"s": "BTCUSDT", "e": "kline"}},
            {"stream": "x", "data": {"s": "BTCUSDT", "e": "trade", "p": 1.5}},
        )
        await asyncio.sleep(0.01)
        await line.say(best("BTCUSDT", "NaN", "1"), best("ETHUSDT", "3", "4"))
        await bystander.next()
        await line.say(best("BTCUSDT", "1", "2"))

        assert (await board.next()).bid == 1
        assert [quote.bid for quote in board.quotes] == [1]


async def test_a_follower_that_fails_keeps_no_other_from_its_quote(
    exchange: ScriptedExchange,
) -> None:
    def fail(_: Quote) -> None:
        raise ZeroDivisionError

    board = Board()
    async with following(exchange) as quotes:
        quotes.watch("BTCUSDT", fail)
        quotes.watch("BTCUSDT", board)
        line = await exchange.line(1)
        await heard(line, "SUBSCRIBE")
        await line.say(best("BTCUSDT", "1", "2"))

        assert (await board.next()).bid == 1


async def test_a_connection_may_end_before_its_companions_began(
    exchange: ScriptedExchange, recwarn: pytest.WarningsRecorder
) -> None:
    began: list[str] = []

    async def work() -> None:
        began.append("work")

    async with aiohttp.ClientSession() as session:
        url = f"{exchange.addresses.streams}/stream"
        connection = await connect(session, url, HASTE)
        connection.listen(lambda _: None)
        connection.accompany(work)
        await connection.hang_up()
    gc.collect()

    assert not began
    assert not recwarn.list


@pytest.mark.parametrize("sign", ["rotation", "shutdown"])
async def test_hands_over_to_the_next_connection_without_stale_prices(
    exchange: ScriptedExchange, sign: str
) -> None:
    board = Board()
    rotation = 40 if sign == "rotation" else 60_000
    patience = Patience(rotation=rotation, linger=100, farewell=20)
    async with following(exchange, patience) as quotes:
        quotes.watch("BTCUSDT", board)
        first = await exchange.line(1)
        await heard(first, "SUBSCRIBE")
        if sign == "shutdown":
            await first.say({"stream": "!serverShutdown", "data": {"e": "serverShutdown"}})
        second = await exchange.line(2)
        await heard(second, "SUBSCRIBE")
        await asyncio.sleep(0.02)
        await second.say(best("BTCUSDT", "2", "3"))
        newest = await board.next()
        await first.say(best("BTCUSDT", "1", "2"))
        await asyncio.sleep(0.02)

    assert newest.bid == 2
    assert board.quotes[-1].bid == 2
