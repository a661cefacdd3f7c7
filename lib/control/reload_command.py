"""The command `reload`: the runner at work reads conf.json again."""

import click

from lib.control.exits import Exit
from lib.control.options import Options, with_places
from lib.control.reload_words import is_whole
from lib.control.request import Removed, Verb
from lib.control.socket_client import NoAnswer, NoRunner, NotAllowed, tell
from lib.control.spoken import complain, say


@click.command()
@click.option(
    "--removed",
    type=click.Choice([str(each) for each in Removed]),
    default=str(Removed.KEEP),
    help="What becomes of the open orders of bots that conf.json has no more: keep, and they rest "
    "until the bot is back; cancel, and all of them are canceled, exits too. Nothing is sold.",
)
@with_places
def reload(options: Options, *, removed: str) -> Exit:
    """Have the runner read conf.json again: bots begin, end and change while the others trade.

    One mistake in it, and nothing is changed. Every difference is named, and from when it counts.
    Ends with 0 if all of it was taken over, else with 1.
    """
    try:
        answer = tell(options.ctx, Verb.RELOAD, removed=Removed(removed))
    except NoRunner as nobody:
        complain(f"{nobody}: what conf.json says counts from the next start; see `check`")
        return Exit.ATTENTION
    except (NoAnswer, NotAllowed) as wrong:
        complain(str(wrong))
        return Exit.ATTENTION
    if is_whole(answer):
        say(answer)
        return Exit.FINE
    complain(answer)
    return Exit.ATTENTION
