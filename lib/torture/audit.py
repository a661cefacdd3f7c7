"""Holds what the bots remember against what the exchange knows, to the last digit.

It may be asked whenever no runner writes: after a kill, in the middle of everything. What a
context does not know yet must then be in doubt or being followed there; all else must add up.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import orjson

from lib.atomic_json import read_generations
from lib.context_file.generation import Generation, decode
from lib.ids import OwnId, bot_tag, parse_id
from lib.orders import FINAL, LIVE, Order, orders_inside
from lib.ownership.orphans import CANCELER
from lib.ownership.orphans import FILE as ORPHANS
from lib.torture.ledger import ZERO, Amounts, Facts, Ledger, add

OPEN: Final = frozenset({"NEW", "PARTIALLY_FILLED", "PENDING_NEW"})
INSTALLATION: Final = "installation.json"


class BooksDiffer(Exception):
    """Contexts and exchange disagree; `found` says each thing."""

    def __init__(self, found: Iterable[str]) -> None:
        self.found = list(found)
        super().__init__(f"{len(self.found)} disagreements:\n" + "\n".join(self.found))


@dataclass(frozen=True, slots=True)
class Orphanage:
    """Who cancels orders that no bot knows: the intents on disk so far."""

    birth: int = 0
    ids_given: int = 0


def audit(
    ctx: Path, ledger: Ledger, start: Mapping[str, Decimal], *, stops: Collection[str] = ()
) -> None:
    """Raise BooksDiffer with every disagreement between contexts and exchange.

    `stops` are the kinds of errors for which a bot may have stopped itself.
    """
    found = list(
        disagreements(
            contexts_in(ctx),
            installation_of(ctx),
            ledger,
            start,
            orphanage=orphanage_of(ctx),
            stops=stops,
        )
    )
    if found:
        raise BooksDiffer(found)


def contexts_in(ctx: Path) -> list[Generation]:
    """Read the newest generation of every bot there is, removed ones too."""
    paths = (path for path in sorted(ctx.glob("*.json")) if path.name != INSTALLATION)
    of_bots = (path for path in paths if "." not in path.stem)  # no bot's name has a point
    return [decode(read_generations(path)) for path in of_bots]


def installation_of(ctx: Path) -> str:
    """Answer the mark of this folder's orders; empty before there is one."""
    try:
        return str(read_generations(ctx / INSTALLATION)["installation"])
    except FileNotFoundError:
        return ""


def orphanage_of(ctx: Path) -> Orphanage:
    """Answer what the file beside the contexts says; nothing before there is one."""
    try:
        fields = read_generations(ctx / ORPHANS)
    except FileNotFoundError:
        return Orphanage()
    return Orphanage(fields["birth"], fields["ids_given"])


def disagreements(
    generations: Iterable[Generation],
    installation: str,
    ledger: Ledger,
    start: Mapping[str, Decimal],
    *,
    orphanage: Orphanage | None = None,
    stops: Collection[str] = (),
) -> Iterator[str]:
    """Say each thing that contexts and exchange do not agree on."""
    accepted = _accepted_by_tag(installation, ledger)
    bots = [_Bot(each, accepted, ledger) for each in generations]
    yield from (f"{id} was accepted twice" for id in ledger.doubled)
    explained = {id for bot in bots for id in bot.accepted}
    yield from (f"{id} belongs to no context" for id in ledger.orders.keys() - explained)
    for bot in bots:
        parked = bot.generation.parked
        if parked is not None and parked.kind not in stops:
            yield f"{bot.generation.bot}: parked: {parked.kind}: {parked.reason}"
        yield from (f"{bot.generation.bot}: {wrong}" for wrong in bot.disagreements())
    yield from _unannounced_cancels(bots, installation, ledger, orphanage or Orphanage())
    yield from _unexplained_balances(bots, ledger, start)


def _accepted_by_tag(installation: str, ledger: Ledger) -> dict[str, dict[str, OwnId]]:
    """Sort the accepted orders of this folder by their bots' tags."""
    sorted_ids: dict[str, dict[str, OwnId]] = {}
    for client_order_id in ledger.orders:
        own = parse_id(client_order_id)
        if own is not None and own.installation == installation:
            sorted_ids.setdefault(own.bot, {})[client_order_id] = own
    return sorted_ids


