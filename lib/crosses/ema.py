"""Exponential moving averages, and the signal of two that cross, one candle after the other.

An average of n values is undefined before the n-th, which makes it their simple mean; each later
value moves it by 2 / (n + 1) of the distance. All that the next candle needs is in the context.
"""

from decimal import ROUND_HALF_EVEN, Decimal
from decimal import Context as Arithmetic
from typing import Final, Literal, TypeAlias

from lib.exchange import ZERO, Candle
from lib.machine import Context

Source: TypeAlias = Literal["close", "oc2", "hloc4"]

DIGITS: Final = Arithmetic(prec=28, rounding=ROUND_HALF_EVEN)


class Ema(Context):
    """One average and what it has seen."""

    period: int
    seen: int = 0
    total: Decimal = ZERO  # of the values before it is defined
    value: Decimal | None = None


def follow(ema: Ema, price: Decimal) -> None:
    """Take the next value in."""
    ema.seen += 1
    if ema.value is not None:
        step = DIGITS.divide(DIGITS.multiply(Decimal(2), price - ema.value), ema.period + 1)
        ema.value = DIGITS.add(ema.value, step)
        return
    ema.total += price
    if ema.seen == ema.period:
        ema.value, ema.total = DIGITS.divide(ema.total, Decimal(ema.period)), ZERO


class CrossSignal(Context):
    """Long or flat, by two averages and a stop, as of the candle that was evaluated last."""

    fast: Ema
    slow: Ema
    source: Source
    stop: Decimal  # below the best close since it opened, a fraction

    evaluated: int = 0  # when the newest evaluated candle opened, exchange ms; 0: none
    lead: int | None = None  # 1: fast is above slow, -1: below, 0: equal; None: not defined yet
    long: bool = False
    opened_at: int = 0  # when the candle opened whose cross opened it
    best: Decimal = ZERO  # the best close since
    stop_at: Decimal | None = None
    why: str = ""  # it is long, or not any more


def price_of(candle: Candle, source: Source) -> Decimal:
    """Answer what of a candle is averaged."""
    if source == "close":
        return candle.close
    if source == "oc2":
        return (candle.open + candle.close) / 2
    return (candle.high + candle.low + candle.open + candle.close) / 4


def evaluate(signal: CrossSignal, candle: Candle) -> None:
    """Take the next closed candle in: the stop first, then a cross down, then a cross up.

    The stop that counts is the one of the candles before.
    """
    assert candle.open_time > signal.evaluated, "a candle is evaluated once, in order"
    crossed = _move_averages(signal, candle)
    if signal.long and signal.stop_at is not None and candle.low <= signal.stop_at:
        _end(signal, "its stop was touched")
    if signal.long and crossed == "down":
        _end(signal, "the fast average fell below the slow one")
    if not signal.long and crossed == "up":
        signal.long, signal.opened_at, signal.best = True, candle.open_time, ZERO
        signal.why = "the fast average rose above the slow one"
    if signal.long and candle.close > signal.best:
        signal.best, signal.stop_at = candle.close, candle.close * (1 - signal.stop)


def warm_up(signal: CrossSignal, candle: Candle) -> None:
    """Take a candle of the past in: it moves the averages, and no cross of it counts."""
    assert candle.open_time > signal.evaluated, "a candle is evaluated once, in order"
    _move_averages(signal, candle)


def _move_averages(signal: CrossSignal, candle: Candle) -> Literal["", "up", "down"]:
    """Move both and say whether they crossed."""
    signal.evaluated = candle.open_time
    price = price_of(candle, signal.source)
    follow(signal.fast, price)
    follow(signal.slow, price)
    if signal.fast.value is None or signal.slow.value is None:
        return ""
    before, ahead = signal.lead, signal.fast.value - signal.slow.value
    signal.lead = int(ahead > 0) - int(ahead < 0)
    if before is None or signal.lead == 0:
        return ""
    if signal.lead > 0:
        return "up" if before <= 0 else ""
    return "down" if before >= 0 else ""


def _end(signal: CrossSignal, why: str) -> None:
    signal.long, signal.stop_at, signal.why = False, None, why
