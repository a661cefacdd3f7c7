"""What was recorded of the real market: candles, and a raw capture of the streams.

Both are read as they lie in data/. A candle table keeps the file's text and parses a row when it is
asked for: a year of 5 minute candles costs 4 MB and a few milliseconds to open, which a Raspberry
Pi can spare. The capture is read line by line and never held as a whole.
"""

import gzip
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from heapq import merge
from io import BytesIO
from itertools import accumulate
from pathlib import Path
from typing import Any, Final, TypeAlias, overload

import orjson

from lib.exchange import Candle

DECIMALS: Final = 8
SCALES: Final[tuple[int, ...]] = tuple(10**zeros for zeros in range(DECIMALS, -1, -1))

Levels: TypeAlias = tuple[tuple[Decimal, Decimal], ...]
"""(price, quantity) from the best price outwards. In a diff, a quantity of 0 removes the level."""


class BrokenRecording(ValueError):
    """A recording that does not hold what it should. The message names the file and the row."""


@dataclass(frozen=True, slots=True)
class DepthSnapshot:
    """The whole book of one symbol at one time."""

    symbol: str
    received_at: int  # the recorder's clock, ms
    last_update_id: int
    bids: Levels
    asks: Levels


@dataclass(frozen=True, slots=True)
class DepthDiff:
    """What changed in a book from update `first_update_id` to `last_update_id`."""

    symbol: str
    received_at: int
    first_update_id: int
    last_update_id: int
    bids: Levels
    asks: Levels


@dataclass(frozen=True, slots=True)
class RecordedTrade:
    """One trade of the real market."""

    symbol: str
    received_at: int
    traded_at: int  # Binance's clock, ms
    trade_id: int
    price: Decimal
    quantity: Decimal
    buyer_is_maker: bool


@dataclass(frozen=True, slots=True)
class RecordedBest:
    """The best bid and ask after update `update_id`."""

    symbol: str
    received_at: int
    update_id: int
    bid: Decimal
    bid_quantity: Decimal
    ask: Decimal
    ask_quantity: Decimal


Captured: TypeAlias = DepthSnapshot | DepthDiff | RecordedTrade | RecordedBest


class CandleTable(Sequence[Candle]):
    """Candles of one symbol and one interval, in order and without a gap."""

    def __init__(self, text: bytes, *, interval: int, name: str = "candles") -> None:
        """Index the rows of a candle file's text. Raise BrokenRecording if one is missing."""
        self.interval = interval
        self._text = text
        self._name = name
        starts = accumulate(map(len, BytesIO(text)), initial=0)
        next(starts)  # the header has no row
        self._starts = array("Q", starts)
        self._demand_whole()

    @classmethod
    def load(cls, path: Path, *, interval: int) -> "CandleTable":
        """Open a candle file, gzipped or plain. `interval` in ms."""
        content = path.read_bytes()
        text = gzip.decompress(content) if path.suffix == ".gz" else content
        return cls(text, interval=interval, name=path.name)

    @property
    def first_open_time(self) -> int:
        return self._open_time(0)

    def index_at(self, time: int) -> int:
        """Return the row of the candle in which `time` lies, cut to the table's two ends."""
        index = (time - self.first_open_time) // self.interval
        return max(0, min(index, len(self) - 1))

    def __len__(self) -> int:
        return len(self._starts) - 1

    @overload
    def __getitem__(self, index: int) -> Candle: ...
    @overload
    def __getitem__(self, index: slice) -> list[Candle]: ...
    def __getitem__(self, index: int | slice) -> Candle | list[Candle]:
        if isinstance(index, slice):
            return [self[row] for row in range(*index.indices(len(self)))]
        if not -len(self) <= index < len(self):
            raise IndexError(index)
        return self._candle(self._row(index % len(self)))

    def extents(self, first: int, last: int) -> Iterator[tuple[int, int, int]]:
        """Yield open time, low and high of the rows [first, last), prices in 10^-8."""
        text, starts = self._text, self._starts
        for place in range(first, last):
            opened, _, high, low, _ = text[starts[place] : starts[place + 1]].split(b",", 4)
            yield int(opened), _in_units(low), _in_units(high)

    def _row(self, index: int) -> list[str]:
        start, end = self._starts[index], self._starts[index + 1]
        return self._text[start:end].decode().strip().split(",")

    def _candle(self, row: list[str]) -> Candle:
        open_time = int(row[0])
        return Candle(
            open_time=open_time,
            open=Decimal(row[1]),
            high=Decimal(row[2]),
            low=Decimal(row[3]),
            close=Decimal(row[4]),
            volume=Decimal(row[5]),
            close_time=open_time + self.interval - 1,
        )

    def _open_time(self, index: int) -> int:
        return int(self._row(index)[0])

    def _demand_whole(self) -> None:
        if len(self) < 1:
            raise BrokenRecording(f"{self._name} holds no candle")
        text, expected, interval = self._text, self.first_open_time, self.interval
        for index, start in enumerate(self._starts[:-1]):
            if not text.startswith(b"%d," % expected, start):
                raise BrokenRecording(
                    f"{self._name} row {index + 1}: expected the candle of {expected}"
                )
            expected += interval


