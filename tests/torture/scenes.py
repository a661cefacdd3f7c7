"""What the bots do while the power fails: a small world for every machine there is.

A scene says what runs, how the market moves, and what must be true at the end whatever happened.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, Final

import bots
from lib.life import Standing
from tests import bots_of_lines as lines
from tests.exits.test_position_lives import SCENES as POSITIONS
from tests.exits.test_position_lives import holding
from tests.held_world import HeldWorld
from tests.held_world import check as check_held
from tests.plans import DCA, RANGE, REBALANCE, RECURRING, SWING, TWAP
from tests.swinging import SMALL_BOTS, ShapedWorld, path, swing
from tests.world import World

Judge = Callable[[Any], None]


@dataclass(frozen=True, kw_only=True)
class Scene:
    """One kind of story."""

    bots: Mapping[str, Mapping[str, Any]]
    check: Judge
    world: type[World] = World
    more: Mapping[str, Any] = field(default_factory=dict)  # what that kind of world wants to know
    lag_ms: int = 0  # how far the exchange's answers are behind, whatever the weather


def have_small_bots() -> None:
    """Have the bots of tests/small_bots be found beside the program's own, in this process."""
    if SMALL_BOTS not in bots.__path__:
        bots.__path__.append(SMALL_BOTS)


# --- what must be true


def finished(world: World, *, unless: str = "") -> None:
    """The books agree, every bot came to its end, and nothing is left in the exchange's book.

    A bot may have stopped itself for one reason alone: one that says `unless`.
    """
    world.check()
    parked = [world.generation(name).parked for name in world.standings]
    reasons = [f"{each.kind}: {each.reason}" for each in parked if each]
    wrong = [reason for reason in reasons if not unless or unless not in reason]
    assert not wrong, f"a bot stopped itself: {'; '.join(wrong)}"
    standings = [each for each in world.standings.values() if each is not Standing.FINISHED]
    assert len(standings) == len(reasons), f"a bot did not finish: {world.standings}"
    assert not world.locked(), f"money is still locked: {world.locked()}"


def moved(**wanted: str) -> Judge:
    """Finished, and the orders of a side executed exactly so much of BTC: BUY, SELL."""

    def check(world: World) -> None:
        finished(world)
        for side, quantity in wanted.items():
            executed = sum(Decimal(o["executedQty"]) for o in world.orders() if o["side"] == side)
            assert executed == Decimal(quantity), f"{side} executed {executed}, not {quantity}"

    return check


def at_most(side: str, quantity: str, *, unless: str = "") -> Judge:
    """Finished, and the orders of a side executed no more than this."""

    def check(world: World) -> None:
        finished(world, unless=unless)
        executed = sum(Decimal(o["executedQty"]) for o in world.orders() if o["side"] == side)
        assert executed <= Decimal(quantity), f"{side} executed {executed}, more than {quantity}"

    return check


def ended_or_stopped(world: World) -> None:
    """Finished, or stopped because an order that was acknowledged is shown by no query."""
    world.check()
    if not world.locked():
        finished(world, unless="is unknown at the exchange")
        return
    parked = world.generation("one").parked
    assert parked, "money is locked, and the bot did not stop"
    assert "is unknown at the exchange" in parked.reason, parked.reason


def one_at_a_time(check: Judge, most: int = 1) -> Judge:
    """As `check` says, and never more orders open at once than `most`."""

    def judge(world: ShapedWorld) -> None:
        check(world)
        assert world.most_live <= most, f"{world.most_live} orders were open at once"

    return judge


# --- markets

STORY: Final = 400.0  # seconds in which a scene's own market has long come to its end


def restless(shape: Callable[[float], float]) -> Callable[[float], float]:
    """Have the market go on: what deaths made too late for its story finds an end as well."""
    later = swing(0.06, 900)
    return lambda at: shape(at) if at < STORY else shape(STORY) * later(at - STORY)


# --- one order of every kind


def order(side: str, kind: str, more: Mapping[str, str], **terms: Any) -> dict[str, dict[str, Any]]:
    wanted = {"symbol": "BTCUSDT", "side": side, "type": kind, **more}
    return {"one": {"function": "add_order", "order": wanted, "valid_for": "1h", **terms}}


FALLS: Final = path((0, 1), (100, 1), (140, 0.97))
RISES: Final = path((0, 1), (100, 1), (140, 1.03))
COIN: Final = {"quantity": "0.01"}


def one(scene: tuple[str, str, dict[str, str], dict[str, Any]], shape: Any, check: Judge) -> Scene:
    side, kind, more, terms = scene
    section = order(side, kind, {**more}, **terms)
    return Scene(bots=section, check=check, world=ShapedWorld, more={"shape": shape})


def price(at: str, **more: str) -> dict[str, str]:
    return {**COIN, "price": at, **more}


