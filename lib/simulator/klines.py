"""Candles and day tickers in Binance's shapes."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from lib.market.candles import INTERVALS, ZERO, Bar, Chart, merge_bars

EIGHT = Decimal("1E-8")
DAY_PIECES = 97  # quarters of an hour in 24 h, and the one that is growing


def kline_row(interval: str, bar: Bar) -> list[int | str]:
    """Return a candle as REST answers it."""
    return [
        bar.open_time,
        _amount(bar.open),
        _amount(bar.high),
        _amount(bar.low),
        _amount(bar.close),
        _amount(bar.volume),
        bar.open_time + INTERVALS[interval] - 1,
        _amount(bar.quote),
        bar.trades,
        _amount(bar.taker_volume),
        _amount(bar.taker_quote),
        "0",
    ]


def kline_event(symbol: str, interval: str, bar: Bar, now: int, *, closed: bool) -> dict[str, Any]:
    """Return a candle as the stream sends it."""
    close_time = bar.open_time + INTERVALS[interval] - 1
    return {
        "e": "kline",
        "E": close_time + 1 if closed else now,
        "s": symbol,
        "k": {
            "t": bar.open_time,
            "T": close_time,
            "s": symbol,
            "i": interval,
            "f": bar.first_trade_id,
            "L": bar.last_trade_id,
            "o": _amount(bar.open),
            "c": _amount(bar.close),
            "h": _amount(bar.high),
            "l": _amount(bar.low),
            "v": _amount(bar.volume),
            "n": bar.trades,
            "x": closed,
            "q": _amount(bar.quote),
            "V": _amount(bar.taker_volume),
            "Q": _amount(bar.taker_quote),
            "B": "0",
        },
    }


def mini_ticker(symbol: str, chart: Chart, now: int) -> dict[str, Any]:
    """Return the last 24 hours in short. They begin on a full quarter of an hour."""
    day = _day(chart, now)
    return {
        "e": "24hrMiniTicker",
        "E": now,
        "s": symbol,
        "c": _amount(day.close),
        "o": _amount(day.open),
        "h": _amount(day.high),
        "l": _amount(day.low),
        "v": _amount(day.volume),
        "q": _amount(day.quote),
    }


def ticker(symbol: str, chart: Chart, now: int, best: Mapping[str, Any]) -> dict[str, Any]:
    """Return the last 24 hours. `best` is a book of at least one level."""
    day = _day(chart, now)
    bid, ask = _first(best["bids"]), _first(best["asks"])
    change = day.close - day.open
    return {
        **mini_ticker(symbol, chart, now),
        "e": "24hrTicker",
        "p": _amount(change),
        "P": _percent(change, day.open),
        "w": _amount(day.quote / day.volume if day.volume else day.close),
        "x": _amount(day.open),
        "Q": "0.00000000",
        "b": bid[0],
        "B": bid[1],
        "a": ask[0],
        "A": ask[1],
        "O": day.open_time,
        "C": now,
        "F": day.first_trade_id,
        "L": day.last_trade_id,
        "n": day.trades,
    }


def _day(chart: Chart, now: int) -> Bar:
    bars = chart.bars("15m", now=now, start=None, end=None, limit=DAY_PIECES)
    day = merge_bars(bars, bars[0].open_time) if bars else None
    return day or Bar(now, ZERO, ZERO, ZERO, ZERO)


def _first(levels: list[list[str]]) -> list[str]:
    return levels[0] if levels else ["0.00000000", "0.00000000"]


def _percent(change: Decimal, whole: Decimal) -> str:
    return f"{(change * 100 / whole if whole else Decimal(0)):.3f}"


def _amount(value: Decimal) -> str:
    return f"{value.quantize(EIGHT):f}"