def _in_units(price: bytes) -> int:
    """Read a price as a whole number of 10^-8."""
    point = price.find(b".")
    decimals = len(price) - point - 1 if point >= 0 else 0
    if decimals > DECIMALS or b"E" in price:
        return int(Decimal(price.decode()).scaleb(DECIMALS))
    return int(price.replace(b".", b"")) * SCALES[decimals]


def read_capture(*paths: Path) -> Iterator[Captured]:
    """Yield what was captured, in the order the recorder received it.

    Files of one symbol follow each other; several symbols are merged by the recorder's clock. A
    snapshot belongs to the symbol of its file's name (`btcusdt_20240808.jsonl.gz`).
    """
    symbols: dict[str, list[Path]] = {}
    for path in sorted(paths):
        symbols.setdefault(path.name.partition("_")[0].upper(), []).append(path)
    streams = (_read_symbol(symbol, files) for symbol, files in symbols.items())
    return merge(*streams, key=lambda captured: captured.received_at)


def _read_symbol(symbol: str, paths: Sequence[Path]) -> Iterator[Captured]:
    for path in paths:
        with gzip.open(path, "rb") as lines:
            for number, line in enumerate(lines, 1):
                yield _parse(symbol, path, number, line)


def read_line(symbol: str, line: bytes) -> Captured:
    """Read one line of a capture. Raises ValueError, KeyError, TypeError, ArithmeticError."""
    nanoseconds, _, text = line.partition(b" ")
    return _captured(symbol, int(nanoseconds) // 1_000_000, orjson.loads(text))


def _parse(symbol: str, path: Path, number: int, line: bytes) -> Captured:
    try:
        return read_line(symbol, line)
    except (ValueError, KeyError, TypeError, ArithmeticError) as wrong:
        raise BrokenRecording(f"{path.name} line {number}: {wrong!r}") from wrong


def _captured(symbol: str, received_at: int, frame: dict[str, Any]) -> Captured:
    if "lastUpdateId" in frame:
        bids, asks = _levels(frame["bids"]), _levels(frame["asks"])
        return DepthSnapshot(symbol, received_at, frame["lastUpdateId"], bids, asks)
    name, payload = frame["stream"].partition("@")[2], frame["data"]
    match name:
        case "trade":
            return _trade(received_at, payload)
        case "bookTicker":
            return _best(received_at, payload)
        case "depth@100ms":
            return _diff(received_at, payload)
        case _:
            raise ValueError(f"unknown stream {name}")


def _trade(received_at: int, payload: dict[str, Any]) -> RecordedTrade:
    return RecordedTrade(
        symbol=payload["s"],
        received_at=received_at,
        traded_at=payload["T"],
        trade_id=payload["t"],
        price=Decimal(payload["p"]),
        quantity=Decimal(payload["q"]),
        buyer_is_maker=payload["m"],
    )


def _best(received_at: int, payload: dict[str, Any]) -> RecordedBest:
    return RecordedBest(
        symbol=payload["s"],
        received_at=received_at,
        update_id=payload["u"],
        bid=Decimal(payload["b"]),
        bid_quantity=Decimal(payload["B"]),
        ask=Decimal(payload["a"]),
        ask_quantity=Decimal(payload["A"]),
    )


def _diff(received_at: int, payload: dict[str, Any]) -> DepthDiff:
    return DepthDiff(
        symbol=payload["s"],
        received_at=received_at,
        first_update_id=payload["U"],
        last_update_id=payload["u"],
        bids=_levels(payload["b"]),
        asks=_levels(payload["a"]),
    )


def _levels(pairs: Sequence[Sequence[str]]) -> Levels:
    return tuple((Decimal(price), Decimal(quantity)) for price, quantity in pairs)
