"""What reaches the person's window is complete, stamped and free of secrets."""

import asyncio
import logging
import os
import re
from collections.abc import Iterator

import pytest

from lib.control import terminal
from lib.control.board import Row
from lib.control.standing import Word
from lib.control.terminal import Terminal, open_terminal
from lib.news import Kind, News
from lib.redaction import Redactor, Secret

SECRET = "open-sesame-7"


class Read:
    """A window that is no terminal, and what was written into it."""

    def __init__(self) -> None:
        self._reading, self._writing = os.pipe()
        self.window: Terminal = open_terminal(self._writing, {}, Redactor([Secret(SECRET)]))

    @property
    def text(self) -> str:
        self.window.leave()
        os.set_blocking(self._reading, False)
        return os.read(self._reading, 100_000).decode()

    def close(self) -> None:
        os.close(self._reading)
        os.close(self._writing)


@pytest.fixture
def read() -> Iterator[Read]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    read = Read()
    yield read
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(capture=False)
    read.close()


def test_a_secret_in_news_is_never_shown(read: Read) -> None:
    read.window.tell(News(1, "lisa", Kind.WARNING, f"the key {SECRET} was refused"))
    read.window.announce(f"with {SECRET}")

    assert SECRET not in read.text


def test_warnings_of_libraries_come_as_the_runners_own(read: Read) -> None:
    read.window.take_logging()

    logging.getLogger("aiohttp").info("not worth a line")
    logging.getLogger("aiohttp").warning("lost %s with %s", "a socket", SECRET)

    text = read.text
    assert "runner warning: aiohttp: lost a socket with <redacted>" in text
    assert "not worth" not in text


def test_a_traceback_in_a_log_is_shown_without_its_secrets(read: Read) -> None:
    read.window.take_logging()

    try:
        int(SECRET)
    except ValueError:
        logging.getLogger("asyncio").exception("Task exception was never retrieved")

    text = read.text
    assert "    ValueError: invalid literal" in text
    assert SECRET not in text


def test_news_from_before_the_exchanges_time_is_known_carry_the_machines(read: Read) -> None:
    read.window.tell(News(0, "", Kind.START, "hello"))

    assert "1970" not in read.text


def test_news_are_shown_on_while_the_rows_of_the_table_cannot_be_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(terminal, "FRAME", 0.002)
    reading, writing = os.openpty()
    window = open_terminal(writing, {"TERM": "xterm"}, Redactor([]))
    looks = 0

    def rows() -> list[Row]:
        nonlocal looks
        looks += 1
        if looks in {2, 3}:
            raise KeyError("BTCUSDT")
        return [Row("lisa", "BTCUSDT", str(60_000 + looks), Word.RUNNING, "-", "-")]

    async def story() -> None:
        showing = asyncio.create_task(window.show(rows))
        while looks < 20 and not showing.done():
            await asyncio.sleep(0.001)
        showing.cancel()

    asyncio.run(story())
    window.leave()
    os.set_blocking(reading, False)
    shown = os.read(reading, 100_000).decode()
    os.close(reading)
    os.close(writing)
    assert shown.count("the live table cannot be read: KeyError: 'BTCUSDT'") == 1
    assert max(map(int, re.findall("600[0-9]{2}", shown))) > 60_003
