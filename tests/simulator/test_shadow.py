"""Whatever storm blows, who hears the user events alone knows the account as the venue does.

A storm is drawn from its seed, and told with its script when it fails. STORMS=20000 in the
environment lets so many blow, and `make torture` others.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from lib.simulator.books import journal
from lib.simulator.books.audit import audit
from lib.simulator.exchange import Books
from tests.simulator.scripts import MODES
from tests.simulator.shadow import (
    AFTER,
    FINAL,
    STATUSES,
    Event,
    Shadow,
    check_account,
    check_trades,
)
from tests.simulator.storm_requests import NAMES, REQUESTS, Step
from tests.simulator.storms import (
    ASSETS,
    GRANT,
    INFO,
    PEOPLE,
    QUESTIONS,
    Played,
    Storm,
    open_venue,
    play,
    show_recorded,
    storm,
)
from tests.simulator.venue import GRANT as USUAL_GRANT
from tests.simulator.venue import OPENED, Venue

STORMS = int(os.environ.get("STORMS", "1000"))
SHARE = 5  # storms of one fast test
AMOUNTS = {"X": "status", "q": "origQty", "z": "executedQty", "Z": "cummulativeQuoteQty"}
EVENTS = {"executionReport", "listStatus", "outboundAccountPosition"}
SPOILS: dict[str, Callable[[list[Event]], list[Event]]] = {
    "the end is missing": lambda told: told[:3],
    "the trade is missing": lambda told: [told[0], *told[2:]],
    "the trade is told twice": lambda told: [*told[:2], *told[1:]],
    "the trade comes before its order": lambda told: [told[1], told[0], *told[2:]],
    "half the trade is told": lambda told: [told[0], told[1] | {"l": "0.5"}, *told[2:]],
    "the commission is wrong": lambda told: [told[0], told[1] | {"n": "0"}, *told[2:]],
    "the maker is wrong": lambda told: [told[0], told[1] | {"m": True}, *told[2:]],
    "the reason to end is wrong": lambda told: [*told[:3], told[3] | {"x": "EXPIRED"}, told[4]],
    "the canceled order is wrong": lambda told: [*told[:3], told[3] | {"C": "other"}, told[4]],
    "the balances are missing": lambda told: told[:4],
}
many = pytest.mark.timeout(120 + STORMS)


@pytest.fixture(autouse=True)
def unhurried_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Here venues are closed, never killed: what they write may reach the disk later."""
    unhurried = journal.PRAGMAS.replace("synchronous = FULL", "synchronous = OFF")
    assert unhurried != journal.PRAGMAS
    monkeypatch.setattr(journal, "PRAGMAS", unhurried)


@pytest.mark.parametrize("first", range(0, 160, SHARE), ids="storms from {}".format)
def test_the_user_events_alone_tell_the_whole_account(first: int) -> None:
    for seed in range(first, first + SHARE):
        ride_out(storm(seed))


@pytest.mark.parametrize("seed", range(1000, 1012), ids="storm {}".format)
def test_a_venue_that_stops_now_and_then_goes_on_as_its_twin_that_never_does(
    tmp_path: Path, seed: int
) -> None:
    ride_out_beside_a_twin(storm(seed), tmp_path)


@pytest.mark.slow
@pytest.mark.long
@many
def test_the_user_events_alone_tell_the_whole_account_in_many_storms() -> None:
    for seed in range(1_000_000, 1_000_000 + STORMS):
        ride_out(storm(seed))


