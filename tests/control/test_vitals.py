"""What systemd and Docker hear of us, at a socket and a file of our own."""

import asyncio
import os
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from lib.control.vitals import (
    LAG_MAX_MS,
    SAVE_MAX_MS,
    START_EXTENSION,
    STEP_MS,
    Vitals,
    ascii_line,
    diagnosis,
)

SILENCE_MAX_MS = 120_000
WATCHDOG_MS = 60_000


@dataclass
class Shown:
    """What a supervisor shows of itself, as the test wishes."""

    saving_ms: int = 0
    silent_ms: int = 0


class Systemd:
    """The listening end of a notify socket."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        self._socket.setblocking(False)

    def heard(self) -> list[str]:
        """Answer the datagrams since the last call."""
        messages = []
        while True:
            try:
                messages.append(self._socket.recv(4096).decode("ascii"))
            except BlockingIOError:
                return messages

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Systemd]:
    listener = Systemd(tmp_path / "notify")
    monkeypatch.setenv("NOTIFY_SOCKET", str(listener.path))
    monkeypatch.setenv("WATCHDOG_USEC", str(WATCHDOG_MS * 1000))
    monkeypatch.setenv("WATCHDOG_PID", str(os.getpid()))
    yield listener
    listener.close()


@pytest.fixture
def vitals(systemd: Systemd) -> Iterator[Vitals]:
    assert systemd.path.exists()
    vitals = Vitals()
    yield vitals
    vitals.close()


class Pauses:
    """A sleep that takes no time, and lets the test act in each of `turns` pauses."""

    def __init__(self, turns: int) -> None:
        self.left = turns
        self.taken: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.taken.append(seconds)
        self.left -= 1
        if not self.left:
            raise asyncio.CancelledError


async def vouch(vitals: Vitals, signs: Shown, sleep: Pauses) -> None:
    with pytest.raises(asyncio.CancelledError):
        await vitals.vouch(signs, silence_max_ms=SILENCE_MAX_MS, sleep=sleep)


def test_tells_systemd_when_it_is_ready_and_when_it_stops(systemd: Systemd, vitals: Vitals) -> None:
    vitals.ready()
    vitals.stopping()

    assert systemd.heard() == ["READY=1", "STOPPING=1"]


def test_tells_systemd_of_a_reload_with_the_time_that_it_demands(
    systemd: Systemd, vitals: Vitals
) -> None:
    before = time.monotonic_ns() // 1000
    vitals.reloading()
    vitals.ready()

    reload, end = systemd.heard()
    word, _, stamp = reload.partition("\nMONOTONIC_USEC=")
    assert (word, end) == ("RELOADING=1", "READY=1")
    assert before <= int(stamp) <= time.monotonic_ns() // 1000


def test_says_what_goes_on_once_and_in_one_ascii_line(systemd: Systemd, vitals: Vitals) -> None:
    vitals.ready()
    systemd.heard()

    vitals.status("3 bots\nlost: Zürich → 5 €")
    vitals.status("3 bots\nlost: Zürich → 5 €")
    vitals.status("3 bots")

    assert systemd.heard() == ["STATUS=3 bots lost: Zurich -> 5 EUR", "STATUS=3 bots"]


class Ticks:
    """A clock the test moves, ms."""

    def __init__(self) -> None:
        self.now = 0

    def __call__(self) -> int:
        return self.now


def test_a_start_that_moves_on_is_given_more_time_and_one_that_hangs_is_not(
    systemd: Systemd,
) -> None:
    ticks = Ticks()
    vitals = Vitals(ticks=ticks)

    for read in (1, 1, 1, 2):
        vitals.status(f"read {read} of 2 contexts")
        ticks.now += STEP_MS
    vitals.ready()
    vitals.status("2 bots trade")
    vitals.close()

    more = f"EXTEND_TIMEOUT_USEC={START_EXTENSION}"
    assert systemd.heard() == [
        *(more, "STATUS=read 1 of 2 contexts", more, "STATUS=read 2 of 2 contexts"),
        *("READY=1", "STATUS=2 bots trade"),
    ]


def test_a_thousand_quick_steps_are_not_told_one_by_one(systemd: Systemd) -> None:
    ticks = Ticks()
    vitals = Vitals(ticks=ticks)

    for read in range(1_000):
        vitals.status(f"read {read} of 1000 contexts")
        ticks.now += 2
    vitals.close()

    assert len(systemd.heard()) == 4


def test_what_goes_on_is_not_waited_for_where_nobody_reads(systemd: Systemd) -> None:
    vitals = Vitals()
    vitals.ready()
    began = time.monotonic()

    for number in range(2_000):  # more than a socket holds
        vitals.status(f"{number} orders open")

    assert time.monotonic() - began < 1
    vitals.close()


def test_the_last_word_waits_for_nobody_where_nobody_reads(systemd: Systemd) -> None:
    vitals = Vitals()
    vitals.ready()
    notifier = vitals._notifier
    assert notifier is not None
    notifier.socket.settimeout(0)
    with suppress(BlockingIOError):
        while True:
            notifier.socket.send(b"STATUS=full")
    began = time.monotonic()

    vitals.stopping()
    vitals.close()

    assert time.monotonic() - began < 0.5
    assert "READY=1" in systemd.heard()


@pytest.mark.parametrize(
    "text", ["", "plain", "é", "😀 up", "a\x00b\x1b[0m", "字" * 500, "\N{RIGHT-TO-LEFT OVERRIDE}x"]
)
def test_every_text_becomes_printable_ascii_of_bounded_length(text: str) -> None:
    line = ascii_line(text)

    assert line.isascii()
    assert not line or line.isprintable()
    assert len(line) <= 200


def test_is_silent_and_harmless_where_nobody_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NOTIFY_SOCKET", "WATCHDOG_USEC", "HEARTBEAT_FILE"):
        monkeypatch.delenv(name, raising=False)
    vitals = Vitals()

    vitals.ready()
    vitals.status("é")
    asyncio.run(vitals.vouch(Shown(), silence_max_ms=SILENCE_MAX_MS))

    assert not vitals.watchdog_ms


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # sdnotify's
def test_survives_a_notify_socket_that_is_gone(systemd: Systemd, vitals: Vitals) -> None:
    systemd.close()
    systemd.path.unlink()

    vitals.ready()
    vitals.status("still here")
    Vitals().ready()

    assert not systemd.path.exists()


def test_does_not_take_the_watchdog_of_another_process_for_its_own(systemd: Systemd) -> None:
    environ = {"NOTIFY_SOCKET": str(systemd.path), "WATCHDOG_USEC": "1000000", "WATCHDOG_PID": "1"}

    vitals = Vitals(environ)
    vitals.close()

    assert vitals.watchdog_ms == 0


@pytest.mark.asyncio
async def test_pings_at_half_the_interval_in_datagrams_of_their_own(
    systemd: Systemd, vitals: Vitals
) -> None:
    pauses = Pauses(3)

    await vouch(vitals, Shown(), pauses)

    assert systemd.heard() == ["WATCHDOG=1"] * 3
    assert pauses.taken == [WATCHDOG_MS / 2 / 1000] * 3


@pytest.mark.parametrize(
    "signs", [Shown(saving_ms=SAVE_MAX_MS + 1), Shown(silent_ms=SILENCE_MAX_MS + 1)]
)
@pytest.mark.asyncio
async def test_never_pings_while_a_save_is_stuck_or_no_news_comes(
    systemd: Systemd, vitals: Vitals, signs: Shown, caplog: pytest.LogCaptureFixture
) -> None:
    await vouch(vitals, signs, Pauses(5))

    heard = systemd.heard()
    assert len(heard) == 1
    assert heard[0].startswith("STATUS=not well: ")
    assert [record.message.partition(":")[0] for record in caplog.records] == ["not well"]


@pytest.mark.asyncio
async def test_pings_again_at_once_and_shows_its_status_again_when_a_save_came_back(
    systemd: Systemd, vitals: Vitals
) -> None:
    signs = Shown(saving_ms=SAVE_MAX_MS + 1)
    vitals.status("2 bots")

    class UntilHealed(Pauses):
        async def __call__(self, seconds: float) -> None:
            signs.saving_ms = 0
            await super().__call__(seconds)

    pauses = UntilHealed(2)
    await vouch(vitals, signs, pauses)

    assert systemd.heard()[-2:] == ["STATUS=2 bots", "WATCHDOG=1"]
    assert pauses.taken[0] == 1


@pytest.mark.parametrize(
    ("signs", "lag_ms", "well"),
    [
        (Shown(), 0, True),
        (Shown(saving_ms=SAVE_MAX_MS, silent_ms=SILENCE_MAX_MS), LAG_MAX_MS, True),
        (Shown(), LAG_MAX_MS + 1, False),
    ],
)
def test_is_well_up_to_its_bounds_and_not_beyond(signs: Shown, lag_ms: int, well: bool) -> None:
    found = diagnosis(signs, lag_ms=lag_ms, silence_max_ms=SILENCE_MAX_MS)

    assert (found == "") is well


@pytest.mark.asyncio
async def test_a_loop_that_woke_too_late_is_not_vouched_for(
    systemd: Systemd, vitals: Vitals, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop = asyncio.get_running_loop()
    now = 1000.0
    monkeypatch.setattr(loop, "time", lambda: now)

    class Late(Pauses):
        async def __call__(self, seconds: float) -> None:
            nonlocal now
            now += seconds + (LAG_MAX_MS + 500) / 1000
            await super().__call__(seconds)

    await vouch(vitals, Shown(), Late(4))

    assert systemd.heard().count("WATCHDOG=1") == 1


def hung_program(*, calls_back: bool) -> str:
    """A program that vouches for itself and then hangs in the loop or in one task."""
    hang = "await asyncio.sleep(30)" if calls_back else "time.sleep(30)"
    return textwrap.dedent(f"""
        import asyncio, time
        from lib.control.vitals import Vitals

        class Signs:
            saving_ms = 0
            silent_ms = 0

        async def main():
            vitals = Vitals()
            vouching = asyncio.create_task(vitals.vouch(Signs(), silence_max_ms=1))
            await asyncio.sleep(0.1)
            print("begun", flush=True)
            {hang}

        asyncio.run(main())
    """)


def start(program: str, **environ: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", program],
        env={**os.environ, **environ},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.slow
@pytest.mark.parametrize(("calls_back", "pinged"), [(True, True), (False, False)])
def test_a_hung_loop_stops_pinging_and_a_waiting_one_goes_on(
    systemd: Systemd, calls_back: bool, pinged: bool
) -> None:
    with start(hung_program(calls_back=calls_back), WATCHDOG_USEC="200000", WATCHDOG_PID="") as it:
        assert it.stdout is not None
        it.stdout.readline()
        systemd.heard()
        try:
            it.wait(timeout=0.5)
        except subprocess.TimeoutExpired:
            it.kill()

    assert bool(systemd.heard()) is pinged


@pytest.mark.slow
def test_a_program_hung_in_a_container_ends_itself_and_shows_where_it_hung(
    tmp_path: Path,
) -> None:
    heartbeat = tmp_path / "heartbeat"

    environ = {"HEARTBEAT_FILE": str(heartbeat), "WATCHDOG_USEC": "300000", "WATCHDOG_PID": ""}
    with start(hung_program(calls_back=False), **environ) as hung:
        _, shown = hung.communicate(timeout=20)

    assert hung.returncode == 1
    assert "in main" in shown
    assert heartbeat.exists()


@pytest.mark.slow
def test_a_program_that_lives_on_in_a_container_is_not_ended(tmp_path: Path) -> None:
    heartbeat = tmp_path / "heartbeat"

    environ = {"HEARTBEAT_FILE": str(heartbeat), "WATCHDOG_USEC": "300000", "WATCHDOG_PID": ""}
    with start(hung_program(calls_back=True), **environ) as living:
        with pytest.raises(subprocess.TimeoutExpired):
            living.wait(timeout=1.5)
        living.kill()

    assert heartbeat.exists()