FLAT: Final = path((0, 1))
ORDERS: Final = {
    "market buy": one(("BUY", "MARKET", COIN, {}), FLAT, moved(BUY="0.01")),
    "market sell": one(("SELL", "MARKET", COIN, {}), FLAT, moved(SELL="0.01")),
    "market buy for money": one(
        ("BUY", "MARKET", {"quoteOrderQty": "610"}, {}), FLAT, at_most("BUY", "0.01")
    ),
    "limit bought by a fall": one(("BUY", "LIMIT", price("60000"), {}), FALLS, moved(BUY="0.01")),
    "limit given up": one(
        ("BUY", "LIMIT", price("30000"), {"wait": "20s"}), FLAT, moved(BUY="0", SELL="0")
    ),
    "limit given up while it fills": one(
        ("BUY", "LIMIT", price("60390"), {"wait": "110s"}), FALLS, at_most("BUY", "0.01")
    ),
    "limit at once or never": one(
        ("BUY", "LIMIT", price("61500", timeInForce="IOC"), {}), FLAT, moved(BUY="0.01")
    ),
    "limit all or nothing": one(
        ("BUY", "LIMIT", price("30000", timeInForce="FOK"), {}), FLAT, moved(BUY="0")
    ),
    "limit that no query shows": replace(
        one(("BUY", "LIMIT", price("30000"), {"wait": "10m"}), FLAT, ended_or_stopped),
        lag_ms=200_000,
    ),
    "maker": one(
        ("BUY", "LIMIT_MAKER", price("60000"), {}),
        FALLS,
        at_most("BUY", "0.01", unless="would immediately match"),
    ),
    "pair": one(
        ("SELL", "OCO", price("61400", stopPrice="60500"), {}),
        swing(0.012, 120),
        at_most("SELL", "0.01", unless="relationship of the prices"),
    ),
    "buy with its exits": one(
        ("BUY", "LIMIT", price("60500"), {"then": {"price": "60900", "stopPrice": "59900"}}),
        swing(0.012, 120),
        moved(BUY="0.01", SELL="0.00999"),
    ),
}

# --- the program's own bots

DIP: Final = {
    "function": "dip_buyer",
    "symbol": "BTCUSDT",
    "quantity": "0.01",
    "dip": "0.001",
    "rebound": "0.001",
    "stop": "0.002",
    "patience": "5s",
    "laps": 2,
}
MARKET: Final = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.001"}
SOAK: Final = {
    "function": "infinite",
    "bot": "add_order",
    "conf": {"order": MARKET, "valid_for": "1h"},
    "loop": 3,
}
SMART_TRADE: Final = {
    "function": "smart_trade",
    "symbol": "BTCUSDT",
    "unit": "0.01",
    "take_profit": [
        {"price": "0.4%", "share": "50%", "mode_sell": "LIMIT"},
        {"price": "0.9%", "trailing": "-0.2%"},
    ],
    "stop_loss": {"price": "-0.5%", "break_even": "0.2%"},
}
PROGRAM_BOTS: Final = {
    "dip buyer": Scene(bots={"dip": DIP}, check=finished),
    "infinite": Scene(bots={"soak": SOAK}, check=moved(BUY="0.003")),
    "smart trade": Scene(
        bots={"trade": SMART_TRADE},
        check=finished,
        world=ShapedWorld,
        more={"shape": swing(0.02, 120)},
    ),
}

LINES: Final = {
    "grid bot": Scene(
        bots={"bot": lines.GRID},
        check=finished,
        world=ShapedWorld,
        more={"shape": lines.ROUND_TRIP},
    ),
    "grid bot that follows": Scene(
        bots={"bot": lines.FOLLOWING},
        check=finished,
        world=ShapedWorld,
        more={"shape": lines.THERE_AND_BACK},
    ),
    **{
        name: Scene(
            bots={"bot": section},
            check=finished,
            world=lines.SlowWorld,
            more={"shape": lines.seasonal},
        )
        for name, section in (
            ("winter and summer", lines.WINTER),
            ("long strategy", lines.STRATEGY),
            ("averages that cross", lines.CROSS),
            ("algorithm by candle", {**lines.SMA, "stop": "0.1"}),
            ("algorithm by trade", lines.PRESSURE),
        )
    },
}

# --- bots that follow a plan

LATER: Final = {"schedule": {"every": "day", "at": "00:30"}}  # born by then, whatever was cut
FOLLOWED: Final = {
    f"plan: {section['function']}": Scene(
        bots={"bot": section}, check=finished, world=ShapedWorld, more={"shape": SWING}
    )
    for section in (
        {**DCA, "stop_loss": "0.03"},
        {**RECURRING, **LATER},
        TWAP,
        REBALANCE,
        RANGE,
    )
}

# --- machines side by side

