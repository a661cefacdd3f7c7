"""The paragraph after a restart says truthfully what happened meanwhile."""

import asyncio
from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from lib.context_file.generation import Generation, Memory
from lib.exchange import OrderRecord, OrderStatus
from lib.news import Kind
from lib.orders import Order, OrderState
from lib.resumption import Resumption, duration
from lib.simulator.server.faults import Fault, FaultKind, Rule
from tests.test_life import HOUR, Story, bot

RESTING = bot("steady", price="30000", quantity="0.01", times=1)
NEAR = bot("steady", price="60900", quantity="0.01", times=1)


def paragraph(story: Story) -> str:
    """The last paragraph told."""
    return [news.text for news in story.news if news.kind is Kind.START][-1]


def test_the_first_start_says_nothing_of_a_resumption() -> None:
    story = Story(1, {"one": RESTING})

    story.live_for(60)

    assert not [news for news in story.news if news.kind is Kind.START]


def test_says_how_long_ago_the_last_save_was() -> None:
    story = Story(2, {"one": RESTING})
    story.live_for(30)
    story.now += 3 * HOUR

    story.live_for(60)

    assert " 3 h " in paragraph(story)


@pytest.mark.slow
def test_says_how_long_ago_the_last_save_was_also_when_the_exchange_was_away_at_the_start() -> None:
    story = Story(3, {"one": RESTING})
    story.live_for(30)
    story.set_away()
    story.now += 3 * HOUR
    story.after(2.5 * HOUR, story.set_back)

    story.live_for(2.5 * HOUR + 60)

    assert " 3 h " in paragraph(story)


def test_says_that_nothing_happened_when_nothing_did() -> None:
    story = Story(4, {"one": RESTING})
    story.live_for(30)

    story.live_for(60)

    assert "Nothing filled meanwhile." in paragraph(story)
    assert "Nothing was in doubt." in paragraph(story)
    assert "Open now: BUY 0.01 BTCUSDT at 30000." in paragraph(story)


def filled_meanwhile() -> Story:
    story = Story(5, {"one": RESTING})
    story.live_for(30)
    story.prices["BTCUSDT"] = 29_000.0
    story.move_market()
    assert story.open_now() == []
    return story


def test_names_what_was_filled_meanwhile() -> None:
    story = filled_meanwhile()

    story.live_for(60)

    assert "Filled meanwhile: BUY 0.01 BTCUSDT." in paragraph(story)


def test_an_order_that_filled_meanwhile_is_not_called_open() -> None:
    story = filled_meanwhile()

    story.live_for(60)

    assert "Nothing is open now." in paragraph(story)


def test_an_order_that_a_person_canceled_meanwhile_is_not_called_open() -> None:
    story = Story(6, {"one": RESTING})
    story.live_for(30)
    story.cancel_all()

    story.live_for(60)

    assert "Nothing is open now." in paragraph(story)


def in_doubt(kind: FaultKind) -> Story:
    story = Story(7, {"one": bot("steady", quantity="0.01", times=1)})
    fault = Fault(kind=kind, delay_ms=60_000)
    story.plan.set([Rule(fault=fault, method="POST", path="/api/v3/order", times=1)])
    story.live_for(10)
    assert story.generation("one").context["order"]["state"] == "submitting"
    return story


def test_an_order_in_doubt_that_was_accepted_is_said_to_be_found() -> None:
    story = in_doubt(FaultKind.LOSE_REPLY)

    story.live_for(120)

    assert "In doubt was: BUY BTCUSDT was found: filled." in paragraph(story)
    assert "Filled meanwhile: BUY 0.01 BTCUSDT." in paragraph(story)
    assert len(story.shown()) == 1


def test_an_order_in_doubt_that_nobody_has_seen_yet_is_not_called_open() -> None:
    story = in_doubt(FaultKind.LOSE_REQUEST)

    story.live_for(60)

    assert "is still being looked for" in paragraph(story)
    assert "Nothing is open now." in paragraph(story)


def test_the_orders_of_parked_and_removed_bots_are_in_the_paragraph() -> None:
    story = Story(8, {"one": RESTING, "two": bot("brief")})
    story.live_for(30)
    story.rewrite(
        "one",
        lambda fields: fields.update(parked={"kind": "Halt", "reason": "so", "at": 1}),
    )

    story.live_for(60)

    assert "Open now: BUY 0.01 BTCUSDT at 30000." in paragraph(story)


# --- the paragraph by itself


class Found:
    """A bot as found on disk."""

    def __init__(self, *orders: Order, saved_at: int = 0) -> None:
        self.orders: Iterable[Order] = orders
        self.generation = Generation(
            bot="one",
            venue="world",
            account="1",
            installation="3fa2c1",
            birth=1,
            saved_at=saved_at,
            function="steady.bot",
            symbols=["BTCUSDT"],
            conf={},
            memory=Memory(),
            context={},
        )


ORDER = Order(
    symbol="BTCUSDT",
    side="BUY",
    type="LIMIT",
    quantity=Decimal(1),
    price=Decimal(30_000),
    id="a",
    order_id=1,
    state=OrderState.OPEN,
)
NEW = OrderRecord(
    symbol="BTCUSDT",
    order_id=1,
    client_order_id="a",
    side="BUY",
    type="LIMIT",
    status=OrderStatus.NEW,
)
FILLED = replace(NEW, status=OrderStatus.FILLED, executed=Decimal(1))


class Still:
    def now(self) -> int:
        return 90_000


class Blank:
    def record(self, client_order_id: str) -> None:
        return None


class Ground:
    clock = Still()
    mirror = Blank()


def report(*records: OrderRecord) -> str:
    resumption, found, ground = Resumption(), Found(ORDER), Ground()
    resumption.remember([found])
    for record in records:
        resumption.on_record(record)
    floor: Any = ground
    return asyncio.run(resumption.report(floor, [found]))


def test_a_late_answer_older_than_an_event_does_not_hide_a_fill() -> None:
    assert "Filled meanwhile: BUY 1 BTCUSDT." in report(FILLED, NEW)


def test_without_contexts_there_is_no_paragraph() -> None:
    floor: Any = Ground()

    assert asyncio.run(Resumption().report(floor, [])) == ""


@pytest.mark.parametrize(
    ("ms", "text"),
    [
        (0, "0 s"),
        (-5, "0 s"),
        (119_999, "119 s"),
        (120_000, "2 min"),
        (2 * 3_600_000, "2 h"),
        (72 * 3_600_000, "3 days"),
    ],
)
def test_a_duration_reads_as_a_person_says_it(ms: int, text: str) -> None:
    assert duration(ms) == text
