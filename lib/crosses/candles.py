"""The candles that move two averages: each is evaluated once, in order."""

from collections.abc import Callable
from decimal import Decimal
from typing import Protocol

from lib.closed_candles import (
    Interval,
    closed_after,
    missing_before,
    newest_closed,
    next_look,
)
from lib.crosses.ema import CrossSignal, Ema, Source, evaluate, warm_up
from lib.desk import Desk
from lib.news import Kind


class CrossTerms(Protocol):
    """What a section says of the averages."""

    @property
    def symbol(self) -> str: ...

    @property
    def interval(self) -> Interval: ...

    @property
    def fast(self) -> int: ...

    @property
    def slow(self) -> int: ...

    @property
    def source(self) -> Source: ...

    @property
    def stop(self) -> Decimal: ...


async def begin_signal(desk: Desk, terms: CrossTerms) -> CrossSignal:
    """Begin with the averages of the past; the first cross that counts is still to come."""
    fast, slow = Ema(period=terms.fast), Ema(period=terms.slow)
    signal = CrossSignal(fast=fast, slow=slow, source=terms.source, stop=terms.stop)
    for candle in await newest_closed(desk, terms.symbol, terms.interval):
        warm_up(signal, candle)
    return signal


def is_of_other_terms(signal: CrossSignal, terms: CrossTerms) -> bool:
    """Say whether a signal began with other averages than are wanted now."""
    wanted = (terms.fast, terms.slow, terms.source, terms.stop)
    return wanted != (signal.fast.period, signal.slow.period, signal.source, signal.stop)


async def take_closed(desk: Desk, terms: CrossTerms, signal: CrossSignal) -> bool:
    """Evaluate what has closed since; say whether anything did. Raises Unavailable."""
    found = await closed_after(desk, terms.symbol, terms.interval, signal.evaluated)
    for candle in found:
        seen = signal.evaluated
        missing = missing_before(terms.interval, seen, candle) if seen else 0
        if missing > 0:
            lacking = f"the exchange has no candle for {missing} times {terms.interval}"
            desk.tell(Kind.WARNING, lacking)
        evaluate(signal, candle)
    return bool(found)


async def await_candle(
    desk: Desk, terms: CrossTerms, signal: CrossSignal, is_over: Callable[[], bool]
) -> None:
    """Wait until the next candle has closed, or nobody wants it any more."""
    at = next_look(terms.interval, signal.evaluated, desk.now())
    while desk.now() < at and not is_over():
        await desk.until_save(at)
