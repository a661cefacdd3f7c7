"""The script as other bots do it: save before sending, ask the open orders after a restart.

python -m tests.torture.careful_bot ADDRESS. Over ccxt, with ids of its own and a file that is
replaced atomically. It buys at market, places a sell and cancels that, again and again. An order
that was announced and is not among the open orders after a restart counts as never sent.
"""

import json
import os
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import ccxt

FILE = Path("trades.json")
RESTS_FOR = 0.3  # seconds


def load() -> dict[str, Any]:
    try:
        loaded: dict[str, Any] = json.loads(FILE.read_text())
    except FileNotFoundError:
        return {"turn": 0, "bought": False, "resting": None, "pending": None, "orders": []}
    return loaded


def save(state: dict[str, Any]) -> None:
    fresh = FILE.with_suffix(".new")
    with fresh.open("w") as file:
        file.write(json.dumps(state))
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(FILE)


def connect(address: str) -> Any:
    exchange = ccxt.binance({
        "apiKey": "paper",
        "secret": "paper",
        "enableRateLimit": False,
        "options": {
            "fetchMarkets": {"types": ["spot"]},
            "fetchCurrencies": False,
            "fetchMargins": False,
            "defaultType": "spot",
            "warnOnFetchOpenOrdersWithoutSymbol": False,
        },
    })
    addresses = exchange.urls["api"]
    addresses["public"] = addresses["private"] = f"{address}/api/v3"
    exchange.load_markets()
    return exchange


def trade(address: str) -> None:
    exchange = connect(address)
    state = load()
    if state["pending"] is not None:
        settle(exchange, state)
    print("begins", flush=True)
    while True:
        if not state["bought"]:
            place(exchange, state, "market", "buy", None)
        if state["resting"] is None:
            place(exchange, state, "limit", "sell", 90_000)
        time.sleep(RESTS_FOR)
        with suppress(ccxt.OrderNotFound):  # canceled by a former life
            exchange.cancel_order(state["resting"], "BTC/USDT")
        state["turn"] += 1
        state["bought"], state["resting"] = False, None
        save(state)


def place(exchange: Any, state: dict[str, Any], kind: str, side: str, price: int | None) -> None:
    """Announce on disk, send, note on disk."""
    attempt = len(state["orders"])
    state["pending"] = {"id": f"careful-{attempt}-{os.urandom(4).hex()}", "side": side}
    save(state)
    given = {"newClientOrderId": state["pending"]["id"]}
    order = exchange.create_order("BTC/USDT", kind, side, "0.001", price, given)
    done(state, order["id"])


def done(state: dict[str, Any], order_id: str) -> None:
    state["orders"].append(int(order_id))
    if state["pending"]["side"] == "buy":
        state["bought"] = True
    else:
        state["resting"] = order_id
    state["pending"] = None
    save(state)


def settle(exchange: Any, state: dict[str, Any]) -> None:
    """Look among the open orders for what was announced; what is not there is sent again."""
    for order in exchange.fetch_open_orders("BTC/USDT"):
        if order["clientOrderId"] == state["pending"]["id"]:
            done(state, order["id"])
            return
    state["pending"] = None


if __name__ == "__main__":
    trade(sys.argv[1])
