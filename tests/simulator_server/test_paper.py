import asyncio
import time
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from binance import AsyncClient, BinanceSocketManager
from binance.exceptions import BinanceAPIException

from lib.simulator.paper.paper import MarketKind, Paper, PaperSettings, exchange_info, open_paper
from tests.simulator_server.client import STILL, paper_client

pytestmark = [pytest.mark.asyncio, pytest.mark.slow]


class Library:
    """The unmodified python-binance against one paper exchange."""

    def __init__(self, paper: Paper) -> None:
        http, socket = paper.address, paper.address.replace("http", "ws")

        class Pointed(AsyncClient):  # type: ignore[misc]
            API_URL = f"{http}/api"
            WS_API_URL = f"{socket}/ws-api/v3"

        class PointedSockets(BinanceSocketManager):  # type: ignore[misc]
            STREAM_URL = f"{socket}/"

        self._client = Pointed
        self._sockets = PointedSockets

    async def __aenter__(self) -> tuple[Any, Any]:
        self.client = await self._client.create("paper", "paper")
        self.client.ws_api.TIMEOUT = 0.5  # closing waits that long for a silent socket
        return self.client, self._sockets(self.client)

    async def __aexit__(self, *_: object) -> None:
        await self.client.close_connection()


async def test_python_binance_trades_by_rest_unmodified() -> None:
    async with paper_client(PaperSettings()) as (paper, _), Library(paper) as (client, _sockets):
        assert await client.ping() == {}
        assert abs((await client.get_server_time())["serverTime"] - paper.clock()) < 2_000

        bought = await client.create_order(
            symbol="BTCUSDT", side="BUY", type="MARKET", quoteOrderQty="100"
        )
        rests = await client.create_order(
            symbol="BTCUSDT",
            side="BUY",
            type="LIMIT",
            timeInForce="GTC",
            quantity="0.001",
            price="30000",
        )
        found = await client.get_order(symbol="BTCUSDT", orderId=rests["orderId"])
        canceled = await client.cancel_order(symbol="BTCUSDT", orderId=rests["orderId"])
        account = await client.get_account()

        assert (bought["status"], found["status"]) == ("FILLED", "NEW")
        assert canceled["status"] == "CANCELED"
        held = {balance["asset"]: Decimal(balance["free"]) for balance in account["balances"]}
        spent = Decimal(bought["cummulativeQuoteQty"])
        assert held["USDT"] == 10_000 - spent
        assert held["BTC"] > 0


async def test_python_binance_reads_the_past_unmodified() -> None:
    async with paper_client(PaperSettings()) as (paper, _), Library(paper) as (client, _sockets):
        hours = await client.get_klines(symbol="BTCUSDT", interval="1h", limit=100)
        pages = await client.get_historical_klines("ETHUSDT", "15m", "12 days ago UTC")

        assert len(hours) == 100
        assert hours[-1][0] <= paper.clock() <= hours[-1][6]
        assert 1_100 < len(pages) <= 1_153
        opens = [row[0] for row in pages]
        assert opens == list(range(opens[0], opens[0] + len(opens) * 900_000, 900_000))


async def test_python_binance_is_told_of_mistakes_in_binances_words() -> None:
    async with paper_client(PaperSettings()) as (paper, _), Library(paper) as (client, _sockets):
        with pytest.raises(BinanceAPIException) as refused:
            await client.create_order(symbol="BTCUSDT", side="BUY", type="MARKET", quantity="90")
        with pytest.raises(BinanceAPIException) as interval:
            await client.get_klines(symbol="BTCUSDT", interval="7m")

        assert refused.value.code == -2010
        assert interval.value.code == -1120


async def test_python_binance_listens_unmodified() -> None:
    async with paper_client(PaperSettings()) as (paper, _), Library(paper) as (client, sockets):
        market = sockets.multiplex_socket(["btcusdt@trade", "ethusdt@bookTicker"])
        async with sockets.user_socket() as user, market as prices:
            await client.create_order(symbol="BTCUSDT", side="BUY", type="MARKET", quantity="0.01")

            events = [(await _next(user))["e"] for _ in range(3)]
            streams = {(await _next(prices))["stream"] for _ in range(12)}

        assert events == ["executionReport", "executionReport", "outboundAccountPosition"]
        assert streams == {"btcusdt@trade", "ethusdt@bookTicker"}


