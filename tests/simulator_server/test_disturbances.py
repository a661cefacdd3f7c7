"""What the fault plan and the commands do to a client over the wire."""

import asyncio
import json
from typing import Any
from urllib.parse import urlencode

import aiohttp
import pytest

from lib.simulator.paper.paper import machine_time
from lib.simulator.server import faults
from lib.simulator.server.faults import Fault, FaultPlan, Rule
from lib.simulator.server.signatures import sign
from tests.simulator_server.client import ORDER, STILL, Client, paper_client

pytestmark = pytest.mark.asyncio


@pytest.mark.parametrize(
    ("fault", "accepted"), [(faults.lose_request(), []), (faults.lose_reply(), ["a"])]
)
async def test_a_lost_message_ends_the_connection_before_or_after_acceptance(
    fault: Fault, accepted: list[str]
) -> None:
    async with paper_client(STILL, _orders_meet(fault)) as (paper, client):
        with pytest.raises(aiohttp.ClientConnectionError):
            await client.place("a")

        assert [order["clientOrderId"] for order in paper.state["orders"]] == accepted
        assert (await client.place("b"))[0] == 200


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (502, faults.HTML),
        (500, ""),
        (504, faults.BACKEND_TIMEOUT),
        (500, faults.BUS_UNEXPECTED),
        (200, "not what you wanted"),
    ],
)
async def test_a_spoiled_reply_hides_an_accepted_order(status: int, body: str) -> None:
    plan = _orders_meet(faults.spoil_reply(status, body))
    async with paper_client(STILL, plan) as (paper, client):
        answered = await client.place_raw("a")

        assert answered == (status, body)
        assert [held["clientOrderId"] for held in paper.state["orders"]] == ["a"]


@pytest.mark.parametrize(
    ("fault", "status"), [(faults.refuse_too_many(7), 429), (faults.refuse_banned(7), 418)]
)
async def test_a_refused_order_is_not_accepted_and_says_when_to_come_back(
    fault: Fault, status: int
) -> None:
    async with paper_client(STILL, _orders_meet(fault)) as (paper, client):
        async with client.socket("/ws-api/v3") as socket:
            answer = await socket.signed("order.place", **ORDER)

        error = answer["error"]
        assert (answer["status"], error["code"]) == (status, -1003)
        assert error["data"]["retryAfter"] - error["data"]["serverTime"] == 7_000
        assert paper.state["orders"] == []


async def test_a_redirected_order_was_accepted() -> None:
    plan = _orders_meet(faults.redirect("https://example.com/"))
    async with paper_client(STILL, plan) as (paper, client):
        url = f"{client.address}/api/v3/order?{signed_order()}"
        async with client.session.post(
            url, headers={"X-MBX-APIKEY": "paper"}, allow_redirects=False
        ) as response:
            assert (response.status, response.headers["Location"]) == (302, "https://example.com/")

        assert len(paper.state["orders"]) == 1


@pytest.mark.parametrize(
    ("fault", "status"), [(faults.refuse_overloaded(), 503), (faults.refuse_forbidden(), 403)]
)
async def test_who_is_turned_away_at_the_door_has_placed_nothing(fault: Fault, status: int) -> None:
    async with paper_client(STILL, _orders_meet(fault)) as (paper, client):
        assert (await client.place_raw("a"))[0] == status
        assert paper.state["orders"] == []


@pytest.mark.parametrize(
    ("fault", "kinds"),
    [
        (None, ["event", "event", "reply"]),
        (faults.reply_first(), ["reply", "event", "event"]),
        (faults.delay_reply(5), ["event", "event", "reply"]),
    ],
)
async def test_a_reply_comes_after_its_events_unless_a_rule_turns_them_round(
    fault: Fault | None, kinds: list[str]
) -> None:
    plan = _orders_meet(fault) if fault else FaultPlan()
    async with paper_client(STILL, plan) as (_, client), client.user_stream() as socket:
        await socket.send_signed("order.place", **ORDER)

        frames = [await socket.receive() for _ in range(3)]

        assert ["event" if "event" in frame else "reply" for frame in frames] == kinds


async def test_over_http_too_a_reply_may_come_before_its_events() -> None:
    plan = _orders_meet(faults.reply_first(delay_ms=30))
    async with paper_client(STILL, plan) as (_, client), client.user_stream() as socket:
        assert (await client.place("a"))[0] == 200

        assert await socket.silent(0.005)
        assert (await socket.receive())["event"]["c"] == "a"


async def test_an_event_may_be_lost_together_with_its_connection() -> None:
    plan = FaultPlan(0, [Rule(fault=faults.cut_stream(), event="executionReport", times=1)])
    async with paper_client(STILL, plan) as (paper, client):
        async with client.user_stream() as socket:
            await client.place("a")
            assert await socket.ended()
        async with client.user_stream() as socket:
            await client.place("b")
            assert (await socket.receive())["event"]["c"] == "b"

        assert len(paper.state["orders"]) == 2


