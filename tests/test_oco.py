"""Order lists in a trader's words: legal legs for either side, exact prices, no contradiction."""

from decimal import Decimal
from typing import Any

import orjson
import pytest

from lib.errors import Halt
from lib.exchange import Side
from lib.money import SymbolRules
from lib.oco import plan_oco, plan_oto, plan_otoco
from lib.order_lists import OrderList
from lib.orders import Order
from tests.world import RULES

BTC = next(
    SymbolRules.parse(row)
    for row in orjson.loads(orjson.dumps(RULES))["symbols"]
    if row["symbol"] == "BTCUSDT"
)


def pair(side: Side = "SELL", **more: Any) -> OrderList:
    far = {"SELL": ("61000", "59000"), "BUY": ("59000", "61000")}[side]
    wish: dict[str, Any] = {"take_profit": Decimal(far[0]), "stop": Decimal(far[1])}
    return plan_oco(BTC, side=side, quantity=Decimal("0.01"), **{**wish, **more})


def shape(leg: Order) -> tuple[str, str, Decimal | None, Decimal | None]:
    return leg.side, leg.type, leg.price, leg.stop_price


def test_a_sale_takes_its_profit_above_and_stops_below() -> None:
    assert [shape(leg) for leg in pair().legs] == [
        ("SELL", "LIMIT_MAKER", Decimal(61_000), None),
        ("SELL", "STOP_LOSS", None, Decimal(59_000)),
    ]


def test_a_purchase_stops_above_and_takes_its_profit_below() -> None:
    assert [shape(leg) for leg in pair("BUY", stop_limit=Decimal(61_100)).legs] == [
        ("BUY", "STOP_LOSS_LIMIT", Decimal(61_100), Decimal(61_000)),
        ("BUY", "LIMIT_MAKER", Decimal(59_000), None),
    ]


def test_an_entry_with_both_exits_trades_back_what_a_fee_leaves_of_it() -> None:
    plan = plan_otoco(
        BTC,
        side="BUY",
        quantity=Decimal("0.01"),
        price=Decimal(60_000),
        take_profit=Decimal(61_000),
        stop=Decimal(59_000),
        give_up_at=5,
    )

    assert [shape(leg) for leg in plan.legs] == [
        ("BUY", "LIMIT", Decimal(60_000), None),
        ("SELL", "LIMIT_MAKER", Decimal(61_000), None),
        ("SELL", "STOP_LOSS", None, Decimal(59_000)),
    ]
    assert [leg.quantity for leg in plan.legs] == [Decimal("0.01"), *[Decimal("0.00999")] * 2]
    assert [leg.give_up_at for leg in plan.legs] == [5, None, None]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"exit_quantity": Decimal("0.005")}, "0.005"),
        ({"fee_rate": Decimal(0)}, "0.01"),
        ({}, "0.00999"),
    ],
    ids=["given", "no fee", "the usual fee"],
)
def test_an_exit_deals_with_what_it_is_told_or_what_a_fee_leaves(
    given: dict[str, Any], expected: str
) -> None:
    entry: dict[str, Any] = {"side": "BUY", "quantity": Decimal("0.01"), "price": Decimal(60_000)}
    plan = plan_oto(BTC, **entry, stop=Decimal(59_000), **given)

    assert plan.legs[1].quantity == Decimal(expected)


def test_what_was_sold_is_bought_back_whole() -> None:
    entry: dict[str, Any] = {"side": "SELL", "quantity": Decimal("0.01"), "price": Decimal(60_000)}
    plan = plan_oto(BTC, **entry, take_profit=Decimal(59_000))

    assert shape(plan.legs[1]) == ("BUY", "LIMIT", Decimal(59_000), None)
    assert plan.legs[1].quantity == Decimal("0.01")


def test_both_legs_of_a_pair_have_one_quantity_in_whole_lots_and_prices_in_whole_ticks() -> None:
    plan = plan_oco(
        BTC,
        side="SELL",
        quantity=Decimal("0.0123456789"),
        take_profit=Decimal("61000.001"),
        stop=Decimal("58999.999"),
    )

    assert {leg.quantity for leg in plan.legs} == {Decimal("0.01234")}
    assert plan.legs[0].price == Decimal("61000.01")
    assert plan.legs[1].stop_price == Decimal("59000.00")


@pytest.mark.parametrize(
    ("side", "more", "rule"),
    [
        ("SELL", {"take_profit": Decimal(58_000)}, "-1166"),
        ("BUY", {"take_profit": Decimal(62_000)}, "-1165"),
        ("SELL", {"take_profit": Decimal(59_000)}, "-1197"),
        ("SELL", {"last": Decimal(61_500)}, "take profit .61000. of a sell OCO must be above"),
        ("SELL", {"last": Decimal(58_500)}, "stop .59000. of a sell OCO must be below"),
        ("BUY", {"last": Decimal(58_500)}, "take profit .59000. of a buy OCO must be below"),
        ("BUY", {"last": Decimal(61_000)}, "stop .61000. of a buy OCO must be above"),
    ],
)
def test_prices_that_contradict_each_other_are_refused_with_the_rule(
    side: Side, more: dict[str, Any], rule: str
) -> None:
    with pytest.raises(Halt, match=rule):
        pair(side, **more)


@pytest.mark.parametrize(
    "exits",
    [
        {},
        {"take_profit": Decimal(61_000), "stop": Decimal(59_000)},
        {"take_profit": Decimal(59_000)},
        {"stop": Decimal(60_500)},
    ],
    ids=["none", "both", "a loss", "at once"],
)
def test_an_entry_with_a_senseless_exit_is_refused(exits: dict[str, Any]) -> None:
    with pytest.raises(Halt):
        plan_oto(BTC, side="BUY", quantity=Decimal("0.01"), price=Decimal(60_000), **exits)


def test_an_entry_outside_its_exits_is_refused() -> None:
    with pytest.raises(Halt, match="must be above 61500"):
        plan_otoco(
            BTC,
            side="BUY",
            quantity=Decimal("0.01"),
            price=Decimal(61_500),
            take_profit=Decimal(61_000),
            stop=Decimal(59_000),
        )


def test_a_comment_goes_with_every_leg() -> None:
    assert {leg.comment for leg in pair(comment="trend").legs} == {"trend"}
