"""What the account is told: user-data-stream.md."""

import pytest

from tests.contract.trader import Trader

pytestmark = pytest.mark.asyncio

REPORT = {
    *("e", "E", "s", "c", "S", "o", "f", "q", "p", "P", "F", "g", "C", "x", "X", "r", "i", "l"),
    *("z", "L", "n", "N", "T", "t", "I", "w", "m", "M", "O", "Z", "Y", "Q", "V"),
}


async def test_an_order_that_rests_is_told_with_what_it_locks(trader: Trader) -> None:
    placed = await trader.resting()
    report, position = await trader.events(2)

    assert (report["e"], report["x"], report["X"]) == ("executionReport", "NEW", "NEW")
    assert (report["i"], report["c"], report["C"]) == (
        placed["orderId"],
        placed["clientOrderId"],
        "",
    )
    assert (report["t"], report["N"], report["w"]) == (-1, None, True)
    assert report.keys() >= REPORT
    assert position["e"] == "outboundAccountPosition"
    assert {"a", "f", "l"} == position["B"][0].keys()


async def test_a_cancel_is_told_under_both_ids(trader: Trader) -> None:
    placed = await trader.resting()
    cancel_id = trader.fresh_id()
    await trader.cancel(orderId=placed["orderId"], newClientOrderId=cancel_id)
    events = await trader.events(4)

    canceled = events[2]
    assert (canceled["x"], canceled["X"]) == ("CANCELED", "CANCELED")
    assert (canceled["c"], canceled["C"]) == (cancel_id, placed["clientOrderId"])
    assert events[3]["e"] == "outboundAccountPosition"


async def test_each_fill_is_told_between_new_and_the_new_balance(trader: Trader) -> None:
    bought = (await trader.place("MARKET", "BUY")).accepted
    events = await trader.events(len(bought["fills"]) + 2)
    await trader.place("MARKET", "SELL")

    new, *fills, position = events
    assert (new["x"], new["X"]) == ("NEW", "NEW")
    assert [event["x"] for event in fills] == ["TRADE"] * len(fills)
    assert [event["t"] for event in fills] == [fill["tradeId"] for fill in bought["fills"]]
    assert (fills[-1]["X"], fills[-1]["z"]) == ("FILLED", bought["executedQty"])
    assert position["e"] == "outboundAccountPosition"
    assert {row["a"] for row in position["B"]} >= {"BTC", "USDT"}
