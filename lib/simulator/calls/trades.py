"""GET /trades, /historicalTrades, /aggTrades: what anyone has traded; blocks nobody ever has."""

from collections.abc import Iterable
from itertools import islice
from typing import TypeVar

from lib.simulator.books.spans import Print
from lib.simulator.books.tape import Aggregate
from lib.simulator.calls.answers import Body
from lib.simulator.calls.choice import FindMarket
from lib.simulator.calls.parameters import integer, limit, required
from lib.simulator.calls.routes import Call, Routes, public
from lib.simulator.refusals import bad_combination
from lib.simulator.units import write

Row = TypeVar("Row")


class Trades:
    """Answers from the tape. What is older than the tape cannot be asked for any more."""

    def __init__(self, find_market: FindMarket) -> None:
        self._find_market = find_market

    def routes(self) -> Routes:
        span = ("fromId", "startTime", "endTime")
        return {
            "GET trades": public(self.recent, 25, "symbol", "limit"),
            "GET historicalTrades": public(self.historical, 25, "symbol", "limit", "fromId"),
            "GET historicalBlockTrades": public(self.blocks, 25, "symbol", "fromId", "limit"),
            "GET aggTrades": public(self.aggregates, 4, "symbol", "limit", *span),
        }

    def recent(self, call: Call) -> list[Body]:
        trades = self._find_market(call.params).tape.trades
        return [_trade(trade) for trade in _newest(trades, limit(call.params, 500, 1000))]

    def historical(self, call: Call) -> list[Body]:
        """Answer GET /historicalTrades: from an id on, or the newest."""
        tape = self._find_market(call.params).tape
        first, rows = integer(call.params, "fromId"), limit(call.params, 500, 1000)
        if first is None:
            return self.recent(call)
        return [_trade(trade) for trade in tape.trades_from(first, rows)]

    def blocks(self, call: Call) -> list[Body]:
        """Answer GET /historicalBlockTrades: there are none here."""
        self._find_market(call.params)
        required(call.params, "fromId")
        return []

    def aggregates(self, call: Call) -> list[Body]:
        """Answer GET /aggTrades: from an id on, of a span of time, or the newest."""
        params = call.params
        tape = self._find_market(params).tape
        first, rows = integer(params, "fromId"), limit(params, 500, 1000)
        begins, ends = integer(params, "startTime"), integer(params, "endTime")
        if first is not None:
            if begins is not None or ends is not None:
                raise bad_combination()
            found: Iterable[Aggregate] = tape.aggregates_from(first, rows)
        elif begins is not None:
            later = (whole for whole in tape.aggregates if begins <= whole.time)
            found = islice((each for each in later if ends is None or each.time <= ends), rows)
        elif ends is not None:
            found = _newest([each for each in tape.aggregates if each.time <= ends], rows)
        else:
            found = _newest(tape.aggregates, rows)
        return [_aggregate(whole) for whole in found]


def _newest(rows: Iterable[Row], count: int) -> list[Row]:
    return list(rows)[-count:]


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


def _aggregate(whole: Aggregate) -> Body:
    return {
        "a": whole.id,
        "p": write(whole.price),
        "q": write(whole.quantity),
        "f": whole.first_id,
        "l": whole.last_id,
        "T": whole.time,
        "m": whole.buyer_is_maker,
        "M": True,
    }
