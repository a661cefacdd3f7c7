"""The exchange's side of an audit: every order it ever accepted, its trades, what is held.

Read from the simulator's own answer, or from its books on disk where it is dead. Nothing of the
product's arithmetic is used: the exchange's own trades are the truth.
"""

import shutil
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, Final, TypeAlias

import orjson

from lib.simulator.books.audit import state_of
from lib.simulator.books.books import Books
from lib.simulator.paper.paper_settings import DATA

Amounts: TypeAlias = dict[str, Decimal]
Facts: TypeAlias = Mapping[str, Any]
Assets: TypeAlias = Mapping[str, tuple[str, str]]  # base and quote by symbol

ZERO: Final = Decimal(0)
INFO: Final = DATA / "exchange_info.json"


@dataclass(frozen=True, slots=True)
class Ledger:
    """What the exchange knows of one account."""

    orders: Mapping[str, Facts]  # by client order id
    doubled: tuple[str, ...]  # client order ids that were accepted more than once
    trades: Mapping[str, list[Facts]]  # by client order id
    balances: Amounts  # free and locked together
    assets: Assets

    def totals(self, trades: Iterable[Facts]) -> tuple[Amounts, Amounts]:
        """Add up what trades brought and what they cost in fees, by asset."""
        net: Amounts = {}
        fees: Amounts = {}
        for trade in trades:
            sign = 1 if trade["side"] == "BUY" else -1
            base, quote = self.assets[trade["symbol"]]
            add(net, base, sign * Decimal(trade["qty"]))
            add(net, quote, -sign * Decimal(trade["quoteQty"]))
            add(fees, trade["commissionAsset"], Decimal(trade["commission"]))
        return net, fees


def ledger_of(state: Facts, assets: Assets | None = None) -> Ledger:
    """Read the answer of /simulator/state; the assets are those of data/ unless told."""
    orders: dict[str, Facts] = {}
    doubled: list[str] = []
    trades: dict[str, list[Facts]] = {}
    for order in state["orders"]:
        if order["clientOrderId"] in orders:
            doubled.append(order["clientOrderId"])
        orders[order["clientOrderId"]] = order
    for trade in state["trades"]:
        trades.setdefault(trade["clientOrderId"], []).append(trade)
    held: Facts = next(iter(state["balances"].values()), {})
    balances = {
        asset: Decimal(entry["free"]) + Decimal(entry["locked"]) for asset, entry in held.items()
    }
    return Ledger(orders, tuple(doubled), trades, balances, assets or _shipped_assets())


def ledger_in(path: Path, assets: Assets | None = None) -> Ledger:
    """Read the books of an exchange that is dead, from a copy: the file stays as it was left.

    Without a file, or without an account in it, nothing was traded and nothing granted yet.
    """
    with tempfile.TemporaryDirectory() as folder:
        for left in path.parent.glob(f"{path.name}*"):
            if not left.name.endswith("-shm"):
                shutil.copy(left, folder)
        books = Books.open(Path(folder) / path.name)
        try:
            return ledger_of(state_of(books), assets)
        finally:
            books.close()


def assets_in(info: Facts) -> Assets:
    """Read an exchangeInfo."""
    return {each["symbol"]: (each["baseAsset"], each["quoteAsset"]) for each in info["symbols"]}


def add(amounts: Amounts, asset: str, amount: Decimal) -> None:
    """Put an amount to those of its asset."""
    amounts[asset] = amounts.get(asset, ZERO) + amount


@cache
def _shipped_assets() -> Assets:
    return assets_in(orjson.loads(INFO.read_bytes()))
