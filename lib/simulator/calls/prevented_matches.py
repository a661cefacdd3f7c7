"""GET myPreventedMatches: the trades with themselves that an account's orders were kept from."""

from collections.abc import Callable, Mapping
from itertools import islice
from typing import Final

from lib.simulator.books.account import Account
from lib.simulator.books.orders import Prevention
from lib.simulator.calls import answers
from lib.simulator.calls.answers import Body
from lib.simulator.calls.parameters import integer, limit
from lib.simulator.calls.routes import Call, Routes, private
from lib.simulator.engine.floor import Floor
from lib.simulator.engine.market import Market
from lib.simulator.refusals import bad_combination

USUAL_ROWS: Final = 500
MOST_ROWS: Final = 1000
QUESTIONS: Final = frozenset({
    frozenset({"preventedMatchId"}),
    frozenset({"orderId"}),
    frozenset({"orderId", "fromPreventedMatchId"}),
    frozenset({"orderId", "fromPreventedMatchId", "limit"}),
})
NAMES: Final = ("preventedMatchId", "orderId", "fromPreventedMatchId", "limit")

FindMarket = Callable[[Mapping[str, str]], Market]


class PreventedMatches:
    """Answers to who was the taker or the maker."""

    def __init__(
        self, floor: Floor, find_market: FindMarket, markets: Mapping[str, Market]
    ) -> None:
        self._preventions = floor.books.preventions
        self._find_market = find_market
        self._markets = markets
        self._lag = max(floor.options.query_lag_ms, floor.options.list_lag_ms)

    def routes(self) -> Routes:
        """List the calls that are answered here."""
        return {"GET myPreventedMatches": private(self.matches, self._weigh, "symbol", *NAMES)}

    def matches(self, call: Call) -> list[Body]:
        """Answer GET /myPreventedMatches, in one of the combinations Binance allows."""
        params = call.params
        symbol = self._find_market(params).rules.symbol
        if params.keys() & set(NAMES) not in QUESTIONS:
            raise bad_combination()
        rows = limit(params, USUAL_ROWS, MOST_ROWS)
        match_id, order_id = integer(params, "preventedMatchId"), integer(params, "orderId")
        first = integer(params, "fromPreventedMatchId") or 0
        found = (
            one
            for one in self._preventions.get(symbol, ())
            if _concerns(one, call.owner)
            and call.now - one.time >= self._lag
            and (one.id == match_id or (one.id >= first and _has(one, order_id)))
        )
        return [answers.prevented_match(one) for one in islice(found, rows)]

    def _weigh(self, params: Mapping[str, str]) -> int:
        known = params.get("symbol") in self._markets
        return 2 if not known or "preventedMatchId" in params else 20


def _concerns(found: Prevention, owner: Account) -> bool:
    return owner in (found.taker.account, found.maker.account)


def _has(found: Prevention, order_id: int | None) -> bool:
    return order_id in {found.taker.id, found.maker.id}