SIDE_BY_SIDE: Final = {
    "function": "side_by_side",
    "symbol": "BTCUSDT",
    "quantity": "0.01",
    "patience": "20s",
    "orders": [
        {"side": "BUY", "type": "MARKET"},
        {"side": "SELL", "type": "LIMIT", "away": "-0.01", "time_in_force": "IOC"},
        {"side": "BUY", "type": "LIMIT", "away": "-0.2", "time_in_force": "GTC"},
    ],
    "may_sell_your_coins": True,
}
GRID: Final = {
    "function": "three_rungs",
    "symbol": "BTCUSDT",
    "quantity": "0.01",
    "prices": ["60600", "60400", "60200"],
    "step": "0.002",
    "fills": 2,
}
SWINGS: Final = {"shape": swing(0.02, 60)}
TURNED: Final = moved(BUY="0.03", SELL="0.02997")
TOGETHER: Final = {
    "side by side": Scene(
        bots={"three": SIDE_BY_SIDE},
        check=moved(BUY="0.01", SELL="0.01"),
        world=ShapedWorld,
    ),
    "grid": Scene(
        bots={"grid": GRID}, check=one_at_a_time(TURNED, 3), world=ShapedWorld, more=SWINGS
    ),
    "grid, one at a time": Scene(
        bots={"grid": {**GRID, "nearest": 1}},
        check=one_at_a_time(TURNED),
        world=ShapedWorld,
        more=SWINGS,
    ),
    "a whole account": Scene(
        bots={
            "dip": DIP,
            "DIPS": {**DIP, "quantity": "0.02", "laps": 1},
            "soak": {**SOAK, "loop": 2},
            "eth": {
                "function": "add_order",
                "order": {**MARKET, "symbol": "ETHUSDT", "quantity": "0.1"},
                "valid_for": "1h",
            },
        },
        check=finished,
    ),
}

# --- orders that move, shrink and trail

MOVER: Final = {
    "function": "mover",
    "symbol": "BTCUSDT",
    "quantity": "0.1",
    "away": "0.003",
    "every": "1500ms",
}
SINKING: Final = {
    "shape": path((0, 1), (30, 0.996), (60, 0.994), (300, 0.96)),
    "depth": Decimal("0.011"),
}
TRAIL: Final = {
    "function": "trailing_sell",
    "symbol": "BTCUSDT",
    "quantity": "0.01",
    "distance": "0.002",
    "may_sell_your_coins": True,
}
MOVING: Final = {
    "moved order": Scene(
        bots={"mover": MOVER},
        check=one_at_a_time(moved(BUY="0.1")),
        world=ShapedWorld,
        more=SINKING,
    ),
    "amended order": Scene(
        bots={"mover": {**MOVER, "shrink_to": "0.08"}},
        check=one_at_a_time(at_most("BUY", "0.1")),
        world=ShapedWorld,
        more=SINKING,
    ),
    "trailing sell": Scene(
        bots={"trail": TRAIL},
        check=moved(SELL="0.01"),
        world=ShapedWorld,
        more={"shape": restless(path((0, 1), (30, 1.01), (400, 0.9)))},
    ),
    "trailing buy": Scene(
        bots={"trail": {**TRAIL, "side": "BUY", "may_sell_your_coins": False}},
        check=moved(BUY="0.01"),
        world=ShapedWorld,
        more={"shape": restless(path((0, 1), (30, 0.99), (400, 1.1)))},
    ),
}

# --- order lists


def traded(kind: str, side: str, **more: str) -> Scene:
    own = {"function": "list_trader", "symbol": "BTCUSDT", "kind": kind, "side": side}
    section = {**own, "may_sell_your_coins": True, "patience": "30s", **more}
    return Scene(bots={"one": section}, check=finished)


TAKEN: Final = {"profit": "0.002", "loss": "0.05"}
STOPPED: Final = {"profit": "0.05", "loss": "0.002"}
LISTS: Final = {
    "OCO taken": traded("OCO", "SELL", **TAKEN),
    "OCO stopped": traded("OCO", "SELL", **STOPPED, gap="0.001"),
    "OCO of a buy": traded("OCO", "BUY"),
    "OTO": traded("OTO", "BUY", **STOPPED),
    "OTOCO": traded("OTOCO", "BUY"),
    "OTOCO of a sale": traded("OTOCO", "SELL", **STOPPED, gap="0.001"),
}

# --- positions with a take profit and a stop


def held(name: str) -> Scene:
    told = holding(name)
    more = {"shape": restless(told.shape), "depth": told.depth, "sag": told.sag}
    return Scene(bots=told.bots, check=check_position, world=HeldWorld, more=more)


def check_position(world: HeldWorld) -> None:
    check_held(world)


HELD: Final = {f"position: {name}": held(name) for name in POSITIONS}
SCENES: Final[Mapping[str, Scene]] = {
    **ORDERS,
    **PROGRAM_BOTS,
    **FOLLOWED,
    **LINES,
    **TOGETHER,
    **MOVING,
    **LISTS,
    **HELD,
}
