from typing import Any

import pytest

from lib.simulator.exchange import Options
from tests.simulator_server.served import LIMIT, served

pytestmark = pytest.mark.asyncio


async def test_who_has_logged_on_signs_no_more() -> None:
    async with served() as exchange, exchange.socket() as socket:
        logon = await socket.by("alice-ed", "session.logon")
        placed = await socket.call("order.place", **LIMIT, timestamp=exchange.clock())
        status = await socket.call("session.status")

        assert logon["result"]["apiKey"] == "alice-ed"
        assert logon["result"]["authorizedSince"] == exchange.clock()
        assert placed["status"] == 200
        assert status["result"] == {**logon["result"], "serverTime": exchange.clock()}


@pytest.mark.parametrize(("code", "expected"), [(-4056, -4056), (-1099, -1099)])
async def test_only_an_ed25519_key_logs_on(code: int, expected: int) -> None:
    options = Options(logon_refusal_code=code)
    async with served(options=options) as exchange, exchange.socket() as socket:
        refused = await socket.by("alice", "session.logon")

        assert (refused["status"], refused["error"]["code"]) == (400, expected)
        assert refused["error"]["msg"] == "HMAC_SHA256 API key is not supported."
        assert (await socket.call("session.status"))["result"]["apiKey"] is None


async def test_a_session_still_needs_a_timestamp() -> None:
    async with served() as exchange, exchange.socket() as socket:
        await socket.by("alice-ed", "session.logon")

        refused = await socket.call("account.status")
        late = await socket.call("account.status", timestamp=exchange.clock() - 5_001)

        assert (refused["error"]["code"], late["error"]["code"]) == (-1102, -1021)


async def test_an_old_logon_is_refused() -> None:
    async with served() as exchange, exchange.socket() as socket:
        refused = await socket.by("alice-ed", "session.logon", timestamp=exchange.clock() - 5_001)

        assert refused["error"]["code"] == -1021


async def test_an_old_subscription_is_refused_and_hears_nothing() -> None:
    async with served() as exchange, exchange.socket() as socket:
        refused = await socket.by(
            "alice", "userDataStream.subscribe.signature", timestamp=exchange.clock() - 5_001
        )
        await exchange.place("alice")

        assert refused["error"]["code"] == -1021
        assert await socket.silent()


async def test_without_a_session_the_key_is_missing() -> None:
    async with served() as exchange, exchange.socket() as socket:
        refused = await socket.call("account.status", timestamp=exchange.clock())

        assert refused["error"]["code"] == -1102
        assert "'apiKey'" in refused["error"]["msg"]


async def test_a_request_of_a_session_may_be_signed_with_another_key() -> None:
    async with served() as exchange, exchange.socket() as socket:
        await socket.by("alice-ed", "session.logon")
        await socket.by("bob", "order.place", **LIMIT)

        mine = await socket.call("openOrders.status", timestamp=exchange.clock())
        his = await socket.by("bob", "openOrders.status")

        assert (mine["result"], len(his["result"])) == ([], 1)


async def test_a_new_logon_takes_the_place_of_the_old_one_and_logging_out_ends_it() -> None:
    async with served() as exchange, exchange.socket() as socket:
        await socket.by("alice-ed", "session.logon")
        exchange.venue.now += 5
        again = await socket.by("alice-ed", "session.logon")
        out = await socket.call("session.logout")
        refused = await socket.call("account.status", timestamp=exchange.clock())

        assert again["result"]["authorizedSince"] == exchange.clock()
        assert (out["result"]["apiKey"], out["result"]["authorizedSince"]) == (None, None)
        assert refused["error"]["code"] == -1102


async def test_the_user_stream_of_a_session_ends_with_it_and_others_go_on() -> None:
    async with served() as exchange, exchange.socket() as socket:
        await socket.by("alice-ed", "session.logon")
        mine = await socket.call("userDataStream.subscribe")
        his = await socket.by("bob", "userDataStream.subscribe.signature")
        ended = await socket.call("session.logout")
        out = await socket.receive()
        listed = await socket.call("session.subscriptions")

        assert (mine["result"], his["result"]) == ({"subscriptionId": 0}, {"subscriptionId": 1})
        assert (ended["subscriptionId"], ended["event"]["e"]) == (0, "eventStreamTerminated")
        assert out["result"]["userDataStream"] is True
        assert listed["result"] == [{"subscriptionId": 1}]


