"""Makes the chat from what a person wrote, if it is wanted and can be had."""

from pathlib import Path

from lib.control.intake import Intake
from lib.control.telegram.chat import Setup, Telegram
from lib.control.telegram.chats import Chats, NoSuchChat
from lib.control.telegram.wire import TELEGRAM
from lib.disk import Disk
from lib.news import Kind, News, Sink
from lib.time_zones import zone_of

NO_CHAT = (
    "Telegram is off: there is a TELEGRAM_TOKEN, but no TELEGRAM_CHAT_ID; "
    "`python auto_trading.py telegram` finds it out"
)


def open_telegram(intake: Intake, folder: Path, disk: Disk, tell: Sink) -> Telegram | None:
    """Answer the chat; None where there is no token, or it is not wanted."""
    credentials, settings = intake.credentials, intake.conf.settings
    if not settings.telegram or credentials.telegram_token is None:
        return None
    if not credentials.telegram_chat_id:
        tell(News(0, "", Kind.WARNING, NO_CHAT))
        return None
    setup = Setup(
        token=credentials.telegram_token,
        chats=_chats(intake, tell),
        venue=intake.venue,
        zone=zone_of(settings.timezone),
        chat=settings.chat,
        api=credentials.telegram_api or TELEGRAM,
    )
    return Telegram(setup, folder, credentials.redactor, disk=disk)


def _chats(intake: Intake, tell: Sink) -> Chats:
    """Read who may speak; a chat to be told that is not among them is told of, and not used."""
    text, chat = intake.credentials.telegram_chat_id, intake.conf.settings.chat
    try:
        return Chats.parse(text, notify=chat.notify, senders=chat.senders)
    except NoSuchChat as wrong:
        tell(News(0, "", Kind.WARNING, f"{wrong}; so the first one is told"))
        return Chats.parse(text, senders=chat.senders)
