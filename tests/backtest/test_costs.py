"""What models of spread, slippage and share of volume cost, against numbers worked out by hand.

Bars trade 100 coins, of which a tenth is ours: 10. A side of the book has 10, 26, 42, 58 and 74
parts of 210 of them, 0, 19, 57, 114 and 190 gaps away; a gap is a fifty-thousandth of the price.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from lib.backtest.bar_path import PathModel
from lib.backtest.liquidity import Costs
from lib.backtest.settings import BacktestSettings
from lib.market.candles import Bar
from tests.backtest.scenes import bar, flat, order_conf, staged
from tests.swinging import with_small_bots

TENTH = BacktestSettings(
    costs=Costs(volume_share=Decimal("0.1")),
    balances={"USDT": Decimal(1_000_000)},
    path=PathModel.HIGH_FIRST,
)
CALM = [flat(number, 60_000) for number in range(3)]
TAKES = order_conf(side="BUY", type="MARKET", quantity="2")


@pytest.fixture(autouse=True)
def _small_bots(monkeypatch: pytest.MonkeyPatch) -> None:
    with_small_bots(monkeypatch)


def fills(
    order: Mapping[str, Any], bars: Sequence[Bar], settings: BacktestSettings = TENTH
) -> list[tuple[Decimal, Decimal]]:
    ledger = staged({"one": order}, bars, settings).run().ledger
    return [(Decimal(line.price), Decimal(line.quantity)) for line in ledger.fills]


def decimals(*pairs: tuple[str, str]) -> list[tuple[Decimal, Decimal]]:
    return [(Decimal(price), Decimal(quantity)) for price, quantity in pairs]


def test_an_order_at_market_walks_through_the_levels() -> None:
    """10 parts of 210 a tick above 60000, 26 parts 19 x 1.20 higher, the rest 57 x 1.20."""
    assert fills(TAKES, CALM) == decimals(
        ("60000.01", "0.47619"), ("60022.81", "1.23809"), ("60068.41", "0.28572")
    )


def test_slippage_puts_all_but_one_lot_of_the_book_behind() -> None:
    """0.1 % of 60000 is 60: one lot stands at the touch, the levels begin 60 above it."""
    costs = replace(TENTH.costs, slippage=Decimal("0.001"))

    assert fills(TAKES, CALM, replace(TENTH, costs=costs)) == decimals(
        ("60000.01", "0.00001"),
        ("60060.01", "0.47619"),
        ("60082.81", "1.23809"),
        ("60128.41", "0.28571"),
    )


def test_a_spread_lies_between_the_last_price_and_who_takes_the_other_side() -> None:
    """The last trade sold at 60000: that is the bid; the ask is 0.05 % of it higher, 30."""
    costs = replace(TENTH.costs, spread=Decimal("0.0005"))

    assert fills(TAKES, CALM, replace(TENTH, costs=costs)) == decimals(
        ("60030", "0.47619"), ("60052.8", "1.23809"), ("60098.4", "0.28572")
    )


def test_a_resting_order_is_filled_in_parts_by_its_share_of_each_step() -> None:
    """A quarter of ten coins at each low: 2.5, behind the 0.47619 that stand there each time."""
    rests = order_conf(side="BUY", type="LIMIT", time_in_force="GTC", quantity="5", price="59000")
    dips = [bar(number, 59_100, 59_100, 59_000, 59_100) for number in range(1, 4)]

    assert fills(rests, [flat(0, 60_000), *dips]) == decimals(
        ("59000", "2.02381"), ("59000", "2.02381"), ("59000", "0.95238")
    )
