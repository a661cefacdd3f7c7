"""A simulator with books on disk that is killed under load, and a client that notes its answers."""

import asyncio
import signal
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any, Self

import aiohttp

from lib.torture.processes import PROGRAM, Process, free_port
from tests.simulator_server.client import Client

START = {"USDT": Decimal(10_000_000), "BTC": Decimal(100)}
TRADERS = 4
NO_ANSWER = (aiohttp.ClientError, OSError, TimeoutError)


@dataclass
class Noted:
    """What a client knows for certain of its orders, by client order id."""

    placed: dict[str, dict[str, Any]] = field(default_factory=dict)  # as answered
    canceled: set[str] = field(default_factory=set)  # as answered
    tried: set[str] = field(default_factory=set)  # placements sent, whatever came of them
    cancels_tried: set[str] = field(default_factory=set)

    def check(self, orders: Iterable[dict[str, Any]]) -> None:
        """Hold what was answered against the orders the venue has now."""
        found: dict[str, dict[str, Any]] = {}
        for order in orders:
            name = order["clientOrderId"]
            assert name not in found, f"{name} is there twice"
            found[name] = order
        assert found.keys() <= self.tried
        for name, answer in self.placed.items():
            order = found[name]
            assert order["orderId"] == answer["orderId"]
            self._check_end(name, order, answer["status"])

    def _check_end(self, name: str, order: dict[str, Any], answered: str) -> None:
        if answered == "FILLED" or name in self.canceled:
            assert order["status"] == ("FILLED" if answered == "FILLED" else "CANCELED")
        else:
            assert order["status"] in {"NEW", *(["CANCELED"] if name in self.cancels_tried else [])}


class KilledVenue:
    """One simulator in many lives, always at the same address."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.books = folder / "books.sqlite"
        self.noted = Noted()
        self._folder = folder
        self._chance = Random(f"kills {seed}")
        self._port = free_port()
        self._count = 0
        self._process: Process | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5))
        self.client = Client(f"http://127.0.0.1:{self._port}", self._session)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.kill()
        await self._session.close()

    async def live(self) -> None:
        """Begin a life and give it a market."""
        money = ",".join(f"{asset}={amount}" for asset, amount in START.items())
        words = ["simulator", "--db", str(self.books), "--market", "none", "--control"]
        words += ["--port", str(self._port), "--balance", money]
        words += ["--option", "enforce_limits=false"]
        self._process = await asyncio.to_thread(Process, self._folder, PROGRAM, *words)
        await asyncio.to_thread(self._process.until, "listens")
        await self.client.set_book()

    async def trade_until_killed(self) -> None:
        """Let traders place and cancel; kill the venue amid that."""
        traders = [asyncio.create_task(self._trade()) for _ in range(TRADERS)]
        await asyncio.sleep(self._chance.uniform(0.0, 0.4))
        assert self._process is not None
        self._process.send(signal.SIGKILL)
        await asyncio.gather(*traders)
        await asyncio.to_thread(self._process.kill)
        self._process = None

    async def orders(self) -> list[dict[str, Any]]:
        status, state = await self.client.command("GET", "state")
        assert status == 200
        orders: list[dict[str, Any]] = state["orders"]
        return orders

    async def _trade(self) -> None:
        """Place orders, and cancel some, until nobody answers."""
        while True:
            self._count += 1
            name = f"k{self._count}"
            side, price = self._chance.choice([
                ("BUY", "50000"),
                ("BUY", "60001"),
                ("SELL", "59999"),
                ("SELL", "70000"),
            ])
            try:
                await self._place(name, side, price)
            except NO_ANSWER:
                return

    async def _place(self, name: str, side: str, price: str) -> None:
        self.noted.tried.add(name)
        status, answer = await self.client.place(name, side=side, price=price)
        if status != 200:
            assert answer["msg"] == "Filter failure: MAX_NUM_ORDERS"
            self.noted.tried.remove(name)
            return
        self.noted.placed[name] = answer
        if answer["status"] == "NEW" and self._chance.random() < 0.9:
            self.noted.cancels_tried.add(name)
            status, _ = await self.client.call(
                "DELETE", "order", symbol="BTCUSDT", origClientOrderId=name
            )
            assert status == 200
            self.noted.canceled.add(name)


def check_file(path: Path) -> None:
    """Read the file of the books as it lies there; it must be whole."""
    connection = sqlite3.connect(path)
    try:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    finally:
        connection.close()
