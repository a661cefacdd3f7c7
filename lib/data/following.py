"""Follows the market live: candles as they close, trades, and recordings of the book.

The streams bring what is new at once; what they miss is found in the spans and asked for by the
same rounds that fill the past. So a lost connection costs questions and never a row, but for the
book: what was not recorded of it is gone, and the recording says from where to where.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable, Container, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, Protocol

from lib.binance.grain import Unreadable
from lib.binance.transport import Frame
from lib.data.joining import Joining
from lib.data.questions import Questions, bar_of_event, trade_of
from lib.data.rows import AggregateTrade, Item, Line, Piece, place_of
from lib.data.series import Kind, Series, Span, runs
from lib.data.store import Added
from lib.errors import BotError, Halt
from lib.market.candles import Bar

FLUSH: Final = 1_000  # ms between two batches: as much as a kill can cost
SNAPSHOT_EVERY: Final = 3_600_000  # ms, so that a recording can be read from near any moment
SNAPSHOT_PAUSE: Final = 1_000  # ms until a snapshot is asked for again
STREAMS_MAX: Final = 1_000  # Binance takes 1024 per connection
PULSE: Final = "miniTicker"  # comes every second and tells quiet from dead

log = logging.getLogger(__name__)


class Stream(Protocol):
    """A connection to the market's streams that is always renewed."""

    def start(self, on_frame: Callable[[Frame], None]) -> None: ...

    def follow(self, symbol: str) -> None: ...

    async def close(self) -> None: ...


OpenStream = Callable[[Sequence[str], Callable[[str], None]], Stream]
"""Makes a stream of these kinds for each symbol it follows; tells when it was lost."""


