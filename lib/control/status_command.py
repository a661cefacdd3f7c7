"""The command `status`."""

import shutil
import sys

import click

from lib.control.exits import Exit
from lib.control.options import Options, with_places
from lib.control.spoken import say

WIDTH_UNLIMITED = 10_000


@click.command()
@with_places
@click.option("--json", "as_program", is_flag=True, help="The same for programs: docs/status.md.")
def status(options: Options, *, as_program: bool) -> Exit:
    """Show where each bot stands, its orders and its result so far.

    Reads the ctx folder only: it may be asked at any time, whether a runner is at work or not.
    Ends with 1 if a bot needs you, else with 0.
    """
    from lib.control.status import as_json, as_text, read_status

    found = read_status(options.ctx, options.conf)
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else WIDTH_UNLIMITED
    say(as_json(found) if as_program else as_text(found, width))
    return Exit.ATTENTION if found.needs_you else Exit.FINE
