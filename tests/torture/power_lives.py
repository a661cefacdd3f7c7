"""One life of a machine that loses its power, and what is said of it afterwards."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, TypeAlias

from lib.errors import CorruptContext
from lib.torture.audit import BooksDiffer
from lib.torture.processes import Stuck
from tests.torture.experiment import Outcome
from tests.torture.machine import FileSystemKind, kinds
from tests.torture.machine_arena import MachineArena

Moment: TypeAlias = Callable[[MachineArena], None]  # comes back when the power must go
Ending: TypeAlias = Callable[[MachineArena, str, Outcome], None]
LOSSES: Final = (BooksDiffer, CorruptContext, Stuck)
SETTLED: Final = "when the last doubt was resolved"


def all_of(crowds: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Put crowds of bots into one."""
    return {name: section for crowd in crowds for name, section in crowd.items()}


def file_system_of(seed: int) -> FileSystemKind:
    """Choose the file system: ext4 for every other seed, else one of those there are."""
    others = kinds()
    return "ext4" if seed % 2 == 0 else others[seed // 2 % len(others)]


def one_life(
    arena: MachineArena, name: str, moment: Moment, outcome: Outcome, *, where: str
) -> None:
    """Live until the moment of that name, die, and hold the disk against the exchange."""
    said = ""
    try:
        moment(arena)
        said = arena.cut().last_words
        arena.audit()
    except LOSSES as wrong:
        outcome.losses.append(story(f"{where}, the power went {name}", wrong, said))
    finally:
        arena.mend()
    outcome.deaths += 1
    outcome.points[name] += 1


def settle(arena: MachineArena, where: str, outcome: Outcome) -> None:
    """Boot once more, until every doubt is resolved; then all must add up."""
    try:
        ledger = arena.settle()
    except LOSSES as wrong:
        outcome.losses.append(story(f"{where}, settled", wrong, ""))
        return
    outcome.deaths += 1
    outcome.points[SETTLED] += 1
    outcome.figures["orders at one exchange, orders"] = [len(ledger.orders)]


def leave(_arena: MachineArena, _where: str, _outcome: Outcome) -> None:
    """Leave the doubts of the last life as they are."""


def measure(arena: MachineArena, outcome: Outcome) -> None:
    """Note what the lives were like."""
    outcome.figures["from power on to the first word of a bot, seconds"] = arena.recoveries
    doubtful = [float(each) for each in arena.machine.unflushed]
    outcome.figures["not flushed when the power went, writes"] = doubtful


def story(where: str, wrong: Exception, said: str) -> str:
    """Tell a loss so that a person can follow it."""
    return (
        f"{where}: {wrong}\nthe last words of that life:\n{said}" if said else f"{where}: {wrong}"
    )
