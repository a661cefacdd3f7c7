"""How order lists are found again, and canceled."""

from pathlib import Path
from typing import Any, Literal

import pytest

from lib.simulator.exchange import Books, Options
from tests.simulator.order_lists import ask_list, place_list, statuses
from tests.simulator.venue import SYMBOL, Venue, exchange_info, refusal, symbol_entry

HOUR = 3_600_000
ADVICE = "Combination of optional parameters invalid. Recommendation: 'orderListId' should also be"


def ids(venue: Venue, call: str, **params: Any) -> list[int]:
    return [row["orderListId"] for row in venue.ask(call, **params).body]


def drop(venue: Venue, **params: Any) -> Any:
    return venue.ask("DELETE orderList", symbol=SYMBOL, **params)


def test_a_queried_list_has_its_orders_but_no_reports() -> None:
    venue = Venue().with_market()
    place_list(
        venue,
        "oco",
        listClientOrderId="pair",
        aboveClientOrderId="high",
        belowClientOrderId="low",
    )

    assert venue.ask("GET orderList", orderListId=0).body == {
        "orderListId": 0,
        "contingencyType": "OCO",
        "listStatusType": "EXEC_STARTED",
        "listOrderStatus": "EXECUTING",
        "listClientOrderId": "pair",
        "transactionTime": venue.now,
        "symbol": SYMBOL,
        "orders": [
            {"symbol": SYMBOL, "orderId": 1, "clientOrderId": "low"},
            {"symbol": SYMBOL, "orderId": 2, "clientOrderId": "high"},
        ],
    }


def test_a_list_that_is_done_says_so_with_the_time_of_its_end() -> None:
    venue = Venue().with_market()
    place_list(venue, "oco")
    venue.now += 7

    drop(venue, orderListId=0)

    body = venue.ask("GET orderList", orderListId=0).body
    assert (body["listStatusType"], body["listOrderStatus"]) == ("ALL_DONE", "ALL_DONE")
    assert body["transactionTime"] == venue.now


def test_a_query_with_both_ids_goes_by_the_clients() -> None:
    venue = Venue().with_market()
    place_list(venue, "oco", listClientOrderId="first")
    place_list(venue, "oco", listClientOrderId="second")

    body = venue.ask("GET orderList", orderListId=0, origClientOrderId="second").body

    assert body["orderListId"] == 1


@pytest.mark.parametrize("params", [{"orderListId": 5}, {"origClientOrderId": "nobody"}])
def test_a_list_that_is_not_there_does_not_exist(params: dict[str, Any]) -> None:
    venue = Venue().with_market()

    answer = venue.ask("GET orderList", **params)

    assert refusal(answer) == (400, -2018, "Order list does not exist.")


def test_nobody_sees_or_cancels_the_lists_of_others() -> None:
    venue = Venue().with_market()
    placed = place_list(venue, "oco")

    assert venue.ask("GET orderList", "bob", orderListId=0).body["code"] == -2018
    assert venue.ask("GET openOrderList", "bob").body == []
    assert venue.ask("GET allOrderList", "bob").body == []
    answer = venue.ask("DELETE orderList", "bob", symbol=SYMBOL, orderListId=0)
    assert refusal(answer) == (400, -2011, "Unknown order list sent.")
    assert statuses(venue, placed) == ["NEW", "NEW"]


@pytest.mark.parametrize("call", ["GET orderList", "DELETE orderList"])
def test_one_of_the_two_ids_must_be_sent(call: str) -> None:
    venue = Venue().with_market()
    symbol = {"symbol": SYMBOL} if call.startswith("DELETE") else {}

    answer = venue.ask(call, **symbol)

    assert refusal(answer) == (400, -1128, f"{ADVICE} sent.")


@pytest.mark.parametrize(
    "params",
    [
        {"orderListId": 0},
        {"listClientOrderId": "pair"},
        {"orderListId": 0, "listClientOrderId": "pair"},
    ],
)
def test_a_list_is_canceled_by_either_id_or_both(params: dict[str, Any]) -> None:
    venue = Venue().with_market()
    placed = place_list(venue, "oco", listClientOrderId="pair")

    body = drop(venue, **params, newClientOrderId="gone").body

    assert (body["listStatusType"], body["listOrderStatus"]) == ("ALL_DONE", "ALL_DONE")
    own = [row["clientOrderId"] for row in placed["orders"]]
    assert [row["clientOrderId"] for row in body["orders"]] == own
    assert [row["origClientOrderId"] for row in body["orderReports"]] == own
    assert [row["clientOrderId"] for row in body["orderReports"]] == ["gone", "gone"]
    assert [row["status"] for row in body["orderReports"]] == ["CANCELED", "CANCELED"]


