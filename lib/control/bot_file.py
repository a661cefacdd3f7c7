"""The command `bot`: what one bot remembers, indented; and opening a bot's file to change it."""

from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import click
import orjson

from lib.context_file.generation import Parked, decode
from lib.control.exits import Exit
from lib.control.log_lines import local_time, printable
from lib.control.options import Options, with_places
from lib.control.results import money_of, told
from lib.control.spoken import complain, say
from lib.disk import REAL_DISK
from lib.errors import CorruptContext, Halt, LaterContext
from lib.orders import orders_inside
from lib.shelf import Busy, Shelf, UnfitFolder


class NoSuchFile(Exception):
    """There is no bot of that name in the folder."""


@click.command()
@click.argument("name")
@click.option("--story", is_flag=True, help="What became of its orders, step by step, and why.")
@click.option(
    "--limit", type=click.IntRange(min=0), default=50, help="Of the story, the newest so many; 50."
)
@with_places
def bot(options: Options, *, name: str, story: bool, limit: int) -> Exit:
    """Show what a bot remembers: the newest generation of its file, indented.

    Its wallet and its result come first, on stderr; then, of a parked bot, the reason with the
    place in the code where it stopped. With --story the order journal tells, instead of the file,
    each step of each order: from which state to which, with its fills, and why.
    """
    if story:
        from lib.control.journal_reading import Question
        from lib.control.journal_tables import show

        return show(options, "journal", Question(bot=name, limit=limit or None), None)
    try:
        fields = read_fields(options.ctx, name)
    except NoSuchFile as missing:
        complain(str(missing))
        return Exit.ATTENTION
    except (CorruptContext, LaterContext, OSError, ValueError) as wrong:
        complain(f"{name}: {type(wrong).__name__}: {wrong}")
        return Exit.ATTENTION
    for line in _money_of(fields):
        complain(line)
    parked = fields.get("parked")
    if isinstance(parked, dict):
        complain(park_reason(name, Parked.model_validate(parked)))
    say(orjson.dumps(fields, option=orjson.OPT_INDENT_2).decode())
    return Exit.FINE


def _money_of(fields: dict[str, Any]) -> Iterator[str]:
    """Say what the bot has and what it brought, as far as its file can be read."""
    with suppress(Halt, ValueError):
        generation = decode(fields)
        yield from told(money_of(generation, orders_inside(generation.context)))


def read_fields(ctx: Path, name: str) -> dict[str, Any]:
    """Read a bot's newest generation without touching it. Raises NoSuchFile and CorruptContext."""
    shelf = Shelf(ctx, REAL_DISK, lock=None, warnings=[])
    check_name(shelf, name)
    return shelf.read(name)


def check_name(shelf: Shelf, name: str) -> None:
    """Raise NoSuchFile, with the names there are, unless the bot has a file."""
    names = shelf.names() if shelf.folder.is_dir() else []
    if name not in names:
        known = f"there are {', '.join(names)}" if names else "no bot has ever run there"
        raise NoSuchFile(f"{shelf.folder} has no bot {printable(name)}: {known}")


def park_reason(name: str, parked: Parked) -> str:
    """Say why and when a bot stopped itself, with its traceback."""
    head = f"{name} needs you since {local_time(parked.at)}: {parked.kind}: {parked.reason}"
    return f"{head}\n{parked.traceback.rstrip()}\n" if parked.traceback else head


@contextmanager
def locked_shelf(ctx: Path, *, what: str) -> Iterator[Shelf]:
    """Lock the folder against runners. Ends the command with BUSY while one is at work."""
    context = click.get_current_context()
    if not ctx.is_dir():
        complain(f"there is no folder {ctx}")
        context.exit(Exit.ATTENTION)
    try:
        shelf = Shelf.open(ctx, allow_volatile=True)
    except Busy:
        complain(
            f"a runner is at work on {ctx}, and only the runner may write there: stop it (Ctrl-C, "
            f"or `systemctl --user stop auto_trading`), {what}, and start it again"
        )
        context.exit(Exit.BUSY)
    except UnfitFolder as unfit:
        complain(str(unfit))
        context.exit(Exit.NOTHING_STARTS)
    try:
        with closing(shelf):
            yield shelf
    except (NoSuchFile, Halt, OSError) as wrong:
        complain(str(wrong))
        context.exit(Exit.ATTENTION)
