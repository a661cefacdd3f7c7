"""The command `bots`: a line for each, short enough for a phone."""

import click

from lib.control.exits import Exit
from lib.control.options import Options, with_places
from lib.control.spoken import say


@click.command()
@with_places
def bots(options: Options) -> Exit:
    """Name the bots, one a line, and where each stands; `status` says more of them."""
    from lib.control.status import read_status

    found = read_status(options.ctx, options.conf)
    if not found.running:
        say(f"no runner is at work on {options.ctx}: nothing trades until it is started")
    for each in found.bots:
        removed = ", not in conf.json" if each.in_conf is False else ""
        say(f"{each.page.name}: {each.stands}{removed}")
    if not found.bots:
        say("no bot has ever run here, and conf.json names none")
    return Exit.ATTENTION if found.needs_you else Exit.FINE
