"""The guarded client against a server that misbehaves: what never left, and what may have."""

import asyncio
import logging
import socket
import traceback
from collections.abc import AsyncIterator

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web

from lib.binance import client as guarded
from lib.binance.addresses import NOWHERE, Addresses, resolve
from lib.binance.client import GuardedClient, RestTransport
from lib.binance.refusals import Verdict, judge
from lib.errors import BotError, NotSent, OutcomeUnknown
from tests.binance.scripted import (
    KEY,
    SECRET,
    Move,
    ScriptedExchange,
    answer,
    answer_text,
    cut_short,
    drop,
    redirect,
    stall,
)

pytestmark = pytest.mark.asyncio

ORDER = {
    "symbol": "BTCUSDT",
    "newClientOrderId": "a1-b2_c3",
    "quantity": "0.00001",
    "timestamp": "1700000000123",
    "recvWindow": "2500",
}


@pytest_asyncio.fixture
async def exchange() -> AsyncIterator[ScriptedExchange]:
    async with ScriptedExchange.running() as running:
        yield running


@pytest_asyncio.fixture
async def transport(exchange: ScriptedExchange) -> AsyncIterator[RestTransport]:
    made = RestTransport(GuardedClient.build(exchange.addresses, KEY, SECRET))
    yield made
    await made.close()


async def place(transport: RestTransport) -> Verdict:
    return judge(await transport.request("POST", "/api/v3/order", ORDER, signed=True))


async def failure_of(transport: RestTransport, method: str = "POST") -> BotError:
    with pytest.raises(BotError) as caught:
        await transport.request(method, "/api/v3/order", ORDER, signed=True)
    return caught.value


@pytest.mark.parametrize("method", ["POST", "DELETE", "GET"])
async def test_signs_our_own_time_stamp_and_window(
    exchange: ScriptedExchange, transport: RestTransport, method: str
) -> None:
    await transport.request(method, "/api/v3/order", ORDER, signed=True)

    [seen] = exchange.asked
    assert seen.params["timestamp"] == "1700000000123"
    assert seen.params["recvWindow"] == "2500"
    assert seen.params["newClientOrderId"] == "a1-b2_c3"
    assert set(seen.params) == {*ORDER, "signature"}
    assert seen.signature_is_ours
    assert seen.headers["X-MBX-APIKEY"] == KEY


@pytest.mark.parametrize("method", ["POST", "DELETE", "GET"])
async def test_sends_the_very_text_it_signed(
    exchange: ScriptedExchange, transport: RestTransport, method: str
) -> None:
    unicode = {**ORDER, "symbol": "这是测试币456"}

    await transport.request(method, "/api/v3/order", unicode, signed=True)

    [seen] = exchange.asked
    assert seen.params["symbol"] == "这是测试币456"
    assert seen.signature_is_ours


async def test_keeps_apart_the_stamps_of_requests_that_overlap(
    exchange: ScriptedExchange, transport: RestTransport
) -> None:
    orders = [
        {**ORDER, "timestamp": str(number), "newClientOrderId": str(number)} for number in range(20)
    ]

    await asyncio.gather(
        *(transport.request("POST", "/api/v3/order", each, signed=True) for each in orders)
    )

    assert len(exchange.asked) == 20
    for seen in exchange.asked:
        assert seen.params["timestamp"] == seen.params["newClientOrderId"]
        assert seen.signature_is_ours


