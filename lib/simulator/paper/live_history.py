"""The past of a live market: real candles, asked for, never made up."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from lib.market.candles import FAR, Bar, merge_bars
from lib.market.intervals import MINUTE
from lib.simulator.engine.past import Past

PAGE: Final = 1_000
PAGES: Final = 2  # 33 hours: the whole of any candle up to a day, and the rolling day

AskMinutes = Callable[[Mapping[str, str]], Awaitable[Sequence[Sequence[Any]]]]


class MinuteHistory:
    """Candles of a minute, as the exchange answered them."""

    def __init__(self, bars: Sequence[Bar]) -> None:
        self._bars = {bar.open_time: bar for bar in bars}
        self.begins_at = min(self._bars, default=FAR)

    def bar(self, start: int, end: int) -> Bar | None:
        """Merge the minutes of a span; of seconds nothing is known."""
        found = (self._bars.get(time) for time in range(start, end, MINUTE))
        return merge_bars(found, start) if end - start >= MINUTE else None


async def read_past(ask: AskMinutes, *, now: int) -> Past:
    """Ask for the newest minutes; the one that is growing `now` is left to the trades."""
    rows = list(await ask({"limit": str(PAGE)}))
    for _ in range(PAGES - 1):
        if not rows:
            break
        earlier = await ask({"limit": str(PAGE), "endTime": str(int(rows[0][0]) - 1)})
        rows = [*earlier, *rows]
    ends = now - now % MINUTE
    bars = [_bar(row) for row in rows]
    return Past(MinuteHistory([bar for bar in bars if bar.open_time < ends]), ends=ends)


def _bar(row: Sequence[Any]) -> Bar:
    first, high, low, last = (Decimal(str(price)) for price in row[1:5])
    return Bar(
        open_time=int(row[0]),
        open=first,
        high=high,
        low=low,
        close=last,
        volume=Decimal(str(row[5])),
        quote=Decimal(str(row[7])),
        trades=int(row[8]),
        taker_volume=Decimal(str(row[9])),
        taker_quote=Decimal(str(row[10])),
    )
