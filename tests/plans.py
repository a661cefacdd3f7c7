"""Sections of the bots that follow a plan, small enough to end, and what was traded in a world."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from lib.news import Kind
from tests.swinging import ShapedWorld, swing
from tests.world import CALM, Luck, World

SWING: Final = swing(0.012, 400)
DCA: Final[Mapping[str, Any]] = {
    "function": "dca",
    "symbol": "BTCUSDT",
    "base_order": "0.01",
    "safety_order": "0.01",
    "safety_orders": 3,
    "step": "0.003",
    "volume_scale": 2,
    "active": 2,
    "take_profit": "0.004",
    "deals": 1,
}
RECURRING: Final[Mapping[str, Any]] = {
    "function": "recurring",
    "symbol": "BTCUSDT",
    "amount": "100",
    "schedule": {"every": "day", "at": "00:05"},
    "times": 1,
}
TWAP: Final[Mapping[str, Any]] = {
    "function": "twap",
    "symbol": "BTCUSDT",
    "side": "BUY",
    "quantity": "0.05",
    "duration": "200s",
    "slices": 5,
    "at_end": "market",
}
REBALANCE: Final[Mapping[str, Any]] = {
    "comment": "a world trades what it finds named: BTCUSDT, ETHUSDT",
    "function": "rebalance",
    "weights": {"BTC": "0.5", "ETH": "0.3", "USDT": "0.2"},
    "period": "60s",
    "rounds": 2,
    "budget": {"USDT": "6000", "BTC": "0.1"},
}
RANGE: Final[Mapping[str, Any]] = {
    "function": "range",
    "symbol": "BTCUSDT",
    "quantity": "0.01",
    "bottom": "59000",
    "top": "62500",
    "away": "0.004",
    "patience": "300s",
    "pause": "10s",
    "laps": 2,
}
PLANS: Final = {
    "dca": DCA,
    "dca with a stop": {**DCA, "stop_loss": "0.03"},
    "dca that trails": {**DCA, "trailing": "0.002", "stop_loss": "0.0095", "safety_orders": 2},
    "recurring": RECURRING,
    "twap": TWAP,
    "rebalance": REBALANCE,
    "range": RANGE,
}


def planned(
    section: Mapping[str, Any], luck: Luck = CALM, seed: int = 1, /, **more: Any
) -> ShapedWorld:
    """Make a world with one bot, named bot, in a market that swings unless `more` shapes it."""
    return ShapedWorld(seed, {"bot": section}, luck, **{"shape": SWING, **more})


def traded(world: World, side: str = "") -> list[tuple[str, Decimal, Decimal]]:
    """Answer side, quantity and average price of all that was executed, in order of the trades."""
    orders = [
        order
        for order in world.orders()
        if Decimal(order["executedQty"]) and side in {"", order["side"]}
    ]
    orders.sort(key=lambda order: (order["updateTime"], order["orderId"]))
    return [(o["side"], Decimal(o["executedQty"]), _average(o)) for o in orders]


def _average(order: Mapping[str, Any]) -> Decimal:
    return Decimal(order["cummulativeQuoteQty"]) / Decimal(order["executedQty"])


def told(world: World, kind: Kind) -> list[str]:
    """Answer what the bots said of one kind."""
    return [news.text for news in world.news if news.kind is kind and news.bot]


def moved(world: World, asset: str) -> Decimal:
    """Answer how much of an asset the account has more than at the beginning."""
    return world._moved().get(asset, Decimal(0))
