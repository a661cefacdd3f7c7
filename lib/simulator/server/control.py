"""Commands to the simulator over HTTP, below /simulator/. Served only if the caller wants it.

GET    /simulator/state                all orders, trades and balances
GET    /simulator/audit                what is wrong in the books: nothing, ever
GET    /simulator/log                  what faults and commands did, the oldest first
DELETE /simulator/log                  forget it
GET    /simulator/faults               the rules in force
POST   /simulator/faults               add rules: a list, as in lib/simulator/server/faults.py
DELETE /simulator/faults               take all rules away
POST   /simulator/book                 {"symbol", "bids", "asks"}: set a symbol's market
POST   /simulator/trade                {"symbol", "price", "quantity", "buyer_is_maker"}
POST   /simulator/wipe                 forget orders and trades, grant the first balances again
POST   /simulator/maintenance          {"status", "symbol"?}: HALT, BREAK, …; TRADING ends it
POST   /simulator/symbol               {"symbol", "changes"}: change what exchangeInfo says of it
POST   /simulator/lag                  {"query_ms", "list_ms"?, "trades_ms"?}: how far questions lag
POST   /simulator/transfer             {"account", "asset", "amount"}: below zero, a withdrawal
POST   /simulator/standing             {"account", "trading"}: allowed, cancel_only or forbidden
POST   /simulator/clock                {"jump_ms"} or {"offset_ms"}: move the exchange's clock
POST   /simulator/revoke-key           {"key"}: as if its owner had deleted it
POST   /simulator/restore-key          {"key"}
POST   /simulator/ban                  {"address"?, "seconds"}: 418 for a while; 0 lifts it
POST   /simulator/drop-connections     cut everything but this request
POST   /simulator/freeze-connections   leave all WebSockets half-open, for ever
POST   /simulator/null-error           send the WebSocket API's error that answers no request
POST   /simulator/garbage              send a frame that is no JSON
POST   /simulator/burst?count=1000     send that many empty user events at once
POST   /simulator/announce-shutdown    send serverShutdown everywhere
"""

from collections.abc import Callable, Mapping, Sequence
from decimal import InvalidOperation
from typing import Any, Final, Protocol

import orjson
from aiohttp import web
from pydantic import TypeAdapter, ValidationError

from lib.market.replay import Market
from lib.simulator.books.account import Standing
from lib.simulator.server import command_words as words
from lib.simulator.server.clock import ShiftedClock
from lib.simulator.server.faults import FaultPlan, Rule

STANDING: Final = TypeAdapter(Standing)
RULES: Final = TypeAdapter(list[Rule])
BURST: Final = 1_000
NEAR: Final = "127.0.0.1"
STATUSES: Final = ("TRADING", "HALT", "BREAK", "END_OF_DAY", "CANCEL_ONLY")
MISTAKES: Final = (ValidationError, ValueError, KeyError, TypeError, InvalidOperation)
QUIET: Final = frozenset({"GET", "log", "book", "trade"})  # methods and commands nobody logs


class Venue(Market, Protocol):
    """The exchange, as far as its owner changes it."""

    @property
    def symbols(self) -> Sequence[str]: ...

    def change_symbol(self, symbol: str, changes: Mapping[str, Any]) -> None: ...
    def set_lag(
        self, query_lag_ms: int, list_lag_ms: int = 0, trades_lag_ms: int | None = None
    ) -> None: ...
    def note(self) -> None: ...
    def audit(self) -> Sequence[str]: ...
    def transfer(self, account: str, asset: str, amount: str) -> None: ...
    def set_standing(self, account: str, standing: Standing) -> None: ...


class Disturbances(Protocol):
    """What the server can do to its connections and keys."""

    def drop_connections(self, *, but: object = None) -> None: ...
    def follow_wipe(self, *, but: object = None) -> None: ...
    def freeze_connections(self) -> None: ...
    def send_null_errors(self) -> None: ...
    def send_garbage(self) -> None: ...
    def burst(self, count: int) -> None: ...
    def announce_shutdown(self) -> None: ...
    def ban(self, address: str, until: int) -> None: ...
    def revoke_key(self, key: str) -> None: ...
    def restore_key(self, key: str) -> None: ...


