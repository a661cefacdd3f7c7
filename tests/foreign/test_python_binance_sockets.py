"""python-binance, unmodified, listens to market streams and to its account."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from binance.ws.depthcache import DepthCacheManager

from tests.foreign.clients import PATIENCE, heard, python_binance
from tests.foreign.stage import SYMBOL, Stage, stage

pytestmark = [pytest.mark.asyncio, pytest.mark.slow]


def quick(socket: Any) -> Any:
    """Let a socket close without waiting ten seconds for one more message."""
    socket.TIMEOUT = 0.2
    return socket


async def _next(socket: Any) -> Any:
    async with asyncio.timeout(PATIENCE):
        return await socket.recv()


@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        ("trade_socket", (SYMBOL,), {"e": "trade", "p": "60001.00000000"}),
        ("aggtrade_socket", (SYMBOL,), {"e": "aggTrade", "q": "0.01000000"}),
        ("kline_socket", (SYMBOL, "1m"), {"e": "kline", "s": SYMBOL}),
        ("symbol_miniticker_socket", (SYMBOL,), {"e": "24hrMiniTicker", "c": "60001.00000000"}),
        ("symbol_ticker_socket", (SYMBOL,), {"e": "24hrTicker", "c": "60001.00000000"}),
        ("symbol_book_ticker_socket", (SYMBOL,), {"s": SYMBOL, "b": "59999.00000000"}),
        ("depth_socket", (SYMBOL,), {"e": "depthUpdate", "s": SYMBOL}),
    ],
)
async def test_a_market_stream_says_what_happened(
    name: str, arguments: tuple[str, ...], expected: dict[str, str]
) -> None:
    async with stage() as scene, python_binance(scene) as (_, sockets):
        async with quick(getattr(sockets, name)(*arguments)) as socket:
            event = await heard(_next(socket), lambda: _move(scene))

        assert {field: event[field] for field in expected} == expected


def _move(scene: Stage) -> None:
    scene.show([("59999", "3")], [("60001", "3")])
    scene.print("60001")


async def test_the_top_of_the_book_is_sent_whole() -> None:
    async with stage() as scene, python_binance(scene) as (_, sockets):
        async with quick(sockets.depth_socket(SYMBOL, depth="5", interval=100)) as socket:
            top = await _next(socket)

        assert top["bids"][0] == ["59999.00000000", "2.00000000"]
        assert (len(top["bids"]), len(top["asks"])) == (5, 5)


async def test_all_tickers_come_in_one_list() -> None:
    async with stage() as scene, python_binance(scene) as (_, sockets):
        async with quick(sockets.miniticker_socket()) as socket:
            tickers = await heard(_next(socket), lambda: scene.print("60002"))

        assert {ticker["s"]: ticker["c"] for ticker in tickers}[SYMBOL] == "60002.00000000"


async def test_one_socket_carries_many_streams() -> None:
    streams = ["btcusdt@trade", "ethusdt@trade"]
    async with stage() as scene, python_binance(scene) as (_, sockets):
        async with quick(sockets.multiplex_socket(streams)) as socket:
            await asyncio.sleep(0.05)
            scene.print("60000")
            scene.print("2000", symbol="ETHUSDT")
            frames = [await _next(socket), await _next(socket)]

        assert [(frame["stream"], frame["data"]["s"]) for frame in frames] == [
            ("btcusdt@trade", SYMBOL),
            ("ethusdt@trade", "ETHUSDT"),
        ]


async def test_the_depth_cache_keeps_the_book_that_the_venue_has() -> None:
    async with stage() as scene, python_binance(scene) as (client, sockets):
        quick(sockets.depth_socket(SYMBOL, interval=100))  # the one the manager will take
        manager = DepthCacheManager(client, SYMBOL, bm=sockets, ws_interval=100)
        async with manager as cached:
            changes: list[Callable[[], Any]] = [
                lambda: scene.show([("59998", "1")], [("60003", "4")]),
                lambda: client.order_limit_buy(symbol=SYMBOL, quantity="0.5", price="59000"),
                lambda: scene.show([("59998", "1"), ("59997", "1")], [("60002", "4")]),
            ]
            for change in changes:
                cache = await heard(cached.recv(), change)

        assert cache.get_bids() == [[59998.0, 1.0], [59997.0, 1.0], [59000.0, 0.5]]
        assert cache.get_asks() == [[60002.0, 4.0]]


async def test_the_account_is_told_of_its_orders_as_they_live() -> None:
    async with stage() as scene, python_binance(scene) as (client, sockets):
        async with quick(sockets.user_socket()) as user:
            await asyncio.sleep(0.05)
            placed = await client.order_limit_buy(symbol=SYMBOL, quantity="1", price="59000")
            await client.cancel_order(symbol=SYMBOL, orderId=placed["orderId"])
            await client.order_market_sell(symbol=SYMBOL, quantity="1")
            events = [await _next(user) for _ in range(7)]

        assert [(event["e"], event.get("x"), event.get("X")) for event in events] == [
            ("executionReport", "NEW", "NEW"),
            ("outboundAccountPosition", None, None),
            ("executionReport", "CANCELED", "CANCELED"),
            ("outboundAccountPosition", None, None),
            ("executionReport", "NEW", "NEW"),
            ("executionReport", "TRADE", "FILLED"),
            ("outboundAccountPosition", None, None),
        ]
        canceled = events[2]
        assert canceled["C"] == placed["clientOrderId"] != canceled["c"]


async def test_the_account_is_told_of_its_order_lists() -> None:
    async with stage() as scene, python_binance(scene) as (client, sockets):
        async with quick(sockets.user_socket()) as user:
            await asyncio.sleep(0.05)
            await client.create_oco_order(
                symbol=SYMBOL,
                side="SELL",
                quantity="1",
                aboveType="LIMIT_MAKER",
                abovePrice="65000",
                belowType="STOP_LOSS",
                belowStopPrice="55000",
            )
            events = [await _next(user) for _ in range(4)]

        (told,) = (event for event in events if event["e"] == "listStatus")
        legs = {event["i"] for event in events if event["e"] == "executionReport"}
        assert (told["c"], told["l"], told["L"]) == ("OCO", "EXEC_STARTED", "EXECUTING")
        assert {leg["i"] for leg in told["O"]} == legs