async def test_python_binance_trades_by_websocket_unmodified() -> None:
    async with paper_client(PaperSettings()) as (paper, _), Library(paper) as (client, _sockets):
        placed = await client.ws_create_order(
            symbol="BTCUSDT",
            side="BUY",
            type="LIMIT",
            timeInForce="GTC",
            quantity="0.001",
            price="30000",
        )
        found = await client.ws_get_order(symbol="BTCUSDT", orderId=placed["orderId"])

        assert found["status"] == "NEW"


@pytest.mark.parametrize(("market", "speed"), [("candles", 60), ("capture", 1)])
async def test_prices_move_at_once(market: MarketKind, speed: int) -> None:
    async with paper_client(PaperSettings(market=market, speed=speed)) as (_, client):
        async with client.socket("/stream?streams=btcusdt@trade/ethusdt@trade") as socket:
            _, first = await client.get("ticker/price?symbol=BTCUSDT")
            started = time.monotonic()
            seen = {first["price"]}
            while len(seen) < 3:
                seen.add((await socket.receive())["data"]["p"])

        assert time.monotonic() - started < 2.5


async def test_the_market_begins_at_the_first_of_august() -> None:
    async with paper_client(PaperSettings()) as (_, client):
        _, book = await client.get("depth?symbol=BTCUSDT")

        assert len(book["bids"]) == len(book["asks"]) == 20
        assert 64_500 < Decimal(book["bids"][0][0]) < 64_700


async def test_a_restarted_venue_keeps_its_orders_and_goes_on_in_the_recording(
    tmp_path: Path,
) -> None:
    settings = PaperSettings(books=tmp_path / "venue.sqlite", speed=3_600)
    async with paper_client(settings) as (paper, client):
        await client.place("a", price="30000")
        await asyncio.sleep(0.6)
        stood = _position(paper)
        uid = (await client.call("GET", "account"))[1]["uid"]

    async with paper_client(settings) as (paper, client):
        _, found = await client.call("GET", "order", symbol="BTCUSDT", origClientOrderId="a")
        account = (await client.call("GET", "account"))[1]

        assert found["status"] == "NEW"
        assert account["uid"] == uid
        assert _position(paper) >= stood > 62_000 * 300_000 - 10**9


async def test_the_recording_is_begun_anew_for_another_seed(tmp_path: Path) -> None:
    settings = PaperSettings(books=tmp_path / "venue.sqlite", speed=36_000)
    async with paper_client(settings) as (paper, _):
        await asyncio.sleep(0.3)
        stood = _position(paper)

    async with paper_client(replace(settings, seed=2)) as (paper, _):
        assert _position(paper) < stood


async def test_the_key_is_not_written_into_the_books(tmp_path: Path) -> None:
    path = tmp_path / "venue.sqlite"
    settings = replace(STILL, books=path, key="my-real-key", secret="my-real-secret")
    paper = await open_paper(settings)
    await paper.close()

    assert b"my-real" not in _all_bytes(tmp_path)
    assert "my-real-secret" not in repr(settings)


async def test_venues_with_the_same_seed_open_with_the_same_book() -> None:
    books = []
    for _ in range(2):
        async with paper_client(PaperSettings(speed=1)) as (_, client):
            books.append((await client.get("depth?symbol=ETHUSDT"))[1]["bids"])

    assert books[0] == books[1]


async def test_a_speed_below_one_is_refused() -> None:
    with pytest.raises(ValueError, match="speed is 0"):
        PaperSettings(speed=0)


async def test_only_symbols_with_a_market_are_listed() -> None:
    assert [symbol["symbol"] for symbol in exchange_info()["symbols"]] == ["BTCUSDT", "ETHUSDT"]


async def _next(socket: Any) -> Any:
    async with asyncio.timeout(3):
        return await socket.recv()


def _position(paper: Paper) -> int:
    assert paper.player is not None
    return paper.player._replay.resume_at


def _all_bytes(folder: Path) -> bytes:
    files = [file.read_bytes() for file in folder.iterdir()]
    assert any(files)
    return b"".join(files)