async def test_a_stream_may_fall_silent_at_an_event_and_stay_open() -> None:
    plan = FaultPlan(0, [Rule(fault=faults.freeze_stream(), times=1)])
    async with paper_client(STILL, plan) as (_, client), client.user_stream() as socket:
        await client.place("a")
        await client.place("b")

        assert await socket.silent()
        assert not socket.raw.closed


async def test_garbage_and_an_error_without_a_request_may_come_before_an_event() -> None:
    rules = [
        Rule(fault=faults.garbage_event(), event="executionReport", times=1),
        Rule(fault=faults.null_error(), event="outboundAccountPosition", times=1),
    ]
    async with (
        paper_client(STILL, FaultPlan(0, rules)) as (_, client),
        client.user_stream() as socket,
    ):
        await client.place("a")

        garbage = await socket.raw.receive_str()
        frames = [await socket.receive() for _ in range(3)]

        with pytest.raises(json.JSONDecodeError):
            json.loads(garbage)
        assert frames[0]["event"]["e"] == "executionReport"
        assert (frames[1]["id"], frames[1]["status"]) == (None, 401)
        assert frames[2]["event"]["e"] == "outboundAccountPosition"


async def test_what_struck_can_be_read_and_forgotten_by_command() -> None:
    async with paper_client(STILL, _orders_meet(faults.backend_timeout())) as (_, client):
        await client.place("a")
        await client.command("POST", "drop-connections")

        _, log = await client.command("GET", "log")
        await client.command("DELETE", "log")
        _, after = await client.command("GET", "log")

        assert [(entry["done"], entry["to"]) for entry in log] == [
            ("spoil_reply", "POST /api/v3/order"),
            ("command", "POST drop-connections"),
        ]
        assert log[0]["content"]["newClientOrderId"] == "a"
        assert "signature" not in log[0]["content"]
        assert after == []


async def test_a_late_order_is_refused_once_its_window_has_closed() -> None:
    async with paper_client(STILL, _orders_meet(faults.delay_request(30))) as (paper, client):
        status, answer = await client.place("a", recvWindow=10)

        assert (status, answer["code"]) == (400, -1021)
        assert paper.state["orders"] == []


async def test_a_late_order_is_accepted_while_its_window_is_open() -> None:
    async with paper_client(STILL, _orders_meet(faults.delay_request(30))) as (paper, client):
        placing = asyncio.create_task(client.place("a"))
        await client.get("ping")
        assert paper.state["orders"] == []

        assert (await placing)[0] == 200
        assert len(paper.state["orders"]) == 1


async def test_an_order_whose_websocket_reply_is_lost_was_accepted() -> None:
    async with paper_client(STILL, _orders_meet(faults.lose_reply())) as (paper, client):
        async with client.socket("/ws-api/v3") as socket:
            await socket.send_signed("order.place", **ORDER)
            assert await socket.silent()

        assert [held["clientOrderId"] for held in paper.state["orders"]] == ["a"]


@pytest.mark.parametrize(
    ("fault", "reports"),
    [
        (faults.drop_event(), ["b"]),
        (faults.repeat_event(), ["a", "a", "b"]),
        (faults.swap_event(), ["a", "b"]),
        (faults.delay_event(40), ["b", "a"]),
    ],
)
async def test_user_events_get_lost_doubled_and_late(fault: Fault, reports: list[str]) -> None:
    plan = FaultPlan(0, [Rule(fault=fault, event="executionReport", times=1)])
    async with paper_client(STILL, plan) as (_, client), client.user_stream() as socket:
        await client.place("a")
        await client.place("b")

        received = [await socket.receive() for _ in range(len(reports) + 2)]

        events = [frame["event"] for frame in received]
        ids = [event["c"] for event in events if event["e"] == "executionReport"]
        assert ids == reports


async def test_a_swapped_event_comes_after_the_one_that_followed_it() -> None:
    plan = FaultPlan(0, [Rule(fault=faults.swap_event(), event="executionReport", times=1)])
    async with paper_client(STILL, plan) as (_, client), client.user_stream() as socket:
        await client.place("a")

        kinds = [(await socket.receive())["event"]["e"] for _ in range(2)]

        assert kinds == ["outboundAccountPosition", "executionReport"]


async def test_rules_are_put_in_force_listed_and_taken_away_by_command() -> None:
    async with paper_client() as (paper, client):
        rule = Rule(fault=faults.backend_timeout(), method="POST").model_dump(mode="json")

        assert (await client.command("POST", "faults", [rule]))[0] == 200
        assert (await client.command("GET", "faults"))[1] == [rule]
        assert (await client.place("a"))[0] == 504
        assert (await client.command("DELETE", "faults"))[0] == 200
        assert (await client.place("b"))[0] == 200
        assert len(paper.state["orders"]) == 2


