"""The market stream sockets: /ws, /ws/<streams> and /stream?streams=<streams>."""

from collections.abc import Sequence
from urllib.parse import unquote

import orjson
from aiohttp import web

from lib.simulator.protocol import TimeUnit
from lib.simulator.refusals import Refusal
from lib.simulator.server.connections import Connection, Connections, accept
from lib.simulator.server.control_frames import (
    BadFrame,
    Frame,
    check_property,
    is_stream,
    property_value,
    read_frame,
    stream_names,
)
from lib.simulator.server.streams import Streams
from lib.simulator.server.time_units import event_in, read_time_unit

STREAMS_MAX = 1_024
INBOUND_MAX = 5  # frames a second, pings and pongs among them
SHUTDOWN_STREAM = "!serverShutdown"


class MarketSocket:
    """One client's market streams."""

    def __init__(
        self,
        connection: Connection,
        streams: Streams,
        *,
        combined: bool,
        time_unit: TimeUnit = TimeUnit.MILLISECOND,
    ) -> None:
        self.time_unit = time_unit
        self._connection = connection
        self._streams = streams
        self._combined = combined
        self._subscribed: dict[str, None] = {}

    def deliver(self, stream: str, message: bytes) -> None:
        if self._combined:
            message = b'{"stream":"%b","data":%b}' % (stream.encode(), message)
        self._connection.send(message)

    def announce_shutdown(self, now: int) -> None:
        event = event_in(self.time_unit, {"e": "serverShutdown", "E": now})
        self.deliver(SHUTDOWN_STREAM, orjson.dumps(event))

    def subscribe(self, names: Sequence[str]) -> None:
        """Listen to streams; raise BadFrame if they would be too many."""
        if len(self._subscribed.keys() | set(names)) > STREAMS_MAX:
            raise BadFrame(4, "Too many subscriptions")
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
        """Obey a control frame, or say what is wrong with it."""
        try:
            frame = read_frame(text)
            answer = {"result": self._obey(frame), "id": frame.id}
        except BadFrame as bad:
            answer = {"error": {"code": bad.code, "msg": bad.text}, "id": bad.frame_id}
        self._connection.send(orjson.dumps(answer))

    def _obey(self, frame: Frame) -> object:
        match frame.method:
            case "SUBSCRIBE":
                self._subscribe(frame)
            case "UNSUBSCRIBE":
                self.unsubscribe(stream_names(frame))
            case "LIST_SUBSCRIPTIONS":
                return list(self._subscribed)
            case "GET_PROPERTY":
                check_property(frame)
                return self._combined
            case _:
                self._combined = property_value(frame)
        return None

    def _subscribe(self, frame: Frame) -> None:
        try:
            self.subscribe(stream_names(frame))
        except BadFrame as bad:
            bad.frame_id = frame.id
            raise


async def serve_market(
    http: web.Request, *, streams: Streams, connections: Connections, sockets: set[MarketSocket]
) -> web.StreamResponse:
    """Serve one market connection until it ends."""
    try:
        time_unit = read_time_unit(http.query.get("timeUnit"))
    except Refusal as refusal:
        return web.json_response(refusal.body, status=refusal.status)
    connection, response = await accept(http, inbound_max=INBOUND_MAX)
    combined = http.path.rstrip("/") == "/stream"
    socket = MarketSocket(connection, streams, combined=combined, time_unit=time_unit)
    sockets.add(socket)
    try:
        with connections.counted(connection):
            socket.subscribe(asked_streams(http.raw_path))
            await connection.serve(socket.receive)
    except BadFrame:
        await connection.close()
    finally:
        socket.leave()
        sockets.discard(socket)
    return response


def asked_streams(raw_path: str) -> list[str]:
    """Read the streams of a URL, percent-encoded or not; a plus sign is one, not a blank.

    What has not the form of a stream is passed over, and so is a number: some clients number
    their sockets.
    """
    path, _, query = raw_path.partition("?")
    listed = next((part for part in query.split("&") if part.startswith("streams=")), "")
    tail = path.removeprefix("/ws") if path.startswith("/ws") else ""
    names = unquote(listed.removeprefix("streams=") or tail).split("/")
    return [name for name in names if is_stream(name) and not name.isdigit()]