def test_the_ids_of_a_cancel_must_agree() -> None:
    venue = Venue().with_market()
    placed = place_list(venue, "oco", listClientOrderId="pair")

    answer = drop(venue, orderListId=0, listClientOrderId="other")

    assert refusal(answer)[:2] == (400, -2039)
    assert statuses(venue, placed) == ["NEW", "NEW"]


def test_a_list_is_not_found_under_another_symbol() -> None:
    venue = Venue(info=exchange_info(symbol_entry(), symbol_entry("ETH"))).with_market()
    place_list(venue, "oco", listClientOrderId="pair")

    for named in ({"orderListId": 0}, {"listClientOrderId": "pair"}):
        answer = venue.ask("DELETE orderList", symbol="ETHUSDT", **named)
        assert refusal(answer) == (400, -2011, "Unknown order list sent.")


def test_a_list_is_canceled_once() -> None:
    venue = Venue().with_market()
    place_list(venue, "oco")
    drop(venue, orderListId=0)

    assert refusal(drop(venue, orderListId=0)) == (400, -2011, "Unknown order list sent.")


def test_the_cancel_of_everything_cancels_lists_as_lists() -> None:
    venue = Venue().with_market()
    venue.limit("BUY", 1, 50)
    placed = place_list(venue, "otoco")

    body = venue.ask("DELETE openOrders", symbol=SYMBOL).body

    assert [row.get("contingencyType") for row in body] == [None, "OTO"]
    assert len(body[1]["orderReports"]) == 3
    assert statuses(venue, placed) == ["CANCELED"] * 3
    assert venue.ask("GET openOrderList").body == []


def test_open_lists_are_those_not_done_oldest_first() -> None:
    venue = Venue().with_market()
    for kind in ("oto", "oco", "opo"):
        place_list(venue, kind)
    drop(venue, orderListId=1)

    assert ids(venue, "GET openOrderList") == [0, 2]


def test_all_lists_come_newest_first_but_from_an_id_on_in_the_order_of_their_ids() -> None:
    venue = Venue().with_market()
    for _ in range(4):
        place_list(venue, "oto")
    drop(venue, orderListId=2)

    assert ids(venue, "GET allOrderList") == [3, 2, 1, 0]
    assert ids(venue, "GET allOrderList", limit=2) == [3, 2]
    assert ids(venue, "GET allOrderList", fromId=1, limit=2) == [1, 2]


def test_lists_are_found_by_the_time_of_their_last_change() -> None:
    venue = Venue().with_market()
    place_list(venue, "oto")
    venue.now += HOUR
    begins = venue.now
    place_list(venue, "oto")
    venue.now += HOUR
    drop(venue, orderListId=0)

    assert ids(venue, "GET allOrderList", startTime=begins) == [0, 1]
    assert ids(venue, "GET allOrderList", startTime=begins, endTime=begins) == [1]
    assert ids(venue, "GET allOrderList", endTime=begins) == [1]


def test_more_than_a_day_cannot_be_asked_for() -> None:
    venue = Venue().with_market()

    answer = venue.ask("GET allOrderList", startTime=venue.now - 25 * HOUR, endTime=venue.now)

    assert answer.body["code"] == -1127


@pytest.mark.parametrize("name", ["startTime", "endTime"])
def test_an_id_and_a_time_cannot_both_be_asked_for(name: str) -> None:
    venue = Venue().with_market()

    sent: dict[str, Any] = {name: venue.now}
    answer = venue.ask("GET allOrderList", fromId=0, **sent)

    assert refusal(answer) == (400, -1128, "Combination of optional parameters invalid.")


def test_a_new_list_is_not_seen_before_the_answers_have_caught_up() -> None:
    venue = Venue(Options(query_lag_ms=100, list_lag_ms=300)).with_market()
    place_list(venue, "oco")

    assert venue.ask("GET orderList", orderListId=0).body["code"] == -2018
    venue.now += 100
    assert venue.ask("GET orderList", orderListId=0).status == 200
    assert ids(venue, "GET openOrderList") == ids(venue, "GET allOrderList") == []
    venue.now += 200
    assert ids(venue, "GET openOrderList") == ids(venue, "GET allOrderList") == [0]


@pytest.mark.parametrize(("reused", "found"), [("open", 1), ("newest", 2), ("oldest", 0)])
def test_a_reused_id_means_the_list_the_venue_would_mean(reused: str, found: int) -> None:
    venue = Venue(Options(reused_id=reused)).with_market()  # type: ignore[arg-type]
    info = {"listClientOrderId": "again"}
    place_list(venue, "oto", **info)
    drop(venue, orderListId=0)
    place_list(venue, "oto", **info)
    if reused != "open":
        drop(venue, orderListId=1)
        place_list(venue, "oto", **info)

    assert venue.ask("GET orderList", origClientOrderId="again").body["orderListId"] == found


