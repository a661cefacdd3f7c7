"""python-binance, unmodified, lives an ordinary life by REST and by the WebSocket API."""

from decimal import Decimal
from typing import Any

import pytest
from binance.exceptions import BinanceAPIException

from tests.foreign.clients import python_binance
from tests.foreign.stage import SYMBOL, stage

pytestmark = [pytest.mark.asyncio, pytest.mark.slow]

FAR_BID = {
    "symbol": SYMBOL,
    "side": "BUY",
    "type": "LIMIT",
    "timeInForce": "GTC",
    "quantity": "0.01",
    "price": "50000",
}
PROTECTION = {
    "aboveType": "LIMIT_MAKER",
    "abovePrice": "65000",
    "belowType": "STOP_LOSS_LIMIT",
    "belowStopPrice": "55000",
    "belowPrice": "54900",
    "belowTimeInForce": "GTC",
}
OCO = {"symbol": SYMBOL, "side": "SELL", "quantity": "0.01", **PROTECTION}
ENTRY = {
    "symbol": SYMBOL,
    "workingType": "LIMIT",
    "workingSide": "BUY",
    "workingPrice": "50000",
    "workingQuantity": "0.01",
    "workingTimeInForce": "GTC",
}
OTO = {
    **ENTRY,
    "pendingType": "LIMIT",
    "pendingSide": "SELL",
    "pendingQuantity": "0.01",
    "pendingPrice": "65000",
    "pendingTimeInForce": "GTC",
}
OTOCO = {
    **ENTRY,
    "pendingSide": "SELL",
    "pendingQuantity": "0.01",
    **{f"pending{name[0].upper()}{name[1:]}": value for name, value in PROTECTION.items()},
}


async def test_it_reads_the_market_as_it_stands() -> None:
    async with stage() as scene, python_binance(scene) as (client, _):
        book = await client.get_order_book(symbol=SYMBOL)
        (trade,) = await client.get_recent_trades(symbol=SYMBOL)
        day = await client.get_ticker(symbol=SYMBOL)
        best = await client.get_orderbook_ticker(symbol=SYMBOL)
        rules = await client.get_symbol_info(SYMBOL)

        assert book["bids"][0] == ["59999.00000000", "2.00000000"]
        assert (trade["price"], trade["isBestMatch"]) == ("60000.00000000", True)
        assert (day["lastPrice"], day["count"]) == ("60000.00000000", 1)
        assert best["askPrice"] == "60001.00000000"
        assert (await client.get_symbol_ticker(symbol=SYMBOL))["price"] == "60000.00000000"
        assert (await client.get_avg_price(symbol=SYMBOL))["mins"] == 5
        assert rules["permissionSets"]
        assert (await client.get_symbol_info("NOSUCH")) is None


async def test_it_reads_what_was_traded_before() -> None:
    async with stage() as scene, python_binance(scene) as (client, _):
        scene.print("60001", "0.02")

        gathered = await client.get_aggregate_trades(symbol=SYMBOL)
        walked = [trade async for trade in client.aggregate_trade_iter(SYMBOL, last_id=1)]
        historical = await client.get_historical_trades(symbol=SYMBOL, limit=1)
        klines = await client.get_klines(symbol=SYMBOL, interval="1m")
        shown = await client.get_ui_klines(symbol=SYMBOL, interval="1m")

        assert [trade["p"] for trade in gathered] == ["60000.00000000", "60001.00000000"]
        assert [trade["a"] for trade in walked] == [gathered[-1]["a"]]
        assert [trade["qty"] for trade in historical] == ["0.02000000"]
        assert sum(Decimal(row[5]) for row in klines) == Decimal("0.03")
        assert shown == klines


async def test_an_order_lives_and_dies_by_rest() -> None:
    async with stage() as scene, python_binance(scene) as (client, _):
        assert await client.create_test_order(**FAR_BID) == {}
        placed = await client.create_order(**FAR_BID)
        known = {"symbol": SYMBOL, "orderId": placed["orderId"]}
        (open_order,) = await client.get_open_orders(symbol=SYMBOL)
        moved = await client.cancel_replace_order(
            **{**FAR_BID, "price": "51000"},
            cancelReplaceMode="STOP_ON_FAILURE",
            cancelOrderId=placed["orderId"],
        )
        (canceled,) = await client.v3_delete_open_orders(symbol=SYMBOL)

        assert placed["clientOrderId"].startswith("x-HNA2TXFJ")
        assert (placed["status"], placed["fills"]) == ("NEW", [])
        assert open_order["orderId"] == placed["orderId"]
        assert (moved["cancelResult"], moved["newOrderResult"]) == ("SUCCESS", "SUCCESS")
        assert (await client.get_order(**known))["status"] == "CANCELED"
        assert (canceled["orderId"], canceled["status"]) == (placed["orderId"] + 1, "CANCELED")


