"""A test exchange that was reset is noticed; the same finding on live stops the bot."""

from decimal import Decimal
from typing import Any

import pytest

from lib.ids import parse_id
from lib.life import Standing
from lib.orders import OrderState, orders_inside
from tests.disk import Cut
from tests.test_life import DAY, HOUR, Story, bot
from tests.test_supervisor import ETH, edit_order

RESTING = bot("steady", price="30000")
AFRESH = {"on_wipe": "afresh"}


def after_reset(
    seed: int, bots: dict[str, dict[str, Any]], *, age: float = 2 * HOUR, **more: Any
) -> Story:
    """The program was away while the exchange began anew."""
    story = Story(seed, bots, **more)
    story.live_for(30)
    story.now += age
    story.exchange.wipe()
    story.move_market()
    return story


def test_after_a_reset_bots_are_parked_and_their_orders_lost() -> None:
    story = after_reset(1, {"one": RESTING, "two": ETH})
    before = {name: story.generation(name) for name in ("one", "two")}

    story.live_for(60)

    assert set(story.standings.values()) == {Standing.PARKED}
    for name, old in before.items():
        generation = story.generation(name)
        assert generation.birth > old.birth
        assert generation.parked is not None
        assert generation.parked.kind == "VenueReset"
    (order,) = orders_inside(story.generation("one").context)
    assert order.state is OrderState.LOST
    assert story.shown() == []
    assert story.told("was reset")


def test_after_a_reset_bots_begin_afresh_under_ids_of_a_new_birth_if_the_conf_says_so() -> None:
    story = after_reset(2, {"one": RESTING, "two": ETH}, settings=AFRESH)
    births = {name: story.generation(name).birth for name in ("one", "two")}

    story.live_for(60)

    assert set(story.standings.values()) == {Standing.RUNNING}
    assert len(story.open_now()) == 1
    for order in (*story.shown(), *story.shown("ETHUSDT")):
        own = parse_id(order["clientOrderId"])
        assert own is not None
        assert own.birth not in births.values()


def test_what_a_bot_remembered_before_the_reset_is_kept_aside() -> None:
    story = after_reset(3, {"one": RESTING})
    birth = story.generation("one").birth

    story.live_for(60)

    assert f"one.{birth}.json" in story.disk.names(story.path("one").parent)


def test_a_reset_is_noticed_when_the_order_id_belongs_to_another_order_now() -> None:
    story = after_reset(4, {"one": RESTING})
    story.place("by_hand")

    story.live_for(60)

    assert story.standings == {"one": Standing.PARKED}
    assert story.open_now() == ["by_hand"]
    assert story.told("carries by_hand")


@pytest.mark.parametrize("state", ["in doubt", "submitting"])
def test_a_reset_is_noticed_before_an_order_in_doubt_is_resolved(state: str) -> None:
    story = Story(5, {"one": RESTING, "two": bot("steady", price="20000", times=1)})
    story.live_for(30)
    story.rewrite("two", edit_order(state=state, order_id=None))
    story.now += 2 * HOUR
    story.exchange.wipe()
    story.move_market()

    story.live_for(400)

    assert story.shown() == []
    (order,) = orders_inside(story.generation("two").context)
    assert order.state is OrderState.LOST


def test_on_live_the_same_finding_halts_the_bot_and_touches_nothing() -> None:
    story = after_reset(
        6,
        {"one": RESTING, "two": bot("steady", symbol="ETHUSDT", first_at="1h")},
        venue_name="live",
    )
    before = story.disk.content(story.path("one"))

    for _ in range(2):
        story.live_for(60)

    assert set(story.held) == {"one"}
    assert story.disk.content(story.path("one")) == before
    assert story.shown() == []
    assert story.told("BooksDisagree", bot="one")
    assert story.standings["two"] is Standing.RUNNING


def test_an_exchange_that_still_knows_the_orders_was_not_reset() -> None:
    story = Story(7, {"one": RESTING, "two": ETH})
    story.live_for(30)
    story.now += 5 * DAY
    births = [story.generation(name).birth for name in ("one", "two")]

    story.live_for(60)

    assert [story.generation(name).birth for name in ("one", "two")] == births
    assert len(story.open_now()) == 1
    assert set(story.standings.values()) == {Standing.RUNNING}


@pytest.mark.parametrize("settings", [{}, AFRESH], ids=["park", "afresh"])
def test_a_bot_that_waited_for_a_person_still_does_after_a_reset(settings: dict[str, Any]) -> None:
    story = after_reset(
        8, {"bad": bot("troubled", error="hang"), "one": RESTING}, settings=settings
    )
    waiting = {"kind": "Halt", "reason": "the moon is full", "at": 1}
    story.rewrite("bad", lambda fields: fields.update(parked=waiting))

    story.live_for(60)

    parked = story.generation("bad").parked
    assert parked is not None
    assert "moon" in parked.reason


@pytest.mark.slow
def test_a_reset_met_by_power_cuts_leaves_no_bot_behind() -> None:
    def reset() -> Story:
        story = Story(9, {"one": RESTING})
        story.live_for(30)
        story.now += 2 * HOUR
        story.bots = {"one": RESTING, "two": bot("steady", price="20000")}
        story.live_for(30)
        story.exchange.wipe()
        story.move_market()
        return story

    calm = reset()
    calm.instants = 0
    calm.live_for(30)
    length = calm.instants
    assert set(calm.standings.values()) == {Standing.PARKED}

    for instant in range(1, length + 1):
        story = reset()
        story.instants, story.cut_at = 0, instant
        story.live_for(30, Cut.POWER)
        story.cut_at = None
        story.live_for(60)
        assert set(story.standings.values()) == {Standing.PARKED}, instant
        assert not story.held, instant


@pytest.mark.slow
def test_a_reset_while_the_program_runs_is_noticed_without_a_restart() -> None:
    story = Story(10, {"one": RESTING})
    story.after(2 * HOUR, story.exchange.wipe)

    story.live_for(4 * HOUR)

    assert story.standings == {"one": Standing.PARKED}


def test_money_of_lost_orders_is_free_again() -> None:
    story = Story(11, {"one": bot("steady", price="30000", quantity="3")})
    story.live_for(30)
    story.rewrite("one", edit_order(state="in doubt", order_id=None))
    story.rewrite(
        "one",
        lambda fields: fields["memory"].update(
            newest_order=["BTCUSDT", 77, "gone", int(story.now * 1000)]
        ),
    )
    story.now += 2 * HOUR
    story.exchange.wipe()
    story.move_market()
    story.bots = {**story.bots, "two": bot("steady", price="20000", quantity="4", times=1)}

    story.live_for(60)

    assert story.standings == {"one": Standing.PARKED, "two": Standing.RUNNING}
    assert story.balances()["USDT"] == Decimal(100_000)
