"""The Bot API as this program uses it: the library's calls in, six kinds of trouble out.

telegram and httpx are imported when somebody connects, beside the event loop: they cost half a
second and 25 MB. Nothing else of the package knows them.
"""

import asyncio
import logging
import os
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeVar

from lib.redaction import Secret

if TYPE_CHECKING:
    from telegram import Bot, InlineKeyboardMarkup, Update
    from telegram.error import TelegramError
    from telegram.request import HTTPXRequest

PATIENCE: Final = 20  # seconds for one attempt to connect, to write, to be answered
LONG_POLL: Final = 50  # seconds for which Telegram keeps a question for news open
TELEGRAM: Final = "https://api.telegram.org"
NEVER_LEFT: Final = frozenset({"ConnectError", "ConnectTimeout", "PoolTimeout"})
HEARD: Final = ("message", "callback_query")

Answer = TypeVar("Answer")
Buttons: TypeAlias = Sequence[Sequence[tuple[str, str]]]  # rows of words and what a press says


class Trouble(Exception):
    """A call that brought nothing. The text is Telegram's or the library's."""


class OutOfReach(Trouble):
    """No answer of Telegram's."""

    def __init__(self, text: str, *, may_have_arrived: bool) -> None:
        super().__init__(text)
        self.may_have_arrived = may_have_arrived


class SlowDown(Trouble):
    """Telegram wants to be left alone for so many seconds."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"asked to wait for {seconds:.0f} s")
        self.seconds = seconds


class Moved(Trouble):
    """The group became a supergroup with another id."""

    def __init__(self, chat: int) -> None:
        super().__init__(f"the chat is {chat} now")
        self.chat = chat


class Conflict(Trouble):
    """Somebody else fetches this bot's messages, or a webhook does."""


class ShutOut(Trouble):
    """Telegram does not know the token, or the bot may not write to the chat."""


class Refusal(Trouble):
    """Telegram did not take this one call."""


@dataclass(frozen=True, slots=True)
class Heard:
    """A message, or a press of a button."""

    update: int
    chat: int
    sender: int
    name: str  # of the sender
    text: str  # of the message; of a press: what its button says
    pressed: str  # the press's own id; empty: a message
    message: int  # the message, or the one with the button
    sent_at: int  # s: of the message, or of the one with the button; 0: long ago
    age: int | None  # s since then as Telegram's own clock has it; None: not known


class Wire:
    """One bot at the Bot API. Made by `connect`."""

    def __init__(self, bot: "Bot", requests: "Sequence[HTTPXRequest]", dates: "Dates") -> None:
        self._bot = bot
        self._requests = requests
        self._dates = dates

    @classmethod
    async def connect(cls, token: Secret, base_url: str = TELEGRAM) -> "Wire":
        """Make the client; nothing is sent yet."""
        dates = Dates()
        bot, requests = await asyncio.to_thread(_client, token, base_url or TELEGRAM, dates)
        return cls(bot, requests, dates)

    async def close(self) -> None:
        """Let go of the connections."""
        for request in self._requests:
            await request.shutdown()

    async def name(self) -> str:
        """Answer the bot's own name, without the @."""
        return (await _asked(self._bot.get_me())).username or ""

    async def send(self, chat: int | str, text: str, buttons: Buttons = ()) -> None:
        """Send one message."""
        markup = _keyboard(buttons) if buttons else None
        await _asked(self._bot.send_message(chat, text, reply_markup=markup))

    async def close_question(self, heard: Heard, text: str) -> None:
        """End the spinning of a pressed button with a short word, and take the buttons away."""
        await _asked(self._bot.answer_callback_query(heard.pressed, text=text))
        await _asked(self._bot.edit_message_reply_markup(heard.chat, heard.message))

    async def offer(self, commands: Sequence[tuple[str, str]]) -> None:
        """Tell the app which commands to offer while a person types."""
        await _asked(self._bot.set_my_commands(commands))

    async def updates(self, offset: int | None, seconds: int = LONG_POLL) -> list[Heard]:
        """Fetch what was said since; those before the offset are forgotten by Telegram."""
        found = await _asked(self._bot.get_updates(offset, timeout=seconds, allowed_updates=HEARD))
        return [_heard(update, self._dates.newest) for update in found]


