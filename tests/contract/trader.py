"""Who the stories are about: places small orders around whatever the market is, and tidies up."""

import itertools
import time
from collections.abc import Mapping
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any

from tests.contract.client import Client, Reply

SYMBOL = "BTCUSDT"
PREFIX = f"contract{time.time_ns():x}"
NUMBERS = itertools.count(1)  # over all stories: an id is never used twice
PUBLIC = frozenset({
    *("ping", "time", "exchangeInfo", "depth", "trades", "historicalTrades", "aggTrades"),
    *("klines", "uiKlines", "avgPrice", "ticker", "ticker/24hr", "ticker/price"),
    *("ticker/bookTicker", "ticker/tradingDay", "executionRules", "referencePrice"),
})
DISTANCE = Decimal("0.1")  # a tenth off the market nothing fills, and no filter minds


class Trader:
    """An account with ids of its own, at a market it has looked at."""

    def __init__(self, client: Client, rules: Mapping[str, Any], best: Mapping[str, str]) -> None:
        filters = {rule["filterType"]: rule for rule in rules["filters"]}
        self.client = client
        self.tick = Decimal(filters["PRICE_FILTER"]["tickSize"])
        self.lot = Decimal(filters["LOT_SIZE"]["stepSize"])
        self.bid, self.ask_price = Decimal(best["bidPrice"]), Decimal(best["askPrice"])
        notional = filters.get("NOTIONAL") or filters["MIN_NOTIONAL"]
        self.notional_min = Decimal(notional["minNotional"])

    @classmethod
    async def at(cls, client: Client) -> "Trader":
        """Look at the market before anything is placed."""
        info = await client.ask("GET exchangeInfo", {"symbol": SYMBOL}, signed=False)
        best = await client.ask("GET ticker/bookTicker", {"symbol": SYMBOL}, signed=False)
        return cls(client, info.accepted["symbols"][0], best.accepted)

    # --- amounts, as they are sent

    @property
    def low(self) -> str:
        """A price far below the market."""
        return self.price(self.bid * (1 - DISTANCE))

    @property
    def high(self) -> str:
        """A price far above the market."""
        return self.price(self.ask_price * (1 + DISTANCE))

    @property
    def quantity(self) -> str:
        """About twice the smallest order, also at the low price."""
        wanted = 2 * self.notional_min / (self.bid * (1 - DISTANCE))
        return f"{_stepped(wanted, self.lot, ROUND_CEILING):f}"

    def price(self, wanted: Decimal) -> str:
        return f"{_stepped(wanted, self.tick, ROUND_FLOOR):f}"

    # --- calls

    def fresh_id(self) -> str:
        return f"{PREFIX}{next(NUMBERS):x}"

    async def ask(self, call: str, **params: object) -> Reply:
        """Make a call, signed if it is about the account."""
        sent = {name: str(value) for name, value in params.items() if value is not None}
        return await self.client.ask(call, sent, signed=call.split()[1] not in PUBLIC)

    async def place(self, kind: str, side: str, **params: object) -> Reply:
        """Send an order under a fresh id unless one is given."""
        order = {"symbol": SYMBOL, "type": kind, "side": side, "quantity": self.quantity}
        order["newClientOrderId"] = self.fresh_id()
        return await self.ask("POST order", **{**order, **params})

    async def limit(self, side: str = "BUY", **params: object) -> Reply:
        """Send a limit order that rests far from the market."""
        price = self.low if side == "BUY" else self.high
        return await self.place("LIMIT", side, **{"timeInForce": "GTC", "price": price, **params})

    async def resting(self, **params: Any) -> dict[str, Any]:
        """Place a limit order that rests; give the answer."""
        body: dict[str, Any] = (await self.limit(**params)).accepted
        return body

    async def cancel(self, **known: object) -> Reply:
        return await self.ask("DELETE order", symbol=SYMBOL, **known)

    async def find(self, **known: object) -> Reply:
        return await self.ask("GET order", symbol=SYMBOL, **known)

    async def open_ids(self) -> list[int]:
        rows = (await self.ask("GET openOrders", symbol=SYMBOL)).accepted
        return [row["orderId"] for row in rows if row["clientOrderId"].startswith(PREFIX)]

    async def events(self, count: int) -> list[Mapping[str, Any]]:
        return [await self.client.next_event() for _ in range(count)]

    async def clean_up(self) -> None:
        """Cancel what the story left open. Orders of others are not touched."""
        for order_id in await self.open_ids():
            await self.cancel(orderId=order_id)


def _stepped(amount: Decimal, step: Decimal, rounding: str) -> Decimal:
    return (amount / step).to_integral_value(rounding) * step
