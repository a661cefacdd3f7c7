"""What anyone may ask, in the shapes of rest-api.md, "Market Data endpoints"."""

from decimal import Decimal

import pytest

from tests.contract.trader import SYMBOL, Trader

pytestmark = pytest.mark.asyncio


async def test_the_book_is_as_deep_as_was_asked(trader: Trader) -> None:
    book = (await trader.ask("GET depth", symbol=SYMBOL, limit=2)).accepted

    assert book.keys() == {"lastUpdateId", "bids", "asks"}
    assert (len(book["bids"]), len(book["asks"])) == (2, 2)
    bids, asks = ([Decimal(price) for price, _ in book[side]] for side in ("bids", "asks"))
    assert bids == sorted(bids, reverse=True)
    assert asks == sorted(asks)
    assert bids[0] < asks[0]


async def test_a_candle_has_twelve_columns(trader: Trader) -> None:
    rows = (await trader.ask("GET klines", symbol=SYMBOL, interval="1m", limit=1)).accepted

    assert all(len(row) == 12 for row in rows)
    assert all(row[6] - row[0] == 59_999 for row in rows)


async def test_an_unknown_interval_is_refused(trader: Trader) -> None:
    refused = await trader.ask("GET klines", symbol=SYMBOL, interval="7m")

    assert refused.refusal == (400, -1120, "Invalid interval.")


async def test_one_symbol_gives_an_object_and_several_a_list(trader: Trader) -> None:
    one = (await trader.ask("GET ticker/price", symbol=SYMBOL)).accepted
    several = (await trader.ask("GET ticker/price", symbols=f'["{SYMBOL}","ETHUSDT"]')).accepted

    assert one.keys() == {"symbol", "price"}
    assert {row["symbol"] for row in several} == {SYMBOL, "ETHUSDT"}


async def test_symbol_and_symbols_exclude_each_other(trader: Trader) -> None:
    refused = await trader.ask("GET ticker/price", symbol=SYMBOL, symbols=f'["{SYMBOL}"]')

    assert refused.refusal[:2] == (400, -1128)


async def test_a_short_ticker_is_part_of_the_long_one(trader: Trader) -> None:
    long = (await trader.ask("GET ticker/24hr", symbol=SYMBOL)).accepted
    short = (await trader.ask("GET ticker/24hr", symbol=SYMBOL, type="MINI")).accepted

    assert len(long) == 21
    assert len(short) == 12
    assert short.keys() <= long.keys()


async def test_the_rules_name_the_limits_and_the_filters(trader: Trader) -> None:
    info = (await trader.ask("GET exchangeInfo", symbol=SYMBOL)).accepted
    (rules,) = info["symbols"]

    kinds = {limit["rateLimitType"] for limit in info["rateLimits"]}
    assert kinds >= {"REQUEST_WEIGHT", "ORDERS", "RAW_REQUESTS"}
    filters = {rule["filterType"] for rule in rules["filters"]}
    assert filters >= {"PRICE_FILTER", "LOT_SIZE", "NOTIONAL", "MAX_NUM_ORDERS"}
    assert (rules["permissions"], bool(rules["permissionSets"])) == ([], True)


async def test_each_answer_says_what_was_used_of_the_limit(trader: Trader) -> None:
    first = await trader.ask("GET time")
    second = await trader.ask("GET openOrders", symbol=SYMBOL)

    used = [int(reply.headers["X-MBX-USED-WEIGHT-1M"]) for reply in (first, second)]
    assert used[1] - used[0] == 6 or used[1] < used[0]  # a new minute may have begun
