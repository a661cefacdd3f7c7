"""Files of market data as `collect` fills them, for back-tests: trades, books, candles."""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson

from lib.data.rows import AggregateTrade, Item, Line, Piece
from lib.data.series import Kind, Series, Span, runs
from lib.data.store import MarketStore
from lib.market.candles import Bar
from tests.backtest.scenes import BEGIN, SYMBOL

MARKET = "market.sqlite"


def store(folder: Path, *pieces: Piece) -> Path:
    """Write pieces into a file; answer it."""
    path = folder / MARKET
    opened = MarketStore(path, origin="test")
    opened.add(pieces)
    opened.close()
    return path


def traded(*rows: tuple[int, str | int, str], symbol: str = SYMBOL) -> Piece:
    """Make trades of (ms since the beginning, price, quantity): the buyer took, or sold if < 0."""
    trades = [
        AggregateTrade(
            number,
            Decimal(price),
            abs(Decimal(quantity)),
            *(number, number, BEGIN + at),
            buyer_is_maker=quantity.startswith("-"),
        )
        for number, (at, price, quantity) in enumerate(rows, 1)
    ]
    series = Series(Kind.TRADES, symbol)
    return Piece(series, tuple(trades), tuple(runs(series, (each.id for each in trades))))


def candles(bars: Sequence[Bar], interval: str = "5m", symbol: str = SYMBOL) -> Piece:
    """Make candles."""
    series = Series(Kind.CANDLES, symbol, interval)
    return Piece(series, tuple(bars), tuple(runs(series, (each.open_time for each in bars))))


def recorded_lines(*frames: tuple[int, dict[str, Any]], symbol: str = SYMBOL) -> Piece:
    """Make a recording of (ms since the beginning, frame)."""
    lines: list[Item] = [Line(BEGIN + at, orjson.dumps(frame)) for at, frame in frames]
    span = Span(BEGIN + frames[0][0], BEGIN + frames[-1][0] + 1)
    return Piece(Series(Kind.DEPTH, symbol), tuple(lines), (span,))


Side = Iterable[tuple[str, str]]


def snapshot(update: int, bids: Side, asks: Side) -> dict[str, Any]:
    """Make a whole book."""
    return {"lastUpdateId": update, "bids": [*map(list, bids)], "asks": [*map(list, asks)]}


def change(first: int, last: int, bids: Side = (), asks: Side = ()) -> dict[str, Any]:
    """Make a change of the book."""
    data = {"s": SYMBOL, "U": first, "u": last, "b": [*map(list, bids)], "a": [*map(list, asks)]}
    return {"stream": "btcusdt@depth@100ms", "data": data}


def trade(number: int, price: str, quantity: str, *, sold: bool = False) -> dict[str, Any]:
    """Make a single trade."""
    data = {"s": SYMBOL, "T": BEGIN, "t": number, "p": price, "q": quantity, "m": sold}
    return {"stream": "btcusdt@trade", "data": data}
