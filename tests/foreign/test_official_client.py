"""Binance's own client, unmodified: it types every answer, by REST and by the WebSocket API."""

import asyncio
from collections.abc import Mapping
from typing import Any, Final

import pytest
from binance_common.errors import BadRequestError

from tests.foreign.clients import official
from tests.foreign.shapes import absent, unknown
from tests.foreign.stage import SYMBOL, stage

pytestmark = [
    pytest.mark.asyncio,
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:parameter 'timeout' of type 'float':DeprecationWarning"),
]

FAR_BID: Final = {
    "symbol": SYMBOL,
    "side": "BUY",
    "type": "LIMIT",
    "time_in_force": "GTC",
    "quantity": 0.01,
    "price": 50000,
}
SHORT: Final = {"new_order_resp_type": "RESULT"}  # what the client has types for
PAIR: Final = {
    "above_type": "LIMIT_MAKER",
    "above_price": 65000,
    "below_type": "STOP_LOSS_LIMIT",
    "below_stop_price": 55000,
    "below_price": 54900,
    "below_time_in_force": "GTC",
}
ENTRY: Final = {
    **SHORT,
    "symbol": SYMBOL,
    "working_type": "LIMIT",
    "working_side": "BUY",
    "working_price": 50000,
    "working_quantity": 0.01,
    "working_time_in_force": "GTC",
}
EXIT: Final = {
    "pending_type": "LIMIT",
    "pending_side": "SELL",
    "pending_price": 65000,
    "pending_time_in_force": "GTC",
}
PENDING_PAIR: Final = {"pending_side": "SELL", **{f"pending_{name}": PAIR[name] for name in PAIR}}
OCO: Final = {"symbol": SYMBOL, "side": "SELL", "quantity": 0.01, **PAIR, **SHORT}
OF_SYMBOL: Final = {"symbol": SYMBOL}

QUESTIONS: Final[list[tuple[str, dict[str, Any]]]] = [
    ("ping", {}),
    ("time", {}),
    ("exchange_info", OF_SYMBOL),
    ("execution_rules", OF_SYMBOL),
    ("depth", OF_SYMBOL),
    ("get_trades", OF_SYMBOL),
    ("historical_trades", OF_SYMBOL),
    ("historical_block_trades", {**OF_SYMBOL, "from_id": 0}),
    ("agg_trades", OF_SYMBOL),
    ("klines", {**OF_SYMBOL, "interval": "1m"}),
    ("ui_klines", {**OF_SYMBOL, "interval": "1m"}),
    ("avg_price", OF_SYMBOL),
    ("ticker24hr", OF_SYMBOL),
    ("ticker24hr", {**OF_SYMBOL, "type": "MINI"}),
    ("ticker24hr", {"symbols": [SYMBOL, "ETHUSDT"]}),
    ("ticker_trading_day", OF_SYMBOL),
    ("ticker_price", OF_SYMBOL),
    ("ticker_price", {}),
    ("ticker_book_ticker", OF_SYMBOL),
    ("ticker", OF_SYMBOL),
    ("get_account", {}),
    ("get_open_orders", {}),
    ("all_orders", OF_SYMBOL),
    ("my_trades", OF_SYMBOL),
    ("get_order", {**OF_SYMBOL, "order_id": 1}),
    ("open_order_list", {}),
    ("all_order_list", {}),
    ("rate_limit_order", {}),
    ("my_prevented_matches", {**OF_SYMBOL, "order_id": 1}),
    ("my_allocations", OF_SYMBOL),
    ("account_commission", OF_SYMBOL),
    ("my_filters", OF_SYMBOL),
    ("order_amendments", {**OF_SYMBOL, "order_id": 1}),
    ("order_test", FAR_BID),
    ("order_test", {**FAR_BID, "compute_commission_rates": True}),
]
ORDERS: Final[list[tuple[str, dict[str, Any]]]] = [
    ("new_order", FAR_BID),
    (
        "order_cancel_replace",
        {
            **FAR_BID,
            "cancel_replace_mode": "STOP_ON_FAILURE",
            "cancel_order_id": 1,
        },
    ),
    ("order_amend_keep_priority", {**OF_SYMBOL, "order_id": 1, "new_qty": 0.005}),
    ("delete_order", {**OF_SYMBOL, "order_id": 1}),
    ("delete_open_orders", OF_SYMBOL),
    ("order_list_oco", OCO),
    ("order_list_oto", {**ENTRY, **EXIT, "pending_quantity": 0.01}),
    ("order_list_otoco", {**ENTRY, **PENDING_PAIR, "pending_quantity": 0.01}),
]
SOMETIMES: Final = {
    *("expiryReason", "workingFloor", "usedSor", "stopPrice", "icebergQty", "workingTime"),
    *("trailingDelta", "trailingTime", "strategyId", "strategyType", "preventedMatchId"),
    *("preventedQuantity", "pegPriceType", "pegOffsetType", "pegOffsetValue", "peggedPrice"),
    "listStatus",  # of an order that belongs to a list
    *("priceExponent", "qtyExponent"),  # of the binary encoding
    *("sors", "count", "rateLimits"),  # where one model serves several answers
}
"""Fields that an answer has only when they say something."""
LEFT_OUT: Final = {
    "type": {  # of a short ticker
        *("askPrice", "askQty", "bidPrice", "bidQty", "lastQty", "prevClosePrice"),
        *("priceChange", "priceChangePercent", "weightedAvgPrice"),
    },
    "compute_commission_rates": {
        *("discount", "specialCommissionForOrder", "standardCommissionForOrder"),
        "taxCommissionForOrder",
    },
}
"""Fields that depend on a parameter, by its name."""


