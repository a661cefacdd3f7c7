"""A disk that goes back in time: what it had acknowledged is gone, as if it had never been."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from lib.context_file.generation import Generation
from lib.ids import bot_tag, parse_id
from lib.torture.audit import contexts_in, installation_of
from lib.torture.ledger import Ledger
from lib.torture.processes import PROGRAM, Stuck
from tests.busy_bots import busy_bots
from tests.torture.experiment import Experiment, Outcome
from tests.torture.machine import lacks, take_own_namespaces
from tests.torture.machine_arena import LOOK_EVERY, MachineArena
from tests.torture.power_lives import all_of, measure

CROWDS: Final = 4
BEHIND: Final = "taken back behind an order of theirs, bots"
ORDERS_LOST: Final = 5  # that come in at least while nothing is remembered
TRADE_PATIENCE: Final = 60.0  # seconds
NOTICE_PATIENCE: Final = 60.0  # seconds

TEXT: Final = """\
Some disks lie: they acknowledge a flush and have the old content after the power failed. A backup
that is restored does the same. Here the machine dies after some seconds of trading, and boots
from the disk as it was before them, all of it, consistent in itself: no check of a file can see
that. But every order id carries a counter, and the exchange has seen higher ones than the
contexts know. Each bot that is behind must be halted for a person to look; one that is not
halted, or that sends a single order more, is a loss."""


def rollbacks(seed: int, folder: Path) -> Outcome:
    """Make a whole attempt."""
    return taken_back(seed, folder, crowds=CROWDS, program=(PROGRAM,))


def taken_back(seed: int, folder: Path, *, crowds: int, program: tuple[str, ...]) -> Outcome:
    """Take one crowd of bots after the other back in time."""
    take_own_namespaces()
    outcome = Outcome()
    bots = [busy_bots(f"c{number}_") for number in range(crowds)]
    with MachineArena(folder, all_of(bots), seed=seed) as arena:
        arena.program = program
        arena.come_into_the_world()
        for number, crowd in enumerate(bots):
            where = f"seed {seed}, crowd {number}"
            try:
                outcome.losses += [
                    f"{where}: {each}" for each in one_rollback(arena, crowd, outcome)
                ]
            except Stuck as wrong:
                outcome.losses.append(f"{where}: {wrong}")
                break
            outcome.deaths += 1
            outcome.points["with the disk of some seconds ago after it"] += 1
        measure(arena, outcome)
    return outcome


def one_rollback(arena: MachineArena, crowd: Mapping[str, Any], outcome: Outcome) -> list[str]:
    """Let a crowd trade, die, and find an older disk; answer what went wrong then."""
    arena.renew(crowd)
    arena.start()
    time.sleep(arena.chance.uniform(0.5, 2))
    arena.machine.remember()
    await_orders(arena, len(arena.exchange.ledger().orders) + ORDERS_LOST)
    time.sleep(arena.chance.uniform(0, 3))
    arena.cut()
    arena.machine.go_back()
    before = arena.exchange.ledger()
    behind = bots_behind(arena, before) & crowd.keys()
    assert behind, "nobody traded in the time that was lost"
    outcome.figures.setdefault(BEHIND, []).append(len(behind))
    arena.boot()
    unhalted = _unhalted(arena, behind)
    arena.cut()
    sent = _new(arena.exchange.ledger(), before, behind)
    return [
        *(f"{bot} went back behind an order and was not halted" for bot in sorted(unhalted)),
        *(f"{id} left after its bot went back" for id in sent),
    ]


def await_orders(arena: MachineArena, many: int) -> None:
    """Wait until so many orders were accepted. Raises Stuck."""
    deadline = time.monotonic() + TRADE_PATIENCE
    while len(arena.exchange.ledger().orders) < many:
        if time.monotonic() > deadline:
            raise Stuck("nobody traded in the time that was to be lost")
        time.sleep(LOOK_EVERY)


def bots_behind(arena: MachineArena, ledger: Ledger) -> set[str]:
    """Name the bots of which the exchange has a later id than their contexts ever gave out."""
    with arena.opened_ctx() as ctx:
        contexts, installation = contexts_in(ctx), installation_of(ctx)
    return {each.bot for each in contexts if _is_behind(each, installation, ledger)}


def _is_behind(generation: Generation, installation: str, ledger: Ledger) -> bool:
    ids = (parse_id(each) for each in ledger.orders)
    return any(
        own.counter > generation.memory.ids_given
        for own in ids
        if own and (own.installation, own.bot) == (installation, bot_tag(generation.bot))
    )


def _unhalted(arena: MachineArena, behind: set[str]) -> set[str]:
    """Wait until all that are behind are parked; name those that are not."""
    deadline = time.monotonic() + NOTICE_PATIENCE
    while True:
        time.sleep(LOOK_EVERY)
        with arena.opened_ctx() as ctx:
            parked = {each.bot for each in contexts_in(ctx) if each.parked is not None}
        if behind <= parked or time.monotonic() > deadline:
            return behind - parked


def _new(after: Ledger, before: Ledger, bots: set[str]) -> list[str]:
    """Name what these bots sent since: ids never seen, and ids that were given out again."""
    tags = {bot_tag(bot) for bot in bots}
    fresh = after.orders.keys() - before.orders.keys()
    again = set(after.doubled) - set(before.doubled)
    ids = sorted(fresh | again)
    return [each for each in ids if (own := parse_id(each)) and own.bot in tags]


ROLLBACKS: Final = Experiment(
    name="rollbacks",
    title="Disks that go back in time",
    text=TEXT,
    attempts=4,
    seconds=150,
    cores=0.3,
    attempt=rollbacks,
    lacks=lacks,
)
