"""The live table: what a terminal shows while the runner works.

Lines are painted at fixed places, and only those that changed. The cursor is never hidden and
waits below the table, so that a runner killed at any instant leaves a usable terminal.
"""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol, TypeAlias

from lib.control.board import Row
from lib.control.columns import Column, clip, lay_out
from lib.control.log_lines import COLOURS, RUNNER, local_time, printable
from lib.control.standing import Word
from lib.news import News

COLUMNS: Final = (
    Column("bot"),
    Column("symbol", spare=2),
    Column("price", spare=4, right=True),
    Column("stands"),
    Column("open orders", spare=3),
    Column("result so far", spare=1, right=True),
)
BOLD: Final = "1"
WORD_COLOURS: Final = {
    Word.NEEDS_YOU: "31",
    Word.ASKING: "35",
    Word.WAITING: "33",
    Word.FINISHED: "36",
    Word.PAUSED: "33",
    Word.STOPPED_BY_YOU: "33",
    Word.FLATTENING: "35",
    Word.KILLED: "31",
}
NEWS_SHARE: Final = 4  # a quarter of the lines is kept for news when bots are many
NEWS_MAX: Final = 100


@dataclass(frozen=True, slots=True)
class Line:
    """One line as shown, and its colour, an SGR number or nothing."""

    text: str
    colour: str = ""

    def painted(self, *, colours: bool) -> str:
        return f"\x1b[{self.colour}m{self.text}\x1b[0m" if colours and self.colour else self.text


Size: TypeAlias = tuple[int, int]  # columns and lines of the terminal


class Paper(Protocol):
    """What is painted on."""

    @property
    def idle(self) -> bool: ...

    def put(self, text: str) -> None: ...


class LiveTable:
    """Owns the screen."""

    def __init__(self, outlet: Paper, *, size: Callable[[], Size], colours: bool) -> None:
        self.title = ""
        self._outlet = outlet
        self._size = size
        self._colours = colours
        self._news: deque[News] = deque(maxlen=NEWS_MAX)
        self._shown: list[str] = []
        self._shown_size: Size | None = None

    def tell(self, news: News) -> None:
        """Keep news for the next frame."""
        self._news.append(news)

    def paint(self, rows: Sequence[Row]) -> None:
        """Show the rows and the newest news. Left out while the terminal takes nothing."""
        if not self._outlet.idle:
            return
        size = self._size()
        lines = compose(self.title, rows, list(self._news), size)
        painted = [line.painted(colours=self._colours) for line in lines]
        change = self._change(painted, size)
        if change:
            self._outlet.put(change)
        self._shown, self._shown_size = painted, size

    def forget(self) -> None:
        """Paint the next frame whole: something else may have written on the screen."""
        self._shown_size = None

    def leave(self) -> None:
        """Let the shell go on below the table."""
        if self._shown:
            self._outlet.put(f"\x1b[0m{_at(len(self._shown))}\x1b[J")

    def _change(self, lines: list[str], size: Size) -> str:
        """Write what turns the screen from the last frame into this one."""
        known = self._shown if self._shown_size == size else []
        changed = [
            f"{_at(index)}{line}\x1b[K"
            for index, line in enumerate(lines)
            if index >= len(known) or known[index] != line
        ]
        rest = f"{_at(len(lines))}\x1b[J" if len(lines) != len(known) else ""
        if not changed and not rest:
            return ""
        return "".join([self._clean_screen(size), *changed, rest, _at(len(lines))])

    def _clean_screen(self, size: Size) -> str:
        """Scroll away, once, what stood on the screen; clear it after a change of size."""
        if self._shown_size is None and not self._shown:
            return "\r\n" * size[1]
        return "" if self._shown_size == size else "\x1b[2J"


def compose(title: str, rows: Sequence[Row], news: Sequence[News], size: Size) -> list[Line]:
    """Make a frame: title, table, newest news; no wider or higher than the terminal allows."""
    width, height = max(size[0] - 1, 1), max(size[1] - 1, 0)  # the cursor's place stays free
    room = max(height - 4 - height // NEWS_SHARE, 1)
    table = _table(rows[:room], width)
    if len(rows) > room:
        table.append(Line(clip(f"… and {len(rows) - room} more: see `status`", width)))
    head = [Line(clip(printable(title), width), BOLD), *table, Line("")]
    left = max(height - len(head), 0)
    return [*head, *_newest(news, left, width)][:height]


def _table(rows: Sequence[Row], width: int) -> list[Line]:
    cells = [
        (row.name, row.symbol, row.price, str(row.stands), row.orders, row.result) for row in rows
    ]
    titles, *lines = lay_out(COLUMNS, cells, width)
    colours = (WORD_COLOURS.get(row.stands, "") for row in rows)
    return [Line(titles, BOLD), *map(Line, lines, colours)]


def _newest(news: Sequence[News], count: int, width: int) -> Iterable[Line]:
    for each in news[max(len(news) - count, 0) :]:
        text = " ".join(printable(each.text).split())
        time = local_time(each.at).split()[1]
        line = f"{time} {each.bot or RUNNER} {each.kind}: {text}"
        yield Line(clip(line, width), COLOURS.get(each.kind, ""))


def _at(line: int) -> str:
    return f"\x1b[{line + 1};1H"