class _Bot:
    """One context beside the orders that the exchange accepted under its tag."""

    def __init__(
        self, generation: Generation, accepted: Mapping[str, Mapping[str, OwnId]], ledger: Ledger
    ) -> None:
        self.generation = generation
        self.ledger = ledger
        self.tag = bot_tag(generation.bot)
        self.accepted = accepted.get(self.tag, {})
        self.present = {o.id: o for o in orders_inside(generation.context) if o.id}
        self.unbooked = [o for o in self.present.values() if not o.booked]

    def disagreements(self) -> Iterator[str]:
        for former in self.generation.memory.former:
            if former.id in self.ledger.orders:
                yield f"{former.id} was given up as never accepted, and was accepted"
        for client_order_id, own in self.accepted.items():
            yield from self._unannounced(client_order_id, own)
        for order in self.present.values():
            yield from self._misjudged(order)
        yield from self._misbooked()
        yield from self._repeated_turns()

    def _unannounced(self, client_order_id: str, own: OwnId) -> Iterator[str]:
        """An order that left before its intent was on disk, or that was forgotten."""
        memory, shown = self.generation.memory, self.ledger.orders[client_order_id]
        if own.birth != self.generation.birth:
            yield f"{client_order_id} is of another birth than the context"
        if own.counter > memory.ids_given:
            yield f"{client_order_id} is intent {own.counter}, on disk are {memory.ids_given}"
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
        yield from _differing(order, shown)
        for fill in order.fills:
            if not any(_same_fill(fill.model_dump(), t) for t in self._trades(order.id)):
                yield f"{order.id}: trade {fill.trade_id} is not the exchange's"
        if order.executed > Decimal(shown["executedQty"]):
            yield f"{order.id} executed {order.executed} here, {shown['executedQty']} there"

    def _misbooked(self) -> Iterator[str]:
        """Books that are not exactly the trades of all orders but the unfinished ones."""
        waiting = {order.id for order in self.unbooked}
        trades = (t for id in self.accepted.keys() - waiting for t in self._trades(id))
        net, fees = self.ledger.totals(trades)
        memory = self.generation.memory
        for what, ours, theirs in (("net", memory.net, net), ("fees", memory.fees, fees)):
            if _without_zeros(ours) != _without_zeros(theirs):
                yield f"{what} is {_written(ours)} here and {_written(theirs)} at the exchange"

    def _repeated_turns(self) -> Iterator[str]:
        """Each turn of an `infinite` order is one order, no matter how often it was cut off.

        One that is wanted for a while only may come to its end before it was sent.
        """
        conf, context = self.generation.conf, self.generation.context
        if conf.get("bot") != "add_order" or "turn" not in context:
            return
        current = any(id in self.ledger.orders for id in self.present)
        turns = context["turn"] - 1 + current
        may_be_fewer = conf["conf"].get("wait") is not None
        if len(self.accepted) > turns or (len(self.accepted) < turns and not may_be_fewer):
            yield f"{len(self.accepted)} orders were accepted in {turns} turns"

    def _trades(self, client_order_id: str) -> list[Facts]:
        return self.ledger.trades.get(client_order_id, [])

    def explained(self) -> Iterator[tuple[str, Decimal]]:
        """Say what this bot moved: its books, and the exchange's trades not booked yet."""
        memory = self.generation.memory
        trades = (trade for order in self.unbooked for trade in self._trades(order.id))
        net, fees = self.ledger.totals(trades)
        yield from (*memory.net.items(), *net.items())
        yield from ((asset, -amount) for asset, amount in (*memory.fees.items(), *fees.items()))


def _differing(order: Order, shown: Facts) -> Iterator[str]:
    """Say what the exchange was told otherwise than the context has it."""
    for what in ("symbol", "side", "type"):
        if getattr(order, what) != shown[what]:
            yield f"{order.id}: {what} is {getattr(order, what)} here, {shown[what]} there"
    if order.price is not None and order.price != Decimal(shown["price"]):
        yield f"{order.id}: the price is {order.price} here, {shown['price']} there"
    there = Decimal(shown["origQty"])
    if order.quantity is not None and there not in {order.quantity, *order.amends}:
        yield f"{order.id}: the quantity is {order.quantity} here, {there} there"


def _unannounced_cancels(
    bots: Iterable[_Bot], installation: str, ledger: Ledger, orphanage: Orphanage
) -> Iterator[str]:
    """Say which cancels left before their intent was on disk, whoever wanted them."""
    given = {(bot.tag, bot.generation.birth): bot.generation.memory.ids_given for bot in bots} | {
        (bot_tag(CANCELER), orphanage.birth): orphanage.ids_given
    }
    for shown in ledger.orders.values():
        cancel = parse_id(shown["cancelId"] or "")
        if cancel is None or cancel.installation != installation:
            continue
        known = given.get((cancel.bot, cancel.birth), 0)
        if cancel.counter > known:
            yield f"cancel {cancel} is intent {cancel.counter}, on disk are {known}"


def _unexplained_balances(
    bots: Iterable[_Bot], ledger: Ledger, start: Mapping[str, Decimal]
) -> Iterator[str]:
    expected = dict(start)
    for bot in bots:
        for asset, amount in bot.explained():
            add(expected, asset, amount)
    for asset in sorted(expected.keys() | ledger.balances.keys()):
        held, ours = ledger.balances.get(asset, ZERO), expected.get(asset, ZERO)
        if held != ours:
            yield f"the account holds {held} {asset}, the contexts explain {ours}"


_SAME: Final = (
    ("price", "price"),
    ("quantity", "qty"),
    ("quote", "quoteQty"),
    ("commission", "commission"),
)


def _same_fill(fill: Mapping[str, Any], trade: Facts) -> bool:
    return (fill["trade_id"], fill["commission_asset"]) == (
        trade["id"],
        trade["commissionAsset"],
    ) and all(fill[ours] == Decimal(trade[theirs]) for ours, theirs in _SAME)


def _without_zeros(amounts: Mapping[str, Decimal]) -> Amounts:
    return {asset: amount for asset, amount in amounts.items() if amount}


def _written(amounts: Mapping[str, Decimal]) -> str:
    return orjson.dumps({asset: str(amount) for asset, amount in sorted(amounts.items())}).decode()
