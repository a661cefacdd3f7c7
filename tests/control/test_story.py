"""`bot NAME --story` tells each step of each order, and why, from the order journal."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from lib.control.story import story_of
from lib.journal.rows import Row
from lib.orders import OrderState
from tests.control.folder import BIRTH
from tests.control.test_orders_command import Journal, asked, berlin

__all__ = ["berlin"]  # a fixture
DAY = 86_400_000


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    journal = Journal(tmp_path)
    yield journal
    journal.file.close()


def test_the_story_has_fills_and_ends_of_that_bot_alone(journal: Journal) -> None:
    journal.end(OrderState.FILLED, journal.fill("0.01", "59999.5"), comment="the morning's dip")
    journal.end(OrderState.CANCELED, bot="bart", reason="too late")

    story = "\n".join(asked(journal, "bot", "lisa", "--story"))

    assert "2023-11-15 CET\n" in story
    assert (
        "bought 0.01 BTC at 59999.5, fee 0.1 USDT, planned -> filled, the morning's dip [" in story
    )
    assert "LIMIT BUY 0.01 BTCUSDT at 60000" in story
    assert "too late" not in story


def test_only_the_newest_steps_are_told_unless_all_are_wanted(journal: Journal) -> None:
    for _ in range(3):
        journal.end(OrderState.CANCELED, reason="the market moved")

    assert asked(journal, "bot", "lisa", "--story", "--limit", "2")[-1].startswith(
        "the newest 2 of"
    )
    assert len(asked(journal, "bot", "lisa", "--story", "--limit", "0")) > 4


def test_a_turn_of_states_an_amend_and_a_new_day_are_told() -> None:
    facts = {"local_time": "", "learned": 0, "bot": "lisa", "algorithm": "", "timeframe": ""}
    where = {"venue": "paper", "account": "7", "comment": "", "symbol": "BTCUSDT"}
    known = {**facts, **where, "side": "SELL", "type": "LIMIT", "quantity": "2", "price": "9"}
    rows = [
        Row(**known, event="reply", at=BIRTH, reason="", state_before="submitting",  # type: ignore[arg-type]
            state_after="open", client_order_id="abc"),
        Row(**known, event="amend intent", at=BIRTH + DAY, reason="", state_before="open",  # type: ignore[arg-type]
            state_after="open", amend_quantity="1"),
        Row(**known, event="result", at=BIRTH + DAY, reason="stopped\nby you",  # type: ignore[arg-type]
            state_before="open", state_after="canceled"),
    ]  # fmt: skip

    lines = list(story_of(rows))

    assert [line for line in lines if not line.startswith(" ")] == [
        "2023-11-14 CET",
        "2023-11-15 CET",
    ]
    assert lines[1].endswith("LIMIT SELL 2 BTCUSDT at 9, submitting -> open [abc]")
    assert lines[3].endswith("LIMIT SELL 2 BTCUSDT at 9, to 1")
    assert lines[4].endswith("LIMIT SELL 2 BTCUSDT at 9, open -> canceled, stopped by you")
