"""Joins a book's snapshot to the changes around it, for the recording of one symbol.

Whoever plays a recording must never meet a change without the ones before it. So a change that
does not follow is held back until a new snapshot has come, and stands behind it.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

import orjson

from lib.binance.grain import whole
from lib.binance.transport import Frame
from lib.data.rows import Line

HELD_MAX = 5_000  # changes; a snapshot that does not come for so long is not worth waiting for


@dataclass(slots=True)
class Joining:
    """What of one symbol's streams is to be recorded; knows where its book stands."""

    symbol: str
    _last: int | None = None  # the update the recorded book has come to
    _best: int = 0  # the newest best prices' update
    _trade: int = 0
    _held: deque[tuple[int, Frame]] = field(default_factory=lambda: deque(maxlen=HELD_MAX))

    @property
    def in_step(self) -> bool:
        return self._last is not None

    @property
    def wants_snapshot(self) -> bool:
        """Say whether a change waits for a snapshot: one asked for before it might be too old."""
        return not self.in_step and bool(self._held)

    def lose_step(self) -> None:
        """Note that something may be missing from here on."""
        self._last = None
        self._held.clear()

    def hear(self, frame: Frame, at: int) -> Iterator[Line]:
        """Take one message of a stream; give what is to be recorded. Raises Unreadable."""
        match frame.get("e"):
            case "depthUpdate":
                yield from self._hear_change(frame, at)
            case "trade":
                yield from self._hear_trade(frame, at)
            case None if "u" in frame:  # bookTicker, the one that does not say what it is
                yield from self._hear_best(frame, at)
            case _:
                pass

    def settle(self, snapshot: Frame, at: int) -> list[Line] | None:
        """Take a snapshot; None if it is older than what is held. Raises Unreadable."""
        last = whole(snapshot, "lastUpdateId")
        later = [(came, held) for came, held in self._held if whole(held, "u") > last]
        if self.in_step or (later and whole(later[0][1], "U") > last + 1):
            return None
        self._last = last
        self._held.clear()
        lines = [Line(at, orjson.dumps(snapshot))]
        for _, held in later:
            lines += self._hear_change(held, at)
        return lines

    def _hear_change(self, frame: Frame, at: int) -> Iterator[Line]:
        first, last = whole(frame, "U"), whole(frame, "u")
        if self._last is not None and last <= self._last:
            return  # it came over two connections
        if self._last is not None and first > self._last + 1:
            self.lose_step()
        if self._last is None:
            self._held.append((at, frame))
            return
        self._last = last
        yield self._line("depth@100ms", frame, at)

    def _hear_trade(self, frame: Frame, at: int) -> Iterator[Line]:
        number = whole(frame, "t")
        if number > self._trade:
            self._trade = number
            yield self._line("trade", frame, at)

    def _hear_best(self, frame: Frame, at: int) -> Iterator[Line]:
        update = whole(frame, "u")
        if update > self._best:
            self._best = update
            yield self._line("bookTicker", frame, at)

    def _line(self, stream: str, frame: Frame, at: int) -> Line:
        name = f"{self.symbol.lower()}@{stream}"
        return Line(at, orjson.dumps({"stream": name, "data": frame}))
