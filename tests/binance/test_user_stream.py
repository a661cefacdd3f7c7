"""The user stream against a server that drops, floods, lies and falls silent."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from lib.binance.client import GuardedClient
from lib.binance.connection import Patience
from lib.binance.transport import Frame
from lib.binance.user_stream import SUBSCRIBE, UserStream
from lib.clock import ExchangeClock
from tests.binance.scripted import (
    EPOCH,
    KEY,
    SECRET,
    Line,
    ScriptedExchange,
    answer_word,
    signature_of,
    stay_silent,
)

pytestmark = pytest.mark.asyncio

HASTE = Patience(answer=4_000, linger=20, farewell=20, retry_first=2, retry_last=20)


class Listener:
    """What the stream told, in order."""

    def __init__(self) -> None:
        self.events: list[Frame] = []
        self.news: list[str] = []
        self.fails_at: object = object()
        self._told = asyncio.Event()

    def on_event(self, event: Frame) -> None:
        if event.get("i") == self.fails_at:
            raise ZeroDivisionError
        self.events.append(event)
        self._told.set()

    def on_ready(self) -> None:
        self.news.append("ready")
        self._told.set()

    def on_lost(self, reason: str) -> None:
        assert reason
        self.news.append("lost")
        self._told.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(5):
            while not condition():
                self._told.clear()
                await self._told.wait()

    def ids(self) -> list[Any]:
        return [event["i"] for event in self.events]


def event(number: int) -> dict[str, Any]:
    return {"subscriptionId": 0, "event": {"e": "executionReport", "i": number}}


@pytest_asyncio.fixture
async def exchange() -> AsyncIterator[ScriptedExchange]:
    async with ScriptedExchange.running() as running:
        yield running


@asynccontextmanager
async def subscribed(
    exchange: ScriptedExchange, patience: Patience = HASTE, clock: ExchangeClock | None = None
) -> AsyncIterator[Listener]:
    client = GuardedClient.build(exchange.addresses, KEY, SECRET)
    listener = Listener()
    async with aiohttp.ClientSession() as session:
        stream = UserStream(
            session,
            exchange.addresses.ws_api,
            sign=client.sign_socket,
            clock=clock or ExchangeClock(),
            patience=patience,
            chance=lambda below: below - 1,
        )
        stream.start(
            on_event=listener.on_event, on_ready=listener.on_ready, on_lost=listener.on_lost
        )
        try:
            yield listener
        finally:
            async with asyncio.timeout(1):
                await stream.close()
            await client.close()


async def test_subscribes_with_a_signature_over_the_exchanges_time(
    exchange: ScriptedExchange,
) -> None:
    async with subscribed(exchange) as listener:
        await listener.until(lambda: listener.news == ["ready"])

    [line] = exchange.lines
    [subscription] = [each for each in line.heard if each["method"] == SUBSCRIBE]
    params = subscription["params"]
    assert params["apiKey"] == KEY
    assert params["signature"] == signature_of(params)
    assert abs(params["timestamp"] - exchange.now()) < 5_000
    assert params["timestamp"] > EPOCH


async def test_brings_an_event_that_comes_with_the_answer_to_the_subscription(
    exchange: ScriptedExchange,
) -> None:
    async def hurried(line: Line, said: dict[str, Any]) -> None:
        if said["method"] == SUBSCRIBE:
            await line.say(event(1))
        await answer_word(line, said)
        if said["method"] == SUBSCRIBE:
            await line.say(event(2))

    exchange.word = hurried

    async with subscribed(exchange) as listener:
        await listener.until(lambda: len(listener.events) == 2)

        assert listener.ids() == [1, 2]


@pytest.mark.parametrize("loss", ["close", "cut", "terminated", "unauthorized"])
async def test_subscribes_again_after_every_loss(exchange: ScriptedExchange, loss: str) -> None:
    async with subscribed(exchange) as listener:
        first = await exchange.line(1)
        await listener.until(lambda: listener.news == ["ready"])

        if loss == "close":
            await first.close()
        elif loss == "cut":
            first.cut()
        elif loss == "terminated":
            await first.say({"subscriptionId": 0, "event": {"e": "eventStreamTerminated"}})
        else:
            error = {"code": -2015, "msg": "Invalid API-key, IP, or permissions for action."}
            await first.say({"id": None, "status": 401, "error": error})
        await listener.until(lambda: listener.news == ["ready", "lost", "ready"])
        second = await exchange.line(2)
        await second.say(event(7))
        await listener.until(lambda: bool(listener.events))

        assert listener.ids() == [7]
        assert SUBSCRIBE in second.methods()


async def test_survives_whatever_comes_in_a_frame(exchange: ScriptedExchange) -> None:
    garbage = [
        "not json",
        "",
        "[]",
        "17",
        "null",
        '"text"',
        {"id": None, "status": 400, "error": {"code": -1135, "msg": "Invalid JSON Request"}},
        {"id": None},
        {"id": 99, "status": 504, "error": {"code": -1007, "msg": "a late answer"}},
        {"id": "uuid", "status": 200, "result": {}},
        {"id": [1], "result": {}},
        {"event": None},
        {"subscriptionId": 12, "event": [1]},
        {"e": "executionReport"},
        {},
    ]
    async with subscribed(exchange) as listener:
        line = await exchange.line(1)
        await listener.until(lambda: listener.news == ["ready"])

        await line.say(*garbage, event(5))
        await line.socket.send_bytes(b"\x00\xff")
        await line.say(event(6))
        await listener.until(lambda: len(listener.events) == 2)

        assert listener.ids() == [5, 6]
        assert listener.news == ["ready"]


async def test_a_listener_that_fails_loses_that_event_alone(
    exchange: ScriptedExchange, caplog: pytest.LogCaptureFixture
) -> None:
    async with subscribed(exchange) as listener:
        line = await exchange.line(1)
        await listener.until(lambda: listener.news == ["ready"])
        listener.fails_at = 1

        await line.say(event(1), event(2))
        await listener.until(lambda: bool(listener.events))

    assert listener.ids() == [2]
    assert "could not be taken in" in caplog.text
    assert listener.news == ["ready"]


async def test_takes_a_burst_of_a_thousand_events_in_order(exchange: ScriptedExchange) -> None:
    async with subscribed(exchange) as listener:
        line = await exchange.line(1)
        await listener.until(lambda: listener.news == ["ready"])

        await line.say(*(event(number) for number in range(1000)))
        await listener.until(lambda: len(listener.events) == 1000)

        assert listener.ids() == list(range(1000))
        assert listener.news == ["ready"]


async def test_takes_a_frame_of_many_megabytes(exchange: ScriptedExchange) -> None:
    async with subscribed(exchange, Patience(answer=2_000)) as listener:
        line = await exchange.line(1)
        await listener.until(lambda: listener.news == ["ready"])
        large = event(1)
        large["event"]["filling"] = "x" * 5_000_000

        await line.say(large)
        await listener.until(lambda: bool(listener.events))

        assert listener.news == ["ready"]


async def test_notices_a_half_open_connection(exchange: ScriptedExchange) -> None:
    exchange.autoping = False  # nothing answers our pings any more
    async with subscribed(exchange, replace(HASTE, heartbeat=60)) as listener:
        await listener.until(lambda: listener.news[:3] == ["ready", "lost", "ready"])


async def test_a_half_open_connection_is_noticed_within_fifteen_seconds_as_shipped() -> None:
    shipped = Patience()

    rounding = 1_000  # aiohttp rounds timers above five seconds up to a whole one

    assert shipped.heartbeat + rounding + shipped.heartbeat / 2 <= 15_000


async def test_opens_the_next_connection_before_it_closes_the_one_that_grows_old(
    exchange: ScriptedExchange,
) -> None:
    async with subscribed(exchange, Patience(rotation=30, linger=150, farewell=20)) as listener:
        first = await exchange.line(1)
        second = await exchange.line(2)
        while SUBSCRIBE not in second.methods():
            await asyncio.sleep(0.001)
        await asyncio.sleep(0.02)  # the new one is ready; what is on its way on the old one counts
        await second.say(event(2))
        await first.say(event(1))
        await listener.until(lambda: len(listener.events) == 2)

        assert listener.news == ["ready"]


async def test_changes_over_without_a_gap_when_the_server_says_it_will_shut_down(
    exchange: ScriptedExchange,
) -> None:
    async with subscribed(exchange) as listener:
        first = await exchange.line(1)
        await listener.until(lambda: listener.news == ["ready"])

        await first.say({"event": {"e": "serverShutdown", "E": EPOCH}})
        second = await exchange.line(2)
        async with asyncio.timeout(2):
            while not first.socket.closed:
                await asyncio.sleep(0.005)
        await second.say(event(3))
        await listener.until(lambda: bool(listener.events))

        assert listener.news == ["ready"]
        assert exchange.open_lines == [second]


async def test_never_holds_two_connections_after_a_drop(exchange: ScriptedExchange) -> None:
    async with subscribed(exchange) as listener:
        for number in range(1, 4):
            (await exchange.line(number)).cut()
        fourth = await exchange.line(4)
        await listener.until(lambda: listener.news[-1:] == ["ready"])
        await asyncio.sleep(0.03)

        assert exchange.open_lines == [fourth]


async def test_comes_back_whenever_the_exchange_does(exchange: ScriptedExchange) -> None:
    async with subscribed(exchange) as listener:
        await listener.until(lambda: listener.news == ["ready"])

        await exchange.stop()
        await listener.until(lambda: listener.news == ["ready", "lost"])
        await asyncio.sleep(0.15)  # many more tries than python-binance's five
        await exchange.start()
        await listener.until(lambda: listener.news == ["ready", "lost", "ready"])


async def test_tries_again_where_the_subscription_is_not_answered(
    exchange: ScriptedExchange,
) -> None:
    exchange.word = stay_silent
    async with subscribed(exchange, replace(HASTE, answer=50)) as listener:
        await exchange.line(2)
        assert listener.news == []

        exchange.word = answer_word
        await listener.until(lambda: listener.news == ["ready"])


async def test_forgets_the_time_where_the_subscription_calls_it_wrong(
    exchange: ScriptedExchange,
) -> None:
    clock = ExchangeClock()
    doubts: list[bool] = []

    async def shifted(line: Line, said: dict[str, Any]) -> None:
        if said["method"] == "time":
            doubts.append(clock.doubted)
        if said["method"] == SUBSCRIBE and line is exchange.lines[0]:
            error = {"code": -1021, "msg": "Timestamp for this request is outside."}
            await line.say({"id": said["id"], "status": 400, "error": error})
        else:
            await answer_word(line, said)

    exchange.word = shifted
    async with subscribed(exchange, clock=clock) as listener:
        await listener.until(lambda: listener.news == ["ready"])

    assert doubts == [False, True]
    assert not clock.doubted


async def test_tries_again_where_the_subscription_is_refused(
    exchange: ScriptedExchange, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="lib.binance")

    async def refuse(line: Line, said: dict[str, Any]) -> None:
        if said["method"] == SUBSCRIBE:
            error = {"code": -1021, "msg": "Timestamp for this request is outside."}
            await line.say({"id": said["id"], "status": 400, "error": error})
        else:
            await answer_word(line, said)

    exchange.word = refuse
    async with subscribed(exchange) as listener:
        await exchange.line(3)
        exchange.word = answer_word
        await listener.until(lambda: listener.news == ["ready"])

    assert "-1021" in caplog.text
    assert SECRET not in caplog.text
    assert KEY not in caplog.text


@pytest.mark.parametrize("mute", ["before subscribing", "at the farewell", "while unreachable"])
async def test_closes_within_a_second(exchange: ScriptedExchange, mute: str) -> None:
    if mute == "before subscribing":
        exchange.word = stay_silent
    if mute == "at the farewell":
        exchange.autoping = False
    if mute == "while unreachable":
        await exchange.stop()

    began = asyncio.get_running_loop().time()
    async with subscribed(exchange, Patience()):
        if mute != "while unreachable":
            await exchange.line(1)
        began = asyncio.get_running_loop().time()

    assert asyncio.get_running_loop().time() - began < 1
