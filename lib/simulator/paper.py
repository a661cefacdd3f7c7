"""A paper exchange: books, engine, recorded market and sockets, put together.

Prices come from the recordings in data/, replayed at `speed` recorded seconds a second and dated
now. The exchange's clock is the machine's own. With a path the books survive; the recording goes
on where it stood, at most ten seconds earlier after a crash.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from hashlib import blake2b
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Literal, TypeAlias

import orjson

from lib.market.candle_path import Grid
from lib.market.candles import INTERVALS, Chart, NoHistory
from lib.market.capture_replay import CaptureReplay
from lib.market.history import RedatedHistory
from lib.market.player import Player
from lib.market.recordings import CandleTable, read_capture
from lib.market.replay import CandleReplay, Replay, Tape, align_tapes, steps_per_candle
from lib.simulator.audit import state_of
from lib.simulator.books import Books
from lib.simulator.control import Control
from lib.simulator.exchange import Exchange
from lib.simulator.faults import FaultPlan
from lib.simulator.klines import kline_row
from lib.simulator.options import Options
from lib.simulator.refusals import invalid_interval
from lib.simulator.server import Server, watched
from lib.simulator.signatures import Account, Keyring

MarketKind: TypeAlias = Literal["candles", "capture", "none"]

DATA: Final = Path(__file__).resolve().parents[2] / "data"
SYMBOLS: Final = ("BTCUSDT", "ETHUSDT")
FIVE_MINUTES: Final = 5 * 60_000
CANDLES_START: Final = 1_722_470_400_000  # 2024-08-01 00:00 UTC
CAPTURE_START: Final = 1_723_161_253_937  # the first line of the capture
NOTE: Final = "replay"
BALANCES: Final[Mapping[str, Decimal]] = MappingProxyType({"USDT": Decimal(10_000)})


@dataclass(frozen=True, slots=True)
class PaperSettings:
    """What kind of paper exchange it shall be."""

    host: str = "127.0.0.1"
    port: int = 0  # 0 = any free one
    books: Path | None = None  # None = in memory
    market: MarketKind = "candles"
    speed: int = 60
    seed: int = 1
    start: int = CANDLES_START  # recorded ms, for candles
    balances: Mapping[str, Decimal] = field(default_factory=lambda: BALANCES)
    key: str = "paper"
    secret: str = field(default="paper", repr=False)
    control: bool = False  # serve /simulator/
    options: Options = field(default_factory=Options)
    data: Path = DATA

    def __post_init__(self) -> None:
        if self.speed < 1:
            raise ValueError(f"the speed is {self.speed}, it must be at least 1")


class Paper:
    """A running paper exchange. Made by `open_paper`."""

    def __init__(self, settings: PaperSettings, plan: FaultPlan) -> None:
        self.plan = plan
        self.clock = machine_time
        self.address = ""
        self._settings = settings
        self._books = Books.open(settings.books) if settings.books else Books.in_memory()
        self._account = f"paper-{_uid(settings.key)}"  # never the key itself: it may be a real one
        self._books.open_account(self._account, _uid(settings.key), settings.balances)
        info = exchange_info(settings.data)
        recorded = _Recorded(settings, info, position=self._recall(), now=self.clock())
        self.exchange = Exchange(
            info, clock=self.clock, books=self._books, options=settings.options
        )
        self.exchange.klines = recorded.klines(self.clock)
        self._server = self._assemble_server(recorded.charts, info)
        self._player = self._assemble_player(recorded.replay)
        self._playing: asyncio.Task[None] | None = None

    @property
    def state(self) -> dict[str, Any]:
        """All orders, trades and balances."""
        return state_of(self._books)

    async def start(self) -> None:
        """Show a market, then listen."""
        if self._player is not None:
            self._player.begin()
            self._playing = watched(self._player.run(), "the recorded market")
        self.address = await self._server.start(self._settings.host, self._settings.port)

    def wipe(self) -> None:
        """Forget all orders and trades, as the testnet does once a month, and cut everybody off."""
        self.exchange.wipe()
        self._server.follow_wipe()

    async def close(self) -> None:
        """Stop within half a second. Nothing depends on it: a killed venue resumes as well."""
        if self._playing is not None:
            self._playing.cancel()
            await asyncio.wait([self._playing])
        await self._server.close()
        if self._player is not None:
            self._player.save()
        self._books.close()

    def _assemble_server(self, charts: Mapping[str, Chart], info: Mapping[str, Any]) -> Server:
        settings = self._settings
        control = Control(
            market=self.exchange,
            plan=self.plan,
            clock=self.clock,
            state=lambda: self.state,
            wipe=self.exchange.wipe,
        )
        return Server(
            self.exchange,
            keyring=Keyring(Account(self._account, settings.key, settings.secret)),
            clock=self.clock,
            charts=charts,
            plan=self.plan,
            limits={
                (limit["rateLimitType"], limit["interval"]): limit["limit"]
                for limit in info["rateLimits"]
            },
            control=control if settings.control else None,
        )

    def _assemble_player(self, replay: Replay | None) -> Player | None:
        if replay is None:
            return None
        return Player(
            replay,
            self.exchange,
            speed=self._settings.speed,
            clock=self.clock,
            monotonic=lambda: time.monotonic_ns() // 1_000_000,
            remember=self._remember,
        )

    def _remember(self, position: int) -> None:
        note = {"of": _recording_name(self._settings), "position": position}
        self._books.remember(NOTE, orjson.dumps(note).decode())

    def _recall(self) -> int | None:
        note = orjson.loads(self._books.recall(NOTE) or "{}")
        same = note.get("of") == _recording_name(self._settings)
        return int(note["position"]) if same else None


async def open_paper(
    settings: PaperSettings | None = None, *, plan: FaultPlan | None = None
) -> Paper:
    """Start a paper exchange; its `address` is where clients find it."""
    paper = Paper(settings or PaperSettings(), plan or FaultPlan())
    await paper.start()
    return paper


class _Recorded:
    """What the recordings give an exchange: a replay, and charts with a past."""

    def __init__(
        self,
        settings: PaperSettings,
        info: Mapping[str, Any],
        *,
        position: int | None,
        now: int,
    ) -> None:
        self._settings = settings
        self._grids = {symbol: _grid(info, symbol) for symbol in SYMBOLS}
        self.replay: Replay | None = None
        self.charts: Mapping[str, Chart] = {
            symbol: Chart(history=NoHistory(), now=now) for symbol in SYMBOLS
        }
        if settings.market == "none":
            return
        tapes = align_tapes({symbol: self._table(symbol) for symbol in SYMBOLS})
        place = self._begin(tapes, position)
        self.charts = {
            symbol: Chart(history=self._history(symbol, tape, place, now), now=now)
            for symbol, tape in tapes.items()
        }

    def klines(
        self, clock: Callable[[], int]
    ) -> Callable[[str, str, int | None, int | None, int], list[list[int | str]]]:
        def rows(
            symbol: str, interval: str, start: int | None, end: int | None, limit: int
        ) -> list[list[int | str]]:
            if interval not in INTERVALS:
                raise invalid_interval()
            if symbol not in self.charts:
                return []
            chart = self.charts[symbol]
            bars = chart.bars(interval, now=clock(), start=start, end=end, limit=limit)
            return [kline_row(interval, bar) for bar in bars]

        return rows

    def _begin(self, tapes: Mapping[str, Tape], position: int | None) -> int:
        """Set up the replay; return the place on the tapes at which the present begins."""
        tape = next(iter(tapes.values()))
        if self._settings.market == "capture":
            files = sorted((self._settings.data / "capture").glob("*.jsonl.gz"))
            self.replay = CaptureReplay(lambda: read_capture(*files), position=position or 0)
            return tape.place_at(CAPTURE_START + self.replay.resume_at)
        if position is None:
            position = tape.place_at(self._settings.start) * FIVE_MINUTES
        steps = steps_per_candle(FIVE_MINUTES, self._settings.speed)
        self.replay = CandleReplay(
            tapes, self._grids, steps=steps, seed=self._settings.seed, position=position
        )
        return position // FIVE_MINUTES

    def _history(self, symbol: str, tape: Tape, place: int, now: int) -> RedatedHistory:
        chance = f"{self._settings.seed}:{symbol}".encode()
        return RedatedHistory(tape, self._grids[symbol], place=place, now=now, chance=chance)

    def _table(self, symbol: str) -> CandleTable:
        (path,) = (self._settings.data / "candles").glob(f"{symbol}-5m-*.csv.gz")
        return CandleTable.load(path, interval=FIVE_MINUTES)


def exchange_info(data: Path = DATA) -> dict[str, Any]:
    """Return the rules of the symbols that have a recorded market."""
    info: dict[str, Any] = orjson.loads((data / "exchange_info.json").read_bytes())
    info["symbols"] = [symbol for symbol in info["symbols"] if symbol["symbol"] in SYMBOLS]
    return info


def machine_time() -> int:
    """Tell the machine's time, ms since 1970: the clock of an exchange behind a socket."""
    return time.time_ns() // 1_000_000


def _recording_name(settings: PaperSettings) -> str:
    return f"{settings.market} {settings.seed}"


def _grid(info: Mapping[str, Any], symbol: str) -> Grid:
    (rules,) = (listed for listed in info["symbols"] if listed["symbol"] == symbol)
    filters = {rule["filterType"]: rule for rule in rules["filters"]}
    return Grid(
        tick=Decimal(filters["PRICE_FILTER"]["tickSize"]),
        lot=Decimal(filters["LOT_SIZE"]["stepSize"]),
    )


def _uid(key: str) -> int:
    """Give an account the same number in every life, also after its books were lost."""
    return int.from_bytes(blake2b(key.encode(), digest_size=4).digest())
