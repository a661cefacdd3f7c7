"""The simulated exchange on a socket: REST, market streams, WebSocket API.

Unmodified clients of Binance Spot talk to it. Its clock is the exchange's; what it serves and how
it is disturbed comes from the outside, see lib/simulator/paper/paper.py for the usual assembly.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping
from ipaddress import ip_address
from typing import Any, Protocol

from aiohttp import web

from lib.simulator.calls.market_data import Shown
from lib.simulator.options import Options
from lib.simulator.protocol import TimeUnit
from lib.simulator.refusals import Refusal
from lib.simulator.server.api_session import WEIGHT, Session
from lib.simulator.server.api_socket import ApiSocket, serve_api
from lib.simulator.server.connections import Connection, Connections
from lib.simulator.server.control import Control
from lib.simulator.server.faults import FaultPlan
from lib.simulator.server.gate import Answering, Gate, UserEvents, refusal_reply
from lib.simulator.server.market_socket import MarketSocket, serve_market
from lib.simulator.server.rest import Rest, response_of
from lib.simulator.server.signatures import Keyring
from lib.simulator.server.streams import TICK, Streams

LINE_MAX = 64 * 1024  # a thousand streams stand in one URL

log = logging.getLogger(__name__)


class Telling(Answering, Protocol):
    """An exchange that answers and tells of its events."""

    on_user_event: Callable[[str, dict[str, Any]], None]
    on_market_event: Callable[[str, str, dict[str, Any]], None]

    @property
    def shown(self) -> Mapping[str, Shown]: ...


class Server:
    """Serves one exchange. Make it, `start` it, `close` it."""

    def __init__(
        self,
        exchange: Telling,
        *,
        keyring: Keyring,
        clock: Callable[[], int],
        plan: FaultPlan | None = None,
        control: Control | None = None,
        options: Options = Options(),  # noqa: B008 - frozen
        gate: Callable[..., Gate] = Gate,
        stands_still: Callable[[], bool] = lambda: False,
    ) -> None:
        self._stands_still = stands_still
        self._plan = plan or FaultPlan()
        self._plan.clock = clock
        events = UserEvents(self._user_event)
        self._gate = gate(exchange, self._plan, events)
        self._keyring = keyring
        self._clock = clock
        self._options = options
        self._control = control
        self._streams = Streams(lambda: exchange.shown)
        self._rest = Rest(self._gate, keyring, clock, firewall=options.firewall)
        self._connections = Connections()
        self._gate.on_ban = self._connections.finish_of
        self._market_sockets: set[MarketSocket] = set()
        self._api_sockets: set[ApiSocket] = set()
        self._runner: web.AppRunner | None = None
        self._control_runner: web.AppRunner | None = None
        self.control_address = ""  # where commands are taken, if they are
        self._ticking: asyncio.Task[None] | None = None
        exchange.on_user_event = events.tell
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
        address = _address(self._runner, host)
        if self._control is not None:
            self.control_address = address if _is_here(host) else await self.start_control()
        return address

    async def start_control(self, host: str = "127.0.0.1", port: int = 0) -> str:
        """Serve the commands on a loopback address of their own; return it."""
        if not _is_here(host):
            raise ValueError(f"commands are for this machine alone, not for {host}")
        application = web.Application()
        application.router.add_route("*", "/simulator/{command:.*}", self._serve_control)
        runner = web.AppRunner(
            application, access_log=None, handle_signals=False, shutdown_timeout=0.1
        )
        self._control_runner = runner
        await runner.setup()
        await web.TCPSite(runner, host, port).start()
        self.control_address = _address(runner, host)
        return self.control_address

    async def close(self) -> None:
        """Say goodbye to all clients and stop listening, within half a second."""
        if self._ticking is not None:
            self._ticking.cancel()
            await asyncio.wait([self._ticking])
        self._gate.close()
        await self._connections.close()
        self.drop_connections()
        for runner in (self._runner, self._control_runner):
            if runner is not None:
                await runner.cleanup()

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

    def send_garbage(self) -> None:
        for socket in tuple(self._api_sockets):
            socket.send_garbage()

    def ban(self, address: str, until: int) -> None:
        """Ban an address until an exchange time, and cut it off."""
        self._gate.limits.ban(address, until)
        if until > self._clock():
            self._connections.finish_of(address)

    def revoke_key(self, key: str) -> None:
        """Make a key invalid; streams it opened end, if this venue ends them."""
        self._keyring.revoke(key)
        if self._options.revoked_key_ends_streams:
            for socket in tuple(self._api_sockets):
                socket.end_of_keys()

    def restore_key(self, key: str) -> None:
        self._keyring.restore(key)

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
        for path in ("/ws", "/ws/{streams:.*}", "/stream", "/stream/"):
            router.add_get(path, self._serve_market)
        if self._control is not None:
            router.add_route("*", "/simulator/{command:.*}", self._serve_control)
        router.add_route("*", "/{path:.*}", self._rest.serve)
        return application

    async def _serve_market(self, http: web.Request) -> web.StreamResponse:
        try:
            self._count_attempt(http.remote or "")
        except Refusal as refusal:
            return response_of(refusal_reply(refusal))
        return await serve_market(
            http,
            streams=self._streams,
            connections=self._connections,
            sockets=self._market_sockets,
        )

    async def _serve_api(self, http: web.Request) -> web.StreamResponse:
        address = http.remote or ""
        try:
            self._count_attempt(address)
            self._gate.limits.weigh(WEIGHT, address)
            return await serve_api(
                http, self._api_socket, connections=self._connections, sockets=self._api_sockets
            )
        except Refusal as refusal:
            return response_of(refusal_reply(refusal))

    def _count_attempt(self, address: str) -> None:
        """Count an attempt to open a WebSocket. Raise Refusal if it may not be opened now."""
        limits, now = self._gate.limits, self._clock()
        limits.turn(now)
        if limits.enforced:
            limits.refuse_banned(now, address)
        limits.count_attempt(now, address)

    async def _serve_control(self, http: web.Request) -> web.StreamResponse:
        assert self._control is not None
        if http.remote is None or not _is_here(http.remote):
            return web.Response(status=404)
        return await self._control.serve(http, self)

    def _api_socket(
        self, connection: Connection, *, shows_limits: bool, time_unit: TimeUnit
    ) -> ApiSocket:
        session = Session(
            self._keyring,
            address=connection.address,
            clock=self._clock,
            shows_limits=shows_limits,
            logon_refusal_code=self._options.logon_refusal_code,
        )
        return ApiSocket(
            connection,
            self._gate,
            session,
            clock=self._clock,
            plan=self._plan,
            shows_limits=shows_limits,
            time_unit=time_unit,
            firewall=self._options.firewall,
        )

    def _user_event(self, account: str, event: dict[str, Any]) -> None:
        for socket in tuple(self._api_sockets):
            socket.user_event(account, event)

    async def _tick(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(TICK / 1000)
            if not self._stands_still():
                self._streams.tick(self._clock())
            self._connections.keep_alive(loop.time())


def _address(runner: web.AppRunner, host: str) -> str:
    shown = f"[{host}]" if ":" in host else host
    return f"http://{shown}:{runner.addresses[0][1]}"


def _is_here(host: str) -> bool:
    """Say whether a host is this machine as only it itself can reach it."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def watched(work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
    """Start a task that must not end by itself; if it does, the log says why."""

    def tell(task: asyncio.Task[None]) -> None:
        if not task.cancelled() and task.exception() is not None:
            log.critical("%s has stopped", name, exc_info=task.exception())

    task = asyncio.create_task(work)
    task.add_done_callback(tell)
    return task
