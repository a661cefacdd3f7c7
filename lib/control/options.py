"""The options of the command line, once parsed, and where they are looked for.

`--conf` and `--ctx` are taken before a command's name and after it; the later one counts.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import wraps
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

import click

Market: TypeAlias = Literal["candles", "capture", "live"]
LogFormat: TypeAlias = Literal["lines", "json"]

PATH: Final = click.Path(path_type=Path)
ENV_FILE: Final = Path(".env")
PAPER: Final = "paper"  # the venue that needs neither keys nor a network


@dataclass(frozen=True, slots=True)
class Options:
    """What the person asked for. `venue` is None where the credentials are to choose."""

    conf: Path = Path("conf.json")
    ctx: Path = Path("ctx")
    venue: str | None = None
    speed: int = 60
    market: Market | None = None  # None = what conf.json says
    seed: int = 1
    journal: Path | None = None  # None: what conf.json says, else beside the ctx folder
    log_format: LogFormat | None = None  # None: what conf.json says


def with_places(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command `--conf` and `--ctx`, and the parsed `Options` as its first argument."""

    @click.option("--conf", type=PATH, help="The file that says which bots there are.")
    @click.option("--ctx", type=PATH, help="The folder of what the bots remember.")
    @click.pass_context
    @wraps(command)
    def placed(context: click.Context, /, conf: Path | None, ctx: Path | None, **rest: Any) -> Any:
        given = context.find_object(Options) or Options()
        options = replace(given, conf=conf or given.conf, ctx=ctx or given.ctx)
        return context.exit(int(command(options, **rest)))

    return placed


def with_venue(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command `--venue` beside those of `with_places`, which must stand above this."""

    @click.option("--venue", help="As for the runner: paper, testnet, demo, live or an address.")
    @wraps(command)
    def aimed(options: Options, venue: str | None, **rest: Any) -> Any:
        return command(replace(options, venue=venue or options.venue), **rest)

    return aimed
