"""A moved order is never two, and what it executed is never bought again, whatever happens."""

from collections.abc import AsyncIterator, Callable
from decimal import Decimal
from typing import Any

import pytest

import lib.moving
import lib.orders
from lib.life import Standing
from lib.moving import Moving
from lib.orders import Exchange, Order, OrderState
from lib.simulator.protocol import Request
from lib.simulator.server.faults import Fault, FaultKind, FaultPlan, Rule
from tests.edges import Wire
from tests.swinging import ShapedWorld, contexts, path, with_small_bots
from tests.world import CALM, Luck, every_life, live, pairs_of_cuts

Patch = pytest.MonkeyPatch
AMEND = "/api/v3/order/amend/keepPriority"
MOVER: dict[str, Any] = {
    "function": "mover",
    "symbol": "BTCUSDT",
    "quantity": "0.1",
    "away": "0.003",
    "every": "1500ms",
}
SHRINKER = {**MOVER, "shrink_to": "0.08"}
PATIENT = {**SHRINKER, "away": "0.0055", "every": "30s"}  # it fills between two moves
LOST = [
    Fault(kind=FaultKind.LOSE_REQUEST, delay_ms=3_000),
    Fault(kind=FaultKind.LOSE_REPLY, delay_ms=3_000),
    Fault(kind=FaultKind.DELAY_REQUEST, delay_ms=2_500),
    Fault(kind=FaultKind.DELAY_REQUEST, delay_ms=9_000),
    Fault(kind=FaultKind.SPOIL_REPLY, status=502, body="<html>Bad Gateway</html>"),
    Fault(kind=FaultKind.REFUSE, status=503, body="<html>Unavailable</html>"),
    Fault(
        kind=FaultKind.REFUSE,
        status=400,
        body='{"code":-2038,"msg":"Order amend is not supported for this symbol."}',
    ),
]
SINKING = path((0, 1), (30, 0.996), (60, 0.994), (300, 0.96))


@pytest.fixture(autouse=True)
def _small_bots(monkeypatch: Patch) -> None:
    with_small_bots(monkeypatch)


def moving(seed: int, conf: dict[str, Any] = MOVER, luck: Luck = CALM, *rules: Rule) -> ShapedWorld:
    world = ShapedWorld(seed, {"mover": conf}, luck, shape=SINKING, depth=Decimal("0.011"))
    if rules:
        world.plan = FaultPlan(seed, list(rules))
    return world


def check(world: ShapedWorld, wanted: str = "0.1") -> None:
    """Exactly what was wanted was bought, and no two orders ever lived at once."""
    world.check()
    assert world.standings == {"mover": Standing.FINISHED}
    bought = sum(Decimal(order["executedQty"]) for order in world.orders())
    assert bought == Decimal(wanted)
    assert world.most_live == 1
    known = Moving.model_validate(contexts(world, "mover")["moving"])
    assert known.executed == bought


@pytest.mark.slow
def test_buys_what_was_wanted_with_one_order_at_a_time_whenever_the_power_fails() -> None:
    for world in every_life(lambda: moving(1)):
        check(world)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10, 13))
def test_buys_what_was_wanted_with_one_order_at_a_time_in_bad_weather(seed: int) -> None:
    for world in every_life(lambda: moving(seed, luck=Luck(query_lag_ms=2_500)), stride=3):
        check(world)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(20, 23))
def test_buys_what_was_wanted_with_one_order_at_a_time_after_two_cuts(seed: int) -> None:
    for world in pairs_of_cuts(lambda: moving(seed, luck=Luck()), seed, many=30):
        check(world)


# --- amends


@pytest.mark.slow
def test_buys_the_smaller_quantity_whenever_the_power_fails() -> None:
    for world in every_life(lambda: moving(1, SHRINKER)):
        check_shrunk(world)


