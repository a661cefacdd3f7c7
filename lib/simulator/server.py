"""The simulated exchange on a socket: REST, market streams, WebSocket API.

Unmodified clients of Binance Spot talk to it. Its clock is the exchange's; what it serves and how
it is disturbed comes from the outside, see lib/simulator/paper.py for the usual assembly.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Protocol

from aiohttp import web

from lib.market.candles import Chart
from lib.simulator.api_socket import ApiSocket, Limits, serve_api
from lib.simulator.connections import Connection, Connections
from lib.simulator.control import Control
from lib.simulator.faults import FaultPlan
from lib.simulator.gate import Answering, Gate
from lib.simulator.market_socket import MarketSocket, serve_market
from lib.simulator.rest import Rest
from lib.simulator.signatures import Keyring
from lib.simulator.streams import TICK, Streams

LINE_MAX = 64 * 1024  # a thousand streams stand in one URL

log = logging.getLogger(__name__)


class Telling(Answering, Protocol):
    """An exchange that answers and tells of its events."""

    on_user_event: Callable[[str, dict[str, Any]], None]
    on_market_event: Callable[[str, str, dict[str, Any]], None]


class Server:
    """Serves one exchange. Make it, `start` it, `close` it."""

    def __init__(
        self,
        exchange: Telling,
        *,
        keyring: Keyring,
        clock: Callable[[], int],
        charts: Mapping[str, Chart],
        plan: FaultPlan | None = None,
        limits: Limits | None = None,
        control: Control | None = None,
    ) -> None:
        self._plan = plan or FaultPlan()
        self._gate = Gate(exchange, self._plan)
        self._keyring = keyring
        self._clock = clock
        self._limits = limits or {}
        self._control = control
        self._streams = Streams(charts)
        self._rest = Rest(self._gate, keyring, clock)
        self._connections = Connections()
        self._market_sockets: set[MarketSocket] = set()
        self._api_sockets: set[ApiSocket] = set()
        self._runner: web.AppRunner | None = None
        self._ticking: asyncio.Task[None] | None = None
        exchange.on_user_event = self._user_event
        exchange.on_market_event = self._streams.market_event

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> str:
        """Begin to listen; return the address, `http://host:port`. Port 0 takes a free one."""
        self._runner = web.AppRunner(
            self._application(),
            access_log=None,
            handle_signals=False,
            shutdown_timeout=0.1,
            max_line_size=LINE_MAX,
        )
        await self._runner.setup()
        site = web.TCPSite(self._runner, host, port)
        await site.start()
        self._ticking = watched(self._tick(), "the streams' timer")
        bound = self._runner.addresses[0][1]
        shown = f"[{host}]" if ":" in host else host
        return f"http://{shown}:{bound}"

    async def close(self) -> None:
        """Say goodbye to all clients and stop listening, within half a second."""
        if self._ticking is not None:
            self._ticking.cancel()
            await asyncio.wait([self._ticking])
        await self._connections.close()
        self.drop_connections()
        if self._runner is not None:
            await self._runner.cleanup()

    def drop_connections(self, *, but: object = None) -> None:
        """Cut every connection, HTTP ones too, except the one that carries the request `but`."""
        kept = getattr(but, "transport", None)
        server = self._runner.server if self._runner is not None else None
        for handler in server.connections if server is not None else ():
            if handler.transport is not None and handler.transport is not kept:
                handler.transport.abort()

    def follow_wipe(self, *, but: object = None) -> None:
        """Forget the market that was and cut all connections, after the exchange was wiped."""
        self._streams.forget_books()
        self.drop_connections(but=but)

    def freeze_connections(self) -> None:
        for connection in self._connections:
            connection.freeze()

    def send_null_errors(self) -> None:
        for socket in tuple(self._api_sockets):
            socket.send_null_error()

    def burst(self, count: int) -> None:
        for socket in tuple(self._api_sockets):
            socket.burst(count)

    def announce_shutdown(self) -> None:
        for api_socket in tuple(self._api_sockets):
            api_socket.announce_shutdown()
        for market_socket in tuple(self._market_sockets):
            market_socket.announce_shutdown(self._clock())

    def _application(self) -> web.Application:
        application = web.Application()
        router = application.router
        router.add_get("/ws-api/v3", self._serve_api)
        for path in ("/ws", "/ws/{streams:.*}", "/stream"):
            router.add_get(path, self._serve_market)
        if self._control is not None:
            router.add_route("*", "/simulator/{command:.*}", self._serve_control)
        router.add_route("*", "/{path:.*}", self._rest.serve)
        return application

    async def _serve_market(self, http: web.Request) -> web.StreamResponse:
        return await serve_market(
            http,
            streams=self._streams,
            connections=self._connections,
            sockets=self._market_sockets,
        )

    async def _serve_api(self, http: web.Request) -> web.StreamResponse:
        return await serve_api(
            http, self._api_socket, connections=self._connections, sockets=self._api_sockets
        )

    async def _serve_control(self, http: web.Request) -> web.StreamResponse:
        assert self._control is not None
        return await self._control.serve(http, self)

    def _api_socket(self, connection: Connection, *, shows_limits: bool) -> ApiSocket:
        return ApiSocket(
            connection,
            self._gate,
            self._keyring,
            clock=self._clock,
            plan=self._plan,
            limits=self._limits,
            shows_limits=shows_limits,
        )

    def _user_event(self, account: str, event: dict[str, Any]) -> None:
        for socket in tuple(self._api_sockets):
            socket.user_event(account, event)

    async def _tick(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(TICK / 1000)
            self._streams.tick(self._clock())
            self._connections.keep_alive(loop.time())


def watched(work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
    """Start a task that must not end by itself; if it does, the log says why."""

    def tell(task: asyncio.Task[None]) -> None:
        if not task.cancelled() and task.exception() is not None:
            log.critical("%s has stopped", name, exc_info=task.exception())

    task = asyncio.create_task(work)
    task.add_done_callback(tell)
    return task
