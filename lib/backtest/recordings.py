"""What a back-test plays: the recordings of its symbols, their rules, and the period."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from itertools import islice
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Protocol

from lib.backtest.capture import CapturePlayback
from lib.backtest.feed import Bars, NoSuchRecording, recorded_bars, stored_bars
from lib.backtest.flows import Flow, open_flow
from lib.backtest.history import BarHistory
from lib.backtest.joint import JointPlayback
from lib.backtest.liquidity import MakeLiquidity, ladders
from lib.backtest.market import BarPlayback, Playback, Positions, lanes_of
from lib.backtest.own_model import OwnModel, load_model
from lib.backtest.settings import BacktestSettings
from lib.backtest.ticks import TickBars, Ticks, first_price, last_price
from lib.backtest.trades import SizedBook, TradePlayback
from lib.market.candle_path import Grid
from lib.quotes import Bounds
from lib.simulator.engine.past import Past
from lib.simulator.exchange import Exchange
from lib.simulator.paper.paper_settings import DATA
from lib.simulator.paper.recorded_market import INFO_FILE, exchange_info

Prices = dict[str, Decimal]

NO_FLOWS: Final[Mapping[str, Flow]] = MappingProxyType({})


class Shown(Playback, Protocol):
    """A playback that says whose market has just moved."""

    on_step: Callable[[str, int], None]


class Recordings:
    """Bars of each symbol; of some, what is played in their place. Owns the files it reads."""

    def __init__(
        self,
        settings: BacktestSettings,
        bars: Mapping[str, Bars],
        info: Mapping[str, Any],
        flows: Mapping[str, Flow] = NO_FLOWS,
    ) -> None:
        """Raises NoSuchRecording for a period that was not recorded, BadModel for the model."""
        self.info = info
        self.own = load_model(settings.model) if settings.model is not None else OwnModel()
        self._settings = settings
        self._bars = bars
        self._flows = flows
        self._grids = {entry["symbol"]: _grid(entry) for entry in info["symbols"]}
        self._exchange: Exchange | None = None
        self.begins, self.ends = self._period()

    @property
    def symbols(self) -> tuple[str, ...]:
        """What is played."""
        return tuple(self._bars)

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
        waited_for: Callable[[str], Bounds],
    ) -> Playback:
        """Show an exchange the past, and answer what plays the present to it."""
        self._exchange = exchange
        pasts = {symbol: self._past(symbol) for symbol in self._bars}
        exchange.give_past(pasts)
        playing = list(self._playing(exchange, positions, pasts))
        for playback in playing:
            playback.on_step = on_step
            if isinstance(playback, BarPlayback | TradePlayback):
                playback.waited_for = waited_for
        return playing[0] if len(playing) == 1 else JointPlayback(playing)

    def close(self) -> None:
        """Let go of every file."""
        for bars in self._bars.values():
            bars.close()
        for flow in self._flows.values():
            flow.ticks.close()

    def bounds(self) -> tuple[Prices, Prices]:
        """Answer the first and the last price of each symbol in the period."""
        assert self._exchange is not None, "asked before it was played"
        opening, closing = {}, {}
        for symbol in self._bars:
            first, last = self._bounds_of(symbol)
            if first is not None and last is not None:
                opening[symbol], closing[symbol] = first, last
        return opening, closing

    def _bounds_of(self, symbol: str) -> tuple[Decimal | None, Decimal | None]:
        if symbol in self._flows:
            ticks, period = self._flows[symbol].ticks, (self.begins, self.ends)
            return first_price(ticks, *period), last_price(ticks, *period)
        bars, first, last = self._bars[symbol], None, None
        for bar in islice(bars.between(self.begins, self.ends), 1):
            first = bar.open
        for bar in bars.between(self.ends - _TAIL * bars.interval, self.ends):
            last = bar.close
        return first, last

    def _playing(
        self, exchange: Exchange, positions: Positions, pasts: Mapping[str, Past]
    ) -> Iterator[Shown]:
        settings, begins, ends = self._settings, self.begins, self.ends
        make = self.own.liquidity or settings.liquidity or ladders(settings.costs)
        in_bars = {name: bars for name, bars in self._bars.items() if name not in self._flows}
        if in_bars:
            lanes = lanes_of(in_bars, self._grids, pasts, make, begins=begins, ends=ends)
            yield BarPlayback(lanes, exchange, positions, model=settings.path, costs=settings.costs)
        for symbol, flow in self._flows.items():
            if flow.lines is not None:
                yield CapturePlayback(symbol, flow.lines, exchange, begins, ends)
                continue
            yield TradePlayback(
                symbol,
                flow.ticks,
                exchange,
                positions,
                book=self._sized_book(symbol, make),
                past=pasts[symbol],
                span=self._bars[symbol].interval,
                begins=begins,
                ends=ends,
            )

    def _sized_book(self, symbol: str, make: MakeLiquidity) -> SizedBook:
        grid, share = self._grids[symbol], self._settings.costs.volume_share
        return SizedBook(make(symbol, grid), grid=grid, share=share)

    def _past(self, symbol: str) -> Past:
        """Answer what was before: of a bar that still grew then, nothing."""
        bars = self._bars[symbol]
        history = BarHistory(bars, self._grids[symbol])
        return Past(history, ends=self.begins - self.begins % bars.interval)

    def _period(self) -> tuple[int, int]:
        first, last = self._recorded()
        begins = max(first, self._settings.begins or first)
        ends = min(last, self._settings.ends or last)
        if self._settings.market == "candles":
            longest = max(bars.interval for bars in self._bars.values())
            begins = -(-begins // longest) * longest
        if begins >= ends:
            raise NoSuchRecording(
                "nothing was recorded then: the recording is from "
                f"{_moment(first)} to {_moment(last)}, UTC"
            )
        return begins, ends

    def _recorded(self) -> tuple[int, int]:
        ticks: dict[str, Bars | Ticks] = {name: flow.ticks for name, flow in self._flows.items()}
        played = {**self._bars, **ticks}.values()
        return max(each.begins_at for each in played), min(each.ends_at for each in played)


_TAIL = 1_000  # bars in which the last price is looked for


def open_recordings(settings: BacktestSettings, symbols: Sequence[str]) -> Recordings:
    """Open what was recorded of these symbols. Raises ValueError for what was not."""
    if not symbols:
        raise NoSuchRecording("no bot names a symbol, so there is nothing to play")
    flows = _open_flows(settings, symbols)
    bars = {symbol: _open_past(settings.data, symbol, flows.get(symbol)) for symbol in symbols}
    path = settings.info or _rules_beside(settings.data)
    return Recordings(settings, bars, exchange_info(path=path, symbols=symbols), flows)


def _open_flows(settings: BacktestSettings, symbols: Sequence[str]) -> dict[str, Flow]:
    """Open what of these symbols is played by single trades. Raises NoSuchRecording for none."""
    if settings.market == "candles":
        return {}
    opened = {symbol: open_flow(settings, symbol) for symbol in symbols}
    flows = {symbol: flow for symbol, flow in opened.items() if flow is not None}
    if not flows:
        raise NoSuchRecording(
            f"{settings.data} has neither trades nor a recorded book of {' or '.join(symbols)}: "
            "`collect --trades` or `--depth` brings them, --market candles plays bars"
        )
    return flows


def _open_past(data: Path, symbol: str, flow: Flow | None) -> Bars:
    """Open a symbol's candles; without any, those that its trades make."""
    try:
        return open_bars(data, symbol)
    except NoSuchRecording:
        if flow is None:
            raise
        return TickBars(flow.ticks)


def open_bars(data: Path, symbol: str) -> Bars:
    """Open one symbol's bars, in a folder's files or in an SQLite file. Raises NoSuchRecording."""
    return recorded_bars(data / "candles", symbol) if data.is_dir() else stored_bars(data, symbol)


def _rules_beside(data: Path) -> Path:
    """Find the rules: beside the recordings, else those that come with the program."""
    own = data / INFO_FILE
    return own if data.is_dir() and own.exists() else DATA / INFO_FILE


def _moment(time: int) -> str:
    return datetime.fromtimestamp(time // 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")


def _grid(entry: Mapping[str, Any]) -> Grid:
    filters = {rule["filterType"]: rule for rule in entry["filters"]}
    return Grid(
        tick=Decimal(filters["PRICE_FILTER"]["tickSize"]),
        lot=Decimal(filters["LOT_SIZE"]["stepSize"]),
    )
