"""What a person wrote, read once more while the runner runs, and what of it must wait."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from lib.control.intake import Intake, take_in
from lib.control.reload import Reading
from lib.mistakes import ConfError, Mistake

REPLACED: Final = (
    "was replaced by another file outside of this container, which still has the old one: "
    "restart the container, and the new one is read"
)


def reader(begun: Intake) -> Callable[[], Reading]:
    """Answer how to read again what a run was begun with. Reading raises ConfError."""

    def read() -> Reading:
        check_place(begun.options.conf)
        found = take_in(begun.options)
        return Reading(found.conf, tuple(_beside_conf(begun, found)))

    return read


def check_place(conf: Path) -> None:
    """Refuse a file that has no name any more. Raises ConfError.

    A container keeps the very file that was mounted in it, also after an editor put a new one in
    its place outside.
    """
    with suppress(OSError):
        if conf.stat().st_nlink == 0:
            raise ConfError([Mistake(str(conf), 0, 0, "", "", REPLACED)])


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