async def test_lets_nothing_leave_if_the_library_signs_another_stamp(
    exchange: ScriptedExchange, transport: RestTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(GuardedClient, "_generate_signature")

    with pytest.raises(AssertionError, match="time stamp"):
        await place(transport)

    assert not exchange.asked


@pytest.mark.parametrize("value", ["a:b", "a/b", "a b", "a+b", "", "é", "a&b=c"])
async def test_lets_no_value_leave_that_encoding_could_change(
    exchange: ScriptedExchange, transport: RestTransport, value: str
) -> None:
    with pytest.raises(NotSent):
        await transport.request("POST", "/api/v3/order", {**ORDER, "quantity": value}, signed=True)

    assert not exchange.seen


@pytest.mark.parametrize("method", ["POST", "DELETE", "PUT"])
async def test_a_connection_that_drops_under_a_change_is_unknown_and_sent_once(
    exchange: ScriptedExchange, transport: RestTransport, method: str
) -> None:
    exchange.script += [answer({}), drop(), answer({})]
    await transport.request("GET", "/api/v3/ping", {}, signed=False)  # a kept-alive connection

    failure = await failure_of(transport, method)

    assert isinstance(failure, OutcomeUnknown)
    assert [seen.method for seen in exchange.asked] == ["GET", method]


async def test_a_question_may_be_repeated_on_a_fresh_connection(
    exchange: ScriptedExchange, transport: RestTransport
) -> None:
    exchange.script += [answer({}), drop(), answer({"orderId": 1})]
    await transport.request("GET", "/api/v3/ping", {}, signed=False)

    reply = await transport.request("GET", "/api/v3/order", ORDER, signed=True)

    assert reply.body == {"orderId": 1}


@pytest.mark.parametrize(
    "move",
    [
        pytest.param(drop(), id="drop before any answer"),
        pytest.param(cut_short(), id="answer broken off"),
        pytest.param(stall(), id="answer too late"),
    ],
)
async def test_no_whole_answer_is_unknown(
    exchange: ScriptedExchange,
    transport: RestTransport,
    monkeypatch: pytest.MonkeyPatch,
    move: Move,
) -> None:
    hurry(transport, aiohttp.ClientTimeout(total=0.1), monkeypatch)
    exchange.script.append(move)

    assert isinstance(await failure_of(transport), OutcomeUnknown)
    assert len(exchange.asked) == 1


@pytest.mark.parametrize(
    "move",
    [
        pytest.param(answer_text("<html>502 Bad Gateway</html>", 502), id="502 HTML"),
        pytest.param(answer_text("", 503), id="503 empty"),
        pytest.param(answer(None, 500), id="500 null"),
        pytest.param(answer([], 500), id="500 list"),
        pytest.param(answer({"code": -1007, "msg": "Timeout"}, 504), id="504 -1007"),
        pytest.param(answer({"code": -2010, "msg": "no"}, 500), id="5xx whatever its code"),
        pytest.param(answer({"code": -1006, "msg": "Unexpected"}, 400), id="-1006"),
        pytest.param(answer_text("", 200), id="200 empty"),
        pytest.param(answer_text("<html>hello</html>", 200), id="200 HTML"),
        pytest.param(answer_text("{not json", 200, "application/json"), id="200 bad JSON"),
        pytest.param(answer_text("<html>400</html>", 400), id="400 HTML"),
        pytest.param(answer_text("", 408), id="408"),
        pytest.param(answer({"code": -99999, "msg": "news"}, 400), id="a code of the future"),
        pytest.param(redirect("/api/v3/order"), id="302"),
    ],
)
async def test_an_answer_that_is_none_is_unknown(
    exchange: ScriptedExchange, transport: RestTransport, move: Move
) -> None:
    exchange.script.append(move)

    assert await place(transport) is Verdict.UNKNOWN
    assert len(exchange.asked) == 1  # and a redirect is not followed


async def test_reads_json_under_a_wrong_type(
    exchange: ScriptedExchange, transport: RestTransport
) -> None:
    exchange.script.append(answer_text('{"orderId": 7}', 200, "text/plain"))

    reply = await transport.request("POST", "/api/v3/order", ORDER, signed=True)

    assert reply.body == {"orderId": 7}


async def test_reads_an_answer_of_many_megabytes(
    exchange: ScriptedExchange, transport: RestTransport
) -> None:
    rows = [{"orderId": number, "filling": "x" * 1000} for number in range(3000)]
    exchange.script.append(answer(rows))

    reply = await transport.request("GET", "/api/v3/allOrders", ORDER, signed=True)

    assert reply.body == rows


async def test_after_one_dead_connection_no_other_of_its_time_is_used(
    exchange: ScriptedExchange, transport: RestTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    ports: list[int] = []

    async def note_port(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        ports.append(request.transport.get_extra_info("peername")[1])
        await asyncio.sleep(0.02)
        return web.json_response({})

    exchange.script.extend([note_port] * 3)
    await asyncio.gather(*(place(transport) for _ in range(3)))
    exchange.script.append(stall())
    hurry(transport, aiohttp.ClientTimeout(total=0.1), monkeypatch)
    assert isinstance(await failure_of(transport), OutcomeUnknown)

    exchange.script.append(note_port)
    await place(transport)

    assert len(set(ports)) == 4


async def test_a_refused_connection_means_nothing_was_sent() -> None:
    transport = RestTransport(
        GuardedClient.build(resolve(f"http://127.0.0.1:{free_port()}"), KEY, SECRET)
    )

    failure = await failure_of(transport)
    await transport.close()

    assert isinstance(failure, NotSent)


async def test_a_name_that_does_not_resolve_means_nothing_was_sent() -> None:
    transport = RestTransport(
        GuardedClient.build(resolve("http://nowhere.invalid:80"), KEY, SECRET)
    )

    failure = await failure_of(transport)
    await transport.close()

    assert isinstance(failure, NotSent)


async def test_a_connection_that_never_opens_means_nothing_was_sent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with full_backlog() as port:
        transport = RestTransport(
            GuardedClient.build(resolve(f"http://127.0.0.1:{port}"), KEY, SECRET)
        )
        hurry(transport, aiohttp.ClientTimeout(total=5, sock_connect=0.1), monkeypatch)

        failure = await failure_of(transport)
        await transport.close()

    assert isinstance(failure, NotSent)


async def test_the_whole_time_running_out_while_connecting_means_nothing_was_sent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with full_backlog() as port:
        transport = RestTransport(
            GuardedClient.build(resolve(f"http://127.0.0.1:{port}"), KEY, SECRET)
        )
        hurry(transport, aiohttp.ClientTimeout(total=0.1), monkeypatch)

        failure = await failure_of(transport)
        await transport.close()

    assert isinstance(failure, NotSent)


async def test_a_closed_transport_sends_nothing(exchange: ScriptedExchange) -> None:
    transport = RestTransport(GuardedClient.build(exchange.addresses, KEY, SECRET))
    await transport.close()

    assert isinstance(await failure_of(transport), NotSent)
    assert not exchange.seen


async def test_a_canceled_caller_is_canceled_and_its_order_was_sent_once(
    exchange: ScriptedExchange, transport: RestTransport
) -> None:
    exchange.script += [stall(), answer({})]
    call = asyncio.create_task(transport.request("DELETE", "/api/v3/order", ORDER, signed=True))
    while not exchange.asked:
        await asyncio.sleep(0)

    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    await transport.request("GET", "/api/v3/ping", {}, signed=False)

    assert [seen.method for seen in exchange.asked] == ["DELETE", "GET"]


@pytest.mark.parametrize("move", [drop(), cut_short()], ids=["drop", "broken off"])
async def test_no_failure_shows_what_was_signed(
    exchange: ScriptedExchange,
    transport: RestTransport,
    caplog: pytest.LogCaptureFixture,
    move: Move,
) -> None:
    caplog.set_level(logging.DEBUG)
    exchange.script += [move, move]

    failure = await failure_of(transport, "GET")

    shown = "".join(traceback.format_exception(failure)) + caplog.text
    assert failure.__context__ is None
    assert failure.__cause__ is None
    for secret in (KEY, SECRET, "signature=", exchange.seen[0].params["signature"]):
        assert secret not in shown


async def test_an_answer_that_is_html_shows_nothing_that_was_signed(
    exchange: ScriptedExchange, transport: RestTransport
) -> None:
    exchange.script.append(answer_text("<html>no</html>", 403))

    reply = await transport.request("GET", "/api/v3/account", ORDER, signed=True)

    assert "signature" not in repr((reply.status, reply.body, reply.text))
    assert judge(reply) is Verdict.NOT_EXECUTED


async def test_tells_the_exchange_the_true_name_of_this_program(
    exchange: ScriptedExchange, transport: RestTransport
) -> None:
    await place(transport)

    assert exchange.asked[0].headers["User-Agent"] == "auto_trading"


async def test_never_asks_for_another_unit_of_time(
    exchange: ScriptedExchange, transport: RestTransport
) -> None:
    await place(transport)

    assert "X-MBX-TIME-UNIT" not in exchange.asked[0].headers


async def test_ignores_a_proxy_in_the_environment(
    exchange: ScriptedExchange, transport: RestTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{free_port()}")

    await place(transport)

    assert len(exchange.asked) == 1


async def test_reaches_no_address_but_its_own() -> None:
    addresses = resolve("http://127.0.0.1:1")
    client = GuardedClient.build(addresses, KEY, SECRET)
    urls = set(guarded.known_urls(type(client)))
    reachable = {client._create_margin_api_uri("tradeFee"), client._create_futures_api_uri("order")}
    sockets = {client.ws_api._url, client.ws_future._url}
    await client.close()

    assert urls == {addresses.rest, addresses.ws_api, NOWHERE}
    assert all(url.startswith(NOWHERE) for url in reachable)
    assert sockets == {addresses.ws_api, NOWHERE}


async def test_refuses_to_be_built_where_an_address_of_the_library_slips_through(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(guarded, "_bound", lambda cls, _: cls)

    with pytest.raises(BotError, match="real exchange"):
        GuardedClient.build(Addresses("testnet", "http://127.0.0.1:1/api", "", ""), KEY, SECRET)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class full_backlog:  # noqa: N801 - used as a function is
    """A port that takes no connection and refuses none: the handshake never ends."""

    def __enter__(self) -> int:
        self._server = socket.socket()
        self._server.bind(("127.0.0.1", 0))
        self._server.listen(0)
        port: int = self._server.getsockname()[1]
        self._fillers = [socket.socket() for _ in range(8)]
        for filler in self._fillers:
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", port))
        return port

    def __exit__(self, *_: object) -> None:
        for each in (*self._fillers, self._server):
            each.close()


def hurry(
    transport: RestTransport, timeout: aiohttp.ClientTimeout, patch: pytest.MonkeyPatch
) -> None:
    patch.setitem(transport._client._requests_params, "timeout", timeout)
