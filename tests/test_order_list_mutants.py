"""Each safeguard of an order list, taken away, turns a test red that is green with it."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial

import pytest

import lib.dealing.doubt
import lib.dealing.list_dealer
import lib.order_lists
from lib.dealing.list_dealer import ListDealer
from lib.exchange import OrderRecord
from lib.floor import Floor
from lib.order_lists import ListExchange, OrderList
from lib.orders import Order
from lib.simulator.server.faults import Rule, drop_event, lose_reply
from tests import test_order_lists as stories
from tests.oco_trade import at_hand
from tests.test_oco_lives import Habits, trading, verify
from tests.world import CALM, World, every_life

Patch = pytest.MonkeyPatch
Mutant = Callable[[Patch], None]
LAGGING = replace(CALM, query_lag_ms=2_000)
REPLY_LOST = Rule(fault=lose_reply(), method="POST", path="*orderList*", times=1)


def leg_ids_are_not_saved_first(patch: Patch) -> None:
    real = ListDealer.place_list

    async def place_list(dealer: ListDealer, order_list: OrderList) -> Sequence[OrderRecord]:
        for leg in order_list.legs:
            leg.id = dealer._next_id("a")
            dealer._mirror.follow(leg.symbol, leg.id)
        return await real(dealer, order_list)

    patch.setattr(ListDealer, "place_list", place_list)
    patch.setattr(ListDealer, "_tripwire", lambda *_: None)
    patch.setattr("lib.ownership.witness._contradiction", lambda *_: "")


def the_list_is_asked_for_instead_of_its_legs(patch: Patch) -> None:
    async def resolve(exchange: ListExchange, order_list: OrderList) -> bool:
        assert isinstance(exchange, ListDealer)
        if await exchange._venue.find_list(order_list.id) is None:
            exchange.give_list_up(order_list)
        else:
            lib.order_lists._accept(order_list)
        return False

    patch.setattr(lib.order_lists, "_resolve", resolve)
    patch.setattr("lib.ownership.witness._contradiction", lambda *_: "")


def only_the_first_leg_is_asked_for(patch: Patch) -> None:
    real = lib.dealing.doubt.look_for_list

    async def look_for_list(floor: Floor, list_id: str, legs: Sequence[Order]) -> bool:
        return await real(floor, list_id, legs[:1])

    patch.setattr(lib.dealing.list_dealer, "look_for_list", look_for_list)


def only_the_first_leg_is_probed(patch: Patch) -> None:
    patch.setattr(lib.order_lists, "probes", lambda order_list: order_list.legs[:1])


def absence_needs_no_probe(patch: Patch) -> None:
    async def resolve(exchange: ListExchange, order_list: OrderList) -> bool:
        if await exchange.look_for_list(order_list):
            lib.order_lists._accept(order_list)
        else:
            exchange.give_list_up(order_list)
        return False

    patch.setattr(lib.order_lists, "_resolve", resolve)


def every_leg_is_paid_for(patch: Patch) -> None:
    def commit(dealer: ListDealer, order_list: OrderList) -> None:
        for leg in order_list.legs:
            asset, leg.spends_at_most = dealer._admission.worst_case(leg)
            dealer._floor.funds.commit(leg.id, asset, leg.spends_at_most)
            dealer._mirror.follow(leg.symbol, leg.id)

    patch.setattr(ListDealer, "_commit", commit)


STORIES: list[tuple[Mutant, Callable[[], None]]] = [
    (
        leg_ids_are_not_saved_first,
        partial(stories.test_every_id_is_on_disk_with_its_token_before_the_list_leaves, "OCO"),
    ),
    (
        the_list_is_asked_for_instead_of_its_legs,
        partial(stories.test_any_id_that_is_seen_means_that_the_whole_list_was_accepted, "OCO", 0),
    ),
    (
        only_the_first_leg_is_asked_for,
        partial(stories.test_any_id_that_is_seen_means_that_the_whole_list_was_accepted, "OCO", 1),
    ),
    (
        only_the_first_leg_is_probed,
        partial(
            stories.test_a_list_is_presumed_absent_only_after_every_leg_was_asked_and_probed, "OCO"
        ),
    ),
    (
        absence_needs_no_probe,
        partial(
            stories.test_a_list_is_presumed_absent_only_after_every_leg_was_asked_and_probed, "OTO"
        ),
    ),
    (
        every_leg_is_paid_for,
        partial(stories.test_the_worst_case_of_a_list_counts_once, "OCO", ("0.5", "100000")),
    ),
]


@pytest.mark.parametrize(
    ("mutant", "story"), STORIES, ids=lambda each: getattr(each, "__name__", "")
)
def test_a_story_turns_red_without_its_safeguard(
    mutant: Mutant, story: Callable[[], None], monkeypatch: Patch
) -> None:
    story()
    mutant(monkeypatch)

    with pytest.raises(AssertionError):
        story()


def lives() -> Iterator[World]:
    """Lives in which replies are lost, no event comes, and queries lag."""
    rules = (REPLY_LOST, Rule(fault=drop_event()))
    make = partial(Habits, 5, trading("OCO", "SELL"), LAGGING, rules=rules)
    yield from every_life(make, stride=2)


def breach() -> str:
    try:
        with at_hand():
            for world in lives():
                verify(world)
    except AssertionError as wrong:
        return f"AssertionError: {wrong}"
    return ""


@pytest.mark.slow
def test_the_real_program_passes_the_lives_that_catch_its_mutants() -> None:
    assert breach() == ""


@pytest.mark.slow
@pytest.mark.parametrize(
    "mutant",
    [leg_ids_are_not_saved_first, the_list_is_asked_for_instead_of_its_legs],
    ids=lambda mutant: mutant.__name__,
)
def test_the_lives_catch(mutant: Mutant, monkeypatch: Patch) -> None:
    mutant(monkeypatch)

    assert breach() != ""
