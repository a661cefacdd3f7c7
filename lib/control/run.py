"""Assembles a run: files, exchange, bots, and the person's window; then lets it go on for ever.

There is no shutdown. A signal ends the process within a second whatever is in flight, exactly as
a kill would: what the next start needs is on disk already.
"""

import asyncio
import faulthandler
import os
import sys
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from lib.binance.venue import BinanceVenue
from lib.clock import ExchangeClock
from lib.conf import PaperMarket
from lib.control.board import Board
from lib.control.exits import Exit
from lib.control.footprint import away_ms, keep_touching
from lib.control.hangup import reload_on_hangup
from lib.control.intake import Intake, take_in
from lib.control.journal_place import begin_writing, journal_path
from lib.control.limiting import Limiting
from lib.control.log_copy import log_format_of, open_copy
from lib.control.office import Office
from lib.control.options import PAPER, Options
from lib.control.paper_choice import paper_market
from lib.control.pulse import TimedDisk, running_ms
from lib.control.reload import Reload
from lib.control.reload_reading import reader
from lib.control.socket_server import RecentNews, SocketServer
from lib.control.spoken import complain
from lib.control.stopping import stop_on_signals
from lib.control.telegram.company import Company
from lib.control.terminal import Terminal, machine_time, open_terminal
from lib.control.venue_choice import (
    BOOKS,
    is_play_money,
    open_far_venue,
    open_paper_venue,
)
from lib.control.vitals import Vitals
from lib.control.watch import Watch
from lib.errors import BotError
from lib.journal.completion import JournalCompletion
from lib.journal.order_journal import OrderJournal
from lib.mistakes import ConfError
from lib.modes import mode_and_venue, mode_of
from lib.news import Kind, News, Sink
from lib.shelf import Busy, Shelf, UnfitFolder
from lib.supervisor import Supervisor

if TYPE_CHECKING:
    from lib.control.telegram.chat import Telegram


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
    vitals, terminal = Vitals(), _open_window(intake)
    stop_on_signals(lambda: _leave(vitals, terminal))
    terminal.take_logging()
    terminal.announce(first_line(intake))
    try:
        asyncio.run(_keep_running(intake, shelf, terminal, vitals))
    except BotError as wrong:
        terminal.tell(News(machine_time(), "", Kind.PARKED, f"{type(wrong).__name__}: {wrong}"))
    terminal.leave()
    return Exit.ATTENTION


def _open_window(intake: Intake) -> Terminal:
    """Open the person's window, and the file that keeps what is said there, if one is wanted."""
    log_format = log_format_of(intake.options, intake.conf.settings)
    mode = mode_of(intake.venue)
    copy = open_copy(intake.conf.settings, log_format, mode=mode)
    redactor = intake.credentials.redactor
    return open_terminal(sys.stdout.fileno(), os.environ, redactor, log_format, copy, mode=mode)


def _leave(vitals: Vitals, terminal: Terminal) -> None:
    """Say that this is the end before anything that takes time."""
    vitals.stopping()
    terminal.leave()


def first_line(intake: Intake) -> str:
    """Say what was started, in which mode, and with whose money."""
    held = f", {len(intake.conf.held_back)} held back" if intake.conf.held_back else ""
    bots = f"{len(intake.conf.bots)} bots of {intake.options.conf}{held}"
    if intake.venue == "live":
        return f"LIVE: real money at Binance; {bots}"
    if intake.venue == PAPER:
        return f"{mode_and_venue(PAPER)}: no real money, {_market_of(intake)}; {bots}"
    return f"{mode_and_venue(intake.venue)}: no real money; {bots}"


def _market_of(intake: Intake) -> str:
    market = paper_market(intake.options, intake.conf)
    if market is PaperMarket.LIVE:
        return "the real market, read only"
    return f"recorded {market}, {intake.options.speed} seconds a second"


