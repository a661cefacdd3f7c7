"""Price statistics: of a rolling day, of a window, of a trading day; best and last prices."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from lib.market.intervals import Frame
from lib.simulator.books.spans import DAY, HOUR, MINUTE, NO_TRADE, Span, flat
from lib.simulator.calls.answers import Body
from lib.simulator.calls.choice import Choice, count_symbols
from lib.simulator.calls.routes import Call, Routes, public
from lib.simulator.calls.time_zones import offset
from lib.simulator.engine.chart import Chart
from lib.simulator.engine.depth import best_texts
from lib.simulator.engine.market import Market
from lib.simulator.options import Options
from lib.simulator.refusals import Refusal, invalid
from lib.simulator.units import UNIT, write

UNITS: Final = {"m": (MINUTE, 59), "h": (HOUR, 23), "d": (DAY, 7)}
BEST: Final = ("bidPrice", "bidQty", "askPrice", "askQty")
KINDS: Final = ("FULL", "MINI")

_WINDOW = re.compile(r"([1-9][0-9]?)([mhd])", re.ASCII)


@dataclass(frozen=True, slots=True)
class Statistics:
    """What was traded in a window, and what it is compared with."""

    symbol: str
    opens: int
    closes: int
    total: Span  # without a trade: zeros, or flat at the last price
    before: int  # the last price before the window
    last: int
    last_quantity: int

    @property
    def change(self) -> int:
        return self.total.close - self.total.open if self.total.count else 0

    @property
    def change_percent(self) -> str:
        """Give the change in percent, rounded to three decimals."""
        first = self.total.open
        thousandths = (abs(self.change) * 200_000 + first) // (2 * first) if first else 0
        return f"{'-' if self.change < 0 else ''}{thousandths // 1000}.{thousandths % 1000:03d}"

    @property
    def average(self) -> int:
        return self.total.quote * UNIT // self.total.volume if self.total.volume else 0


def rolling_day(market: Market, chart: Chart, now: int) -> Statistics:
    """Take the statistics of the last 24 hours; they begin on the full minute."""
    begins = (now - DAY) // MINUTE * MINUTE
    total = chart.total(begins, now // MINUTE * MINUTE + MINUTE)
    return _statistics(market, chart, (now - DAY, now), total or Span(begins, 0, 0, 0, 0))


def rolling_window(market: Market, chart: Chart, now: int, size: int) -> Statistics | None:
    """Take the statistics of a window that opens on a full minute; None before the first trade."""
    begins = (now - size) // MINUTE * MINUTE
    total = chart.total(begins, now // MINUTE * MINUTE + MINUTE)
    if total is None:
        price = chart.price_before(begins)
        if price is None:
            return None
        total = flat(begins, price)
    return _statistics(market, chart, (begins, now), total)


def trading_day(market: Market, chart: Chart, now: int, zone: int) -> Statistics | None:
    """Take the statistics of the calendar day; None before the first trade."""
    frame = Frame("1d", zone)
    opens = frame.opening(now)
    total = chart.candle(frame, opens)
    if total is None:
        return None
    return _statistics(market, chart, (opens, frame.closing(opens)), total)


class Tickers:
    """Answers the calls below /ticker."""

    def __init__(self, choice: Choice, charts: Mapping[str, Chart], options: Options) -> None:
        self._choice = choice
        self._charts = charts
        self._options = options

    def routes(self) -> Routes:
        symbols = ("symbol", "symbols", "symbolStatus")
        return {
            "GET ticker/price": public(self.price, weigh_prices, *symbols),
            "GET ticker/bookTicker": public(self.best, weigh_prices, *symbols),
            "GET ticker/24hr": public(self.day, weigh_days, *symbols, "type"),
            "GET ticker": public(self.window, weigh_windows, *symbols, "windowSize", "type"),
            "GET ticker/tradingDay": public(
                self.trading_day, weigh_windows, *symbols, "timeZone", "type"
            ),
        }

    def price(self, call: Call) -> Body | list[Body]:
        return _answer(call, self._choice.some(call.params), _price)

    def best(self, call: Call) -> Body | list[Body]:
        return _answer(call, self._choice.some(call.params), _best)

    def day(self, call: Call) -> Body | list[Body]:
        """Answer GET /ticker/24hr, FULL or MINI."""
        shape = _shape(call.params)

        def body(market: Market) -> Body:
            found = rolling_day(market, self._chart(market), call.now)
            return _full_day(found, market) if shape is _full else _mini(found)

        return _answer(call, self._choice.some(call.params), body)

    def window(self, call: Call) -> Body | list[Body]:
        """Answer GET /ticker, a window of any size up to a week."""
        size, shape = _window_size(call.params), _shape(call.params)

        def body(market: Market) -> Body:
            found = rolling_window(market, self._chart(market), call.now, size)
            return shape(self._checked(found))

        return _answer(call, self._choice.named(call.params), body)

    def trading_day(self, call: Call) -> Body | list[Body]:
        """Answer GET /ticker/tradingDay, from midnight to midnight of a time zone."""
        zone, shape = offset(call.params), _shape(call.params)

        def body(market: Market) -> Body:
            found = trading_day(market, self._chart(market), call.now, zone)
            return shape(self._checked(found))

        return _answer(call, self._choice.named(call.params), body)

    def _chart(self, market: Market) -> Chart:
        return self._charts[market.rules.symbol]

    def _checked(self, found: Statistics | None) -> Statistics:
        """Refuse a window that cannot be found."""
        if found is None or (not found.total.count and self._options.empty_window == "refuse"):
            raise Refusal(
                -2016, "No trading window could be found for the symbol. Try ticker/24hrs instead."
            )
        return found


def weigh_prices(params: Mapping[str, str]) -> int:
    return 2 if "symbol" in params else 4


def weigh_days(params: Mapping[str, str]) -> int:
    """Weigh a 24hr question by how many symbols it is about; none named means all."""
    count = count_symbols(params) or 101
    return 2 if count <= 20 else 40 if count <= 100 else 80


def weigh_windows(params: Mapping[str, str]) -> int:
    return min(4 * max(count_symbols(params), 1), 200)


def _statistics(market: Market, chart: Chart, window: tuple[int, int], total: Span) -> Statistics:
    last = market.last or chart.price_before(window[1]) or 0
    trades = market.tape.trades
    return Statistics(
        market.rules.symbol,
        *window,
        total,
        before=chart.price_before(total.begins) or total.open,
        last=total.close if total.count else last,
        last_quantity=trades[-1].quantity if trades and total.count else 0,
    )


def _answer(call: Call, markets: list[Market], body: Callable[[Market], Body]) -> Body | list[Body]:
    """Answer for one symbol as such, for several as a list."""
    found = [body(market) for market in markets]
    return found[0] if "symbol" in call.params else found


def _shape(params: Mapping[str, str]) -> Callable[[Statistics], Body]:
    """Read `type`: how much of the statistics is shown."""
    kind = params.get("type", "FULL")
    if kind not in KINDS:
        raise Refusal(-1139, "Invalid ticker type.")
    return _full if kind == "FULL" else _mini


def _window_size(params: Mapping[str, str]) -> int:
    """Read `windowSize` in ms: 1m to 59m, 1h to 23h, 1d to 7d."""
    found = _WINDOW.fullmatch(params.get("windowSize", "1d"))
    if found is None or int(found[1]) > UNITS[found[2]][1]:
        raise invalid("windowSize")
    return int(found[1]) * UNITS[found[2]][0]


def _price(market: Market) -> Body:
    return {"symbol": market.rules.symbol, "price": write(market.last or 0)}


def _best(market: Market) -> Body:
    return {"symbol": market.rules.symbol, **best_texts(market.book, BEST)}


def _full_day(found: Statistics, market: Market) -> Body:
    return {
        **_change(found),
        "prevClosePrice": write(found.before if found.total.count else found.last),
        "lastPrice": write(found.last),
        "lastQty": write(found.last_quantity),
        **best_texts(market.book, BEST),
        **_mini(found),
    }


def _full(found: Statistics) -> Body:
    return {**_change(found), **_mini(found)}


def _change(found: Statistics) -> Body:
    return {
        "symbol": found.symbol,
        "priceChange": write(found.change),
        "priceChangePercent": found.change_percent,
        "weightedAvgPrice": write(found.average),
    }


def _mini(found: Statistics) -> dict[str, Any]:
    total = found.total
    return {
        "symbol": found.symbol,
        "openPrice": write(total.open),
        "highPrice": write(total.high),
        "lowPrice": write(total.low),
        "lastPrice": write(found.last),
        "volume": write(total.volume),
        "quoteVolume": write(total.quote),
        "openTime": found.opens,
        "closeTime": found.closes,
        "firstId": total.first_id if total.count else NO_TRADE,
        "lastId": total.last_id if total.count else NO_TRADE,
        "count": total.count,
    }
