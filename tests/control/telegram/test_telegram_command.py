"""`telegram` shows who wrote, asks, and writes the chat's number where nobody else can read it."""

import asyncio
import os
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from lib.control.exits import Exit
from lib.credentials import read_credentials
from tests.control.folder import command
from tests.control.telegram.bot_api import GROUP, ME, STRANGER, TOKEN, BotApi, bot_api, refusal


@pytest.fixture(autouse=True)
def _elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name in list(os.environ):
        if name.startswith(("BINANCE_", "TELEGRAM_")):
            monkeypatch.delenv(name)


@pytest.fixture
def api(tmp_path: Path) -> Iterator[BotApi]:
    """A Bot API in a thread of its own, known to .env."""
    begun: list[BotApi] = []
    ready, over = threading.Event(), threading.Event()

    async def serve() -> None:
        async with bot_api() as served:
            begun.append(served)
            ready.set()
            while not over.is_set():
                await asyncio.sleep(0.01)

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    assert ready.wait(10)
    (tmp_path / ".env").write_text(f"# mine\nTELEGRAM_API={begun[0].address}\n")
    (tmp_path / ".env").chmod(0o600)
    yield begun[0]
    over.set()
    thread.join()


def test_whoever_is_confirmed_is_written_for_the_owner_alone(tmp_path: Path, api: BotApi) -> None:
    api.say("hi", chat=STRANGER, sender=STRANGER, name="Eve")
    api.say("hello", chat=STRANGER, sender=STRANGER, name="Eve")
    api.say("/start")

    result = command(tmp_path, "telegram", answer=f"{TOKEN}\nn\ny\n")

    assert result.exit_code == Exit.FINE, result.output
    assert result.output.count("Eve wrote, chat 666. Is it you?") == 1
    assert f"Ann wrote, chat {ME}. Is it you?" in result.output
    assert TOKEN not in result.output
    env = tmp_path / ".env"
    assert stat.S_IMODE(env.stat().st_mode) == 0o600
    assert env.read_text().startswith("# mine\n")
    found = read_credentials(env, environ={})
    assert found.telegram_chat_id == str(ME)
    assert found.telegram_token is not None
    assert found.telegram_token.reveal() == TOKEN
    assert api.unconfirmed == []
    assert [each.chat for each in api.sent] == [str(ME)]


def test_a_group_is_added_to_what_is_known_with_the_person_who_wrote(
    tmp_path: Path, api: BotApi
) -> None:
    env = tmp_path / ".env"
    env.write_text(f"{env.read_text()}TELEGRAM_TOKEN={TOKEN}\nTELEGRAM_CHAT_ID=5\n")
    api.say("hi", chat=GROUP)

    result = command(tmp_path, "telegram", answer="y\n")

    assert "wrote in the group -100. Is it you?" in result.output
    assert read_credentials(env, environ={}).telegram_chat_id == f"5,{GROUP},{ME}"


@pytest.mark.parametrize(
    ("status", "words", "said"),
    [
        (409, "Conflict: terminated by other getUpdates request", "stop the runner"),
        (401, "Unauthorized", "does not know TELEGRAM_TOKEN"),
    ],
)
def test_trouble_is_told_and_nothing_is_written(
    tmp_path: Path, api: BotApi, status: int, words: str, said: str
) -> None:
    before = (tmp_path / ".env").read_text()
    api.prepared["getUpdates"] = [refusal(status, words)]

    result = command(tmp_path, "telegram", answer=f"{TOKEN}\n")

    assert result.exit_code == Exit.ATTENTION
    assert said in result.output
    assert (tmp_path / ".env").read_text() == before


def test_what_is_no_token_is_refused_and_never_shown(tmp_path: Path) -> None:
    result = command(tmp_path, "telegram", answer="my secret\n")

    assert result.exit_code == Exit.NOTHING_STARTS
    assert "that is no token" in result.output
    assert "my secret" not in result.output
    assert not (tmp_path / ".env").exists()
