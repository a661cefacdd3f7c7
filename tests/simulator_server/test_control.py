"""What the owner of a simulator does to it while clients are at it."""

import asyncio
from dataclasses import replace
from typing import Any

import aiohttp
import pytest

from tests.simulator.venue import SYMBOL, exchange_info, symbol_entry
from tests.simulator_server.client import STILL, paper_client
from tests.simulator_server.served import served

pytestmark = pytest.mark.asyncio

NOT_TRADING = ["HALT", "BREAK", "END_OF_DAY", "CANCEL_ONLY"]


@pytest.mark.parametrize("status", NOT_TRADING)
async def test_a_symbol_under_maintenance_takes_no_orders_and_says_so(status: str) -> None:
    async with served() as exchange:
        await exchange.place()
        await exchange.command("POST maintenance", {"symbol": SYMBOL, "status": status})

        refused = await exchange.place()
        shown = await exchange.send("GET", "/api/v3/exchangeInfo")
        canceled = await exchange.call("DELETE order", symbol=SYMBOL, orderId=1)
        await exchange.command("POST maintenance", {"symbol": SYMBOL, "status": "TRADING"})

        assert (refused.status, refused.body["msg"]) == (400, "Market is closed.")
        assert [entry["status"] for entry in shown.body["symbols"]] == [status]
        assert canceled.status == 200
        assert (await exchange.place()).status == 200


async def test_maintenance_may_be_of_all_symbols() -> None:
    info = exchange_info(symbol_entry(), symbol_entry("ETH"))
    async with served(info=info) as exchange:
        await exchange.command("POST maintenance", {"status": "BREAK"})

        shown = await exchange.send("GET", "/api/v3/exchangeInfo")

        assert [entry["status"] for entry in shown.body["symbols"]] == ["BREAK", "BREAK"]


async def test_filters_change_while_the_exchange_runs_and_open_orders_stay() -> None:
    async with served() as exchange:
        await exchange.place(price="90.05")
        tick = {"filterType": "PRICE_FILTER", "tickSize": "0.10000000"}
        await exchange.command("POST symbol", {"symbol": SYMBOL, "changes": {"filters": [tick]}})

        refused = await exchange.place(price="90.05")
        placed = await exchange.place(price="90.1")
        shown = (await exchange.send("GET", f"/api/v3/exchangeInfo?symbol={SYMBOL}")).body
        resting = await exchange.call("GET openOrders")

        assert refused.body["msg"] == "Filter failure: PRICE_FILTER"
        assert (placed.status, len(resting.body)) == (200, 2)
        filters = {found["filterType"]: found for found in shown["symbols"][0]["filters"]}
        assert filters["PRICE_FILTER"]["tickSize"] == "0.10000000"
        assert filters["PRICE_FILTER"]["minPrice"] == "0.01000000"


async def test_a_lag_may_begin_and_end_while_the_exchange_runs() -> None:
    async with served() as exchange:
        known: dict[str, Any] = {"symbol": SYMBOL, "orderId": 1}

        await exchange.command("POST lag", {"query_ms": 3_000})
        await exchange.place()
        hidden = await exchange.call("GET order", **known)
        exchange.venue.now += 3_000
        shown = await exchange.call("GET order", **known)
        await exchange.command("POST lag", {"query_ms": 0})
        await exchange.place()
        again = await exchange.call("GET order", symbol=SYMBOL, orderId=2)

        assert (hidden.status, hidden.code) == (400, -2013)
        assert (shown.status, again.status) == (200, 200)


@pytest.mark.parametrize(("jump_ms", "text"), [(6_000, "outside"), (-6_000, "ahead")])
async def test_a_jump_of_the_clock_makes_the_clients_time_wrong(jump_ms: int, text: str) -> None:
    async with served() as exchange:
        before = exchange.clock()
        moved = await exchange.command("POST clock", {"jump_ms": jump_ms})
        shown = await exchange.send("GET", "/api/v3/time")

        refused = await exchange.call("GET account", timestamp=before)
        adapted = await exchange.place(timestamp=before + jump_ms)

        assert moved.body == {"offset_ms": jump_ms, "time": before + jump_ms}
        assert shown.body == {"serverTime": before + jump_ms}
        assert refused.code == -1021
        assert text in refused.body["msg"]
        assert adapted.body["transactTime"] == before + jump_ms


