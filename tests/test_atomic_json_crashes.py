"""Context files under power cuts, kills and failing calls, everywhere and in pairs.

A failing test names its seed; a scenario prints all it needs to be played again.
"""

import errno
import sys
from contextlib import closing, suppress
from dataclasses import replace
from types import CodeType, FrameType
from typing import Any

import pytest

from lib import atomic_json
from lib.atomic_json import ContextFile
from lib.errors import DiskFailed
from tests.disk import HOME, Crash, Cut, SimulatedDisk
from tests.disk_lives import (
    SEEDS,
    Breach,
    Scenario,
    campaign,
    double_cuts,
    lost_pages,
    single_cuts,
)

PATH = HOME / "bot.json"
OLD, NEW = b'{"life":"old"}', b'{"life":"new"}'


def play(scenario: Scenario) -> None:
    try:
        scenario.play()
    except Breach as breach:
        again = replace(scenario, acknowledged=0, begun=0, calls=[])
        raise AssertionError(f"{breach}; play again: {again!r}") from breach


@pytest.mark.parametrize("large", [False, True])
def test_no_acknowledged_version_is_lost_wherever_a_life_is_cut(large: bool) -> None:
    for scenario in single_cuts(0, large=large):
        play(scenario)


def test_a_flush_that_failed_and_was_forgotten_rolls_nothing_back() -> None:
    for scenario in lost_pages(0):
        play(scenario)


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
def test_no_acknowledged_version_is_lost_whatever_is_cut_or_fails(seed: int) -> None:
    for scenario in campaign(range(seed, seed + 1)):
        play(scenario)


@pytest.mark.slow
@pytest.mark.parametrize("large", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_no_acknowledged_version_is_lost_when_recovery_is_cut_too(seed: int, large: bool) -> None:
    for scenario in double_cuts(seed, large=large):
        play(scenario)


@pytest.mark.parametrize("seed", range(5))
def test_a_scenario_played_again_goes_the_same_way(seed: int) -> None:
    first, second = (
        [(scenario.play().calls, scenario.disk.content(PATH)) for scenario in single_cuts(seed)]
        for _ in range(2)
    )

    assert first == second


@pytest.mark.parametrize("cut", list(Cut))
@pytest.mark.parametrize("at", range(1, 40))
def test_a_new_life_begins_wholly_or_not_at_all_and_the_old_is_never_lost(
    at: int, cut: Cut
) -> None:
    disk = SimulatedDisk(at)
    ContextFile.create(PATH, OLD, disk=disk)
    disk = disk.after(Cut.POWER)
    disk.cut_at = at
    begun = False
    with suppress(Crash):
        ContextFile.replace(PATH, NEW, aside=HOME / "bot.17.json", disk=disk)
        begun = True
    disk = disk.after(cut).after(Cut.POWER)

    found = ContextFile.open(PATH, disk=disk).fields

    assert found == NEW if begun else found in {OLD, NEW}
    if found == NEW:
        assert ContextFile.open(HOME / "bot.17.json", disk=disk).fields == OLD


@pytest.mark.parametrize("at", range(1, 40))
def test_an_interrupted_change_of_lives_can_be_repeated(at: int) -> None:
    disk = SimulatedDisk(at)
    ContextFile.create(PATH, OLD, disk=disk)
    disk = disk.after(Cut.POWER)
    disk.cut_at = at
    with suppress(Crash):
        ContextFile.replace(PATH, NEW, aside=HOME / "bot.17.json", disk=disk)
    disk = disk.after(Cut.POWER)

    if ContextFile.open(PATH, disk=disk).fields == OLD:
        ContextFile.replace(PATH, NEW, aside=HOME / "bot.17.json", disk=disk)

    disk = disk.after(Cut.POWER)
    assert ContextFile.open(PATH, disk=disk).fields == NEW
    assert ContextFile.open(HOME / "bot.17.json", disk=disk).fields == OLD


@pytest.mark.parametrize("error", [errno.EIO, errno.ENOSPC, errno.EROFS, errno.EMFILE])
@pytest.mark.parametrize("at", range(1, 30))
def test_a_failing_call_leaks_no_descriptor_and_no_other_error(at: int, error: int) -> None:
    disk = SimulatedDisk(at)
    disk.faults = {at: error, at + 1: error, at + 9: error}

    with suppress(DiskFailed), closing(ContextFile.create(PATH, OLD, disk=disk)) as file:
        file.save(NEW)
    with suppress(DiskFailed, FileNotFoundError):
        ContextFile.open(PATH, disk=disk).close()

    assert disk.open_descriptors == 0


@pytest.mark.slow
def test_the_campaign_reaches_every_line_of_opening_and_saving() -> None:
    reached: dict[str, set[int]] = {}
    codes = _codes(ContextFile) | _codes(atomic_json)

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        if frame.f_code not in codes:
            return None
        if event == "line":
            reached.setdefault(frame.f_code.co_name, set()).add(frame.f_lineno)
        return trace

    sys.settrace(trace)
    try:
        for scenario in campaign(range(2)):
            scenario.play()
    finally:
        sys.settrace(None)

    for code in codes:
        if code.co_name in PROVEN:
            lines = {line for _, _, line in code.co_lines() if line} - {code.co_firstlineno}
            assert lines - reached.get(code.co_name, set()) <= _beside_the_point(), code.co_name


BESIDE_THE_POINT = ('"unreachable"', "was closed", "self._return(")
PROVEN = {
    "save",
    "_store",
    "_grow",
    "_overwrite",
    "_write",
    "_move",
    "_establish",
    "_write_unfinished",
    "_rename_durably",
    "open_durably",
    "_write_all",
}


def _codes(holder: Any) -> set[CodeType]:
    found = (getattr(value, "__func__", value) for value in vars(holder).values())
    return {value.__code__ for value in found if hasattr(value, "__code__")}


def _beside_the_point() -> set[int]:
    with open(atomic_json.__file__) as source:  # noqa: PTH123
        return {
            number
            for number, line in enumerate(source, 1)
            if any(words in line for words in BESIDE_THE_POINT)
        }
