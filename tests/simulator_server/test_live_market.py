"""A paper exchange whose market is another simulator's: what is seen there is seen here."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from lib.binance.connection import Patience
from lib.binance.public_market import PublicMarket, market_addresses
from lib.errors import Unavailable
from lib.simulator.options import Options
from lib.simulator.paper.live_market import LivePatience
from lib.simulator.paper.live_rules import NoSuchSymbol
from lib.simulator.paper.paper import Paper, PaperSettings, open_paper
from tests.simulator_server.client import STILL, Client

pytestmark = [pytest.mark.asyncio, pytest.mark.slow]

HASTE = Patience(answer=2_000, linger=20, farewell=20, retry_first=20, retry_last=50)
QUICK = LivePatience(silence=3_000, opening=5_000, retry_first=20, retry_last=100)
LIVE = PaperSettings(
    market="live", symbols=("BTCUSDT",), control=True, balances={"USDT": Decimal(100_000)}
)
BOOK = "depth?symbol=BTCUSDT&limit=100"
FAR = "50000.00000000"  # where the tests' own orders rest
PATIENCE = 8.0


@dataclass
class Both:
    """The real market and a paper exchange that shows it, each with a client."""

    real: Paper
    market: Client
    paper: Paper
    client: Client

    async def until(self, true: Callable[[], Any]) -> None:
        """Wait until something holds."""
        async with asyncio.timeout(PATIENCE):
            while not await true():
                await asyncio.sleep(0.05)

    async def until_equal(self) -> None:
        """Wait until both show the same book, but for what rests here far below the market."""

        async def equal() -> bool:
            books = [(await each.get(BOOK))[1] for each in (self.market, self.client)]
            shown = [[level for level in book["bids"] if level[0] != FAR] for book in books]
            return shown[0] == shown[1] and books[0]["asks"] == books[1]["asks"]

        await self.until(equal)

    async def until_stale(self) -> None:
        async def stale() -> bool:
            assert self.paper._live is not None
            return self.paper._live.stale("BTCUSDT")

        await self.until(stale)

    async def until_in_step(self) -> None:
        async def in_step() -> bool:
            assert self.paper._live is not None
            return not self.paper._live.stale("BTCUSDT")

        await self.until(in_step)

    async def order(self, id: str = "a") -> Any:
        return (await self.client.call("GET", "order", symbol="BTCUSDT", origClientOrderId=id))[1]

    async def until_status(self, status: str, id: str = "a") -> None:
        async def reached() -> bool:
            return bool((await self.order(id))["status"] == status)

        await self.until(reached)


@asynccontextmanager
async def two(
    settings: PaperSettings = LIVE,
    *,
    patience: LivePatience = QUICK,
    market: PaperSettings = STILL,
    stream: Patience = HASTE,
) -> AsyncIterator[Both]:
    async with aiohttp.ClientSession() as session:
        real = await open_paper(market)
        try:
            watched = Client(real.address, session)
            if market.market == "none":
                await watched.set_book()
            source = PublicMarket(market_addresses(real.address), patience=stream)
            paper = await open_paper(settings, source=source, patience=patience)
            try:
                yield Both(real, watched, paper, Client(paper.address, session))
            finally:
                await paper.close()
        finally:
            await real.close()


async def test_the_book_seen_is_the_real_one_and_follows_it() -> None:
    async with two() as both:
        await both.until_equal()
        _, first = await both.client.get(BOOK)

        await both.market.set_book("59000", "59000.01")
        await both.until_equal()
        _, second = await both.client.get(BOOK)

        assert first["bids"] == [["60000.00000000", "5.00000000"]]
        assert second["bids"] == [["59000.00000000", "5.00000000"]]


async def test_a_recorded_market_seen_through_both_has_equal_prices() -> None:
    moving = PaperSettings(market="candles", speed=60, control=True)
    async with two(market=moving) as both:
        for _ in range(3):
            await both.until_equal()
            await asyncio.sleep(0.3)


async def test_trades_come_with_their_own_time_and_price() -> None:
    async with two() as both, both.client.socket("/ws/btcusdt@trade") as here:
        async with both.market.socket("/ws/btcusdt@trade") as there:
            await both.market.trade("60000.01")

            real, shown = await there.receive(), await here.receive()

        told = ("e", "s", "p", "q", "T", "m")
        assert [shown[name] for name in told] == [real[name] for name in told]


async def test_the_last_price_is_known_from_the_first_look() -> None:
    async with two() as both:
        _, price = await both.client.get("ticker/price?symbol=BTCUSDT")

        assert price["price"] == "60000.00000000"


async def test_an_order_fills_against_the_live_book_and_stays_inside() -> None:
    async with two() as both:
        market = {"price": None, "timeInForce": None, "type": "MARKET"}
        order = {"side": "BUY", "quantity": "0.5", **market}
        asked = {name: value for name, value in order.items() if value is not None}
        _, placed = await both.client.call(
            "POST", "order", symbol="BTCUSDT", newClientOrderId="a", **asked
        )

        assert placed["status"] == "FILLED"
        assert placed["fills"][0]["price"] == "60000.01000000"
        assert both.real.state["orders"] == []


async def test_a_resting_order_fills_when_somebody_trades_at_its_price() -> None:
    async with two() as both:
        await both.client.place("a", price="59999")
        await both.market.trade("59990")

        await both.until_status("FILLED")

        assert (await both.order())["cummulativeQuoteQty"] == "59.99900000"


async def test_a_gap_is_healed_by_a_snapshot_and_what_happened_meanwhile_is_not_made_up(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    slow = replace(HASTE, retry_first=1_000, retry_last=1_000)
    async with two(stream=slow) as both:
        await both.client.place("low", price="50000")
        assert both.paper._live is not None

        await both.market.command("POST", "drop-connections")
        await both.until_stale()
        await both.market.trade("49000")
        await both.market.set_book("58000", "58000.01")
        await both.until_in_step()
        await both.until_equal()

        assert (await both.order("low"))["status"] == "NEW"
    stale = [line for line in caplog.messages if "is stale" in line]
    assert len(stale) == 1


async def test_while_the_feed_is_lost_the_book_stands_still_and_nothing_is_placed() -> None:
    never = replace(HASTE, retry_first=20_000, retry_last=20_000)
    async with two(stream=never) as both:
        await both.client.place("rests", price="50000")
        before = (await both.client.get(BOOK))[1]
        await both.market.command("POST", "drop-connections")
        await both.until_stale()
        await both.market.set_book("40000", "40000.01")

        status, refused = await both.client.place("late", price="60001")
        _, canceled = await both.client.call(
            "DELETE", "order", symbol="BTCUSDT", origClientOrderId="rests"
        )
        after = (await both.client.get(BOOK))[1]

        print(canceled, refused)
        assert (status, refused["code"]) == (400, -1008)
        assert canceled.get("status") == "CANCELED"
        assert [order["clientOrderId"] for order in both.paper.state["orders"]] == ["rests"]
        assert before["asks"] == after["asks"]
        assert (await both.client.get("exchangeInfo"))[1]["symbols"][0]["status"] == "TRADING"


async def test_a_stale_symbol_may_take_a_break_instead() -> None:
    never = replace(HASTE, retry_first=20_000, retry_last=20_000)
    settings = replace(LIVE, options=Options(stale_market="break"))
    async with two(settings, stream=never) as both:
        assert (await both.client.get("exchangeInfo"))[1]["symbols"][0]["status"] == "TRADING"
        await both.market.command("POST", "drop-connections")
        await both.until_stale()

        status, refused = await both.client.place("late", price="60001")

        assert (status, refused) == (400, {"code": -1013, "msg": "Market is closed."})
        assert (await both.client.get("exchangeInfo"))[1]["symbols"][0]["status"] == "BREAK"


async def test_a_half_open_feed_is_stale_after_the_silence_and_returns() -> None:
    short = replace(QUICK, silence=1_500)
    line = replace(HASTE, silence=2_500)
    async with two(patience=short, stream=line) as both:
        await both.market.command("POST", "freeze-connections")

        await both.until_stale()
        status, _ = await both.client.place("late", price="50000")
        await both.market.set_book("58000", "58000.01")
        await both.until_in_step()
        await both.until_equal()

        assert status == 400


async def test_a_quiet_market_is_not_a_stale_one() -> None:
    short = replace(QUICK, silence=1_500)
    async with two(patience=short) as both:
        await asyncio.sleep(2.5)

        assert (await both.client.place("a", price="50000"))[0] == 200


async def test_candles_and_day_tickers_are_the_real_market_s_own() -> None:
    moving = PaperSettings(market="candles", speed=1, control=True)
    async with two(market=moving) as both:
        for path in (
            "klines?symbol=BTCUSDT&interval=1h&limit=100&endTime=1700000000000",
            "klines?symbol=BTCUSDT&interval=1d&limit=3",
            "ticker/24hr?symbol=BTCUSDT",
            "ticker/24hr",
        ):
            (there, real), (here, shown) = await asyncio.gather(
                both.market.get(path), both.client.get(path)
            )
            assert here == there == 200
            if "klines" in path:
                assert [row[0] for row in shown] == [row[0] for row in real]
                assert shown[:-1] == real[:-1]
            elif "symbol" in path:
                assert shown["openPrice"] == real["openPrice"]
            else:
                assert [entry["symbol"] for entry in shown] == ["BTCUSDT"]


async def test_the_same_candles_are_asked_for_once_in_a_moment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with two() as both:
        assert both.paper._live is not None
        asked: list[str] = []
        ask = both.paper._live.ask

        async def noted(path: str, params: Any) -> tuple[int, object]:
            asked.append(path)
            return await ask(path, params)

        monkeypatch.setattr(both.paper._live, "ask", noted)
        path = "klines?symbol=BTCUSDT&interval=1d&limit=2"
        answers = [await both.client.get(path) for _ in range(3)]
        await both.client.get("klines?symbol=BTCUSDT&interval=1d&limit=3")

        assert asked == ["klines", "klines"]
        assert answers[0] == answers[1] == answers[2]


async def test_mistakes_about_candles_are_told_as_ever() -> None:
    async with two() as both:
        status, body = await both.client.get("klines?symbol=BTCUSDT&interval=7m")
        unknown = await both.client.get("klines?symbol=ETHUSDT&interval=1m")

        assert (status, body["code"]) == (400, -1120)
        assert unknown[1]["code"] == -1121


async def test_candles_cannot_be_told_while_the_real_market_cannot_be_asked() -> None:
    async with two() as both:
        await both.real.close()

        status, body = await both.client.get("klines?symbol=BTCUSDT&interval=1m")

        assert (status, body["code"]) == (503, -1001)


async def test_a_growing_candle_holds_what_was_before_this_exchange_began() -> None:
    async with two() as both, both.client.socket("/ws/btcusdt@kline_1d") as socket:
        candle = (await socket.receive())["k"]

        assert candle["c"] == "60000.00000000"


async def test_only_symbols_the_real_market_has_can_be_shown() -> None:
    with pytest.raises(NoSuchSymbol, match="XXXUSDT"):
        async with two(replace(LIVE, symbols=("BTCUSDT", "XXXUSDT"))):
            pass


async def test_rules_are_the_real_market_s_and_follow_its_changes() -> None:
    async with two() as both:
        assert both.paper._live is not None
        await both.client.place("a", price="50000")
        tick = {"filterType": "PRICE_FILTER", "minPrice": "0.50000000"}
        tick |= {"maxPrice": "900000.00000000", "tickSize": "0.50000000"}
        both.real.exchange.change_symbol("BTCUSDT", {"filters": [tick]})

        await both.paper._live.renew_rules()
        status, refused = await both.client.place("b", price="50000.01")

        assert (status, refused["msg"]) == (400, "Filter failure: PRICE_FILTER")
        assert (await both.order("a"))["status"] == "NEW"


async def test_without_a_network_the_rules_of_an_earlier_life_hold_and_the_market_returns(
    tmp_path: Path,
) -> None:
    books = replace(LIVE, books=tmp_path / "books.sqlite")
    async with two(books) as both:
        await both.client.place("a", price="50000")
        port = int(both.real.address.rpartition(":")[2])

    source = PublicMarket(market_addresses(f"http://127.0.0.1:{port}"), patience=HASTE)
    paper = await open_paper(books, source=source, patience=replace(QUICK, opening=100))
    async with aiohttp.ClientSession() as session:
        client = Client(paper.address, session)
        _, refused = await client.place("b", price="50000")
        real = await open_paper(replace(STILL, port=port))
        both = Both(real, Client(real.address, session), paper, client)
        await both.market.set_book()
        await both.until_in_step()
        await both.until_equal()
        found = await both.order("a")
        await paper.close()
        await real.close()

    assert refused["code"] == -1008
    assert found["status"] == "NEW"


async def test_a_first_start_without_the_real_market_is_refused() -> None:
    source = PublicMarket(market_addresses("http://127.0.0.1:9"), patience=HASTE)
    with pytest.raises(Unavailable):
        await open_paper(LIVE, source=source, patience=QUICK)


async def test_a_wiped_exchange_shows_the_live_market_again() -> None:
    async with two() as both:
        await both.client.place("a", price="50000")
        await both.client.command("POST", "wipe")

        await both.until_equal()

        assert both.paper.state["orders"] == []
        assert (await both.client.place("a", price="50000"))[0] == 200


async def test_fees_in_bnb_are_priced_by_the_live_market() -> None:
    options = Options(fees_in_bnb=True)
    balances = {"USDT": Decimal(100_000), "BNB": Decimal(10)}
    settings = replace(LIVE, options=options, balances=balances)
    listed = replace(STILL, symbols=("BTCUSDT", "BNBUSDT"))
    async with aiohttp.ClientSession() as session:
        real = await open_paper(listed)
        market = Client(real.address, session)
        await market.set_book()
        trade = {"symbol": "BNBUSDT", "price": "500", "quantity": "1", "buyer_is_maker": True}
        await market.command("POST", "trade", trade)
        source = PublicMarket(market_addresses(real.address), patience=HASTE)
        paper = await open_paper(settings, source=source, patience=QUICK)
        _, placed = await Client(paper.address, session).place("a", price="60000.01", quantity="1")
        await paper.close()
        await real.close()

    assert paper.symbols == ("BTCUSDT", "BNBUSDT")
    (fill,) = placed["fills"]
    assert (fill["commissionAsset"], fill["commission"]) == ("BNB", "0.09000001")


@pytest.mark.parametrize("market", ["candles", "capture"])
async def test_fees_in_bnb_are_refused_where_nothing_prices_them(market: Any) -> None:
    with pytest.raises(ValueError, match="BNBUSDT"):
        PaperSettings(market=market, options=Options(fees_in_bnb=True))
