"""Lines of a log are one record each, cannot steer a terminal, and rank as the journal wants."""

import os

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.control.log_lines import is_journal, json_line, log_line, with_priority
from lib.news import Kind, News


@pytest.fixture(autouse=True)
def _in_greenwich(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC")


def news(kind: Kind = Kind.FILL, text: str = "bought 0.01 BTC", bot: str = "lisa") -> News:
    return News(1_732_184_000_123, bot, kind, text)


def test_a_line_says_when_who_what_kind_and_what() -> None:
    assert log_line(news()).endswith(" lisa fill: bought 0.01 BTC")
    assert log_line(news())[:4] == "2024"


def test_the_program_itself_speaks_as_the_runner() -> None:
    assert " runner warning: " in log_line(news(Kind.WARNING, bot=""))


def test_a_text_from_outside_cannot_steer_the_terminal() -> None:
    assert "\x1b" not in log_line(news(text="\x1b[2Jgone\r\x07"))


def test_what_is_about_one_order_names_it_by_its_client_order_id() -> None:
    about = News(1_732_184_000_123, "lisa", Kind.FILL, "bought 1\nat last", "a73fa2c1a")

    assert log_line(about).endswith(" lisa fill: bought 1 [a73fa2c1a]\n    at last")
    assert orjson.loads(json_line(about))["client_order_id"] == "a73fa2c1a"
    assert "client_order_id" not in orjson.loads(json_line(news()))


def test_json_says_the_same_in_fields() -> None:
    assert orjson.loads(json_line(news(Kind.PARKED, "stopped\nhere", bot=""))) == {
        "time": "2024-11-21T10:13:20.123Z",
        "at": 1_732_184_000_123,
        "priority": 3,
        "bot": "runner",
        "kind": "parked",
        "text": "stopped\nhere",
    }


@given(st.text(), st.text())
def test_whatever_is_told_is_one_line_of_json_that_steers_no_terminal(
    text: str, order: str
) -> None:
    line = json_line(News(1_732_184_000_123, "lisa", Kind.FILL, text, order))

    assert line.isprintable()
    assert orjson.loads(line)["kind"] == "fill"


def test_every_line_of_a_record_has_the_priority_of_its_kind() -> None:
    line = with_priority(news(Kind.PARKED), log_line(news(Kind.PARKED, "stopped\ntraceback")))

    assert [part[:3] for part in line.split("\n")] == ["<3>", "<3>"]


@pytest.mark.parametrize("kind", list(Kind))
def test_every_kind_of_news_has_a_priority_the_journal_knows(kind: Kind) -> None:
    assert with_priority(news(kind), "x")[:3] in {"<3>", "<4>", "<5>", "<6>"}


def test_the_journal_is_recognised_by_its_stream_and_not_by_an_inherited_variable() -> None:
    reading, writing = os.pipe()
    found = os.fstat(writing)

    assert is_journal(writing, {"JOURNAL_STREAM": f"{found.st_dev}:{found.st_ino}"})
    assert not is_journal(writing, {"JOURNAL_STREAM": "9:9"})
    assert not is_journal(writing, {})
    os.close(reading)
    os.close(writing)
