"""The runner's health is what its running loop answers; whatever answers nothing is not well."""

import asyncio
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from lib.control.checkup import Checkup
from lib.control.exits import Exit
from lib.control.health import Health, ask_health
from lib.control.loop_lag import LoopLag
from lib.control.runner_place import SOCKET, short_path
from lib.control.socket_server import Look, RecentNews, SocketServer
from lib.control.vitals import LAG_MAX_MS, SAVE_MAX_MS
from lib.shelf import Shelf
from tests.control.folder import ROOT, command
from tests.control.test_vitals import SILENCE_MAX_MS, Shown
from tests.virtual_time import VirtualLoop


async def obey(_: object) -> str:
    raise AssertionError("nobody asked for anything to be done")


def answered(folder: Path, look: Look) -> Health:
    """Ask a server whose runner looks as given."""

    async def story() -> Health:
        server = SocketServer(obey, RecentNews(), folder, lambda: 0, health=look)
        serving = asyncio.create_task(server.serve())
        while not (folder / SOCKET).exists():
            await asyncio.sleep(0.001)
        found = await asyncio.to_thread(ask_health, folder)
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)
        return found

    return asyncio.run(story())


@pytest.mark.parametrize("well", [True, False])
def test_what_the_running_loop_says_is_what_is_heard(tmp_path: Path, well: bool) -> None:
    assert answered(tmp_path, lambda: (well, "2 bots trade")) == Health(well, "2 bots trade")


def test_a_runner_that_breaks_over_the_question_is_not_well(tmp_path: Path) -> None:
    def look() -> tuple[bool, str]:
        raise ConnectionResetError("dead")

    assert not answered(tmp_path, look).well


@pytest.fixture
def hung(tmp_path: Path) -> Iterator[Path]:
    """A folder whose runner has a socket and does not answer."""
    shelf = Shelf.open(tmp_path, allow_volatile=True)
    with socket.socket(socket.AF_UNIX) as listening:
        with short_path(tmp_path) as path:
            listening.bind(path)
        listening.listen()
        yield tmp_path
    shelf.close()


def test_a_loop_that_hangs_is_not_well(hung: Path) -> None:
    found = ask_health(hung, patience=0.05)

    assert not found.well
    assert "did not answer" in found.line


@pytest.mark.parametrize("answer", [b"", b"rubbish\n", b"{}\n", b"[]\n", b'{"refused":"what?"}\n'])
def test_an_answer_that_is_none_is_not_well(hung: Path, answer: bytes) -> None:
    def say(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(answer)
        writer.close()

    async def story() -> Health:
        (hung / SOCKET).unlink()
        with short_path(hung) as path:
            server = await asyncio.start_unix_server(say, path)
            async with server:
                return await asyncio.to_thread(ask_health, hung)

    found = asyncio.run(story())

    assert not found.well
    assert "cannot be read" in found.line


def test_a_runner_that_is_still_starting_is_not_taken_for_none(tmp_path: Path) -> None:
    shelf = Shelf.open(tmp_path, allow_volatile=True)

    found = ask_health(tmp_path)
    shelf.close()

    assert not found.well
    assert "does not listen yet" in found.line


@pytest.mark.parametrize("name", ["ctx", "nowhere"])
def test_without_a_runner_the_command_says_so_and_ends_with_1(tmp_path: Path, name: str) -> None:
    (tmp_path / "ctx").mkdir()

    found = command(tmp_path, "status", "--health", "--ctx", str(tmp_path / name))

    assert found.exit_code == Exit.ATTENTION
    assert found.stdout == f"no runner is at work on {tmp_path / name}\n"


@pytest.mark.parametrize(
    ("signs", "well", "said"),
    [
        (Shown(), True, "3 bots trade"),
        (Shown(saving_ms=SAVE_MAX_MS + 1), False, "not well: a save has been running"),
        (Shown(silent_ms=SILENCE_MAX_MS + 1), False, "not well: neither stream nor poll"),
    ],
)
def test_a_checkup_looks_at_what_the_watchdog_looks_at(signs: Shown, well: bool, said: str) -> None:
    checkup = Checkup(signs, LoopLag(), lambda: "3 bots trade", silence_max_ms=SILENCE_MAX_MS)

    found, line = checkup()

    assert found is well
    assert line.startswith(said)
    assert line.endswith("3 bots trade")


def test_a_loop_that_was_held_up_is_not_well_until_it_turns_again() -> None:
    loop = VirtualLoop(1_000.0)
    lag, seen = LoopLag(), list[tuple[bool, int, int]]()
    checkup = Checkup(Shown(), lag, str, silence_max_ms=SILENCE_MAX_MS)

    async def story() -> None:
        keeping = loop.create_task(lag.keep())
        for held_up in (False, True, False):
            if held_up:
                loop.call_later(0.5, hold_up)
            await asyncio.sleep(1.1)
            seen.append((checkup()[0], lag.newest_ms, lag.worst_ms))
        keeping.cancel()

    def hold_up() -> None:
        loop._now += LAG_MAX_MS / 1_000 + 2

    loop.run_until_complete(story())
    loop.close()

    assert [well for well, _, _ in seen] == [True, False, True]
    assert seen[1][1] > LAG_MAX_MS
    assert seen[2][1] == 0
    assert seen[2][2] == seen[1][1]


def test_asking_for_health_imports_next_to_nothing() -> None:
    words = ["-X", "importtime", str(ROOT / "auto_trading.py"), "status", "--health"]
    asked = subprocess.run(
        [sys.executable, *words, "--ctx", "nowhere"],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT / "docs",
    )

    imported = {line.rpartition("|")[2].strip() for line in asked.stderr.splitlines()}
    assert asked.returncode == Exit.ATTENTION
    assert "lib.control.health" in imported
    heavy = {"asyncio", "pydantic", "aiohttp", "binance", "lib.conf", "lib.supervisor", "sqlite3"}
    assert imported & heavy == set()
