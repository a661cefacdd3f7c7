"""Commands to the simulator over HTTP, below /simulator/. Served only if the caller wants it.

GET    /simulator/state                all orders, trades and balances
GET    /simulator/faults               the rules in force
POST   /simulator/faults               add rules: a list, each as lib/simulator/faults.py has it
DELETE /simulator/faults               take all rules away
POST   /simulator/book                 {"symbol", "bids", "asks"}: set a symbol's market
POST   /simulator/trade                {"symbol", "price", "quantity", "buyer_is_maker"}
POST   /simulator/wipe                 forget orders and trades, grant the first balances again
POST   /simulator/drop-connections     cut everything but this request
POST   /simulator/freeze-connections   leave all WebSockets half-open, for ever
POST   /simulator/null-error           send the WebSocket API's error that answers no request
POST   /simulator/burst?count=1000     send that many empty user events at once
POST   /simulator/announce-shutdown    send serverShutdown everywhere
"""

from collections.abc import Awaitable, Callable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Protocol

import orjson
from aiohttp import web
from pydantic import TypeAdapter, ValidationError

from lib.market.recordings import Levels
from lib.market.replay import Market
from lib.simulator.faults import FaultPlan, Rule

RULES = TypeAdapter(list[Rule])
BURST = 1_000


class Disturbances(Protocol):
    """What the server can do to its connections."""

    def drop_connections(self, *, but: object = None) -> None: ...
    def follow_wipe(self, *, but: object = None) -> None: ...
    def freeze_connections(self) -> None: ...
    def send_null_errors(self) -> None: ...
    def burst(self, count: int) -> None: ...
    def announce_shutdown(self) -> None: ...


class Control:
    """The commands of one simulator."""

    def __init__(
        self,
        *,
        market: Market,
        plan: FaultPlan,
        clock: Callable[[], int],
        state: Callable[[], Mapping[str, Any]],
        wipe: Callable[[], object],
    ) -> None:
        self._market = market
        self._plan = plan
        self._clock = clock
        self._state = state
        self._wipe = wipe

    async def serve(self, http: web.Request, server: Disturbances) -> web.Response:
        """Obey one command; 404 for an unknown one, 400 with a sentence for a wrong one."""
        name = f"{http.method} {http.path.removeprefix('/simulator/')}"
        command = self._commands(http, server).get(name)
        if command is None:
            return _answer({"error": f"no command {name}"}, status=404)
        try:
            return _answer(await command())
        except (ValidationError, ValueError, KeyError, TypeError, InvalidOperation) as wrong:
            return _answer({"error": f"{name}: {wrong}"}, status=400)

    def _commands(
        self, http: web.Request, server: Disturbances
    ) -> Mapping[str, Callable[[], Awaitable[object]]]:
        async def burst() -> None:
            server.burst(int(http.query.get("count", BURST)))

        async def wipe() -> None:
            self._wipe()
            server.follow_wipe(but=http)

        return {
            "GET state": _at_once(self._state),
            "GET faults": _at_once(lambda: [rule.model_dump() for rule in self._plan.rules]),
            "POST faults": lambda: self._add_rules(http),
            "DELETE faults": _at_once(self._plan.clear),
            "POST book": lambda: self._set_book(http),
            "POST trade": lambda: self._trade(http),
            "POST wipe": wipe,
            "POST drop-connections": _at_once(lambda: server.drop_connections(but=http)),
            "POST freeze-connections": _at_once(server.freeze_connections),
            "POST null-error": _at_once(server.send_null_errors),
            "POST burst": burst,
            "POST announce-shutdown": _at_once(server.announce_shutdown),
        }

    async def _add_rules(self, http: web.Request) -> None:
        for rule in RULES.validate_json(await http.read()):
            self._plan.add(rule)

    async def _set_book(self, http: web.Request) -> None:
        asked = orjson.loads(await http.read())
        bids, asks = _levels(asked["bids"]), _levels(asked["asks"])
        self._market.set_book(asked["symbol"], bids, asks, self._clock())

    async def _trade(self, http: web.Request) -> None:
        asked = orjson.loads(await http.read())
        self._market.market_trade(
            asked["symbol"],
            Decimal(asked["price"]),
            Decimal(asked["quantity"]),
            buyer_is_maker=bool(asked["buyer_is_maker"]),
            time=self._clock(),
        )


def _at_once(act: Callable[[], object]) -> Callable[[], Awaitable[object]]:
    async def command() -> object:
        return act()

    return command


def _levels(pairs: list[list[str]]) -> Levels:
    return tuple((Decimal(price), Decimal(quantity)) for price, quantity in pairs)


def _answer(body: object, *, status: int = 200) -> web.Response:
    content = orjson.dumps({"done": True} if body is None else body)
    return web.Response(status=status, body=content, content_type="application/json")
