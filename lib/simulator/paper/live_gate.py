"""Where requests enter an exchange that shows a live market.

Its past is asked from the real one: candles and day tickers, each answer kept for a moment. And
while the feed is stale no new order gets in, since it could only trade with a market that was.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

import orjson

from lib.errors import Unavailable
from lib.simulator.options import Options
from lib.simulator.paper.live_market import LiveMarket
from lib.simulator.protocol import Request
from lib.simulator.refusals import Refusal, market_closed
from lib.simulator.server.faults import Fault, FaultKind
from lib.simulator.server.gate import Gate, Reply
from lib.simulator.server.signatures import REST_PREFIX
from lib.simulator.server.time_units import answer_in

PAST: Final = frozenset({"klines", "uiKlines", "ticker", "ticker/24hr", "ticker/tradingDay"})
HARMLESS: Final = frozenset({"order/test", "sor/order/test"})
ASKED_HERE: Final = frozenset({"symbol", "symbols", "symbolStatus"})  # the exchange has read them
KEPT_MS: Final = 1_000
KEPT_MAX: Final = 256

ASKED_ELSEWHERE: Final = Fault(kind=FaultKind.DELAY_REPLY)
"""No fault: the mark of a request whose answer another exchange has."""


class LiveGate(Gate):
    """Lets requests through, and completes what only the live market knows."""

    def __init__(self, *parts: Any, market: LiveMarket, options: Options) -> None:
        super().__init__(*parts)
        self._market = market
        self._closes = options.stale_market == "break"
        self._kept: dict[tuple[str, ...], tuple[int, object]] = {}

    def decide(self, request: Request) -> Fault | None:
        fault = super().decide(request)
        if fault is None and request.method == "GET" and _name(request) in PAST:
            return ASKED_ELSEWHERE
        return fault

    def answer(self, request: Request) -> Reply:
        if _places(request) and self._market.stale(request.params.get("symbol", "")):
            return self.turn_away(request, market_closed() if self._closes else busy())
        reply = super().answer(request)
        if self._closes and request.method == "GET" and _name(request) == "exchangeInfo":
            return self._with_breaks(reply)
        return reply

    async def fail(self, request: Request, fault: Fault) -> Reply | None:
        if fault is not ASKED_ELSEWHERE:
            return await super().fail(request, fault)
        reply = self.answer(request)
        return await self._completed(request, reply) if reply.status == 200 else reply

    async def _completed(self, request: Request, reply: Reply) -> Reply:
        """Put the real market's words in the place of ours; ours has checked and weighed it."""
        rest = {name: text for name, text in request.params.items() if name not in ASKED_HERE}
        own = reply.body
        single = "symbol" in request.params
        names = [request.params["symbol"]] if single else [entry["symbol"] for entry in own]
        try:
            asked = [self._ask(_name(request), {"symbol": name, **rest}) for name in names]
            answers = await asyncio.gather(*asked)
        except Unavailable:
            return self.turn_away(request, disconnected())
        status = max((status for status, _ in answers), default=200)
        bodies = [body for code, body in answers if code == status]
        body = bodies[0] if single or status != 200 else bodies
        content = orjson.dumps(answer_in(request.time_unit, request.path, body))
        return replace(reply, status=status, content=content)

    async def _ask(self, path: str, params: Mapping[str, str]) -> tuple[int, object]:
        key = (path, *(f"{name}={params[name]}" for name in sorted(params)))
        now = self._market.now()
        kept = self._kept.get(key)
        if kept is not None and now - kept[0] < KEPT_MS:
            return 200, kept[1]
        status, body = await self._market.ask(path, params)
        if status == 200:
            if len(self._kept) >= KEPT_MAX:
                self._kept.clear()
            self._kept[key] = (now, body)
        return status, body

    def _with_breaks(self, reply: Reply) -> Reply:
        if reply.status != 200:
            return reply
        body: dict[str, Any] = reply.body
        for entry in body["symbols"]:
            if self._market.stale(entry["symbol"]):
                entry["status"] = "BREAK"
        return replace(reply, content=orjson.dumps(body))


def busy() -> Refusal:
    """Turn an order away for now: for certain it was not placed."""
    text = "Server is currently overloaded with other requests. Please try again in a few minutes."
    return Refusal(-1008, text)


def disconnected() -> Refusal:
    return Refusal(
        -1001, "Internal error; unable to process your request. Please try again.", status=503
    )


def _name(request: Request) -> str:
    return request.path.removeprefix(REST_PREFIX)


def _places(request: Request) -> bool:
    """Say whether a request may bring a new order into the book."""
    if request.method != "POST" or _name(request) in HARMLESS:
        return False
    return _name(request).startswith(("order", "sor/order"))
