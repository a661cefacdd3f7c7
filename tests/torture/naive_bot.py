"""The script that everybody writes first: create the order, then save what was done.

python -m tests.torture.naive_bot ADDRESS. It buys at market, places a sell and cancels that, again
and again, and remembers in trades.json what it did. Restarted, it goes on where the file says.
"""

import asyncio
import json
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from binance import AsyncClient
from binance.exceptions import BinanceAPIException

FILE = Path("trades.json")
RESTS_FOR = 0.3  # seconds
BUY = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.001"}
SELL = {
    "symbol": "BTCUSDT",
    "side": "SELL",
    "type": "LIMIT",
    "timeInForce": "GTC",
    "quantity": "0.001",
    "price": "90000",
}


def load() -> dict[str, Any]:
    """Read what was done; from the beginning if there is nothing readable."""
    try:
        loaded: dict[str, Any] = json.loads(FILE.read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return {"turn": 0, "bought": False, "resting": None, "orders": []}
    return loaded


def save(state: dict[str, Any]) -> None:
    FILE.write_text(json.dumps(state))


async def trade(address: str) -> None:
    AsyncClient.API_URL = f"{address}/api"
    client = await AsyncClient.create("paper", "paper")
    state = load()
    print("begins", flush=True)
    while True:
        if not state["bought"]:
            order = await client.create_order(**BUY)
            state["bought"] = True
            state["orders"].append(order["orderId"])
            save(state)
        if state["resting"] is None:
            order = await client.create_order(**SELL)
            state["resting"] = order["orderId"]
            state["orders"].append(order["orderId"])
            save(state)
        await asyncio.sleep(RESTS_FOR)
        with suppress(BinanceAPIException):  # canceled by a former life
            await client.cancel_order(symbol="BTCUSDT", orderId=state["resting"])
        state["turn"] += 1
        state["bought"], state["resting"] = False, None
        save(state)


if __name__ == "__main__":
    asyncio.run(trade(sys.argv[1]))
