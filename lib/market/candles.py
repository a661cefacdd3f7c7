"""Recorded candles with all that an exchange tells of them, and who keeps them."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final, Protocol

FAR: Final = 2**63
ZERO: Final = Decimal(0)


@dataclass(frozen=True, slots=True)
class Bar:
    """A candle. Which trades made it is not recorded."""

    open_time: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal = ZERO
    quote: Decimal = ZERO
    trades: int = 0
    taker_volume: Decimal = ZERO
    taker_quote: Decimal = ZERO


class History(Protocol):
    """What was before an exchange began."""

    @property
    def begins_at(self) -> int:
        """The open time of its first candle; FAR if it has none."""
        ...

    def bar(self, start: int, end: int) -> Bar | None:
        """Return the candle from `start` to `end`, if there is one.

        Both on a full minute, or a second apart.
        """
        ...


def merge_bars(bars: Iterable[Bar | None], open_time: int) -> Bar | None:
    """Put bars that follow each other together into one."""
    whole = None
    for bar in bars:
        if bar is not None:
            whole = _joined(whole, bar) if whole else replace(bar, open_time=open_time)
    return whole


def _joined(bar: Bar, after: Bar) -> Bar:
    return Bar(
        bar.open_time,
        bar.open,
        max(bar.high, after.high),
        min(bar.low, after.low),
        after.close,
        bar.volume + after.volume,
        bar.quote + after.quote,
        bar.trades + after.trades,
        bar.taker_volume + after.taker_volume,
        bar.taker_quote + after.taker_quote,
    )
