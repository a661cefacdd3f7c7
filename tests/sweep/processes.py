"""Who is still there. A zombie is not: it only waits to be counted."""

from collections.abc import Iterator
from pathlib import Path


def living(group: int) -> list[int]:
    """List the processes of a group that run."""
    return [number for number, state, of in _processes() if of == group and state != "Z"]


def lives(process: int) -> bool:
    """Say whether a process runs."""
    return any(number == process and state != "Z" for number, state, _ in _processes())


def _processes() -> Iterator[tuple[int, str, int]]:
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, group = stat.read_text().rpartition(")")[2].split()[:3]
        except (FileNotFoundError, ProcessLookupError):
            continue
        yield int(stat.parent.name), state, int(group)
