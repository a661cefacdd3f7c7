"""Holds what the bots remember against what the exchange knows, to the last digit.

It may be asked whenever no runner writes: after a kill, in the middle of everything. What a
context does not know yet must then be in doubt or being followed there; all else must add up.
Nothing of the product's arithmetic is used: the exchange's own trades are the truth.
"""

import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeAlias

import orjson

from lib.atomic_json import read_generations
from lib.generation import Generation, decode
from lib.ids import OwnId, bot_tag, parse_id
from lib.orders import FINAL, LIVE, Order, orders_inside
from lib.simulator.books.audit import state_of
from lib.simulator.books.books import Books

Amounts: TypeAlias = dict[str, Decimal]
Facts: TypeAlias = Mapping[str, Any]

OPEN = {"NEW", "PARTIALLY_FILLED", "PENDING_NEW"}
ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Ledger:
    """The exchange's side: every order it ever accepted, its trades, what the account holds."""

    orders: Mapping[str, Facts]  # by client order id
    doubled: tuple[str, ...]  # client order ids that were accepted more than once
    trades: Mapping[str, list[Facts]]  # by client order id
    balances: Amounts  # free and locked together


def ledger_of(state: Facts) -> Ledger:
    """Read the answer of /simulator/state."""
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
    return Ledger(orders, tuple(doubled), trades, balances)


def ledger_in(path: Path) -> Ledger:
    """Read the books of an exchange that is dead, from a copy: the file stays as it was left.

    Without a file, or without an account in it, nothing was traded and nothing granted yet.
    """
    with tempfile.TemporaryDirectory() as folder:
        for left in path.parent.glob(f"{path.name}*"):
            if not left.name.endswith("-shm"):
                shutil.copy(left, folder)
        books = Books.open(Path(folder) / path.name)
        try:
            return ledger_of(state_of(books))
        finally:
            books.close()


def contexts_in(ctx: Path) -> list[Generation]:
    """Read the newest generation of every bot there is, removed ones too."""
    paths = (path for path in sorted(ctx.glob("*.json")) if path.name != "installation.json")
    return [decode(read_generations(path)) for path in paths]


def audit(ctx: Path, ledger: Ledger, start: Mapping[str, Decimal]) -> None:
    """Raise AssertionError with every disagreement between contexts and exchange."""
    found = list(disagreements(contexts_in(ctx), installation_of(ctx), ledger, start))
    assert not found, f"{len(found)} disagreements:\n" + "\n".join(found)


def installation_of(ctx: Path) -> str:
    try:
        return str(read_generations(ctx / "installation.json")["installation"])
    except FileNotFoundError:
        return ""


def disagreements(
    generations: Iterable[Generation],
    installation: str,
    ledger: Ledger,
    start: Mapping[str, Decimal],
) -> Iterator[str]:
    """Say each thing that contexts and exchange do not agree on."""
    bots = [_Bot(generation, installation, ledger) for generation in generations]
    yield from (f"{id} was accepted twice" for id in ledger.doubled)
    explained = {id for bot in bots for id in bot.accepted}
    yield from (f"{id} belongs to no context" for id in ledger.orders.keys() - explained)
    for bot in bots:
        yield from (f"{bot.generation.bot}: {wrong}" for wrong in bot.disagreements())
    yield from _unexplained_balances(bots, ledger, start)


