"""The market stream sockets: /ws, /ws/<streams> and /stream?streams=<streams>."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import unquote

import orjson
from aiohttp import web

from lib.simulator.connections import Connection, Connections, accept
from lib.simulator.streams import Streams

METHODS = (
    "SUBSCRIBE",
    "UNSUBSCRIBE",
    "LIST_SUBSCRIPTIONS",
    "SET_PROPERTY",
    "GET_PROPERTY",
)
STREAMS_MAX = 1_024
SHUTDOWN_STREAM = "!serverShutdown"


class BadFrame(ValueError):
    """A control frame that means nothing, with Binance's code for it."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text


class MarketSocket:
    """One client's market streams."""

    def __init__(self, connection: Connection, streams: Streams, *, combined: bool) -> None:
        self._connection = connection
        self._streams = streams
        self._combined = combined
        self._subscribed: dict[str, None] = {}

    def deliver(self, stream: str, message: bytes) -> None:
        if self._combined:
            message = b'{"stream":"%b","data":%b}' % (stream.encode(), message)
        self._connection.send(message)

    def announce_shutdown(self, now: int) -> None:
        event = {"e": "serverShutdown", "E": now}
        self.deliver(SHUTDOWN_STREAM, orjson.dumps(event))

    def subscribe(self, names: Sequence[str]) -> None:
        if len(self._subscribed) + len(names) > STREAMS_MAX:
            raise BadFrame(2, f"Invalid request: more than {STREAMS_MAX} streams")
        for name in names:
            self._subscribed[name] = None
            self._streams.subscribe(self, name)

    def unsubscribe(self, names: Sequence[str]) -> None:
        for name in names:
            self._subscribed.pop(name, None)
            self._streams.unsubscribe(self, name)

    def leave(self) -> None:
        self.unsubscribe(tuple(self._subscribed))

    async def receive(self, text: str) -> None:
        try:
            frame = _frame(text)
            answer = {"result": self._act(frame), "id": frame.get("id")}
        except BadFrame as bad:
            answer = {"error": {"code": bad.code, "msg": bad.text}, "id": None}
        self._connection.send(orjson.dumps(answer))

    def _act(self, frame: dict[str, Any]) -> object:
        match frame["method"]:
            case "SUBSCRIBE":
                self.subscribe(_names(frame))
            case "UNSUBSCRIBE":
                self.unsubscribe(_names(frame))
            case "LIST_SUBSCRIPTIONS":
                return list(self._subscribed)
            case "GET_PROPERTY":
                return self._combined
            case _:
                self._combined = _combined(frame)
        return None


async def serve_market(
    http: web.Request, *, streams: Streams, connections: Connections, sockets: set[MarketSocket]
) -> web.StreamResponse:
    """Serve one market connection until it ends."""
    connection, response = await accept(http)
    combined = http.path.rstrip("/") == "/stream"
    socket = MarketSocket(connection, streams, combined=combined)
    sockets.add(socket)
    try:
        with connections.counted(connection):
            socket.subscribe(_asked_streams(http))
            await connection.serve(socket.receive)
    except BadFrame:
        await connection.close()
    finally:
        socket.leave()
        sockets.discard(socket)
    return response


def _asked_streams(http: web.Request) -> list[str]:
    listed = http.query.get("streams", "") if http.path.startswith("/stream") else ""
    tail = unquote(http.match_info.get("streams", ""))
    names = [name for name in (listed or tail).split("/") if name]
    return [name for name in names if not name.isdigit()]  # some clients number their sockets


def _frame(text: str) -> dict[str, Any]:
    try:
        frame = orjson.loads(text)
    except orjson.JSONDecodeError as wrong:
        raise BadFrame(
            3, f"Invalid JSON: expected value at line {wrong.lineno} column {wrong.colno}"
        ) from wrong
    if not isinstance(frame, dict):
        raise BadFrame(2, "Invalid request: expected an object")
    if frame.get("method") not in METHODS:
        expected = ", ".join(f"`{method}`" for method in METHODS)
        raise BadFrame(
            2, f"Invalid request: unknown variant {frame.get('method')}, expected one of {expected}"
        )
    return frame


def _names(frame: dict[str, Any]) -> list[str]:
    names = frame.get("params")
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise BadFrame(2, "Invalid request: params must be a list of stream names")
    return names


def _combined(frame: dict[str, Any]) -> bool:
    match frame.get("params"):
        case ["combined", bool(value)]:
            return value
        case _:
            raise BadFrame(2, "Invalid request: unknown property")
