"""Memory and Database answer from the books as they were a while ago."""

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib.simulator.exchange import Books, Options
from tests.simulator.order_lists import ask_list
from tests.simulator.venue import START, SYMBOL, Venue, refusal

LAG = 500
ABSENT = (400, -2013, "Order does not exist.")


def lagging(lag: int = LAG, **options: Any) -> Venue:
    return Venue(Options(query_lag_ms=lag, **options)).with_market()


def asked(venue: Venue, name: str = "a1", who: str = "alice") -> Any:
    return venue.ask("GET order", who, symbol=SYMBOL, origClientOrderId=name)


def status(venue: Venue, name: str = "a1") -> str:
    body: dict[str, Any] = asked(venue, name).body
    return str(body.get("status", body.get("code")))


def test_an_order_is_unknown_until_the_lag_has_passed() -> None:
    venue = lagging()
    venue.limit("BUY", 1, 90, newClientOrderId="a1")

    venue.now = START + LAG - 1
    assert refusal(asked(venue)) == ABSENT
    assert refusal(venue.ask("GET order", symbol=SYMBOL, orderId=1)) == ABSENT
    venue.now = START + LAG
    assert status(venue) == "NEW"


def test_an_order_is_shown_as_it_was_before_its_latest_fill_and_cancel() -> None:
    venue = lagging()
    venue.limit("BUY", 2, 99, newClientOrderId="a1")
    venue.now = START + 1000
    venue.last(99, "2", seller=True)  # one of ours after the one that was there
    venue.now = START + 1200
    venue.cancel(orderId=1)

    shown = []
    for moment in (1200, 1499, 1500, 1699, 1700):
        venue.now = START + moment
        body = asked(venue).body
        shown.append((body["status"], body["executedQty"], body["updateTime"] - START))

    assert shown == [
        ("NEW", "0.00000000", 0),
        ("NEW", "0.00000000", 0),
        ("PARTIALLY_FILLED", "1.00000000", 1000),
        ("PARTIALLY_FILLED", "1.00000000", 1000),
        ("CANCELED", "1.00000000", 1200),
    ]


def test_balances_arrive_late_and_whole() -> None:
    venue = lagging()
    before = venue.ask("GET account").body

    venue.market("BUY", 1)

    venue.now = START + LAG - 1
    assert venue.ask("GET account").body == before
    venue.now = START + LAG
    after = venue.balances()
    assert after["BTC"] == (Decimal("10.999"), Decimal(0))
    assert after["USDT"] == (Decimal(99_899), Decimal(0))
    assert venue.ask("GET account").body["updateTime"] == START


def test_an_asset_that_just_came_is_not_shown_before_its_time() -> None:
    venue = lagging()

    venue.exchange.transfer("alice", "ETH", 1)

    assert "ETH" not in venue.balances()
    venue.now += LAG
    assert venue.balances()["ETH"] == (Decimal(1), Decimal(0))


def test_an_order_that_is_closed_stays_in_the_list_of_open_ones_for_a_while() -> None:
    venue = lagging(0, list_lag_ms=LAG)
    venue.limit("BUY", 1, 90, newClientOrderId="a1")
    venue.now = START + 1000
    venue.cancel(orderId=1)

    assert status(venue) == "CANCELED"
    assert [row["status"] for row in venue.ask("GET openOrders").body] == ["NEW"]
    assert venue.ask("GET allOrders", symbol=SYMBOL).body[0]["status"] == "NEW"
    venue.now = START + 1000 + LAG
    assert venue.ask("GET openOrders").body == []
    assert venue.ask("GET allOrders", symbol=SYMBOL).body[0]["status"] == "CANCELED"


def test_a_history_by_time_goes_by_the_update_that_is_known() -> None:
    venue = lagging(0, list_lag_ms=LAG)
    venue.limit("BUY", 1, 90)
    venue.now = START + 1000
    venue.cancel(orderId=1)
    placed: dict[str, Any] = {"startTime": START, "endTime": START + 999}

    early = venue.ask("GET allOrders", symbol=SYMBOL, **placed).body
    venue.now += LAG
    late = venue.ask("GET allOrders", symbol=SYMBOL, **placed).body

    assert ([row["orderId"] for row in early], late) == ([1], [])


@pytest.mark.parametrize(("trades", "seen_at"), [(None, LAG), (0, 0), (900, 900)])
def test_trades_lag_as_orders_do_or_at_a_pace_of_their_own(
    trades: int | None, seen_at: int
) -> None:
    venue = lagging(trades_lag_ms=trades)
    venue.market("BUY", 1)

    if seen_at:
        venue.now = START + seen_at - 1
        assert venue.ask("GET myTrades", symbol=SYMBOL).body == []
    venue.now = START + seen_at
    assert len(venue.ask("GET myTrades", symbol=SYMBOL).body) == 1
    assert len(venue.ask("GET myTrades", symbol=SYMBOL, orderId=1).body) == 1


def test_the_matching_engine_itself_never_lags() -> None:
    venue = lagging()
    venue.limit("BUY", 1, 90, newClientOrderId="a1")

    assert venue.limit("BUY", 1, 90, newClientOrderId="a1").body["msg"] == "Duplicate order sent."
    assert venue.cancel(origClientOrderId="a1").status == 200
    assert refusal(asked(venue)) == ABSENT


