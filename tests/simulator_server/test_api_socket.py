import pytest

from lib.simulator.exchange import KNOWN_ELSEWHERE, PREFIX
from lib.simulator.paper.paper import machine_time
from lib.simulator.server.api_methods import REST_CALLS
from tests.simulator_server.client import ORDER, paper_client
from tests.simulator_server.served import served

pytestmark = pytest.mark.asyncio


async def test_an_order_goes_through_its_life_by_websocket() -> None:
    async with paper_client() as (_, client), client.socket("/ws-api/v3") as socket:
        placed = await socket.signed("order.place", **ORDER)
        known = {"symbol": "BTCUSDT", "origClientOrderId": "a"}
        status = await socket.signed("order.status", **known)
        resting = await socket.signed("openOrders.status", symbol="BTCUSDT")
        canceled = await socket.signed("order.cancel", **known)

        assert placed["status"] == 200
        assert (status["result"]["status"], len(resting["result"])) == ("NEW", 1)
        assert canceled["result"]["status"] == "CANCELED"
        assert placed["result"]["orderId"] == canceled["result"]["orderId"]


async def test_every_call_of_the_exchange_has_a_method_of_its_own() -> None:
    async with served() as exchange:
        calls = {
            (method, path.removeprefix(PREFIX)) for method, path in exchange.venue.exchange._routes
        }

        assert calls <= set(REST_CALLS.values())
        assert set(REST_CALLS.values()) - calls <= {("POST", path) for path in KNOWN_ELSEWHERE}


async def test_an_answer_carries_the_id_of_its_request_and_the_limits() -> None:
    async with paper_client() as (_, client), client.socket("/ws-api/v3") as socket:
        answer = await socket.ask(id="my-7", method="time")
        null = await socket.ask(id=None, method="v3/ping", params={})

        assert (answer["id"], answer["status"]) == ("my-7", 200)
        assert abs(answer["result"]["serverTime"] - machine_time()) < 2_000
        (limit,) = answer["rateLimits"]
        assert (limit["rateLimitType"], limit["limit"]) == ("REQUEST_WEIGHT", 6_000)
        assert limit["count"] > 0
        assert (null["id"], null["result"]) == (None, {})


async def test_the_limits_are_left_out_on_request() -> None:
    async with paper_client() as (_, client):
        async with client.socket("/ws-api/v3?returnRateLimits=false") as quiet:
            assert "rateLimits" not in await quiet.ask(id=1, method="time")
        async with client.socket("/ws-api/v3") as socket:
            answer = await socket.ask(id=1, method="time", params={"returnRateLimits": False})
            assert "rateLimits" not in answer


@pytest.mark.parametrize("text", ["no json", "[]", '{"id":1}', '{"id":1,"method":5}'])
async def test_what_is_no_request_is_answered_without_an_id(text: str) -> None:
    async with paper_client() as (_, client), client.socket("/ws-api/v3") as socket:
        await socket.raw.send_str(text)

        frame = await socket.receive()

        assert (frame["id"], frame["status"], frame["error"]["code"]) == (None, 400, -1135)
        assert (await socket.ask(id=1, method="ping"))["status"] == 200


async def test_an_unknown_method_and_a_wrong_signature_are_refused() -> None:
    async with paper_client() as (_, client), client.socket("/ws-api/v3") as socket:
        unknown = await socket.ask(id=1, method="order.guess")
        params = {"apiKey": "paper", "timestamp": machine_time(), "signature": "f00"}
        forged = await socket.ask(id=2, method="account.status", params=params)

        assert (unknown["status"], unknown["error"]["code"]) == (400, -1020)
        assert (forged["status"], forged["error"]["code"]) == (400, -1022)


@pytest.mark.parametrize("method", ["ticker.24hr", "ticker.price", "ticker.book", "depth"])
async def test_market_data_is_the_same_as_over_rest(method: str) -> None:
    paths = {
        "ticker.24hr": "ticker/24hr",
        "ticker.price": "ticker/price",
        "ticker.book": "ticker/bookTicker",
        "depth": "depth",
    }
    async with paper_client() as (_, client), client.socket("/ws-api/v3") as socket:
        answer = await socket.ask(id=1, method=method, params={"symbol": "BTCUSDT"})
        _, rest = await client.get(f"{paths[method]}?symbol=BTCUSDT")

        for times in ("openTime", "closeTime"):
            answer["result"].pop(times, None)
            rest.pop(times, None)
        assert answer["result"] == rest


async def test_a_number_is_signed_as_it_was_written() -> None:
    async with paper_client() as (_, client), client.socket("/ws-api/v3") as socket:
        placed = await socket.signed("order.place", **{**ORDER, "quantity": 0.00210})

        assert placed["result"]["origQty"] == "0.00210000"


async def test_the_user_stream_brings_each_event_in_its_envelope() -> None:
    async with paper_client() as (_, client), client.user_stream() as socket:
        await client.place("a")

        report, position = await socket.receive(), await socket.receive()

        assert (report["subscriptionId"], report["event"]["e"]) == (0, "executionReport")
        assert report["event"]["c"] == "a"
        assert position["event"]["e"] == "outboundAccountPosition"


async def test_one_connection_subscribes_once_and_says_so() -> None:
    async with paper_client() as (_, client), client.user_stream() as socket:
        again = await socket.signed("userDataStream.subscribe.signature")
        listed = await socket.ask(id=1, method="session.subscriptions")
        session = await socket.ask(id=2, method="session.status")

        assert again["error"]["code"] == -2035
        assert listed["result"] == [{"subscriptionId": 0}]
        assert session["result"]["userDataStream"] is True


async def test_after_unsubscribing_nothing_more_comes() -> None:
    async with paper_client() as (_, client), client.user_stream() as socket:
        ended = await socket.ask(
            id=1, method="userDataStream.unsubscribe", params={"subscriptionId": 0}
        )
        assert ended["event"]["e"] == "eventStreamTerminated"
        assert (await socket.receive())["result"] == {}
        again = await socket.ask(
            id=1, method="userDataStream.unsubscribe", params={"subscriptionId": 0}
        )
        assert again["error"]["code"] == -2036

        await client.place("a")
        assert await socket.silent()


async def test_a_new_subscription_gets_a_new_number() -> None:
    async with paper_client() as (_, client), client.user_stream() as socket:
        await socket.ask(id=1, method="userDataStream.unsubscribe")
        await socket.receive()

        again = await socket.signed("userDataStream.subscribe.signature")

        assert again["result"] == {"subscriptionId": 1}


async def test_a_stranger_gets_no_user_stream() -> None:
    async with paper_client() as (_, client), client.socket("/ws-api/v3") as socket:
        refused = await socket.signed("userDataStream.subscribe.signature", apiKey="other")
        await client.place("a")

        assert (refused["status"], refused["error"]["code"]) == (401, -2015)
        assert await socket.silent()