class _Bot:
    """One context beside the orders that the exchange accepted under its tag."""

    def __init__(self, generation: Generation, installation: str, ledger: Ledger) -> None:
        self.generation = generation
        self.ledger = ledger
        self.accepted = {
            client_order_id: own
            for client_order_id in ledger.orders
            if (own := parse_id(client_order_id)) is not None
            and own.installation == installation
            and own.bot == bot_tag(generation.bot)
        }
        self.present = {o.id: o for o in orders_inside(generation.context) if o.id}
        self.unbooked = [o for o in self.present.values() if not o.booked]

    def disagreements(self) -> Iterator[str]:
        generation, memory = self.generation, self.generation.memory
        if generation.parked is not None:
            yield f"parked: {generation.parked.kind}: {generation.parked.reason}"
        for former in memory.former:
            if former.id in self.ledger.orders:
                yield f"{former.id} was given up as never accepted, and was accepted"
        for client_order_id, own in self.accepted.items():
            yield from self._unannounced(client_order_id, own)
        for order in self.present.values():
            yield from self._misjudged(order)
        yield from self._misbooked()
        yield from self._repeated_turns()

    def _unannounced(self, client_order_id: str, own: OwnId) -> Iterator[str]:
        """An order or cancel that left before its intent was on disk, or that was forgotten."""
        memory, shown = self.generation.memory, self.ledger.orders[client_order_id]
        if own.birth != self.generation.birth:
            yield f"{client_order_id} is of another birth than the context"
        if own.counter > memory.ids_given:
            yield f"{client_order_id} is intent {own.counter}, on disk are {memory.ids_given}"
        cancel = parse_id(shown["cancelId"])
        if cancel is not None and cancel.counter > memory.ids_given:
            yield f"cancel {cancel} is intent {cancel.counter}, on disk are {memory.ids_given}"
        known = self.present.get(client_order_id)
        if shown["status"] in OPEN and (known is None or known.state in FINAL):
            yield f"{client_order_id} is {shown['status']} at the exchange and forgotten here"

    def _misjudged(self, order: Order) -> Iterator[str]:
        """An order of which the context believes more than the exchange knows."""
        shown = self.ledger.orders.get(order.id)
        if shown is None:
            if order.state in LIVE or order.filled:
                yield f"{order.id} is {order.state} here and was never accepted"
            return
        for fill in order.fills:
            if not any(_same_fill(fill.model_dump(), t) for t in self.ledger.trades[order.id]):
                yield f"{order.id}: trade {fill.trade_id} is not the exchange's"
        if order.executed > Decimal(shown["executedQty"]):
            yield f"{order.id} executed {order.executed} here, {shown['executedQty']} there"

    def _misbooked(self) -> Iterator[str]:
        """Books that are not exactly the trades of all orders but the unfinished ones."""
        waiting = {order.id for order in self.unbooked}
        trades = (t for id in self.accepted.keys() - waiting for t in self._trades(id))
        net, fees = totals(trades)
        memory = self.generation.memory
        for what, ours, theirs in (("net", memory.net, net), ("fees", memory.fees, fees)):
            if _without_zeros(ours) != _without_zeros(theirs):
                yield f"{what} is {_written(ours)} here and {_written(theirs)} at the exchange"

    def _repeated_turns(self) -> Iterator[str]:
        """Each turn of an `infinite` order is one order, no matter how often it was cut off."""
        conf, context = self.generation.conf, self.generation.context
        if conf.get("bot") != "add_order" or "turn" not in context:
            return
        current = any(id in self.ledger.orders for id in self.present)
        turns = context["turn"] - 1 + current
        if len(self.accepted) != turns:
            yield f"{len(self.accepted)} orders were accepted in {turns} turns"

    def _trades(self, client_order_id: str) -> list[Facts]:
        return self.ledger.trades.get(client_order_id, [])

    def explained(self) -> Iterator[tuple[str, Decimal]]:
        """Say what this bot moved: its books, and the exchange's trades not booked yet."""
        memory = self.generation.memory
        net, fees = totals(trade for order in self.unbooked for trade in self._trades(order.id))
        yield from (*memory.net.items(), *net.items())
        yield from ((asset, -amount) for asset, amount in (*memory.fees.items(), *fees.items()))


def totals(trades: Iterable[Facts]) -> tuple[Amounts, Amounts]:
    """Add up what trades brought and what they cost in fees, by asset."""
    net: Amounts = {}
    fees: Amounts = {}
    for trade in trades:
        sign = 1 if trade["side"] == "BUY" else -1
        base = trade["symbol"].removesuffix("USDT")
        _add(net, base, sign * Decimal(trade["qty"]))
        _add(net, "USDT", -sign * Decimal(trade["quoteQty"]))
        _add(fees, trade["commissionAsset"], Decimal(trade["commission"]))
    return net, fees


def _unexplained_balances(
    bots: Iterable[_Bot], ledger: Ledger, start: Mapping[str, Decimal]
) -> Iterator[str]:
    expected = dict(start)
    for bot in bots:
        for asset, amount in bot.explained():
            _add(expected, asset, amount)
    for asset in sorted(expected.keys() | ledger.balances.keys()):
        held, ours = ledger.balances.get(asset, ZERO), expected.get(asset, ZERO)
        if held != ours:
            yield f"the account holds {held} {asset}, the contexts explain {ours}"


def _same_fill(fill: Facts, trade: Facts) -> bool:
    return (fill["trade_id"], fill["commission_asset"]) == (
        trade["id"],
        trade["commissionAsset"],
    ) and all(
        fill[ours] == Decimal(trade[theirs])
        for ours, theirs in (
            ("price", "price"),
            ("quantity", "qty"),
            ("quote", "quoteQty"),
            ("commission", "commission"),
        )
    )


def _add(amounts: Amounts, asset: str, amount: Decimal) -> None:
    amounts[asset] = amounts.get(asset, ZERO) + amount


def _without_zeros(amounts: Mapping[str, Decimal]) -> Amounts:
    return {asset: amount for asset, amount in amounts.items() if amount}


def _written(amounts: Mapping[str, Decimal]) -> str:
    return orjson.dumps({asset: str(amount) for asset, amount in sorted(amounts.items())}).decode()
