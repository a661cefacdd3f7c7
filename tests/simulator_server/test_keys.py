import pytest

from lib.simulator.exchange import Options
from tests.simulator_server.served import served, signer_of

pytestmark = pytest.mark.asyncio


@pytest.mark.parametrize("key", ["alice", "alice-ed"])
async def test_several_keys_open_one_account(key: str) -> None:
    async with served() as exchange:
        placed = await exchange.place(key)
        found = await exchange.call("GET order", "alice-reads", symbol="BTCUSDT", orderId=1)

        assert (placed.status, found.status) == (200, 200)
        assert found.body["orderId"] == placed.body["orderId"]


async def test_accounts_do_not_see_each_others_orders() -> None:
    async with served() as exchange:
        await exchange.place("alice")

        assert len((await exchange.call("GET openOrders", "alice")).body) == 1
        assert (await exchange.call("GET openOrders", "bob")).body == []


@pytest.mark.parametrize("call", ["POST order", "DELETE order", "POST order/test"])
async def test_a_reading_key_trades_nothing(call: str) -> None:
    async with served() as exchange:
        refused = await exchange.call(call, "alice-reads", symbol="BTCUSDT")
        asked = await exchange.call("GET account", "alice-reads")

        assert (refused.status, refused.code) == (401, -2015)
        assert asked.status == 200
        assert (await exchange.call("GET openOrders", "alice")).body == []


async def test_a_key_bound_to_another_address_is_refused() -> None:
    async with served() as exchange:
        refused = await exchange.call("GET account", "alice-elsewhere")

        assert (refused.status, refused.code) == (401, -2015)


async def test_a_key_is_revoked_and_restored_by_command() -> None:
    async with served() as exchange:
        assert (await exchange.command("POST revoke-key", {"key": "alice"})).status == 200
        refused = await exchange.place("alice")
        other = await exchange.call("GET account", "alice-ed")
        await exchange.command("POST restore-key", {"key": "alice"})
        placed = await exchange.place("alice")

        assert (refused.status, refused.code) == (401, -2015)
        assert (other.status, placed.status) == (200, 200)
        assert (await exchange.command("POST revoke-key", {"key": "nobody"})).status == 400


async def test_the_status_of_a_refused_key_is_an_option() -> None:
    async with served() as exchange:
        exchange.server._keyring._key_refusal_status = 400
        refused = await exchange.call("GET account", "stranger")

        assert (refused.status, refused.code) == (400, -2015)


async def test_a_signature_that_was_not_percent_encoded_loses_its_plus() -> None:
    async with served() as exchange:
        stamps = range(exchange.clock(), exchange.clock() + 50)
        signed = {f"timestamp={stamp}": signer_of("alice-ed") for stamp in stamps}
        query, signature = next(
            (query, signer(query)) for query, signer in signed.items() if "+" in signer(query)
        )
        headers = {"X-MBX-APIKEY": "alice-ed"}

        raw = await exchange.send(
            "GET", f"/api/v3/account?{query}&signature={signature}", headers=headers
        )
        encoded = signature.replace("+", "%2B").replace("/", "%2F").replace("=", "%3D")
        right = await exchange.send(
            "GET", f"/api/v3/account?{query}&signature={encoded}", headers=headers
        )

        assert (raw.status, raw.code, right.status) == (400, -1022, 200)


async def test_what_is_not_believed_is_weighed() -> None:
    async with served() as exchange:
        refused = await exchange.call("GET account", "stranger")

        assert refused.headers["X-MBX-USED-WEIGHT-1M"] == "20"


async def test_no_key_is_asked_for_a_path_that_does_not_exist() -> None:
    async with served() as exchange:
        assert (await exchange.send("GET", "/api/v3/nowhere")).status == 404


@pytest.mark.parametrize(("firewall", "status"), [("off", 400), ("sql", 403)])
async def test_words_of_sql_trip_the_firewall_if_there_is_one(firewall: str, status: int) -> None:
    options = Options(firewall="sql" if firewall == "sql" else "off")
    async with served(options=options) as exchange, exchange.socket() as socket:
        rest = await exchange.send("GET", "/api/v3/depth?symbol=DROP")
        spoken = await socket.call("depth", symbol="DROP")

        assert (rest.status, spoken["status"]) == (status, status)
        if status == 403:
            assert str(rest.body).startswith("<html>")
        assert (await exchange.send("GET", "/api/v3/depth?symbol=BTCUSDT")).status == 200
