"""The command `status`."""

import shutil
import sys
import time
from typing import Final

import click

from lib.control.exits import Exit
from lib.control.options import Options, with_places
from lib.control.spoken import say

WIDTH_UNLIMITED: Final = 10_000
EVERY: Final = 2.0  # seconds between two looks
HOME_AND_CLEAR: Final = "\x1b[H\x1b[2J"


@click.command()
@with_places
@click.option("--json", "as_program", is_flag=True, help="The same for programs: docs/status.md.")
@click.option("--watch", is_flag=True, help="Look again every two seconds, until Ctrl-C.")
@click.option("--health", is_flag=True, help="Ask the runner itself: 0 well, 1 not, one line why.")
def status(options: Options, *, as_program: bool, watch: bool, health: bool) -> Exit:
    """Show where each bot stands, its orders and its result so far.

    Reads the ctx folder only: it may be asked at any time, whether a runner is at work or not.
    Ends with 1 if a bot needs you, else with 0. With --health the running program answers.
    """
    if health:
        return _ask(options)
    while True:
        found = _look(options, as_program=as_program, clears=watch and sys.stdout.isatty())
        if not watch:
            return found
        time.sleep(EVERY)


def _ask(options: Options) -> Exit:
    from lib.control.health import ask_health

    found = ask_health(options.ctx)
    say(found.line)
    return Exit.FINE if found.well else Exit.ATTENTION


def _look(options: Options, *, as_program: bool, clears: bool) -> Exit:
    from lib.control.status import as_json, as_text, read_status

    found = read_status(options.ctx, options.conf)
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else WIDTH_UNLIMITED
    text = as_json(found) if as_program else as_text(found, width)
    say(f"{HOME_AND_CLEAR}{text}" if clears else text)
    return Exit.ATTENTION if found.needs_you else Exit.FINE
