"""Holds the rows of a file against each other: fine candles against coarse, trades against both.

Everything is walked through once, oldest first, in flat memory. Only candles whose every part is
there are compared; the rest is what gaps are for.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby
from typing import Final

from lib.amounts import EXACT
from lib.data.reading import Holding, MarketReading
from lib.data.rows import AggregateTrade
from lib.data.series import Kind, Series, Span, merged, uncovered
from lib.market.candles import Bar, merge_bars
from lib.market.intervals import INTERVALS, MONTH, WEEK, Frame

SHOWN: Final = 20  # disagreements of one comparison
FINEST: Final = Decimal("1E-8")  # of what the exchange shows; each trade is cut to it


@dataclass(slots=True)
class Comparison:
    """What was compared, how often, and what does not agree."""

    title: str
    compared: int = 0
    wrong: int = 0
    first_wrong: tuple[str, ...] = ()

    def note(self, sentence: str) -> None:
        self.wrong += 1
        if self.wrong <= SHOWN:
            self.first_wrong += (sentence,)


def verify(reading: MarketReading, symbols: Iterable[str] = ()) -> Iterator[Comparison]:
    """Compare all that can be compared of these symbols, or of all; one answer per comparison."""
    wanted = frozenset(symbols)
    holdings = [held for held in reading.holdings() if held.rows]
    chosen = [held for held in holdings if not wanted or held.series.symbol in wanted]
    for _, group in groupby(chosen, key=lambda held: held.series.symbol):
        of_symbol = {held.series: held for held in group}
        for held in of_symbol.values():
            if held.series.kind is not Kind.DEPTH:
                yield check_rows(reading, held)
        for fine, coarse in pairs(list(of_symbol)):
            yield compare(reading, of_symbol[fine], of_symbol[coarse])


def pairs(there: Iterable[Series]) -> list[tuple[Series, Series]]:
    """Choose what rebuilds what: each candle the finest that divides it, and trades the finest."""
    candles = sorted(
        (series for series in there if series.kind is Kind.CANDLES),
        key=lambda series: INTERVALS[series.interval],
    )
    chosen = []
    for place, coarse in enumerate(candles):
        parts = [fine for fine in candles[:place] if _divides(fine.interval, coarse.interval)]
        chosen += [(parts[-1], coarse)] if parts else []
    trades = [series for series in there if series.kind is Kind.TRADES]
    return [(series, candles[0]) for series in trades if candles] + chosen


def check_rows(reading: MarketReading, held: Holding) -> Comparison:
    """Look at each row by itself, and count: what is covered is there, or was an outage."""
    series = held.series
    found = Comparison(f"{series}: each row, and that none is missing")
    expected = [*uncovered(held.outages, Span(0, 2**62))]
    covered = [part for span in held.spans for part in _cut(span, expected)]
    places = iter(_places(series, covered))
    due = next(places, None)
    for place, complaint in _judged(reading, series):
        found.compared += 1
        if complaint:
            found.note(f"{series} {place}: {complaint}")
        while due is not None and due < place:
            found.note(f"{series} {due}: marked as there, and is not")
            due = next(places, None)
        due = next(places, None) if due == place else due
    if due is not None:
        found.note(f"{series} {due} and later: marked as there, and is not")
    return found


def compare(reading: MarketReading, fine: Holding, coarse: Holding) -> Comparison:
    """Rebuild the candles of `coarse` from what is finer and compare every one."""
    interval = coarse.series.interval
    found = Comparison(f"{coarse.series} from {fine.series.interval or 'trades'}")
    frame = Frame(interval)
    rebuilt = _rebuilt(reading, fine, frame)
    made = next(rebuilt, None)
    for bar in reading.bars(coarse.series.symbol, interval):
        while made is not None and made.bar.open_time < bar.open_time:
            made = next(rebuilt, None)
        if made is None:
            break
        if made.bar.open_time == bar.open_time:
            found.compared += 1
            difference = _difference(made, bar)
            if difference:
                found.note(f"{coarse.series} {bar.open_time}: {difference}")
    return found


def bar_of_trades(trades: Iterable[AggregateTrade], open_time: int) -> Bar:
    """Put trades together to the candle that the exchange would show. There must be one."""
    found = list(trades)
    prices = [trade.price for trade in found]
    taken = [trade for trade in found if not trade.buyer_is_maker]
    return Bar(
        open_time,
        prices[0],
        max(prices),
        min(prices),
        prices[-1],
        sum((trade.quantity for trade in found), Decimal(0)),
        sum((_quote(trade) for trade in found), Decimal(0)),
        sum(trade.last_id - trade.first_id + 1 for trade in found),
        sum((trade.quantity for trade in taken), Decimal(0)),
        sum((_quote(trade) for trade in taken), Decimal(0)),
    )


# --- rebuilding


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """A candle made from what is finer. Of some, the turnover cannot be made as it is shown."""

    bar: Bar
    exact: bool = True


def _rebuilt(reading: MarketReading, fine: Holding, frame: Frame) -> Iterator[Rebuilt]:
    """Yield the candles that can be made whole from what is finer."""
    if fine.series.kind is Kind.TRADES:
        yield from _from_trades(reading, fine, frame)
        return
    bars = reading.bars(fine.series.symbol, fine.series.interval)
    for opening, group in groupby(bars, key=lambda bar: frame.opening(bar.open_time)):
        parts = list(group)
        if _whole(parts, Frame(fine.series.interval), Span(opening, frame.moved(opening, 1))):
            # a candle without a trade is flat at the price before it, which was not traded in it
            made = merge_bars([bar for bar in parts if bar.volume] or parts, opening)
            assert made is not None
            yield Rebuilt(made)


def _from_trades(reading: MarketReading, fine: Holding, frame: Frame) -> Iterator[Rebuilt]:
    """Rebuild candles from trades, but for the first and last of each run: they may be cut."""
    ends = {span.ends for span in fine.spans}
    group: list[AggregateTrade] = []
    cut = True
    for trade in reading.trades(fine.series.symbol):
        if group and group[-1].id + 1 != trade.id and group[-1].id + 1 in ends:
            group, cut = [], True
        opening = frame.opening(trade.time)
        if group and frame.opening(group[0].time) != opening:
            if not cut:
                exact = not any(EXACT.remainder(_quote(each), FINEST) for each in group)
                yield Rebuilt(bar_of_trades(group, frame.opening(group[0].time)), exact)
            group, cut = [], False
        group.append(trade)


def _whole(parts: list[Bar], fine: Frame, span: Span) -> bool:
    times = [bar.open_time for bar in parts]
    steps = [fine.moved(time, 1) for time in times]
    return times[0] == span.begins and steps[-1] == span.ends and steps[:-1] == times[1:]


def _divides(fine: str, coarse: str) -> bool:
    """Say whether candles of one interval make up whole ones of another."""
    span, whole = INTERVALS[fine], INTERVALS[coarse]
    if coarse == MONTH:
        return span <= INTERVALS["1d"]
    if whole == WEEK:
        return WEEK % span == 0 and span <= INTERVALS["1d"]
    return whole % span == 0


def _quote(trade: AggregateTrade) -> Decimal:
    return EXACT.multiply(trade.price, trade.quantity)


def _difference(rebuilt: Rebuilt, bar: Bar) -> str:
    """Say in which figures two candles differ; empty if in none."""
    made, names = rebuilt.bar, ["open", "high", "low", "close", "volume"]
    if _counted(made) and _counted(bar):
        names += ["trades", "taker_volume"]
        names += ["quote", "taker_quote"] if rebuilt.exact else []
    differing = [name for name in names if getattr(made, name) != getattr(bar, name)]
    return ", ".join(
        f"{name} {getattr(bar, name)} is kept, {getattr(made, name)} follows" for name in differing
    )


def _counted(bar: Bar) -> bool:
    """Say whether it is known how many trades made a candle, and who took."""
    return bool(bar.trades) or not bar.volume


# --- rows by themselves


def _judged(reading: MarketReading, series: Series) -> Iterator[tuple[int, str]]:
    if series.kind is Kind.TRADES:
        for trade in reading.trades(series.symbol):
            sound = trade.price > 0 and trade.quantity > 0 and trade.last_id >= trade.first_id
            yield trade.id, "" if sound else "no trade can be like that"
        return
    frame = Frame(series.interval)
    for bar in reading.bars(series.symbol, series.interval):
        yield bar.open_time, _complaint(bar, frame)


def _complaint(bar: Bar, frame: Frame) -> str:
    if frame.opening(bar.open_time) != bar.open_time:
        return "no candle opens then"
    if not 0 < bar.low <= min(bar.open, bar.close):
        return f"its low {bar.low} is above its open or close, or is nothing"
    if bar.high < max(bar.open, bar.close):
        return f"its high {bar.high} is below its open or close"
    if bar.taker_volume > bar.volume or bar.taker_quote > bar.quote:
        return "takers bought more than was traded"
    return ""


def _cut(span: Span, parts: Iterable[Span]) -> list[Span]:
    """Give what of a span lies in the parts."""
    found = (Span(max(span.begins, each.begins), min(span.ends, each.ends)) for each in parts)
    return merged(each for each in found if each.begins < each.ends)


def _places(series: Series, spans: Iterable[Span]) -> Iterator[int]:
    for span in spans:
        place = span.begins
        while place < span.ends:
            yield place
            place = series.following(place)
