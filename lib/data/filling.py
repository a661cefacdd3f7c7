"""Fills what is missing of one series from the exchange's history, a page after the other.

A hole in an answer is asked for a second time, a moment later. What is missing both times is an
outage of the exchange and is written down as that; what is too young to be sure of is left open
and asked for again in the next round.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from lib.data.questions import Page, Questions
from lib.data.rows import Piece, place_of
from lib.data.series import Kind, Series, Span, runs, uncovered
from lib.data.store import Added
from lib.market.intervals import Frame

YOUNG: Final = 600_000  # ms: the exchange's history may lag behind its market
SECOND_LOOK: Final = 2_000  # ms

Told = Callable[[Series, Span, Added], None]
Looked = Page[Any]


class Sink(Protocol):
    """Where pieces are saved."""

    async def add(self, pieces: Sequence[Piece]) -> Added: ...

    async def missing(self, series: Series, whole: Span) -> list[Span]: ...


@dataclass(frozen=True, slots=True)
class Filling:
    """How holes are filled: who is asked, where it goes, who is told of it."""

    questions: Questions
    sink: Sink
    told: Told
    second_look: int = SECOND_LOOK
    young: int = YOUNG

    async def fill(self, series: Series, whole: Span) -> None:
        """Fill what is missing of a whole. Raises Unavailable, Refused, Unstorable."""
        for span in await self.sink.missing(series, whole):
            begins = span.begins
            while begins < span.ends:
                reached = await self._fill_page(series, Span(begins, span.ends))
                if reached == begins:
                    return  # the exchange does not show it yet
                begins = reached

    async def _fill_page(self, series: Series, span: Span) -> int:
        """Save what one page brings; answer how far it is complete."""
        page = await self._ask(series, span)
        piece, until = await self._settled(series, span.begins, page)
        if until > span.begins:
            added = await self.sink.add([piece])
            self.told(series, Span(span.begins, until), added)
        return until

    async def _settled(self, series: Series, begins: int, page: Looked) -> tuple[Piece, int]:
        """Look a second time for what a page does not have."""
        items, until = {place_of(item): item for item in page.items}, page.until
        outages: list[Span] = []
        holes = uncovered(runs(series, items), Span(begins, until))
        if any(self._sure_part(series, hole, page) for hole in holes):
            await asyncio.sleep(self.second_look / 1000)
        for hole in holes:
            sure = self._sure_part(series, hole, page)
            if sure is None:
                until = hole.begins
                break
            again = await self._ask(series, sure)
            items |= {place_of(item): item for item in again.items}
            found = runs(series, (place_of(item) for item in again.items))
            outages += uncovered(found, Span(sure.begins, again.until))
            if again.until < hole.ends:
                until = again.until
                break
        kept = tuple(items[place] for place in sorted(items) if place < until)
        span = Span(begins, until)
        return Piece(series, kept, (span,), tuple(outages), page.asked_at), until

    def _sure_part(self, series: Series, hole: Span, page: Looked) -> Span | None:
        """Give what of a hole can be the exchange's: it is old, or a trade came after it."""
        if series.kind is Kind.TRADES:
            return hole if any(item.id >= hole.ends for item in page.items) else None
        settled = Frame(series.interval).opening(max(0, page.asked_at - self.young))
        sure = Span(hole.begins, min(hole.ends, settled))
        return sure if sure.begins < sure.ends else None

    async def _ask(self, series: Series, span: Span) -> Looked:
        if series.kind is Kind.TRADES:
            return await self.questions.trades(series.symbol, span)
        return await self.questions.candles(series.symbol, series.interval, span)
