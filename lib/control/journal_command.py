"""The commands `orders` and `fills`: the order journal, for people and for spreadsheets."""

from collections.abc import Callable
from dataclasses import replace
from functools import wraps
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

import click

from lib.control.exits import Exit
from lib.control.moments import Moment
from lib.control.options import PATH, Options, with_places
from lib.orders import OrderState

Chosen: TypeAlias = tuple[str, str, str, str, int | None, int | None, int | None]
ROWS: Final = 50  # of a table, unless asked otherwise


def with_question(command: Callable[..., Exit]) -> Callable[..., Any]:
    """Give a command the options that choose rows, as a question's fields."""

    @click.option("--bot", default="", help="Of this bot alone.")
    @click.option("--symbol", default="", help="Of this symbol alone.")
    @click.option(
        "--state",
        type=click.Choice([state.value for state in OrderState]),
        help="In this state alone.",
    )
    @click.option(
        "--list", "list_id", default="", help="Of this order list alone; its end will do."
    )
    @click.option("--since", type=Moment(), help="From then on: 2026-11-21, or 24h for a day ago.")
    @click.option("--until", type=Moment(), help="Before then.")
    @click.option("--limit", type=click.IntRange(0), help="The newest so many; 0: all.")
    @click.option("--csv", "table", metavar="FILE|-", help="All columns, for a spreadsheet.")
    @click.option("--journal", type=PATH, help="The journal's file, or a copy of it.")
    @wraps(command)
    def asked(
        options: Options,
        bot: str,
        symbol: str,
        state: str | None,
        list_id: str,
        since: int | None,
        until: int | None,
        limit: int | None,
        table: str | None,
        journal: Path | None,
    ) -> Exit:
        if limit is None and table is None:
            limit = ROWS
        chosen = (bot, symbol, state or "", list_id, since, until, limit or None)
        return command(replace(options, journal=journal or options.journal), chosen, table)

    return asked


@click.command()
@with_places
@with_question
def orders(options: Options, chosen: Chosen, table: str | None) -> Exit:
    """List orders with how they ended or how they stand, the newest last.

    Reads the order journal only: it may be asked at any time, whether a runner is at work or not.
    `bot NAME` and `status` say how a bot stands; this says what it did.
    """
    return _show(options, "orders", chosen, table)


@click.command()
@with_places
@with_question
def fills(options: Options, chosen: Chosen, table: str | None) -> Exit:
    """List fills, the newest last, and what all of them add up to.

    Reads the order journal only: it may be asked at any time, whether a runner is at work or not.
    """
    return _show(options, "fills", chosen, table)


def _show(
    options: Options, view: Literal["orders", "fills"], chosen: Chosen, table: str | None
) -> Exit:
    from lib.control.journal_reading import Question
    from lib.control.journal_tables import show

    return show(options, view, Question(*chosen), table)