async def test_it_buys_sells_and_finds_its_trades() -> None:
    async with stage() as scene, python_binance(scene) as (client, _):
        bought = await client.order_market_buy(symbol=SYMBOL, quantity="3")
        sold = await client.order_limit_sell(symbol=SYMBOL, quantity="1", price="59999")
        trades = await client.get_my_trades(symbol=SYMBOL)
        everything = await client.get_all_orders(symbol=SYMBOL)
        account = await client.get_account()

        assert [(fill["price"], fill["qty"]) for fill in bought["fills"]] == [
            ("60001.00000000", "2.00000000"),
            ("60002.00000000", "1.00000000"),
        ]
        assert sold["status"] == "FILLED"
        assert [trade["qty"] for trade in trades] == ["2.00000000", "1.00000000", "1.00000000"]
        assert [order["status"] for order in everything] == ["FILLED", "FILLED"]
        held = {row["asset"]: Decimal(row["free"]) for row in account["balances"]}
        assert held["BTC"] == Decimal("11.997")


async def test_a_stop_waits_and_fires() -> None:
    async with stage() as scene, python_binance(scene) as (client, _):
        placed = await client.create_order(
            symbol=SYMBOL, side="SELL", type="STOP_LOSS", quantity="0.5", stopPrice="59000"
        )
        known = {"symbol": SYMBOL, "orderId": placed["orderId"]}
        waiting = await client.get_order(**known)
        scene.print("58999")
        fired = await client.get_order(**known)

        assert placed.keys() == {
            "symbol",
            "orderId",
            "orderListId",
            "clientOrderId",
            "transactTime",
        }
        assert (waiting["status"], waiting["workingTime"]) == ("NEW", -1)
        assert (fired["status"], fired["executedQty"]) == ("FILLED", "0.50000000")


async def test_a_protection_of_two_orders_is_placed_listed_and_canceled() -> None:
    async with stage() as scene, python_binance(scene) as (client, _):
        placed = await client.create_oco_order(**OCO)
        known = {"orderListId": placed["orderListId"]}
        (open_list,) = await client.get_open_oco_orders()
        legs = await client.get_open_orders(symbol=SYMBOL)
        canceled = await client.v3_delete_order_list(symbol=SYMBOL, **known)
        found = await client.v3_get_order_list(**known)
        (listed,) = await client.v3_get_all_order_list()

        assert (placed["contingencyType"], placed["listOrderStatus"]) == ("OCO", "EXECUTING")
        assert [leg["type"] for leg in placed["orderReports"]] == ["STOP_LOSS_LIMIT", "LIMIT_MAKER"]
        assert open_list["orderListId"] == placed["orderListId"]
        assert [leg["orderListId"] for leg in legs] == [placed["orderListId"]] * 2
        assert [leg["status"] for leg in canceled["orderReports"]] == ["CANCELED"] * 2
        assert found["listOrderStatus"] == listed["listOrderStatus"] == "ALL_DONE"


@pytest.mark.parametrize(("call", "params", "legs"), [("oto", OTO, 2), ("otoco", OTOCO, 3)])
async def test_orders_wait_for_the_one_before_them(
    call: str, params: dict[str, str], legs: int
) -> None:
    async with stage() as scene, python_binance(scene) as (client, _):
        placed = await getattr(client, f"v3_post_order_list_{call}")(**params)
        waiting = await _statuses(client, placed)
        scene.show([("49980", "5")], [("49990", "5")])
        working = await _statuses(client, placed)

        assert (placed["contingencyType"], len(placed["orders"])) == ("OTO", legs)
        assert waiting == ["NEW", *["PENDING_NEW"] * (legs - 1)]
        assert working[0] == "FILLED"
        assert "PENDING_NEW" not in working


async def _statuses(client: Any, placed: dict[str, Any]) -> list[str]:
    legs = [{"symbol": SYMBOL, "orderId": leg["orderId"]} for leg in placed["orders"]]
    return [(await client.get_order(**leg))["status"] for leg in legs]


