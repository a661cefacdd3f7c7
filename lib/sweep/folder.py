"""The folder of a sweep: what it is, and every row that is finished.

`sweep.json` says what is swept; a start that means something else is refused. `rows.jsonl` gets one
line for each trial that ended, on stable storage before the next thing happens; half a last line,
which a power cut may leave, is cut off. Nothing else is needed to go on.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Self

import orjson

from lib.context_file.folder_lock import Busy, FolderLock
from lib.disk import REAL_DISK
from lib.mistakes import FOUND_MAX
from lib.sweep.figures import Figures
from lib.sweep.plan import Plan
from lib.sweep.trial import Ending, Sample, State, TrialKey

PLAN_FILE: Final = "sweep.json"
ROWS_FILE: Final = "rows.jsonl"
SHOWN_MAX: Final = 8  # differences


class OtherSweep(ValueError):
    """The folder holds another sweep, or is none. The message says in what they differ."""


class SweepFolder:
    """Every ending so far, and the place for the next ones. Held by one sweep at a time."""

    def __init__(self, path: Path, plan: Plan, lock: FolderLock) -> None:
        self.path = path
        self.plan = plan
        self._lock = lock
        self.endings = {ending.key: ending for ending in _read(path / ROWS_FILE)}
        self.found = len(self.endings)  # rows of earlier starts
        self._fd = os.open(path / ROWS_FILE, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        _flush_folder(path)

    @classmethod
    def open(cls, path: Path, plan: Plan) -> Self:
        """Make the folder, or go on with it. Raises OtherSweep, or OSError."""
        path.mkdir(parents=True, exist_ok=True)
        foreign = sorted(each.name for each in path.iterdir() if each.name != ".lock")
        if foreign and PLAN_FILE not in foreign and not _is_unborn(foreign):
            raise OtherSweep(f"{path} is no sweep's folder: it has {', '.join(foreign[:3])}")
        try:
            lock = FolderLock.take(path, REAL_DISK)
        except Busy:
            raise OtherSweep(f"{path} is in use by another sweep") from None
        try:
            _settle(path / PLAN_FILE, plan.written())
            return cls(path, plan, lock)
        except BaseException:
            lock.close()
            raise

    def append(self, ending: Ending) -> None:
        """Keep a row for good."""
        line = orjson.dumps(self._row(ending)) + b"\n"
        written = os.write(self._fd, line)
        assert written == len(line), f"{written} of {len(line)} bytes of a row were written"
        os.fdatasync(self._fd)
        self.endings[ending.key] = ending

    def write(self, name: str, content: bytes) -> Path:
        """Write a file whole, or leave the one that is there."""
        path = self.path / name
        write_whole(path, content)
        return path

    def close(self) -> None:
        """Let another sweep in."""
        os.close(self._fd)
        self._lock.close()

    def _row(self, ending: Ending) -> dict[str, Any]:
        key, figures = ending.key, ending.figures
        row: dict[str, Any] = {
            "window": key.window,
            "sample": key.sample.value,
            "places": key.places,
            "values": self.plan.value_texts(key.places),
            "state": ending.state.value,
            "reason": ending.reason,
        }
        if figures is not None:
            row |= {"metrics": dict(figures.metrics), "returns": figures.returns}
        return row


def _is_unborn(names: list[str]) -> bool:
    """Say whether a start was killed before it had written what it is."""
    return names == [f"{PLAN_FILE}.new"]


def _settle(path: Path, written: Mapping[str, str]) -> None:
    """Write down what is swept, or compare it with what was."""
    if not path.exists():
        write_whole(path, orjson.dumps(written, option=orjson.OPT_INDENT_2) + b"\n")
        return
    try:
        before = dict(orjson.loads(path.read_bytes()))
    except (orjson.JSONDecodeError, ValueError, TypeError) as wrong:
        raise OtherSweep(f"{path} cannot be read: {wrong}") from wrong
    changed = [name for name in {**before, **written} if before.get(name) != written.get(name)]
    if changed:
        lines = [
            f"  {name}: was {_brief(before.get(name))}, is {_brief(written.get(name))}"
            for name in changed[:SHOWN_MAX]
        ]
        more = [f"  and {len(changed) - SHOWN_MAX} more"] if len(changed) > SHOWN_MAX else []
        words = f"{path.parent} holds another sweep: go on as it was begun, or take another folder"
        raise OtherSweep("\n".join([words, *lines, *more]))


def _brief(text: object) -> str:
    """Show what was written down, cut where it gets long."""
    told = str(text or "nothing")
    return told if len(told) <= FOUND_MAX else f"{told[: FOUND_MAX - 1]}…"


def _read(path: Path) -> list[Ending]:
    """Read every whole row, and cut off what a power cut left of the last one."""
    if not path.exists():
        return []
    content = path.read_bytes()
    whole = content.rfind(b"\n") + 1
    if whole < len(content):
        with path.open("r+b") as file:
            file.truncate(whole)
            os.fsync(file.fileno())
    rows = content[:whole].splitlines()
    return [_ending(path, number, row) for number, row in enumerate(rows, start=1)]


def _ending(path: Path, number: int, line: bytes) -> Ending:
    try:
        row = orjson.loads(line)
        key = TrialKey(row["window"], Sample(row["sample"]), tuple(row["places"]))
        has = "metrics" in row
        figures = Figures(row["metrics"], tuple(row["returns"])) if has else None
        return Ending(key, State(row["state"]), row["reason"], figures)
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError) as wrong:
        words = f"{path}, line {number} is no row of a sweep: {wrong!r}; take another folder"
        raise OtherSweep(words) from wrong


def write_whole(path: Path, content: bytes) -> None:
    """Write a file so that it is there whole or not at all."""
    fresh = path.with_name(f"{path.name}.new")
    with fresh.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    _flush_folder(path.parent)


def _flush_folder(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
