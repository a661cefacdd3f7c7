"""What is due by the calendar is bought once: never twice, never forgotten."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar

import pytest
from pydantic import ValidationError

from bots.recurring import Conf
from lib.control.office import Verb
from lib.life import Standing
from lib.news import Kind
from tests.plans import RECURRING, moved, planned, told, traded
from tests.swinging import ShapedWorld, contexts, path
from tests.told_world import Said, ToldWorld
from tests.world import CALM, EPOCH, Luck, every_life, live, pairs_of_cuts

ROUGH = Luck(query_lag_ms=500)
DAY = 86_400
MINUTE = 60_000
EARLY = {"schedule": {"every": "day", "at": "01:00"}}


@dataclass
class SlowWorld(ShapedWorld):
    """A world in which days pass: the market moves every five minutes."""

    TICK: ClassVar[float] = 300.0
    PATIENCE: ClassVar[float] = 3 * 86_400.0
    cut_after: float | None = None  # seconds

    def move_market(self) -> None:
        super().move_market()
        after = None if self.life is None else self.cut_after
        if after is not None and self.clock() / 1_000 - self.begun >= after:
            self.cut_at, self.cut_after = self.instants + 1, None


@dataclass
class SlowToldWorld(SlowWorld, ToldWorld):
    """The same, with a person."""


def slow(section: dict[str, Any], **more: Any) -> SlowWorld:
    bots = {"bot": {**RECURRING, **section}}
    return SlowWorld(1, bots, **{"luck": CALM, "settings": {"poll": "10m"}, **more})


def lived(**section: Any) -> ShapedWorld:
    world = live(slow(section))
    world.check()
    assert world.standings == {"bot": Standing.FINISHED}
    return world


def outage(days: float, **section: Any) -> SlowWorld:
    """Let it begin, be away for some days, and go on."""
    world = slow({**EARLY, **section}, cut_after=300)
    assert not world.live()
    world.cut()
    world.pass_time(days * DAY)
    return live(world)


def bought_at(world: ShapedWorld) -> list[int]:
    """Answer the minutes since the beginning at which it bought."""
    return [(order["time"] - EPOCH) // MINUTE for order in world.orders()]


@pytest.mark.slow
def test_each_purchase_is_made_once_whenever_the_power_fails() -> None:
    for world in every_life(lambda: planned(RECURRING, ROUGH), stride=20):
        verify_one_purchase(world)


@pytest.mark.slow
def test_each_purchase_is_made_once_after_two_cuts() -> None:
    for world in pairs_of_cuts(lambda: planned(RECURRING, ROUGH, 2), 2, many=12):
        verify_one_purchase(world)


def verify_one_purchase(world: ShapedWorld) -> None:
    world.check()
    assert world.standings == {"bot": Standing.FINISHED}
    assert len(traded(world)) == 1
    assert 95 < -moved(world, "USDT") <= 100
    assert contexts(world, "bot")["bought"] == 1


@pytest.mark.slow
def test_buys_for_the_amount_at_the_time_each_day() -> None:
    world = lived(schedule={"every": "day", "at": "09:30"}, times=2)

    assert bought_at(world) == [570, 570 + 1_440]
    assert all(95 < quantity * price <= 100 for _, quantity, price in traded(world))


@pytest.mark.slow
def test_buys_on_the_day_of_the_week_that_is_named() -> None:
    world = lived(schedule={"every": "week", "on": "friday", "at": "09:00"}, times=1)

    assert bought_at(world) == [1_440 + 540]  # the first day is a Thursday


@pytest.mark.slow
def test_one_purchase_stands_for_all_that_were_missed() -> None:
    world = outage(2.5, missed="once", times=2)

    first, second = bought_at(world)
    assert first // 1_440 == 2
    assert second == 3 * 1_440 + 60


@pytest.mark.slow
def test_every_purchase_that_was_missed_is_made_up_for() -> None:
    world = outage(2.5, missed="all", times=4)

    assert [minute // 1_440 for minute in bought_at(world)] == [2, 2, 2, 3]
    assert contexts(world, "bot")["bought"] == 4


@pytest.mark.slow
def test_purchases_that_were_missed_are_skipped() -> None:
    world = outage(1.5, missed="skip", times=1)

    assert bought_at(world) == [2 * 1_440 + 60]
    assert "was missed" in told(world, Kind.WARNING)[0]


def paused(hours: float, **section: Any) -> ShapedWorld:
    """Pause it after ten minutes, for so long."""
    said = [Said(600, Verb.PAUSE, ("bot",)), Said(hours * 3_600, Verb.RESUME, ("bot",))]
    world = SlowToldWorld(
        1,
        {"bot": {**RECURRING, **EARLY, **section}},
        luck=CALM,
        settings={"poll": "10m"},
        said=said,
    )
    live(world)
    world.check()
    assert world.standings == {"bot": Standing.FINISHED}
    return world


@pytest.mark.slow
def test_one_purchase_stands_for_all_that_a_pause_made_it_miss() -> None:
    first, second = bought_at(paused(25.5, missed="once", times=2))

    assert 25.5 * 60 <= first < 26 * 60
    assert second == 2 * 1_440 + 60


@pytest.mark.slow
def test_every_purchase_that_a_pause_made_it_miss_is_made_up_for() -> None:
    world = paused(25.5, missed="all", times=3)

    assert [minute // 60 for minute in bought_at(world)] == [25, 25, 49]


@pytest.mark.slow
def test_what_a_pause_made_too_late_is_skipped() -> None:
    assert bought_at(paused(2.5, missed="skip", times=1)) == [1_440 + 60]


def test_what_a_pause_made_a_little_late_is_not_skipped() -> None:
    (at,) = bought_at(paused(1.5, missed="skip", times=1))

    assert 90 <= at < 120


def test_a_purchase_a_little_late_is_not_missed() -> None:
    world = outage(1.5 / 24, missed="skip", times=1)

    (at,) = bought_at(world)
    assert 90 < at < 120


@pytest.mark.slow
def test_a_price_that_is_too_high_is_waited_out_until_the_next_purchase_is_due() -> None:
    falls = path((0, 1), (DAY / 2, 1), (DAY * 0.75, 0.9))
    world = live(slow({"not_above": 57_000, "retry": "1h"}, shape=falls))

    assert 720 < bought_at(world)[0] < 1_440
    assert told(world, Kind.WARNING) == []


@pytest.mark.slow
def test_a_price_that_stays_too_high_leaves_the_purchase_out() -> None:
    falls = path((0, 1), (DAY * 1.1, 1), (DAY * 1.2, 0.9))
    world = live(slow({"not_above": 57_000, "retry": "1h"}, shape=falls))

    assert bought_at(world)[0] // 1_440 == 1
    assert "61000 is more than 57000" in told(world, Kind.WARNING)[0]
    assert contexts(world, "bot")["skipped"] == 1


@pytest.mark.slow
def test_a_purchase_that_was_refused_is_tried_again_until_the_next_is_due() -> None:
    world = SlowWorld(1, {"bot": {**RECURRING, "budget": 40, "retry": "6h", "times": 0}}, CALM)
    world.__class__.PATIENCE, before = 1.2 * DAY, world.PATIENCE
    try:
        with pytest.raises(AssertionError, match="never come to rest"):
            live(world)
    finally:
        world.__class__.PATIENCE = before

    refused = [text for text in told(world, Kind.ORDER) if "its wallet has 40 free" in text]
    assert len(refused) >= 4
    assert any("not bought" in text for text in told(world, Kind.WARNING))
    assert world.orders() == []


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"schedule": {"every": "week"}}, "a week needs the day"),
        ({"schedule": {"every": "day", "on": 3}}, "a day needs no `on`"),
        ({"schedule": {"every": "month", "on": "monday"}}, "a month needs the day"),
        ({"schedule": {"every": "month", "on": 32}}, "less than or equal to 31"),
        ({"schedule": {"every": "day", "at": "24:00"}}, "should match pattern"),
        ({"amount": 0}, "greater than 0"),
        ({"missed": "twice"}, "'once', 'all' or 'skip'"),
    ],
)
def test_nonsense_is_refused_with_the_reason(wrong: dict[str, Any], words: str) -> None:
    section = {key: value for key, value in RECURRING.items() if key != "function"}

    with pytest.raises(ValidationError, match=words):
        Conf.model_validate({**section, **wrong})


def test_the_plan_says_what_is_spent_in_all() -> None:
    section = {key: value for key, value in RECURRING.items() if key != "function"}

    text = Conf.model_validate({**section, "times": 12}).plan_text

    assert "for 100 of the quote asset every day at 00:05 UTC, 12 times" in text
    assert "at most it spends 100 each time, 1200 in all" in text
    assert Decimal(section["amount"]) == 100
