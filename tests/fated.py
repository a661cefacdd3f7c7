"""A world in which one kind of call meets one fate, and nothing else goes wrong.

Every call that the program makes of an exchange is here with a story that makes it, so that each
can be met by each fate.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Any, Final

import orjson
import pytest

import tests.world
from lib.binance.transport import Reply
from lib.bot_kinds import BotKind, find_bot
from lib.errors import OutcomeUnknown
from lib.simulator.protocol import Request
from lib.simulator.server.faults import Rule, drop_event, lose_reply, lose_request
from tests import oco_trade
from tests.disk import Crash
from tests.edges import Wire
from tests.swinging import ShapedWorld, path, with_small_bots
from tests.world import ACCOUNT, CALM, World

LATE_MS: Final = 2_500
STALE: Final = 8.0  # seconds that a late answer is old when it comes
SILENCE: Final = 3.0  # seconds after which a lost reply is given up


class Fate(StrEnum):
    """What befalls a call."""

    CRASH_BEFORE = "crash before"  # the power fails as it is about to leave
    CRASH_AFTER = "crash after"  # the exchange acted; the power fails before its reply comes
    REPLY_LOST = "reply lost"  # the exchange acted; the connection is lost
    LATE = "late"  # a change arrives later, unanswered; an answer comes when it is old
    REPEATED = "repeated"  # it arrives twice, and the second reply is the one that is heard
    REFUSED = "refused"


@dataclass(frozen=True)
class Call:
    """A call of the exchange, and the story of a bot that makes it."""

    name: str  # the method of lib.exchange.Venue, and what of its kinds
    path: str
    section: Mapping[str, Any]
    method: str = "GET"
    provoked_by: tuple[Rule, ...] = ()
    refusal: tuple[int, str] = (429, '{"code":-1003,"msg":"Too many requests queued."}')
    times: int = 2  # how often the fate strikes; a crash strikes once


ASKER = {"function": "asker", "symbol": "BTCUSDT", "quantity": "0.01"}
RESTING = {
    "function": "add_order",
    "order": {
        "symbol": "BTCUSDT",
        "side": "BUY",
        "type": "LIMIT",
        "quantity": "0.01",
        "price": "30000",
    },
    "wait": "20s",
}
PATIENT = {**RESTING, "wait": "5m"}  # longer than an order in doubt is looked for
STOPPED = {
    **PATIENT,
    "order": {
        "symbol": "BTCUSDT",
        "side": "SELL",
        "type": "STOP_LOSS",
        "quantity": "0.01",
        "stopPrice": "30000",
    },
}
TRADER = {"function": "oco_trade", "symbol": "BTCUSDT", "may_sell_your_coins": True}
LISTED = {**TRADER, "profit": "0.05", "loss": "0.05", "patience": "10m"}
SOON_GIVEN_UP = {**LISTED, "patience": "20s"}
ENTERED = {**LISTED, "patience": "5m", "side": "BUY", "entry": "0.05"}
SHRINKER = {
    "function": "mover",
    "symbol": "BTCUSDT",
    "quantity": "0.1",
    "away": "0.003",
    "every": "1500ms",
    "shrink_to": "0.08",
}


def _entered(kind: str) -> Mapping[str, Any]:
    return {**ENTERED, "kind": kind}


REPLY_LOST = Rule(fault=lose_reply(3_000), method="POST", path="/api/v3/order", times=1)
LIST_LOST = Rule(fault=lose_request(3_000), method="POST", path="*orderList*", times=1)
SILENT = Rule(fault=drop_event())
NO_CANCEL = (400, '{"code":-2011,"msg":"Order was not canceled due to cancel restrictions."}')
NO_AMEND = (400, '{"code":-2038,"msg":"Order amend is not supported for this symbol."}')

QUESTIONS: Final = {
    call.name: call
    for call in (
        Call("server_time", "/api/v3/time", ASKER),
        Call("rules", "/api/v3/exchangeInfo", ASKER),
        Call("account", "/api/v3/account", ASKER),
        Call("find_order", "/api/v3/order", ASKER, provoked_by=(REPLY_LOST, SILENT)),
        Call("find_list", "/api/v3/orderList", LISTED, provoked_by=(LIST_LOST,)),
        Call("open_orders", "/api/v3/openOrders", ASKER),
        Call("history", "/api/v3/allOrders", ASKER),
        Call("fills", "/api/v3/myTrades", ASKER, provoked_by=(REPLY_LOST, SILENT)),
        Call("candles", "/api/v3/klines", ASKER),
        Call("public_trades", "/api/v3/aggTrades", ASKER),
        Call("quote", "/api/v3/ticker/24hr", ASKER),
    )
}
CHANGES: Final = {
    call.name: call
    for call in (
        Call("place", "/api/v3/order", ASKER, "POST"),
        Call("place LIMIT", "/api/v3/order", PATIENT, "POST"),
        Call("place STOP_LOSS", "/api/v3/order", STOPPED, "POST"),
        Call("cancel", "/api/v3/order", RESTING, "DELETE", refusal=NO_CANCEL),
        Call("cancel of a list", "/api/v3/order", SOON_GIVEN_UP, "DELETE", refusal=NO_CANCEL),
        Call("place_list", "/api/v3/orderList/oco", LISTED, "POST", times=1),
        Call("place_list OTO", "/api/v3/orderList/oto", _entered("OTO"), "POST", times=1),
        Call("place_list OTOCO", "/api/v3/orderList/otoco", _entered("OTOCO"), "POST", times=1),
        Call("amend", "/api/v3/order/amend/*", SHRINKER, "PUT", refusal=NO_AMEND),
    )
}
SINKING = path((0, 1), (30, 0.996), (60, 0.994), (300, 0.96))


class FatedWire(Wire):
    """Lets the fate strike, a few times, and everything else pass."""

    async def request(
        self, method: str, path: str, params: Mapping[str, str], *, signed: bool
    ) -> Reply:
        world = self._world
        assert isinstance(world, FatedWorld)
        if not world.strikes(method, path):
            return await super().request(method, path, params, signed=signed)
        await asyncio.sleep(0)
        return await self._meet(world, Request(method, path, params, ACCOUNT if signed else None))

    async def _meet(self, world: "FatedWorld", request: Request) -> Reply:
        match world.suffers:
            case Fate.CRASH_BEFORE:
                world.lose_power()
            case Fate.CRASH_AFTER:
                self._answered(request)
                world.lose_power()
            case Fate.REPLY_LOST:
                self._answered(request)
            case Fate.LATE if request.method != "GET":
                world.in_flight.append((world.clock() / 1000 + LATE_MS / 1000, request))
            case Fate.LATE:
                old = self._answered(request)
                await asyncio.sleep(STALE)
                return old
            case Fate.REPEATED:
                self._answered(request)
                return self._answered(request)
            case Fate.REFUSED:
                return world.refusal
        await asyncio.sleep(SILENCE)
        raise OutcomeUnknown(f"{request.method} {request.path}: the connection was lost")


class FatedWorld(ShapedWorld):
    """One call, one fate."""

    def __init__(self, call: Call, fate: Fate) -> None:
        shape = SINKING if call.name == "amend" else path((0, 1), (1, 1))
        super().__init__(1, {"one": call.section}, replace(CALM, query_lag_ms=1_000), shape=shape)
        self.plan.set(call.provoked_by)
        self.call, self.suffers = call, fate
        self.struck = 0

    @property
    def refusal(self) -> Reply:
        status, body = self.call.refusal
        return Reply(status, orjson.loads(body), {"Retry-After": "5"} if status == 429 else {})

    def strikes(self, method: str, path: str) -> bool:
        """Say whether the fate befalls this request, and count it."""
        if method != self.call.method or not fnmatchcase(path, self.call.path):
            return False
        crash = self.suffers in {Fate.CRASH_BEFORE, Fate.CRASH_AFTER}
        self.struck += 1
        return self.struck <= (1 if crash else self.call.times)

    def lose_power(self) -> None:
        self.disk.die()
        raise Crash


def lived(call: Call, fate: Fate, monkeypatch: pytest.MonkeyPatch) -> FatedWorld:
    """Play the story of a call that meets its fate, through as many lives as it takes."""
    with_small_bots(monkeypatch)
    monkeypatch.setattr(tests.world, "Wire", FatedWire)
    monkeypatch.setattr(tests.world, "find_bot", _find)
    world = FatedWorld(call, fate)
    while not world.live():
        world.cut()
    return world


def _find(module: str, function: str) -> BotKind:
    if module == "oco_trade":
        return BotKind(oco_trade.Conf, oco_trade.Ctx, oco_trade.bot)
    return find_bot(module, function)


def parked(world: World) -> list[str]:
    found = [world.generation(name).parked for name in world.standings]
    return [f"{each.kind}: {each.reason}" for each in found if each]
