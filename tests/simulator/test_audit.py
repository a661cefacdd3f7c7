"""The audit finds whatever is wrong in the books, and nothing in books that are right."""

from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib.simulator.books.audit import audit
from lib.simulator.exchange import Options
from tests.simulator.venue import OPENED, SYMBOL, Venue, exchange_info, symbol_entry

UNIT = 10**8


def mixed() -> Venue:
    """Order 1 rests, 2 is partly filled, 3 filled, 4 and 5 are a pair, 6 canceled, 7 waits."""
    venue = Venue().with_market()
    venue.limit("BUY", 1, 90, newClientOrderId="one")
    venue.limit("BUY", 2, 101, newClientOrderId="two")
    venue.limit("SELL", 1, 101, "bob")
    pair: dict[str, Any] = {
        "symbol": SYMBOL,
        "side": "SELL",
        "quantity": 1,
        "aboveType": "LIMIT_MAKER",
        "abovePrice": 110,
        "belowType": "STOP_LOSS_LIMIT",
        "belowStopPrice": 90,
        "belowPrice": 89,
        "belowTimeInForce": "GTC",
    }
    assert venue.ask("POST orderList/oco", **pair).status == 200
    venue.limit("BUY", 1, 80)
    venue.cancel(orderId=6)
    venue.place("STOP_LOSS", "SELL", quantity=1, stopPrice=70)
    venue.exchange.transfer("alice", "ETH", 3)
    venue.exchange.lock_externally("alice", "ETH", 1)
    return venue


def test_nothing_is_wrong_with_books_that_only_the_venue_wrote() -> None:
    venue = mixed()

    assert venue.exchange.audit() == audit(venue.books) == ()


def more(venue: Venue, asset: str, *, free: int = 0, locked: int = 0) -> None:
    held = venue.books.accounts["alice"].balance(asset)
    held.free += free
    held.locked += locked


def change(number: int, **changes: object) -> Callable[[Venue], None]:
    def corrupt(venue: Venue) -> None:
        for name, value in changes.items():
            setattr(venue.books.orders[SYMBOL][number], name, value)

    return corrupt


def lose_fill(venue: Venue) -> None:
    venue.books.fills[SYMBOL].pop()


def halve_trade(venue: Venue) -> None:
    fills = venue.books.fills[SYMBOL]
    fills[-1] = fills[-1]._replace(price=1)


@pytest.mark.parametrize(
    ("corrupt", "finding"),
    [
        (lambda venue: more(venue, "BTC", free=1), "alice's BTC: "),
        (lambda venue: more(venue, "BTC", free=-1, locked=1), "alice's BTC: 2.00000001 locked"),
        (lambda venue: more(venue, "ETH", free=3 * UNIT, locked=-UNIT), "alice's ETH: 5.00000000"),
        (lambda venue: more(venue, "XRP", free=1), "alice's XRP: 0.00000001 are owned"),
        (lambda venue: venue.books.transfers.clear(), "alice's ETH: 3.00000000 are owned"),
        (change(1, locked=0), "order 1 of alice: 0.00000000 locked, 90.00000000 needed"),
        (change(6, locked=1), "order 6 of alice: CANCELED with 0.00000001 locked"),
        (change(1, status="PARTIALLY_FILLED"), "order 1 of alice: PARTIALLY_FILLED with"),
        (change(1, status="FILLED"), "order 1 of alice: FILLED with 0.00000000 of 1.00000000"),
        (change(6, cancel_id=""), "order 6 of alice: CANCELED with"),
        (change(6, status="EXPIRED"), "order 6 of alice: EXPIRED with"),
        (change(6, status="EXPIRED_IN_MATCH"), "order 6 of alice: EXPIRED_IN_MATCH with"),
        (change(1, status="REJECTED"), "order 1 of alice: REJECTED with"),
        (change(1, status="PENDING_NEW"), "order 1 of alice: PENDING_NEW with"),
        (change(2, executed=3 * UNIT), "order 2 of alice: -1.00000000 remain"),
        (change(2, executed=UNIT + 1), "order 2 of alice: executed 1.00000001"),
        (change(6, status="NEW", client_order_id="one"), "order 6 of alice: has the client order"),
        (change(5, locked=0), "list 0: 0.00000000 locked"),
        (lose_fill, "order 3 of bob: executed 1.00000000"),
        (halve_trade, "trade 3 of BTCUSDT: 2 halves that do not fit"),
    ],
)
def test_what_is_wrong_is_found(corrupt: Callable[[Venue], None], finding: str) -> None:
    venue = mixed()

    corrupt(venue)

    found = audit(venue.books)
    assert any(told.startswith(finding) for told in found), found
    OPENED.clear()