class Keep(Protocol):
    """Where pieces go."""

    async def add(self, pieces: Sequence[Piece]) -> Added: ...


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is followed of each symbol."""

    symbols: tuple[str, ...]
    intervals: tuple[str, ...] = ()
    trades: bool = False
    depth: bool = False

    @property
    def kinds(self) -> tuple[str, ...]:
        """Name the streams of each symbol."""
        candles = tuple(f"kline_{interval}" for interval in self.intervals)
        trades = ("aggTrade",) if self.trades else ()
        depth = ("depth@100ms", "bookTicker", "trade") if self.depth else ()
        return (*candles, *trades, *depth, PULSE)

    def groups(self) -> list[tuple[str, ...]]:
        """Part the symbols by what one connection carries."""
        size = max(1, STREAMS_MAX // len(self.kinds))
        return [self.symbols[at : at + size] for at in range(0, len(self.symbols), size)]


@dataclass(frozen=True, slots=True)
class Heard:
    """A trade of the stream, and when (exchange ms) it came."""

    trade: AggregateTrade
    at: int


class Following:
    """Hears the streams and saves in batches. Owns the streams and its tasks."""

    def __init__(
        self,
        wanted: Wanted,
        questions: Questions,
        keep: Keep,
        *,
        series: Container[Series],
        flush: int = FLUSH,
        pause: int = SNAPSHOT_PAUSE,
        told: Callable[[Added], None] = lambda _added: None,
    ) -> None:
        self._wanted = wanted
        self._questions = questions
        self._keep = keep
        self._series = series  # of candles and trades: what else comes is not kept
        self._flush = flush
        self._pause = pause
        self._told = told
        self._items: defaultdict[Series, list[Item]] = defaultdict(list)
        self._covered: defaultdict[Series, list[Span]] = defaultdict(list)
        self._joins = {name: Joining(name) for name in wanted.symbols} if wanted.depth else {}
        self._recorded_since: dict[str, int] = {}  # exchange ms up to which a session is covered
        self._streams: list[Stream] = []
        self._tasks: list[asyncio.Task[None]] = []
        self.newest_trades: dict[str, Heard] = {}
        self.fault: BaseException | None = None  # why nothing can be saved any more

    def start(self, open_stream: OpenStream) -> None:
        """Open the streams and keep them open."""
        for symbols in self._wanted.groups():
            stream = open_stream(self._wanted.kinds, partial(self._lost, symbols))
            stream.start(self._hear)
            for symbol in symbols:
                stream.follow(symbol)
            self._streams.append(stream)
        self._employ(self._keep_flushing(), "save the streams")
        if self._joins:
            self._employ(self._keep_in_step(), "join the books")

    async def close(self) -> None:
        """Save what was heard, and let go of the streams."""
        for stream in self._streams:
            await stream.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self.fault is None:
            await self.flush()

    async def flush(self) -> None:
        """Save everything that was heard up to now, as one transaction."""
        pieces = self._taken()
        if pieces:
            self._told(await self._keep.add(pieces))

    def _employ(self, work: Coroutine[Any, Any, None], name: str) -> None:
        """Run something for as long as this lasts; its failure is everybody's."""
        task = asyncio.create_task(work, name=name)
        task.add_done_callback(self._note_end)
        self._tasks.append(task)

    def _note_end(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled():
            self.fault = self.fault or task.exception()

    # --- hearing

    def _hear(self, frame: Frame) -> None:
        symbol = frame.get("s")
        if not isinstance(symbol, str):
            return
        try:
            match frame.get("e"):
                case "kline":
                    self._hear_candle(symbol, frame)
                case "aggTrade":
                    self._hear_trade(symbol, frame)
                case _:
                    self._record(symbol, frame)
        except Unreadable as wrong:
            log.warning("%s: a message of the stream cannot be read: %s", symbol, wrong)
            self._lose((symbol,))

    def _hear_candle(self, symbol: str, frame: Frame) -> None:
        interval, bar, closed = bar_of_event(frame)
        series = Series(Kind.CANDLES, symbol, interval)
        if closed and series in self._series:
            self._items[series].append(bar)

    def _hear_trade(self, symbol: str, frame: Frame) -> None:
        trade, series = trade_of(frame), Series(Kind.TRADES, symbol)
        if series not in self._series:
            return
        known = self.newest_trades.get(symbol)
        if known is not None and begins_anew(known.trade, trade):
            self.fault = self.fault or Halt(reset_words(symbol, known.trade.id, trade.id))
        if self.fault is None:
            self.newest_trades[symbol] = Heard(trade, self._questions.clock.now())
            self._items[series].append(trade)

    def _record(self, symbol: str, frame: Frame) -> None:
        joining = self._joins.get(symbol)
        if joining is not None:
            self._put(joining, joining.hear(frame, self._questions.clock.now()))

    def _put(self, joining: Joining, lines: Iterable[Line]) -> None:
        """Keep lines; what was recorded without a gap is covered up to the last of them."""
        series = Series(Kind.DEPTH, joining.symbol)
        for line in lines:
            self._items[series].append(line)
            since = self._recorded_since.get(joining.symbol)
            if joining.in_step:
                begins = line.received_at if since is None else since
                self._covered[series].append(Span(begins, line.received_at + 1))
                self._recorded_since[joining.symbol] = line.received_at
        if not joining.in_step:
            self._recorded_since.pop(joining.symbol, None)

    def _lost(self, symbols: Iterable[str], _why: str) -> None:
        self._lose(symbols)

    def _lose(self, symbols: Iterable[str]) -> None:
        for symbol in symbols:
            if symbol in self._joins:
                self._joins[symbol].lose_step()
                self._recorded_since.pop(symbol, None)

    # --- saving

    def _taken(self) -> list[Piece]:
        """Take what was heard since the last time."""
        items, self._items = self._items, defaultdict(list)
        covered, self._covered = self._covered, defaultdict(list)
        return [
            Piece(series, tuple(found), tuple(covered[series]) or _covered_by(series, found))
            for series, found in items.items()
        ]

    async def _keep_flushing(self) -> None:
        while True:
            await asyncio.sleep(self._flush / 1000)
            await self.flush()

    # --- books

    async def _keep_in_step(self) -> None:
        due: Mapping[str, int] = dict.fromkeys(self._joins, 0)
        renewed = dict(due)
        while True:
            for symbol, joining in self._joins.items():
                if joining.in_step and self._overdue(renewed[symbol]):
                    self._lose((symbol,))
                if joining.wants_snapshot and await self._settle(joining):
                    renewed[symbol] = self._questions.clock.now()
            await asyncio.sleep(self._pause / 1000)

    def _overdue(self, renewed: int) -> bool:
        return self._questions.clock.now() - renewed > SNAPSHOT_EVERY

    async def _settle(self, joining: Joining) -> bool:
        """Ask for a snapshot and stand the held changes behind it."""
        try:
            snapshot = await self._questions.snapshot(joining.symbol)
            lines = joining.settle(snapshot, self._questions.clock.now())
        except (BotError, Unreadable) as wrong:
            log.debug("%s: no snapshot yet: %s", joining.symbol, wrong)
            return False
        self._put(joining, lines or ())
        return lines is not None


def begins_anew(known: AggregateTrade, later: AggregateTrade) -> bool:
    """Say whether an exchange has begun to count anew, as testnet does when it is reset."""
    return later.id < known.id and later.time > known.time


def reset_words(symbol: str, known: int, later: int) -> str:
    """Say that trades of two lives of an exchange do not go into one file."""
    return (
        f"{symbol}: trade {later} came after trade {known}: the exchange was reset and "
        "counts anew; name another file"
    )


def _covered_by(series: Series, items: Iterable[Item]) -> tuple[Span, ...]:
    if series.kind is Kind.DEPTH:
        return ()  # best prices and trades beside a book that is not in step
    places = (place_of(item) for item in items if isinstance(item, Bar | AggregateTrade))
    return tuple(runs(series, places))
