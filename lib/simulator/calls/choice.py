"""Which symbols a public question is about: `symbol`, `symbols`, `symbolStatus`."""

import json
from collections.abc import Callable, Mapping
from typing import Final

from lib.simulator.engine.market import Market
from lib.simulator.refusals import (
    Refusal,
    bad_combination,
    both_missing,
    illegal,
    invalid,
    invalid_symbol,
)

STATUSES: Final = frozenset({"TRADING", "HALT", "BREAK"})
SYMBOLS_MAX: Final = 100  # where a question must name its symbols

FindMarket = Callable[[Mapping[str, str]], Market]


class Choice:
    """Finds the markets of one exchange. `symbol_range` is what a name may look like."""

    def __init__(
        self, markets: Mapping[str, Market], find_market: FindMarket, symbol_range: str
    ) -> None:
        self._markets = markets
        self._find_market = find_market
        name = symbol_range.strip("^$")
        self._list_range = rf'^\["{name}"(,"{name}"){{0,}}\]$'

    def one(self, params: Mapping[str, str]) -> Market:
        """Find the market of `symbol`, in the state that is asked for."""
        market = self._find_market(params)
        status = asked_status(params)
        if status is not None and market.rules.status != status:
            raise Refusal(-1220, "The symbol's status does not match the requested symbolStatus.")
        return market

    def some(self, params: Mapping[str, str]) -> list[Market]:
        """Find the markets of `symbol` or `symbols`; neither means all."""
        if "symbol" in params and "symbols" in params:
            raise bad_combination()
        if "symbol" in params:
            return [self.one(params)]
        status = asked_status(params)
        found = [self._markets[name] for name in self._names(params)]
        return [market for market in found if status in {None, market.rules.status}]

    def named(self, params: Mapping[str, str]) -> list[Market]:
        """Find the markets of `symbol` or `symbols`, of which one must be sent."""
        if not params.get("symbol") and not params.get("symbols"):
            raise both_missing("symbol", "symbols")
        found = self.some(params)
        if len(found) > SYMBOLS_MAX:
            raise invalid("symbols")
        return found

    def _names(self, params: Mapping[str, str]) -> list[str]:
        if "symbols" not in params:
            return list(self._markets)
        names = self._listed(params["symbols"])
        if not self._markets.keys() >= set(names):
            raise invalid_symbol()
        if len(set(names)) < len(names):
            raise Refusal(-1151, "Symbol is present multiple times in the list.")
        return names

    def _listed(self, text: str) -> list[str]:
        names = read_list(text)
        if not names:
            raise illegal("symbols", self._list_range)
        return names


def asked_status(params: Mapping[str, str]) -> str | None:
    """Read `symbolStatus`, None if it was not sent."""
    status = params.get("symbolStatus")
    if status is not None and status not in STATUSES:
        raise Refusal(-1122, "Invalid symbolStatus.")
    return status


def count_symbols(params: Mapping[str, str]) -> int:
    """Count the symbols a question names, without judging them."""
    if "symbol" in params:
        return 1
    return params["symbols"].count(",") + 1 if "symbols" in params else 0


def read_list(text: str) -> list[str]:
    """Read a JSON list of texts; empty if it is none."""
    try:
        names = json.loads(text)
    except ValueError:
        return []
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        return []
    return names
