"""What the person should know, sent to a Telegram chat. A trade never waits for it.

The sink returns at once. One task sends, what waits goes into one message, and while Telegram is
out of reach a bounded number of lines waits. A message whose confirmation was lost is sent again:
read twice is better than never. telegram and httpx are imported when a token is there, beside the
event loop: they cost half a second and 25 MB.
"""

import asyncio
import logging
import os
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import chain, repeat
from typing import TYPE_CHECKING, Final, TypeAlias

from lib.news import Kind, News
from lib.redaction import Redactor, Secret

if TYPE_CHECKING:
    from telegram import Bot
    from telegram.error import TelegramError

log = logging.getLogger(__name__)

SENT: Final = frozenset({
    Kind.START,
    Kind.FILL,
    Kind.RESULT,
    Kind.DOUBT,
    Kind.WARNING,
    Kind.PARKED,
    Kind.WEATHER,
})
LINES_MAX: Final = 200  # that wait; beyond them the oldest are dropped
LENGTH_MAX: Final = 4096  # of a message, in UTF-16 units: Telegram's limit
PAUSE: Final = 3  # seconds between messages: Telegram allows 20 a minute in a group
WEATHER_PAUSE: Final = 600  # seconds between two lines of weather
BACK_OFF: Final = (1, 2, 5, 10, 30, 60)  # seconds; the last one for ever
PATIENCE: Final = 20  # seconds for one attempt to connect, to write, to be answered
TELEGRAM: Final = "https://api.telegram.org/bot"

Sleep: TypeAlias = Callable[[float], Awaitable[None]]


class Telegram:
    """A sink for news, and the one task that sends what it took: `run`."""

    def __init__(
        self,
        token: Secret,
        chat_id: str,
        *,
        venue: str,
        redactor: Redactor,
        base_url: str = TELEGRAM,
        sleep: Sleep = asyncio.sleep,
        weather_pause: float = WEATHER_PAUSE,
    ) -> None:
        self._token = token
        self._chat_id: str | int = chat_id
        self._heading = "LIVE, real money" if venue == "live" else venue
        self._redactor = redactor
        self._base_url = base_url
        self._sleep = sleep
        self._outbox = Outbox()
        self._weather = Weather(self._outbox.put, weather_pause)
        self._reachable = True
        self.off = False

    def __call__(self, news: News) -> None:
        """Take news in and return at once."""
        if self.off or news.kind not in SENT:
            return
        line = self._redactor.redact(readable_line(news))
        if news.kind is Kind.WEATHER:
            self._weather.take(line)
        else:
            self._outbox.put(line)

    async def run(self) -> None:
        """Send for ever; end when Telegram refuses the token or the chat."""
        bot = await asyncio.to_thread(_connect, self._token, self._base_url)
        try:
            while not self.off:
                await self._outbox.filled()
                await self._deliver(bot, self._outbox.message(self._heading))
                await self._sleep(PAUSE)
        finally:
            await bot.request.shutdown()

    async def _deliver(self, bot: "Bot", text: str) -> None:
        """Send one message, however long it takes; give up only what is refused for good."""
        from telegram.error import TelegramError

        for delay in chain(BACK_OFF, repeat(BACK_OFF[-1])):
            try:
                await bot.send_message(self._chat_id, text)
            except TelegramError as wrong:
                again_after = self._judge(wrong, delay)
                if again_after is None:
                    return
                await self._sleep(again_after)
            else:
                self._note_reachable()
                return

    def _judge(self, wrong: "TelegramError", delay: int) -> float | None:
        """Answer the seconds until the next attempt, or None if there shall be none."""
        from telegram import error

        match wrong:
            case error.RetryAfter(retry_after=pause):
                assert isinstance(pause, timedelta), "_connect asked for it"
                return pause.total_seconds()
            case error.ChatMigrated(new_chat_id=chat_id):
                log.warning("the Telegram chat has moved: set TELEGRAM_CHAT_ID to %s", chat_id)
                self._chat_id = chat_id
                return 0
            case _ if wrong.__cause__ is not None:  # no answer of Telegram's: a proxy's, or none
                return self._note_unreachable(wrong, delay)
            case error.InvalidToken():
                self._switch_off("does not know TELEGRAM_TOKEN")
            case error.Forbidden():
                self._switch_off(f"may not write to TELEGRAM_CHAT_ID ({self._redacted(wrong)})")
            case error.BadRequest() if "chat" in str(wrong).lower():
                self._switch_off(f"refuses TELEGRAM_CHAT_ID ({self._redacted(wrong)})")
            case error.BadRequest():
                log.warning("Telegram refused a message: %s", self._redacted(wrong))
            case _:
                return self._note_unreachable(wrong, delay)
        return None

    def _switch_off(self, why: str) -> None:
        self.off = True
        self._outbox.clear()
        log.warning("Telegram is off, the bots go on: it %s", why)

    def _note_unreachable(self, wrong: "TelegramError", delay: int) -> int:
        if self._reachable:
            log.warning("Telegram cannot be reached, what is news waits: %s", self._redacted(wrong))
        self._reachable = False
        return delay

    def _note_reachable(self) -> None:
        if not self._reachable:
            log.warning("Telegram is back")
        self._reachable = True

    def _redacted(self, wrong: Exception) -> str:
        return self._redactor.redact(str(wrong) or type(wrong).__name__)