@pytest.mark.slow
@pytest.mark.long
@many
def test_many_venues_that_stop_now_and_then_go_on_as_their_twins(tmp_path: Path) -> None:
    for seed in range(2_000_000, 2_000_000 + STORMS // 4):
        ride_out_beside_a_twin(storm(seed), tmp_path)


@pytest.mark.slow
def test_storms_meet_all_that_may_happen() -> None:
    rides = [ride_out(storm(seed)) for seed in range(100)]

    told = [event for ride in rides for event in ride.told]
    reports = [event for event in told if event["e"] == "executionReport"]
    asked = {(played.call, played.status) for ride in rides for played in ride.script if played.who}
    options = {(name, getattr(ride.venue.options, name)) for ride in rides for name in QUESTIONS}
    assert {event["e"] for event in told} == EVENTS
    assert {event["x"] for event in reports} == {*STATUSES, "REJECTED"}
    assert {event["X"] for event in reports} == {*AFTER, *FINAL, "REJECTED"}
    assert {event["V"] for event in reports if "pl" in event} == set(MODES)
    assert {event["N"] for event in reports} >= {"BTC", "USDT", "BUSD", "BNB"}
    assert len({call for call, status in asked if status == 200}) == len(REQUESTS)
    assert ("POST order/cancelReplace", 409) in asked
    assert options == {(name, one) for name, found in QUESTIONS.items() for one in found}


@pytest.mark.parametrize("spoilt", ["", *SPOILS])
def test_a_shadow_notices_what_its_events_do_not_tell_or_tell_wrongly(spoilt: str) -> None:
    venue = Venue().with_market()
    venue.limit("BUY", 2, 101)
    venue.cancel(orderId=1)
    events = [event for _, event in venue.user_events]
    kinds = [event.get("x") for event in events]
    assert kinds == ["NEW", "TRADE", None, "CANCELED", None]

    shadow = Shadow("alice", USUAL_GRANT, ASSETS, lambda *_: "NONE")

    with pytest.raises(AssertionError) if spoilt else nullcontext():
        for event in SPOILS[spoilt](events) if spoilt else events:
            shadow.hear(event)
        check_account(shadow, venue)
        check_trades(shadow, venue)


def test_a_storm_that_fails_is_told_with_its_script() -> None:
    drawn, script = storm(1), [Played("alice", "POST order", {"side": "BUY"}, 400, {"msg": "No."})]

    with pytest.raises(AssertionError, match="wrong") as caught, retold(drawn, script):
        raise AssertionError("wrong")

    [note] = caught.value.__notes__
    assert note.startswith("storm 1: ")
    assert note.endswith("\nalice: POST order {'side': 'BUY'} 400 No.")


class Ride:
    """A venue in a storm, and a shadow of everybody at it."""

    def __init__(self, drawn: Storm, books: Books) -> None:
        self.venue = open_venue(drawn, books)
        self.shadows = {name: Shadow(name, GRANT, ASSETS, self._effect) for name in PEOPLE}
        self.script: list[Played] = []
        self.told: list[Event] = []

    def take(self, step: Step) -> tuple[Played | None, Sequence[tuple[str, Event]]]:
        """Play a step, let the shadows hear of it, and hold all against one another."""
        played = play(self.venue, step)
        if played is not None:
            self.script.append(played)
        events = self.hear()
        if played is not None and played.who:
            check_answer(self.shadows[played.who], played)
            check_refusal(played, events)
        return played, events

    def hear(self) -> Sequence[tuple[str, Event]]:
        """Let the shadows hear what the venue has told since the last time."""
        events = list(self.venue.user_events)
        self.venue.deaf()
        self.told += [event for _, event in events]
        for name, event in events:
            self.shadows[name].hear(event)
        assert audit(self.venue.books) == ()
        for shadow in self.shadows.values():
            check_account(shadow, self.venue)
        return events

    def stop_and_go_on(self, path: Path) -> None:
        """Open the books anew, which answer as they did."""
        before = answers_of(self.venue)
        self.venue.books.remember("recording", "cut")  # and with it how far the stops trailed
        self.venue.books.close()
        venue = self.venue
        self.venue = Venue(venue.options, INFO, books=Books.open(path), now=venue.now)
        assert answers_of(self.venue) == before

    def _effect(self, symbol: str, match: int) -> str:
        asked: dict[str, Any] = {"symbol": symbol, "preventedMatchId": match}
        for name in PEOPLE:
            for row in self.venue.ask("GET myPreventedMatches", name, **asked).body:
                mode: str = row["selfTradePreventionMode"]
                return mode
        raise AssertionError(f"nobody knows the prevented match {match}")


def ride_out(drawn: Storm) -> Ride:
    ride = Ride(drawn, Books.in_memory())
    with retold(drawn, ride.script):
        for step in drawn.steps:
            ride.take(step)
        for shadow in ride.shadows.values():
            check_trades(shadow, ride.venue)
    OPENED.clear()  # it was audited after every step
    return ride


def ride_out_beside_a_twin(drawn: Storm, folder: Path) -> None:
    path = folder / f"{drawn.seed}.db"
    ride, twin = Ride(drawn, Books.open(path)), open_venue(drawn, Books.in_memory())
    with retold(drawn, ride.script):
        for number, step in enumerate(drawn.steps):
            if number in drawn.restarts:
                ride.stop_and_go_on(path)
                begin_recording_anew(ride.venue, twin)
                assert heard_by(twin) == ride.hear()
            took = ride.take(step)
            assert (play(twin, step), heard_by(twin)) == took
        for shadow in ride.shadows.values():
            check_trades(shadow, ride.venue)
    ride.venue.books.close()
    OPENED.clear()


def begin_recording_anew(again: Venue, twin: Venue) -> None:
    """Show both the same book from nothing on.

    Places in the queue behind the recording are not kept on disk: those of the twin count.
    """
    for symbol in ASSETS:
        for venue in (again, twin):
            venue.exchange.set_book(symbol, [], [], venue.now)
        for number, order in again.books.orders[symbol].items():
            order.ahead = twin.books.orders[symbol][number].ahead
        for venue in (again, twin):
            show_recorded(venue, symbol)


def heard_by(venue: Venue) -> Sequence[tuple[str, Event]]:
    events = list(venue.user_events)
    venue.deaf()
    return events


def check_answer(shadow: Shadow, played: Played) -> None:
    """Assert that what was answered is what was told."""
    assert played.status in {200, 400, 409}
    for placed in placed_orders(played):
        told = shadow.orders[placed["orderId"]]
        amounts = {name: told[letter] for letter, name in AMOUNTS.items() if name in placed}
        assert {name: placed[name] for name in amounts} == amounts
        if "fills" in placed:
            filled = sum((Decimal(fill["qty"]) for fill in placed["fills"]), Decimal(0))
            assert filled == Decimal(placed["executedQty"])
        if (placed["type"], placed["timeInForce"]) == ("LIMIT", "FOK"):
            assert Decimal(placed["executedQty"]) in {0, Decimal(told["q"])}


def placed_orders(played: Played) -> list[dict[str, Any]]:
    """Give the orders that a call has placed, as far as its answer tells how they stand."""
    if played.call == "POST order" and played.status == 200:
        found = [played.body]
    elif played.call.startswith("POST orderList") and played.status == 200:
        # What was pending is answered as it was placed, even if it works by now.
        found = [row for row in played.body["orderReports"] if row.get("status") != "PENDING_NEW"]
    elif played.call == "POST order/cancelReplace":
        outcome = played.body.get("data", played.body)
        found = [outcome["newOrderResponse"]] if outcome.get("newOrderResult") == "SUCCESS" else []
    else:
        found = []
    return [placed for placed in found if "status" in placed]


def check_refusal(played: Played, events: Sequence[tuple[str, Event]]) -> None:
    """Assert that what was refused, or only tried, has changed nothing."""
    if played.status == 400 or played.call == "POST order/test":
        assert {event["x"] for _, event in events if event["e"] == "executionReport"} <= {
            "REJECTED"
        }
        assert {event["L"] for _, event in events if event["e"] == "listStatus"} <= {"REJECT"}
        assert all(event["e"] != "outboundAccountPosition" for _, event in events)


def answers_of(venue: Venue) -> dict[Any, Any]:
    """Give all that the venue answers of everybody, what the recording shows aside."""
    found: dict[Any, Any] = {}
    for name in PEOPLE:
        for call in ("account", "openOrderList", "allOrderList", "openOrders"):
            found[name, call] = venue.ask(f"GET {call}", name).body
        for symbol in ASSETS:
            asked = {"symbol": symbol, "limit": 1000}
            orders = found[name, symbol] = venue.ask("GET allOrders", name, **asked).body
            found[name, symbol, "trades"] = venue.ask("GET myTrades", name, **asked).body
            for one in NAMES:
                named = {"symbol": symbol, "origClientOrderId": one}
                found[name, symbol, one] = venue.ask("GET order", name, **named).body
            for order in orders:
                mine = {"symbol": symbol, "orderId": order["orderId"]}
                for call in ("order/amendments", "myPreventedMatches"):
                    found[name, order["orderId"], call] = venue.ask(
                        f"GET {call}", name, **mine
                    ).body
    return found


@contextmanager
def retold(drawn: Storm, script: Sequence[Played]) -> Iterator[None]:
    """Tell which storm it was if something is wrong, and all that was done in it."""
    try:
        yield
    except Exception as wrong:
        options = {name: getattr(drawn.options, name) for name in QUESTIONS}
        lines = [f"storm {drawn.seed}: {options}, trade groups {drawn.trade_groups}"]
        wrong.add_note("\n".join([*lines, *map(line_of, script)]))
        raise


def line_of(played: Played) -> str:
    sent = {name: value for name, value in played.sent.items() if value is not None}
    answer = played.body.get("msg", "") if isinstance(played.body, dict) else ""
    return f"{played.who or 'the recording'}: {played.call} {sent} {played.status} {answer}"
