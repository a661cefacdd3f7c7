"""What is open already, by whomever, leaves room for a plan or does not."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

import pytest

from lib.dealing.room import Plan, crowding
from lib.exchange import ZERO, Balance, OrderRecord, OrderStatus
from lib.filters import Counts
from lib.money import SymbolRules
from lib.open_orders import OpenOrders
from lib.order_lists import OrderList
from lib.orders import Order, OrderState
from tests.scripted_venue import RULES as SCRIPTED
from tests.scripted_venue import limit_buy, market_buy

RULES = SCRIPTED["BTCUSDT"]


@dataclass
class Bank:
    """An account, and the bots' intents."""

    balances: dict[str, Balance] = field(default_factory=dict)
    open_orders: OpenOrders = field(default_factory=OpenOrders)
    intents: list[Order] = field(default_factory=list)

    def balance(self, asset: str) -> Balance:
        return self.balances.get(asset, Balance(ZERO, ZERO))

    def announced(self, symbol: str = "") -> Sequence[Order]:
        return [order for order in self.intents if symbol in {"", order.symbol}]

    def rules_broken(self, rules: SymbolRules, plan: Plan) -> list[str]:
        return [complaint.rule for complaint in crowding(rules, self, self, plan)]


def with_open(*kinds: str, **changes: Any) -> Bank:
    bank = Bank()
    for number, kind in enumerate(kinds):
        record = OrderRecord(
            "BTCUSDT", number, f"by hand {number}", "BUY", kind, OrderStatus.NEW, **changes
        )
        bank.open_orders.hear(record)
    return bank


def stop_sell() -> Order:
    return Order(
        symbol="BTCUSDT",
        side="SELL",
        type="STOP_LOSS",
        quantity=Decimal(1),
        stop_price=Decimal(50_000),
    )


def list_of(kind: str, *legs: Order) -> OrderList:
    return OrderList.model_validate({"kind": kind, "symbol": "BTCUSDT", "legs": list(legs)})


OCO = list_of("OCO", limit_buy(), stop_sell())
OTOCO = list_of("OTOCO", limit_buy(), limit_buy(), stop_sell())


@pytest.mark.parametrize(
    ("plan", "room"), [(limit_buy(), 1), (stop_sell(), 1), (OCO, 2), (OTOCO, 3), (market_buy(), 0)]
)
def test_each_order_of_a_plan_takes_a_place_and_one_that_cannot_rest_none(
    plan: Plan, room: int
) -> None:
    bank = with_open("LIMIT", "LIMIT")

    enough = bank.rules_broken(replace(RULES, orders_max=2 + room), plan)
    too_few = bank.rules_broken(replace(RULES, orders_max=1 + room), plan)

    assert enough == []
    assert too_few == (["MAX_NUM_ORDERS"] if room else [])


def test_only_stops_are_counted_as_stops() -> None:
    bank = with_open("LIMIT", "TAKE_PROFIT_LIMIT", "STOP_LOSS")
    rules = replace(RULES, algo_orders_max=2)

    assert bank.rules_broken(rules, limit_buy()) == []
    assert bank.rules_broken(rules, stop_sell()) == ["MAX_NUM_ALGO_ORDERS"]
    assert bank.rules_broken(rules, OCO) == ["MAX_NUM_ALGO_ORDERS"]


def test_a_list_is_one_however_many_of_its_orders_are_open() -> None:
    bank = with_open("LIMIT_MAKER", "STOP_LOSS", order_list_id=5)

    assert bank.rules_broken(replace(RULES, order_lists_max=2), OCO) == []
    assert bank.rules_broken(replace(RULES, order_lists_max=1), OCO) == ["MAX_NUM_ORDER_LISTS"]
    assert bank.rules_broken(replace(RULES, order_lists_max=1), limit_buy()) == []


def test_the_counts_of_the_exchange_look_at_every_symbol() -> None:
    bank = with_open("LIMIT")
    bank.intents = [limit_buy(id="mine", state=OrderState.SUBMITTING)]
    bank.intents[0].symbol = "ETHUSDT"
    everywhere = replace(RULES, orders_max=2, exchange_counts=Counts("EXCHANGE_", orders=2))

    assert bank.rules_broken(everywhere, limit_buy()) == ["EXCHANGE_MAX_NUM_ORDERS"]


def test_an_intent_counts_as_open_until_it_is_shown_as_such_and_then_once() -> None:
    bank = with_open("LIMIT")
    rules = replace(RULES, orders_max=2)
    unheard, shown = limit_buy(id="mine"), limit_buy(id="by hand 0")

    bank.intents = [shown]
    once = bank.rules_broken(rules, limit_buy())
    bank.intents = [shown, unheard]
    twice = bank.rules_broken(rules, limit_buy())

    assert (once, twice) == ([], ["MAX_NUM_ORDERS"])


def test_a_list_in_doubt_is_a_list() -> None:
    bank = Bank(intents=[limit_buy(id="one", list_id="x"), limit_buy(id="two", list_id="x")])

    assert bank.rules_broken(replace(RULES, order_lists_max=2), OCO) == []
    assert bank.rules_broken(replace(RULES, order_lists_max=1), OCO) == ["MAX_NUM_ORDER_LISTS"]


@pytest.mark.parametrize(("most", "broken"), [("3.5", []), ("3.49", ["MAX_POSITION"])])
def test_the_position_is_what_is_held_locked_on_order_announced_and_wanted(
    most: str, broken: list[str]
) -> None:
    bank = with_open("LIMIT", quantity=Decimal("1.5"), executed=Decimal("0.5"))
    bank.balances["BTC"] = Balance(Decimal("0.7"), Decimal("0.3"))
    bank.intents = [limit_buy("1", id="mine")]
    rules = replace(RULES, position_max=Decimal(most))

    assert bank.rules_broken(rules, limit_buy("0.5")) == broken
    assert bank.rules_broken(rules, market_buy("0.5")) == broken
    assert bank.rules_broken(rules, stop_sell()) == []
    assert bank.rules_broken(rules, list_of("OTO", limit_buy("0.5"), stop_sell())) == broken


def test_a_complaint_names_what_there_is_and_what_there_may_be() -> None:
    bank = with_open("LIMIT", quantity=Decimal(1))
    bank.balances["BTC"] = Balance(Decimal(2), ZERO)
    rules = replace(RULES, orders_max=1, position_max=Decimal("2.5"))

    told = [complaint.named for complaint in crowding(rules, bank, bank, limit_buy("0.5"))]

    assert told == [
        "1 orders are open on BTCUSDT, which takes 1 (MAX_NUM_ORDERS)",
        "2 BTC held, 1 on order and 0.5 more are 3.5: the account may have 2.5 (MAX_POSITION)",
    ]
