"""The command `collect`: market data of many symbols into one file, past and live."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from lib.control.exits import Exit
from lib.control.market_words import FILE, Intervals, moment_text
from lib.control.moments import Moment
from lib.control.options import PATH, Options
from lib.control.simulator_words import Symbols
from lib.control.spoken import complain, say
from lib.control.stopping import stop_on_signals
from lib.control.terminal import machine_time
from lib.errors import Halt

if TYPE_CHECKING:
    from lib.binance.addresses import Addresses
    from lib.control.collect_lines import CollectLines
    from lib.data.collecting import Collecting, Wish
    from lib.data.following import OpenStream, Wanted
    from lib.data.progress import Progress
    from lib.data.store import MarketStore

LIVE: Final = "live"
MONTH: Final = 30 * 86_400_000


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be collected, and into which file."""

    path: Path
    wanted: "Wanted"
    wishes: "Sequence[Wish]"
    once: bool


@click.command()
@click.option("--symbols", type=Symbols(), help="Which ones; without it those in the file.")
@click.option(
    "--intervals",
    type=Intervals(),
    help="Candles of these lengths, or `all` sixteen, or `none`; 1m unless you say.",
)
@click.option(
    "--since", type=Moment(UTC), help="From then on, UTC: 2024-01-01, or 90d; new ones 30d."
)
@click.option("--trades", is_flag=True, help="Every aggregate trade as well.")
@click.option("--depth", is_flag=True, help="Record the book, best prices and trades live.")
@click.option(
    "--to", "path", type=PATH, default=Path(FILE), show_default=True, help="The file it goes into."
)
@click.option("--once", is_flag=True, help="End when everything up to now is there.")
@click.option("--venue", help="Whose market: live, testnet, demo or http://HOST:PORT.")
@click.pass_context
def collect(
    context: click.Context,
    /,
    symbols: tuple[str, ...] | None,
    intervals: tuple[str, ...] | None,
    path: Path,
    venue: str | None,
    **wanted: Any,
) -> None:
    """Collect candles and trades into a file, then follow the market until you stop it.

    No key is needed, and only public questions are asked, within Binance's limits. It may be
    killed at any moment: the next start goes on from there, fills what is missing, and without
    --symbols collects what it did before. What the exchange itself does not have is written down
    as its outage, after it was asked twice; `data gaps` lists that. A candle is kept once it has
    closed.

    \b
    Two years of candles and every trade since yesterday:
      python auto_trading.py collect --symbols BTCUSDT,ETHUSDT --since 2024-01-01
      python auto_trading.py collect --symbols BTCUSDT --trades --since 24h --to trades.sqlite

    Exit code 0: all is there; 1: a symbol is left out or rows disagree; 2: it cannot start.
    """
    given = context.find_object(Options) or Options()
    try:
        name, addresses = market_of(venue or given.venue)
        context.exit(_run(path, name, addresses, symbols, intervals, **wanted))
    except (Halt, ValueError) as wrong:
        complain(str(wrong))
        context.exit(Exit.NOTHING_STARTS)


def market_of(venue: str | None) -> "tuple[str, Addresses]":
    """Find the market's name and addresses. Raises Halt for what has no market of its own."""
    from lib.binance.addresses import DEMO, NOWHERE, TESTNET, refuse_real
    from lib.binance.public_market import market_addresses

    match venue or LIVE:
        case "live":
            return LIVE, market_addresses()
        case "testnet":
            return "testnet", replace(TESTNET, ws_api=NOWHERE)
        case "demo":
            return "demo", replace(DEMO, ws_api=NOWHERE)
        case address if address.startswith(("http://", "https://")):
            addresses = market_addresses(address)
            refuse_real(addresses.name, (addresses.rest, addresses.streams))
            return address.rstrip("/"), addresses
        case other:
            raise Halt(f"{other} has no market to collect: live, testnet, demo or http://HOST:PORT")


def _run(
    path: Path,
    name: str,
    addresses: "Addresses",
    symbols: tuple[str, ...] | None,
    intervals: tuple[str, ...] | None,
    **wanted: Any,
) -> Exit:
    import sqlite3

    from lib.data.amounts import Unstorable
    from lib.data.store import MarketStore

    store = MarketStore(path, origin=name)
    try:
        order = ordered(store, path, symbols, intervals, **wanted)
        stop_on_signals()
        say(_announcement(order, name))
        return asyncio.run(_collect(store, order, addresses))
    except (sqlite3.Error, Unstorable, OSError) as wrong:
        complain(f"nothing more can be saved into {path}: {wrong}")
        return Exit.ATTENTION
    except Halt as wrong:
        complain(str(wrong))
        return Exit.ATTENTION
    finally:
        store.close()


