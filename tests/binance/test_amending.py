"""An order is made smaller over real sockets: PUT /api/v3/order/amend/keepPriority."""

from decimal import Decimal
from typing import Any

import pytest

from lib.binance import payloads
from lib.binance.payloads import Unreadable
from lib.binance.refusals import Verdict, judge
from lib.binance.transport import Reply
from lib.errors import NotSent, Refused, UnknownOrder
from lib.exchange import AmendRequest, OrderStatus, PlaceRequest, StreamReady
from tests.binance.test_contract import Desk, trading, until

REQUEST = AmendRequest(
    client_order_id="at1-0001",
    symbol="BTCUSDT",
    order_id=7,
    quantity=Decimal("0.0005"),
    send_by=0,
    recv_window=2_500,
)


def shrink(desk: Desk, order: PlaceRequest, order_id: int, quantity: str) -> AmendRequest:
    return AmendRequest(
        client_order_id=order.client_order_id,
        symbol=order.symbol,
        order_id=order_id,
        quantity=Decimal(quantity),
        send_by=desk.clock.now() + 5_000,
        recv_window=2_500,
    )


@pytest.mark.asyncio
async def test_an_amended_order_keeps_its_ids_in_answer_event_and_query() -> None:
    async with trading() as desk:
        desk.venue.watch_user(desk.told.append)
        await until(lambda: StreamReady() in desk.told)
        order = desk.order()
        placed = await desk.venue.place(order)

        amended = await desk.venue.amend(shrink(desk, order, placed.order_id, "0.0005"))

        asked = await desk.venue.find_order("BTCUSDT", client_order_id=order.client_order_id)
        await until(lambda: any(r.quantity == Decimal("0.0005") for r in desk.records()))
        assert asked is not None
        for record in (amended, asked, desk.records()[-1]):
            assert record.order_id == placed.order_id
            assert record.client_order_id == order.client_order_id
            assert record.quantity == Decimal("0.0005")
            assert record.status is OrderStatus.NEW


@pytest.mark.asyncio
async def test_an_amend_that_would_grow_or_change_nothing_is_refused() -> None:
    async with trading() as desk:
        order = desk.order()
        placed = await desk.venue.place(order)

        for quantity in ("0.002", "0.001"):
            with pytest.raises(Refused, match="-2038"):
                await desk.venue.amend(shrink(desk, order, placed.order_id, quantity))


@pytest.mark.asyncio
async def test_an_amend_of_an_order_that_is_gone_says_so() -> None:
    async with trading() as desk:
        order = desk.order()
        placed = await desk.venue.place(order)
        await desk.venue.cancel(desk.cancel(order, placed.order_id))

        with pytest.raises(UnknownOrder):
            await desk.venue.amend(shrink(desk, order, placed.order_id, "0.0005"))


@pytest.mark.asyncio
async def test_an_amend_past_its_fence_does_not_leave() -> None:
    async with trading() as desk:
        order = desk.order()
        placed = await desk.venue.place(order)
        late = AmendRequest(
            client_order_id=order.client_order_id,
            symbol="BTCUSDT",
            order_id=placed.order_id,
            quantity=Decimal("0.0005"),
            send_by=desk.clock.now() - 1,
            recv_window=2_500,
        )

        with pytest.raises(NotSent):
            await desk.venue.amend(late)


def test_an_amend_names_the_same_id_before_and_after() -> None:
    params = payloads.amending(REQUEST)

    assert params["origClientOrderId"] == params["newClientOrderId"] == "at1-0001"
    assert (params["newQty"], params["orderId"]) == ("0.0005", "7")


def answer(**changes: Any) -> dict[str, Any]:
    order = {
        "symbol": "BTCUSDT",
        "orderId": 7,
        "origClientOrderId": "at1-0001",
        "clientOrderId": "at1-0001",
        "price": "54000.00",
        "qty": "0.0005",
        "executedQty": "0.0001",
        "cumulativeQuoteQty": "5.4",
        "status": "PARTIALLY_FILLED",
        "timeInForce": "GTC",
        "type": "LIMIT",
        "side": "BUY",
    }
    return {"transactTime": 5, "executionId": 9, "amendedOrder": {**order, **changes}}


def test_the_words_of_an_amends_answer_are_read() -> None:
    record = payloads.amended(answer(), REQUEST)

    assert (record.quantity, record.executed) == (Decimal("0.0005"), Decimal("0.0001"))
    assert (record.executed_quote, record.updated_at) == (Decimal("5.4"), 5)


@pytest.mark.parametrize("changes", [{"clientOrderId": "other"}, {"qty": None}, {"orderId": "7"}])
def test_an_answer_that_is_not_about_our_amend_is_unreadable(changes: dict[str, Any]) -> None:
    with pytest.raises(Unreadable):
        payloads.amended(answer(**changes), REQUEST)


@pytest.mark.parametrize("code", [-2011, -2038])
def test_no_open_order_to_amend_is_told_by_either_code(code: int) -> None:
    reply = Reply(400, {"code": code, "msg": "Unknown order sent."})

    assert judge(reply) is Verdict.NO_OPEN_ORDER
