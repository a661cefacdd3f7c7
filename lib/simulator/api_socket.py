"""The WebSocket API: the same calls as REST, and the user stream."""

import asyncio
import json
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import orjson
from aiohttp import web

from lib.simulator.api_methods import REST_CALLS
from lib.simulator.connections import Connection, Connections, accept
from lib.simulator.faults import EventLane, FaultPlan
from lib.simulator.gate import Gate, Reply, refusal_reply
from lib.simulator.protocol import Request
from lib.simulator.refusals import Refusal, missing, not_supported
from lib.simulator.signatures import REST_PREFIX, Keyring, needs_signature, socket_payload

SUBSCRIPTIONS_MAX = 65_535
NOT_ASKED = frozenset({"apiKey", "signature", "returnRateLimits"})
LIMIT_HEADERS = (
    ("X-MBX-USED-WEIGHT-1M", "REQUEST_WEIGHT", "MINUTE", 1),
    ("X-MBX-ORDER-COUNT-10S", "ORDERS", "SECOND", 10),
    ("X-MBX-ORDER-COUNT-1D", "ORDERS", "DAY", 1),
)

Limits = Mapping[tuple[str, str], int]
"""(rateLimitType, interval) -> limit"""


class ApiSocket:
    """One client's connection to the WebSocket API."""

    def __init__(
        self,
        connection: Connection,
        gate: Gate,
        keyring: Keyring,
        *,
        clock: Callable[[], int],
        plan: FaultPlan,
        limits: Limits,
        shows_limits: bool,
    ) -> None:
        self._connection = connection
        self._gate = gate
        self._keyring = keyring
        self._clock = clock
        self._limits = limits
        self._shows_limits = shows_limits
        self._connected_since = clock()
        self._subscriptions: dict[int, str] = {}  # subscription id -> account
        self._subscribed = 0
        self._lane = EventLane(plan)
        self._late: set[asyncio.Task[None]] = set()

    def user_event(self, account: str, event: dict[str, Any]) -> None:
        """Send an event of an account to whoever subscribed to it, as far as nothing goes wrong."""
        if account not in self._subscriptions.values():
            return
        for delay_ms, passed in self._lane.pass_on(event):
            if delay_ms:
                loop = asyncio.get_running_loop()
                loop.call_later(delay_ms / 1000, self._send_event, account, passed)
            else:
                self._send_event(account, passed)

    def announce_shutdown(self) -> None:
        self._send({"event": {"e": "serverShutdown", "E": self._clock()}})

    def send_null_error(self) -> None:
        """Send the error that answers no request, as when a key dies."""
        text = "Invalid API-key, IP, or permissions for action."
        self._send({"id": None, "status": 401, "error": {"code": -2015, "msg": text}})

    def burst(self, count: int) -> None:
        """Send many harmless events at once: balance updates of nothing."""
        now = self._clock()
        event = {"e": "balanceUpdate", "E": now, "a": "USDT", "d": "0.00000000", "T": now}
        for account in set(self._subscriptions.values()):
            for _ in range(count):
                self._send_event(account, event)

    def leave(self) -> None:
        self._subscriptions.clear()
        for task in self._late:
            task.cancel()

    async def receive(self, text: str) -> None:
        try:
            frame = json.loads(text, parse_float=str)
            method = frame["method"].removeprefix("v3/")
            params = {name: _text(value) for name, value in (frame.get("params") or {}).items()}
        except (ValueError, TypeError, KeyError, AttributeError):
            refusal = Refusal(-1135, "Invalid JSON Request")
            self._reply(None, refusal_reply(refusal), shows_limits=False)
            return
        self._act(frame.get("id"), method, params)

    def _act(self, name: object, method: str, params: Mapping[str, str]) -> None:
        own = self._own_methods().get(method)
        try:
            if own is not None:
                self._reply(name, Reply(200, orjson.dumps(own(params))), shows_limits=True)
            else:
                self._forward(name, method, params)
        except Refusal as refusal:
            self._reply(name, refusal_reply(refusal), shows_limits=True)

    def _own_methods(self) -> Mapping[str, Callable[[Mapping[str, str]], object]]:
        return {
            "userDataStream.subscribe.signature": self._subscribe,
            "userDataStream.unsubscribe": self._unsubscribe,
            "session.subscriptions": self._list_subscriptions,
            "session.status": self._session,
            "session.logout": self._session,
        }

    def _forward(self, name: object, method: str, params: Mapping[str, str]) -> None:
        if method not in REST_CALLS:
            raise not_supported()
        verb, path = REST_CALLS[method]
        path = REST_PREFIX + path
        account = self._account_of(params) if needs_signature(path) else None
        asked = {key: value for key, value in params.items() if key not in NOT_ASKED}
        request = Request(verb, path, asked, account, self._clock())
        shows = params.get("returnRateLimits", "true") == "true"
        fault = self._gate.decide(request)
        if fault is None:
            self._reply(name, self._gate.answer(request), shows_limits=shows)
            return

        async def fail() -> None:
            reply = await self._gate.fail(request, fault)
            if reply is not None:
                self._reply(name, reply, shows_limits=shows)

        task = asyncio.create_task(fail())
        self._late.add(task)
        task.add_done_callback(self._late.discard)

    def _account_of(self, params: Mapping[str, str]) -> str:
        key, signature = params.get("apiKey"), params.get("signature")
        return self._keyring.name_of(key, socket_payload(params), signature)

    def _subscribe(self, params: Mapping[str, str]) -> object:
        account = self._account_of(params)
        if "timestamp" not in params:
            raise missing("timestamp")
        if account in self._subscriptions.values():
            raise Refusal(-2035, "User Data Stream subscription already active.")
        if self._subscribed >= SUBSCRIPTIONS_MAX:
            raise Refusal(-2042, "Maximum subscription ID reached for this connection.")
        number = self._subscribed
        self._subscribed += 1
        self._subscriptions[number] = account
        return {"subscriptionId": number}

    def _unsubscribe(self, params: Mapping[str, str]) -> object:
        asked = params.get("subscriptionId")
        numbers = [int(asked)] if asked is not None and asked.isdigit() else [*self._subscriptions]
        for number in numbers:
            if number not in self._subscriptions:
                raise Refusal(-2036, "User Data Stream subscription not active.")
        for number in numbers:
            del self._subscriptions[number]
            event = {"e": "eventStreamTerminated", "E": self._clock()}
            self._send({"subscriptionId": number, "event": event})
        return {}

    def _list_subscriptions(self, _params: Mapping[str, str]) -> object:
        return [{"subscriptionId": number} for number in self._subscriptions]

    def _session(self, _params: Mapping[str, str]) -> object:
        return {
            "apiKey": None,
            "authorizedSince": None,
            "connectedSince": self._connected_since,
            "returnRateLimits": self._shows_limits,
            "serverTime": self._clock(),
            "userDataStream": bool(self._subscriptions),
        }

    def _send_event(self, account: str, event: dict[str, Any]) -> None:
        for number, subscriber in self._subscriptions.items():
            if subscriber == account:
                self._send({"subscriptionId": number, "event": event})

    def _reply(self, name: object, reply: Reply, *, shows_limits: bool) -> None:
        frame: dict[str, Any] = {"id": name, "status": reply.status}
        if reply.status < 300:
            frame["result"] = reply.body
        else:
            frame["error"] = self._error(reply)
        limits = self._limits_of(reply.headers)
        if limits and shows_limits and self._shows_limits:
            frame["rateLimits"] = limits
        self._send(frame)

    def _error(self, reply: Reply) -> dict[str, Any]:
        error = {**reply.body}
        if "Retry-After" in reply.headers:
            now = self._clock()
            until = now + 1000 * int(reply.headers["Retry-After"])
            error["data"] = {"serverTime": now, "retryAfter": until}
        return error

    def _limits_of(self, headers: Mapping[str, str]) -> list[dict[str, Any]]:
        return [
            {
                "rateLimitType": kind,
                "interval": interval,
                "intervalNum": number,
                "limit": self._limits.get((kind, interval), 0),
                "count": int(headers[header]),
            }
            for header, kind, interval, number in LIMIT_HEADERS
            if header in headers
        ]

    def _send(self, frame: dict[str, Any]) -> None:
        self._connection.send(orjson.dumps(frame))


def _text(value: object) -> str:
    """Write a parameter as its sender signed it."""
    if isinstance(value, str):
        return value
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


class MakeSocket(Protocol):
    """Puts a socket together once its connection stands."""

    def __call__(self, connection: Connection, *, shows_limits: bool) -> ApiSocket: ...


async def serve_api(
    http: web.Request,
    make: MakeSocket,
    *,
    connections: Connections,
    sockets: set[ApiSocket],
) -> web.StreamResponse:
    """Serve one connection to the WebSocket API until it ends."""
    connection, response = await accept(http)
    shows_limits = http.query.get("returnRateLimits", "true") == "true"
    socket = make(connection, shows_limits=shows_limits)
    sockets.add(socket)
    try:
        with connections.counted(connection):
            await connection.serve(socket.receive)
    finally:
        sockets.discard(socket)
        socket.leave()
    return response
