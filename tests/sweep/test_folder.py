"""What a sweep's folder keeps through a power cut, and what it refuses."""

import os
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from lib.sweep.folder import OtherSweep, SweepFolder
from lib.sweep.search import Listed
from lib.sweep.windows import Walk
from tests.sweep.scenes import DAY, Crew, plan_of, swept


def test_a_finished_sweep_runs_nothing_again(tmp_path: Path) -> None:
    first = swept(plan_of(), tmp_path / "out")
    crew = Crew()

    again = swept(plan_of(), tmp_path / "out", crew)

    assert crew.ran == []
    assert again.endings == first.endings
    assert again.found == 12


def test_half_a_last_line_is_cut_off_wherever_it_broke(tmp_path: Path) -> None:
    plan = plan_of("dip_buyer.dip=0.001,0.002,0.003")
    whole = swept(plan, tmp_path / "out")
    rows = tmp_path / "out" / "rows.jsonl"
    content = rows.read_bytes()
    lines = content.splitlines(keepends=True)
    for cut in range(len(lines[0]), len(content), 37):
        rows.write_bytes(content[:cut])

        crew = Crew()
        again = swept(plan, tmp_path / "out", crew)

        assert len(crew.ran) == 3 - content[:cut].count(b"\n")
        assert again.endings == whole.endings
        assert sorted(rows.read_bytes().splitlines()) == sorted(content.splitlines())


def test_a_tail_of_zeros_that_a_power_cut_left_is_cut_off(tmp_path: Path) -> None:
    plan = plan_of("dip_buyer.dip=0.001,0.002,0.003")
    whole = swept(plan, tmp_path / "out")
    rows = tmp_path / "out" / "rows.jsonl"
    first = rows.read_bytes().splitlines(keepends=True)[0]
    rows.write_bytes(first + bytes(500))

    assert swept(plan, tmp_path / "out").endings == whole.endings


def test_a_row_that_rotted_is_refused_with_its_line(tmp_path: Path) -> None:
    plan = plan_of("dip_buyer.dip=0.001,0.002,0.003")
    swept(plan, tmp_path / "out")
    rows = tmp_path / "out" / "rows.jsonl"
    lines = rows.read_bytes().splitlines(keepends=True)
    rows.write_bytes(lines[0] + b"{}\n" + lines[2])

    with pytest.raises(OtherSweep, match=r"line 2 is no row"):
        SweepFolder.open(tmp_path / "out", plan)


def test_another_sweep_in_the_same_folder_is_refused_with_what_differs(tmp_path: Path) -> None:
    plan = plan_of()
    swept(plan, tmp_path / "out")
    dearer = replace(plan.settings.costs, spread=Decimal("0.01"))
    others = {
        "seed: was 1, is 2": replace(plan, settings=replace(plan.settings, seed=2)),
        "walk-forward": replace(plan, walk=Walk(9 * DAY, 9 * DAY)),
        "sweep dip_buyer.dip": plan_of("dip_buyer.dip=0.1"),
        "costs.spread": replace(plan, settings=replace(plan.settings, costs=dearer)),
    }
    before = (tmp_path / "out" / "rows.jsonl").read_bytes()

    for said, other in others.items():
        with pytest.raises(OtherSweep, match=said):
            SweepFolder.open(tmp_path / "out", other)

    assert (tmp_path / "out" / "rows.jsonl").read_bytes() == before


def test_a_folder_with_other_things_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("dear reader")

    with pytest.raises(OtherSweep, match=r"is no sweep's folder: it has letter\.txt"):
        SweepFolder.open(tmp_path, plan_of())

    assert [each.name for each in tmp_path.iterdir()] == ["letter.txt"]


def test_a_start_that_was_killed_before_it_had_a_name_can_go_on(tmp_path: Path) -> None:
    (tmp_path / ".lock").touch()
    (tmp_path / "sweep.json.new").write_text("{")

    assert len(swept(plan_of(), tmp_path).endings) == 12


def test_two_sweeps_at_a_time_cannot_have_one_folder(tmp_path: Path) -> None:
    folder = SweepFolder.open(tmp_path / "out", plan_of())

    with pytest.raises(OtherSweep, match="in use by another sweep"):
        SweepFolder.open(tmp_path / "out", plan_of())

    folder.close()
    SweepFolder.open(tmp_path / "out", plan_of()).close()


def test_each_row_is_on_stable_storage_before_the_next_thing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []
    write, sync = os.write, os.fdatasync

    def noted_write(fd: int, line: bytes) -> int:
        calls.append("write")
        return write(fd, line)

    def noted_sync(fd: int) -> None:
        calls.append("sync")
        sync(fd)

    monkeypatch.setattr(os, "write", noted_write)
    monkeypatch.setattr(os, "fdatasync", noted_sync)

    swept(plan_of("dip_buyer.dip=0.001,0.002"), tmp_path / "out")

    assert calls == ["write", "sync"] * 2


def test_a_full_disk_ends_the_sweep_and_loses_no_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = os.write
    left = [5]

    def fills(fd: int, line: bytes) -> int:
        left[0] -= 1
        if left[0] < 0:
            raise OSError(28, "No space left on device")
        return write(fd, line)

    with monkeypatch.context() as patched:
        patched.setattr(os, "write", fills)
        with pytest.raises(OSError, match="No space left"):
            swept(plan_of(), tmp_path / "out")
    crew = Crew()

    assert len(swept(plan_of(), tmp_path / "out", crew).endings) == 12
    assert len(crew.ran) == 7


def test_a_list_of_combinations_is_asked_for_once() -> None:
    search = Listed(iter([(0,), (1,)]))

    assert search.ask() == [(0,), (1,)]
    assert search.ask() == []
