"""Binance's JSON read into our values, and everything else refused."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib.binance import payloads
from lib.binance.payloads import Unreadable
from lib.exchange import CancelRequest, Fill, OrderStatus, PlaceRequest

AT = 1_700_000_000_123

REQUEST = PlaceRequest(
    client_order_id="at1-0001",
    symbol="BTCUSDT",
    side="BUY",
    type="LIMIT",
    send_by=AT,
    recv_window=2_500,
    quantity=Decimal("0.00001"),
    price=Decimal("1E+4"),
    time_in_force="GTC",
)
CANCEL = CancelRequest(
    client_order_id="at1-0002",
    symbol="BTCUSDT",
    target_client_order_id="at1-0001",
    target_order_id=28,
    send_by=AT,
    recv_window=2_500,
)


def full_answer(**changes: Any) -> dict[str, Any]:
    return {
        "symbol": "BTCUSDT",
        "orderId": 28,
        "orderListId": -1,
        "clientOrderId": "at1-0001",
        "transactTime": AT,
        "price": "10000.00",
        "origQty": "10.0",
        "executedQty": "4.0",
        "origQuoteOrderQty": "0.0",
        "cummulativeQuoteQty": "39998.0",
        "status": "PARTIALLY_FILLED",
        "timeInForce": "GTC",
        "type": "LIMIT",
        "side": "BUY",
        "fills": [
            {
                "price": "9999.5",
                "qty": "4.0",
                "commission": "0.004",
                "commissionAsset": "BTC",
                "tradeId": 56,
            }
        ],
        **changes,
    }


def row(**changes: Any) -> dict[str, Any]:
    found = {**full_answer(), "time": AT, "updateTime": AT + 5, "stopPrice": "0.0", **changes}
    del found["fills"], found["transactTime"]
    return found


def report(**changes: Any) -> dict[str, Any]:
    return {
        "e": "executionReport",
        "E": AT + 1,
        "s": "BTCUSDT",
        "c": "at1-0001",
        "S": "BUY",
        "o": "LIMIT",
        "f": "GTC",
        "q": "10.0",
        "p": "10000.0",
        "P": "0.0",
        "F": "0.0",
        "g": -1,
        "C": "",
        "x": "TRADE",
        "X": "PARTIALLY_FILLED",
        "r": "NONE",
        "i": 28,
        "l": "4.0",
        "z": "4.0",
        "L": "9999.5",
        "n": "0.004",
        "N": "BTC",
        "T": AT,
        "t": 56,
        "I": 99,
        "w": False,
        "m": False,
        "O": AT - 9,
        "Z": "39998.0",
        "Y": "39998.0",
        "Q": "0.0",
        **changes,
    }


def canceled_answer(**changes: Any) -> dict[str, Any]:
    ids = {"clientOrderId": "at1-0002", "origClientOrderId": "at1-0001", "status": "CANCELED"}
    found = full_answer(**{**ids, **changes})
    del found["fills"]
    return found


FILL = Fill(
    trade_id=56,
    price=Decimal("9999.5"),
    quantity=Decimal(4),
    quote=Decimal(39998),
    commission=Decimal("0.004"),
    commission_asset="BTC",
    time=AT,
)


def test_writes_an_order_in_plain_digits_under_our_id() -> None:
    assert payloads.placing(REQUEST) == {
        "symbol": "BTCUSDT",
        "side": "BUY",
        "type": "LIMIT",
        "newClientOrderId": "at1-0001",
        "newOrderRespType": "FULL",
        "timeInForce": "GTC",
        "quantity": "0.00001",
        "price": "10000",
    }


def test_writes_a_cancel_with_both_ids_of_the_order_and_one_of_its_own() -> None:
    assert payloads.canceling(CANCEL) == {
        "symbol": "BTCUSDT",
        "origClientOrderId": "at1-0001",
        "newClientOrderId": "at1-0002",
        "orderId": "28",
    }


def test_reads_an_acceptance_with_its_fills() -> None:
    record = payloads.placed(full_answer(), REQUEST)

    assert record.status is OrderStatus.PARTIALLY_FILLED
    assert record.order_id == 28
    assert (record.executed, record.executed_quote) == (Decimal(4), Decimal(39998))
    assert record.created_at == record.updated_at == AT
    assert record.fills == (FILL,)


@pytest.mark.parametrize(
    "changes",
    [
        {"clientOrderId": "another"},
        {"clientOrderId": None},
        {"orderId": None},
        {"orderId": "28"},
        {"orderId": True},
        {"orderId": -1},
        {"symbol": "ETHUSDT"},
        {"status": "BRAND_NEW"},
        {"executedQty": 4.0},
        {"executedQty": "NaN"},
        {"executedQty": "1e3"},
        {"executedQty": ""},
        {"side": "HOLD"},
        {"transactTime": "now"},
        {"fills": {}},
        {"fills": [{"price": "1"}]},
    ],
)
def test_takes_nothing_else_for_an_acceptance(changes: dict[str, Any]) -> None:
    with pytest.raises(Unreadable):
        payloads.placed(full_answer(**changes), REQUEST)


@pytest.mark.parametrize("body", [None, {}, [], "", 7, {"orderId": 28}, [full_answer()]])
def test_takes_no_other_shape_for_an_acceptance(body: object) -> None:
    with pytest.raises(Unreadable):
        payloads.placed(body, REQUEST)


def test_a_canceled_order_keeps_the_id_it_was_placed_under() -> None:
    record = payloads.canceled(canceled_answer(), CANCEL)

    assert record.client_order_id == "at1-0001"
    assert record.status is OrderStatus.CANCELED
    assert record.executed == 4


def test_finds_the_leg_that_was_canceled_in_its_list() -> None:
    reports = [canceled_answer(origClientOrderId="sibling", orderId=29), canceled_answer()]

    assert payloads.canceled({"orderListId": 1, "orderReports": reports}, CANCEL).order_id == 28
    with pytest.raises(Unreadable):
        payloads.canceled({"orderListId": 1, "orderReports": reports[:1]}, CANCEL)


def test_takes_no_cancel_of_another_order_for_ours() -> None:
    with pytest.raises(Unreadable):
        payloads.canceled(canceled_answer(origClientOrderId="another"), CANCEL)


def test_reads_a_row_of_a_query() -> None:
    record = payloads.order(row(status="EXPIRED", expiryReason="OCO_TRIGGER"))

    assert (record.created_at, record.updated_at) == (AT, AT + 5)
    assert record.status is OrderStatus.EXPIRED
    assert record.reason == "OCO_TRIGGER"
    assert record.fills == ()


def test_reads_a_quote_total_that_is_not_available_as_none() -> None:
    assert payloads.order(row(cummulativeQuoteQty="-1.0")).executed_quote == 0


def test_reads_a_trade_from_an_execution_report() -> None:
    record = payloads.execution(report())

    assert record.fills == (FILL,)
    assert record.client_order_id == "at1-0001"
    assert (record.created_at, record.updated_at) == (AT - 9, AT)
    assert record.reason == ""


def test_reads_a_cancel_from_an_execution_report_under_the_orders_own_id() -> None:
    record = payloads.execution(
        report(x="CANCELED", X="CANCELED", c="at1-0002", C="at1-0001", t=-1)
    )

    assert record.client_order_id == "at1-0001"
    assert record.status is OrderStatus.CANCELED
    assert record.fills == ()


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"x": "REJECTED", "X": "REJECTED", "r": "INSUFFICIENT_BALANCES"}, "INSUFFICIENT_BALANCES"),
        ({"x": "EXPIRED", "X": "EXPIRED", "eR": "OCO_TRIGGER"}, "OCO_TRIGGER"),
    ],
)
def test_reads_why_an_order_ended(changes: dict[str, Any], reason: str) -> None:
    assert payloads.execution(report(t=-1, N=None, **changes)).reason == reason


def test_reads_which_list_of_the_exchange_an_order_belongs_to() -> None:
    assert payloads.order(row(orderListId=7)).order_list_id == 7
    assert payloads.execution(report(g=7)).order_list_id == 7
    assert payloads.order(row(orderListId=-1)).order_list_id is None
    assert payloads.execution(report()).order_list_id is None


def test_the_counts_of_the_exchange_are_part_of_every_symbol_s_rules() -> None:
    symbol = {
        "baseAsset": "BTC",
        "quoteAsset": "USDT",
        "status": "TRADING",
        "orderTypes": ["LIMIT"],
        "filters": [],
    }
    symbols = [{"symbol": name, **symbol} for name in ("BTCUSDT", "BTCUSDC")]
    most = {"filterType": "EXCHANGE_MAX_NUM_ORDERS", "maxNumOrders": 1000}

    limited = payloads.rules({"symbols": symbols, "exchangeFilters": [most]})
    free = payloads.rules({"symbols": symbols, "exchangeFilters": None})

    assert {rules.exchange_counts.orders for rules in limited.values()} == {1000}
    assert not any(rules.exchange_counts.is_on for rules in free.values())


@pytest.mark.parametrize("count", ["many", [], {}])
def test_counts_that_cannot_be_read_are_refused(count: object) -> None:
    most = {"filterType": "EXCHANGE_MAX_NUM_ORDERS", "maxNumOrders": count}

    with pytest.raises(Unreadable):
        payloads.rules({"symbols": [], "exchangeFilters": [most]})


def test_reads_the_account() -> None:
    state = payloads.account({
        "uid": 354937868,
        "canTrade": True,
        "canWithdraw": True,
        "updateTime": AT,
        "balances": [{"asset": "BTC", "free": "1.5", "locked": "0.5"}],
    })

    assert state.uid == "354937868"
    assert state.can_withdraw
    assert state.balances["BTC"].free == Decimal("1.5")
    assert state.balances["BTC"].locked == Decimal("0.5")


def test_reads_what_changed_of_the_account() -> None:
    state = payloads.position({
        "e": "outboundAccountPosition",
        "E": AT,
        "u": AT,
        "B": [{"a": "ETH", "f": "1", "l": "0"}],
    })

    assert state.time == AT
    assert set(state.balances) == {"ETH"}


def test_reads_public_trades_exactly() -> None:
    row = {"a": 26129, "p": "0.01633102", "q": "4.70443515", "T": 1498793709153, "m": True}

    [trade] = payloads.public_trades([{**row, "f": 27781, "l": 27781, "M": True}])

    assert (trade.id, trade.time, trade.buyer_is_maker) == (26129, 1498793709153, True)
    assert (trade.price, trade.quantity) == (Decimal("0.01633102"), Decimal("4.70443515"))


@pytest.mark.parametrize(
    "wrong", [{"a": "26129"}, {"p": 1}, {"q": "-1"}, {"T": None}, {"m": "yes"}]
)
def test_a_public_trade_that_is_none_is_refused(wrong: dict[str, object]) -> None:
    row = {"a": 26129, "p": "0.01633102", "q": "4.70443515", "T": 1498793709153, "m": True}

    with pytest.raises(payloads.Unreadable):
        payloads.public_trades([{**row, **wrong}])


def test_reads_candles_exactly() -> None:
    [candle] = payloads.candles([
        [1, "0.1", "0.3", "0.05", "0.2", "9", 59_999, "1", 3, "1", "1", "0"]
    ])

    assert (candle.open, candle.high, candle.low, candle.close) == (
        Decimal("0.1"),
        Decimal("0.3"),
        Decimal("0.05"),
        Decimal("0.2"),
    )
    assert (candle.open_time, candle.close_time) == (1, 59_999)


@pytest.mark.parametrize("cells", [[], [1, "1"], [None] * 12, [1, 1.5, "1", "1", "1", "1", 2]])
def test_refuses_what_is_no_candle(cells: list[object]) -> None:
    with pytest.raises(Unreadable):
        payloads.candles([cells])


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=8,
)


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(name=st.sampled_from(sorted(report())), value=JSON)
def test_any_value_in_an_event_is_read_or_refused(name: str, value: object) -> None:
    try:
        record = payloads.execution(report(**{name: value}))
    except Unreadable:
        return
    assert record.executed.is_finite()


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(name=st.sampled_from(sorted(full_answer())), value=JSON)
def test_any_value_in_an_answer_is_read_or_refused(name: str, value: object) -> None:
    try:
        record = payloads.placed(full_answer(**{name: value}), REQUEST)
    except Unreadable:
        return
    assert record.client_order_id == REQUEST.client_order_id


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(body=JSON)
def test_any_body_is_read_or_refused(body: object) -> None:
    for parse in (
        payloads.account,
        payloads.candles,
        payloads.fills,
        payloads.orders,
        payloads.rules,
        payloads.rate_limits,
        payloads.server_time,
        payloads.ticker,
    ):
        try:
            parse(body)
        except Unreadable:
            continue
