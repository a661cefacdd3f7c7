"""Bots that always have something to do, as sections of a conf.json."""

from typing import Any


def busy_bots(prefix: str = "") -> dict[str, Any]:
    """Write market orders without end, and dip buyers that plan anew every second."""
    bots: dict[str, Any] = {}
    for symbol, quantity in (("BTCUSDT", "0.001"), ("ETHUSDT", "0.01")):
        name = f"{prefix}{symbol.removesuffix('USDT').lower()}"
        bots[f"{name}_buys"] = loop_of(symbol, "BUY", quantity=quantity)
        bots[f"{name}_spends"] = loop_of(symbol, "BUY", quoteOrderQty="20")
        bots[f"{name}_sells"] = loop_of(symbol, "SELL", quantity=quantity)
        bots[f"{name}_dips"] = {"function": "dip_buyer", **dips(symbol, quantity, "0.0005")}
        soaked = {**dips(symbol, quantity, "0.0002"), "laps": 1}
        bots[f"{name}_soak"] = {"function": "infinite", "bot": "dip_buyer", "conf": soaked}
    return bots


def loop_of(symbol: str, side: str, **amount: str) -> dict[str, Any]:
    """Write one market order after the other, each wanted until it was placed."""
    order = {"symbol": symbol, "side": side, "type": "MARKET", **amount}
    return {
        "function": "infinite",
        "bot": "add_order",
        "conf": {"order": order, "valid_for": "1h"},
    }


def dips(symbol: str, quantity: str, dip: str) -> dict[str, Any]:
    """Write what a dip buyer needs to plan anew every second."""
    return {
        "symbol": symbol,
        "quantity": quantity,
        "dip": dip,
        "rebound": "0.001",
        "stop": "0.005",
        "patience": "1s",
    }
