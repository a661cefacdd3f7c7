"""What waits to be told is bounded, and nothing grave is ever dropped."""

from datetime import UTC

import pytest

from lib.control.telegram.length import LENGTH_MAX, length, split
from lib.control.telegram.notices import Notices
from lib.control.telegram.outbox import GRAVE_MAX, SMALL_MAX, TEXT_MAX, Line, Outbox, Page
from lib.news import Kind
from tests.control.telegram.runner import AT, news


def line(text: str, *, bot: str = "lisa", kind: str = "fill", grave: bool = False) -> Line:
    return Line(at=AT, bot=bot, kind=kind, text=text, grave=grave)


def outbox(*lines: Line) -> Outbox:
    made = Outbox(Page())
    for each in lines:
        made.put(each)
    return made


def told(made: Outbox) -> str:
    """Take everything that waits, as if it were delivered."""
    parts = []
    while made.waits:
        parts.append(made.message("paper", UTC))
        made.confirm()
    return "\n".join(parts)


def test_the_oldest_small_lines_make_room_and_are_counted() -> None:
    made = outbox(*(line(f"trade {n}.") for n in range(SMALL_MAX + 30)))

    text = told(made)

    assert "(30 older lines were dropped)" in text
    assert "trade 29." not in text
    assert "trade 30." in text
    assert f"trade {SMALL_MAX + 29}." in text


def test_no_flood_of_small_lines_drops_a_grave_one() -> None:
    made = outbox(line("order 7 is in doubt", kind="doubt", grave=True))

    for number in range(5 * SMALL_MAX):
        made.put(line(f"trade {number}."))

    assert "order 7 is in doubt" in told(made)


def test_a_flood_of_grave_lines_is_folded_by_bot_and_counted_in_full() -> None:
    made = outbox(line("needs you", bot="bob", kind="parked", grave=True))
    for number in range(GRAVE_MAX + 500):
        made.put(line(f"order {number}. is in doubt", kind="doubt", grave=True))

    kept = list(made.page.lines)
    text = told(made)

    assert len(kept) <= GRAVE_MAX + 1
    assert sum(each.times for each in kept if each.kind == "doubt") == GRAVE_MAX + 500
    assert f"order {GRAVE_MAX + 499}. is in doubt" in text
    assert "needs you" in text
    assert made.page.dropped == 0


def test_the_page_stays_small_whatever_is_put_in() -> None:
    made = Outbox(Page())
    for number in range(4 * (SMALL_MAX + GRAVE_MAX)):
        text = f"{number} " + "x" * 5_000
        made.put(line(text))
        made.put(line(text, kind="doubt", grave=True))

    size = len(made.page.model_dump_json())

    assert size < (SMALL_MAX + GRAVE_MAX + 2) * (TEXT_MAX + 150)


def test_the_same_line_again_is_counted_instead_of_repeated() -> None:
    made = outbox(*(line("refused: no money", kind="order") for _ in range(7)))

    assert told(made) == "paper\n22:13:20 refused: no money (7 times)"


def test_lines_that_came_while_a_message_was_on_its_way_are_not_in_its_repetition() -> None:
    made = outbox(line("first"))
    made.message("paper", UTC)
    made.put(line("first"))
    made.put(line("second"))

    repeated = made.message("paper", UTC)
    made.confirm()

    assert repeated == "paper\n22:13:20 first"
    assert told(made) == "paper\n22:13:20 first\n22:13:20 second"


def test_what_was_on_its_way_when_the_program_died_is_repeated_and_marked() -> None:
    made = outbox(line("first"), line("second"))
    made.message("paper", UTC)
    made.put(line("third"))

    reborn = Outbox(Page.model_validate_json(made.page.model_dump_json()))
    first = reborn.message("paper", UTC)
    reborn.confirm()

    assert first == "again: paper\n22:13:20 first\n22:13:20 second"
    assert told(reborn) == "paper\n22:13:20 third"


def test_lines_dropped_while_a_message_was_on_its_way_are_counted_in_the_next() -> None:
    made = outbox(line("first"))
    made.message("paper", UTC)
    for number in range(SMALL_MAX + 3):
        made.put(line(f"trade {number}."))
    made.confirm()

    assert "(3 older lines were dropped)" in told(made)


@pytest.mark.parametrize("text", ["x" * 9000, "😀" * 5000, "a\ud800b" * 3000])
def test_no_message_is_longer_than_telegram_takes(text: str) -> None:
    made = Outbox(Page())
    notices = Notices(made, lambda said: said, orders=False)
    for _ in range(20):
        notices(news(text))
        notices(news("short"))

    while made.waits:
        message = made.message("paper", UTC)
        made.confirm()
        assert 0 < length(message) <= LENGTH_MAX
        assert message.startswith("paper\n")


@pytest.mark.parametrize(
    "text", ["x" * 9000, "😀" * 5000, "\n".join(f"line {n}" for n in range(2000)), "a\n\nb"]
)
def test_a_long_answer_is_divided_without_loss_and_between_lines_where_possible(text: str) -> None:
    parts = list(split(text))

    assert all(0 < length(part) <= LENGTH_MAX for part in parts)
    if "\n" in text:
        assert "\n".join(parts) == text
    else:
        assert "".join(parts).replace("\n", "") == text


def test_a_text_that_is_no_valid_unicode_is_still_told() -> None:
    made = Outbox(Page())

    Notices(made, lambda said: said, orders=False)(news("lone \ud800 surrogate"))

    assert "lone ? surrogate" in told(made)


def test_every_kind_that_is_not_an_everyday_one_is_never_dropped() -> None:
    made = Outbox(Page())
    notices = Notices(made, lambda said: said, orders=True)
    everyday = {Kind.START, Kind.PLAN, Kind.ORDER, Kind.FILL, Kind.RESULT, Kind.WEATHER}
    for kind in set(Kind) - everyday:
        notices(news(f"{kind}", kind))

    assert {each.kind for each in made.page.lines} >= {"doubt", "parked", "warning"}
    assert all(each.grave for each in made.page.lines)
