"""Orders of one owner that meet: what each mode prevents, and what is told of it."""

from decimal import Decimal

import pytest

from tests.simulator.self_trades import MODES, empty_venue, meet
from tests.simulator.venue import SYMBOL, Venue, exchange_info, refusal, symbol_entry


@pytest.fixture
def venue() -> Venue:
    return empty_venue()


@pytest.fixture
def group() -> Venue:
    """A venue where alice and bob belong to one trade group."""
    return empty_venue(trade_group=1)


@pytest.mark.parametrize(
    ("mode", "made", "taken", "maker", "taker"),
    [
        ("NONE", 1, 1, ("FILLED", None), ("FILLED", None)),
        ("EXPIRE_TAKER", 1, 3, ("NEW", None), ("EXPIRED_IN_MATCH", "3.00000000")),
        ("EXPIRE_MAKER", 3, 1, ("EXPIRED_IN_MATCH", "3.00000000"), ("NEW", None)),
        (
            "EXPIRE_BOTH",
            1,
            3,
            ("EXPIRED_IN_MATCH", "1.00000000"),
            ("EXPIRED_IN_MATCH", "3.00000000"),
        ),
        ("DECREMENT", 6, 2, ("NEW", "2.00000000"), ("EXPIRED_IN_MATCH", "2.00000000")),
        ("DECREMENT", 2, 6, ("EXPIRED_IN_MATCH", "2.00000000"), ("NEW", "2.00000000")),
        (
            "DECREMENT",
            2,
            2,
            ("EXPIRED_IN_MATCH", "2.00000000"),
            ("EXPIRED_IN_MATCH", "2.00000000"),
        ),
        ("TRANSFER", 6, 2, ("NEW", "2.00000000"), ("EXPIRED_IN_MATCH", "2.00000000")),
    ],
)
def test_the_takers_mode_decides_who_loses_what(
    venue: Venue,
    mode: str,
    made: int,
    taken: int,
    maker: tuple[str, str | None],
    taker: tuple[str, str | None],
) -> None:
    rested, came = meet(venue, mode, made=made, taken=taken, makers_mode="EXPIRE_BOTH")

    assert (rested["status"], rested.get("preventedQuantity")) == maker
    assert (came["status"], came.get("preventedQuantity")) == taker


@pytest.mark.parametrize("mode", MODES[1:])
def test_locks_follow_what_is_left_of_both_orders(venue: Venue, mode: str) -> None:
    rested, came = meet(venue, mode, made="1.5", taken=4)

    left = {
        order["side"]: Decimal(order["origQty"]) - Decimal(order.get("preventedQuantity", "0"))
        for order in (rested, came)
    }
    locked = {asset: amounts[1] for asset, amounts in venue.balances().items()}
    assert locked == {"BTC": left["SELL"], "USDT": left["BUY"] * 100}
    assert sum(venue.balances()["BTC"]) == 10
    assert sum(venue.balances()["USDT"]) == 100_000


@pytest.mark.parametrize("mode", MODES[1:])
def test_the_book_shows_what_is_left_of_both_orders(venue: Venue, mode: str) -> None:
    rested, came = meet(venue, mode, made=5, taken="1.5")

    book = venue.depth()
    shown = sum(quantity for side in book.values() for _, quantity in side)
    assert shown == sum(
        Decimal(order["origQty"]) - Decimal(order.get("preventedQuantity", "0"))
        for order in (rested, came)
    )


def test_an_answer_names_every_match_that_was_prevented(venue: Venue) -> None:
    for quantity, price in (("1.2", "100.2"), ("1.3", "100.1"), ("8.1", "100")):
        venue.limit("BUY", quantity, price, selfTradePreventionMode="NONE")

    body = venue.limit("SELL", 3, 100, selfTradePreventionMode="EXPIRE_MAKER").body

    assert body["status"] == "NEW"
    assert "preventedQuantity" not in body
    assert [
        (found["makerOrderId"], found["price"], found["makerPreventedQuantity"])
        for found in body["preventedMatches"]
    ] == [
        (1, "100.20000000", "1.20000000"),
        (2, "100.10000000", "1.30000000"),
        (3, "100.00000000", "8.10000000"),
    ]
    assert all("takerPreventedQuantity" not in found for found in body["preventedMatches"])


