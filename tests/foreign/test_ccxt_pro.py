"""ccxt.pro, unmodified, watches the market and its account, and trades by socket."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.foreign.clients import ccxt_pro, heard
from tests.foreign.stage import PAIR, Stage, stage

pytestmark = [pytest.mark.asyncio, pytest.mark.slow]


def _move(scene: Stage) -> None:
    scene.show([("59998", "3")], [("60001", "3")])
    scene.print("60001", "0.02")


@pytest.mark.parametrize(
    ("watch", "seen"),
    [
        (lambda ex: ex.watch_trades(PAIR), lambda trades: trades[-1]["price"] == 60001),
        (lambda ex: ex.watch_ticker(PAIR), lambda ticker: ticker["last"] == 60001),
        (lambda ex: ex.watch_tickers([PAIR]), lambda tickers: tickers[PAIR]["last"] == 60001),
        (lambda ex: ex.watch_bids_asks([PAIR]), lambda best: best[PAIR]["bid"] == 59998),
        (lambda ex: ex.watch_ohlcv(PAIR, "1m"), lambda rows: rows[-1][4] == 60001),
    ],
    ids=["trades", "ticker", "tickers", "bids and asks", "candles"],
)
async def test_it_watches_the_market(
    watch: Callable[[Any], Any], seen: Callable[[Any], bool]
) -> None:
    async with stage() as scene, ccxt_pro(scene) as exchange:
        assert seen(await heard(watch(exchange), lambda: _move(scene)))


async def test_its_order_book_follows_the_one_of_the_venue() -> None:
    async with stage() as scene, ccxt_pro(scene) as exchange:
        first = await heard(exchange.watch_order_book(PAIR), lambda: scene.print("60000"))
        assert first["asks"][0] == [60001, 2]

        book = await heard(exchange.watch_order_book(PAIR), lambda: _move(scene))

        assert (book["bids"], book["asks"]) == ([[59998, 3]], [[60001, 3]])


async def test_it_watches_its_orders_its_trades_and_its_balance() -> None:
    async with stage() as scene, ccxt_pro(scene) as exchange:
        (order,) = await heard(
            exchange.watch_orders(PAIR), lambda: exchange.create_limit_buy_order(PAIR, 0.01, 50000)
        )
        (trade,) = await heard(
            exchange.watch_my_trades(PAIR), lambda: exchange.create_market_buy_order(PAIR, 0.01)
        )
        balance = await heard(
            exchange.watch_balance(), lambda: exchange.create_limit_buy_order(PAIR, 0.02, 50000)
        )

        assert (order["status"], order["price"]) == ("open", 50000)
        assert (trade["price"], trade["takerOrMaker"]) == (60001, "taker")
        assert balance["USDT"]["used"] in {500, 1500}


async def test_a_canceled_order_keeps_its_name_in_what_it_watches() -> None:
    async with stage() as scene, ccxt_pro(scene) as exchange:
        placed = await exchange.create_limit_buy_order(PAIR, 0.01, 50000)

        (order,) = await heard(
            exchange.watch_orders(PAIR), lambda: exchange.cancel_order(placed["id"], PAIR)
        )

        assert (order["status"], order["clientOrderId"]) == ("canceled", placed["clientOrderId"])


async def test_it_trades_by_socket() -> None:
    async with stage() as scene, ccxt_pro(scene) as exchange:
        placed = await exchange.create_order_ws(PAIR, "limit", "buy", 0.01, 50000)
        found = await exchange.fetch_order_ws(placed["id"], PAIR)
        (resting,) = await exchange.fetch_open_orders_ws(PAIR)
        canceled = await exchange.cancel_order_ws(placed["id"], PAIR)
        filled = await exchange.create_order_ws(PAIR, "market", "sell", 0.01)
        (trade,) = await exchange.fetch_my_trades_ws(PAIR)
        balance = await exchange.fetch_balance_ws()

        assert (found["status"], resting["id"]) == ("open", placed["id"])
        assert (canceled["status"], filled["status"]) == ("canceled", "closed")
        assert trade["order"] == filled["id"]
        held = {row["asset"]: row["free"] for row in balance["info"]["balances"]}
        assert held["BTC"] == "9.99000000"


async def test_it_edits_and_cancels_all_by_socket() -> None:
    async with stage() as scene, ccxt_pro(scene) as exchange:
        first = await exchange.create_order_ws(PAIR, "limit", "buy", 0.01, 50000)
        second = await exchange.edit_order_ws(first["id"], PAIR, "limit", "buy", 0.01, 50100)
        (left,) = await exchange.fetch_open_orders_ws(PAIR)
        await exchange.cancel_all_orders_ws(PAIR)

        assert left["id"] == second["id"] != first["id"]
        assert await exchange.fetch_open_orders_ws(PAIR) == []


async def test_it_reads_the_market_by_socket() -> None:
    async with stage() as scene, ccxt_pro(scene) as exchange:
        (candle,) = await exchange.fetch_ohlcv_ws(PAIR, "1h")
        (trade,) = await exchange.fetch_trades_ws(PAIR)

        assert (candle[4], trade["price"]) == (60000, 60000)
