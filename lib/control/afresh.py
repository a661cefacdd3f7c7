"""The command `afresh`: a bot forgets, and begins a new life.

Ids of the new life carry a new birth, so no order of the old life is taken for one of the new.
What was given up as never accepted is remembered across lives: should it show up, it must still
stop the bot.
"""

import re
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress

import click

from lib.atomic_json import ContextFile
from lib.conf import ConfError, read_conf
from lib.context_file.generation import Generation, Memory, decode, encode_as_it_was, stamped
from lib.control.bot_file import check_name, locked_shelf
from lib.control.exits import Exit
from lib.control.options import ENV_FILE, Options, with_places
from lib.control.spoken import complain, say
from lib.control.standing import brought, is_out
from lib.credentials import choose_venue, read_credentials
from lib.dealing.dealer import describe
from lib.errors import CorruptContext, Halt
from lib.instructions import Instruction
from lib.life import first_generation
from lib.orders import Order, orders_inside
from lib.shelf import Shelf


@click.command()
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask first; needed where the file is corrupt.")
@with_places
def afresh(options: Options, *, name: str, yes: bool) -> Exit:
    """Let a bot begin a new life, as if it had never run.

    Refused while the old life has orders at the exchange, or may have. What it remembered is kept
    aside in the same folder. No runner may be at work meanwhile.
    """
    with locked_shelf(options.ctx, what=f"run `afresh {name}`") as shelf:
        check_name(shelf, name)
        try:
            old = decode(shelf.read(name))
        except CorruptContext as corrupt:
            return _over_corrupt(shelf, options, name, str(corrupt), agreed=yes)
        return _over_whole(shelf, name, old, asking=not yes)


def orders_left(generation: Generation) -> Sequence[Order]:
    """Answer the orders that are at the exchange, or may be."""
    return [order for order in orders_inside(generation.context) if is_out(order)]


def new_life(old: Generation, birth: int) -> Generation:
    """Make the first generation of a new life of the same bot; paused or stopped it stays."""
    flattened = old.instruction is Instruction.FLATTEN
    return old.model_copy(
        update={
            "birth": birth,
            "saved_at": birth,
            "finished": False,
            "parked": None,
            "canceled": [],
            "instruction": Instruction.TRADE if flattened else old.instruction,
            "memory": Memory(former=old.memory.former),
            "context": {},
        }
    )


def new_birth(earlier: Iterable[int]) -> int:
    """Draw a birth (exchange ms) later than all there were, even if this machine's clock is not."""
    return max([time.time_ns() // 1_000_000, *(birth + 1 for birth in earlier)])


def _over_whole(shelf: Shelf, name: str, old: Generation, *, asking: bool) -> Exit:
    left = orders_left(old)
    if left:
        complain(
            f"{name} has orders at the exchange, or may have; its memory of them must not be lost:"
        )
        complain(
            "\n".join(f"    {describe(order)}: {order.state}, id {order.id}" for order in left)
        )
        complain(
            "let the runner finish or find them, or cancel them at the exchange and let it see"
        )
        return Exit.ATTENTION
    so_far = brought(old.memory)
    if so_far:
        say(f"So far it brought {so_far}. What it holds stays in the account; no bot will sell it.")
    if asking and not click.confirm(f"Let {name} begin anew?", default=False):
        return Exit.ATTENTION
    birth = new_birth([old.saved_at, old.birth, *births_aside(shelf, name)])
    return _begin(shelf, name, new_life(old, birth), old.birth)


def _over_corrupt(shelf: Shelf, options: Options, name: str, why: str, *, agreed: bool) -> Exit:
    """Begin anew over a file that says nothing: whose it was is taken from its neighbours."""
    complain(
        f"{why}\nits orders, if it has any, cannot be listed: look at the exchange for open orders "
        f"of {name} and cancel them there"
    )
    if not agreed:
        complain(f"then run `afresh {name} --yes`")
        return Exit.ATTENTION
    try:
        birth = new_birth(births_aside(shelf, name))
        generation = _like_neighbours(shelf, options, name, birth)
    except (ConfError, LookupError) as unknown:
        complain(str(unknown))
        return Exit.ATTENTION
    return _begin(shelf, name, generation, f"corrupt-{birth}")


def _begin(shelf: Shelf, name: str, generation: Generation, kept_as: int | str) -> Exit:
    aside = shelf.aside(name, kept_as)
    fields = stamped(encode_as_it_was(generation), generation.saved_at)
    ContextFile.replace(shelf.path(name), fields, aside=aside).close()
    say(f"{name} begins anew with the next start; its old file is kept as {aside}")
    return Exit.FINE


def births_aside(shelf: Shelf, name: str) -> list[int]:
    """Answer the births of the lives that are kept aside."""
    shape = re.compile(rf"{re.escape(name)}\.(?:corrupt-)?(\d{{1,18}})\.json")
    found = (shape.fullmatch(entry) for entry in shelf.disk.listdir(shelf.folder))
    return [int(match[1]) for match in found if match]


def _like_neighbours(shelf: Shelf, options: Options, name: str, birth: int) -> Generation:
    """Take venue and account from the other bots of the folder, the rest from conf.json.

    Raises ConfError, and LookupError for a bot that conf.json does not have.
    """
    wanted = {bot.name: bot for bot in read_conf(options.conf).bots}
    if name not in wanted:
        raise LookupError(f"{name} is not a bot of {options.conf}: simply move its file away")
    venue, account = _whose(shelf, name) or (_chosen(options), "")
    installation = shelf.installation()
    return first_generation(
        wanted[name], venue=venue, account=account, installation=installation, birth=birth
    )


def _whose(shelf: Shelf, name: str) -> tuple[str, str] | None:
    """Answer the venue and account of the first other bot whose file is whole."""
    for other in shelf.names():
        with suppress(Halt, OSError, ValueError):
            if other != name:
                generation = decode(shelf.read(other))
                return generation.venue, generation.account
    return None


def _chosen(options: Options) -> str:
    return choose_venue(options.venue, read_credentials(ENV_FILE))
