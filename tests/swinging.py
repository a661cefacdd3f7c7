"""Worlds in which the price does what a test wants, and bots that live in the tests alone."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import bots
from tests.world import OPEN, PRICES, World

SMALL_BOTS = str(Path(__file__).parent / "small_bots")


def with_small_bots(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the bots of tests/small_bots be found beside the program's own."""
    monkeypatch.setattr(bots, "__path__", [*bots.__path__, SMALL_BOTS])


@dataclass
class ShapedWorld(World):
    """The price follows a shape: seconds since the beginning to a factor of the first price."""

    shape: Callable[[float], float] = lambda _: 1.0
    depth: Decimal = Decimal(1)  # on each level of the book: little of it fills orders in parts
    sag: Callable[[float], float] = lambda _: 0.0  # how far the bids lie below the price, a part

    def __post_init__(self) -> None:
        self.volatility = 0.0
        self.begun = 0.0
        self.live_ids: set[str] = set()
        self.most_live = 0
        super().__post_init__()

    def _on_user_event(self, account: str, event: dict[str, Any]) -> None:
        """Count what is open at the exchange, before anybody of ours hears of it."""
        if event["e"] == "executionReport":
            client_order_id = event["C"] or event["c"]
            if event["X"] in OPEN:
                self.live_ids.add(client_order_id)
            else:
                self.live_ids.discard(client_order_id)
            self.most_live = max(self.most_live, len(self.live_ids))
            self.heard(event)
        super()._on_user_event(account, event)

    def heard(self, event: Mapping[str, Any]) -> None:
        """Look at the exchange's own report of an order; for worlds that judge it."""

    def move_market(self) -> None:
        seconds = self.clock() / 1000
        self.begun = self.begun or seconds
        for symbol in self.prices:
            price = PRICES[symbol] * self.shape(seconds - self.begun)
            self.prices[symbol] = price
            sagging = Decimal(f"{price * self.sag(seconds - self.begun):.2f}")
            self._trade_around(symbol, Decimal(f"{price:.2f}"), sagging)

    def _trade_around(self, symbol: str, at: Decimal, sagging: Decimal) -> None:
        now, tick = self.clock(), Decimal("0.01")
        bids = [(at - tick - sagging - away, self.depth) for away in range(2)]
        asks = [(at + tick + away, self.depth) for away in range(2)]
        self.exchange.set_book(symbol, bids, asks, now)
        size = min(self.depth, Decimal(self.chance.randrange(1, 40)) / 1000)
        buyer_is_maker = self.chance.random() < 0.5
        self.exchange.market_trade(symbol, at, size, buyer_is_maker=buyer_is_maker, time=now)


def swing(depth: float, seconds: float) -> Callable[[float], float]:
    """Fall by `depth` and come back, again and again; it begins at the top."""
    return lambda at: 1 - depth * (1 - math.cos(2 * math.pi * at / seconds)) / 2


def path(*points: tuple[float, float]) -> Callable[[float], float]:
    """Go from point to point (seconds, factor) in straight lines; the last one holds."""

    def shape(at: float) -> float:
        before = points[0]
        for after in points:
            if at < after[0]:
                part = (at - before[0]) / (after[0] - before[0])
                return before[1] + part * (after[1] - before[1])
            before = after
        return before[1]

    return shape


def contexts(world: World, bot: str) -> Mapping[str, Any]:
    """The newest context on the disk, as JSON has it."""
    context: Mapping[str, Any] = world.generation(bot).context
    return context