class Dates:
    """Telegram's clock, from the head of its newest answer: ages need no clock of ours."""

    def __init__(self) -> None:
        self.newest: int | None = None  # s

    async def take(self, response: Any) -> None:
        """Take the date of an answer in, if it has one that can be read."""
        try:
            self.newest = int(parsedate_to_datetime(response.headers["date"]).timestamp())
        except (KeyError, ValueError, TypeError):
            self.newest = None


def _client(token: Secret, base_url: str, dates: Dates) -> "tuple[Bot, Sequence[HTTPXRequest]]":
    os.environ["PTB_TIMEDELTA"] = "true"  # a RetryAfter in whole seconds is deprecated
    for name in ("httpx", "httpcore"):  # at INFO they log addresses, and the token is in them
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.getLogger("telegram").setLevel(logging.CRITICAL)  # we say ourselves what went wrong
    from telegram import Bot
    from telegram.request import HTTPXRequest

    def request(**more: Any) -> HTTPXRequest:
        return HTTPXRequest(
            connection_pool_size=2,
            connect_timeout=PATIENCE,
            read_timeout=PATIENCE,
            write_timeout=PATIENCE,
            pool_timeout=PATIENCE,
            **more,
        )

    plain, dated = request(), request(httpx_kwargs={"event_hooks": {"response": [dates.take]}})
    base_url = f"{base_url.rstrip('/')}/bot"
    bot = Bot(token.reveal(), base_url=base_url, request=plain, get_updates_request=dated)
    return bot, (plain, dated)


def _keyboard(buttons: Buttons) -> "InlineKeyboardMarkup":
    from telegram import InlineKeyboardButton, InlineKeyboardMarkup

    return InlineKeyboardMarkup([
        [InlineKeyboardButton(words, callback_data=said) for words, said in row] for row in buttons
    ])


# --- what comes in


def _heard(update: "Update", now: int | None) -> Heard:
    """Read an update; whatever lacks a part has it empty, and nobody is allowed to say that."""
    query, message, sender = update.callback_query, update.effective_message, update.effective_user
    said = query.data if query is not None else message.text if message is not None else ""
    at = _seconds(message.date) if message is not None else 0
    return Heard(
        update=update.update_id,
        chat=message.chat.id if message is not None else 0,
        sender=sender.id if sender is not None else 0,
        name=sender.first_name if sender is not None else "",
        text=said or "",
        pressed=query.id if query is not None else "",
        message=message.message_id if message is not None else 0,
        sent_at=at,
        age=None if now is None or not at else now - at,
    )


def _seconds(date: datetime) -> int:
    """Answer the seconds of a message's date; an old message's may be 0."""
    return max(0, int(date.timestamp()))


# --- what goes wrong


async def _asked(call: Awaitable[Answer]) -> Answer:
    from telegram.error import TelegramError

    try:
        return await call
    except TelegramError as wrong:
        raise _judged(wrong) from wrong


def _judged(wrong: "TelegramError") -> Trouble:
    from telegram import error

    text = str(wrong) or type(wrong).__name__
    match wrong:
        case error.RetryAfter(retry_after=pause):
            assert isinstance(pause, timedelta), "_client asked for it"
            return SlowDown(pause.total_seconds())
        case error.ChatMigrated(new_chat_id=chat):
            return Moved(chat)
        case _ if wrong.__cause__ is not None:  # no answer of Telegram's: a proxy's, or none
            return OutOfReach(text, may_have_arrived=not _never_left(wrong.__cause__))
        case error.Conflict():
            return Conflict(text)
        case error.InvalidToken():
            return ShutOut("it does not know TELEGRAM_TOKEN")
        case error.Forbidden():
            return ShutOut(f"it may not write to TELEGRAM_CHAT_ID ({text})")
        case error.BadRequest() if "chat not found" in text.lower():
            return ShutOut(f"it refuses TELEGRAM_CHAT_ID ({text})")
        case error.BadRequest():
            return Refusal(text)
        case _:
            return OutOfReach(text, may_have_arrived=True)


def _never_left(cause: BaseException) -> bool:
    """Say whether no connection was had: by httpx's names, which is the library's, not ours."""
    return type(cause).__name__ in NEVER_LEFT
