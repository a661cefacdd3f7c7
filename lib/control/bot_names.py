"""The names of bots on the command line: known, unknown, completed."""

from typing import Final

import click
from click.shell_completion import CompletionItem

from lib.control.ctx_folder import read_pages
from lib.control.options import Options
from lib.control.status import wrong_sections

ALL: Final = "all"


def complete_name(context: click.Context, _: click.Parameter, begun: str) -> list[CompletionItem]:
    """Complete a bot's name from the ctx folder."""
    ctx = context.params.get("ctx") or context.find_root().params.get("ctx") or Options().ctx
    names = [ALL, *(page.name for page in read_pages(ctx))]
    return [CompletionItem(name) for name in names if name.startswith(begun)]


def unknown_names(options: Options, names: tuple[str, ...]) -> str:
    """Say which names are no bot's, with those there are; empty if all are."""
    there = {page.name for page in read_pages(options.ctx)}
    known = there | set(wrong_sections(options.conf) or ())
    wrong = [name for name in names if name != ALL and name not in known]
    if not wrong:
        return ""
    named = f"there are {', '.join(sorted(known))}" if known else "no bot has ever run there"
    return f"{options.ctx} has no bot {', '.join(wrong)}: {named}"
