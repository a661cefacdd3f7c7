"""What the adapter remembers of an algorithm: how far it has seen, and what it asked for."""

from decimal import Decimal
from typing import Final

from lib.algorithm.wish import Wish
from lib.closed_candles import Interval, length_of
from lib.exchange import ZERO
from lib.machine import Context
from lib.money import plain
from lib.settings import Milliseconds, Settings
from lib.turnover import Turnover

MINUTE: Final = 60_000  # ms


class AlgorithmSettings(Settings):
    """Base of the Conf of an algorithm."""

    symbol: str
    entries_within: Milliseconds | None = None  # None: see `freshness`

    @property
    def freshness(self) -> int:
        """How long after what led to it an entry may still be sent, ms."""
        return MINUTE if self.entries_within is None else self.entries_within


class CandleSettings(AlgorithmSettings):
    """The same of an algorithm that hears candles."""

    interval: Interval = "1h"

    @property
    def freshness(self) -> int:
        """How long after what led to it an entry may be sent, ms: as long as a candle lasts."""
        return length_of(self.interval) if self.entries_within is None else self.entries_within


class TradeSettings(AlgorithmSettings):
    """The same of an algorithm that hears public trades."""

    every: Milliseconds = 1_000  # how often it is told, at most; each time is a save


class Course(Context):
    """Saved with what the algorithm itself remembers, in one generation."""

    symbol: str = ""  # empty: not begun
    base_asset: str = ""
    quote_asset: str = ""
    least: Decimal = ZERO  # base asset that could be sold at market when it was looked at last

    evaluated: int = 0  # when the newest evaluated candle opened, exchange ms; 0: none
    trade: int | None = None  # id of the newest public trade that was told
    wishes: list[Wish] = []  # that are not over
    asked: int = 0  # how many there ever were
    held: Decimal = ZERO  # base asset bought and not sold, less fees, as far as it was told
    sums: Turnover = Turnover()
    finished: str = ""  # why it wants no more


class AlgorithmCtx(Context):
    """Base of every algorithm's Ctx: its own fields are what it remembers."""

    course: Course = Course()

    @property
    def holding(self) -> str:
        course = self.course
        if course.held <= 0 or course.held < course.least:
            return ""
        return f"{plain(course.held)} {course.base_asset}"
