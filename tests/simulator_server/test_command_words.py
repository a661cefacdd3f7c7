"""A command that means nothing changes nothing."""

from typing import Any

import pytest

from tests.simulator_server.client import paper_client

SYMBOL = "BTCUSDT"
BOOK = {"symbol": SYMBOL, "bids": [["60000", "1"]], "asks": [["60001", "1"]]}
TRADE = {"symbol": SYMBOL, "price": "59000", "quantity": "1", "buyer_is_maker": True}


@pytest.mark.parametrize(
    ("name", "body", "said"),
    [
        ("book", {**BOOK, "bids": [["60000", "-1"]]}, "-1 is no price and no quantity"),
        ("book", {**BOOK, "asks": [["0", "1"]]}, "0 is no price and no quantity"),
        ("book", {**BOOK, "asks": [["1e400", "1"]]}, "1e400 is no price"),
        ("book", {**BOOK, "bids": [["NaN", "1"]]}, "InvalidOperation"),
        ("book", {**BOOK, "bids": [["60001", "1"]]}, "the bid 60001 reaches the ask 60001"),
        ("trade", {**TRADE, "quantity": "-1"}, "-1 is no price and no quantity"),
        ("trade", {**TRADE, "price": "0"}, "0 is no price and no quantity"),
        ("trade", {**TRADE, "buyer_is_maker": "false"}, "is true or false, not 'false'"),
        ("symbol", {"symbol": SYMBOL, "changes": {"symbol": "X"}}, "cannot become X"),
        ("symbol", {"symbol": SYMBOL, "changes": {"baseAsset": "X"}}, "cannot become X"),
        ("lag", {"query_ms": -1}, "-1 ms are less than none"),
        ("transfer", {"account": "x", "asset": "", "amount": 1}, "no asset is called ''"),
        ("faults", [{"fault": {"kind": "refuse", "status": 99}}], "no answer ends with status 99"),
    ],
)
@pytest.mark.asyncio
async def test_a_command_that_would_spoil_the_books_is_refused_and_changes_nothing(
    name: str, body: Any, said: str
) -> None:
    async with paper_client() as (paper, client):
        await client.place("a", price="59000")
        before = paper.state, await client.get("depth?symbol=BTCUSDT")

        status, answer = await client.command("POST", name, body)

        assert (status, said in answer["error"]) == (400, True), answer
        assert (paper.state, await client.get("depth?symbol=BTCUSDT")) == before


@pytest.mark.asyncio
async def test_numbers_may_be_written_as_such_and_mean_what_they_say() -> None:
    async with paper_client() as (_, client):
        book = {"symbol": SYMBOL, "bids": [[60000.1, 0.1]], "asks": [[60001, 1]]}

        assert (await client.command("POST", "book", book))[0] == 200
        _, depth = await client.get("depth?symbol=BTCUSDT")

        assert depth["bids"] == [["60000.10000000", "0.10000000"]]