@pytest.mark.parametrize(
    ("method", "name", "body", "status"),
    [
        ("POST", "faults", [{"fault": {"kind": "none"}}], 400),
        ("POST", "book", {"symbol": "BTCUSDT"}, 400),
        ("POST", "trade", {"symbol": "X", "price": "?"}, 400),
        ("POST", "unknown", None, 404),
        ("GET", "wipe", None, 404),
    ],
)
async def test_a_wrong_command_is_refused_in_words(
    method: str, name: str, body: Any, status: int
) -> None:
    async with paper_client() as (_, client):
        refused, answer = await client.command(method, name, body)

        assert (refused, name in answer["error"]) == (status, True)


async def test_the_state_holds_all_orders_trades_and_balances() -> None:
    async with paper_client() as (_, client):
        await client.place("rests")
        await client.place("takes", price="60000.01")

        _, state = await client.command("GET", "state")

        orders = {order["clientOrderId"]: order["status"] for order in state["orders"]}
        assert orders == {"rests": "NEW", "takes": "FILLED"}
        assert [trade["clientOrderId"] for trade in state["trades"]] == ["takes"]
        (balances,) = state["balances"].values()
        assert balances["USDT"] == {"free": "9889.99999000", "locked": "50.00000000"}
        assert balances["BTC"] == {"free": "0.00099900", "locked": "0.00000000"}


async def test_a_wipe_forgets_orders_and_cuts_the_streams() -> None:
    async with paper_client() as (paper, client):
        await client.place("a")
        async with client.user_stream() as socket:
            await client.command("POST", "wipe")

            assert await socket.ended()
        assert paper.state["orders"] == []
        assert (await client.call("GET", "account"))[1]["balances"][0]["free"] == "10000.00000000"


@pytest.mark.slow
async def test_after_a_wipe_the_partial_book_shows_nothing_of_the_old_one() -> None:
    async with paper_client() as (_, client):
        await client.set_book("90000", "90000.01")
        await client.command("POST", "wipe")
        await client.set_book("59000", "59000.01")

        async with client.socket("/ws/btcusdt@depth5@100ms") as socket:
            frame = await socket.receive()

        assert frame["bids"] == [["59000.00000000", "5.00000000"]]


async def test_dropped_connections_end_at_once_and_new_ones_are_served() -> None:
    async with paper_client() as (_, client):
        async with client.user_stream() as user, client.socket("/ws/btcusdt@trade") as market:
            assert (await client.command("POST", "drop-connections"))[0] == 200

            assert await user.ended()
            assert await market.ended()
        async with client.user_stream():
            pass


async def test_a_frozen_connection_stays_open_and_says_nothing() -> None:
    async with paper_client() as (paper, client), client.user_stream() as socket:
        await client.command("POST", "freeze-connections")
        await client.place("a")
        await socket.raw.ping()
        await socket.send_signed("order.place", **{**ORDER, "newClientOrderId": "b"})

        assert await socket.silent()
        assert not socket.raw.closed
        assert [held["clientOrderId"] for held in paper.state["orders"]] == ["a"]


async def test_an_error_that_answers_no_request_reaches_the_client() -> None:
    async with paper_client() as (_, client), client.socket("/ws-api/v3") as socket:
        await client.command("POST", "null-error")

        frame = await socket.receive()

        assert (frame["id"], frame["status"], frame["error"]["code"]) == (None, 401, -2015)


async def test_a_burst_arrives_whole() -> None:
    async with paper_client() as (_, client), client.user_stream() as socket:
        await client.command("POST", "burst?count=1000")

        events = [(await socket.receive())["event"]["e"] for _ in range(1_000)]

        assert set(events) == {"balanceUpdate"}
        assert await socket.silent()


async def test_a_shutdown_is_announced_in_each_sockets_own_shape() -> None:
    async with (
        paper_client() as (_, client),
        client.socket("/ws-api/v3") as api,
        client.socket("/ws") as raw,
        client.socket("/stream?streams=btcusdt@trade") as combined,
    ):
        await _settled(client)
        await client.command("POST", "announce-shutdown")

        assert (await api.receive())["event"]["e"] == "serverShutdown"
        assert (await raw.receive())["e"] == "serverShutdown"
        frame = await combined.receive()
        assert (frame["stream"], frame["data"]["e"]) == ("!serverShutdown", "serverShutdown")


def signed_order() -> str:
    query = urlencode({**ORDER, "timestamp": machine_time()})
    return f"{query}&signature={sign('paper', query)}"


async def _settled(client: Client) -> None:
    """Let the server finish what opening a socket began."""
    await client.get("ping")


def _orders_meet(fault: Fault) -> FaultPlan:
    return FaultPlan(0, [Rule(fault=fault, method="POST", path="/api/v3/order", times=1)])
