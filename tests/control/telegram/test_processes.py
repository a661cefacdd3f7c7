"""The real program as a process, killed for good between a command and its acknowledgement."""

import asyncio
import signal
from functools import partial
from pathlib import Path

import pytest

from lib.control.exits import Exit
from lib.control.office_memory import read_killed
from tests.control.folder import conf_file, newest
from tests.control.program import Program
from tests.control.telegram.bot_api import ME, TOKEN, BotApi, bot_api

pytestmark = [pytest.mark.slow, pytest.mark.asyncio]

PAUSED = "lisa: paused: no new entries, exits and protection go on"
DELAYS = (0.0, 0.01)  # seconds from the delivery of a command to the kill


def program(tmp_path: Path, api: BotApi) -> Program:
    environ = {
        "TELEGRAM_TOKEN": TOKEN,
        "TELEGRAM_CHAT_ID": str(ME),
        "TELEGRAM_API": api.address,
    }
    return Program(tmp_path, "--venue", "paper", environ=environ)


def started(api: BotApi) -> list[str]:
    return [text for text in api.messages if "started: simulation, paper: no real money" in text]


def _more_than(found: list[dict[str, str]], before: int) -> bool:
    return len(found) > before


async def test_a_command_is_done_once_though_the_runner_is_killed_again_and_again(
    tmp_path: Path,
) -> None:
    conf_file(tmp_path)
    async with bot_api() as api:
        api.patience = 40
        with program(tmp_path, api) as life:
            await asyncio.to_thread(life.until, "lisa plan: ")
            api.say("/stop lisa")
            await api.message("lisa: stopped")
            api.say("/start lisa")
            await api.message("Start lisa?")
            api.press("Yes, start")
            await api.message("lisa: goes on")
            api.say("/pause lisa")
            await asyncio.sleep(DELAYS[-1])
            life.stop(signal.SIGKILL)
        for delay in DELAYS:
            with program(tmp_path, api) as life:
                asked = len(api.asked_for)
                await api.until(partial(_more_than, api.asked_for, asked))
                await asyncio.sleep(delay)
                life.stop(signal.SIGKILL)
        with program(tmp_path, api):
            await api.message("lisa: paused")
            await api.until(lambda: api.unconfirmed == [])

    answers = [text for text in api.messages if text.endswith(PAUSED)]
    assert len([text for text in answers if not text.startswith("again: ")]) <= 1
    assert str(newest(tmp_path / "ctx", "lisa").instruction) == "pause"


async def test_what_the_runner_told_before_it_was_killed_arrives_from_the_next_one(
    tmp_path: Path,
) -> None:
    conf_file(tmp_path)
    async with bot_api() as api:
        api.patience = 40
        await api.stop()
        with program(tmp_path, api) as life:
            await asyncio.to_thread(life.until, "Telegram cannot be reached")
            life.stop(signal.SIGKILL)
        await api.start()
        with program(tmp_path, api):
            await api.until(lambda: len(started(api)) == 2)

    assert [text.startswith("again: ") for text in started(api)] == [True, False]


async def test_a_kill_by_telegram_outlives_the_runner(tmp_path: Path) -> None:
    conf_file(tmp_path)
    async with bot_api() as api:
        api.patience = 40
        with program(tmp_path, api) as life:
            await asyncio.to_thread(life.until, "lisa plan: ")
            api.say("/kill")
            await api.message("killed: no new order leaves")
            life.stop(signal.SIGKILL)
        with program(tmp_path, api) as life:
            await api.message("killed by Ann by Telegram: no order leaves")
            assert life.stop(signal.SIGTERM) < 2
            assert life.process.returncode == Exit.FINE

    assert read_killed(tmp_path / "ctx") is not None
