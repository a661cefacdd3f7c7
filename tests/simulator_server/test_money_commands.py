"""Deposits, withdrawals, restrictions and the audit by command, replacements over both APIs."""

import pytest

from tests.simulator_server.client import ORDER, STILL, Client, paper_client

pytestmark = pytest.mark.asyncio


async def account_of(client: Client) -> str:
    """Name the one account there is."""
    _, state = await client.command("GET", "state")
    (name,) = state["balances"]
    return str(name)


async def test_a_deposit_and_a_withdrawal_by_command_are_told_on_the_user_stream() -> None:
    async with paper_client(STILL) as (_, client), client.user_stream() as stream:
        name = await account_of(client)
        for amount in ("2.5", "-1"):
            change = {"account": name, "asset": "ETH", "amount": amount}
            assert (await client.command("POST", "transfer", change))[0] == 200

        told = [(await stream.receive())["event"] for _ in range(4)]

        assert [event["e"] for event in told] == ["balanceUpdate", "outboundAccountPosition"] * 2
        assert [event["d"] for event in told[::2]] == ["2.50000000", "-1.00000000"]
        assert told[-1]["B"] == [{"a": "ETH", "f": "1.50000000", "l": "0.00000000"}]
        too_much = {"account": name, "asset": "ETH", "amount": "-9"}
        status, answer = await client.command("POST", "transfer", too_much)
        assert (status, "1.50000000 ETH free" in answer["error"]) == (400, True)
        assert await client.command("GET", "audit") == (200, {"findings": []})


async def test_an_account_is_kept_from_trading_by_command() -> None:
    async with paper_client(STILL) as (_, client):
        await client.set_book()
        name = await account_of(client)
        restricted = {"account": name, "trading": "cancel_only"}
        await client.command("POST", "standing", restricted)

        status, refused = await client.place("a")

        assert (status, refused["code"]) == (400, -2010)
        wrong = {"account": name, "trading": "sometimes"}
        assert (await client.command("POST", "standing", wrong))[0] == 400


async def test_half_done_replacements_carry_both_outcomes_over_rest_and_socket() -> None:
    async with paper_client(STILL) as (_, client), client.socket("/ws-api/v3") as socket:
        await client.set_book()
        await client.place("a")
        await client.place("b")
        replacement = {
            **ORDER,
            "type": "LIMIT_MAKER",
            "price": "60001",
            "newClientOrderId": "c",
            "cancelReplaceMode": "STOP_ON_FAILURE",
        }
        del replacement["timeInForce"]

        status, rest = await client.call(
            "POST", "order/cancelReplace", **replacement, cancelOrigClientOrderId="a"
        )
        frame = await socket.signed(
            "order.cancelReplace", **replacement, cancelOrigClientOrderId="b"
        )

        assert (status, frame["status"]) == (409, 409)
        assert rest["code"] == frame["error"]["code"] == -2021
        for data in (rest["data"], frame["error"]["data"]):
            assert (data["cancelResult"], data["newOrderResult"]) == ("SUCCESS", "FAILURE")
            assert data["cancelResponse"]["status"] == "CANCELED"
            text = "Order would immediately match and take."
            assert data["newOrderResponse"] == {"code": -2010, "msg": text}


async def test_everything_open_is_canceled_over_the_socket() -> None:
    async with paper_client(STILL) as (_, client), client.socket("/ws-api/v3") as socket:
        await client.set_book()
        await client.place("a")
        await client.place("b")

        frame = await socket.signed("openOrders.cancelAll", symbol="BTCUSDT")

        assert [row["origClientOrderId"] for row in frame["result"]] == ["a", "b"]
