"""The raw capture as a back-test's market: its books and its trades, at their own times."""

from collections.abc import Callable, Sequence
from pathlib import Path

from lib.backtest.feed import NoSuchRecording
from lib.market.candles import FAR
from lib.market.capture_replay import CaptureReplay
from lib.market.recordings import Captured, read_capture
from lib.market.replay import Market


class CapturePlayback:
    """What was captured of some symbols, once from its beginning to its end."""

    def __init__(self, folder: Path, symbols: Sequence[str], exchange: Market) -> None:
        """Raises NoSuchRecording for a symbol that was not captured."""
        files = [file for symbol in symbols for file in captures_of(folder, symbol)]
        self.begins_at, self.ends_at = bounds_of(files)
        self._exchange = exchange
        self._replay = CaptureReplay(lambda: read_capture(*files))
        self._symbols = symbols
        self.played = 0
        self.passing = False
        self.on_step: Callable[[str, int], None] = lambda *_: None

    @property
    def next_at(self) -> int:
        """When the next line was captured, exchange ms; FAR after the last."""
        at = self.begins_at + self._replay.next_at
        return at if at <= self.ends_at else FAR

    def play(self) -> None:
        """Play all that was captured in the next millisecond."""
        at = self._replay.next_at
        self._replay.play(until=at, market=self._exchange, time=self.begins_at + at)
        self.played += 1
        for symbol in self._symbols:
            self.on_step(symbol, self.begins_at + at)

    def catch_up(self, time: int) -> None:
        """Nothing is passed over: a book is what all its changes made of it."""


def captures_of(folder: Path, symbol: str) -> list[Path]:
    """Find a symbol's capture files. Raises NoSuchRecording."""
    files = sorted(folder.glob(f"{symbol.lower()}_*.jsonl.gz"))
    if not files:
        there = sorted({file.name.split("_")[0].upper() for file in folder.glob("*.jsonl.gz")})
        raise NoSuchRecording(
            f"{symbol} was not captured in {folder}, only {', '.join(there) or 'none'}"
        )
    return files


def bounds_of(files: Sequence[Path]) -> tuple[int, int]:
    """Find when the first line and the last were received, exchange ms."""
    first: Captured | None = None
    last: Captured | None = None
    for captured in read_capture(*files):
        first, last = first or captured, captured
    if first is None or last is None:
        raise NoSuchRecording("the capture is empty")
    return first.received_at, last.received_at
