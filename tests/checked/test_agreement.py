"""What a back-test says is what others calculate: a page of code, and another program."""

from decimal import Decimal

import pytest

from lib.backtest.feed import recorded_bars
from lib.backtest.liquidity import Costs
from tests.algorithm.bar_world import SlowBarWorld, on_paper
from tests.backtest.scenes import BEGIN, SYMBOL
from tests.checked.__main__ import deal_of
from tests.checked.own import SECTION, fills_of
from tests.checked.page import deals, hours, result
from tests.checked.peer import BEGINS, CANDLES, FAST, SIZE, SLOW, trades_of_peer, until
from tests.world import CALM

DAYS = 12
TRADES = 2  # on paper


@pytest.mark.slow
def test_the_ledger_is_to_the_last_digit_what_a_page_of_code_calculates() -> None:
    page = deals(hours(CANDLES, until(DAYS)), FAST, SLOW, SIZE)

    own = [deal_of(fill) for fill in fills_of(DAYS)]

    assert len(own) > 6
    assert own == page


def test_the_page_by_the_textbook_is_what_another_program_calculates() -> None:
    pytest.importorskip("backtesting", reason="backtesting.py is not installed")
    candles = hours(CANDLES, until(60))
    book = deals(candles, FAST, SLOW, SIZE, textbook=True)

    peer = trades_of_peer(candles)

    sides = {side: [each for each in book if each.side == side] for side in ("BUY", "SELL")}
    for side, found in (("BUY", peer.entries), ("SELL", peer.exits)):
        assert [time for time, _ in found] == [each.time for each in sides[side]]
        prices = [Decimal(price) for _, price in found]
        apart = [abs(price - each.price) for price, each in zip(prices, sides[side], strict=True)]
        assert max(apart) < Decimal("1e-6")
    won = result(book, candles[-1][2], textbook=True)
    assert abs(Decimal(peer.won) - won) < Decimal("1e-6")


def test_a_page_by_the_textbook_differs_by_spread_and_commission_alone() -> None:
    candles = hours(CANDLES, until(60))
    own, book = (deals(candles, FAST, SLOW, SIZE, textbook=each) for each in (False, True))

    assert [(each.side, each.time) for each in own] == [(each.side, each.time) for each in book]
    assert all(
        abs(mine.price - its.price) <= Decimal("0.01") for mine, its in zip(own, book, strict=True)
    )


@pytest.mark.slow
def test_paper_trades_to_the_last_digit_what_a_page_of_code_calculates() -> None:
    days = until(DAYS) - BEGINS
    candles = [each for each in hours(CANDLES, BEGIN + days) if each[0] >= BEGIN]
    page = deals(candles, FAST, SLOW, SIZE)[: 2 * TRADES]
    bars = list(recorded_bars(CANDLES.parent, SYMBOL).between(BEGIN, BEGIN + days))
    bots = {"sma_cross": {**SECTION, "trades": TRADES}}

    paper = on_paper(SlowBarWorld(1, bots, CALM, bars=bars, costs=Costs()))

    assert [deal_of(fill) for fill in paper.fills] == page
    assert len(page) == 2 * TRADES
