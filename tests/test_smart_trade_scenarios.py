"""The smart trade, scenario by scenario: these prices were traded, those orders came of it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pytest

from lib.life import Standing
from tests.stepping import Step, SteppedWorld
from tests.swinging import contexts
from tests.world import CALM, live

UNIT = {"unit": "0.1"}
BOUGHT = "BUY MARKET 0.1"
SOLD = "SELL MARKET 0.0999"


@dataclass(frozen=True)
class Scenario:
    """What is set, what the market does, and which orders that makes; `*` marks the executed."""

    given: Mapping[str, Any]
    when: Sequence[Step]
    then: Sequence[str]
    ends: bool = True
    levels: Mapping[str, str] = field(default_factory=dict)  # by their path in the context
    start: float = 40


def tp(**more: Any) -> dict[str, Any]:
    return {**UNIT, "take_profit": more}


def sl(**more: Any) -> dict[str, Any]:
    return {**UNIT, "stop_loss": more}


def asks(*prices: str) -> list[Step]:
    """The asks alone move, a bid beyond one is gone; nothing is traded at them."""
    below = [min(Decimal("999.99"), Decimal(price) - 1) for price in prices]
    moves = [{"ask": ask, "bid": f"{bid}"} for ask, bid in zip(prices, below, strict=True)]
    return ["1000", *moves]


def bids(*prices: str) -> list[Step]:
    return ["1000", *({"bid": price, "ask": "1200"} for price in prices)]


PROFIT, STOP, MINI = "lots.0.profit", "lots.0.stop", "lots.0.mini"
ONE = {"price": "1%"}
WITH_MINI = {"base": "ask", **ONE, "minimal": "0.5%"}
TOO_LATE = "SELL LIMIT 0.0999 at 1010 canceled"
ENTRIES = {
    "a unit is bought at market": Scenario(UNIT, ["1000", "1100"], [f"{BOUGHT} *"]),
    "a total of 110 at 1100 buys a tenth": Scenario({"total": 110}, ["1100"], [f"{BOUGHT} *"]),
    "a size of 10 % of 1000 at 1000 buys a tenth": Scenario(
        {"size": "10%", "budget": 1000}, ["1000"], [f"{BOUGHT} *"]
    ),
    "a LIMIT at 900 is filled at 900": Scenario(
        {**UNIT, "mode": "LIMIT", "price": 900},
        ["1000", "1100", "900"],
        ["BUY LIMIT 0.1 at 900 *"],
    ),
    "a LIMIT at 900 rests while 1000 and 1100 are traded": Scenario(
        {**UNIT, "mode": "LIMIT", "price": 900},
        ["1000", "1100"],
        ["BUY LIMIT 0.1 at 900"],
        ends=False,
    ),
    "a LIMIT that waited its time is canceled": Scenario(
        {**UNIT, "mode": "LIMIT", "price": 900, "entry_timeout": "30s"},
        ["1000"],
        ["BUY LIMIT 0.1 at 900 canceled"],
    ),
    "a condition at 1000 does nothing at 900": Scenario(
        {**UNIT, "mode": "COND_MARKET_ORDER", "cond_price": 1000}, ["900"], [], ends=False
    ),
    "a condition at 1000 buys at market at 1000": Scenario(
        {**UNIT, "mode": "COND_MARKET_ORDER", "cond_price": 1000},
        ["900", "1000"],
        [f"{BOUGHT} *"],
    ),
    "a condition at 1000 places the LIMIT at its price": Scenario(
        {**UNIT, "mode": "COND_LIMIT_ORDER", "cond_price": 1000, "price": 1100},
        ["900", "1000"],
        ["BUY LIMIT 0.1 at 1100 *"],
    ),
    "a condition of a short waits for a fall": Scenario(
        {**UNIT, "type": "short", "mode": "COND_MARKET_ORDER", "cond_price": 900},
        ["1000", "900"],
        ["SELL MARKET 0.1 *"],
    ),
    "a trailing buy of +10 % does not buy at its line": Scenario(
        {**UNIT, "trailing": "+10%"},
        ["1000", "1100", "900", "800"],
        [],
        ends=False,
        levels={"trail.mark": "800"},
    ),
    "a trailing buy of +10 % follows 1100, 990, 880 and buys on the last": Scenario(
        {**UNIT, "trailing": "+10%"}, ["1000", "1100", "900", "800", "900"], [f"{BOUGHT} *"]
    ),
    "a trailing buy counts its line from a price where one is given": Scenario(
        {**UNIT, "trailing": "+10%", "price": 950}, ["1000", "1046"], [f"{BOUGHT} *"]
    ),
    "a trailing buy of -10 % activates at 900": Scenario(
        {**UNIT, "trailing": "-10%"},
        ["1000", "900", "800"],
        [],
        ends=False,
        levels={"trail.activation": "900", "trail.mark": "800"},
    ),
    "a trailing buy of -10 % buys on the rise": Scenario(
        {**UNIT, "trailing": "-10%"}, ["1000", "900", "800", "900"], [f"{BOUGHT} *"]
    ),
    "a trailing sale of a short sells on the fall": Scenario(
        {**UNIT, "type": "short", "trailing": "+10%"},
        ["1000", "1200", "1050"],
        ["SELL MARKET 0.1 *"],
    ),
}
PROFITS = {
    "a target of 2 % alone stands at the exchange as TAKE_PROFIT_LIMIT": Scenario(
        tp(price="2%", mode_sell="LIMIT"),
        ["1000", "1010"],
        [f"{BOUGHT} *", "SELL TAKE_PROFIT_LIMIT 0.0999 at 1020 once 1020"],
        ends=False,
    ),
    "a target of 2 % alone is executed by the exchange": Scenario(
        tp(price="2%", mode_sell="LIMIT"),
        ["1000", "1100"],
        [f"{BOUGHT} *", "SELL TAKE_PROFIT_LIMIT 0.0999 at 1020 once 1020 *"],
    ),
    "a target at market alone is executed by the exchange, also across a gap": Scenario(
        tp(price="2%"),
        ["1000", "1100"],
        [f"{BOUGHT} *", "SELL TAKE_PROFIT 0.0999 once 1020 *"],
    ),
    "a target by the ask waits at 1000": Scenario(
        tp(base="ask", **ONE), asks("1000", "1009"), [f"{BOUGHT} *"], ends=False
    ),
    "a target by the ask sells at market at 1010": Scenario(
        tp(base="ask", **ONE), asks("1000", "1010"), [f"{BOUGHT} *", f"{SOLD} *"]
    ),
    "a target by the ask sells by a LIMIT": Scenario(
        tp(base="ask", **ONE, mode_sell="LIMIT"),
        [*asks("1000", "1010"), "1010", "1020"],
        [f"{BOUGHT} *", "SELL LIMIT 0.0999 at 1010 *"],
    ),
    "a sale of -1 % is a LIMIT at 999.9": Scenario(
        tp(base="ask", **ONE, mode_sell="-1%"),
        asks("1000", "1010"),
        [f"{BOUGHT} *", "SELL LIMIT 0.0999 at 999.9 *"],
    ),
    "a LIMIT that waited its time goes at market": Scenario(
        tp(base="ask", **ONE, mode_sell="LIMIT", sell_timeout="2s"),
        asks("1000", "1010"),
        [f"{BOUGHT} *", TOO_LATE, f"{SOLD} *"],
        levels={PROFIT + ".price": "1010"},
    ),
    "a target by the bid ignores an ask of 1200": Scenario(
        tp(base="bid", **ONE), bids("1000", "1009"), [f"{BOUGHT} *"], ends=False
    ),
    "a target by the bid sells at 1010": Scenario(
        tp(base="bid", **ONE), bids("1000", "1010"), [f"{BOUGHT} *", f"{SOLD} *"]
    ),
    "a target that is confirmed is not hit by a spike": Scenario(
        tp(**ONE, confirm="10s"),
        ["1000", "1020", "1000", "1005"],
        [f"{BOUGHT} *"],
        ends=False,
    ),
    "a stop that ticks confirm is not hit by what has fewer": Scenario(
        sl(price="-1%", confirm="20 ticks"),
        ["1000", "980", "1000", "985", "1000"],
        [f"{BOUGHT} *"],
        ends=False,
        levels={STOP + ".counted": "0"},
    ),
    "a stop that ticks confirm sells once it has them": Scenario(
        sl(price="-1%", confirm="20 ticks"),
        ["1000", "980", "970"],
        [f"{BOUGHT} *", f"{SOLD} *"],
        levels={STOP + ".counted": "20"},
    ),
    "a target that is confirmed sells once it lasted": Scenario(
        tp(**ONE, confirm="10s"), ["1000", "1020", "1020", "1020"], [f"{BOUGHT} *", f"{SOLD} *"]
    ),
    "a target of a short is below": Scenario(
        {**UNIT, "type": "short", "take_profit": {"price": 980}},
        ["1000", "990", "970"],
        ["SELL MARKET 0.1 *", "BUY TAKE_PROFIT 0.1 once 980 *"],
    ),
}
TRAILS = {
    "a target of 2 % with -1 % is trailed at the exchange from 1020": Scenario(
        tp(price="2%", trailing="-1%"),
        ["1000", "900", "1020", "1100", "900"],
        [f"{BOUGHT} *", "SELL TAKE_PROFIT 0.0999 once 1020 *"],
        levels={PROFIT + ".trail.activation": "1020", PROFIT + ".trail.mark": "1100"},
    ),
    "a target of 2 % with +1 % is trailed from 1030.2": Scenario(
        tp(price="2%", trailing="+1%"),
        ["1000", "900", "1030.2", "1100", "900"],
        [f"{BOUGHT} *", "SELL TAKE_PROFIT 0.0999 once 1030.2 *"],
        levels={PROFIT + ".trail.activation": "1030.2", PROFIT + ".trail.mark": "1100"},
    ),
    "a target at 1020 with -1 % is the same as 2 %": Scenario(
        tp(price=1020, trailing="-1%"),
        ["1000", "900", "1020", "1100", "900"],
        [f"{BOUGHT} *", "SELL TAKE_PROFIT 0.0999 once 1020 *"],
        levels={PROFIT + ".trail.mark": "1100"},
    ),
    "a target at 1020 with +1 % begins with 1100": Scenario(
        tp(price=1020, trailing="+1%"),
        ["1000", "900", "1020", "1100", "900"],
        [f"{BOUGHT} *", "SELL TAKE_PROFIT 0.0999 once 1030.2 *"],
        levels={PROFIT + ".trail.mark": "1100"},
    ),
    "a trail by the bid is followed from here and sells at its line": Scenario(
        tp(base="bid", price="2%", trailing="-1%"),
        ["1000", "1021", "1100", "1095", "1088"],
        [f"{BOUGHT} *", f"{SOLD} *"],
        levels={PROFIT + ".trail.mark": "1099.99"},
    ),
    "a trail that the exchange cannot keep becomes a stop that moves": Scenario(
        tp(price="2%", trailing="-1.005%"),
        ["1000", "1020", "1100", "1000"],
        [
            f"{BOUGHT} *",
            "SELL STOP_LOSS 0.0999 once 1009.75 canceled",
            "SELL STOP_LOSS 0.0999 once 1088.95 *",
        ],
    ),
    "a stop of -1 % is trailed at the exchange from 990": Scenario(
        sl(price="-1%", trailing=True),
        ["1000", "1100", "1000"],
        [f"{BOUGHT} *", "SELL STOP_LOSS 0.0999 *"],
        levels={STOP + ".price": "990", STOP + ".trail.mark": "1100"},
    ),
    "a stop at 990 that trails keeps its distance": Scenario(
        sl(price=990, trailing=True),
        ["1000", "1100", "1000"],
        [f"{BOUGHT} *", "SELL STOP_LOSS 0.0999 *"],
        levels={STOP + ".trail.distance": "0.01", STOP + ".trail.mark": "1100"},
    ),
    "a stop that trails sells by the LIMIT of its order_price": Scenario(
        sl(price=990, order_price=989, trailing=True),
        ["1000", "1100", "1000"],
        [
            f"{BOUGHT} *",
            "SELL STOP_LOSS_LIMIT 0.0999 at 989 once 990 canceled",
            "SELL STOP_LOSS_LIMIT 0.0999 at 989 once 1089 *",
        ],
    ),
    "a stop by the bid that trails is followed from here": Scenario(
        sl(base="bid", price="-1%", trailing=True),
        ["1000", "1100", "1095", "1088"],
        [f"{BOUGHT} *", f"{SOLD} *"],
        levels={STOP + ".trail.mark": "1099.99"},
    ),
    "a stop of a short trails the fall": Scenario(
        {**UNIT, "type": "short", "stop_loss": {"price": "-1%", "trailing": True}},
        ["1000", "900", "910"],
        ["SELL MARKET 0.1 *", "BUY STOP_LOSS 0.1 *"],
    ),
}
MINIS = {
    "a smaller profit that lasted is kept and sold on the fall": Scenario(
        tp(**WITH_MINI, timeout="1s"),
        asks("1000", "1005", "1006", "1006", "1000"),
        [f"{BOUGHT} *", f"{SOLD} *"],
        levels={MINI + ".kept": "1005"},
    ),
    "a smaller profit that did not last resets its clock": Scenario(
        tp(**WITH_MINI, timeout="20s"),
        asks("1000", "1005", "1006", "1000"),
        [f"{BOUGHT} *"],
        ends=False,
        levels={MINI + ".kept": "None", MINI + ".since": "None"},
    ),
    "a smaller profit stays kept while the next one is waited for": Scenario(
        tp(price="20%", minimal="1%", timeout="2s", minimal_trailing=True),
        ["1000", "1020", "1020", "1005", "990", "900"],
        [
            f"{BOUGHT} *",
            "SELL TAKE_PROFIT 0.0999 once 1200 canceled",
            "SELL STOP_LOSS 0.0999 once 1009.99 *",
            "SELL TAKE_PROFIT 0.0999 once 1200 expired",
        ],
        levels={MINI + ".kept": "1010", MINI + ".level": "1020.1"},
    ),
    "one smaller profit after the other is kept": Scenario(
        tp(base="bid", price="20%", minimal="1%", timeout="2s", minimal_trailing=True),
        ["1000", "1025", "1035", "1035", "1020"],
        [f"{BOUGHT} *", f"{SOLD} *"],
        levels={MINI + ".kept": "1030.31"},
    ),
}
STOPS = {
    "a stop of -1 % alone stands at the exchange as STOP_LOSS_LIMIT": Scenario(
        sl(price="-1%", mode_sell="LIMIT"),
        ["1000", {"last": "990", "bid": "990", "ask": "990.01"}],
        [f"{BOUGHT} *", "SELL STOP_LOSS_LIMIT 0.0999 at 990 once 990 *"],
    ),
    "a stop at market alone is executed by the exchange, also across a gap": Scenario(
        sl(price="-1%"), ["1000", "900"], [f"{BOUGHT} *", "SELL STOP_LOSS 0.0999 once 990 *"]
    ),
    "a stop by the ask waits at 1000 and 1100": Scenario(
        sl(base="ask", price="-1%"), asks("1000", "1100"), [f"{BOUGHT} *"], ends=False
    ),
    "a stop by the ask sells at market at 990": Scenario(
        sl(base="ask", price="-1%"),
        asks("1000", "1100", "990"),
        [f"{BOUGHT} *", f"{SOLD} *"],
        levels={STOP + ".price": "990"},
    ),
    "a stop by the ask sells by a LIMIT": Scenario(
        sl(base="ask", price="-1%", mode_sell="LIMIT"),
        [*asks("1000", "1100"), {"ask": "990", "bid": "989"}, "991"],
        [f"{BOUGHT} *", "SELL LIMIT 0.0999 at 990 *"],
    ),
    "a loss of 20 for a tenth is a stop at 800": Scenario(
        sl(base="ask", price="-20", mode_sell="LIMIT"),
        [*asks("1000"), {"ask": "800", "bid": "799"}, "801"],
        [f"{BOUGHT} *", "SELL LIMIT 0.0999 at 800 *"],
        levels={STOP + ".price": "800"},
    ),
    "a stop by a LIMIT that waited its time goes at market": Scenario(
        sl(base="ask", price="-1%", mode_sell="LIMIT", sell_timeout="2s"),
        [*asks("1000", "1100"), {"last": "985", "bid": "984", "ask": "985"}],
        [f"{BOUGHT} *", "SELL LIMIT 0.0999 at 990 canceled", f"{SOLD} *"],
    ),
    "a stop by a LIMIT at the exchange that was jumped over goes at market in time": Scenario(
        sl(price="-1%", mode_sell="LIMIT", sell_timeout="3s"),
        ["1000", "900"],
        [f"{BOUGHT} *", "SELL STOP_LOSS_LIMIT 0.0999 at 990 once 990 canceled", f"{SOLD} *"],
    ),
    "a stop by the bid sells at 990": Scenario(
        sl(base="bid", price="-1%"),
        bids("1010", "1000", "990"),
        [f"{BOUGHT} *", f"{SOLD} *"],
    ),
    "a stop by the ask ignores a trade below it": Scenario(
        sl(base="ask", price="-1%"),
        ["1000", {"last": "980"}, "1000"],
        [f"{BOUGHT} *"],
        ends=False,
    ),
    "a dip is no stop while it has not lasted": Scenario(
        sl(price="-1%", timeout="20s"),
        ["1000", "985", "1000", "985", "995"],
        [f"{BOUGHT} *"],
        ends=False,
    ),
    "a stop that lasted sells": Scenario(
        sl(price="-1%", timeout="20s"),
        ["1000", "985", "985", "985", "985", "985"],
        [f"{BOUGHT} *", f"{SOLD} *"],
    ),
    "a dip below a trail is no stop while it has not lasted": Scenario(
        sl(price="-1%", timeout="20s", trailing=True),
        ["1000", "1100", "1085", "1095", "1085", "1095"],
        [f"{BOUGHT} *"],
        ends=False,
        levels={STOP + ".trail.mark": "1100"},
    ),
    "a trail that was crossed for as long as it must sells": Scenario(
        sl(price="-1%", timeout="20s", trailing=True),
        ["1000", "1100", "1085", "1085", "1085", "1085", "1085"],
        [f"{BOUGHT} *", f"{SOLD} *"],
    ),
}
HALF = [{"price": "2%", "share": "50%"}, {"price": "4%"}]
PAIR = {"take_profit": {"price": "2%"}, "stop_loss": {"price": "-1%"}}
TOGETHER = {
    "target and stop are one OCO: the target": Scenario(
        {**UNIT, **PAIR},
        ["1000", "1030"],
        [
            f"{BOUGHT} *",
            "SELL STOP_LOSS 0.0999 once 990 expired",
            "SELL TAKE_PROFIT 0.0999 once 1020 *",
        ],
    ),
    "target and stop are one OCO: the stop": Scenario(
        {**UNIT, **PAIR},
        ["1000", "980"],
        [
            f"{BOUGHT} *",
            "SELL STOP_LOSS 0.0999 once 990 *",
            "SELL TAKE_PROFIT 0.0999 once 1020 expired",
        ],
    ),
    "a target by a LIMIT rests in the book beside the stop": Scenario(
        {
            **UNIT,
            "take_profit": {"price": "2%", "mode_sell": "LIMIT"},
            "stop_loss": {"price": "-1"},
        },
        ["1000", "1030"],
        [
            f"{BOUGHT} *",
            "SELL STOP_LOSS 0.0999 once 990 expired",
            "SELL LIMIT_MAKER 0.0999 at 1020 *",
        ],
    ),
    "a LIMIT entry brings target and stop along": Scenario(
        {**UNIT, **PAIR, "mode": "LIMIT", "price": 900},
        ["1000", "900", "930"],
        [
            "BUY LIMIT 0.1 at 900 *",
            "SELL STOP_LOSS 0.0999 once 891 expired",
            "SELL TAKE_PROFIT 0.0999 once 918 *",
        ],
    ),
    "a LIMIT entry brings a stop alone along": Scenario(
        {**sl(price="-1%"), "mode": "LIMIT", "price": 900},
        ["1000", "900", "880"],
        ["BUY LIMIT 0.1 at 900 *", "SELL STOP_LOSS 0.0999 once 891 *"],
    ),
    "two targets sell half at each": Scenario(
        {**UNIT, "take_profit": HALF},
        ["1000", "1025", "1050"],
        [
            f"{BOUGHT} *",
            "SELL TAKE_PROFIT 0.04995 once 1020 *",
            "SELL TAKE_PROFIT 0.04995 once 1040 *",
        ],
    ),
    "the first of two targets moves the stop of the rest to the entry": Scenario(
        {**UNIT, "take_profit": HALF, "stop_loss": {"price": "-1%", "break_even": "0.2%"}},
        ["1000", "1025", "1025", "1000"],
        [
            f"{BOUGHT} *",
            "SELL STOP_LOSS 0.04995 once 990 expired",
            "SELL TAKE_PROFIT 0.04995 once 1020 *",
            "SELL STOP_LOSS 0.04995 once 990 canceled",
            "SELL TAKE_PROFIT 0.04995 once 1040 canceled",
            "SELL STOP_LOSS 0.04995 once 1002 *",
            "SELL TAKE_PROFIT 0.04995 once 1040 expired",
        ],
    ),
    "three targets at market leave the last to be watched here beside its stop": Scenario(
        {
            **UNIT,
            "take_profit": [
                {"price": "2%", "share": "40%"},
                {"price": "4%", "share": "40%"},
                {"price": "6%"},
            ],
            "stop_loss": {"price": "-1%"},
        },
        ["1000", "980"],
        [
            f"{BOUGHT} *",
            "SELL STOP_LOSS 0.03996 once 990 *",
            "SELL TAKE_PROFIT 0.03996 once 1020 expired",
            "SELL STOP_LOSS 0.03996 once 990 *",
            "SELL TAKE_PROFIT 0.03996 once 1040 expired",
            "SELL STOP_LOSS 0.01998 once 990 *",
        ],
    ),
    "a share too small to be sold goes with the next one": Scenario(
        {"total": 9, "take_profit": HALF},
        ["1000", "1025", "1050"],
        ["BUY MARKET 0.009 *", "SELL TAKE_PROFIT 0.00899 once 1040 *"],
    ),
    "a short with target and stop is one OCO of buys": Scenario(
        {**UNIT, "type": "short", "take_profit": {"price": 980}, "stop_loss": {"price": 1010}},
        ["1000", "1020"],
        [
            "SELL MARKET 0.1 *",
            "BUY STOP_LOSS 0.1 once 1010 *",
            "BUY TAKE_PROFIT 0.1 once 980 expired",
        ],
    ),
}
SCENARIOS = ENTRIES | PROFITS | TRAILS | MINIS | STOPS | TOGETHER


def world_of(scenario: Scenario, **more: Any) -> SteppedWorld:
    section = {"function": "smart_trade", "symbol": "BTCUSDT", **scenario.given}
    world = SteppedWorld(
        1, {"bot": section}, CALM, steps=scenario.when, start=scenario.start, **more
    )
    world.resting_at = 40 + 8 * len(scenario.when) if not scenario.ends else None
    return world


def told(world: SteppedWorld) -> list[str]:
    """Every order in the order of their ids, as the table above writes it."""
    return [" ".join(words_of(order)) for order in world.orders()]


def words_of(order: Mapping[str, Any]) -> Iterator[str]:
    number = {name: Decimal(order[name]) for name in ("price", "stopPrice", "origQty")}
    yield f"{order['side']} {order['type']} {number['origQty'].normalize():f}"
    if number["price"]:
        yield f"at {number['price'].normalize():f}"
    if number["stopPrice"]:
        yield f"once {number['stopPrice'].normalize():f}"
    if order["status"] == "FILLED":
        yield "*"
    elif order["status"] != "NEW":
        yield order["status"].lower()


def level(world: SteppedWorld, path: str) -> str:
    context: Any = contexts(world, "bot")
    found = context if path.startswith("trail") else context["held"]
    for step in path.split("."):
        found = found[int(step)] if step.isdigit() else found[step]
    return "None" if found is None else f"{Decimal(str(found)).normalize():f}"


@pytest.mark.parametrize("name", SCENARIOS)
def test_these_prices_make_those_orders(name: str) -> None:
    scenario = SCENARIOS[name]

    world = live(world_of(scenario))

    world.check()
    assert told(world) == list(scenario.then), world.news
    assert world.standings["bot"] is (Standing.FINISHED if scenario.ends else Standing.RUNNING)
    assert {path: level(world, path) for path in scenario.levels} == dict(scenario.levels)
