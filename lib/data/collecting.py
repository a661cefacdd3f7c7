"""Collects market data: fills the past, then follows the market, for as long as it is wanted.

Every step is resumable: what is there is in the file's spans, what is missing is asked for. The
exchange being away is weather and waited out.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from lib.data.filling import Filling
from lib.data.following import Following, OpenStream, Wanted, reset_words
from lib.data.progress import Progress
from lib.data.questions import Questions
from lib.data.series import Kind, Series, Span
from lib.data.writer import Writer
from lib.errors import Halt, Refused, Unavailable
from lib.market.intervals import Frame

AT_ONCE: Final = 4  # series that are filled side by side
RETRY_FIRST: Final = 1_000  # ms
RETRY_LAST: Final = 60_000
ROUND: Final = 20_000  # ms between two looks for what the streams have missed
GRACE: Final = 15_000  # ms in which the stream is left to bring a candle by itself
QUIET: Final = 60_000  # ms without a trade in the stream, after which the newest is asked for

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Wish:
    """One series, and since when (ms) it is wanted."""

    series: Series
    since: int


@dataclass(slots=True)
class Collecting:
    """One file's collector."""

    questions: Questions
    writer: Writer
    filling: Filling
    progress: Progress
    retry_first: int = RETRY_FIRST
    refused: dict[Series, str] = field(default_factory=dict)
    _firsts: dict[Wish, int] = field(default_factory=dict)
    _complete: dict[Series, Span] = field(default_factory=dict)

    async def catch_up(self, wishes: Sequence[Wish], following: Following | None = None) -> None:
        """Fill every series up to now. Raises sqlite3.Error and Unstorable."""
        waiting = [wish for wish in wishes if wish.series not in self.refused]
        if not self.progress.caught_up:
            await self._announce(waiting)
        waiting.reverse()

        async def work() -> None:
            while waiting:
                await self._catch_up_one(waiting.pop(), following)

        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(min(AT_ONCE, len(waiting))):
                    group.create_task(work())
        except ExceptionGroup as several:
            raise several.exceptions[0] from None

    async def follow(
        self, wishes: Sequence[Wish], following: Following, *, every: int = ROUND
    ) -> None:
        """Look again and again for what the streams have missed. Raises what saving raises."""
        while following.fault is None:
            await asyncio.sleep(every / 1000)
            await following.flush()
            await self.catch_up(wishes, following)
        raise following.fault

    async def _announce(self, wishes: Sequence[Wish]) -> None:
        """Count what is missing of the candles, which can be known without a question."""
        for wish in wishes:
            if wish.series.kind is Kind.CANDLES and self.questions.clock.known:
                first = Frame(wish.series.interval).first_from(wish.since)
                span = Span(first, max(first, self.questions.clock.now()))
                missing = await self.writer.missing(wish.series, span)
                self.progress.begin(wish.series, missing)

    async def _catch_up_one(self, wish: Wish, following: Following | None) -> None:
        delay = self.retry_first
        while True:
            try:
                await self._fill(wish, await self._whole(wish, following))
            except Refused as wrong:
                self.refused[wish.series] = str(wrong)
                self.progress.complain(f"{wish.series} is left out: {wrong}")
            except Unavailable as weather:
                self.progress.wait(wish.series, str(weather))
                await asyncio.sleep(delay / 1000)
                delay = min(2 * delay, RETRY_LAST)
                continue
            self.progress.end(wish.series)
            return

    async def _fill(self, wish: Wish, whole: Span) -> None:
        """Fill a series, unless it is known to be complete up to there."""
        series = wish.series
        if self._complete.get(series) == whole:
            return
        missing = await self.writer.missing(series, whole)
        self.progress.begin(series, missing)
        await self.filling.fill(series, whole)
        if not missing or not await self.writer.missing(series, whole):
            self._complete[series] = whole

    async def _whole(self, wish: Wish, following: Following | None) -> Span:
        """Find from where to where a series is wanted. Raises Unavailable, Refused."""
        series = wish.series
        first = await self._first(wish)
        if series.kind is Kind.CANDLES:
            closed = await self.questions.closed_until(series.interval)
            if following is not None:
                late = Frame(series.interval).opening(self.questions.clock.now() - GRACE)
                closed = min(closed, late)
            return Span(first, max(first, closed))
        return Span(first, max(first, await self._last_trade(series.symbol, following) + 1))

    async def _first(self, wish: Wish) -> int:
        """Give the place where a wish begins; it is found once and remembered."""
        if wish not in self._firsts:
            self._firsts[wish] = await self._found_first(wish)
        return self._firsts[wish]

    async def _found_first(self, wish: Wish) -> int:
        series = wish.series
        known = await self.writer.wish(series)
        if known is not None and known[0] <= wish.since:
            return known[1]
        if series.kind is Kind.CANDLES:
            first = Frame(series.interval).first_from(wish.since)
        else:
            first = await self.questions.first_trade_from(series.symbol, wish.since)
        await self.writer.note_wish(series, wish.since, first)
        return first

    async def _last_trade(self, symbol: str, following: Following | None) -> int:
        heard = following.newest_trades.get(symbol) if following else None
        if heard is not None and self.questions.clock.now() - heard.at < QUIET:
            return heard.trade.id
        newest = await self.questions.newest_trade(symbol)
        if newest is None:
            return -1
        kept = await self.writer.newest_trade(Series(Kind.TRADES, symbol))
        if kept is not None and newest.id < kept[0] and newest.time > kept[1]:
            raise Halt(reset_words(symbol, kept[0], newest.id))
        return newest.id


def wishes_of(
    wanted: Wanted, since: int, before: Mapping[Series, int] = MappingProxyType({})
) -> list[Wish]:
    """List the series that can be filled from the past; books cannot.

    `before` says since when some are wanted already, whatever is said now.
    """
    series = [
        Series(Kind.CANDLES, symbol, interval)
        for symbol in wanted.symbols
        for interval in wanted.intervals
    ]
    if wanted.trades:
        series += [Series(Kind.TRADES, symbol) for symbol in wanted.symbols]
    return [Wish(each, before.get(each, since)) for each in series]


async def collect(
    collecting: Collecting,
    wanted: Wanted,
    wishes: Sequence[Wish],
    *,
    open_stream: OpenStream | None,
    told: Callable[[str], None] = lambda _text: None,
) -> None:
    """Fill the past and, with a stream, follow the market for ever.

    The streams are heard from the beginning: what happens while the past is filled is not lost.
    Raises sqlite3.Error, Unstorable, Halt.
    """
    await _begin(collecting, wanted.symbols[0])
    if open_stream is None:
        await collecting.catch_up(wishes)
        return
    following = Following(
        wanted,
        collecting.questions,
        collecting.writer,
        series={wish.series for wish in wishes},
        told=collecting.progress.add_live,
    )
    following.start(open_stream)
    try:
        await collecting.catch_up(wishes)
        collecting.progress.caught_up = True
        told("everything up to now is there; following the market, Ctrl-C stops it")
        await collecting.follow(wishes, following)
    finally:
        await following.close()


async def _begin(collecting: Collecting, symbol: str) -> None:
    delay = collecting.retry_first
    while True:
        try:
            await collecting.questions.begin(symbol)
        except Refused:
            return  # that symbol is none: told where it is asked for
        except Unavailable as weather:
            collecting.progress.wait(None, str(weather))
            await asyncio.sleep(delay / 1000)
            delay = min(2 * delay, RETRY_LAST)
        else:
            return