def _named(calls: list[tuple[str, dict[str, Any]]]) -> list[str]:
    return [f"{name} {' '.join(params)}".strip() for name, params in calls]


async def _ask(client: Any, call: str, params: Mapping[str, Any]) -> Any:
    answer = await asyncio.to_thread(getattr(client.rest_api, call), **params)
    return answer.data()


@pytest.mark.parametrize(("call", "params"), QUESTIONS, ids=_named(QUESTIONS))
async def test_every_question_has_an_answer_of_the_right_shape(
    call: str, params: dict[str, Any]
) -> None:
    async with stage() as scene:
        client = official(scene)
        await _ask(client, "new_order", FAR_BID)

        answer = await _ask(client, call, params)

        assert list(unknown(answer)) == []
        assert _missing(answer) <= _left_out(call, params)


@pytest.mark.parametrize(("call", "params"), ORDERS, ids=_named(ORDERS))
async def test_every_order_is_answered_in_the_right_shape(
    call: str, params: dict[str, Any]
) -> None:
    async with stage() as scene:
        client = official(scene)
        await _ask(client, "new_order", FAR_BID)

        answer = await _ask(client, call, params)

        assert list(unknown(answer)) == []
        assert _missing(answer) == set()


def _missing(answer: Any) -> set[str]:
    return {name.rpartition(".")[2] for name in absent(answer)} - SOMETIMES


def _left_out(call: str, params: Mapping[str, Any]) -> set[str]:
    if call == "order_test" and "compute_commission_rates" not in params:
        return LEFT_OUT["compute_commission_rates"]
    return LEFT_OUT["type"] if "MINI" in params.values() else set()


async def test_a_fill_and_its_trade_have_every_field() -> None:
    async with stage() as scene:
        client = official(scene)
        bought = await _ask(
            client,
            "new_order",
            {"symbol": SYMBOL, "side": "BUY", "type": "MARKET", "quantity": 0.5},
        )
        (trade,) = await _ask(client, "my_trades", OF_SYMBOL)
        found = await _ask(client, "get_order", {**OF_SYMBOL, "order_id": 1})
        account = await _ask(client, "get_account", {})

        assert (list(absent(bought)), list(absent(trade))) == ([], [])
        assert _missing(found) == set()
        assert list(absent(account)) == []


async def test_a_refusal_becomes_its_error() -> None:
    async with stage() as scene:
        with pytest.raises(BadRequestError) as refused:
            await _ask(official(scene), "delete_order", {**OF_SYMBOL, "order_id": 99})

        assert (refused.value.status_code, refused.value.error_message) == (
            -2011,
            "Unknown order sent.",
        )
