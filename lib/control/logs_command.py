"""The command `logs`: what the runner at work told lately, and the log file before that."""

import time
from contextlib import suppress
from typing import Final

import click

from lib.control.bot_names import complete_name
from lib.control.exits import Exit
from lib.control.options import Options, with_places
from lib.control.socket_client import NoAnswer, NoRunner, NotAllowed, recent_news
from lib.control.socket_words import LINES_MAX
from lib.control.spoken import complain, say
from lib.mistakes import ConfError

ELSEWHERE: Final = "what an earlier one told is in the journal: journalctl --user -u auto_trading"
EVERY: Final = 1.0  # seconds


@click.command()
@click.argument("name", required=False, default="", shell_complete=complete_name)
@click.option("-n", "--lines", type=click.IntRange(1, LINES_MAX), default=50, show_default=True)
@click.option("-f", "--follow", is_flag=True, help="Go on with what is new, until Ctrl-C.")
@with_places
def logs(options: Options, *, name: str, lines: int, follow: bool) -> Exit:
    """Show what the runner told lately, of all bots or of one. `runner` is the program itself.

    What was told before it started, or while none is at work, comes from the log file, if conf.json
    has the runner keep one.
    """
    bot = "" if name == "all" else name
    try:
        found = recent_news(options.ctx, bot, LINES_MAX).splitlines()
        for line in _with_older(options, bot, found, lines):
            say(line)
        while follow:
            time.sleep(EVERY)
            shown, found = found, recent_news(options.ctx, bot, LINES_MAX).splitlines()
            for line in _new(shown, found):
                say(line)
    except NoRunner as nobody:
        return _from_file(options, bot, lines, str(nobody))
    except (NoAnswer, NotAllowed) as wrong:
        complain(str(wrong))
        return Exit.ATTENTION
    return Exit.FINE


def _from_file(options: Options, bot: str, lines: int, why: str) -> Exit:
    """Show the end of the log file instead."""
    kept = _kept(options, bot, lines)
    complain(f"{why}; {'this is what it told last' if kept else ELSEWHERE}")
    for line in kept:
        say(line)
    return Exit.ATTENTION


def _with_older(options: Options, bot: str, found: list[str], lines: int) -> list[str]:
    """Answer so many of the newest lines, some of them from the file if the runner is young."""
    if len(found) >= lines:
        return found[-lines:]
    known = set(found)
    older = [line for line in _kept(options, bot, lines) if line not in known]
    return [*older, *found][-lines:]


def _kept(options: Options, bot: str, lines: int) -> list[str]:
    """Answer the newest lines of the log file; none where none is kept."""
    from lib.conf import read_conf
    from lib.control.log_reading import newest_news

    with suppress(ConfError):
        kept = newest_news(read_conf(options.conf).settings.log_file, bot, lines)
        return "\n".join(kept).splitlines()
    return []


def _new(shown: list[str], found: list[str]) -> list[str]:
    """Answer the lines after the last that was shown."""
    if not shown:
        return found
    ends = [index for index, line in enumerate(found) if line == shown[-1]]
    return found[ends[-1] + 1 :] if ends else found
