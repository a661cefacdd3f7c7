"""Each filter of Binance refuses a plan here before it is announced, and there if it must."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

import orjson
import pytest

import tests.world
from lib.context_file.generation import Memory
from lib.dealing.admission import Admission
from lib.dealing.room import legs_of
from lib.errors import FilterRefused, NotSent, Unavailable
from lib.exchange import AmendRequest, OrderRecord, OrderStatus, PlaceRequest, Rulebook
from lib.filters import Lot, PercentPrice
from lib.life import Standing
from lib.money import SymbolRules
from lib.order_lists import OrderList
from lib.orders import Order, OrderState
from lib.simulator.protocol import Request
from tests.scripted_venue import RULES as RULES_OF_OFFICE
from tests.scripted_venue import Office, limit_buy, play
from tests.small_bots import placer
from tests.swinging import with_small_bots
from tests.world import ACCOUNT, CALM, EPOCH, RULES, World

Patch = pytest.MonkeyPatch
Shown = Mapping[str, Any]

REPLACED = {"PERCENT_PRICE": "PERCENT_PRICE_BY_SIDE", "MIN_NOTIONAL": "NOTIONAL"}


@dataclass(frozen=True)
class Case:
    """A rule, what is open already, and a plan that breaks that rule alone."""

    rule: str
    limits: Mapping[str, object]
    plan: Order | OrderList
    there: Sequence[Shown] = ()

    @property
    def filters(self) -> Shown:
        return {"filterType": self.rule, **self.limits}


def order(kind: str = "LIMIT", side: str = "BUY", quantity: str = "0.01", **more: Any) -> Order:
    wanted = {"price": Decimal(60_000), "time_in_force": "GTC"} if kind == "LIMIT" else {}
    amounts = {"symbol": "BTCUSDT", "quantity": Decimal(quantity)}
    return Order.model_validate({"type": kind, "side": side, **amounts, **wanted, **more})


def pair() -> OrderList:
    above = order("LIMIT_MAKER", "SELL", price=Decimal(70_000))
    below = order("STOP_LOSS", "SELL", stop_price=Decimal(50_000))
    return OrderList(kind="OCO", symbol="BTCUSDT", legs=[above, below])


LIMIT = {"type": "LIMIT", "side": "BUY", "timeInForce": "GTC", "quantity": "0.4", "price": "59000"}
STOP = {"type": "STOP_LOSS", "side": "SELL", "quantity": "0.1", "stopPrice": "50000"}
OCO = {
    "side": "SELL",
    "quantity": "0.1",
    "aboveType": "LIMIT_MAKER",
    "abovePrice": "70000",
    "belowType": "STOP_LOSS",
    "belowStopPrice": "50000",
}
NEAR = {
    "bidMultiplierUp": "1.1",
    "bidMultiplierDown": "0.9",
    "askMultiplierUp": "1.1",
    "askMultiplierDown": "0.9",
    "avgPriceMins": 5,
}
DELTAS = {
    "minTrailingAboveDelta": 10,
    "maxTrailingAboveDelta": 2000,
    "minTrailingBelowDelta": 10,
    "maxTrailingBelowDelta": 2000,
}
CASES = [
    Case("PRICE_FILTER", {"minPrice": "0.01", "maxPrice": "50000", "tickSize": "0.01"}, order()),
    Case("PERCENT_PRICE_BY_SIDE", NEAR, order(price=Decimal(40_000))),
    Case(
        "PERCENT_PRICE",
        {"multiplierUp": "1.1", "multiplierDown": "0.9", "avgPriceMins": 5},
        order(price=Decimal(40_000)),
    ),
    Case("LOT_SIZE", {"minQty": "0.001", "maxQty": "0.005", "stepSize": "0.001"}, order()),
    Case("MARKET_LOT_SIZE", {"minQty": "0", "maxQty": "0.005", "stepSize": "0"}, order("MARKET")),
    Case("MIN_NOTIONAL", {"minNotional": "1000", "applyToMarket": True}, order()),
    Case(
        "NOTIONAL",
        {
            "minNotional": "1000",
            "applyMinToMarket": True,
            "maxNotional": "9000000",
            "applyMaxToMarket": False,
        },
        order("MARKET"),
    ),
    Case("TRAILING_DELTA", DELTAS, order("STOP_LOSS", "SELL", trailing_delta=5)),
    Case("MAX_POSITION", {"maxPosition": "2.5"}, order(quantity="0.11"), [LIMIT]),
    Case("MAX_NUM_ORDERS", {"maxNumOrders": 2}, order(), [LIMIT, STOP]),
    Case("MAX_NUM_ORDERS", {"maxNumOrders": 2}, pair(), [LIMIT]),
    Case("MAX_NUM_ALGO_ORDERS", {"maxNumAlgoOrders": 1}, pair(), [LIMIT, STOP]),
    Case("MAX_NUM_ORDER_LISTS", {"maxNumOrderLists": 1}, pair(), [OCO]),
    Case("EXCHANGE_MAX_NUM_ORDERS", {"maxNumOrders": 2}, order(), [LIMIT, STOP]),
    Case("EXCHANGE_MAX_NUM_ALGO_ORDERS", {"maxNumAlgoOrders": 1}, pair(), [STOP]),
    Case("EXCHANGE_MAX_NUM_ORDER_LISTS", {"maxNumOrderLists": 1}, pair(), [OCO]),
]
JUDGED_HERE = pytest.mark.parametrize(
    "case", CASES, ids=[f"{case.rule}-{type(case.plan).__name__}" for case in CASES]
)


@dataclass
class Ruled(World):
    """A world with a rule of the test's, and orders that somebody placed by hand."""

    there: Sequence[Shown] = ()
    sent: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__post_init__()
        for shown in self.there:
            path = "orderList/oco" if "aboveType" in shown else "order"
            self.by_hand(path, shown)

    def by_hand(self, path: str, shown: Shown) -> None:
        params = {"symbol": "BTCUSDT", "timestamp": str(self.clock()), **shown}
        answer = self.exchange.answer(Request("POST", f"/api/v3/{path}", params, ACCOUNT))
        assert answer.status == 200, answer.body

    def leaves(self, request: Request) -> None:
        self.sent.append(request.path)
        super().leaves(request)


