"""What each bot is shown doing: its section, for how many days, in bars of how many minutes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final


@dataclass(frozen=True)
class Scene:
    """One picture, beginning on August 1, 2024."""

    section: Mapping[str, Any]
    days: float
    minutes: int = 5
    more: Mapping[str, Mapping[str, Any]] | None = None  # bots beside it


BTC: Final = {"symbol": "BTCUSDT"}
MARKET: Final = {**BTC, "side": "BUY", "type": "MARKET"}
SCENES: Final[Mapping[str, Scene]] = {
    "add_order": Scene(
        {
            "order": {**BTC, "side": "BUY", "type": "LIMIT", "quantity": "0.01", "price": "63000"},
            "valid_for": "1d",
        },
        days=1,
    ),
    "dip_buyer": Scene(
        {
            **BTC,
            "quantity": "0.01",
            "dip": "0.01",
            "rebound": "0.012",
            "stop": "0.03",
            "patience": "6h",
        },
        days=3,
    ),
    "infinite": Scene(
        {
            "bot": "dip_buyer",
            "conf": {
                **BTC,
                "quantity": "0.01",
                "dip": "0.006",
                "rebound": "0.008",
                "stop": "0.02",
                "patience": "3h",
                "laps": 1,
            },
            "loop": 5,
        },
        days=3,
    ),
    "smart_trade": Scene(
        {
            **BTC,
            "total": 500,
            "mode": "LIMIT",
            "price": "63000",
            "take_profit": [{"price": "1.5%", "share": "50%"}, {"price": "3%", "share": "50%"}],
            "stop_loss": {"price": "-2%", "break_even": "0.1%"},
        },
        days=2,
    ),
    "grid": Scene(
        {
            **BTC,
            "kind": "arithmetic",
            "lower": "52000",
            "upper": "64000",
            "intervals": 12,
            "quantity": "0.01",
            "nearest": 6,
            "stop_loss": {"price": "45000", "then": "keep"},
        },
        days=12,
        minutes=30,
    ),
    "dca": Scene(
        {
            **BTC,
            "base_order": "100 USDT",
            "safety_order": "100 USDT",
            "safety_orders": 6,
            "volume_scale": "1.4",
            "step": "0.02",
            "step_scale": "1.2",
            "active": 3,
            "take_profit": "0.015",
            "cooldown": "1h",
        },
        days=12,
        minutes=15,
    ),
    "recurring": Scene(
        {**BTC, "amount": "50", "schedule": {"every": "day", "at": "09:00"}},
        days=14,
        minutes=60,
    ),
    "twap": Scene(
        {
            **BTC,
            "side": "BUY",
            "quantity": "5000 USDT",
            "duration": "8h",
            "slices": 24,
            "at_end": "market",
        },
        days=0.4,
    ),
    "rebalance": Scene(
        {
            "comment": "a world has the symbols that it finds named: BTCUSDT, ETHUSDT",
            "weights": {"BTC": "0.5", "ETH": "0.3", "USDT": "0.2"},
            "band": "0.02",
            "period": "4h",
            "budget": {"USDT": "4000", "BTC": "0.08", "ETH": "0.8"},
        },
        days=12,
        minutes=30,
    ),
    "range": Scene(
        {
            **BTC,
            "quantity": "200 USDT",
            "bottom": "50000",
            "top": "68000",
            "away": "0.012",
            "stop": "0.02",
            "pause": "10m",
        },
        days=6,
        minutes=15,
    ),
    "winter_summer": Scene(
        {
            **BTC,
            "quote_quantity": "1000",
            "winter": "0.06",
            "summer": "0.01",
            "interval": "1d",
            "interval_top": "1d",
            "top": "61000",
        },
        days=30,
        minutes=60,
    ),
    "long_strategy": Scene(
        {
            **BTC,
            "quote_quantity": "1000",
            "lower": "0.05",
            "upper": "0.02",
            "interval": "1d",
            "interval_top": "1d",
            "top": "62000",
        },
        days=30,
        minutes=60,
    ),
    "ema_cross": Scene(
        {**BTC, "quantity": "500 USDT", "interval": "1h", "fast": 8, "slow": 21, "stop": "0.05"},
        days=14,
        minutes=30,
    ),
    "sma_cross": Scene(
        {**BTC, "quantity": "500 USDT", "interval": "1h", "fast": 5, "slow": 20, "stop": "0.05"},
        days=14,
        minutes=30,
    ),
    "taker_pressure": Scene(
        {**BTC, "quantity": "500 USDT", "memory": 24, "enter": "0.5", "leave": "0.3"},
        days=3,
        minutes=30,
    ),
}
