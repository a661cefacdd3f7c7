"""Tickers and average prices as the streams send them."""

from typing import Any

from lib.simulator.calls.market_data import Shown
from lib.simulator.calls.tickers import Statistics, rolling_day, rolling_window
from lib.simulator.engine.depth import best_texts
from lib.simulator.units import write


def mini_event(shown: Shown, now: int) -> dict[str, Any]:
    """Tell the last 24 hours in short."""
    found = rolling_day(shown.market, shown.chart, now)
    return {
        "e": "24hrMiniTicker",
        "E": now,
        "s": found.symbol,
        "c": write(found.last),
        "o": write(found.total.open),
        "h": write(found.total.high),
        "l": write(found.total.low),
        "v": write(found.total.volume),
        "q": write(found.total.quote),
    }


def day_event(shown: Shown, now: int) -> dict[str, Any]:
    """Tell the last 24 hours."""
    found = rolling_day(shown.market, shown.chart, now)
    return {
        "e": "24hrTicker",
        "E": now,
        "s": found.symbol,
        **_changes(found),
        "x": write(found.before),
        "c": write(found.last),
        "Q": write(found.last_quantity),
        **best_texts(shown.market.book, "bBaA"),
        **_totals(found),
    }


def window_event(shown: Shown, now: int, name: str, size: int) -> dict[str, Any] | None:
    """Tell a rolling window; None before the first trade."""
    found = rolling_window(shown.market, shown.chart, now, size)
    if found is None:
        return None
    return {
        "e": f"{name}Ticker",
        "E": now,
        "s": found.symbol,
        **_changes(found),
        "c": write(found.last),
        **_totals(found),
    }


def average_event(shown: Shown, now: int) -> dict[str, Any] | None:
    """Tell the average price; None before the first trade."""
    tape = shown.market.tape
    average = tape.average(now)
    if average is None:
        return None
    return {
        "e": "avgPrice",
        "E": now,
        "s": shown.market.rules.symbol,
        "i": f"{tape.average_minutes}m",
        "w": write(average),
        "T": tape.trades[-1].time if tape.trades else 0,
    }


def reference_event(shown: Shown, now: int) -> dict[str, Any] | None:
    """Tell the reference price, null while there is none; None if there never was one."""
    reference = shown.market.reference
    if not reference.ever:
        return None
    price = reference.price(now)
    return {
        "e": "referencePrice",
        "s": shown.market.rules.symbol,
        "r": None if price is None else write(price),
        "t": now,
    }


def _changes(found: Statistics) -> dict[str, Any]:
    return {
        "p": write(found.change),
        "P": found.change_percent,
        "w": write(found.average),
    }


def _totals(found: Statistics) -> dict[str, Any]:
    total = found.total
    return {
        "o": write(total.open),
        "h": write(total.high),
        "l": write(total.low),
        "v": write(total.volume),
        "q": write(total.quote),
        "O": found.opens,
        "C": found.closes,
        "F": total.first_id,
        "L": total.last_id,
        "n": total.count,
    }
