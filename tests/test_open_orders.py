"""What is open on the account is known from polls and events, whichever is newer."""

from dataclasses import replace
from decimal import Decimal

from lib.exchange import OrderRecord, OrderStatus
from lib.open_orders import LAG_MAX, OpenOrders

AT = 1_000_000
OPEN = OrderRecord(
    "BTCUSDT", 7, "by hand", "BUY", "LIMIT", OrderStatus.NEW, quantity=Decimal(1), updated_at=AT
)
GONE = replace(OPEN, status=OrderStatus.CANCELED, updated_at=AT + 10)


def heard(*records: OrderRecord) -> OpenOrders:
    found = OpenOrders()
    for record in records:
        found.hear(record)
    return found


def test_an_order_is_open_from_its_first_news_until_it_ended() -> None:
    assert list(heard(OPEN).on("BTCUSDT")) == [OPEN]
    assert list(heard(OPEN)) == [OPEN]
    assert not heard(OPEN).on("ETHUSDT")
    assert not list(heard(OPEN, GONE))


def test_news_that_come_late_neither_revive_an_order_nor_take_a_fill_back() -> None:
    filled = replace(OPEN, executed=Decimal("0.5"), updated_at=AT + 5)

    assert not list(heard(GONE, OPEN))
    assert list(heard(filled, OPEN)) == [filled]


def test_a_poll_forgets_what_it_does_not_name() -> None:
    orders = heard(OPEN)

    orders.polled([], began=AT + LAG_MAX + 1)

    assert not list(orders)


def test_a_poll_that_may_be_older_than_an_event_does_not_forget_it() -> None:
    orders = heard(OPEN)

    orders.polled([], began=AT + LAG_MAX)

    assert list(orders) == [OPEN]


def test_a_poll_that_lags_does_not_revive_what_has_ended() -> None:
    orders = heard(OPEN, GONE)

    orders.polled([OPEN], began=AT + LAG_MAX)

    assert not list(orders)


def test_two_symbols_may_have_an_order_of_the_same_number() -> None:
    other = replace(OPEN, symbol="ETHUSDT")

    assert set(heard(OPEN, other)) == {OPEN, other}