class Outbox:
    """The lines that wait: bounded, oldest first, many to a message."""

    def __init__(self) -> None:
        self._lines: deque[str] = deque()
        self._dropped = 0
        self._filled = asyncio.Event()

    def put(self, line: str) -> None:
        """Add a line; if too many wait, drop the oldest."""
        self._lines.append(line)
        if len(self._lines) > LINES_MAX:
            self._lines.popleft()
            self._dropped += 1
        self._filled.set()

    async def filled(self) -> None:
        """Wait until a line is there."""
        await self._filled.wait()

    def message(self, heading: str) -> str:
        """Take as many lines as one message holds, and say how many were dropped before them."""
        if self._dropped:
            heading = f"{heading}\n({self._dropped} older lines were dropped)"
            self._dropped = 0
        text = heading
        while self._lines and _length(f"{text}\n{self._lines[0]}") <= LENGTH_MAX:
            text = f"{text}\n{self._lines.popleft()}"
        if text == heading:
            text = _cut(f"{text}\n{self._lines.popleft()}")
        if not self._lines:
            self._filled.clear()
        return text

    def clear(self) -> None:
        """Forget everything."""
        self._lines.clear()
        self._filled.clear()


@dataclass(slots=True)
class Weather:
    """Lets one line through, then the newest of each period: a storm is told in a few words."""

    put: Callable[[str], None]
    pause: float  # seconds
    _open: bool = True
    _held: str = ""
    _count: int = 0

    def take(self, line: str) -> None:
        """Pass a line on, or keep it in place of the one kept before."""
        if self._open:
            self._pass(line)
        else:
            self._held, self._count = line, self._count + 1

    def _pass(self, line: str) -> None:
        self._open = False
        self.put(line)
        asyncio.get_running_loop().call_later(self.pause, self._clear_up)

    def _clear_up(self) -> None:
        held, count = self._held, self._count
        self._open, self._held, self._count = True, "", 0
        if held:
            self._pass(held if count == 1 else f"{held} (the last of {count} such lines)")


def readable_line(news: News) -> str:
    """Write news in one line, with the UTC time it happened at."""
    at = f"{datetime.fromtimestamp(news.at // 1000, UTC):%H:%M:%S}"
    match news.kind:
        case Kind.PARKED:
            who = f"{news.bot or 'the runner'} needs you: "
        case Kind.WARNING:
            who = f"{news.bot or 'the runner'}, warning: "
        case _:
            who = f"{news.bot}: " if news.bot else ""
    line = f"{at} {who}{news.text}"
    return line.encode("utf-8", "replace").decode()


def _connect(token: Secret, base_url: str) -> "Bot":
    """Make the client; takes as long as its imports. Nothing is sent yet."""
    os.environ["PTB_TIMEDELTA"] = "true"  # a RetryAfter in whole seconds is deprecated
    for name in ("httpx", "httpcore"):  # at INFO they log addresses, and the token is in them
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.getLogger("telegram").setLevel(logging.CRITICAL)  # we say ourselves what went wrong
    from telegram import Bot
    from telegram.request import HTTPXRequest

    request = HTTPXRequest(
        connection_pool_size=1,
        connect_timeout=PATIENCE,
        read_timeout=PATIENCE,
        write_timeout=PATIENCE,
        pool_timeout=PATIENCE,
    )
    return Bot(token.reveal(), base_url=base_url, request=request, get_updates_request=request)


def _length(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def _cut(text: str) -> str:
    """Shorten a text to what one message holds."""
    if _length(text) <= LENGTH_MAX:
        return text
    return text.encode("utf-16-le")[: 2 * (LENGTH_MAX - 1)].decode("utf-16-le", "ignore") + "…"
