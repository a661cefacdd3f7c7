"""An order list is placed once and followed to its end, whatever happens and whenever."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import partial
from typing import Any

import pytest

import tests.world
from lib.binance.transport import Reply
from lib.order_lists import OrderList
from lib.orders import Order, OrderState
from lib.simulator.books.books import Books
from lib.simulator.exchange import Exchange
from lib.simulator.options import Options
from lib.simulator.protocol import Request
from lib.simulator.server.faults import (
    Rule,
    delay_request,
    drop_event,
    lose_reply,
    lose_request,
)
from tests.edges import Wire
from tests.oco_trade import at_hand
from tests.world import (
    ACCOUNT,
    CALM,
    RULES,
    START,
    UID,
    Luck,
    World,
    every_life,
    live,
    pairs_of_cuts,
)

ROUGH = Luck(requests=2, events=3, stream_loss=60, query_lag_ms=2_000)
KINDS = [("OCO", "SELL"), ("OCO", "BUY"), ("OTO", "BUY"), ("OTOCO", "BUY"), ("OTOCO", "SELL")]
NEAR, FAR = "0.002", "0.05"
TAKEN = {"profit": NEAR, "loss": FAR, "patience": "30s"}
STOPPED = {"profit": FAR, "loss": NEAR, "patience": "30s"}


@pytest.fixture(autouse=True)
def _the_bot_is_at_hand() -> Iterator[None]:
    with at_hand():
        yield


def trading(kind: str = "OCO", side: str = "SELL", **more: Any) -> dict[str, dict[str, Any]]:
    own = {"function": "oco_trade", "symbol": "BTCUSDT", "may_sell_your_coins": True}
    return {"one": {**own, "kind": kind, "side": side, **more}}


@dataclass
class Habits(World):
    """A world whose exchange has habits of its own, and whose faults are told one by one."""

    options: Mapping[str, Any] = field(default_factory=dict)
    rules: tuple[Rule, ...] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        self.books = Books.in_memory()
        self.books.open_account(ACCOUNT, UID, START)
        lag = {"query_lag_ms": self.luck.query_lag_ms, "enforce_limits": False}
        options = Options(**{**lag, **self.options})
        self.exchange = Exchange(RULES, clock=self.clock, books=self.books, options=options)
        self.exchange.on_user_event = self._on_user_event
        self.exchange.on_market_event = self._on_market_event
        if self.rules:
            self.plan.set(self.rules)
        self.move_market()


@dataclass
class Renaming(Habits):
    """Whose exchange shows every leg of a canceled list under the one id of the cancel."""

    def orders(self) -> list[dict[str, Any]]:
        """Name each order as it was placed."""
        placed = self.books.orders["BTCUSDT"]
        return [
            {**order, "clientOrderId": placed[order["orderId"]].client_order_id}
            for order in super().orders()
        ]


def lists(world: World) -> list[OrderList]:
    context = world.generation("one").context
    return [OrderList.model_validate(done) for done in context["done"]]


def verify(world: World) -> None:
    """Hold the exchange against the context: the money, every order, and nothing left behind."""
    world.check()
    parked = [world.generation(name).parked for name in world.standings]
    assert not any(parked), [str(each) for each in parked]
    context = world.generation("one").context
    known = {leg.id for each in lists(world) for leg in each.legs}
    known |= {Order.model_validate(rest).id for rest in context["rests"]}
    at_exchange = {order["clientOrderId"] for order in world.orders()}
    assert at_exchange <= known, f"nobody knows {at_exchange - known}"
    assert world.locked() == {}


def ended(world: World) -> dict[str, str]:
    return {order["type"]: order["status"] for order in world.orders()}


# --- every instant


@pytest.mark.slow
@pytest.mark.parametrize("outcome", [TAKEN, STOPPED], ids=["taken", "stopped"])
@pytest.mark.parametrize(("kind", "side"), KINDS)
def test_the_books_agree_whenever_the_power_fails(
    kind: str, side: str, outcome: dict[str, str]
) -> None:
    for world in every_life(lambda: World(1, trading(kind, side, **outcome), CALM)):
        verify(world)


@pytest.mark.slow
@pytest.mark.parametrize("gap", [None, "0.001"], ids=["market", "limit"])
@pytest.mark.parametrize(("kind", "side"), KINDS)
def test_the_books_agree_in_bad_weather_with_lagging_queries(
    kind: str, side: str, gap: str | None
) -> None:
    conf = trading(kind, side, gap=gap, patience="60s")
    for world in every_life(lambda: World(1, conf, ROUGH), stride=9):
        verify(world)


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "side"), KINDS)
def test_the_books_agree_after_two_cuts(kind: str, side: str) -> None:
    make = lambda: World(7, trading(kind, side, patience="60s"), Luck(query_lag_ms=2_000))  # noqa: E731
    for world in pairs_of_cuts(make, 7, many=25):
        verify(world)


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "side"), KINDS)
def test_a_list_that_waited_long_enough_is_canceled_in_every_life(kind: str, side: str) -> None:
    conf = trading(kind, side, patience="4s", profit=FAR, loss=FAR, entry="0.03")

    for world in every_life(lambda: World(3, conf, CALM), stride=2):
        verify(world)
        assert {leg.executed for done in lists(world) for leg in done.legs} == {Decimal(0)}


# --- what the placing meets


FATES: dict[str, tuple[Rule, ...]] = {
    "lost on its way": (
        Rule(fault=lose_request(3_000), method="POST", path="*orderList*", times=1),
    ),
    "lost twice": (Rule(fault=lose_request(3_000), method="POST", path="*orderList*", times=2),),
    "its reply lost": (Rule(fault=lose_reply(3_000), method="POST", path="*orderList*", times=1),),
    "late": (Rule(fault=delay_request(2_500), method="POST", path="*orderList*", times=1),),
    "at the fence": (Rule(fault=delay_request(4_990), method="POST", path="*orderList*", times=1),),
    "too late": (Rule(fault=delay_request(30_000), method="POST", path="*orderList*", times=1),),
}


@pytest.mark.slow
@pytest.mark.parametrize("fate", FATES)
@pytest.mark.parametrize(("kind", "side"), KINDS[:4])
def test_a_list_is_placed_once_whatever_its_request_meets_and_no_event_comes(
    kind: str, side: str, fate: str
) -> None:
    silent = Rule(fault=drop_event())

    def make() -> World:
        luck = replace(CALM, query_lag_ms=2_000)
        options = {"list_lag_ms": 9_000}
        rules = (*FATES[fate], silent)
        return Habits(5, trading(kind, side, patience="60s"), luck, options=options, rules=rules)

    for world in every_life(make, stride=5):
        verify(world)
        executed = [leg for done in lists(world) for leg in done.legs if leg.filled]
        assert len(executed) <= len(lists(world)) + (kind != "OCO")


class RepeatingWire(Wire):
    """Delivers every list a second time, a moment later."""

    async def request(
        self, method: str, path: str, params: Mapping[str, str], *, signed: bool
    ) -> Reply:
        world = self._world
        if method == "POST" and "orderList" in path:
            copy = Request(method, path, params, ACCOUNT)
            world.in_flight.append((world.clock() / 1000 + 0.6, copy))
        return await super().request(method, path, params, signed=signed)


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "side"), KINDS)
def test_a_list_whose_request_arrives_twice_is_one_list(
    kind: str, side: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tests.world, "Wire", RepeatingWire)

    for world in every_life(lambda: World(4, trading(kind, side, **TAKEN), CALM), stride=7):
        verify(world)


HABITS: list[dict[str, Any]] = [
    {"canceled_id": "cancel"},
    {"leg_cancel_answer": "order"},
    {"list_ends": "decided"},
    {"list_response": "ACK", "announce_refusals": True},
    {"announce_trigger": False, "position_after": "fill"},
    {"reused_id": "oldest", "id_scope": "account"},
    {"list_lag_ms": 9_000},
]


@pytest.mark.slow
@pytest.mark.parametrize("options", HABITS, ids=lambda options: next(iter(options)))
def test_the_books_agree_with_an_exchange_of_any_habit(options: dict[str, Any]) -> None:
    for kind, side in (("OCO", "SELL"), ("OTOCO", "BUY")):
        make = partial(Renaming, 2, trading(kind, side, patience="20s"), ROUGH, options=options)
        for world in every_life(make, stride=13):
            verify(world)


# --- how lists end


@pytest.mark.parametrize(
    ("outcome", "filled", "other"),
    [(TAKEN, "LIMIT_MAKER", "STOP_LOSS"), (STOPPED, "STOP_LOSS", "LIMIT_MAKER")],
    ids=["taken", "stopped"],
)
@pytest.mark.parametrize(("kind", "side"), [KINDS[0], KINDS[3]])
def test_the_leg_that_executes_ends_the_other_and_says_what_it_brought(
    kind: str, side: str, outcome: dict[str, str], filled: str, other: str
) -> None:
    world = live(World(2, trading(kind, side, **{**outcome, "patience": "6h"}), CALM))

    verify(world)
    (done,) = lists(world)
    assert done.done_by is not None
    assert (done.done_by.type, done.state) == (filled, OrderState.FILLED)
    assert (ended(world)[filled], ended(world)[other]) == ("FILLED", "EXPIRED")
    assert done.sold == done.done_by.executed == Decimal(done.exits[0].quantity or 0)
    assert done.average_sold == done.proceeds / done.sold
    assert done.unprotected == 0
    assert done.unprotected_because == ""


def test_an_exit_refused_when_it_should_begin_leaves_all_unprotected_and_is_sold_afterwards(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tests.world, "START", {**START, "BTC": Decimal(0)})

    world = live(World(1, trading("OTOCO", "BUY", keep="0", patience="6h"), CALM))

    verify(world)
    (done,) = lists(world)
    assert done.working is not None
    assert done.working.state is OrderState.FILLED
    assert {leg.state for leg in done.exits} == {OrderState.EXPIRED}
    assert done.state is OrderState.EXPIRED
    assert done.unprotected == Decimal("0.01") - done.commission("BTC")
    assert done.unprotected_because == "the STOP_LOSS order was expired: REJECTED"
    assert sold_afterwards(world) == [Decimal("0.00999")]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["OTO", "OTOCO"])
def test_an_exit_refused_when_it_should_begin_is_made_good_in_every_life(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tests.world, "START", {**START, "BTC": Decimal(0)})

    for world in every_life(
        lambda: World(1, trading(kind, "BUY", keep="0", patience="60s"), ROUGH), stride=3
    ):
        verify(world)
        for done in lists(world):
            assert done.state in {OrderState.EXPIRED, OrderState.CANCELED, OrderState.ABANDONED}


@dataclass
class Nibbling(World):
    """A market that stands still, and takes a part of each limit order."""

    def move_market(self) -> None:
        """Trade once with every limit order that nobody traded with yet."""
        at, step, now = Decimal(61_000), Decimal("0.01"), self.clock()
        self.exchange.set_book("BTCUSDT", [(at - step, 9)], [(at + step, 9)], now)
        self.exchange.market_trade("BTCUSDT", at, Decimal(1), buyer_is_maker=True, time=now)
        for order in self.open_limits(now):
            self.exchange.market_trade(
                "BTCUSDT",
                Decimal(order["price"]),
                Decimal("0.004"),
                buyer_is_maker=order["side"] == "BUY",
                time=now,
            )

    def open_limits(self, now: int) -> list[dict[str, Any]]:
        asked = {"symbol": "BTCUSDT", "timestamp": str(now)}
        answer = self.exchange.answer(Request("GET", "/api/v3/openOrders", asked, ACCOUNT))
        return [
            order
            for order in answer.body
            if order["type"].startswith("LIMIT")
            and order["status"] == "NEW"
            and now - order["time"] > 3_000
        ]


def sold_afterwards(world: World) -> list[Decimal]:
    rests = world.generation("one").context["rests"]
    return [Order.model_validate(rest).executed for rest in rests]


@pytest.mark.slow
def test_the_rest_of_an_exit_filled_in_part_has_no_stop_and_is_sold_at_market_in_every_life() -> (
    None
):
    parts = set()
    for world in every_life(lambda: Nibbling(1, trading("OCO", "SELL", patience="1m"), CALM)):
        verify(world)
        (done,) = lists(world)
        if done.state is OrderState.ABANDONED:
            continue
        assert done.sold + sum(sold_afterwards(world)) == Decimal("0.01")
        parts.add(done.sold)
        assert done.unprotected == Decimal("0.01") - done.sold
    assert Decimal("0.004") in parts


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["OTO", "OTOCO"])
def test_what_a_working_order_bought_before_it_was_canceled_is_unprotected_and_sold_in_every_life(
    kind: str,
) -> None:
    parts = set()
    for world in every_life(lambda: Nibbling(1, trading(kind, "BUY", patience="20s"), CALM)):
        verify(world)
        for done in lists(world):
            parts.add(done.bought)
            assert done.unprotected == done.bought - done.commission("BTC")
            assert bool(done.unprotected_because) is bool(done.bought)
    assert Decimal("0.004") in parts
