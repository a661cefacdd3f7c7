"""The command `telegram`: finds out the number of the chat by listening, and writes `.env`."""

import asyncio
import re
from collections.abc import Mapping
from typing import Final

import click

from lib.control.env_file import with_values, write_env_file
from lib.control.exits import Exit
from lib.control.options import ENV_FILE, Options, with_places
from lib.control.spoken import complain, known_secrets, say
from lib.control.telegram.wire import TELEGRAM, Conflict, Heard, Trouble, Wire
from lib.credentials import Credentials, read_credentials
from lib.mistakes import ConfError
from lib.redaction import Secret

TOKEN, CHAT_ID = "TELEGRAM_TOKEN", "TELEGRAM_CHAT_ID"
TOKEN_SHAPE: Final = re.compile(r"[0-9]{3,20}:[A-Za-z0-9_-]{20,64}")
WELCOME: Final = "this chat belongs to auto_trading now: start it, then say /help"


@click.command()
@with_places
def telegram(options: Options) -> Exit:
    """Find out the number of your Telegram chat, and write it into .env.

    Asks for the bot's token, unless .env has it; then write anything to the bot in Telegram.
    Whoever wrote is shown, and may command the program once you say yes.
    """
    try:
        found = read_credentials(ENV_FILE)
        if found.telegram_token is not None:
            return asyncio.run(_introduce(found, found.telegram_token, {}))
        token = _asked_token()
        return asyncio.run(_introduce(found, token, {TOKEN: token.reveal()}))
    except (ConfError, ValueError, OSError) as wrong:
        complain(f"{ENV_FILE} stays as it was: {wrong}")
        return Exit.NOTHING_STARTS
    except Conflict:
        complain("somebody else listens to this bot: stop the runner, or remove the webhook")
    except Trouble as wrong:
        complain(f"Telegram does not answer as it should: {wrong}")
    return Exit.ATTENTION


def _asked_token() -> Secret:
    """Ask for the token without showing it. Raises ValueError for what is none."""
    token = click.prompt("The bot's token, as @BotFather gave it", hide_input=True).strip()
    if not TOKEN_SHAPE.fullmatch(token):
        raise ValueError("that is no token: it looks like 123456789:AAF-abc…")
    return Secret(token)


async def _introduce(found: Credentials, token: Secret, new: Mapping[str, str]) -> Exit:
    """Listen until a person is confirmed, then write down who it is, and what else is new."""
    wire = await Wire.connect(token, found.telegram_api or TELEGRAM)
    try:
        say(f"write anything to @{await wire.name()} in Telegram; Ctrl-C ends this")
        heard = await _confirmed(wire)
        ids = _joined(found.telegram_chat_id, heard)
        text = ENV_FILE.read_text(encoding="utf-8-sig") if ENV_FILE.exists() else ""
        write_env_file(ENV_FILE, with_values(text, {**new, CHAT_ID: ids}))
        known_secrets.cache_clear()
        say(f"{ENV_FILE} is written, for its owner alone: {CHAT_ID}={ids}; the next start uses it")
        await wire.send(heard.chat, WELCOME)
    finally:
        await wire.close()
    return Exit.FINE


async def _confirmed(wire: Wire) -> Heard:
    """Show each who writes, until one is confirmed."""
    offset: int | None = None
    refused: set[tuple[int, int]] = set()
    while True:
        for heard in await wire.updates(offset):
            offset = heard.update + 1
            who = (heard.chat, heard.sender)
            if not heard.chat or not heard.sender or who in refused:
                continue
            if click.confirm(f"{_described(heard)}. Is it you?", default=False):
                await wire.updates(offset, 0)  # so that it is not taken for a command later
                return heard
            refused.add(who)


def _described(heard: Heard) -> str:
    name = "".join(sign for sign in heard.name if sign.isprintable())[:40] or "somebody"
    if heard.chat == heard.sender:
        return f"{name} wrote, chat {heard.chat}"
    return f"{name} (user {heard.sender}) wrote in the group {heard.chat}"


def _joined(present: str, heard: Heard) -> str:
    """Add a chat to those that are known; of a group the person who wrote as well."""
    known = [each.strip() for each in present.split(",") if each.strip()]
    new = [str(heard.chat), *([str(heard.sender)] if heard.sender != heard.chat else [])]
    return ",".join([*known, *(each for each in new if each not in known)])
