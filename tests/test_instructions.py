"""What each word lets a bot do, by the one table."""

import asyncio
from decimal import Decimal

import pytest

from lib.exchange import Side
from lib.instructions import Instruction, Instructions, enlarges

TRADE, PAUSE, STOP, FLATTEN = Instruction


@pytest.mark.parametrize(
    ("held", "side", "quantity", "entry"),
    [
        ("0", "BUY", "1", True),
        ("2", "BUY", "1", True),
        ("0", "SELL", "1", True),
        ("-2", "SELL", "1", True),
        ("2", "SELL", "1", False),
        ("2", "SELL", "2", False),
        ("-2", "BUY", "2", False),
        ("2", "SELL", "3", False),  # a little more than there is still leaves less
        ("2", "SELL", "5", True),
        ("-0.000001", "BUY", "0.01", True),  # dust is no licence to buy
        ("0.000001", "SELL", "0.01", True),
        ("2", "SELL", None, False),
        ("0", "SELL", None, True),
        ("2", "BUY", None, True),
        ("-0.000001", "BUY", None, True),
    ],
)
def test_an_entry_is_what_enlarges_the_bots_own_holding(
    held: str, side: Side, quantity: str | None, entry: bool
) -> None:
    amount = None if quantity is None else Decimal(quantity)

    assert enlarges(Decimal(held), side, amount) is entry


@pytest.mark.parametrize(
    ("word", "killed", "entries", "exits", "ends", "holds"),
    [
        (TRADE, False, True, True, False, False),
        (PAUSE, False, False, True, False, False),
        (STOP, False, False, True, True, False),
        (FLATTEN, False, False, True, True, False),
        (TRADE, True, False, False, True, True),
        (PAUSE, True, False, False, True, True),
        (STOP, True, False, False, True, True),
        (FLATTEN, True, False, True, True, False),
    ],
)
def test_each_word_lets_a_bot_do_what_the_table_says(
    word: Instruction, killed: bool, entries: bool, exits: bool, ends: bool, holds: bool
) -> None:
    told = Instructions()
    told.give("lisa", word)
    told.killed = killed

    assert (not told.why_not("lisa", entry=True)) is entries
    assert (not told.why_not("lisa", entry=False)) is exits
    assert bool(told.why_end("lisa", "x")) is ends
    assert told.holds_exits("lisa") is holds


def test_a_word_to_one_bot_leaves_the_others_alone() -> None:
    told = Instructions()

    told.give("lisa", STOP, ["x"])

    assert told.why_not("bart", entry=True) == ""
    assert told.why_end("bart", "x") == ""


def test_only_the_entries_that_were_named_are_canceled_of_a_bot_that_trades_on() -> None:
    told = Instructions()

    told.give("lisa", TRADE, ["x"])

    assert told.why_end("lisa", "x") == "canceled by you"
    assert told.why_end("lisa", "y") == ""
    assert told.why_not("lisa", entry=True) == ""


def test_an_order_that_passed_before_the_word_is_waited_for() -> None:
    told = Instructions()

    async def story() -> float:
        loop = asyncio.get_running_loop()
        began = loop.time()
        told.leaves("x")
        loop.call_later(0.06, told.left, "x")
        await told.settled(5)
        return loop.time() - began

    assert 0.05 < asyncio.run(story()) < 2


def test_an_order_that_passed_is_not_waited_for_beyond_the_time() -> None:
    told = Instructions()
    told.leaves("x")

    asyncio.run(told.settled(0))

    assert told.why_not("lisa", entry=True) == ""
