"""The command `release`: a bot that stopped itself may go on."""

from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from types import MappingProxyType
from typing import Final

import click

from lib.atomic_json import ContextFile
from lib.context_file.generation import Generation, decode, encode_as_it_was, stamped
from lib.control.bot_file import NoSuchFile, check_name, locked_shelf, park_reason
from lib.control.bot_names import ALL, complete_name
from lib.control.ctx_folder import read_page
from lib.control.exits import Exit
from lib.control.options import Options, with_places
from lib.control.request import Verb
from lib.control.socket_client import NoAnswer, NoRunner, NotAllowed, listens, tell
from lib.control.spoken import complain, say
from lib.control.standing import may_have_arrived
from lib.dealing.dealer import describe
from lib.disk import REAL_DISK
from lib.errors import Halt
from lib.orders import Order, orders_inside
from lib.shelf import Shelf

EFFECTS: Final[Mapping[str, str]] = MappingProxyType({
    "BooksDisagree": (
        "Its books and the exchange's are compared again as it starts. While they still "
        "contradict each other it stops again; see to it at the exchange first."
    ),
    "BadCredentials": "It tries the key again: mend the key, or .env, first.",
    "DiskFailed": (
        "It goes on from the last state that reached the disk. See that the disk is well and has "
        "room first: `df`, `dmesg`."
    ),
    "MissingBarrier": (
        "Its code wanted to act on what was not yet on disk, and will again: a `yield ctx` is "
        "missing in the bot's file between deciding and acting. Mend that first."
    ),
    "VenueReset": (
        "The test exchange was reset. The bot goes on with its orders counted as lost; `afresh` "
        "lets it begin anew instead."
    ),
    "Unavailable": (
        "The exchange could not be asked whether it has orders of this bot from an earlier life, "
        "and will not be asked again: look there first."
    ),
    "Halt": (
        "It goes on from where it stood. If what it complained of still holds, it stops again at "
        "once; `afresh` lets it begin anew instead."
    ),
})
BUG: Final = (
    "This looks like a mistake in the bot's code. It goes on from the last state on disk, and "
    "stops again at the same place unless the code was mended."
)


@click.command()
@click.argument("name", metavar="NAME|all", shell_complete=complete_name)
@click.option("--yes", is_flag=True, help="Do not ask first.")
@with_places
def release(options: Options, *, name: str, yes: bool) -> Exit:
    """Let a bot that stopped itself go on: at once, or without a runner with the next start.

    Says first why it stopped and what going on will mean.
    """
    if listens(options.ctx):
        return _release_running(options.ctx, name, asking=not yes)
    with locked_shelf(options.ctx, what=f"run `release {name}`") as shelf:
        if name != ALL:
            check_name(shelf, name)
        ends = [_release_file(shelf, each, asking=not yes) for each in _meant(shelf, name)]
        return max(ends, default=Exit.ATTENTION)


def effects(generation: Generation) -> list[str]:
    """Say what a release will do, by what the bot stopped for."""
    assert generation.parked is not None
    lost = in_doubt(generation)
    if lost and generation.parked.kind == "Halt":
        return [
            "These orders were sent, and no answer came:",
            *(f"    {describe(order)}, id {order.id}" for order in lost),
            "They are looked for once more. One that is found is followed; one that is still "
            "nowhere is presumed never to have arrived, and the bot may send it again.",
        ]
    return [EFFECTS.get(generation.parked.kind, BUG)]


def in_doubt(generation: Generation) -> Sequence[Order]:
    """Answer the orders that the exchange may have without our knowing."""
    return [order for order in orders_inside(generation.context) if may_have_arrived(order)]


def freed(generation: Generation) -> Generation:
    """Make the generation of the same bot, free to go on; nothing else changes.

    What may be presumed absent reaches up to the last sending of an order now in doubt: exchange
    time, which this command does not know otherwise.
    """
    memory = generation.memory
    sent = [order.sent_at for order in in_doubt(generation)]
    until = max([memory.doubts_accepted_until, *sent])
    said = {"doubts_accepted_until": until, "releases": memory.releases + 1}
    return generation.model_copy(update={"parked": None, "memory": memory.model_copy(update=said)})


def released(generation: Generation) -> bytes:
    """Make the fields of the same bot, free to go on; the time of its last save does not move."""
    return stamped(encode_as_it_was(freed(generation)), generation.saved_at)


def _meant(shelf: Shelf, name: str) -> list[str]:
    """Answer the bot, or all that stopped themselves."""
    if name != ALL:
        return [name]
    pages = (read_page(shelf, each) for each in shelf.names())
    return [page.name for page in pages if page.generation and page.generation.parked]


def _release_running(ctx: Path, name: str, *, asking: bool) -> Exit:
    """Have the runner at work release a bot."""
    shelf = Shelf(ctx, REAL_DISK, lock=None, warnings=[])
    try:
        if name != ALL:
            check_name(shelf, name)
        for each in _meant(shelf, name):
            if not _agreed(each, decode(shelf.read(each)), asking=asking):
                return Exit.ATTENTION
        say(tell(ctx, Verb.RELEASE, () if name == ALL else (name,)))
    except (Halt, NoSuchFile, NoRunner, NoAnswer, NotAllowed, OSError) as wrong:
        complain(str(wrong))
        return Exit.ATTENTION
    return Exit.FINE


def _release_file(shelf: Shelf, name: str, *, asking: bool) -> Exit:
    with closing(ContextFile.open(shelf.path(name))) as file:
        return _release(file, name, asking=asking)


def _release(file: ContextFile, name: str, *, asking: bool) -> Exit:
    generation = decode(file.fields)
    if not _agreed(name, generation, asking=asking):
        return Exit.ATTENTION
    file.save(released(generation))
    say(f"{name} goes on with the next start.")
    return Exit.FINE


def _agreed(name: str, generation: Generation, *, asking: bool) -> bool:
    """Say why a bot stopped and what going on means; ask the person."""
    if generation.parked is None:
        complain(f"{name} did not stop itself; `status` and `check` say how it stands")
        return False
    say(park_reason(name, generation.parked))
    say("\n".join(effects(generation)))
    return not asking or click.confirm("Release it?", default=False)