def test_an_answer_tells_nothing_of_what_was_prevented_to_others(venue: Venue) -> None:
    venue.place("STOP_LOSS", "SELL", "bob", quantity=1, stopPrice=99)
    venue.limit("BUY", 1, 98, "bob")
    venue.limit("BUY", 1, 99)

    body = venue.limit("SELL", 1, 99, selfTradePreventionMode="NONE").body

    assert venue.ask("GET myPreventedMatches", "bob", symbol=SYMBOL, orderId=1).body != []
    assert "preventedMatches" not in body


def test_a_market_order_whose_makers_expired_runs_out_of_liquidity(venue: Venue) -> None:
    venue.limit("BUY", 1, 100)

    body = venue.market("SELL", 1, selfTradePreventionMode="EXPIRE_MAKER").body

    assert (body["status"], body["expiryReason"]) == ("EXPIRED", "INSUFFICIENT_LIQUIDITY")
    assert venue.order(1)["status"] == "EXPIRED_IN_MATCH"


def test_a_decremented_taker_goes_on_to_the_orders_of_others(venue: Venue) -> None:
    venue.limit("BUY", 1, 100)
    venue.limit("BUY", 5, 99, "bob")

    body = venue.market("SELL", 3, selfTradePreventionMode="DECREMENT").body

    assert (body["status"], body["executedQty"]) == ("FILLED", "2.00000000")
    assert body["preventedQuantity"] == "1.00000000"


def test_a_market_buy_does_not_lock_what_it_is_kept_from_spending(venue: Venue) -> None:
    venue.limit("SELL", 9, 200)
    venue.limit("SELL", 9, 500, "bob")
    venue.limit("BUY", 955, 100)

    body = venue.market("BUY", 18, selfTradePreventionMode="DECREMENT").body

    assert (body["status"], body["executedQty"]) == ("FILLED", "9.00000000")
    assert venue.balances()["USDT"] == (Decimal(0), Decimal(95_500))


def test_a_fill_or_kill_order_that_would_meet_itself_takes_nothing(venue: Venue) -> None:
    venue.limit("BUY", 1, 100)
    venue.limit("BUY", 5, 100, "bob")

    modes = {
        mode: venue.limit("SELL", 3, 100, timeInForce="FOK", selfTradePreventionMode=mode).body
        for mode in ("EXPIRE_TAKER", "EXPIRE_BOTH", "DECREMENT", "TRANSFER")
    }

    assert {body["status"] for body in modes.values()} == {"EXPIRED"}
    assert {body["executedQty"] for body in modes.values()} == {"0.00000000"}
    assert venue.order(1)["status"] == "NEW"


def test_an_iceberg_is_prevented_part_by_part_but_expires_as_a_whole(venue: Venue) -> None:
    venue.limit("BUY", 5, 100, icebergQty=1)

    decremented = venue.limit("SELL", 2, 100, selfTradePreventionMode="DECREMENT").body
    expired = venue.limit("SELL", 1, 100, selfTradePreventionMode="EXPIRE_MAKER").body

    assert [found["makerPreventedQuantity"] for found in decremented["preventedMatches"]] == [
        "1.00000000",
        "1.00000000",
    ]
    assert expired["preventedMatches"][0]["makerPreventedQuantity"] == "3.00000000"
    assert venue.depth()["bids"] == []


def test_the_user_stream_tells_both_sides_of_a_prevented_match(venue: Venue) -> None:
    meet(venue, "EXPIRE_BOTH", made=5, taken=2)

    told = [event for _, event in venue.user_events if event.get("x") == "TRADE_PREVENTION"]

    assert [(event["i"], event["U"], event["X"]) for event in told] == [
        (1, 2, "EXPIRED_IN_MATCH"),
        (2, 1, "EXPIRED_IN_MATCH"),
    ]
    assert [(event["A"], event["B"]) for event in told] == [
        ("5.00000000", "5.00000000"),
        ("2.00000000", "2.00000000"),
    ]
    for event in told:
        assert (event["pl"], event["pL"], event["pY"]) == (
            "2.00000000",
            "100.00000000",
            "200.00000000",
        )
        assert (event["l"], event["L"], event["Y"], event["t"]) == (*["0.00000000"] * 3, -1)
        assert (event["v"], event["u"], event["Cs"]) == (1, -1, SYMBOL)


