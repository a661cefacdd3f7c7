"""ccxt, unmodified, lives an ordinary life by REST."""

from typing import Any

import ccxt
import pytest

from tests.foreign.clients import ccxt_pro
from tests.foreign.stage import PAIR, SYMBOL, stage

pytestmark = [pytest.mark.asyncio, pytest.mark.slow]

PROTECTION = {
    "symbol": SYMBOL,
    "side": "SELL",
    "quantity": "0.01",
    "aboveType": "LIMIT_MAKER",
    "abovePrice": "65000",
    "belowType": "STOP_LOSS_LIMIT",
    "belowStopPrice": "55000",
    "belowPrice": "54900",
    "belowTimeInForce": "GTC",
}


async def test_it_learns_the_rules_of_the_market() -> None:
    async with stage() as scene, ccxt_pro(scene) as exchange:
        market = exchange.market(PAIR)

        assert (market["active"], market["spot"], market["id"]) == (True, True, SYMBOL)
        assert market["precision"]["price"] == 0.01
        assert market["limits"]["cost"]["min"] > 0


async def test_it_reads_the_market_as_it_stands() -> None:
    async with stage() as scene, ccxt_pro(scene) as exchange:
        ticker = await exchange.fetch_ticker(PAIR)
        tickers = await exchange.fetch_tickers()
        book = await exchange.fetch_order_book(PAIR)
        (candle,) = await exchange.fetch_ohlcv(PAIR, "1h")
        best = await exchange.fetch_bids_asks([PAIR])
        last = await exchange.fetch_last_prices([PAIR])

        assert (ticker["last"], ticker["bid"], ticker["ask"]) == (60000, 59999, 60001)
        assert tickers.keys() >= {PAIR, "ETH/USDT"}
        assert book["bids"][0] == [59999, 2]
        assert candle[1:] == [60000, 60000, 60000, 60000, 0.01]
        assert (best[PAIR]["ask"], last[PAIR]["price"]) == (60001, 60000)


async def test_it_reads_what_was_traded() -> None:
    async with stage() as scene, ccxt_pro(scene) as exchange:
        scene.print("60001", "0.02")

        trades = await exchange.fetch_trades(PAIR)

        assert [(trade["price"], trade["side"]) for trade in trades] == [
            (60000, "buy"),
            (60001, "buy"),
        ]


@pytest.mark.parametrize(
    ("arguments", "params", "expected"),
    [
        (("limit", "buy", 0.01, 50000), {}, ("limit", "open", "GTC")),
        (("limit", "buy", 0.01, 50000), {"postOnly": True}, ("limit", "open", "GTC")),
        (("limit", "buy", 0.01, 50000), {"timeInForce": "IOC"}, ("limit", "expired", "IOC")),
        (("limit", "buy", 0.01, 60001), {"timeInForce": "FOK"}, ("limit", "closed", "FOK")),
        (("market", "sell", 0.01), {}, ("market", "closed", "GTC")),
        (("market", "buy", 0.01), {"cost": 100}, ("market", "closed", "GTC")),
        (
            ("STOP_LOSS_LIMIT", "sell", 0.01, 54900),
            {"stopPrice": 55000},
            ("limit", "open", "GTC"),
        ),
        (
            ("market", "sell", 0.01),
            {"stopLossPrice": 55000},
            ("market", "open", "GTC"),
        ),
        (
            ("limit", "sell", 0.01, 65000),
            {"takeProfitPrice": 64000},
            ("limit", "open", "GTC"),
        ),
    ],
)
async def test_it_places_orders_of_each_kind(
    arguments: tuple[Any, ...], params: dict[str, Any], expected: tuple[str, str, str]
) -> None:
    async with stage() as scene, ccxt_pro(scene) as exchange:
        placed = await exchange.create_order(PAIR, *arguments, params=params)
        found = await exchange.fetch_order(placed["id"], PAIR)

        assert (found["type"], found["status"], found["timeInForce"]) == expected
        assert found["clientOrderId"].startswith("x-TKT5PX2F")


@pytest.mark.parametrize(
    ("arguments", "params"),
    [
        (("limit", "buy", 0.01, 50000), {"icebergQty": "0.002"}),
        (("STOP_LOSS_LIMIT", "sell", 0.01, 54900), {"trailingPercent": 1}),
        (("limit", "buy", 0.01, 50000), {"selfTradePrevention": "EXPIRE_BOTH"}),
        (("limit", "buy", 0.01, 50000), {"test": True}),
    ],
    ids=["iceberg", "trailing", "self-trade prevention", "test"],
)
async def test_rarer_wishes_are_understood(
    arguments: tuple[Any, ...], params: dict[str, Any]
) -> None:
    async with stage() as scene, ccxt_pro(scene) as exchange:
        await exchange.create_order(PAIR, *arguments, params=params)

        placed = await exchange.fetch_open_orders(PAIR)
        assert len(placed) == (0 if "test" in params else 1)


