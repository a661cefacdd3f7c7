"""The signs of life tell saves and silence as they are."""

import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from lib.control.pulse import Pulse, TimedDisk


class Ticks:
    """A clock the test moves."""

    def __init__(self) -> None:
        self.now = 1_000

    def __call__(self) -> int:
        return self.now


class Mirror:
    def __init__(self) -> None:
        self.answers = 0


def test_silence_ends_with_a_poll_that_came_back() -> None:
    ticks, mirror = Ticks(), Mirror()
    pulse = Pulse(mirror, TimedDisk(ticks), ticks)

    ticks.now += 500
    assert pulse.silent_ms == 500
    mirror.answers = 1
    assert pulse.silent_ms == 0
    ticks.now += 300
    assert pulse.silent_ms == 300


def test_a_flush_that_hangs_is_seen_while_it_hangs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticks, begun, go_on = Ticks(), threading.Event(), threading.Event()
    disk = TimedDisk(ticks)

    def hang(_: int) -> None:
        begun.set()
        go_on.wait(10)

    monkeypatch.setattr(os, "fdatasync", hang)
    saving = threading.Thread(target=disk.fdatasync, args=(0,))
    saving.start()
    begun.wait(10)
    ticks.now += 40_000

    assert Pulse(Mirror(), disk, ticks).saving_ms == 40_000
    go_on.set()
    saving.join()
    assert disk.running_ms == 0


def test_a_flush_that_failed_is_no_longer_running() -> None:
    disk = TimedDisk(Ticks())

    with pytest.raises(OSError, match="Bad file"):
        disk.fsync(999_999)

    assert disk.running_ms == 0


@pytest.mark.parametrize("call", ["pwrite", "fdatasync"])
def test_a_save_that_fails_is_counted_whether_its_write_or_its_flush_fails(call: str) -> None:
    disk = TimedDisk(Ticks())
    steps: dict[str, Callable[[], object]] = {
        "pwrite": lambda: disk.pwrite(999_999, b"{}", 0),
        "fdatasync": lambda: disk.fdatasync(999_999),
    }

    with pytest.raises(OSError, match="Bad file"):
        steps[call]()

    assert disk.saves.failed == 1
    assert disk.saves.latency.count == 0
