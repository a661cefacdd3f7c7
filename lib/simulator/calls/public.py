"""What anyone may ask: the time, the rules, the book, the average price."""

from collections.abc import Mapping
from typing import Any, Final

from lib.simulator.calls.answers import Body
from lib.simulator.calls.choice import Choice, asked_status, read_list
from lib.simulator.calls.parameters import flag, limit
from lib.simulator.calls.routes import Call, Routes, public
from lib.simulator.engine.market import Market
from lib.simulator.engine.rules import kept_promises
from lib.simulator.refusals import bad_combination, invalid
from lib.simulator.units import write

DEEPEST: Final = 5000
DEPTH_WEIGHTS: Final = ((100, 5), (500, 25), (1000, 50), (DEEPEST, 250))
SHOWN_PERMISSIONS: Final = ("SPOT", "MARGIN", "LEVERAGED")  # unless others are asked for
GROUPS: Final = tuple(f"TRD_GRP_{number:03d}" for number in range(2, 26))
PERMISSIONS: Final = frozenset(SHOWN_PERMISSIONS + GROUPS)


class Public:
    """Answers public calls about the exchange and its books."""

    def __init__(
        self, info: Mapping[str, Any], markets: Mapping[str, Market], choice: Choice
    ) -> None:
        self._info = info
        self._entries = {entry["symbol"]: kept_promises(entry) for entry in info["symbols"]}
        self._markets = markets
        self._choice = choice

    def routes(self) -> Routes:
        """List the calls that are answered here."""
        names = ("symbol", "symbols", "symbolStatus", "permissions", "showPermissionSets")
        return {
            "GET ping": public(self.ping, 1),
            "GET time": public(self.time, 1),
            "GET exchangeInfo": public(self.exchange_info, 20, *names),
            "GET depth": public(self.depth, weigh_depth, "symbol", "limit", "symbolStatus"),
            "GET avgPrice": public(self.average_price, 2, "symbol"),
        }

    def ping(self, _call: Call) -> Body:
        return {}

    def time(self, call: Call) -> Body:
        return {"serverTime": call.now}

    def exchange_info(self, call: Call) -> Body:
        """Answer GET /exchangeInfo for one symbol, some, or all."""
        params = call.params
        shown = flag(params, "showPermissionSets") if "showPermissionSets" in params else True
        entries = self._listed(params)
        if not shown:
            entries = [{**entry, "permissionSets": []} for entry in entries]
        return {**self._info, "serverTime": call.now, "symbols": entries}

    def depth(self, call: Call) -> Body:
        market = self._choice.one(call.params)
        return top(market, limit(call.params, 100, DEEPEST))

    def average_price(self, call: Call) -> Body:
        market = self._choice.one(call.params)
        last = market.tape.trades[-1].time if market.tape.trades else 0
        return {
            "mins": market.tape.average_minutes,
            "price": write(market.tape.average(call.now) or 0),
            "closeTime": last,
        }

    def _listed(self, params: Mapping[str, str]) -> list[Body]:
        """Choose the symbols by name, or by permission and state."""
        if "symbol" in params or "symbols" in params:
            if "permissions" in params or "symbolStatus" in params:
                raise bad_combination()
            return [self._entries[market.rules.symbol] for market in self._choice.some(params)]
        wanted, status = _permissions(params), asked_status(params)
        return [
            entry
            for entry in self._entries.values()
            if status in {None, entry["status"]} and _has_any(entry, wanted)
        ]


def top(market: Market, levels: int) -> Body:
    """Show the best levels of a book."""
    return {
        "lastUpdateId": market.depth.last_update,
        "bids": [[write(p), write(q)] for p, q in market.book.bids.depth(levels)],
        "asks": [[write(p), write(q)] for p, q in market.book.asks.depth(levels)],
    }


def weigh_depth(params: Mapping[str, str]) -> int:
    """Give what a depth question weighs; a limit that cannot be read weighs least."""
    text = params.get("limit", "100")
    rows = int(text) if text.isdecimal() else 0
    return next((weight for most, weight in DEPTH_WEIGHTS if rows <= most), 250)


def _permissions(params: Mapping[str, str]) -> frozenset[str]:
    """Read `permissions`, one or a list."""
    text = params.get("permissions")
    if text is None:
        return frozenset(SHOWN_PERMISSIONS)
    wanted = frozenset(read_list(text) if text.startswith("[") else [text])
    if not wanted or not wanted <= PERMISSIONS:
        raise invalid("permissions")
    return wanted


def _has_any(entry: Mapping[str, Any], wanted: frozenset[str]) -> bool:
    """Tell whether a symbol has one of the permissions; one that tells of none is for all."""
    sets = entry.get("permissionSets") or [["SPOT"]]
    return any(not wanted.isdisjoint(each) for each in sets)