async def _keep_running(intake: Intake, shelf: Shelf, terminal: Terminal, vitals: Vitals) -> None:
    clock, disk = ExchangeClock(), TimedDisk(running_ms)
    telegram = _telegram(intake, shelf, disk, terminal.tell)
    recent = RecentNews()
    redact = intake.credentials.redactor.redact
    tell = _to_all([terminal.tell, recent, *([telegram] if telegram else [])], redact)
    terminal.complain_to(tell)
    venue = await _venue(intake, clock)
    writer = begin_writing(intake, clock, tell)
    journal = OrderJournal(writer, clock.now)
    supervisor = Supervisor(
        *(intake.conf, shelf, venue, clock),
        tell=tell,
        vitals=vitals,
        disk=disk,
        away_ms=away_ms(shelf.folder, machine_time()),
        redact=redact,
        journal=journal,
    )
    office = Office(supervisor, shelf.folder, tell, disk=disk)
    limiting = Limiting(intake.conf, supervisor, office, shelf.folder, tell, disk=disk)
    reload = Reload(supervisor, intake.conf, reader(intake), tell, vitals)
    _let_reload(office, reload, limiting)
    watch = Watch(intake, supervisor, disk, vitals)
    control = SocketServer(office.obey, recent, shelf.folder, machine_time, health=watch.checkup)
    completion = JournalCompletion(supervisor.floor, journal, writer, supervisor.generations)
    _warn(shelf, tell)
    beside = {
        "the live table": terminal.show(Board(supervisor, watch.census).rows),
        "the footprint": keep_touching(shelf.folder),
        "the control socket": control.serve(),
        "the order journal's completion": completion.keep(),
        "the limits' keeper": limiting.keep(),
        **watch.tasks(venue),
    }
    if telegram is not None:
        beside["Telegram"] = telegram.run(_company(intake, supervisor, watch, office, recent))
    tasks = [asyncio.create_task(_alone(name, what, tell)) for name, what in beside.items()]
    await supervisor.run()
    assert tasks, "held until the end, which never comes"


def _company(
    intake: Intake, supervisor: Supervisor, watch: Watch, office: Office, recent: RecentNews
) -> Company:
    """Answer whom the chat asks and tells."""
    return Company(
        supervisor=supervisor,
        census=watch.census,
        office=office,
        journal=journal_path(intake.options, intake.conf.settings.journal),
        news=recent.text,
        exchange_now=supervisor.floor.clock.now,
        machine_now=machine_time,
    )


def _warn(shelf: Shelf, tell: Sink) -> None:
    for warning in shelf.warnings:
        tell(News(0, "", Kind.WARNING, warning))


def _let_reload(office: Office, reload: Reload, limiting: Limiting) -> None:
    """Have conf.json be taken over when it is asked for: by a request, or by SIGHUP."""
    office.reload, reload.on_conf = reload, limiting.take
    reload_on_hangup(office.obey, machine_time, has_terminal=sys.stdout.isatty())


def _to_all(sinks: Sequence[Sink], redact: Callable[[str], str]) -> Sink:
    """Tell all of them, and none of them a secret."""

    def tell(news: News) -> None:
        news = replace(news, at=news.at or machine_time(), text=redact(news.text))
        for sink in sinks:
            sink(news)

    return tell


async def _alone(name: str, what: Coroutine[Any, Any, None], tell: Sink) -> None:
    """Run what must not disturb the bots: if it fails, they go on without it."""
    try:
        await what
    except Exception as wrong:  # noqa: BLE001 - a window that breaks is no reason to stop trading
        tell(News(0, "", Kind.WARNING, f"{name} broke: {type(wrong).__name__}: {wrong}"))


async def _venue(intake: Intake, clock: ExchangeClock) -> BinanceVenue:
    if intake.venue == PAPER:
        books = intake.options.ctx / BOOKS
        return await open_paper_venue(intake.options, intake.conf, books, clock)
    return await open_far_venue(intake.venue, intake.credentials, clock)


def _telegram(intake: Intake, shelf: Shelf, disk: TimedDisk, tell: Sink) -> "Telegram | None":
    """Open the chat, if there is a token: what is not used is not imported."""
    if intake.credentials.telegram_token is None:
        return None
    from lib.control.telegram.opening import open_telegram

    telegram = open_telegram(intake, shelf.folder, disk, tell)
    if telegram is not None:
        started = f"started: {first_line(intake)}"
        telegram(News(machine_time(), "", Kind.START, started))
    return telegram
