"""What of the news is told in the chat, and in which words."""

import asyncio
from collections.abc import Callable
from typing import Final

from lib.control.telegram.length import sound
from lib.control.telegram.outbox import Line, Outbox
from lib.news import Kind, News

WEATHER_PAUSE: Final = 600  # seconds between two lines of weather
QUIET: Final = frozenset({Kind.PLAN})  # never told
SMALL: Final = frozenset({
    Kind.START,
    Kind.PLAN,
    Kind.ORDER,
    Kind.FILL,
    Kind.RESULT,
    Kind.WEATHER,
})
"""Kinds of which the oldest are dropped if too much waits. Any other must be known."""


class Notices:
    """A sink that puts news into the outbox and returns at once."""

    def __init__(
        self,
        outbox: Outbox,
        redact: Callable[[str], str],
        *,
        orders: bool,
        weather_pause: float = WEATHER_PAUSE,
    ) -> None:
        self._outbox = outbox
        self._redact = redact
        self._quiet = QUIET if orders else QUIET | {Kind.ORDER}
        self._weather_pause = weather_pause
        self._weather_open = True
        self._take_up_weather()

    def __call__(self, news: News) -> None:
        """Take news in."""
        if news.kind in self._quiet:
            return
        line = Line(
            at=news.at,
            bot=news.bot,
            kind=str(news.kind),
            text=sound(self._redact(in_words(news))),
            grave=news.kind not in SMALL,
        )
        if news.kind is Kind.WEATHER:
            self._put_weather(line)
        else:
            self._outbox.put(line)

    # --- weather: one line at once, then the newest of each period

    def _take_up_weather(self) -> None:
        held, self._outbox.page.weather = self._outbox.page.weather, None
        if held is not None:
            self._outbox.put(held)

    def _put_weather(self, line: Line) -> None:
        if self._weather_open:
            self._weather_open = False
            self._outbox.put(line)
            asyncio.get_running_loop().call_later(self._weather_pause, self._clear_up)
            return
        held = self._outbox.page.weather
        line.times = 1 if held is None else held.times + 1
        self._outbox.page.weather = line
        self._outbox.on_change()

    def _clear_up(self) -> None:
        held, self._outbox.page.weather = self._outbox.page.weather, None
        self._weather_open = True
        if held is not None:
            if held.times > 1:
                held.text = f"{held.text} (the last of {held.times} such lines)"
                held.times = 1
            self._put_weather(held)


def in_words(news: News) -> str:
    """Say whom news is about, and what."""
    match news.kind:
        case Kind.PARKED:
            who = f"{news.bot or 'the runner'} needs you: "
        case Kind.WARNING:
            who = f"{news.bot or 'the runner'}, warning: "
        case _:
            who = f"{news.bot}: " if news.bot else ""
    return f"{who}{news.text}"