async def test_it_reads_what_concerns_the_account() -> None:
    async with stage() as scene, python_binance(scene) as (client, _):
        await client.create_order(**FAR_BID)

        counts = await client.get_current_order_count()
        rates = await client.v3_get_account_commission(symbol=SYMBOL)
        prevented = await client.v3_get_my_prevented_matches(symbol=SYMBOL, orderId=1)
        allocated = await client.v3_get_my_allocations(symbol=SYMBOL)

        assert {(row["interval"], row["count"]) for row in counts} == {("SECOND", 1), ("DAY", 1)}
        assert rates["standardCommission"]["taker"] == "0.00100000"
        assert (prevented, allocated) == ([], [])


async def test_it_trades_by_the_websocket_api() -> None:
    async with stage() as scene, python_binance(scene) as (client, _):
        assert await client.ws_create_test_order(**FAR_BID) == {}
        placed = await client.ws_create_order(**FAR_BID)
        known = {"symbol": SYMBOL, "orderId": placed["orderId"]}
        moved = await client.ws_cancel_and_replace_order(
            **{**FAR_BID, "price": "51000"},
            cancelReplaceMode="STOP_ON_FAILURE",
            cancelOrderId=placed["orderId"],
        )
        (left,) = await client.ws_get_open_orders(symbol=SYMBOL)
        bought = await client.ws_order_market_buy(symbol=SYMBOL, quantity="0.01")
        await client.ws_cancel_all_open_orders(symbol=SYMBOL)

        assert (await client.ws_get_order(**known))["status"] == "CANCELED"
        assert left["orderId"] == moved["newOrderResponse"]["orderId"]
        assert bought["status"] == "FILLED"
        assert len(await client.ws_get_my_trades(symbol=SYMBOL)) == 1
        orders = await client.ws_get_all_orders(symbol=SYMBOL)
        assert [order["status"] for order in orders] == ["CANCELED", "CANCELED", "FILLED"]
        assert (await client.ws_get_account())["accountType"] == "SPOT"


async def test_it_keeps_order_lists_by_the_websocket_api() -> None:
    async with stage() as scene, python_binance(scene) as (client, _):
        placed = await client.ws_create_oco_order(**OCO)
        known = {"orderListId": placed["orderListId"]}
        (open_list,) = await client.ws_get_oco_open_orders()
        await client.ws_cancel_oco_order(symbol=SYMBOL, **known)
        oto = await client.ws_create_oto_order(**OTO)
        otoco = await client.ws_create_otoco_order(**OTOCO)

        assert open_list["orderListId"] == placed["orderListId"]
        assert (await client.ws_get_oco_order(**known))["listOrderStatus"] == "ALL_DONE"
        assert (len(oto["orders"]), len(otoco["orders"])) == (2, 3)


MARKET_METHODS: dict[str, dict[str, Any]] = {
    "order_book": {"limit": 5},
    "recent_trades": {},
    "historical_trades": {},
    "aggregate_trades": {},
    "klines": {"interval": "1m"},
    "uiKlines": {"interval": "1m"},
    "avg_price": {},
    "ticker": {},
    "trading_day_ticker": {},
    "symbol_ticker_window": {},
    "symbol_ticker": {},
    "orderbook_ticker": {},
    "exchange_info": {},
}


@pytest.mark.parametrize("name", MARKET_METHODS)
async def test_every_market_question_has_an_answer_by_the_websocket_api(name: str) -> None:
    async with stage() as scene, python_binance(scene) as (client, _):
        ask = getattr(client, f"ws_get_{name}")

        answer = await ask(symbol=SYMBOL, **MARKET_METHODS[name])

        assert (
            "60000.00000000" in str(answer)
            or "60001.00000000" in str(answer)
            or name == "exchange_info"
        )


async def test_refusals_arrive_with_code_text_and_status() -> None:
    async with stage() as scene, python_binance(scene) as (client, _):
        refused = {}
        for why, change in {
            "funds": {"quantity": "100"},
            "filter": {"quantity": "0.000001"},
            "symbol": {"symbol": "NOSUCH"},
            "illegal": {"newClientOrderId": "two.words"},
        }.items():
            with pytest.raises(BinanceAPIException) as caught:
                await client.create_order(**{**FAR_BID, **change})
            refused[why] = (caught.value.status_code, caught.value.code)

        assert refused == {
            "funds": (400, -2010),
            "filter": (400, -1013),
            "symbol": (400, -1121),
            "illegal": (400, -1100),
        }
