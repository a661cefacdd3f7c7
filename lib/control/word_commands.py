"""The commands by which a person tells bots what to do: docs/commands.md has the table."""

from collections.abc import Callable
from typing import Any, Final

import click

from lib.control import offline
from lib.control.bot_file import locked_shelf
from lib.control.bot_names import ALL, complete_name, unknown_names
from lib.control.exits import Exit
from lib.control.options import Options, with_places
from lib.control.request import Verb
from lib.control.socket_client import NoAnswer, NoRunner, NotAllowed, tell, who
from lib.control.spoken import complain, say
from lib.shelf import Shelf

NEEDS_A_RUNNER: Final = "nothing was done, for this needs the exchange: start the runner first"


def _command(verb: Verb, text: str, *, asks: str = "") -> click.Command:
    """Make the command of a verb that concerns bots by name."""

    def run(options: Options, *, names: tuple[str, ...], yes: bool = True) -> Exit:
        unknown = unknown_names(options, names)
        if unknown:
            complain(unknown)
            return Exit.ATTENTION
        if not yes and not _agreed(f"{asks} {', '.join(names)}?"):
            return Exit.ATTENTION
        return _told(options, verb, () if ALL in names else names)

    run.__doc__ = text
    command: Callable[..., Any] = with_places(run)
    if asks:
        command = click.option("--yes", is_flag=True, help="Do not ask first.")(command)
    named = click.argument(
        "names", nargs=-1, required=True, metavar="NAME|all", shell_complete=complete_name
    )
    return click.command(verb.value)(named(command))


pause = _command(
    Verb.PAUSE,
    "No new entries from a bot; exits, protection and bookkeeping go on. Until `resume`.",
)
stop = _command(
    Verb.STOP,
    "Cancel a bot's entries and let it begin nothing new; what protects stays. Until `start`.",
)
resume = _command(Verb.RESUME, "Let a paused or stopped bot go on where it stands.")
start = _command(
    Verb.START,
    "Let a stopped bot go on; one that was flattened or is finished begins anew, results kept.",
)
cancel = _command(
    Verb.CANCEL, "Cancel the entries that a bot has open now, once; it may plan new ones."
)
flatten = _command(
    Verb.FLATTEN,
    "Cancel everything of a bot and sell, at market, what it bought. Then it waits for `start`.",
    asks="Cancel everything and sell at market:",
)


@click.command()
@click.option("--flatten", is_flag=True, help="Cancel everything and sell it as well.")
@click.option("--yes", is_flag=True, help="Do not ask before selling.")
@with_places
def kill(options: Options, *, flatten: bool, yes: bool) -> Exit:
    """No new order from any bot, and no open entry stays; what protects rests as it is.

    It counts at once and through every restart, also for bots that are added later, until `unkill`.
    """
    if flatten and not yes and not _agreed("Cancel everything of every bot and sell at market?"):
        return Exit.ATTENTION
    return _told(options, Verb.KILL, (), flatten=flatten)


@click.command()
@with_places
def unkill(options: Options) -> Exit:
    """Let the bots go on after a `kill`."""
    return _told(options, Verb.UNKILL, ())


@click.command()
@click.argument("name", metavar="NAME", shell_complete=complete_name)
@click.argument("value", metavar="VALUE")
@with_places
def signal(options: Options, *, name: str, value: str) -> Exit:
    """Put a signal into a bot's inbox, which it takes once: a word, or WORD=VALUE.

    It is saved before you are answered. A newer signal takes the place of one of the same word.
    """
    unknown = unknown_names(options, (name,))
    if unknown:
        complain(unknown)
        return Exit.ATTENTION
    return _told(options, Verb.SIGNAL, (name,), signal=value)


def _told(
    options: Options,
    verb: Verb,
    bots: tuple[str, ...],
    *,
    flatten: bool = False,
    signal: str = "",
) -> Exit:
    """Have it done by the runner; without one, as far as files alone can say it."""
    try:
        say(tell(options.ctx, verb, bots, flatten=flatten, signal=signal))
    except NoRunner as nobody:
        return _told_offline(options, verb, bots, str(nobody), flatten=flatten)
    except (NoAnswer, NotAllowed) as wrong:
        complain(str(wrong))
        return Exit.ATTENTION
    return Exit.FINE


def _told_offline(
    options: Options, verb: Verb, bots: tuple[str, ...], why: str, *, flatten: bool
) -> Exit:
    if flatten or verb not in {*offline.WORDS, Verb.KILL, Verb.UNKILL}:
        complain(f"{why}: {NEEDS_A_RUNNER}")
        return Exit.ATTENTION
    with locked_shelf(options.ctx, what=f"say `{verb}`") as shelf:
        say(f"{why}\n{_written(shelf, verb, bots)}")
    return Exit.FINE


def _written(shelf: Shelf, verb: Verb, bots: tuple[str, ...]) -> str:
    if verb is Verb.KILL:
        return offline.kill(shelf, by=who())
    if verb is Verb.UNKILL:
        return offline.unkill(shelf)
    known = shelf.names()
    unborn = [f"{name}: it has no file yet" for name in bots if name not in known]
    wanted = [name for name in known if not bots or name in bots]
    return "\n".join([*offline.tell_bots(shelf, verb, wanted, by=who()), *unborn])


def _agreed(question: str) -> bool:
    return click.confirm(question, default=False)
