"""A recorded market shown to a simulated exchange: a replay, and the past before it.

Prices come from the recordings in data/, replayed at `speed` recorded seconds a second and dated
now. The recording goes on where it stood, at most ten seconds earlier after a crash.
"""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, Protocol

import orjson

from lib.market.candle_path import Grid
from lib.market.capture_replay import CaptureReplay
from lib.market.history import RedatedHistory
from lib.market.intervals import MINUTE
from lib.market.player import Player
from lib.market.recordings import CandleTable, read_capture
from lib.market.replay import CandleReplay, Market, Replay, Tape, align_tapes, steps_per_candle
from lib.simulator.engine.past import Past
from lib.simulator.paper.paper_settings import DATA, PaperSettings
from lib.simulator.server.server import watched

SYMBOLS: Final = ("BTCUSDT", "ETHUSDT")
FIVE_MINUTES: Final = 5 * 60_000
CAPTURE_START: Final = 1_723_161_253_937  # the first line of the capture
NOTE: Final = "replay"
PAST_NOTE: Final = "past"  # empty = it was wiped
INFO_FILE: Final = "exchange_info.json"


class NoSuchMarket(ValueError):
    """What was asked for has no recording, or no rules: says which."""


@dataclass(frozen=True, slots=True)
class Joint:
    """Where the past meets what the exchange has seen itself."""

    place: int  # on the tapes
    time: int  # on a full minute


class Notes(Protocol):
    """Where the position is kept: the exchange's books."""

    def remember(self, key: str, value: str) -> None: ...

    def recall(self, key: str) -> str | None: ...


class RecordedMarket:
    """The recordings of some symbols. Owns the task that plays them."""

    def __init__(self, settings: PaperSettings, notes: Notes, *, clock: Callable[[], int]) -> None:
        self.clock = clock
        self.info = exchange_info(settings.data, symbols=settings.followed, path=settings.info)
        self._settings = settings
        self._notes = notes
        names = [entry["symbol"] for entry in self.info["symbols"]]
        self._grids: dict[str, Grid] = {}
        self._replay: Replay | None = None
        self.pasts: Mapping[str, Past] = {}
        if settings.market != "none":
            self._open_recordings(names)
        self.player: Player | None = None
        self._playing: asyncio.Task[None] | None = None

    async def begin(self, market: Market) -> None:
        """Show the first moments, then play on."""
        if self._replay is None:
            return
        self.player = Player(
            self._replay,
            market,
            speed=self._settings.speed,
            clock=self.clock,
            monotonic=lambda: time.monotonic_ns() // 1_000_000,
            remember=self._remember,
        )
        self.player.begin()
        self._playing = watched(self.player.run(), "the recorded market")

    @property
    def has_stopped(self) -> bool:
        """Whether what plays the recording has ended, which it never should."""
        return self._playing is not None and self._playing.done()

    def begin_anew(self) -> None:
        """Note that a wipe took the past away, and let the recording bring the book back."""
        self._notes.remember(PAST_NOTE, "")
        if self._replay is not None:
            self._replay.begin_anew()

    async def close(self) -> None:
        if self._playing is not None:
            self._playing.cancel()
            await asyncio.wait([self._playing])
        if self.player is not None:
            self.player.save()

    def _open_recordings(self, names: Sequence[str]) -> None:
        tapes = align_tapes({symbol: self._table(symbol) for symbol in names})
        self._grids = {symbol: _grid(self.info, symbol) for symbol in names}
        place = self._begin(tapes, self._recall())
        joint = self._joint(place)
        if joint is not None:
            self.pasts = {
                symbol: Past(self._history(symbol, tape, joint), ends=joint.time)
                for symbol, tape in tapes.items()
            }

    def _begin(self, tapes: Mapping[str, Tape], position: int | None) -> int:
        """Set up the replay; return the place on the tapes at which the present begins."""
        tape = next(iter(tapes.values()))
        if self._settings.market == "capture":
            files = sorted(file for symbol in tapes for file in self._captures(symbol))
            self._replay = CaptureReplay(lambda: read_capture(*files), position=position or 0)
            return tape.place_at(CAPTURE_START + self._replay.resume_at)
        if position is None:
            position = tape.place_at(self._settings.start) * FIVE_MINUTES
        steps = steps_per_candle(FIVE_MINUTES, self._settings.speed)
        self._replay = CandleReplay(
            tapes, self._grids, steps=steps, seed=self._settings.seed, position=position
        )
        return position // FIVE_MINUTES

    def _joint(self, place: int) -> Joint | None:
        """Recall where the past and the exchange's own trades meet; in its first life, it is here.

        None after a wipe, which took the past away.
        """
        noted = self._notes.recall(PAST_NOTE)
        if noted is None:
            now = self.clock()
            joint = Joint(place, now - now % MINUTE)
            self._notes.remember(PAST_NOTE, orjson.dumps(joint).decode())
            return joint
        return Joint(**orjson.loads(noted)) if noted else None

    def _history(self, symbol: str, tape: Tape, joint: Joint) -> RedatedHistory:
        chance = f"{self._settings.seed}:{symbol}".encode()
        grid = self._grids[symbol]
        return RedatedHistory(tape, grid, place=joint.place, now=joint.time, chance=chance)

    def _table(self, symbol: str) -> CandleTable:
        folder = self._settings.data / "candles"
        files = sorted(folder.glob(f"{symbol}-5m-*.csv.gz"))
        if not files:
            recorded = sorted({file.name.split("-")[0] for file in folder.glob("*-5m-*.csv.gz")})
            raise NoSuchMarket(
                f"{symbol} has no recording in {folder}, which has {' and '.join(recorded)}: "
                "use --market live, or --market none and set its market yourself"
            )
        return CandleTable.load(files[0], interval=FIVE_MINUTES)

    def _captures(self, symbol: str) -> list[Path]:
        folder = self._settings.data / "capture"
        files = list(folder.glob(f"{symbol.lower()}_*.jsonl.gz"))
        if not files:
            raise NoSuchMarket(f"{symbol} has no capture of every trade in {folder}")
        return files

    def _remember(self, position: int) -> None:
        note = {"of": self._name, "position": position}
        self._notes.remember(NOTE, orjson.dumps(note).decode())

    def _recall(self) -> int | None:
        note = orjson.loads(self._notes.recall(NOTE) or "{}")
        return int(note["position"]) if note.get("of") == self._name else None

    @property
    def _name(self) -> str:
        return f"{self._settings.market} {self._settings.seed}"


