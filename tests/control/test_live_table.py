"""The live table as a person sees it, on a screen that understands nothing but it."""

import pytest

from lib.control.board import Row
from lib.control.live_table import LiveTable, compose
from lib.control.standing import Word
from lib.news import Kind, News
from tests.control.screen import Screen

LISA = Row("lisa", "BTCUSDT", "61000.5", Word.RUNNING, "buy 60500", "+1.25 USDT")
BART = Row("bart", "ETHUSDT", "3231.12", Word.NEEDS_YOU, "-", "-")


class Paper:
    """Stands in for the outlet: keeps what was put, always at leisure unless told otherwise."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.leisure = True

    @property
    def idle(self) -> bool:
        return self.leisure

    def put(self, text: str) -> None:
        self.texts.append(text)


class Watched:
    """A live table on a screen."""

    def __init__(self, columns: int = 100, lines: int = 24, *, colours: bool = False) -> None:
        self.size = (columns, lines)
        self.paper = Paper()
        self.table = LiveTable(self.paper, size=lambda: self.size, colours=colours)
        self.screen = Screen(columns, lines)

    def show(self, *rows: Row) -> str:
        """Paint, and answer what was written for it."""
        self.table.paint(rows)
        written = "".join(self.paper.texts)
        self.paper.texts.clear()
        self.screen.feed(written)
        return written


def told(text: str, bot: str = "lisa") -> News:
    return News(1_732_184_000_000, bot, Kind.FILL, text)


def test_each_bot_has_a_row_and_the_newest_news_stand_below() -> None:
    watched = Watched()
    watched.table.title = "paper: no real money"
    watched.table.tell(told("bought 0.01 BTC"))

    watched.show(LISA, BART)

    title, names, lisa, bart, empty, news, *_ = watched.screen.text
    assert title == "paper: no real money"
    assert names.split() == [
        "bot",
        "symbol",
        "price",
        "stands",
        "open",
        "orders",
        "result",
        "so",
        "far",
    ]
    assert lisa.split() == [
        "lisa",
        "BTCUSDT",
        "61000.5",
        "running",
        "buy",
        "60500",
        "+1.25",
        "USDT",
    ]
    assert bart.split() == ["bart", "ETHUSDT", "3231.12", "needs", "you", "-", "-"]
    assert not empty
    assert news.endswith("lisa fill: bought 0.01 BTC")


def test_only_the_lines_that_changed_are_written_again() -> None:
    watched = Watched()
    watched.show(LISA, BART)

    assert watched.show(LISA, BART) == ""
    second = watched.show(LISA, Row("bart", "ETHUSDT", "3300.00", Word.NEEDS_YOU, "-", "-"))
    assert "lisa" not in second
    assert "3300.00" in second
    assert watched.screen.text[3].split()[2] == "3300.00"


@pytest.mark.parametrize("columns", [1, 2, 8, 20, 33, 60, 79, 200])
@pytest.mark.parametrize("lines", [1, 2, 4, 7, 24])
def test_no_terminal_is_so_small_that_a_line_wraps_or_the_screen_scrolls(
    columns: int, lines: int
) -> None:
    watched = Watched(columns, lines)
    watched.table.title = "a title that is longer than most terminals are wide " * 4
    for number in range(40):
        watched.table.tell(told(f"news {number} 比特币 " * 9))

    watched.show(LISA, BART, *[LISA] * 30)

    assert not watched.screen.wrapped


def test_bots_that_do_not_fit_are_counted_and_news_keep_their_place() -> None:
    news = [told(f"news {number}") for number in range(40)]

    lines = [line.text for line in compose("title", [LISA] * 100, news, (100, 24))]

    assert len(lines) == 23
    assert any(line.startswith("… and ") and "more" in line for line in lines)
    assert sum("news" in line for line in lines) >= 4
    assert lines[-1].endswith("news 39")


def test_a_shrunk_terminal_is_painted_anew() -> None:
    watched = Watched(100, 24)
    watched.show(LISA, BART)
    watched.size = (40, 10)
    watched.screen = Screen(40, 10)

    watched.show(LISA, BART)

    assert watched.screen.text[2].startswith("lisa")
    assert not watched.screen.wrapped


def test_a_table_that_lost_a_bot_leaves_nothing_of_it_behind() -> None:
    watched = Watched()
    watched.show(LISA, BART)

    watched.show(BART)

    assert not any("lisa" in line for line in watched.screen.text)


def test_nothing_is_painted_while_the_terminal_takes_nothing() -> None:
    watched = Watched()
    watched.paper.leisure = False

    assert watched.show(LISA) == ""


def test_what_somebody_typed_over_the_table_is_gone_after_a_whole_frame() -> None:
    watched = Watched()
    watched.show(LISA, BART)
    watched.screen.cells[2][:6] = list("oops!!")

    watched.show(LISA, BART)
    assert watched.screen.text[2].startswith("oops")
    watched.table.forget()
    watched.show(LISA, BART)

    assert watched.screen.text[2].startswith("lisa")


def test_leaving_puts_the_cursor_below_the_table_without_colour() -> None:
    watched = Watched(colours=True)
    watched.show(LISA, BART)

    watched.table.leave()
    watched.screen.feed("".join(watched.paper.texts))
    watched.screen.feed("$ ")

    assert not watched.screen.coloured
    assert watched.screen.text[5] == "$"


def test_colours_are_used_only_where_they_were_asked_for() -> None:
    assert "\x1b[31m" in Watched(colours=True).show(BART)
    assert "m" not in {
        part[-1:] for part in Watched().show(BART).split("\x1b[") if part[-1:] == "m"
    }


def test_news_cannot_steer_the_terminal() -> None:
    watched = Watched()
    watched.table.tell(told("\x1b[2J\x1b[Hgone"))

    assert "\x1b[2J" not in watched.show(LISA)