async def test_trading_goes_on_when_the_clock_jumps_back_and_forth() -> None:
    async with served() as exchange:
        statuses = []
        for jump_ms in (3_600_000, -3_600_000, -86_400_000, 7):
            await exchange.command("POST clock", {"jump_ms": jump_ms})
            bought = await exchange.place(price="101", quantity="0.2")
            statuses.append((bought.status, bought.body["status"]))
            for question in ("klines?interval=1m&", "ticker/24hr?", "avgPrice?", "trades?"):
                asked = await exchange.send("GET", f"/api/v3/{question}symbol={SYMBOL}")
                assert asked.status == 200
            mine = await exchange.call("GET myTrades", symbol=SYMBOL)
            assert len(mine.body) == len(statuses)

        assert statuses == [(200, "FILLED")] * 4


async def test_the_clock_is_put_right_again() -> None:
    async with served() as exchange:
        await exchange.command("POST clock", {"jump_ms": 500})
        await exchange.command("POST clock", {"jump_ms": 500})
        assert exchange.clock.offset_ms == 1_000

        await exchange.command("POST clock", {"offset_ms": 0})

        assert exchange.clock() == exchange.venue.now


async def test_a_banned_address_hears_and_says_nothing_more_until_the_ban_is_over() -> None:
    async with served() as exchange:
        async with exchange.socket() as api, exchange.socket("/ws") as market:
            await api.call("ping")
            await exchange.command("POST ban", {"seconds": 60})
            assert await api.ended()
            assert await market.ended()
        refused = await exchange.send("GET", "/api/v3/time")
        unopened = await exchange.send("GET", "/ws-api/v3")
        exchange.venue.now += 60_000

        assert (refused.status, refused.code, refused.headers["Retry-After"]) == (418, -1003, "60")
        assert unopened.status == 418
        assert (await exchange.send("GET", "/api/v3/time")).status == 200


@pytest.mark.parametrize(
    ("call", "body"),
    [
        ("POST maintenance", {"status": "LUNCH"}),
        ("POST maintenance", {"symbol": "NOPE", "status": "HALT"}),
        ("POST symbol", {"symbol": SYMBOL}),
        (
            "POST symbol",
            {
                "symbol": SYMBOL,
                "changes": {"filters": [{"filterType": "LOT_SIZE", "stepSize": "x"}]},
            },
        ),
        ("POST lag", {}),
        ("POST clock", {"jump_ms": "soon"}),
        ("POST ban", {}),
        ("POST revoke-key", {"key": "nobody"}),
    ],
)
async def test_a_command_that_makes_no_sense_changes_nothing(call: str, body: object) -> None:
    async with served() as exchange:
        before = (await exchange.send("GET", "/api/v3/exchangeInfo")).body

        refused = await exchange.command(call, body)

        assert (refused.status, call in refused.body["error"]) == (400, True)
        assert (await exchange.send("GET", "/api/v3/exchangeInfo")).body == before
        assert (await exchange.place()).status == 200
        assert exchange.plan.log.entries == []


async def test_commands_have_a_loopback_address_of_their_own() -> None:
    async with served() as exchange:
        assert exchange.control != exchange.address
        with pytest.raises(ValueError, match="this machine alone"):
            await exchange.server.start_control("0.0.0.0")
        async with exchange.session.get(f"{exchange.control}/api/v3/ping") as elsewhere:
            assert elsewhere.status == 404


@pytest.mark.parametrize(("host", "apart"), [("127.0.0.1", False), ("0.0.0.0", True)])
async def test_who_lets_others_trade_takes_commands_from_this_machine_alone(
    host: str, apart: bool
) -> None:
    async with paper_client(replace(STILL, host=host)) as (paper, _):
        assert (paper.control_address != paper.address) is apart
        assert paper.control_address.startswith("http://127.0.0.1:")


async def test_a_paper_exchange_without_commands_has_no_address_for_them() -> None:
    async with paper_client(replace(STILL, control=False)) as (paper, _):
        assert paper.control_address == ""


async def test_no_command_comes_from_another_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    async with served() as exchange:
        monkeypatch.setattr("aiohttp.web.BaseRequest.remote", "192.168.1.7")

        async with exchange.session.get(f"{exchange.address}/simulator/state") as refused:
            assert refused.status == 404


async def test_closing_closes_the_commands_too() -> None:
    async with served() as exchange:
        await exchange.server.close()
        await asyncio.sleep(0)

        with pytest.raises(aiohttp.ClientConnectionError):
            await exchange.command("GET log")