def ordered(
    store: "MarketStore",
    path: Path,
    symbols: tuple[str, ...] | None,
    intervals: tuple[str, ...] | None,
    *,
    since: int | None,
    trades: bool,
    depth: bool,
    once: bool,
) -> Order:
    """Work out what is wanted; without symbols it is what the file has. Raises ValueError."""
    from lib.data.collecting import wishes_of
    from lib.data.following import Wanted

    if symbols is None:
        return _as_before(store, path, since, once=once)
    wanted = Wanted(symbols, ("1m",) if intervals is None else intervals, trades, depth)
    _note_depth(store, wanted)
    before = dict(store.wishes()) if since is None else {}
    wishes = wishes_of(wanted, machine_time() - MONTH if since is None else since, before)
    if not wishes and (once or not depth):
        raise ValueError("nothing is wanted: --intervals, --trades, or --depth without --once")
    return Order(path, wanted, wishes, once)


def _as_before(store: "MarketStore", path: Path, since: int | None, *, once: bool) -> Order:
    """Go on with what a file's series are. Raises ValueError if it has none."""
    from lib.data.collecting import Wish
    from lib.data.following import Wanted
    from lib.data.series import Kind

    kept = store.wishes()
    if not kept:
        raise ValueError(f"nothing was collected into {path} yet: name --symbols, as in BTCUSDT")
    kinds = {series.kind for series, _ in kept}
    wanted = Wanted(
        tuple(dict.fromkeys(series.symbol for series, _ in kept)),
        tuple(dict.fromkeys(series.interval for series, _ in kept if series.interval)),
        Kind.TRADES in kinds,
        Kind.DEPTH in kinds,
    )
    wishes = [
        Wish(series, before if since is None else min(since, before))
        for series, before in kept
        if series.kind is not Kind.DEPTH
    ]
    return Order(path, wanted, wishes, once)


def _note_depth(store: "MarketStore", wanted: "Wanted") -> None:
    from lib.data.series import Kind, Series

    now = machine_time()
    for symbol in wanted.symbols if wanted.depth else ():
        store.note_wish(Series(Kind.DEPTH, symbol), now, now)


def _announcement(order: Order, name: str) -> str:
    wanted = order.wanted
    parts = [*wanted.intervals, *(["trades"] if wanted.trades else [])]
    parts += ["depth"] if wanted.depth else []
    since = min((wish.since for wish in order.wishes), default=None)
    begins = f" since {moment_text(since)} UTC" if since is not None else ""
    return f"{', '.join(wanted.symbols)} of {name}: {', '.join(parts)}{begins}, into {order.path}"


async def _collect(store: "MarketStore", order: Order, addresses: "Addresses") -> Exit:
    from lib.control.collect_lines import CollectLines
    from lib.data.progress import Progress

    progress = Progress()
    lines = CollectLines(progress)
    showing = asyncio.create_task(lines.keep_shown())
    try:
        collecting = await _gather(store, order, addresses, lines, progress)
    finally:
        showing.cancel()
        lines.leave()
    return Exit.ATTENTION if collecting.refused or progress.differing else Exit.FINE


async def _gather(
    store: "MarketStore",
    order: Order,
    addresses: "Addresses",
    lines: "CollectLines",
    progress: "Progress",
) -> "Collecting":
    """Run the collector over sockets of its own."""
    import aiohttp

    from lib.binance.client import RestTransport
    from lib.binance.public_market import PublicClient
    from lib.data.collecting import Collecting, collect
    from lib.data.filling import Filling
    from lib.data.questions import Questions
    from lib.data.writer import Writer

    questions = Questions(RestTransport(PublicClient.build(addresses, "", "")))
    writer = Writer(store)
    filling = Filling(questions, writer, progress.advance)
    collecting = Collecting(questions, writer, filling, progress)
    async with aiohttp.ClientSession(trust_env=False) as session:
        stream = None if order.once else _streams(session, addresses)
        try:
            await collect(
                collecting, order.wanted, order.wishes, open_stream=stream, told=lines.tell
            )
        finally:
            await questions.close()
            writer.close()
    return collecting


def _streams(session: Any, addresses: "Addresses") -> "OpenStream":
    from lib.binance.market_stream import MarketStream

    def open_stream(kinds: Sequence[str], on_lost: Callable[[str], None]) -> MarketStream:
        return MarketStream(session, addresses.streams, kinds=kinds, on_lost=on_lost)

    return open_stream
