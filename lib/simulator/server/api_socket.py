"""The WebSocket API: the same calls as REST, and the user stream."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

import orjson
from aiohttp import web

from lib.simulator.protocol import Request, TimeUnit
from lib.simulator.refusals import Refusal, not_supported
from lib.simulator.server.api_frames import (
    LIMITS_SHOWN,
    TRUTHS,
    Asked,
    Name,
    read_frame,
    write_reply,
)
from lib.simulator.server.api_methods import REST_CALLS, RETIRED
from lib.simulator.server.api_session import WEIGHT, Session, Subscription
from lib.simulator.server.connections import Connection, Connections, accept
from lib.simulator.server.faults import EventLane, FaultKind, FaultPlan, Passed
from lib.simulator.server.firewall import FORBIDDEN, suspicious
from lib.simulator.server.gate import Gate, Reply, refusal_reply
from lib.simulator.server.signatures import REST_PREFIX, needed_permission
from lib.simulator.server.time_units import answer_in, event_in, read_time_unit

NOT_ASKED: Final = frozenset({"apiKey", "signature", LIMITS_SHOWN})
GARBAGE: Final = b'{"subscriptionId":0,"event":{"e":"execut'


class ApiSocket:
    """One client's connection to the WebSocket API."""

    def __init__(
        self,
        connection: Connection,
        gate: Gate,
        session: Session,
        *,
        clock: Callable[[], int],
        plan: FaultPlan,
        shows_limits: bool,
        time_unit: TimeUnit,
        firewall: str = "off",
    ) -> None:
        self._connection = connection
        self._gate = gate
        self._session = session
        self._clock = clock
        self._shows_limits = shows_limits
        self._time_unit = time_unit
        self._firewall = firewall
        self._lane = EventLane(plan)
        session.on_end = self._tell_end

    def user_event(self, account: str, event: dict[str, Any]) -> None:
        """Send an event of an account to whoever subscribed to it, as far as nothing goes wrong."""
        if not any(heard.account == account for heard in self._session.subscriptions):
            return
        for passed in self._lane.carry(event):
            if passed.delay_ms:
                loop = asyncio.get_running_loop()
                loop.call_later(passed.delay_ms / 1000, self._send_event, account, passed.event)
            else:
                self._deliver(account, passed)

    def announce_shutdown(self) -> None:
        self._send_told({"event": {"e": "serverShutdown", "E": self._clock()}})

    def send_null_error(self) -> None:
        """Send the error that answers no request, as when a key dies."""
        text = "Invalid API-key, IP, or permissions for action."
        self._send({"id": None, "status": 401, "error": {"code": -2015, "msg": text}})

    def send_garbage(self) -> None:
        """Send a frame that is no JSON."""
        self._connection.send(GARBAGE)

    def burst(self, count: int) -> None:
        """Send many harmless events at once: balance updates of nothing."""
        now = self._clock()
        event = {"e": "balanceUpdate", "E": now, "a": "USDT", "d": "0.00000000", "T": now}
        for account in {heard.account for heard in self._session.subscriptions}:
            for _ in range(count):
                self._send_event(account, event)

    def end_of_keys(self) -> None:
        """Send nothing more that only a dead key allowed."""
        self._session.end_of_keys()

    def leave(self) -> None:
        self._session.leave()

    async def receive(self, text: str) -> None:
        try:
            asked = read_frame(text)
        except Refusal as refusal:
            self._reply(None, refusal_reply(refusal))
            return
        if self._session.lost_its_key():
            self.send_null_error()
        elif self._firewall == "sql" and suspicious(text):
            self._reply(asked.name, Reply(403, FORBIDDEN.encode(), "text/html"))
        else:
            self._act(asked)

    # --- how a request is answered

    def _act(self, asked: Asked) -> None:
        shows = self._shows_limits
        try:
            shows = asked.shows_limits(shows)
            if self._session.knows(asked.method):
                self._reply(asked.name, self._answer_here(asked), shows_limits=shows)
            else:
                self._forward(asked, shows_limits=shows)
        except Refusal as refusal:
            self._reply(asked.name, self._refused(refusal), shows_limits=shows)

    def _answer_here(self, asked: Asked) -> Reply:
        limits, now = self._gate.limits, self._clock()
        limits.turn(now)
        if limits.enforced:
            limits.refuse_weight(now, self._connection.address)
        limits.weigh(WEIGHT, self._connection.address)
        result = self._session.answer(asked.method, asked.params)
        told = answer_in(self._time_unit, asked.method, result)
        return Reply(200, orjson.dumps(told), headers=self._limit_headers())

    def _forward(self, asked: Asked, *, shows_limits: bool) -> None:
        request = self._request(asked)
        try:
            account = self._account_of(request, asked)
        except Refusal as refusal:
            reply = self._gate.turn_away(request, refusal)
            self._reply(asked.name, reply, shows_limits=shows_limits)
            return
        params = {name: text for name, text in asked.params.items() if name not in NOT_ASKED}
        request = self._request(asked, params, account)
        fault = self._gate.decide(request)
        if fault is None:
            self._reply(asked.name, self._gate.answer(request), shows_limits=shows_limits)
            return

        async def fail() -> None:
            reply = await self._gate.fail(request, fault)
            if reply is not None:
                self._reply(asked.name, reply, shows_limits=shows_limits)

        self._gate.let_happen(fail())

    def _request(
        self, asked: Asked, params: Mapping[str, str] | None = None, account: str | None = None
    ) -> Request:
        if asked.method not in REST_CALLS or asked.method in RETIRED:
            raise not_supported()
        verb, path = REST_CALLS[asked.method]
        return Request(
            verb,
            REST_PREFIX + path,
            params or {},
            account,
            self._clock(),
            self._connection.address,
            self._time_unit,
        )

    def _account_of(self, request: Request, asked: Asked) -> str | None:
        if not self._gate.is_signed(request.method, request.path):
            return None
        return self._session.account_of(asked.params, needed_permission(request.method))

    # --- what is sent

    def _refused(self, refusal: Refusal) -> Reply:
        headers = {**self._limit_headers(), **refusal.headers}
        return Reply(refusal.status, orjson.dumps(refusal.body), headers=headers)

    def _limit_headers(self) -> Mapping[str, str]:
        limits = self._gate.limits
        limits.turn(self._clock())
        return limits.headers(self._connection.address)

    def _reply(self, name: Name, reply: Reply, *, shows_limits: bool = False) -> None:
        limits = self._gate.limits if shows_limits else None
        now = self._clock()
        frame = write_reply(name, reply, limits, now=now, time_unit=self._time_unit)
        self._connection.send(frame)
        reply.then()
        self._gate.mind(reply, self._connection.address)

    def _deliver(self, account: str, passed: Passed) -> None:
        match passed.fault:
            case FaultKind.CUT_STREAM:
                self._connection.cut()
                return
            case FaultKind.FREEZE_STREAM:
                self._connection.freeze()
                return
            case FaultKind.GARBAGE_EVENT:
                self.send_garbage()
            case FaultKind.NULL_ERROR:
                self.send_null_error()
        self._send_event(account, passed.event)

    def _send_event(self, account: str, event: dict[str, Any]) -> None:
        for heard in self._session.subscriptions:
            if heard.account == account:
                self._send_told({"subscriptionId": heard.number, "event": event})

    def _tell_end(self, ended: Subscription) -> None:
        event = {"e": "eventStreamTerminated", "E": self._clock()}
        self._send_told({"subscriptionId": ended.number, "event": event})

    def _send_told(self, frame: dict[str, Any]) -> None:
        self._send({**frame, "event": event_in(self._time_unit, frame["event"])})

    def _send(self, frame: dict[str, Any]) -> None:
        self._connection.send(orjson.dumps(frame))


class MakeSocket(Protocol):
    """Puts a socket together once its connection stands."""

    def __call__(
        self, connection: Connection, *, shows_limits: bool, time_unit: TimeUnit
    ) -> ApiSocket: ...


async def serve_api(
    http: web.Request,
    make: MakeSocket,
    *,
    connections: Connections,
    sockets: set[ApiSocket],
) -> web.StreamResponse:
    """Serve one connection to the WebSocket API until it ends. Raise Refusal for a wrong URL."""
    time_unit = read_time_unit(http.query.get("timeUnit"))
    shows_limits = TRUTHS.get(http.query.get(LIMITS_SHOWN, "true"), True)
    connection, response = await accept(http)
    socket = make(connection, shows_limits=shows_limits, time_unit=time_unit)
    sockets.add(socket)
    try:
        with connections.counted(connection):
            await connection.serve(socket.receive)
    finally:
        sockets.discard(socket)
        socket.leave()
    return response