@pytest.mark.parametrize(
    ("call", "weight"), [("GET orderList", 4), ("GET openOrderList", 6), ("GET allOrderList", 20)]
)
def test_questions_about_lists_weigh_what_binance_says(call: str, weight: int) -> None:
    venue = Venue().with_market()
    before = int(venue.ask("GET time", None).headers["X-MBX-USED-WEIGHT-1M"])

    answer = venue.ask(call)

    assert int(answer.headers["X-MBX-USED-WEIGHT-1M"]) - before == weight


def test_a_taken_list_weighs_nothing_and_a_refused_one_weighs_one() -> None:
    venue = Venue().with_market()
    before = int(venue.ask("GET time", None).headers["X-MBX-USED-WEIGHT-1M"])

    taken = ask_list(venue, "oco")
    refused = ask_list(venue, "oco", side="HOLD")

    assert int(taken.headers["X-MBX-USED-WEIGHT-1M"]) == before
    assert int(refused.headers["X-MBX-USED-WEIGHT-1M"]) == before + 1


def test_a_list_is_shown_as_it_was_before_its_latest_change() -> None:
    venue = Venue(Options(query_lag_ms=100, list_lag_ms=300)).with_market()
    placed = place_list(venue, "oco")
    venue.now += 1000
    drop(venue, orderListId=0)

    shown = []
    for moment in (0, 99, 100, 299, 300):
        venue.now = placed["transactionTime"] + 1000 + moment
        one = venue.ask("GET orderList", orderListId=0).body
        (listed,) = venue.ask("GET allOrderList").body
        still = ids(venue, "GET openOrderList")
        shown.append((one["listOrderStatus"], listed["listOrderStatus"], still))

    assert shown == [
        ("EXECUTING", "EXECUTING", [0]),
        ("EXECUTING", "EXECUTING", [0]),
        ("ALL_DONE", "EXECUTING", [0]),
        ("ALL_DONE", "EXECUTING", [0]),
        ("ALL_DONE", "ALL_DONE", []),
    ]


def test_the_times_of_a_list_are_those_that_are_known() -> None:
    venue = Venue(Options(query_lag_ms=300)).with_market()
    begun = place_list(venue, "oco")["transactionTime"]
    venue.now += 1000
    drop(venue, orderListId=0)

    late = {"startTime": begun + 1000, "endTime": begun + 2000}
    early = {"startTime": begun, "endTime": begun + 500}
    assert (ids(venue, "GET allOrderList", **late), ids(venue, "GET allOrderList", **early)) == (
        [],
        [0],
    )
    venue.now += 300
    assert (ids(venue, "GET allOrderList", **late), ids(venue, "GET allOrderList", **early)) == (
        [0],
        [],
    )


def test_a_list_id_given_again_means_the_former_list_until_the_new_one_is_known() -> None:
    venue = Venue(Options(query_lag_ms=300)).with_market()
    place_list(venue, "oco", listClientOrderId="again")
    drop(venue, orderListId=0)
    venue.now += 1000
    place_list(venue, "oco", listClientOrderId="again")

    def meant() -> int:
        number: int = venue.ask("GET orderList", origClientOrderId="again").body["orderListId"]
        return number

    assert meant() == 0
    venue.now += 300
    assert meant() == 1


def test_a_young_list_is_unknown_after_a_restart_too(tmp_path: Path) -> None:
    options = Options(query_lag_ms=300)
    venue = Venue(options, books=Books.open(tmp_path / "venue.db")).with_market()
    place_list(venue, "oco")
    venue.books.close()

    again = Venue(options, books=Books.open(tmp_path / "venue.db"), now=venue.now + 1)

    assert again.ask("GET orderList", orderListId=0).body["code"] == -2018
    again.now += 300
    assert ids(again, "GET openOrderList") == [0]
    again.books.close()


@pytest.mark.parametrize(("first", "expected"), [("newest", [2, 1]), ("oldest", [1, 2])])
def test_the_most_recent_lists_begin_with_the_newest_or_the_oldest(
    first: Literal["newest", "oldest"], expected: list[int]
) -> None:
    venue = Venue(Options(list_history=first)).with_market()
    for _ in range(3):
        place_list(venue, "oco")

    assert ids(venue, "GET allOrderList", limit=2) == expected
    assert ids(venue, "GET allOrderList", endTime=venue.now, limit=2) == expected
    assert ids(venue, "GET allOrderList", startTime=venue.now, limit=2) == [0, 1]
