"""Who holds a client order id, and what finds it: as well after a restart as before."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from lib.simulator.exchange import Books, Options
from tests.simulator.venue import SYMBOL, Venue, exchange_info, refusal, symbol_entry

ETHER = "ETHUSDT"
INFO = exchange_info(symbol_entry(amendAllowed=True), symbol_entry("ETH", amendAllowed=True))
DUPLICATE = (400, -2010, "Duplicate order sent.")
FREE_STOPS: dict[str, Any] = {"waiting_stop_holds_id": False}

Afterwards: TypeAlias = Callable[[Venue], Venue]


@pytest.fixture(params=["at once", "after a restart"])
def afterwards(request: pytest.FixtureRequest, tmp_path: Path) -> Afterwards:
    """Give the venue as it is, or opened anew from its books."""
    if request.param == "at once":
        return lambda venue: venue
    return lambda venue: restarted(venue, tmp_path)


def opened(folder: Path, **options: Any) -> Venue:
    venue = Venue(Options(**options), INFO, books=Books.open(folder / "books.db"))
    for symbol in (SYMBOL, ETHER):
        venue.exchange.market_trade(symbol, "100", "1", buyer_is_maker=False, time=venue.now)
    return venue


def restarted(venue: Venue, folder: Path) -> Venue:
    venue.books.close()
    return Venue(venue.options, INFO, books=Books.open(folder / "books.db"), now=venue.now)


def stop(venue: Venue, name: str, symbol: str = SYMBOL) -> None:
    """Let a purchase of 1 wait for 105, to rest at 80 from then on."""
    sent: dict[str, Any] = {"quantity": 1, "price": 80, "stopPrice": 105, "timeInForce": "GTC"}
    answer = venue.place("STOP_LOSS_LIMIT", "BUY", symbol=symbol, newClientOrderId=name, **sent)
    assert answer.status == 200


def trigger(venue: Venue, symbol: str = SYMBOL) -> None:
    venue.exchange.market_trade(symbol, "106", "1", buyer_is_maker=False, time=venue.now)


def bid(venue: Venue, name: str, symbol: str = SYMBOL) -> int:
    answer = venue.limit("BUY", 1, 90, symbol=symbol, newClientOrderId=name)
    assert answer.status == 200
    number: int = answer.body["orderId"]
    return number


@pytest.mark.parametrize("scope", ["symbol", "account"])
def test_a_triggered_stop_blocks_its_id_although_a_newer_namesake_has_closed(
    tmp_path: Path, afterwards: Afterwards, scope: str
) -> None:
    venue = opened(tmp_path, id_scope=scope, **FREE_STOPS)
    stop(venue, "same")
    venue.cancel(orderId=bid(venue, "same"))
    trigger(venue)

    venue = afterwards(venue)

    assert refusal(venue.limit("BUY", 1, 90, newClientOrderId="same")) == DUPLICATE


@pytest.mark.parametrize("scope", ["symbol", "account"])
def test_a_stop_that_still_waits_does_not_block_its_id_when_a_newer_namesake_has_closed(
    tmp_path: Path, afterwards: Afterwards, scope: str
) -> None:
    venue = opened(tmp_path, id_scope=scope, **FREE_STOPS)
    stop(venue, "same")
    venue.cancel(orderId=bid(venue, "same"))

    venue = afterwards(venue)

    assert venue.limit("BUY", 1, 90, newClientOrderId="same").status == 200


@pytest.mark.parametrize(("stops_at", "bids_at"), [(SYMBOL, ETHER), (ETHER, SYMBOL)])
def test_a_shared_id_is_blocked_by_whoever_holds_it_on_whatever_symbol(
    tmp_path: Path, afterwards: Afterwards, stops_at: str, bids_at: str
) -> None:
    venue = opened(tmp_path, id_scope="account", **FREE_STOPS)
    stop(venue, "same", stops_at)
    bid(venue, "same", bids_at)

    venue = afterwards(venue)

    for symbol in (SYMBOL, ETHER):
        answer = venue.limit("BUY", 1, 90, symbol=symbol, newClientOrderId="same")
        assert refusal(answer) == DUPLICATE


def test_a_shared_id_is_free_again_when_its_order_has_another(
    tmp_path: Path, afterwards: Afterwards
) -> None:
    venue = opened(tmp_path, id_scope="account")
    number = bid(venue, "same")
    assert venue.amend("0.5", orderId=number, newClientOrderId="other").status == 200

    venue = afterwards(venue)

    answer = venue.limit("BUY", 1, 90, symbol=ETHER, newClientOrderId="other")
    assert refusal(answer) == DUPLICATE
    assert bid(venue, "same", ETHER) > number


def test_of_two_cancels_with_one_id_the_later_is_found(
    tmp_path: Path, afterwards: Afterwards
) -> None:
    venue = opened(tmp_path, canceled_id="cancel")
    first, second = bid(venue, "a"), bid(venue, "b")
    for number in (second, first):
        venue.now += 1
        venue.cancel(orderId=number, newClientOrderId="cancel")

    venue = afterwards(venue)

    found = venue.ask("GET order", symbol=SYMBOL, origClientOrderId="cancel").body
    assert found["orderId"] == first


def test_of_two_orders_that_gave_up_one_id_the_later_is_found(
    tmp_path: Path, afterwards: Afterwards
) -> None:
    venue = opened(tmp_path, amended_id="any")
    early, late = bid(venue, "x"), bid(venue, "b")
    for number, name, quantity in ((early, "a", "0.9"), (late, "x", "0.9"), (late, "c", "0.8")):
        assert venue.amend(quantity, orderId=number, newClientOrderId=name).status == 200
    for number, name, quantity in ((early, "x", "0.8"), (early, "d", "0.7")):
        assert venue.amend(quantity, orderId=number, newClientOrderId=name).status == 200

    venue = afterwards(venue)

    found = venue.ask("GET order", symbol=SYMBOL, origClientOrderId="x").body
    assert found["orderId"] == early


def test_an_amendment_that_keeps_the_id_does_not_give_it_up(
    tmp_path: Path, afterwards: Afterwards
) -> None:
    venue = opened(tmp_path, amended_id="any", canceled_id="cancel")
    number = bid(venue, "kept")
    assert venue.amend("0.5", orderId=number, newClientOrderId="kept").status == 200
    venue.cancel(orderId=number, newClientOrderId="cancel")

    venue = afterwards(venue)

    assert venue.ask("GET order", symbol=SYMBOL, origClientOrderId="kept").status == 400
