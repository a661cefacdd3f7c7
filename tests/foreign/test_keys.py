"""The clients sign with each kind of key that Binance takes."""

from collections.abc import Callable
from typing import Any, Final

import pytest
from Crypto.PublicKey import ECC, RSA

from lib.simulator.paper.accounts_file import AccountGrant
from lib.simulator.server.signatures import Account
from tests.foreign.clients import ccxt_pro, official, python_binance
from tests.foreign.stage import GRANT, KEY, PAIR, SYMBOL, stage

pytestmark = [
    pytest.mark.asyncio,
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:parameter 'timeout' of type 'float':DeprecationWarning"),
]

ORDER: Final = {
    "symbol": SYMBOL,
    "side": "BUY",
    "type": "LIMIT",
    "timeInForce": "GTC",
    "quantity": "0.01",
    "price": "50000",
}
Pair = tuple[str, str]  # private and public, as PEM


def rsa() -> Pair:
    key = RSA.generate(2048)
    return key.export_key(pkcs=8).decode(), key.public_key().export_key().decode()


def ed25519() -> Pair:
    key = ECC.generate(curve="Ed25519")
    return key.export_key(format="PEM"), key.public_key().export_key(format="PEM")


def holder(public: str) -> tuple[AccountGrant, ...]:
    return (AccountGrant("alice", GRANT, (Account("alice", KEY, public),)),)


@pytest.mark.parametrize("make", [rsa, ed25519])
async def test_python_binance_trades_by_rest_and_socket(make: Callable[[], Pair]) -> None:
    private, public = make()
    async with (
        stage(holder(public)) as scene,
        python_binance(scene, private_key=private) as (client, _),
    ):
        by_rest = await client.create_order(**ORDER)
        by_socket = await client.ws_create_order(**ORDER)

        assert by_socket["orderId"] == by_rest["orderId"] + 1


@pytest.mark.parametrize("make", [rsa, ed25519])
async def test_ccxt_trades_by_rest_and_socket(make: Callable[[], Pair]) -> None:
    private, public = make()
    async with stage(holder(public)) as scene, ccxt_pro(scene, secret=private) as exchange:
        by_rest = await exchange.create_limit_buy_order(PAIR, 0.01, 50000)
        by_socket = await exchange.create_order_ws(PAIR, "limit", "buy", 0.01, 50000)

        assert int(by_socket["id"]) == int(by_rest["id"]) + 1


async def test_binances_own_client_logs_on_and_hears_of_its_account() -> None:
    private, public = ed25519()
    async with stage(holder(public)) as scene:
        api = official(scene, private_key=private).websocket_api
        await api.create_connection()
        logon: Any = (await api.session_logon()).data()
        subscription = await api.user_data_stream_subscribe()
        await api.close_connection()

        assert logon.result.api_key == KEY
        assert subscription.response.data().result.subscription_id == 0
