"""Binance's own client, unmodified, by the WebSocket API and by streams."""

import asyncio
from typing import Any, Final

import pytest

from tests.foreign.clients import official
from tests.foreign.shapes import absent, unknown
from tests.foreign.stage import SYMBOL, Stage, stage
from tests.foreign.test_official_client import FAR_BID, OCO, OF_SYMBOL

pytestmark = [
    pytest.mark.asyncio,
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:parameter 'timeout' of type 'float':DeprecationWarning"),
]

QUESTIONS: Final[list[tuple[str, dict[str, Any]]]] = [
    ("ping", {}),
    ("time", {}),
    ("exchange_info", OF_SYMBOL),
    ("execution_rules", OF_SYMBOL),
    ("depth", OF_SYMBOL),
    ("trades_recent", OF_SYMBOL),
    ("trades_historical", OF_SYMBOL),
    ("trades_aggregate", OF_SYMBOL),
    ("klines", {**OF_SYMBOL, "interval": "1m"}),
    ("ui_klines", {**OF_SYMBOL, "interval": "1m"}),
    ("avg_price", OF_SYMBOL),
    ("ticker24hr", OF_SYMBOL),
    ("ticker_trading_day", OF_SYMBOL),
    ("ticker_price", OF_SYMBOL),
    ("ticker_book", OF_SYMBOL),
    ("ticker", OF_SYMBOL),
    ("session_status", {}),
    ("session_subscriptions", {}),
    ("order_test", FAR_BID),
    ("order_place", FAR_BID),
    ("order_status", {**OF_SYMBOL, "order_id": 1}),
    ("open_orders_status", {}),
    ("all_orders", OF_SYMBOL),
    ("my_trades", OF_SYMBOL),
    ("order_amend_keep_priority", {**OF_SYMBOL, "order_id": 1, "new_qty": 0.005}),
    ("order_amendments", {**OF_SYMBOL, "order_id": 1}),
    ("order_list_place_oco", OCO),
    ("open_order_lists_status", {}),
    ("all_order_lists", {}),
    ("open_orders_cancel_all", OF_SYMBOL),
    ("account_status", {}),
    ("account_rate_limits_orders", {}),
    ("account_commission", OF_SYMBOL),
    ("my_prevented_matches", {**OF_SYMBOL, "order_id": 1}),
    ("my_allocations", OF_SYMBOL),
    ("my_filters", OF_SYMBOL),
]


async def test_every_method_gives_what_the_client_expects() -> None:
    async with stage() as scene:
        api = official(scene).websocket_api
        await api.create_connection()
        mistaken = {}
        for method, params in QUESTIONS:
            answer = (await getattr(api, method)(**params)).data()
            if isinstance(answer, dict):  # what it makes of an error
                mistaken[method] = answer
        await api.close_connection()

        assert mistaken == {}


async def test_it_trades_by_the_websocket_api() -> None:
    async with stage() as scene:
        api = official(scene).websocket_api
        await api.create_connection()
        placed = (await api.order_place(**FAR_BID)).data().result
        status = (await api.order_status(symbol=SYMBOL, order_id=placed.order_id)).data().result
        canceled = (await api.order_cancel(symbol=SYMBOL, order_id=placed.order_id)).data()
        account = await api.account_status()
        await api.close_connection()

        assert (status.status, canceled.result.to_dict()["status"]) == ("NEW", "CANCELED")
        assert account.data().result.account_type == "SPOT"
        assert account.rate_limits[0].count > 0


async def test_it_hears_of_its_account() -> None:
    async with stage() as scene:
        api = official(scene).websocket_api
        await api.create_connection()
        heard: asyncio.Queue[Any] = asyncio.Queue()
        subscription = await api.user_data_stream_subscribe_signature()
        subscription.stream.on("message", heard.put_nowait)
        await api.order_place(**FAR_BID)
        async with asyncio.timeout(3):
            events = [await heard.get(), await heard.get()]
        await api.close_connection()

        report, position = (event.actual_instance for event in events)
        assert (report.x, report.X) == ("NEW", "NEW")
        assert type(position).__name__ == "OutboundAccountPosition"


@pytest.mark.parametrize(
    ("stream", "params"),
    [
        ("trade", {}),
        ("agg_trade", {}),
        ("book_ticker", {}),
        ("mini_ticker", {}),
        ("ticker", {}),
        ("diff_book_depth", {"update_speed": "100ms"}),
        ("partial_book_depth", {"levels": "5", "update_speed": "100ms"}),
        ("kline", {"interval": "1m"}),
        ("kline_offset", {"interval": "1m"}),
        ("rolling_window_ticker", {"window_size": "1h"}),
        ("avg_price", {}),
    ],
)
async def test_it_hears_of_the_market(stream: str, params: dict[str, str]) -> None:
    async with stage() as scene:
        streams = official(scene).websocket_streams
        await streams.create_connection()
        heard: asyncio.Queue[Any] = asyncio.Queue()
        subscription = await getattr(streams, stream)(symbol="btcusdt", **params)
        subscription.on("message", heard.put_nowait)
        await asyncio.sleep(0.05)  # the subscription is on its way
        _move(scene)
        async with asyncio.timeout(3):
            event = await heard.get()
        await streams.close_connection()

        assert list(unknown(event)) == []
        assert list(absent(event)) == []


def _move(scene: Stage) -> None:
    scene.show([("59999", "3")], [("60001", "3")])
    scene.print("60001")
