"""One intent, at most one order: the whole program, in bad weather, on an exchange of any habit."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import partial
from typing import Any

import pytest

import tests.world
from lib.binance.transport import Reply
from lib.errors import BotError
from lib.life import Standing
from lib.orders import OrderState, is_order
from lib.simulator.books.books import Books
from lib.simulator.exchange import Exchange
from lib.simulator.options import Options
from lib.simulator.server.faults import (
    Rule,
    delay_request,
    drop_event,
    lose_request,
    refuse_too_many,
)
from tests.disk import File, Folder
from tests.edges import Wire
from tests.virtual_time import VirtualLoop
from tests.world import ACCOUNT, CALM, RULES, START, UID, Luck, World, every_life, live

Patch = pytest.MonkeyPatch
MARKET_BUY = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.01"}
FAR_LIMIT = {
    "symbol": "BTCUSDT",
    "side": "BUY",
    "type": "LIMIT",
    "quantity": "0.01",
    "price": "30000",
}
DIP = {
    "function": "dip_buyer",
    "symbol": "BTCUSDT",
    "quantity": "0.01",
    "dip": "0.001",
    "rebound": "0.001",
    "stop": "0.002",
    "patience": "5s",
    "laps": 2,
}
ROUGH = Luck(requests=3, events=3, stream_loss=100)


def one(order: Mapping[str, str], **more: Any) -> dict[str, dict[str, Any]]:
    return {"one": {"function": "add_order", "order": order, **more}}


@dataclass
class Habits(World):
    """A world whose exchange has habits of its own."""

    options: Mapping[str, Any] = field(default_factory=dict)
    start: Mapping[str, Decimal] = field(default_factory=lambda: dict(START))
    rules: tuple[Rule, ...] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        self.books = Books.in_memory()
        self.books.open_account(ACCOUNT, UID, self.start)
        lag = {"query_lag_ms": self.luck.query_lag_ms, "enforce_limits": False}
        options = Options(**{**lag, **self.options})
        self.exchange = Exchange(RULES, clock=self.clock, books=self.books, options=options)
        self.exchange.on_user_event = self._on_user_event
        self.exchange.on_market_event = self._on_market_event
        if self.rules:
            self.plan.set(self.rules)
        self.move_market()


def executed(world: World) -> list[Decimal]:
    amounts = [Decimal(order["executedQty"]) for order in world.orders()]
    return [amount for amount in amounts if amount]


def reasons(world: World) -> list[str]:
    parked = [world.generation(name).parked for name in world.standings]
    return [each.reason for each in parked if each]


# --- write-ahead: what a power cut would leave knows of every request that leaves


def durable_files(folder: Folder) -> Iterator[bytes]:
    for node in folder.durable.values():
        if isinstance(node, File):
            yield bytes(node.durable)
        else:
            yield from durable_files(node)


class SuspiciousWire(Wire):
    """Looks at the disk before it carries a changing request."""

    seen = 0

    async def request(
        self, method: str, path: str, params: Mapping[str, str], *, signed: bool
    ) -> Reply:
        if method != "GET":
            medium = b"".join(durable_files(self._world.disk.root))
            name = params["newClientOrderId"]
            tokens = medium.split(b'"' + name.encode() + b"#")[1:]
            limits = [int(token.split(b'"')[0]) for token in tokens]
            assert limits, f"{method} of {name} was not announced on the medium"
            assert int(params["timestamp"]) <= max(limits)
            assert params["recvWindow"] == "5000"
            type(self).seen += 1
        return await super().request(method, path, params, signed=signed)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_no_request_leaves_before_the_medium_knows_its_id_and_its_fence(
    seed: int, monkeypatch: Patch
) -> None:
    monkeypatch.setattr(tests.world, "Wire", SuspiciousWire)
    SuspiciousWire.seen = 0

    for world in every_life(lambda: World(seed, {"dip": DIP}, ROUGH), stride=7):
        world.check()

    assert SuspiciousWire.seen > 20


@pytest.mark.slow
@pytest.mark.parametrize("disk_ms", [700, 2_500, 6_000])
def test_a_disk_as_slow_as_a_worn_card_delays_orders_and_doubles_none(
    disk_ms: int, monkeypatch: Patch
) -> None:
    monkeypatch.setattr(tests.world, "VirtualLoop", partial(VirtualLoop, disk_ms=disk_ms))

    world = live(World(1, one(MARKET_BUY, valid_for="1h"), CALM))

    assert executed(world) == [Decimal("0.01")]
    world.check()


# --- whatever the exchange leaves undocumented


HABITS: list[Any] = [
    {"fees_in_bnb": True},
    {"announce_refusals": True},
    {"position_after": "fill"},
    {"id_scope": "account"},
    {"reused_id": "oldest"},
    {"announce_trigger": False},
    {"query_lag_ms": 2_500, "list_lag_ms": 9_000},
    {"canceled_id": "cancel"},
]


def name_of(habit: dict[str, Any]) -> str:
    return next(iter(habit))


@pytest.mark.slow
@pytest.mark.parametrize("options", HABITS, ids=name_of)
def test_the_books_agree_with_an_exchange_of_any_habit(options: dict[str, Any]) -> None:
    for seed in range(2):
        make = partial(Habits, seed, {"dip": DIP}, ROUGH, options=options)
        for world in every_life(make, stride=9):
            world.check()
            assert reasons(world) == []


@pytest.mark.slow
def test_fees_taken_in_bnb_are_booked_in_bnb_to_the_last_digit(monkeypatch: Patch) -> None:
    rich = {**START, "BNB": Decimal(5)}
    monkeypatch.setattr(tests.world, "START", rich)
    quote = [("540", "5")], [("541", "5")]

    def make() -> World:
        world = Habits(4, {"dip": DIP}, ROUGH, options={"fees_in_bnb": True}, start=rich)
        world.exchange.set_book("BNBUSDT", *quote, world.clock())
        world.exchange.market_trade(
            "BNBUSDT", "540.5", "1", buyer_is_maker=True, time=world.clock()
        )
        return world

    for world in every_life(make, stride=9):
        world.check()
        assert world.generation("dip").memory.fees.keys() == {"BNB"}


# --- money


@pytest.mark.slow
def test_two_bots_of_one_symbol_trade_side_by_side_and_know_their_own_orders() -> None:
    bots = {"dip": DIP, "DIPS": {**DIP, "quantity": "0.02"}, **one(FAR_LIMIT, wait="20s")}

    for world in every_life(lambda: World(6, bots, ROUGH), stride=13):
        world.check()
        assert reasons(world) == []
        assert world.locked() == {}


@pytest.mark.parametrize("seed", range(2))
def test_a_bot_that_owns_nothing_else_can_sell_what_it_bought_when_a_balance_event_is_lost(
    seed: int, monkeypatch: Patch
) -> None:
    poor = {**START, "BTC": Decimal(0)}
    monkeypatch.setattr(tests.world, "START", poor)
    lost = Rule(fault=drop_event(), event="outboundAccountPosition")

    world = live(Habits(seed, {"dip": DIP}, CALM, start=poor, rules=(lost,)))

    assert reasons(world) == []
    assert world.standings == {"dip": Standing.FINISHED}


@pytest.mark.slow
def test_an_order_of_most_of_the_account_survives_being_turned_away_and_a_restart() -> None:
    made = one({**MARKET_BUY, "quantity": "1.2"}, valid_for="1h")
    busy = Rule(fault=refuse_too_many(3), method="POST", times=1)

    for world in every_life(lambda: Habits(3, made, CALM, rules=(busy,))):
        assert reasons(world) == []
        assert executed(world) == [Decimal("1.2")]


# --- what a removed bot leaves behind


@dataclass
class Removed(Habits):
    """Whose bot is gone from conf.json after the first life."""

    def submitting(self) -> bool:
        """Say whether the bot had announced an order when it died."""
        try:
            context = self.generation("one").context
        except (BotError, OSError):  # it was not born yet
            return False
        return is_order(context.get("order")) and (
            context["order"]["state"] == OrderState.SUBMITTING
        )


@pytest.mark.slow
def test_an_order_in_doubt_of_a_removed_bot_is_named_to_the_person() -> None:
    other = {"two": {"function": "add_order", "order": {**MARKET_BUY, "symbol": "ETHUSDT"}}}
    bots = {**one(FAR_LIMIT), **other}
    left_behind = 0

    for cut in range(60, 180):
        world = Removed(5, bots, CALM, later_bots=other)
        world.instants, world.cut_at = 0, cut
        if world.live():
            break
        world.cut()
        if not world.submitting():
            continue
        heard = len(world.news)
        world.instants, world.cut_at = 0, None
        assert world.live()
        resting = [o for o in world.orders() if o["status"] == "NEW"]
        if resting:
            left_behind += 1
            assert any("BTCUSDT" in news.text for news in world.news[heard:])

    assert left_behind > 0


# --- every answer that can get lost


@pytest.mark.slow
@pytest.mark.parametrize("times", [1, 2, 3])
def test_requests_that_are_lost_again_and_again_end_in_one_order(times: int) -> None:
    rule = Rule(fault=lose_request(3_000), method="POST", times=times)
    luck = replace(CALM, query_lag_ms=2_500)

    for world in every_life(
        lambda: Habits(times, one(MARKET_BUY, valid_for="1h"), luck, rules=(rule,)), stride=11
    ):
        assert executed(world) == [Decimal("0.01")]
        world.check()


# --- around the fence


@pytest.mark.slow
@pytest.mark.parametrize("delay_ms", [4_900, 4_979, 4_990, 5_000, 5_100, 30_000, 120_000])
def test_a_request_that_arrives_around_the_end_of_its_fence_or_long_after_buys_once(
    delay_ms: int,
) -> None:
    conf = one(MARKET_BUY, valid_for="1h")
    late = Rule(fault=delay_request(delay_ms), method="POST", times=1)

    def make() -> World:
        world = World(delay_ms, conf, replace(CALM, query_lag_ms=2_500))
        world.plan.set([late, Rule(fault=drop_event())])
        return world

    for world in every_life(make, stride=2):
        assert executed(world) == [Decimal("0.01")]
        world.check()


@pytest.mark.slow
def test_an_order_whose_request_was_lost_is_bought_once_in_every_life() -> None:
    conf = one(MARKET_BUY, valid_for="1h")

    def make() -> World:
        world = World(8, conf, replace(CALM, query_lag_ms=2_500))
        world.plan.set([Rule(fault=lose_request(3_000), method="POST", times=2)])
        return world

    for world in every_life(make, stride=2):
        assert executed(world) == [Decimal("0.01")]
        world.check()