def ruled(case: Case, patch: Patch) -> Ruled:
    with_small_bots(patch)
    patch.setattr(tests.world, "RULES", _rules_with(case))
    key = "order" if isinstance(case.plan, Order) else "order_list"
    section = {"function": "placer", key: case.plan.model_dump_json(exclude_defaults=True)}
    bots = {"one": {**section, "may_sell_your_coins": True}}
    return Ruled(1, bots, CALM, volatility=0.0, there=case.there)


def _rules_with(case: Case) -> dict[str, Any]:
    rules: dict[str, Any] = deepcopy(RULES)
    if case.rule.startswith("EXCHANGE_"):
        return {**rules, "exchangeFilters": [case.filters]}
    [entry] = [entry for entry in rules["symbols"] if entry["symbol"] == "BTCUSDT"]
    gone = {case.rule, REPLACED.get(case.rule)}
    kept = [known for known in entry["filters"] if known["filterType"] not in gone]
    entry["filters"] = [*kept, case.filters]
    return rules


def ended(world: Ruled) -> Order | OrderList:
    assert world.live()
    assert world.standings == {"one": Standing.FINISHED}
    context = placer.Ctx.model_validate_json(orjson.dumps(world.generation("one").context))
    plan = context.order or context.order_list
    assert plan is not None
    return plan