def test_an_id_given_again_means_its_former_order_until_the_new_one_is_known() -> None:
    venue = lagging()
    venue.market("BUY", "0.1", newClientOrderId="a1")
    venue.now = START + 1000
    venue.limit("BUY", 1, 90, newClientOrderId="a1")

    former = asked(venue).body
    venue.now += LAG

    assert (former["orderId"], former["status"]) == (1, "FILLED")
    assert asked(venue).body["orderId"] == 2


def test_an_amended_id_is_known_late() -> None:
    venue = lagging()
    venue.limit("BUY", 2, 90, newClientOrderId="a1")
    venue.now = START + 1000
    amendment: dict[str, Any] = {"orderId": 1, "newQty": 1, "newClientOrderId": "a2"}
    answer = venue.ask("PUT order/amend/keepPriority", symbol=SYMBOL, **amendment)
    assert answer.status == 200, answer.body

    early = (asked(venue, "a1").body["origQty"], status(venue, "a2"))
    venue.now += LAG
    late = asked(venue, "a2").body["origQty"]

    assert early == ("2.00000000", "-2013")
    assert late == "1.00000000"


def test_a_lag_can_begin_grow_and_end_while_the_venue_runs() -> None:
    venue = Venue().with_market()
    venue.limit("BUY", 1, 90, newClientOrderId="a1")

    venue.exchange.set_lag(LAG)
    known = status(venue)
    venue.cancel(orderId=1)
    before = status(venue)
    venue.exchange.set_lag(3 * LAG)
    venue.now = START + 2 * LAG
    longer = status(venue)
    venue.exchange.set_lag(0)
    ended = status(venue)

    assert (known, before, longer, ended) == ("NEW", "NEW", "NEW", "CANCELED")


def test_a_young_order_is_unknown_after_a_restart_too(tmp_path: Path) -> None:
    options = Options(query_lag_ms=LAG)
    venue = Venue(options, books=Books.open(tmp_path / "venue.db")).with_market()
    venue.limit("BUY", 1, 90, newClientOrderId="old")
    venue.now = START + 1000
    venue.limit("BUY", 1, 90, newClientOrderId="young")
    venue.books.close()

    again = Venue(options, books=Books.open(tmp_path / "venue.db"), now=venue.now + 1)

    assert (status(again, "old"), status(again, "young")) == ("NEW", "-2013")
    again.now += LAG
    assert status(again, "young") == "NEW"
    again.books.close()


def test_a_wipe_leaves_nothing_under_way() -> None:
    venue = lagging()
    venue.limit("BUY", 1, 90, newClientOrderId="a1")

    venue.exchange.wipe()
    venue.now += LAG

    assert refusal(asked(venue)) == ABSENT
    assert venue.balances()["USDT"] == (Decimal(100_000), Decimal(0))


steps = st.lists(
    st.tuples(
        st.sampled_from(["buy", "sell", "market", "cancel", "trade", "deposit", "pair", "drop"]),
        st.integers(1, 8),
        st.integers(0, 700),
    ),
    min_size=1,
    max_size=25,
)


def play(venue: Venue, kind: str, number: int) -> None:
    match kind:
        case "buy":
            venue.limit("BUY", number, 100 - number, newClientOrderId=f"b{number}")
        case "sell":
            venue.limit("SELL", number, 100 + number, newClientOrderId=f"s{number}")
        case "market":
            venue.market("BUY", number, newClientOrderId=f"m{number}")
        case "cancel":
            venue.cancel(orderId=number)
        case "pair":
            ask_list(venue, "oco", listClientOrderId=f"l{number % 2}")
        case "drop":
            venue.ask("DELETE orderList", symbol=SYMBOL, listClientOrderId=f"l{number % 2}")
        case "trade":
            venue.last(100 - number, number, seller=True)
        case _:
            venue.exchange.transfer("alice", "USDT", number)


def answers(venue: Venue) -> list[Any]:
    """Ask everything that lags."""
    names = [f"{letter}{number}" for letter in "bsm" for number in range(1, 9)]
    return [
        venue.ask("GET account").body,
        venue.ask("GET openOrders").body,
        venue.ask("GET allOrders", symbol=SYMBOL).body,
        [asked(venue, name).body for name in names],
        [venue.ask("GET order", symbol=SYMBOL, orderId=number).body for number in range(1, 12)],
        venue.ask("GET myTrades", symbol=SYMBOL).body,
        venue.ask("GET openOrderList").body,
        venue.ask("GET allOrderList").body,
        [venue.ask("GET orderList", origClientOrderId=name).body for name in ("l0", "l1")],
        [venue.ask("GET orderList", orderListId=number).body for number in range(3)],
    ]


@pytest.mark.slow
@given(steps)
@settings(max_examples=60, deadline=None)
def test_what_is_answered_is_what_a_venue_without_a_lag_said_back_then(
    script: Sequence[tuple[str, int, int]],
) -> None:
    present = Venue(Options(enforce_limits=False)).with_market()
    late = lagging(enforce_limits=False)
    told: list[tuple[int, list[Any]]] = [(START, answers(present))]

    for kind, number, pause in script:
        for venue in (present, late):
            play(venue, kind, number)
        told.append((present.now, answers(present)))
        for venue in (present, late):
            venue.now += pause
        known = [said for moment, said in told if moment <= late.now - LAG]
        assert answers(late) == (known[-1] if known else told[0][1])
