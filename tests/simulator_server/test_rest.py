from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

import pytest

from lib.simulator.paper.paper import machine_time
from lib.simulator.server.signatures import rest_payload, sign, socket_payload
from tests.simulator_server.client import STILL, Client, paper_client
from tests.simulator_server.served import served

pytestmark = pytest.mark.asyncio


async def test_a_signed_order_is_accepted_and_found_in_the_books() -> None:
    async with paper_client() as (paper, client):
        status, order = await client.place("first")

        assert (status, order["status"], order["clientOrderId"]) == (200, "NEW", "first")
        assert [held["clientOrderId"] for held in paper.state["orders"]] == ["first"]


@pytest.mark.parametrize("method", ["GET", "DELETE"])
async def test_parameters_may_stand_in_the_body_whatever_the_verb(method: str) -> None:
    async with paper_client() as (_, client):
        await client.place("first")
        params = {"symbol": "BTCUSDT", "timestamp": machine_time(), "origClientOrderId": "first"}

        status, answer = await _send(client, method, query="", body=urlencode(params))

        assert (status, answer["orderId"]) == (200, 1)


async def test_the_query_wins_over_the_body() -> None:
    async with paper_client() as (_, client):
        await client.place("first")
        query = urlencode({"symbol": "BTCUSDT", "timestamp": machine_time()})

        status, order = await _send(
            client, "GET", query=query, body="symbol=ETHUSDT&origClientOrderId=first"
        )

        assert (status, order["symbol"]) == (200, "BTCUSDT")


@pytest.mark.parametrize(
    ("key", "secret", "status", "code"),
    [("paper", "wrong", 400, -1022), ("other", "paper", 401, -2015), ("", "paper", 401, -2014)],
)
async def test_who_does_not_hold_the_key_is_refused(
    key: str, secret: str, status: int, code: int
) -> None:
    async with paper_client() as (paper, client):
        refused, answer = await client.call("GET", "account", key=key, secret=secret)

        assert (refused, answer["code"]) == (status, code)
        assert paper.state["orders"] == []


@pytest.mark.parametrize(
    ("query", "named"),
    [("timestamp=1", "signature"), ("", "signature"), ("recvWindow=5", "signature")],
)
async def test_a_missing_parameter_is_named(query: str, named: str) -> None:
    async with paper_client() as (_, client):
        url = f"{client.address}/api/v3/account?{query}"
        async with client.session.get(url, headers={"X-MBX-APIKEY": "paper"}) as response:
            answer = await response.json()

        assert answer["code"] == -1102
        assert f"'{named}'" in answer["msg"]


async def test_a_signature_of_strange_letters_is_refused_like_any_wrong_one() -> None:
    async with paper_client() as (_, client):
        url = f"{client.address}/api/v3/account?timestamp=1&signature=%C3%A9"
        async with client.session.get(url, headers={"X-MBX-APIKEY": "paper"}) as response:
            assert (response.status, (await response.json())["code"]) == (400, -1022)


async def test_a_parameter_sent_twice_is_refused() -> None:
    async with paper_client() as (_, client):
        status, answer = await client.get("depth?symbol=BTCUSDT&symbol=ETHUSDT")

        assert (status, answer["code"]) == (400, -1101)


async def test_a_request_signed_for_another_body_is_refused() -> None:
    async with paper_client() as (paper, client):
        query = urlencode({"timestamp": machine_time(), "symbol": "BTCUSDT"})
        signature = sign("paper", query + "side=BUY")

        status, answer = await _send(
            client, "POST", query=f"{query}&signature={signature}", body="side=SELL", signed=True
        )

        assert (status, answer["code"]) == (400, -1022)
        assert paper.state["orders"] == []


async def test_an_old_request_is_refused_by_the_real_clock_whatever_the_speed() -> None:
    async with paper_client() as (_, client):
        early, answer = await client.call("GET", "account", timestamp=machine_time() - 60_000)
        late, ahead = await client.call("GET", "account", timestamp=machine_time() + 5_000)

        assert (early, answer["code"], late, ahead["code"]) == (400, -1021, 400, -1021)