@JUDGED_HERE
def test_a_plan_that_breaks_a_rule_is_refused_by_its_name_before_it_is_announced(
    case: Case, monkeypatch: Patch
) -> None:
    world = ruled(case, monkeypatch)

    plan = ended(world)

    assert plan.state is OrderState.REJECTED
    assert f"({case.rule})" in plan.reason
    assert not plan.id
    assert world.sent == []


@JUDGED_HERE
def test_what_is_not_judged_here_is_refused_by_the_exchange_and_its_rule_is_named(
    case: Case, monkeypatch: Patch
) -> None:
    monkeypatch.setattr(Admission, "complaints", lambda *_: [])
    world = ruled(case, monkeypatch)

    plan = ended(world)

    assert plan.state is OrderState.REJECTED
    assert f"Filter failure: {case.rule}" in plan.reason
    assert len(world.sent) == 1


@pytest.mark.slow
@JUDGED_HERE
def test_a_plan_is_taken_where_the_rule_is_as_usual(case: Case, monkeypatch: Patch) -> None:
    plan = case.plan.model_copy(deep=True)
    first = legs_of(plan)[0]
    first.give_up_at = EPOCH + 60_000
    first.trailing_delta = first.trailing_delta and 10
    world = ruled(Case("ICEBERG_PARTS", {"limit": 100}, plan, case.there), monkeypatch)

    taken = ended(world)

    assert taken.id
    assert taken.state in {OrderState.CANCELED, OrderState.FILLED}


# --- when it is judged, and by what


RULES_HERE = RULES_OF_OFFICE["BTCUSDT"]
TENTH = PercentPrice(
    buy_highest=Decimal("1.1"),
    buy_lowest=Decimal("0.9"),
    sell_highest=Decimal("1.1"),
    sell_lowest=Decimal("0.9"),
)


def test_whether_an_order_that_cannot_rest_needs_room_is_left_to_the_exchange(
    monkeypatch: Patch,
) -> None:
    full = Case("MAX_NUM_ORDERS", {"maxNumOrders": 1}, order("MARKET"), [LIMIT])
    world = ruled(full, monkeypatch)

    plan = ended(world)

    assert "Filter failure: MAX_NUM_ORDERS" in plan.reason
    assert len(world.sent) == 1


def test_a_symbol_that_was_full_is_looked_at_again_before_a_plan_is_refused() -> None:
    async def story(office: Office) -> Order:
        office.floor.rules["BTCUSDT"] = replace(RULES_HERE, orders_max=1)
        by_hand = placed_by_hand(office)
        await office.mirror.poll_again()
        office.venue.change(by_hand.client_order_id, status=OrderStatus.CANCELED)
        await office.begin(wanted := limit_buy(), seconds=10)
        return wanted

    assert play(story).state is OrderState.OPEN


def test_two_bots_that_plan_at_once_do_not_both_take_the_last_place() -> None:
    async def story(office: Office) -> list[Order]:
        office.floor.rules["BTCUSDT"] = replace(RULES_HERE, orders_max=1)
        orders = [limit_buy(), limit_buy(price="58000")]
        dealers = [office.dealer, office.dealer_of("other", Memory())]
        office.floor.wallets.open("other", None, sells_your_coins=True)
        for dealer, wanted in zip(dealers, orders, strict=True):
            await dealer.ready(wanted)
            dealer.announce(wanted)
        return orders

    first, second = play(story)

    assert first.state is OrderState.SUBMITTING
    assert second.state is OrderState.REJECTED
    assert second.reason == "1 orders are open on BTCUSDT, which takes 1 (MAX_NUM_ORDERS)"


def test_an_announced_order_that_never_left_takes_up_no_room_when_it_is_announced_again() -> None:
    async def story(office: Office) -> Order:
        office.floor.rules["BTCUSDT"] = replace(RULES_HERE, orders_max=1)
        office.venue.placings = [not_sent]
        await office.begin(wanted := limit_buy(), seconds=5)
        return wanted

    wanted = play(story)

    assert wanted.state is OrderState.OPEN
    assert wanted.sends == 2


