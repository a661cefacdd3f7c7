"""GET /klines and /uiKlines, and candles in Binance's shapes."""

from collections.abc import Mapping
from typing import Any

from lib.market.intervals import INTERVALS, Frame
from lib.simulator.books.spans import Span
from lib.simulator.calls.choice import FindMarket
from lib.simulator.calls.parameters import integer, limit, required
from lib.simulator.calls.routes import Call, Routes, public
from lib.simulator.calls.time_zones import offset
from lib.simulator.engine.chart import Chart
from lib.simulator.refusals import invalid_interval
from lib.simulator.units import write


class Klines:
    """Answers what is asked about candles. Those for presentation are the same ones."""

    def __init__(self, find_market: FindMarket, charts: Mapping[str, Chart]) -> None:
        self._find_market = find_market
        self._charts = charts

    def routes(self) -> Routes:
        names = ("symbol", "interval", "startTime", "endTime", "limit", "timeZone")
        return {
            "GET klines": public(self.klines, 2, *names),
            "GET uiKlines": public(self.klines, 2, *names),
        }

    def klines(self, call: Call) -> list[list[int | str]]:
        params = call.params
        symbol = self._find_market(params).rules.symbol
        interval = required(params, "interval")
        if interval not in INTERVALS:
            raise invalid_interval()
        frame = Frame(interval, offset(params))
        found = self._charts[symbol].candles(
            frame,
            now=call.now,
            begins=integer(params, "startTime"),
            ends=integer(params, "endTime"),
            limit=limit(params, 500, 1000),
        )
        return [kline_row(frame, candle) for candle in found]


def kline_row(frame: Frame, candle: Span) -> list[int | str]:
    """Return a candle as REST answers it."""
    return [
        candle.begins,
        write(candle.open),
        write(candle.high),
        write(candle.low),
        write(candle.close),
        write(candle.volume),
        frame.closing(candle.begins),
        write(candle.quote),
        candle.count,
        write(candle.taker_volume),
        write(candle.taker_quote),
        "0",
    ]


def kline_event(
    symbol: str, frame: Frame, candle: Span, now: int, *, closed: bool
) -> dict[str, Any]:
    """Return a candle as the stream sends it."""
    return {
        "e": "kline",
        "E": now,
        "s": symbol,
        "k": {
            "t": candle.begins,
            "T": frame.closing(candle.begins),
            "s": symbol,
            "i": frame.interval,
            "f": candle.first_id,
            "L": candle.last_id,
            "o": write(candle.open),
            "c": write(candle.close),
            "h": write(candle.high),
            "l": write(candle.low),
            "v": write(candle.volume),
            "n": candle.count,
            "x": closed,
            "q": write(candle.quote),
            "V": write(candle.taker_volume),
            "Q": write(candle.taker_quote),
            "B": "0",
        },
    }