def exchange_info(
    data: Path = DATA, *, symbols: Sequence[str] = (), path: Path | None = None
) -> dict[str, Any]:
    """Return the rules of some symbols, without a word those that have a recorded market.

    Raises NoSuchMarket for a file that is none, and for a symbol it does not list.
    """
    file = path or data / INFO_FILE
    try:
        info: dict[str, Any] = orjson.loads(file.read_bytes())
        entries = {entry["symbol"]: entry for entry in info["symbols"]}
    except OSError as wrong:
        raise NoSuchMarket(f"{file} cannot be read: {wrong.strerror or wrong}") from wrong
    except (ValueError, TypeError, KeyError) as wrong:
        raise NoSuchMarket(f"{file} is no exchangeInfo with symbols") from wrong
    wanted = symbols or [symbol for symbol in SYMBOLS if symbol in entries] or list(entries)
    missing = [symbol for symbol in wanted if symbol not in entries]
    if missing:
        raise NoSuchMarket(
            f"{file} has no rules of {' and '.join(missing)}: "
            "give another file with --info, or use --market live"
        )
    return {**info, "symbols": [entries[symbol] for symbol in dict.fromkeys(wanted)]}


def _grid(info: Mapping[str, Any], symbol: str) -> Grid:
    (rules,) = (listed for listed in info["symbols"] if listed["symbol"] == symbol)
    filters = {rule["filterType"]: rule for rule in rules["filters"]}
    return Grid(
        tick=Decimal(filters["PRICE_FILTER"]["tickSize"]),
        lot=Decimal(filters["LOT_SIZE"]["stepSize"]),
    )