def placed_by_hand(office: Office) -> OrderRecord:
    return office.venue.accept(
        PlaceRequest("by hand", "BTCUSDT", "BUY", "LIMIT", 0, 0, Decimal(1), price=Decimal(50_000))
    )


def not_sent(request: PlaceRequest) -> OrderRecord:
    raise NotSent(f"{request.client_order_id} had no route")


def test_an_old_price_refuses_nothing_before_the_price_of_now_was_asked_for() -> None:
    async def story(office: Office) -> Order:
        office.floor.rules["BTCUSDT"] = replace(RULES_HERE, percent_price=TENTH)
        office.venue.last = Decimal(90_000)
        await office.dealer.reference_price("BTCUSDT")
        await asyncio.sleep(3_600)
        office.venue.last = Decimal(60_000)
        await office.begin(wanted := limit_buy(price="59000"))
        return wanted

    assert play(story).state is OrderState.OPEN


def test_a_price_that_cannot_be_asked_for_leaves_the_judgement_to_the_exchange() -> None:
    async def story(office: Office) -> Order:
        office.floor.rules["BTCUSDT"] = replace(RULES_HERE, percent_price=TENTH)
        office.venue.failing["quote"] = Unavailable("no answer")
        await office.begin(wanted := limit_buy(price="10"))
        return wanted

    assert play(story).state is OrderState.OPEN


def test_an_order_list_without_amounts_is_refused_with_the_reason() -> None:
    async def story(office: Office) -> OrderList:
        order_list = pair()
        for leg in order_list.legs:
            leg.quantity = None
        return await office.run_list(order_list)

    refused = play(story)

    assert refused.state is OrderState.REJECTED
    assert "needs a quantity above 0" in refused.reason


# --- amends


def test_an_amend_too_many_is_not_announced_and_names_its_rule() -> None:
    async def story(office: Office) -> Order:
        office.floor.rules["BTCUSDT"] = replace(RULES_HERE, amend_allowed=True, amends_max=1)
        await office.begin(wanted := limit_buy("0.5"))
        for smaller in ("0.4", "0.3"):
            wanted.amend_to = Decimal(smaller)
            office.dealer.wake_given_up()
            await asyncio.sleep(1)
        return wanted

    wanted = play(story)

    assert wanted.whole == Decimal("0.4")
    assert "(MAX_NUM_ORDER_AMENDS)" in wanted.amend_refused


def test_an_amend_that_a_new_rule_refuses_has_the_rules_renewed_and_names_them(
    monkeypatch: Patch,
) -> None:
    async def story(office: Office) -> tuple[Order, Lot]:
        office.floor.rules["BTCUSDT"] = replace(RULES_HERE, amend_allowed=True)
        coarse = replace(RULES_HERE, amend_allowed=True, lot=Lot(step=Decimal("0.25")))
        await office.begin(wanted := limit_buy("0.5"))
        monkeypatch.setattr(office.venue, "rules", answering({"BTCUSDT": coarse}))
        office.venue.amendings = [filtered]
        wanted.amend_to = Decimal("0.4")
        office.dealer.wake_given_up()
        await asyncio.sleep(10)
        return wanted, office.floor.rules["BTCUSDT"].lot

    wanted, lot = play(story)

    assert lot.step == Decimal("0.25")
    assert "Filter failure: LOT_SIZE" in wanted.amend_refused
    assert "quantity 0.4 is not a multiple of the lot step 0.25" in wanted.amend_refused
    assert wanted.state is OrderState.OPEN


def filtered(request: AmendRequest) -> OrderRecord:
    raise FilterRefused(f"amend {request.client_order_id}: -1013 Filter failure: LOT_SIZE")


def answering(rules: dict[str, SymbolRules]) -> Callable[[], Awaitable[Rulebook]]:
    async def answer() -> Rulebook:
        return Rulebook(rules)

    return answer