async def test_no_stream_is_had_by_logon_without_one() -> None:
    async with served() as exchange, exchange.socket() as socket:
        refused = await socket.call("userDataStream.subscribe")

        assert (refused["status"], refused["error"]["code"]) == (401, -2015)


async def test_one_connection_hears_several_accounts_each_under_its_number() -> None:
    async with served() as exchange, exchange.socket() as socket:
        await socket.by("alice", "userDataStream.subscribe.signature")
        await socket.by("bob", "userDataStream.subscribe.signature")
        twice = await socket.by("alice-reads", "userDataStream.subscribe.signature")

        await exchange.place("bob")
        await exchange.place("alice")
        heard = [await socket.receive() for _ in range(4)]

        assert twice["error"]["code"] == -2035
        assert [frame["subscriptionId"] for frame in heard] == [1, 1, 0, 0]


async def test_all_subscriptions_end_at_once_if_none_is_named() -> None:
    async with served() as exchange, exchange.socket() as socket:
        await socket.by("alice", "userDataStream.subscribe.signature")
        await socket.by("bob", "userDataStream.subscribe.signature")

        first = await socket.call("userDataStream.unsubscribe")
        rest = [await socket.receive() for _ in range(2)]

        numbers = [first["subscriptionId"], rest[0]["subscriptionId"]]
        assert (numbers, rest[1]["result"]) == ([0, 1], {})
        none = await socket.call("userDataStream.unsubscribe")
        assert none["result"] == {}


@pytest.mark.parametrize("number", [7, -1, "x", "0" * 9])
async def test_a_subscription_that_is_not_there_does_not_end(number: object) -> None:
    async with served() as exchange, exchange.socket() as socket:
        refused = await socket.call("userDataStream.unsubscribe", subscriptionId=number)

        assert refused["error"]["code"] == -2036


