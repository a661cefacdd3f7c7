"""What flattening takes from a bot's context, and how it ends what it took."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import orjson
import pytest

from lib.errors import Halt
from lib.exchange import Balance, Fill
from lib.filters import Lot, Notional
from lib.flatten import Flatten, flatten, plan_flatten
from lib.machine import drive
from lib.news import Kind
from lib.order_lists import OrderList
from lib.orders import Order, OrderState, orders_inside
from lib.results import Position
from lib.settings import Settings
from tests.scripted_venue import Office, limit_buy, made_fill, play

UNDER_WAY = (
    OrderState.SUBMITTING,
    OrderState.IN_DOUBT,
    OrderState.OPEN,
    OrderState.AMENDING,
    OrderState.CANCELING,
)


def made(number: int, state: OrderState) -> Order:
    return limit_buy().model_copy(update={"id": f"id{number}", "state": state, "sends": 1})


def pair(number: int, state: OrderState) -> OrderList:
    legs = [made(number + 1, state), made(number + 2, state)]
    return OrderList(kind="OCO", symbol="BTCUSDT", legs=legs, id=f"list{number}", state=state)


def written(**slots: object) -> dict[str, object]:
    """A bot's context as its file has it."""
    found: dict[str, object] = orjson.loads(
        orjson.dumps({"version": 1, **slots}, default=lambda each: each.model_dump(mode="json"))
    )
    return found


@pytest.mark.parametrize("state", OrderState)
def test_what_the_exchange_has_or_may_have_is_taken_and_nothing_else(state: OrderState) -> None:
    plan = plan_flatten(written(buy=made(1, state), deep=[{"sells": [made(2, state)]}]))

    taken = {order.id for order in plan.orders}
    assert taken == ({"id1", "id2"} if state in UNDER_WAY else set())
    assert all(order.give_up == "flattened by you" for order in plan.orders)


@pytest.mark.parametrize("state", UNDER_WAY)
def test_a_list_is_taken_as_a_list_and_its_legs_not_beside_it(state: OrderState) -> None:
    plan = plan_flatten(written(position={"pair": pair(1, state)}))

    assert [each.id for each in plan.lists] == ["list1"]
    assert plan.orders == []
    assert plan.lists[0].give_up == "flattened by you"


def test_an_order_that_a_context_has_twice_is_taken_once() -> None:
    plan = plan_flatten(written(a=made(1, OrderState.OPEN), b=made(1, OrderState.OPEN)))

    assert [order.id for order in plan.orders] == ["id1"]


def test_what_the_bot_remembered_stays_as_it_was_and_is_no_order_any_more() -> None:
    context = written(buy=made(1, OrderState.OPEN), note="π 0.10")

    plan = plan_flatten(context)

    assert orjson.loads(plan.before) == context
    found = list(orders_inside(orjson.loads(plan.model_dump_json())))
    assert [order.id for order in found] == ["id1"]


def test_a_bot_that_never_did_anything_is_flat_at_once() -> None:
    assert plan_flatten({}).orders == []


LOT = Lot("LOT_SIZE", Decimal("0.0001"), Decimal("0.3"), Decimal("0.0001"))
LEAST = Notional(smallest=Decimal(5), smallest_for_market=True)


@pytest.fixture(autouse=True)
def _fees_in_another_asset(monkeypatch: pytest.MonkeyPatch) -> None:
    def fill(*facts: Any) -> Fill:
        return made_fill(*facts).model_copy(update={"commission_asset": "BNB"})

    monkeypatch.setattr("tests.scripted_venue.made_fill", fill)


def flattened(held: str, **more: str) -> tuple[Office, Flatten]:
    """Flatten a bot whose own fills left so much; answer its floor and its context."""

    async def story(office: Office) -> tuple[Office, Flatten]:
        rules = replace(office.floor.rules["BTCUSDT"], lot=LOT, notional=LEAST)
        office.floor.rules["BTCUSDT"] = rules
        for base, quantity in {"BTC": held, **more}.items():
            hold(office, base, Decimal(quantity))
        office.quote("60000")
        ctx = Flatten()
        await drive(flatten(office.desk, Settings(), ctx), office.save)
        return office, ctx

    return play(story)


def hold(office: Office, base: str, amount: Decimal) -> None:
    """Have the bot's own fills have left so much of an asset, at 60000 each."""
    memory, symbol = office.memory, f"{base}USDT"
    memory.positions[symbol] = Position(quantity=amount, cost=amount * 60_000)
    paid = memory.net.get("USDT", Decimal(0))
    memory.net = {**memory.net, base: amount, "USDT": paid - amount * 60_000}
    memory.assets[symbol] = (base, "USDT")
    office.venue.balances.setdefault(base, Balance(amount, Decimal(0)))


def test_what_was_bought_is_sold_in_one_order_at_market() -> None:
    office, ctx = flattened("0.2")

    [(_, sale)] = office.venue.placed
    assert (sale.side, sale.type, sale.quantity) == ("SELL", "MARKET", Decimal("0.2"))
    assert ctx.over
    assert (Kind.RESULT, "flattened") in office.news


def test_what_was_sold_of_the_persons_own_is_bought_back() -> None:
    office, ctx = flattened("-0.2")

    [(_, sale)] = office.venue.placed
    assert (sale.side, sale.quantity) == ("BUY", Decimal("0.2"))
    assert ctx.over


def test_what_is_sold_comes_first_as_it_pays_for_what_is_bought_back() -> None:
    office, ctx = flattened("-0.2", ETH="0.3")

    assert [(sale.side, sale.symbol) for _, sale in office.venue.placed] == [
        ("SELL", "ETHUSDT"),
        ("BUY", "BTCUSDT"),
    ]
    assert ctx.over


def test_what_cannot_be_paid_for_any_more_is_bought_back_in_part_after_a_release() -> None:
    async def story(office: Office) -> tuple[list[Decimal | None], Flatten]:
        rules = replace(office.floor.rules["BTCUSDT"], lot=LOT, notional=LEAST)
        office.floor.rules["BTCUSDT"] = rules
        hold(office, "BTC", Decimal("-0.2"))  # it brought 12000
        budget = {"USDT": Decimal(100)}
        office.floor.wallets.open("bot", budget, sells_your_coins=True)
        office.venue.last = Decimal(70_000)
        ctx = Flatten()
        with pytest.raises(Halt, match=r"flattened by you, but BUY 0\.2 BTCUSDT at market"):
            await drive(flatten(office.desk, Settings(), ctx), office.save)
        office.memory.releases += 1
        await drive(flatten(office.desk, Settings(), ctx), office.save)
        return [buy.quantity for _, buy in office.venue.placed], ctx

    bought, ctx = play(story)
    assert bought[0] == Decimal("0.1694")  # 12100 at 2 % more than 70000; then for what is left
    assert ctx.over


def test_dust_is_left_and_told() -> None:
    office, ctx = flattened("0.00001")

    assert office.venue.placed == []
    assert ctx.left == {"BTCUSDT": Decimal("0.00001")}
    assert ctx.over
    assert "left is 0.00001 BTC, too little" in office.news[-1][1]


def test_more_than_one_order_may_have_is_sold_in_several() -> None:
    office, ctx = flattened("0.65")

    sold = [sale.quantity for _, sale in office.venue.placed]
    assert sold == [Decimal("0.3"), Decimal("0.3"), Decimal("0.05")]
    assert ctx.over