async def test_answers_are_json_and_tell_the_weight_used() -> None:
    async with (
        paper_client() as (_, client),
        client.session.get(f"{client.address}/api/v3/time") as response,
    ):
        assert response.headers["Content-Type"] == "application/json"
        assert int(response.headers["X-MBX-USED-WEIGHT-1M"]) >= 1
        assert abs((await response.json())["serverTime"] - machine_time()) < 2_000


async def test_listen_keys_are_gone() -> None:
    async with paper_client() as (_, client):
        url = f"{client.address}/api/v3/userDataStream"
        async with client.session.post(url, headers={"X-MBX-APIKEY": "paper"}) as response:
            assert response.status == 410
            assert response.headers["Content-Type"].startswith("text/html")
            assert (await response.text()).startswith("<html>")


async def test_an_unknown_path_is_not_found() -> None:
    async with (
        paper_client() as (_, client),
        client.session.get(f"{client.address}/elsewhere") as response,
    ):
        assert (response.status, await response.read()) == (404, b"")


async def test_listen_keys_of_the_first_version_are_gone_too() -> None:
    async with served() as exchange:
        gone = await exchange.send("PUT", "/api/v1/userDataStream")
        never = await exchange.send("GET", "/api/v1/time")

        assert (gone.status, never.status) == (410, 404)


@pytest.mark.parametrize("path", ["/api/v3/exchangie", "/elsewhere"])
async def test_an_unknown_path_is_shown_as_a_page_to_who_reads_pages(path: str) -> None:
    async with served() as exchange:
        page = await exchange.send("GET", path, headers={"Accept": "text/html"})
        empty = await exchange.send("GET", path, headers={"Accept": "application/json"})

        assert (page.status, page.headers["Content-Type"]) == (404, "text/html")
        assert str(page.body).startswith("<html>")
        assert (empty.status, empty.headers["Content-Length"]) == (404, "0")


async def test_times_are_told_in_microseconds_to_who_asks_for_them() -> None:
    async with served() as exchange:
        exchange.headers["X-MBX-TIME-UNIT"] = "microsecond"
        now = exchange.clock() * 1_000

        placed = await exchange.place(timestamp=now)
        found = await exchange.call("GET order", symbol="BTCUSDT", orderId=1)
        shown = await exchange.send("GET", "/api/v3/time")

        assert (placed.body["transactTime"], placed.body["orderId"]) == (now, 1)
        assert (found.body["time"], found.body["updateTime"]) == (now, now)
        assert shown.body == {"serverTime": now}


async def test_another_unit_of_time_is_refused() -> None:
    async with served() as exchange:
        refused = await exchange.send(
            "GET", "/api/v3/time", headers={"X-MBX-TIME-UNIT": "NANOSECOND"}
        )

        assert (refused.status, refused.code) == (400, -1194)


async def test_what_is_signed_is_query_and_body_without_the_signature() -> None:
    assert rest_payload("a=1&b=2&signature=f", "") == "a=1&b=2"
    assert rest_payload("a=1", "signature=f&c=3") == "a=1c=3"
    assert socket_payload({"b": "2", "a": "1", "signature": "f"}) == "a=1&b=2"


async def test_no_command_is_obeyed_unless_the_caller_allowed_it() -> None:
    async with (
        paper_client(replace(STILL, control=False)) as (_, client),
        client.session.get(f"{client.address}/simulator/state") as response,
    ):
        assert response.status == 404


async def _send(
    client: Client, method: str, *, query: str, body: str, signed: bool = False
) -> tuple[int, Any]:
    if not signed:
        body = f"{body}&signature={sign('paper', query + body)}"
    headers = {"X-MBX-APIKEY": "paper", "Content-Type": "application/x-www-form-urlencoded"}
    url = f"{client.address}/api/v3/order?{query}"
    async with client.session.request(method, url, data=body, headers=headers) as response:
        return response.status, await response.json()
