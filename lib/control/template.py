"""The command `template`: a commented section for conf.json, for each bot there is."""

import ast
from pathlib import Path
from typing import Final

import click

from lib.bot_kinds import bot_modules
from lib.control.exits import Exit
from lib.control.spoken import complain, say
from lib.mistakes import likely

BOTS: Final = Path(__file__).resolve().parents[2] / "bots"


@click.command()
@click.argument("name", required=False)
@click.pass_context
def template(context: click.Context, /, name: str | None) -> None:
    """List the bots there are; with a NAME print its section, to be put into conf.json.

    \b
        python auto_trading.py template dip_buyer
    """
    context.exit(_list() if name is None else _print(name))


def template_path(module: str) -> Path:
    """Where a bot's commented section lies."""
    return BOTS / f"{module}_conf.json"


def purpose(module: str) -> str:
    """Say in a sentence what a bot does: the first line of its file. Nothing is imported."""
    try:
        words = ast.get_docstring(ast.parse((BOTS / f"{module}.py").read_bytes())) or ""
    except (OSError, SyntaxError, ValueError):
        return ""
    return words.split("\n")[0]


def _list() -> Exit:
    modules = bot_modules()
    width = max(map(len, modules), default=0)
    say("\n".join(f"{module:{width}}  {purpose(module)}" for module in modules))
    return Exit.FINE


def _print(name: str) -> Exit:
    path = template_path(name)
    if name in bot_modules() and path.is_file():
        say(path.read_text(encoding="utf-8").rstrip("\n"))
        return Exit.FINE
    close = likely(name, bot_modules())
    meant = f"; did you mean {close}?" if close else ": `template` lists those there are"
    complain(f"there is no template for {name}{meant}")
    return Exit.ATTENTION