async def test_it_finds_its_orders_and_trades_again() -> None:
    async with stage() as scene, ccxt_pro(scene) as exchange:
        rests = await exchange.create_limit_buy_order(PAIR, 0.01, 50000)
        filled = await exchange.create_market_buy_order(PAIR, 0.5)
        gone = await exchange.create_limit_buy_order(PAIR, 0.01, 50000)
        canceled = await exchange.cancel_order(gone["id"], PAIR)

        assert canceled["status"] == "canceled"
        assert _ids(await exchange.fetch_open_orders(PAIR)) == [rests["id"]]
        assert _ids(await exchange.fetch_closed_orders(PAIR)) == [filled["id"]]
        assert _ids(await exchange.fetch_canceled_orders(PAIR)) == [gone["id"]]
        assert len(await exchange.fetch_orders(PAIR)) == 3
        (trade,) = await exchange.fetch_my_trades(PAIR)
        assert (trade["order"], trade["takerOrMaker"]) == (filled["id"], "taker")
        assert await exchange.fetch_order_trades(filled["id"], PAIR) == [trade]
        balance = await exchange.fetch_balance()
        assert (balance["BTC"]["total"], balance["USDT"]["used"]) == (10.4995, 500)


async def test_it_edits_an_order_by_replacing_it() -> None:
    async with stage() as scene, ccxt_pro(scene) as exchange:
        first = await exchange.create_limit_buy_order(PAIR, 0.01, 50000)

        second = await exchange.edit_order(first["id"], PAIR, "limit", "buy", 0.02, 51000)

        (left,) = await exchange.fetch_open_orders(PAIR)
        assert (left["id"], left["price"], left["amount"]) == (second["id"], 51000, 0.02)
        assert (await exchange.fetch_order(first["id"], PAIR))["status"] == "canceled"


async def test_it_cancels_everything_on_a_symbol() -> None:
    async with stage() as scene, ccxt_pro(scene) as exchange:
        for price in (50000, 51000):
            await exchange.create_limit_buy_order(PAIR, 0.01, price)

        canceled = await exchange.cancel_all_orders(PAIR)

        assert [order["status"] for order in canceled] == ["canceled", "canceled"]
        assert await exchange.fetch_open_orders(PAIR) == []


async def test_it_protects_a_holding_with_two_orders() -> None:
    async with stage() as scene, ccxt_pro(scene) as exchange:
        placed = await exchange.private_post_orderlist_oco(dict(PROTECTION))
        legs = await exchange.fetch_open_orders(PAIR)
        found = await exchange.private_get_orderlist({"orderListId": placed["orderListId"]})
        await exchange.cancel_order(legs[0]["id"], PAIR)

        assert {leg["info"]["type"] for leg in legs} == {"STOP_LOSS_LIMIT", "LIMIT_MAKER"}
        assert found["listOrderStatus"] == "EXECUTING"
        assert await exchange.fetch_open_orders(PAIR) == []
        assert await exchange.private_get_openorderlist() == []


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"amount": 100}, ccxt.InsufficientFunds),
        ({"price": 60005, "params": {"postOnly": True}}, ccxt.OrderImmediatelyFillable),
        ({"amount": 0.00001, "price": 20000}, ccxt.BadRequest),
    ],
    ids=["funds", "would take", "filter"],
)
async def test_refusals_become_its_exceptions(
    change: dict[str, Any], expected: type[Exception]
) -> None:
    wish = {"symbol": PAIR, "type": "limit", "side": "buy", "amount": 0.01, "price": 50000}
    async with stage() as scene, ccxt_pro(scene) as exchange:
        with pytest.raises(expected):
            await exchange.create_order(**{**wish, **change})


async def test_orders_that_are_not_there_are_not_found() -> None:
    async with stage() as scene, ccxt_pro(scene) as exchange:
        with pytest.raises(ccxt.OrderNotFound):
            await exchange.fetch_order("999", PAIR)
        with pytest.raises(ccxt.OrderNotFound):
            await exchange.cancel_order("999", PAIR)


def _ids(orders: list[dict[str, Any]]) -> list[str]:
    return [order["id"] for order in orders]
