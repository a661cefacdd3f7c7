#!/usr/bin/env python3
"""Arguments in, runner started."""

import sys
from pathlib import Path
from typing import Any

import click

from lib.control.commands import Commands
from lib.control.last_words import keep_secrets_to_the_end
from lib.control.options import PATH, Options
from lib.control.stopping import stop_on_signals


@click.group(
    cls=Commands,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 96},
)
@click.option(
    "--conf",
    type=PATH,
    default=Path("conf.json"),
    show_default=True,
    help="The file that says which bots there are.",
)
@click.option(
    "--ctx",
    type=PATH,
    default=Path("ctx"),
    show_default=True,
    help="The folder of what the bots remember. One runner per folder.",
)
@click.option(
    "--venue",
    metavar="paper|testnet|demo|live|http://HOST:PORT",
    help="Where to trade. Without it: paper, or with keys in .env what BINANCE_API_TEST says.",
)
@click.option(
    "--speed",
    type=click.IntRange(1, 100_000),
    default=60,
    show_default=True,
    help="Paper: recorded seconds played in one second.",
)
@click.option(
    "--market",
    type=click.Choice(["candles", "capture", "live"]),
    help="Paper: recorded candles (else conf.json's word), every trade, or the real market.",
)
@click.option("--seed", type=int, default=1, show_default=True, help="Paper: the market's chance.")
@click.option("--journal", type=PATH, help="The order journal's file: docs/journal.md.")
@click.option("--log-format", type=click.Choice(["lines", "json"]), help="See docs/logs.md.")
@click.pass_context
def main(context: click.Context, /, **options: Any) -> None:
    """Run the bots of conf.json, through every crash. Ctrl-C or a pulled plug stops them; the next
    start goes on from there, with no order lost, doubled or forgotten.

    Without a command the runner starts, without keys on paper: a simulated exchange on recorded
    prices. Change conf.json and start again; `check` says beforehand what that would mean.

    \b
    Exit codes:
      0  fine: stopped by a person, or nothing to complain of
      1  a person must look: a bot is held back or needs you, or it was refused
      2  nothing starts: an option, conf.json, .env or the ctx folder cannot be used
      3  another runner has the ctx folder
    """
    context.obj = Options(**options)
    if context.invoked_subcommand is None:
        stop_on_signals()
        from lib.control.run import run

        context.exit(run(context.obj))


if __name__ == "__main__":
    keep_secrets_to_the_end()
    sys.exit(main())
