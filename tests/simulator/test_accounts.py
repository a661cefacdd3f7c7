"""What an account may do, what comes and goes without a trade, and what it asks about itself."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from lib.simulator.books.account import Standing
from lib.simulator.exchange import Books, Options
from tests.simulator.venue import (
    RATE_LIMITS,
    START,
    SYMBOL,
    Venue,
    exchange_info,
    refusal,
    symbol_entry,
)

DISABLED = "This action is disabled on this account."
FORBIDDEN = "This account may not place or cancel orders."


# --- what comes and goes without a trade


def test_a_deposit_is_told_as_what_came_and_then_as_what_there_is() -> None:
    venue = Venue()
    venue.now += 5

    venue.exchange.transfer("alice", "ETH", "2.5")

    assert venue.user_events == [
        (
            "alice",
            {"e": "balanceUpdate", "E": venue.now, "a": "ETH", "d": "2.50000000", "T": venue.now},
        ),
        (
            "alice",
            {
                "e": "outboundAccountPosition",
                "E": venue.now,
                "u": venue.now,
                "B": [{"a": "ETH", "f": "2.50000000", "l": "0.00000000"}],
            },
        ),
    ]
    assert venue.balances()["ETH"] == (Decimal("2.5"), Decimal(0))
    assert venue.ask("GET account").body["updateTime"] == venue.now


def test_a_withdrawal_takes_what_is_free_and_never_what_is_locked() -> None:
    venue = Venue().with_market()
    venue.limit("BUY", 1, 90)

    with pytest.raises(ValueError, match=r"alice has 99910.00000000 USDT free, not 99910.00000001"):
        venue.exchange.transfer("alice", "USDT", "-99910.00000001")
    venue.exchange.transfer("alice", "USDT", "-99910")

    assert venue.balances()["USDT"] == (Decimal(0), Decimal(90))
    assert venue.user_events[-2][1]["d"] == "-99910.00000000"


def test_one_account_gives_to_another_all_or_nothing() -> None:
    venue = Venue()

    venue.exchange.move("alice", "bob", "BTC", 4)
    with pytest.raises(ValueError, match=r"not 6\.00000001"):
        venue.exchange.move("alice", "bob", "BTC", "6.00000001")

    assert venue.balances("alice")["BTC"] == (Decimal(6), Decimal(0))
    assert venue.balances("bob")["BTC"] == (Decimal(14), Decimal(0))
    assert (
        venue.kinds("alice") == venue.kinds("bob") == ["balanceUpdate", "outboundAccountPosition"]
    )


@pytest.mark.parametrize(
    ("giver", "taker", "amount"), [("alice", "bob", 0), ("alice", "bob", -1), ("bob", "bob", 1)]
)
def test_nothing_is_moved_to_oneself_or_backwards(giver: str, taker: str, amount: int) -> None:
    venue = Venue()

    with pytest.raises(ValueError, match="cannot move"):
        venue.exchange.move(giver, taker, "BTC", amount)

    assert venue.user_events == []


def test_a_transfer_to_nobody_or_of_nothing_is_refused() -> None:
    venue = Venue()

    with pytest.raises(KeyError):
        venue.exchange.transfer("carol", "BTC", 1)
    with pytest.raises(ValueError, match="nothing to transfer"):
        venue.exchange.transfer("alice", "BTC", 0)


def test_a_lock_from_elsewhere_is_told_and_released_again() -> None:
    venue = Venue()

    venue.exchange.lock_externally("alice", "BTC", 4)
    locked = venue.balances()["BTC"]
    with pytest.raises(ValueError, match=r"cannot lock -4\.00000001 BTC"):
        venue.exchange.lock_externally("alice", "BTC", "-4.00000001")
    venue.exchange.lock_externally("alice", "BTC", -1)

    assert locked == (Decimal(6), Decimal(4))
    assert venue.balances()["BTC"] == (Decimal(7), Decimal(3))
    assert venue.kinds() == ["externalLockUpdate", "outboundAccountPosition"] * 2
    event = venue.user_events[0][1]
    assert event == {
        "e": "externalLockUpdate",
        "E": START,
        "a": "BTC",
        "d": "4.00000000",
        "T": START,
    }


def test_no_order_is_placed_with_what_another_system_has_locked() -> None:
    venue = Venue().with_market()
    venue.exchange.lock_externally("alice", "BTC", 4)

    answer = venue.limit("SELL", "6.1", 110)

    text = "Account has insufficient balance for requested action."
    assert refusal(answer) == (400, -2010, text)
    assert venue.limit("SELL", 6, 110).status == 200


def test_transfers_and_locks_survive_a_restart_and_not_a_wipe(tmp_path: Path) -> None:
    venue = Venue(books=Books.open(tmp_path / "venue.db"))
    venue.exchange.transfer("alice", "ETH", 3)
    venue.exchange.move("alice", "bob", "BTC", 4)
    venue.exchange.lock_externally("alice", "ETH", 1)
    before = venue.ask("GET account").body
    venue.books.close()

    again = Venue(books=Books.open(tmp_path / "venue.db"))

    assert again.ask("GET account").body == before
    assert again.exchange.audit() == ()
    again.exchange.wipe()
    assert again.balances() == {"BTC": (Decimal(10), Decimal(0)), "USDT": (Decimal(100_000), 0)}
    again.books.close()


# --- what an account may do


@pytest.mark.parametrize(
    ("trading", "place", "cancel"),
    [("cancel_only", DISABLED, None), ("forbidden", FORBIDDEN, FORBIDDEN)],
)
def test_an_account_may_lose_the_right_to_trade(
    trading: Any, place: str, cancel: str | None
) -> None:
    venue = Venue().with_market()
    order_id = venue.limit("BUY", 1, 90).body["orderId"]

    venue.exchange.set_standing("alice", Standing(trading=trading))

    assert venue.ask("GET account").body["canTrade"] is False
    assert refusal(venue.limit("BUY", 1, 90)) == (400, -2010, place)
    canceled = venue.cancel(orderId=order_id)
    if cancel is None:
        assert canceled.status == 200
    else:
        assert refusal(canceled) == (400, -2011, cancel)
        assert refusal(venue.ask("DELETE openOrders", symbol=SYMBOL)) == (400, -2011, cancel)
    assert venue.limit("BUY", 1, 90, "bob").status == 200


def test_an_account_trades_again_once_it_may() -> None:
    venue = Venue().with_market()
    venue.exchange.set_standing("alice", Standing(trading="forbidden"))

    venue.exchange.set_standing("alice", Standing())

    assert venue.limit("BUY", 1, 90).status == 200


@pytest.mark.parametrize(
    ("sets", "permissions", "allowed"),
    [
        ([["SPOT", "MARGIN"]], {"SPOT"}, True),
        ([["MARGIN"]], {"SPOT"}, False),
        ([["MARGIN"]], {"MARGIN"}, True),
        ([["SPOT"], ["TRD_GRP_004", "TRD_GRP_005"]], {"SPOT"}, False),
        ([["SPOT"], ["TRD_GRP_004", "TRD_GRP_005"]], {"SPOT", "TRD_GRP_005"}, True),
        ([["SPOT"]], {"MARGIN"}, False),
    ],
)
def test_an_account_needs_one_permission_of_each_set_of_a_symbol(
    sets: list[list[str]], permissions: set[str], allowed: bool
) -> None:
    venue = Venue(info=exchange_info(symbol_entry(permissionSets=sets))).with_market()
    venue.exchange.set_standing("alice", Standing(permissions=frozenset(permissions)))

    answer = venue.limit("BUY", 1, 90)

    if allowed:
        assert answer.status == 200
    else:
        text = "This symbol is not permitted for this account."
        assert refusal(answer) == (400, -2010, text)


def test_a_standing_is_shown_and_survives_a_restart(tmp_path: Path) -> None:
    books = Books.open(tmp_path / "venue.db")
    books.open_account("carol", 3, {"USDT": 7}, trade_group=5)
    venue = Venue(books=books)
    standing = Standing(
        trading="cancel_only",
        can_withdraw=True,
        can_deposit=True,
        requires_stp=True,
        permissions=frozenset({"SPOT", "TRD_GRP_002"}),
    )
    venue.exchange.set_standing("carol", standing)
    before = venue.ask("GET account", "carol").body
    books.close()

    again = Venue(books=Books.open(tmp_path / "venue.db"))

    assert again.books.accounts["carol"].standing == standing
    assert again.books.accounts["carol"].trade_group == 5
    assert again.ask("GET account", "carol").body == before
    flags = ("canTrade", "canWithdraw", "canDeposit", "requireSelfTradePrevention")
    assert [before[name] for name in flags] == [False, True, True, True]
    assert before["permissions"] == ["SPOT", "TRD_GRP_002"]
    again.books.close()


def test_accounts_of_one_trade_group_do_not_trade_with_each_other() -> None:
    books = Books.in_memory()
    for uid, name in enumerate(("carol", "dora"), start=3):
        books.open_account(name, uid, {"BTC": 10, "USDT": 10_000}, trade_group=5)
    venue = Venue(books=books)
    venue.limit("BUY", 1, 100, "carol")

    taker = venue.limit("SELL", 1, 100, "dora").body

    assert (taker["status"], taker["executedQty"]) == ("NEW", "0.00000000")
    assert venue.order(1, "carol")["status"] == "EXPIRED_IN_MATCH"


def test_an_account_says_of_which_trade_group_it_is_if_it_is_of_one() -> None:
    books = Books.in_memory()
    books.open_account("carol", 3, {"BTC": 10}, trade_group=5)
    venue = Venue(books=books)

    assert venue.ask("GET account", "carol").body["tradeGroupId"] == 5
    assert "tradeGroupId" not in venue.ask("GET account", "alice").body


# --- a symbol that does not trade


@pytest.mark.parametrize("status", ["HALT", "BREAK", "END_OF_DAY", "CANCEL_ONLY"])
def test_a_closed_symbol_takes_no_order_but_lets_orders_go(status: str) -> None:
    venue = Venue().with_market()
    venue.limit("BUY", 1, 90)
    venue.limit("BUY", 1, 91)

    venue.exchange.change_symbol(SYMBOL, {"status": status})

    closed = (400, -1013, "Market is closed.")
    assert refusal(venue.limit("BUY", 1, 90)) == closed
    new: dict[str, Any] = {"side": "BUY", "type": "MARKET", "quantity": 1}
    mode: dict[str, Any] = {"cancelReplaceMode": "ALLOW_FAILURE", "cancelOrderId": 1}
    assert refusal(venue.ask("POST order/cancelReplace", symbol=SYMBOL, **mode, **new)) == closed
    assert venue.order(1)["status"] == "NEW"
    assert venue.cancel(orderId=1).status == 200
    assert venue.ask("DELETE openOrders", symbol=SYMBOL).status == 200


@pytest.mark.parametrize(
    ("status", "expected"), [("HALT", 400), ("BREAK", 400), ("CANCEL_ONLY", 200)]
)
def test_a_closed_symbol_may_refuse_cancels_too_unless_it_is_there_for_them(
    status: str, expected: int
) -> None:
    venue = Venue(Options(cancel_while_closed="refuse")).with_market()
    venue.limit("BUY", 1, 90)
    venue.exchange.change_symbol(SYMBOL, {"status": status})

    answer = venue.cancel(orderId=1)

    assert answer.status == expected
    assert expected == 200 or refusal(answer) == (400, -2011, "Market is closed.")


# --- what it asks about itself


def test_the_unfilled_order_count_is_told_for_all_intervals() -> None:
    venue = Venue().with_market()
    venue.limit("BUY", 1, 90)
    venue.limit("BUY", 1, 91)

    answer = venue.ask("GET rateLimit/order")

    orders = [entry for entry in RATE_LIMITS if entry["rateLimitType"] == "ORDERS"]
    assert answer.body == [{**entry, "count": 2} for entry in orders]
    assert answer.headers["X-MBX-USED-WEIGHT-1M"] == "40"
    assert [row["count"] for row in venue.ask("GET rateLimit/order", "bob").body] == [0, 0]


def test_my_filters_are_those_of_the_venue_the_symbol_and_its_assets() -> None:
    everywhere = [{"filterType": "EXCHANGE_MAX_NUM_ORDERS", "maxNumOrders": 1000}]
    limits = {"USDT": Decimal(1000), "ETH": Decimal(1)}
    venue = Venue(Options(max_assets=limits), exchange_info(exchangeFilters=everywhere))

    answer = venue.ask("GET myFilters", symbol=SYMBOL)

    assert answer.body == {
        "exchangeFilters": everywhere,
        "symbolFilters": symbol_entry()["filters"],
        "assetFilters": [{"filterType": "MAX_ASSET", "asset": "USDT", "limit": "1000.00000000"}],
    }
    assert answer.headers["X-MBX-USED-WEIGHT-1M"] == "40"


@pytest.mark.parametrize(
    ("limits", "order", "passes"),
    [
        ({"BTC": 2}, {"quantity": "2", "price": 90}, True),
        ({"BTC": 2}, {"quantity": "2.00001", "price": 90}, False),
        ({"USDT": 180}, {"quantity": "2", "price": 90}, True),
        ({"USDT": 180}, {"quantity": "2", "price": "90.01"}, False),
        ({"ETH": 1}, {"quantity": "2", "price": 90}, True),
    ],
)
def test_one_order_may_not_have_more_of_an_asset_than_is_allowed(
    limits: dict[str, int], order: dict[str, Any], passes: bool
) -> None:
    most = {asset: Decimal(limit) for asset, limit in limits.items()}
    venue = Venue(Options(max_assets=most)).with_market()

    answer = venue.limit("BUY", **order)

    if passes:
        assert answer.status == 200
    else:
        assert refusal(answer) == (400, -1013, "Filter failure: MAX_ASSET")


def test_a_market_order_is_worth_its_quote_quantity_or_what_the_last_price_makes_of_it() -> None:
    venue = Venue(Options(max_assets={"USDT": Decimal(100)})).with_market()

    too_much = "Filter failure: MAX_ASSET"
    assert venue.market("BUY", "1.1").body["msg"] == too_much
    assert venue.place("MARKET", "BUY", quoteOrderQty="100.5").body["msg"] == too_much
    assert venue.market("BUY", "0.9").status == 200
    assert venue.place("MARKET", "BUY", quoteOrderQty="10").status == 200


def test_nobody_has_allocations_where_no_order_is_routed() -> None:
    venue = Venue().with_market()
    venue.market("BUY", 1)

    answer = venue.ask("GET myAllocations", symbol=SYMBOL, orderId=1)

    assert (answer.status, answer.body) == (200, [])
    assert answer.headers["X-MBX-USED-WEIGHT-1M"] == "20"
    wrong = venue.ask("GET myAllocations", symbol=SYMBOL, orderId=1, startTime=START)
    assert refusal(wrong) == (400, -1128, "Combination of optional parameters invalid.")


def test_money_that_is_not_there_is_said_to_be_missing_to_the_last_unit() -> None:
    venue = Venue().with_market()
    missing = (400, -2010, "Account has insufficient balance for requested action.")

    assert refusal(venue.limit("BUY", "1111.11112", 90)) == missing
    assert venue.limit("BUY", "1111.11111", 90).status == 200
    assert refusal(venue.limit("SELL", "10.00001", 110)) == missing
    assert venue.limit("SELL", 10, 110).status == 200
    assert refusal(venue.place("STOP_LOSS", "SELL", quantity=1, stopPrice=95)) == missing
    assert refusal(venue.market("BUY", "0.1")) == missing


def test_a_person_at_the_same_account_sells_and_cancels_what_a_program_placed() -> None:
    venue = Venue().with_market()
    venue.limit("BUY", 1, 90, newClientOrderId="bot-1")

    venue.cancel(origClientOrderId="bot-1", newClientOrderId="web_1")
    venue.market("SELL", 1, newClientOrderId="web_2")

    assert venue.reports() == [
        ("NEW", "NEW"),
        ("CANCELED", "CANCELED"),
        ("NEW", "NEW"),
        ("TRADE", "FILLED"),
    ]
    canceled = [event for _, event in venue.user_events if event.get("x") == "CANCELED"]
    assert [(event["c"], event["C"]) for event in canceled] == [("web_1", "bot-1")]