def test_a_survivor_keeps_its_status_and_its_prevented_quantities_add_up(venue: Venue) -> None:
    venue.limit("BUY", 6, 100)
    for _ in range(2):
        venue.limit("SELL", 2, 100, selfTradePreventionMode="DECREMENT")

    told = [
        (event["X"], event["A"], event["B"])
        for _, event in venue.user_events
        if event.get("x") == "TRADE_PREVENTION" and event["i"] == 1
    ]

    assert told == [("NEW", "2.00000000", "2.00000000"), ("NEW", "4.00000000", "2.00000000")]
    assert venue.depth()["bids"] == [(Decimal(100), Decimal(2))]


# --- accounts of one group


def test_accounts_without_a_group_trade_with_each_other(venue: Venue) -> None:
    rested, came = meet(venue, "EXPIRE_BOTH", maker="bob")

    assert (rested["status"], came["status"]) == ("FILLED", "FILLED")


@pytest.mark.parametrize(
    ("mode", "maker", "taker"),
    [
        ("EXPIRE_TAKER", "NEW", "EXPIRED_IN_MATCH"),
        ("EXPIRE_MAKER", "EXPIRED_IN_MATCH", "NEW"),
        ("EXPIRE_BOTH", "EXPIRED_IN_MATCH", "EXPIRED_IN_MATCH"),
        ("NONE", "FILLED", "FILLED"),
    ],
)
def test_accounts_of_one_group_are_one_owner(
    group: Venue, mode: str, maker: str, taker: str
) -> None:
    rested, came = meet(group, mode, maker="bob")

    assert (rested["status"], came["status"]) == (maker, taker)
    assert came.get("tradeGroupId") == (None if mode == "NONE" else 1)


def test_a_transfer_moves_what_the_trade_would_have_moved(group: Venue) -> None:
    rested, came = meet(
        group, "TRANSFER", made="0.6", taken="0.2", makers_mode="TRANSFER", maker="bob"
    )

    assert (rested["status"], rested["preventedQuantity"]) == ("NEW", "0.20000000")
    assert (came["status"], came["executedQty"]) == ("EXPIRED_IN_MATCH", "0.00000000")
    assert group.balances("bob") == {
        "BTC": (Decimal("10.2"), Decimal(0)),
        "USDT": (Decimal(99_940), Decimal(40)),
    }
    assert group.balances() == {
        "BTC": (Decimal("9.8"), Decimal(0)),
        "USDT": (Decimal(100_020), Decimal(0)),
    }
    assert group.ask("GET myTrades", symbol=SYMBOL).body == []


def test_a_market_order_pays_for_what_is_transferred(group: Venue) -> None:
    group.limit("SELL", 1, 100, "bob", selfTradePreventionMode="TRANSFER")

    body = group.market("BUY", 1, selfTradePreventionMode="TRANSFER").body

    assert body["status"] == "EXPIRED_IN_MATCH"
    assert group.balances()["USDT"] == (Decimal(99_900), Decimal(0))
    assert group.balances("bob")["BTC"] == (Decimal(9), Decimal(0))


def test_a_transfer_needs_both_orders_to_want_it(group: Venue) -> None:
    meet(group, "TRANSFER", makers_mode="EXPIRE_MAKER", maker="bob")

    assert sum(group.balances()["BTC"]) == 10
    (match,) = group.ask("GET myPreventedMatches", symbol=SYMBOL, preventedMatchId=1).body
    assert match["selfTradePreventionMode"] == "DECREMENT"


# --- what a symbol allows


def test_a_mode_the_symbol_does_not_allow_is_refused() -> None:
    entry = symbol_entry(allowedSelfTradePreventionModes=["NONE", "EXPIRE_BOTH"])
    venue = Venue(info=exchange_info(entry)).with_market()

    answer = venue.limit("BUY", 1, 90, selfTradePreventionMode="EXPIRE_MAKER")

    text = "This symbol does not allow the specified self-trade prevention mode."
    assert refusal(answer) == (400, -1013, text)


def test_an_order_without_a_mode_has_the_symbols(venue: Venue) -> None:
    entry = symbol_entry(defaultSelfTradePreventionMode="DECREMENT")
    venue = Venue(info=exchange_info(entry)).with_market()

    assert venue.limit("BUY", 1, 90).body["selfTradePreventionMode"] == "DECREMENT"


def test_exchange_info_shows_all_modes_of_the_entry(venue: Venue) -> None:
    (entry,) = venue.ask("GET exchangeInfo", None, symbol=SYMBOL).body["symbols"]

    assert entry["allowedSelfTradePreventionModes"] == MODES
