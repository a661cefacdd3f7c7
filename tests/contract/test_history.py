"""Orders and trades of the past, page by page: rest-api.md, "All orders", "Account trade list"."""

import pytest

from tests.contract.trader import SYMBOL, Trader

pytestmark = pytest.mark.asyncio

DAY_MS = 24 * 3_600_000


async def test_a_page_begins_with_the_order_that_was_named(trader: Trader) -> None:
    ids = [(await trader.resting())["orderId"] for _ in range(3)]

    from_second = await trader.ask("GET allOrders", symbol=SYMBOL, orderId=ids[1], limit=2)
    newest = await trader.ask("GET allOrders", symbol=SYMBOL, limit=2)

    assert [row["orderId"] for row in from_second.accepted] == ids[1:]
    assert [row["orderId"] for row in newest.accepted] == ids[1:]


async def test_orders_of_a_time_are_those_updated_in_it(trader: Trader) -> None:
    placed = await trader.resting()
    when = placed["transactTime"]

    within = await trader.ask("GET allOrders", symbol=SYMBOL, startTime=when, endTime=when + 1_000)
    before = await trader.ask(
        "GET allOrders", symbol=SYMBOL, startTime=when - 2_000, endTime=when - 1
    )

    assert placed["orderId"] in [row["orderId"] for row in within.accepted]
    assert placed["orderId"] not in [row["orderId"] for row in before.accepted]


@pytest.mark.parametrize("call", ["GET allOrders", "GET myTrades"])
async def test_more_than_a_day_cannot_be_asked_at_once(trader: Trader, call: str) -> None:
    now = (await trader.ask("GET time")).accepted["serverTime"]

    refused = await trader.ask(
        call, symbol=SYMBOL, startTime=now - DAY_MS - 60_000, endTime=now - 1_000
    )

    assert refused.refusal == (400, -1127, "More than 24 hours between startTime and endTime.")


async def test_trades_are_paged_by_their_number(trader: Trader) -> None:
    bought = (await trader.place("MARKET", "BUY")).accepted
    sold = (await trader.place("MARKET", "SELL")).accepted
    first = bought["fills"][0]["tradeId"]

    rows = (await trader.ask("GET myTrades", symbol=SYMBOL, fromId=first)).accepted
    mixed = await trader.ask("GET myTrades", symbol=SYMBOL, fromId=first, startTime=1)

    assert rows[0]["id"] == first
    assert {row["orderId"] for row in rows} == {bought["orderId"], sold["orderId"]}
    assert [row["isBuyer"] for row in rows if row["orderId"] == sold["orderId"]] == [False] * len(
        sold["fills"]
    )
    assert mixed.refusal == (400, -1128, "Combination of optional parameters invalid.")