class Control:
    """The commands of one simulator."""

    def __init__(
        self,
        *,
        market: Venue,
        plan: FaultPlan,
        clock: Callable[[], int],
        state: Callable[[], Mapping[str, Any]],
        wipe: Callable[[], object],
    ) -> None:
        self._venue = market
        self._plan = plan
        self._clock = clock
        self._state = state
        self._wipe = wipe

    async def serve(self, http: web.Request, server: Disturbances) -> web.Response:
        """Obey one command; 404 for an unknown one, 400 with a sentence for a wrong one."""
        name = http.path.removeprefix("/simulator/")
        called = f"{http.method} {name}"
        try:
            asked = _asked(await http.read())
            command = self._commands(asked, http, server).get(called)
            if command is None:
                return _answer({"error": f"no command {called}"}, status=404)
            told = command()
        except MISTAKES as wrong:
            return _answer({"error": f"{called}: {wrong}"}, status=400)
        if not QUIET & {http.method, name}:
            content = asked if isinstance(asked, dict) else {"asked": asked}
            self._plan.log.add(self._clock(), "command", called, content)
        return _answer(told)

    def _commands(
        self, asked: Any, http: web.Request, server: Disturbances
    ) -> Mapping[str, Callable[[], object]]:
        return {
            "GET state": self._state,
            "GET audit": lambda: {"findings": self._venue.audit()},
            "GET log": lambda: self._plan.log.entries,
            "DELETE log": self._plan.log.clear,
            "GET faults": lambda: [rule.model_dump() for rule in self._plan.rules],
            "POST faults": lambda: self._add_rules(asked),
            "DELETE faults": self._plan.clear,
            "POST book": lambda: self._set_book(asked),
            "POST trade": lambda: self._trade(asked),
            "POST wipe": lambda: self._forget(http, server),
            "POST maintenance": lambda: self._maintain(asked),
            "POST symbol": lambda: self._venue.change_symbol(asked["symbol"], asked["changes"]),
            "POST lag": lambda: self._lag(asked),
            "POST transfer": lambda: self._venue.transfer(
                asked["account"], words.asset(asked["asset"]), str(asked["amount"])
            ),
            "POST standing": lambda: self._venue.set_standing(
                asked["account"], STANDING.validate_python({"trading": asked["trading"]})
            ),
            "POST clock": lambda: self._move_clock(asked),
            "POST revoke-key": lambda: server.revoke_key(asked["key"]),
            "POST restore-key": lambda: server.restore_key(asked["key"]),
            "POST ban": lambda: self._ban(asked, server),
            "POST drop-connections": lambda: server.drop_connections(but=http),
            "POST freeze-connections": server.freeze_connections,
            "POST null-error": server.send_null_errors,
            "POST garbage": server.send_garbage,
            "POST burst": lambda: server.burst(int(http.query.get("count", BURST))),
            "POST announce-shutdown": server.announce_shutdown,
        }

    def _add_rules(self, asked: Any) -> None:
        for rule in RULES.validate_python(asked):
            self._plan.add(rule)

    def _set_book(self, asked: Any) -> None:
        bids, asks = words.levels(asked["bids"]), words.levels(asked["asks"])
        words.uncrossed(bids, asks)
        self._venue.set_book(asked["symbol"], bids, asks, self._clock())
        self._venue.note()

    def _trade(self, asked: Any) -> None:
        self._venue.market_trade(
            asked["symbol"],
            words.positive(asked["price"]),
            words.positive(asked["quantity"]),
            buyer_is_maker=words.truth(asked, "buyer_is_maker"),
            time=self._clock(),
        )
        self._venue.note()

    def _forget(self, http: web.Request, server: Disturbances) -> None:
        self._wipe()
        server.follow_wipe(but=http)

    def _maintain(self, asked: Any) -> None:
        status = asked["status"]
        if status not in STATUSES:
            raise ValueError(f"a symbol is never {status}, but one of {', '.join(STATUSES)}")
        named = asked.get("symbol")
        for symbol in self._venue.symbols if named is None else (named,):
            self._venue.change_symbol(symbol, {"status": status})

    def _lag(self, asked: Any) -> None:
        trades = asked.get("trades_ms")
        self._venue.set_lag(
            words.span(asked["query_ms"]),
            words.span(asked.get("list_ms", 0)),
            None if trades is None else words.span(trades),
        )

    def _move_clock(self, asked: Any) -> object:
        clock = self._clock
        if not isinstance(clock, ShiftedClock):
            raise TypeError("the clock of this exchange cannot be moved")
        if "offset_ms" in asked:
            clock.offset_ms = int(asked["offset_ms"])
        else:
            clock.jump(int(asked["jump_ms"]))
        return {"offset_ms": clock.offset_ms, "time": clock()}

    def _ban(self, asked: Any, server: Disturbances) -> None:
        until = self._clock() + 1000 * int(asked["seconds"])
        server.ban(asked.get("address", NEAR), until)


def _asked(body: bytes) -> Any:
    return orjson.loads(body) if body else {}


def _answer(body: object, *, status: int = 200) -> web.Response:
    content = orjson.dumps({"done": True} if body is None else body)
    return web.Response(status=status, body=content, content_type="application/json")
