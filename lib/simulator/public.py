"""What anyone may ask: the time, the rules, the book, the tape."""

import json
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from lib.simulator.answers import Body
from lib.simulator.depth import best_texts
from lib.simulator.market import Market
from lib.simulator.parameters import integer, limit, required
from lib.simulator.refusals import (
    Refusal,
    bad_combination,
    illegal,
    invalid_interval,
    invalid_symbol,
)
from lib.simulator.routes import Call
from lib.simulator.rules import kept_promises
from lib.simulator.tape import DAY, Print
from lib.simulator.units import UNIT, ZERO_TEXT, write

Klines: TypeAlias = Callable[[str, str, int | None, int | None, int], list[Any]]
FindMarket = Callable[[Mapping[str, str]], Market]

INTERVALS: Final = frozenset({
    *("1s", "1m", "3m", "5m", "15m", "30m"),
    *("1h", "2h", "4h", "6h", "8h", "12h"),
    *("1d", "3d", "1w", "1M"),
})
DEEPEST: Final = 5000
DEPTH_WEIGHTS: Final = ((100, 5), (500, 25), (1000, 50), (DEEPEST, 250))


class Public:
    """Answers public calls. `klines` is set by who owns candles."""

    def __init__(
        self, info: Mapping[str, Any], markets: Mapping[str, Market], find_market: FindMarket
    ) -> None:
        self._info = info
        self._entries = {entry["symbol"]: kept_promises(entry) for entry in info["symbols"]}
        self._markets = markets
        self._find_market = find_market
        self.klines: Klines = _no_klines

    def ping(self, _call: Call) -> Body:
        return {}

    def time(self, call: Call) -> Body:
        return {"serverTime": call.now}

    def exchange_info(self, call: Call) -> Body:
        """Answer GET /exchangeInfo for one symbol, some, or all."""
        names = self._names(call.params)
        return {
            **self._info,
            "serverTime": call.now,
            "symbols": [self._entries[name] for name in names],
        }

    def depth(self, call: Call) -> Body:
        market = self._find_market(call.params)
        rows = limit(call.params, 100, DEEPEST)
        return {
            "lastUpdateId": market.depth.last_update,
            "bids": [[write(p), write(q)] for p, q in market.book.bids.depth(rows)],
            "asks": [[write(p), write(q)] for p, q in market.book.asks.depth(rows)],
        }

    def trades(self, call: Call) -> list[Body]:
        market = self._find_market(call.params)
        rows = limit(call.params, 500, 1000)
        return [_trade(trade) for trade in list(market.tape.trades)[-rows:]]

    def candles(self, call: Call) -> list[Any]:
        """Answer GET /klines from whoever keeps them."""
        params = call.params
        market = self._find_market(params)
        interval = required(params, "interval")
        if interval not in INTERVALS:
            raise invalid_interval()
        begins, ends = integer(params, "startTime"), integer(params, "endTime")
        rows = limit(params, 500, 1000)
        return self.klines(market.rules.symbol, interval, begins, ends, rows)

    def average_price(self, call: Call) -> Body:
        market = self._find_market(call.params)
        average = market.tape.average(call.now)
        last = market.tape.trades[-1].time if market.tape.trades else 0
        return {
            "mins": market.tape.average_minutes,
            "price": write(average or 0),
            "closeTime": last,
        }

    def price(self, call: Call) -> Body | list[Body]:
        return self._for_each(call, _price)

    def book_ticker(self, call: Call) -> Body | list[Body]:
        return self._for_each(call, _book_ticker)

    def day(self, call: Call) -> Body | list[Body]:
        """Answer GET /ticker/24hr, FULL or MINI."""
        kind = call.params.get("type", "FULL")
        if kind not in {"FULL", "MINI"}:
            raise Refusal(-1139, "Invalid ticker type.")
        answer = _full_day if kind == "FULL" else _mini_day
        return self._for_each(call, lambda market: answer(market, call.now))

    def _for_each(self, call: Call, answer: Callable[[Market], Body]) -> Body | list[Body]:
        names = self._names(call.params)
        found = [answer(self._markets[name]) for name in names]
        return found[0] if "symbol" in call.params else found

    def _names(self, params: Mapping[str, str]) -> list[str]:
        """Read `symbol` or `symbols`; neither means all."""
        if "symbol" in params and "symbols" in params:
            raise bad_combination()
        if "symbol" in params:
            return [self._find_market(params).rules.symbol]
        if "symbols" not in params:
            return list(self._markets)
        names = _symbol_list(params["symbols"])
        if not self._markets.keys() >= set(names):
            raise invalid_symbol()
        if len(set(names)) < len(names):
            raise Refusal(-1151, "Symbol is present multiple times in the list.")
        return names


