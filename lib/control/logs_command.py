"""The command `logs`: what the runner at work told lately."""

import time
from typing import Final

import click

from lib.control.bot_names import complete_name
from lib.control.exits import Exit
from lib.control.options import Options, with_places
from lib.control.socket_client import NoAnswer, NoRunner, NotAllowed, recent_news
from lib.control.socket_words import LINES_MAX
from lib.control.spoken import complain, say

ELSEWHERE: Final = "what an earlier one told is in the journal: journalctl --user -u auto_trading"
EVERY: Final = 1.0  # seconds


@click.command()
@click.argument("name", required=False, default="", shell_complete=complete_name)
@click.option("-n", "--lines", type=click.IntRange(1, LINES_MAX), default=50, show_default=True)
@click.option("-f", "--follow", is_flag=True, help="Go on with what is new, until Ctrl-C.")
@with_places
def logs(options: Options, *, name: str, lines: int, follow: bool) -> Exit:
    """Show what the runner told lately, of all bots or of one. `runner` is the program itself."""
    shown: list[str] = []
    try:
        while True:
            found = recent_news(options.ctx, "" if name == "all" else name, lines).splitlines()
            for line in _new(shown, found):
                say(line)
            if not follow:
                return Exit.FINE
            shown, lines = found, LINES_MAX
            time.sleep(EVERY)
    except NoRunner as nobody:
        complain(f"{nobody}; {ELSEWHERE}")
    except (NoAnswer, NotAllowed) as wrong:
        complain(str(wrong))
    return Exit.ATTENTION


def _new(shown: list[str], found: list[str]) -> list[str]:
    """Answer the lines after the last that was shown."""
    if not shown:
        return found
    ends = [index for index, line in enumerate(found) if line == shown[-1]]
    return found[ends[-1] + 1 :] if ends else found
