"""What a person wrote, read once more while the runner runs, and what of it must wait."""

from collections.abc import Callable, Iterator

from lib.control.intake import Intake, take_in
from lib.control.reload import Reading


def reader(begun: Intake) -> Callable[[], Reading]:
    """Answer how to read again what a run was begun with. Reading raises ConfError."""

    def read() -> Reading:
        found = take_in(begun.options)
        return Reading(found.conf, tuple(_beside_conf(begun, found)))

    return read


def _beside_conf(begun: Intake, found: Intake) -> Iterator[str]:
    """Name what is different outside conf.json: whose money it is may not change in between."""
    if begun.venue != found.venue:
        yield f"venue: {begun.venue} → {found.venue}"
    before, after = begun.credentials, found.credentials
    if (before.api_key, before.api_secret) != (after.api_key, after.api_secret):
        yield "the key in .env: another one"
    chat = (before.telegram_token, before.telegram_chat_id)
    if chat != (after.telegram_token, after.telegram_chat_id):
        yield "Telegram in .env: another token or chat"