def weigh_depth(params: Mapping[str, str]) -> int:
    """Give what a depth question weighs; a limit that cannot be read weighs least."""
    text = params.get("limit", "100")
    rows = int(text) if text.isdecimal() else 0
    return next((weight for most, weight in DEPTH_WEIGHTS if rows <= most), 250)


def weigh_prices(params: Mapping[str, str]) -> int:
    return 2 if "symbol" in params else 4


def weigh_days(params: Mapping[str, str]) -> int:
    """Weigh a 24hr question by how many symbols it is about."""
    if "symbol" in params:
        return 2
    count = params["symbols"].count(",") + 1 if "symbols" in params else 101
    return 2 if count <= 20 else 40 if count <= 100 else 80


def _symbol_list(text: str) -> list[str]:
    legal = r'^\["[A-Z0-9-_.]{1,20}"(,"[A-Z0-9-_.]{1,20}"){0,}\]$'
    try:
        names = json.loads(text)
    except ValueError:
        raise illegal("symbols", legal) from None
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise illegal("symbols", legal)
    return names


def _trade(trade: Print) -> Body:
    return {
        "id": trade.id,
        "price": write(trade.price),
        "qty": write(trade.quantity),
        "quoteQty": write(trade.quote),
        "time": trade.time,
        "isBuyerMaker": trade.buyer_is_maker,
        "isBestMatch": True,
    }


def _price(market: Market) -> Body:
    return {"symbol": market.rules.symbol, "price": write(market.last or 0)}


def _book_ticker(market: Market) -> Body:
    names = ("bidPrice", "bidQty", "askPrice", "askQty")
    return {"symbol": market.rules.symbol, **best_texts(market.book, names)}


def _mini_day(market: Market, now: int) -> Body:
    """The last 24 hours in short; zeros if nothing was traded."""
    spans = market.tape.day(now)
    if not spans:
        return _empty_day(market, now)
    return {
        "symbol": market.rules.symbol,
        "openPrice": write(spans[0].first.price),
        "highPrice": write(max(span.high for span in spans)),
        "lowPrice": write(min(span.low for span in spans)),
        "lastPrice": write(spans[-1].last.price),
        "volume": write(sum(span.volume for span in spans)),
        "quoteVolume": write(sum(span.quote for span in spans)),
        "openTime": now - DAY,
        "closeTime": now,
        "firstId": spans[0].first.id,
        "lastId": spans[-1].last.id,
        "count": sum(span.count for span in spans),
    }


def _empty_day(market: Market, now: int) -> Body:
    prices = ("openPrice", "highPrice", "lowPrice", "lastPrice", "volume", "quoteVolume")
    return {
        "symbol": market.rules.symbol,
        **dict.fromkeys(prices, ZERO_TEXT),
        "openTime": now - DAY,
        "closeTime": now,
        "firstId": -1,
        "lastId": -1,
        "count": 0,
    }


def _full_day(market: Market, now: int) -> Body:
    spans = market.tape.day(now)
    names = ("bidPrice", "bidQty", "askPrice", "askQty")
    first = spans[0].first.price if spans else 0
    last = spans[-1].last if spans else None
    change = last.price - first if last else 0
    volume = sum(span.volume for span in spans)
    quote = sum(span.quote for span in spans)
    return {
        **_mini_day(market, now),
        "priceChange": write(change),
        "priceChangePercent": _percent(change, first),
        "weightedAvgPrice": write(quote * UNIT // volume if volume else 0),
        "prevClosePrice": write(first),
        "lastQty": write(last.quantity if last else 0),
        **best_texts(market.book, names),
    }


def _percent(change: int, first: int) -> str:
    thousandths = abs(change) * 100_000 // first if first else 0
    return f"{'-' if change < 0 else ''}{thousandths // 1000}.{thousandths % 1000:03d}"


def _no_klines(
    _symbol: str, _interval: str, _start: int | None, _end: int | None, _limit: int
) -> list[Any]:
    return []