@pytest.mark.slow
@pytest.mark.parametrize("fault", LOST, ids=lambda fault: f"{fault.kind} {fault.delay_ms}")
def test_buys_the_smaller_quantity_whatever_becomes_of_the_amend(fault: Fault) -> None:
    rule = Rule(fault=fault, method="PUT", path=AMEND, times=1)

    for world in every_life(lambda: moving(2, SHRINKER, CALM, rule), stride=3):
        check_shrunk(world)


@pytest.mark.slow
def test_buys_the_smaller_quantity_when_the_amend_arrives_twice(monkeypatch: Patch) -> None:
    real = Wire._answered

    def answered(wire: Wire, request: Request) -> Any:
        if request.method == "PUT":
            real(wire, request)
        return real(wire, request)

    monkeypatch.setattr(Wire, "_answered", answered)

    for world in every_life(lambda: moving(3, SHRINKER), stride=2):
        check_shrunk(world)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(30, 32))
def test_buys_the_smaller_quantity_when_queries_lag(seed: int) -> None:
    luck = Luck(query_lag_ms=2_500)

    for world in every_life(lambda: moving(seed, SHRINKER, luck), stride=3):
        check_shrunk(world)


def check_shrunk(world: ShapedWorld) -> None:
    """The smaller quantity, or the whole where that was executed before it could be less."""
    known = Moving.model_validate(contexts(world, "mover")["moving"])
    assert known.quantity in {Decimal("0.08"), Decimal("0.1")}
    check(world, str(known.executed))
    assert known.executed in {Decimal("0.08"), Decimal("0.1")} or not known.left


def test_an_amended_order_keeps_its_id_and_its_place() -> None:
    world = live(moving(1, SHRINKER))

    check(world, "0.08")
    first = world.orders()[0]
    assert first["origQty"] == "0.08000000"


def test_an_amend_that_never_arrived_is_followed_by_a_cancel_and_a_smaller_order() -> None:
    lost = Rule(fault=LOST[0], method="PUT", path=AMEND, times=1)

    world = live(moving(2, PATIENT, CALM, lost))

    check(world, "0.08")
    assert world.orders()[0]["status"] == "CANCELED"
    assert world.orders()[0]["origQty"] == "0.10000000"


# --- mutants


def the_next_order_leaves_before_the_cancel_is_known(patch: Patch) -> None:
    real = lib.orders.add_order

    async def add_order(exchange: Exchange, order: Order) -> AsyncIterator[Order]:
        async for order in real(exchange, order):
            yield order
            if order.state is OrderState.CANCELING:
                return

    patch.setattr(lib.moving, "add_order", add_order)


def the_remainder_is_computed_from_the_plan(patch: Patch) -> None:
    patch.setattr(Moving, "left", property(lambda moving: moving.quantity))


def a_lost_amend_is_taken_for_done(patch: Patch) -> None:
    async def settle(exchange: Exchange, order: Order) -> bool:
        order.amended, order.amend_to = order.amend_to, None
        order.state = OrderState.OPEN
        return False

    patch.setattr(lib.orders, "_settle_amend", settle)


def breach() -> str:
    lost = Rule(fault=LOST[0], method="PUT", path=AMEND, times=1)
    try:
        for world in every_life(lambda: moving(1), stride=3):
            check(world)
        check(live(moving(2, PATIENT, CALM, lost)), "0.08")
    except AssertionError as wrong:
        return f"AssertionError: {wrong}"
    return ""


@pytest.mark.slow
@pytest.mark.parametrize(
    "mutant",
    [
        the_next_order_leaves_before_the_cancel_is_known,
        the_remainder_is_computed_from_the_plan,
        a_lost_amend_is_taken_for_done,
    ],
    ids=lambda mutant: mutant.__name__,
)
def test_the_lives_catch(mutant: Callable[[Patch], None], monkeypatch: Patch) -> None:
    mutant(monkeypatch)

    assert breach()


@pytest.mark.slow
def test_the_lives_find_nothing_against_the_real_move() -> None:
    assert breach() == ""