async def test_there_is_an_end_to_what_one_connection_hears(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("lib.simulator.server.api_session.ACTIVE_MAX", 1)
    async with served() as exchange, exchange.socket() as socket:
        await socket.by("alice", "userDataStream.subscribe.signature")

        refused = await socket.by("bob", "userDataStream.subscribe.signature")
        await socket.call("userDataStream.unsubscribe")
        await socket.receive()
        again = await socket.by("bob", "userDataStream.subscribe.signature")

        assert refused["error"]["code"] == -2042
        assert again["result"] == {"subscriptionId": 1}


async def test_there_is_an_end_to_the_numbers_of_a_connection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("lib.simulator.server.api_session.SUBSCRIPTIONS_MAX", 1)
    async with served() as exchange, exchange.socket() as socket:
        await socket.by("alice", "userDataStream.subscribe.signature")
        await socket.call("userDataStream.unsubscribe")
        await socket.receive()

        refused = await socket.by("alice", "userDataStream.subscribe.signature")

        assert refused["error"]["code"] == -2042


async def test_a_session_whose_key_dies_is_told_so_at_its_next_request() -> None:
    async with served() as exchange, exchange.socket() as socket:
        await socket.by("alice-ed", "session.logon")
        await exchange.command("POST revoke-key", {"key": "alice-ed"})
        assert await socket.silent()

        told = await socket.call("ping")
        status = await socket.call("session.status")

        assert (told["id"], told["status"], told["error"]["code"]) == (None, 401, -2015)
        assert status["result"]["apiKey"] is None


@pytest.mark.parametrize("ends", [True, False])
async def test_whether_a_stream_dies_with_its_key_is_an_option(ends: bool) -> None:
    options = Options(revoked_key_ends_streams=ends)
    async with served(options=options) as exchange, exchange.socket() as socket:
        await socket.by("alice", "userDataStream.subscribe.signature")
        await exchange.command("POST revoke-key", {"key": "alice"})
        await exchange.place("alice-ed")

        heard = await socket.receive()

        assert heard["event"]["e"] == ("eventStreamTerminated" if ends else "executionReport")


async def test_a_reading_key_asks_but_does_not_trade() -> None:
    async with served() as exchange, exchange.socket() as socket:
        refused = await socket.by("alice-reads", "order.place", **LIMIT)
        asked = await socket.by("alice-reads", "account.status")

        assert (refused["status"], refused["error"]["code"]) == (401, -2015)
        assert asked["status"] == 200


async def test_times_are_told_in_microseconds_if_the_url_says_so() -> None:
    async with served() as exchange, exchange.socket("/ws-api/v3?timeUnit=microsecond") as socket:
        now = exchange.clock() * 1_000
        asked = await socket.call("time")
        status = await socket.call("session.status")
        await socket.by("alice", "userDataStream.subscribe.signature")
        placed = await exchange.place("alice")
        report = (await socket.receive())["event"]

        assert asked["result"] == {"serverTime": now}
        assert (status["result"]["serverTime"], status["result"]["connectedSince"]) == (now, now)
        assert (report["E"], report["T"], report["i"]) == (now, now, 1)
        assert placed.body["transactTime"] == exchange.clock()


@pytest.mark.parametrize("unit", ["SECOND", ""])
async def test_another_unit_of_time_opens_no_connection(unit: str) -> None:
    async with served() as exchange:
        refused = await exchange.send("GET", f"/ws-api/v3?timeUnit={unit}")

        assert (refused.status, refused.code) == (400, -1194)


async def test_connecting_weighs_two_and_so_does_every_method_of_the_session() -> None:
    async with served() as exchange, exchange.socket() as socket:
        weights = [
            _weight(await socket.call(method))
            for method in ("session.status", "session.subscriptions", "session.logout")
        ]

        assert weights == [4, 6, 8]


async def test_a_quiet_connection_tells_the_limits_to_who_asks_for_them() -> None:
    async with (
        served() as exchange,
        exchange.socket("/ws-api/v3?returnRateLimits=false") as socket,
    ):
        told = await socket.call("time", returnRateLimits=True)
        untold = await socket.call("session.status")
        wrong = await socket.call("time", returnRateLimits="perhaps")

        assert _weight(told) == 3
        assert "rateLimits" not in untold
        assert untold["result"]["returnRateLimits"] is False
        assert wrong["error"]["code"] == -1130


async def test_an_order_tells_all_limits_it_touched() -> None:
    async with served() as exchange, exchange.socket() as socket:
        placed = await socket.by("alice", "order.place", **LIMIT)

        assert [(told["rateLimitType"], told["interval"]) for told in placed["rateLimits"]] == [
            ("ORDERS", "SECOND"),
            ("ORDERS", "DAY"),
            ("REQUEST_WEIGHT", "MINUTE"),
        ]
        assert placed["rateLimits"][0]["intervalNum"] == 10


@pytest.mark.parametrize("name", [7, "seven", None, -1, ""])
async def test_any_name_of_a_request_comes_back(name: object) -> None:
    async with served() as exchange, exchange.socket() as socket:
        answer = await socket.ask(id=name, method="ping")

        assert (answer["id"], answer["status"]) == (name, 200)


@pytest.mark.parametrize(
    "frame",
    [
        {"id": 1.5, "method": "ping"},
        {"id": [], "method": "ping"},
        {"id": True, "method": "ping"},
        {"id": 2**70, "method": "ping"},
        {"id": 1, "method": "ping", "params": []},
        {"id": "\ud800", "method": "ping"},
        {"id": 1, "method": "ping", "params": {"a": "\ud800"}},
    ],
)
async def test_what_cannot_be_echoed_or_read_is_no_request(frame: dict[str, Any]) -> None:
    async with served() as exchange, exchange.socket() as socket:
        answer = await socket.ask(**frame)

        assert (answer["id"], answer["status"], answer["error"]["code"]) == (None, 400, -1135)
        assert (await socket.call("ping"))["status"] == 200


@pytest.mark.parametrize(
    "method", ["userDataStream.start", "userDataStream.ping", "userDataStream.stop"]
)
async def test_methods_of_listen_keys_are_gone(method: str) -> None:
    async with served() as exchange, exchange.socket() as socket:
        refused = await socket.call(method, apiKey="alice")

        assert (refused["status"], refused["error"]["code"]) == (400, -1020)


async def test_a_parameter_a_session_does_not_know_is_refused() -> None:
    async with served() as exchange, exchange.socket() as socket:
        refused = await socket.call("session.status", apiKey="alice")

        assert refused["error"]["code"] == -1104


def _weight(answer: Any) -> int:
    (limit,) = answer["rateLimits"]
    assert limit["rateLimitType"] == "REQUEST_WEIGHT"
    count: int = limit["count"]
    return count
