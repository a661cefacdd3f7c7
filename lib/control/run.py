"""Assembles a run: files, exchange, bots, and the person's window; then lets it go on for ever.

There is no shutdown. A signal ends the process within a second whatever is in flight, exactly as
a kill would: what the next start needs is on disk already.
"""

import asyncio
import faulthandler
import os
import sys
from collections.abc import Coroutine, Sequence
from dataclasses import replace
from typing import Any, Final

from lib.clock import ExchangeClock
from lib.conf import PaperMarket
from lib.control.board import Board
from lib.control.exits import Exit
from lib.control.footprint import away_ms, keep_touching
from lib.control.intake import Intake, take_in
from lib.control.journal_place import begin_writing
from lib.control.office import Office
from lib.control.options import PAPER, Options
from lib.control.paper_choice import paper_market
from lib.control.pulse import Pulse, TimedDisk, running_ms
from lib.control.socket_server import RecentNews, SocketServer
from lib.control.spoken import complain
from lib.control.stopping import stop_on_signals
from lib.control.telegram import Telegram
from lib.control.terminal import Terminal, machine_time, open_terminal
from lib.control.venue_choice import (
    BOOKS,
    is_play_money,
    open_far_venue,
    open_paper_venue,
)
from lib.control.vitals import Vitals
from lib.errors import BotError
from lib.exchange import Venue
from lib.journal.completion import JournalCompletion
from lib.journal.order_journal import OrderJournal
from lib.mistakes import ConfError
from lib.news import Kind, News, Sink
from lib.shelf import Busy, Shelf, UnfitFolder
from lib.supervisor import Supervisor

SILENT_POLLS: Final = 4  # after so many polls without an answer the watchdog is not vouched to
SILENCE_MIN_MS: Final = 120_000  # but never sooner than this


def run(options: Options) -> Exit:
    """Run the bots until a signal ends the process; answer only why it could not go on."""
    try:
        intake = take_in(options)
        shelf = Shelf.open(options.ctx, allow_volatile=is_play_money(intake.venue))
    except ConfError as wrong:
        complain(str(wrong))
        return Exit.NOTHING_STARTS
    except Busy as busy:
        complain(f"{busy}. `status` shows what it does")
        return Exit.BUSY
    except UnfitFolder as unfit:
        complain(str(unfit))
        return Exit.NOTHING_STARTS
    faulthandler.enable()  # the watchdog's SIGABRT leaves a stack
    terminal = open_terminal(sys.stdout.fileno(), os.environ, intake.credentials.redactor)
    stop_on_signals(terminal.leave)
    terminal.take_logging()
    terminal.announce(first_line(intake))
    try:
        asyncio.run(_keep_running(intake, shelf, terminal))
    except BotError as wrong:
        terminal.tell(News(machine_time(), "", Kind.PARKED, f"{type(wrong).__name__}: {wrong}"))
    terminal.leave()
    return Exit.ATTENTION


def first_line(intake: Intake) -> str:
    """Say what was started, and with whose money."""
    held = f", {len(intake.conf.held_back)} held back" if intake.conf.held_back else ""
    bots = f"{len(intake.conf.bots)} bots of {intake.options.conf}{held}"
    if intake.venue == "live":
        return f"LIVE: real money at Binance; {bots}"
    if intake.venue == PAPER:
        return f"paper: no real money, {_market_of(intake)}; {bots}"
    return f"{intake.venue}: no real money; {bots}"


def _market_of(intake: Intake) -> str:
    market = paper_market(intake.options, intake.conf)
    if market is PaperMarket.LIVE:
        return "the real market, read only"
    return f"recorded {market}, {intake.options.speed} seconds a second"


async def _keep_running(intake: Intake, shelf: Shelf, terminal: Terminal) -> None:
    clock, disk, vitals = ExchangeClock(), TimedDisk(running_ms), Vitals()
    telegram = _telegram(intake)
    recent = RecentNews()
    tell = _to_all([terminal.tell, recent, *([telegram] if telegram else [])])
    venue = await _venue(intake, clock)
    ctx = intake.options.ctx
    writer = begin_writing(intake, clock, tell)
    journal = OrderJournal(writer, clock.now)
    supervisor = Supervisor(
        intake.conf,
        shelf,
        venue,
        clock,
        tell=tell,
        vitals=vitals,
        disk=disk,
        away_ms=away_ms(ctx, machine_time()),
        redact=intake.credentials.redactor.redact,
        journal=journal,
    )
    office = Office(supervisor, shelf.folder, tell, disk=disk)
    control = SocketServer(office.obey, recent, shelf.folder, machine_time)
    completion = JournalCompletion(supervisor.floor, journal, writer, supervisor.generations)
    pulse = Pulse(supervisor.floor.mirror, disk, running_ms)
    for warning in shelf.warnings:
        tell(News(0, "", Kind.WARNING, warning))
    silence_max_ms = max(SILENCE_MIN_MS, SILENT_POLLS * intake.conf.settings.poll)
    beside = {
        "the live table": terminal.show(Board(supervisor).rows),
        "the footprint": keep_touching(ctx),
        "the control socket": control.serve(),
        "the order journal's completion": completion.keep(),
        "the watchdog's care": vitals.vouch(pulse, silence_max_ms=silence_max_ms),
    }
    if telegram is not None:
        beside["Telegram"] = telegram.run()
    tasks = [asyncio.create_task(_alone(name, what, tell)) for name, what in beside.items()]
    await supervisor.run()
    assert tasks, "held until the end, which never comes"


def _to_all(sinks: Sequence[Sink]) -> Sink:
    def tell(news: News) -> None:
        news = replace(news, at=news.at or machine_time())
        for sink in sinks:
            sink(news)

    return tell


async def _alone(name: str, what: Coroutine[Any, Any, None], tell: Sink) -> None:
    """Run what must not disturb the bots: if it fails, they go on without it."""
    try:
        await what
    except Exception as wrong:  # noqa: BLE001 - a window that breaks is no reason to stop trading
        tell(News(0, "", Kind.WARNING, f"{name} broke: {type(wrong).__name__}: {wrong}"))


async def _venue(intake: Intake, clock: ExchangeClock) -> Venue:
    if intake.venue == PAPER:
        books = intake.options.ctx / BOOKS
        return await open_paper_venue(intake.options, intake.conf, books, clock)
    return await open_far_venue(intake.venue, intake.credentials, clock)


def _telegram(intake: Intake) -> Telegram | None:
    credentials = intake.credentials
    if not intake.conf.settings.telegram or credentials.telegram_token is None:
        return None
    return Telegram(
        credentials.telegram_token,
        credentials.telegram_chat_id,
        venue=intake.venue,
        redactor=credentials.redactor,
    )