def test_a_list_that_goes_on_without_orders_is_found() -> None:
    venue = mixed()
    venue.cancel(orderId=4)

    venue.books.lists[0].done = False

    assert audit(venue.books) == ("list 0: none of its orders is open, but it is not done",)
    OPENED.clear()


def test_fees_in_bnb_and_prevented_trades_of_a_group_are_accounted_for() -> None:
    entry = symbol_entry(allowedSelfTradePreventionModes=["TRANSFER"])
    options = Options(fees_in_bnb=True, maker_fee=Decimal("0.01"))
    venue = Venue(options, exchange_info(entry, symbol_entry("BNB")))
    venue.exchange.market_trade("BNBUSDT", "10", "1", buyer_is_maker=True, time=venue.now)
    for uid, name in enumerate(("carol", "dora"), start=3):
        grant = {"BTC": 10, "USDT": 10_000, "BNB": 5}
        venue.books.open_account(name, uid, grant, trade_group=7)
    venue.limit("BUY", 2, 100, "carol", selfTradePreventionMode="TRANSFER")
    venue.limit("SELL", 1, 100, "dora", selfTradePreventionMode="TRANSFER")
    venue.limit("SELL", "0.5", 100, "bob", selfTradePreventionMode="TRANSFER")

    assert venue.balances("dora")["USDT"] == (Decimal(10_100), Decimal(0))
    assert venue.balances("carol")["BTC"] == (Decimal("11.5"), Decimal(0))
    assert venue.balances("carol")["BNB"] == (Decimal("4.9625"), Decimal(0))
    assert venue.exchange.audit() == ()


whole_numbers = st.integers(1, 12)
wishes = st.one_of(
    st.tuples(st.just("limit"), st.sampled_from(["BUY", "SELL"]), whole_numbers, whole_numbers),
    st.tuples(
        st.just("replace"),
        st.sampled_from(["STOP_ON_FAILURE", "ALLOW_FAILURE"]),
        whole_numbers,
        whole_numbers,
    ),
    st.tuples(st.just("deposit"), st.sampled_from(["BTC", "USDT", "BNB"]), st.integers(-9, 9)),
    st.tuples(st.just("lock"), st.sampled_from(["BTC", "USDT"]), st.integers(-9, 9)),
    st.tuples(st.just("trade"), whole_numbers, st.booleans()),
    st.tuples(st.just("clear")),
)


def grant_wish(venue: Venue, kind: str, *wish: Any) -> None:
    """Do what is wished; what cannot be done is refused and changes nothing."""
    match kind, wish:
        case "limit", (side, number, quantity):
            venue.limit(side, quantity, 94 + number, newOrderRespType="ACK")
        case "replace", (mode, number, quantity):
            new = {"side": "SELL", "type": "LIMIT", "timeInForce": "GTC", "price": 94 + number}
            asked: dict[str, Any] = {"cancelReplaceMode": mode, "cancelOrderId": number, **new}
            venue.ask("POST order/cancelReplace", symbol=SYMBOL, quantity=quantity, **asked)
        case "trade", (number, seller):
            venue.last(94 + number, number, seller=seller)
        case "clear", ():
            venue.ask("DELETE openOrders", symbol=SYMBOL)
        case _, (asset, amount):
            move = venue.exchange.transfer if kind == "deposit" else venue.exchange.lock_externally
            with suppress(ValueError):
                move("alice", asset, amount)


@pytest.mark.slow
@given(st.lists(wishes, min_size=1, max_size=25), st.booleans())
@settings(max_examples=60, deadline=None)
def test_nothing_is_ever_wrong_whatever_is_replaced_moved_locked_and_cleared(
    script: list[tuple[Any, ...]], in_bnb: bool
) -> None:
    info = exchange_info(symbol_entry(), symbol_entry("BNB"))
    venue = Venue(Options(enforce_limits=False, fees_in_bnb=in_bnb), info).with_market()
    venue.exchange.market_trade("BNBUSDT", "10", "1", buyer_is_maker=True, time=venue.now)

    for wish in script:
        grant_wish(venue, *wish)
        assert venue.exchange.audit() == ()
