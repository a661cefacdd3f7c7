"""What a back-test plays: the recordings of its symbols, their rules, and the period."""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

from lib.backtest.capture import CapturePlayback, bounds_of, captures_of
from lib.backtest.feed import Bars, NoSuchRecording, recorded_bars, stored_bars
from lib.backtest.history import BarHistory
from lib.backtest.liquidity import MakeLiquidity, ladders
from lib.backtest.market import BarPlayback, Playback, Positions, lanes_of
from lib.backtest.settings import BacktestSettings
from lib.market.candle_path import Grid
from lib.market.intervals import MINUTE
from lib.simulator.engine.past import Past
from lib.simulator.exchange import Exchange
from lib.simulator.paper.paper_settings import DATA
from lib.simulator.paper.recorded_market import INFO_FILE, exchange_info

Prices = dict[str, Decimal]


class Shown(Playback, Protocol):
    """A playback that says whose market has just moved."""

    on_step: Callable[[str, int], None]


class Recordings:
    """Bars of each symbol, and for `trades` the capture. Owns the files it reads."""

    def __init__(
        self, settings: BacktestSettings, bars: Mapping[str, Bars], info: Mapping[str, Any]
    ) -> None:
        """Raises NoSuchRecording for a period that the recording has not."""
        self.info = info
        self._settings = settings
        self._bars = bars
        self._grids = {entry["symbol"]: _grid(entry) for entry in info["symbols"]}
        self._exchange: Exchange | None = None
        self.begins, self.ends = self._period()

    @property
    def length(self) -> int:
        """How many bars the period has, of all symbols together."""
        return sum((self.ends - self.begins) // bars.interval for bars in self._bars.values())

    def playback(
        self,
        exchange: Exchange,
        positions: Positions,
        *,
        on_step: Callable[[str, int], None],
        would_notice: Callable[[str, Decimal, Decimal], bool],
    ) -> Playback:
        """Show an exchange the past, and answer what plays the present to it."""
        self._exchange = exchange
        pasts = {symbol: self._past(symbol) for symbol in self._bars}
        exchange.give_past(pasts)
        playback = self._playing(exchange, positions, pasts)
        playback.on_step = on_step
        if isinstance(playback, BarPlayback):
            playback.would_notice = would_notice
        return playback

    def close(self) -> None:
        """Let go of every file."""
        for bars in self._bars.values():
            bars.close()

    def bounds(self) -> tuple[Prices, Prices]:
        """Answer the first and the last price of each symbol in the period."""
        assert self._exchange is not None, "asked before it was played"
        opening, closing = {}, {}
        for symbol, bars in self._bars.items():
            for bar in islice(bars.between(self.begins, self.ends), 1):
                opening[symbol] = bar.open
            for bar in bars.between(self.ends - _TAIL * bars.interval, self.ends):
                closing[symbol] = bar.close
        return opening, closing

    def _playing(
        self, exchange: Exchange, positions: Positions, pasts: Mapping[str, Past]
    ) -> Shown:
        settings = self._settings
        if settings.market == "trades":
            return CapturePlayback(settings.data / "capture", tuple(self._bars), exchange)
        make: MakeLiquidity = settings.liquidity or ladders(settings.costs)
        lanes = lanes_of(self._bars, self._grids, pasts, make, begins=self.begins, ends=self.ends)
        return BarPlayback(lanes, exchange, positions, model=settings.path, costs=settings.costs)

    def _past(self, symbol: str) -> Past:
        history = BarHistory(self._bars[symbol], self._grids[symbol])
        return Past(history, ends=self.begins - self.begins % MINUTE)

    def _period(self) -> tuple[int, int]:
        first, last = self._recorded()
        begins = max(first, self._settings.begins or first)
        ends = min(last, self._settings.ends or last)
        if self._settings.market == "candles":
            longest = max(bars.interval for bars in self._bars.values())
            begins = -(-begins // longest) * longest
        if begins >= ends:
            raise NoSuchRecording(
                f"nothing was recorded then: the recording is from {first} to {last}, exchange ms"
            )
        return begins, ends

    def _recorded(self) -> tuple[int, int]:
        if self._settings.market == "trades":
            folder = self._settings.data / "capture"
            return bounds_of([file for name in self._bars for file in captures_of(folder, name)])
        return (
            max(bars.begins_at for bars in self._bars.values()),
            min(bars.ends_at for bars in self._bars.values()),
        )


_TAIL = 1_000  # bars in which the last price is looked for


def open_recordings(settings: BacktestSettings, symbols: Sequence[str]) -> Recordings:
    """Open what was recorded of these symbols. Raises ValueError for what was not."""
    if not symbols:
        raise NoSuchRecording("no bot names a symbol, so there is nothing to play")
    bars = {symbol: open_bars(settings.data, symbol) for symbol in symbols}
    path = settings.info or _rules_beside(settings.data)
    return Recordings(settings, bars, exchange_info(path=path, symbols=symbols))


def open_bars(data: Path, symbol: str) -> Bars:
    """Open one symbol's bars, in a folder's files or in an SQLite file. Raises NoSuchRecording."""
    return recorded_bars(data / "candles", symbol) if data.is_dir() else stored_bars(data, symbol)


def _rules_beside(data: Path) -> Path:
    """Find the rules: beside the recordings, else those that come with the program."""
    own = data / INFO_FILE
    return own if data.is_dir() and own.exists() else DATA / INFO_FILE


def _grid(entry: Mapping[str, Any]) -> Grid:
    filters = {rule["filterType"]: rule for rule in entry["filters"]}
    return Grid(
        tick=Decimal(filters["PRICE_FILTER"]["tickSize"]),
        lot=Decimal(filters["LOT_SIZE"]["stepSize"]),
    )
