"""One bot's money: its budget, and what its own fills brought and cost, by asset.

Nothing of it is stored but the fills themselves: a wallet is the budget, plus the booked orders
in the bot's memory, plus what was executed of the orders that are not booked yet, less the fees in
whatever asset they were taken. So it is the same after every restart, and cannot disagree with
the orders.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from lib.amounts import EXACT
from lib.context_file.generation import Memory
from lib.exchange import ZERO, Fill, OrderRecord
from lib.orders import LIVE, UNSETTLED, Order, OrderState, union
from lib.results import Assets, Position, booked, opening

OUT = UNSETTLED - {OrderState.PLANNED} | LIVE

Records = Callable[[str], OrderRecord | None]


def no_record(_: str) -> OrderRecord | None:
    """Know nothing beyond the contexts."""
    return None


@dataclass(slots=True)
class Wallet:
    """What one bot has. `budget` is None for a bot that shares what no budget reserves."""

    bot: str
    budget: Mapping[str, Decimal] | None = None
    sells_your_coins: bool = False
    memory: Memory = field(default_factory=Memory)
    orders: dict[str, Order] = field(default_factory=dict)  # by id, those not booked yet
    record: Records = no_record  # the newest the exchange told of an order

    def total(self, asset: str) -> Decimal:
        """Answer the budget and what fills made of it, what is in orders included."""
        moved = self._moved.get(asset, ZERO)
        return moved + (self.budget or {}).get(asset, ZERO)

    def out(self, asset: str) -> Decimal:
        """Answer what its orders may still take, at worst."""
        return out_by_asset(self.memory, self.orders.values(), self.record).get(asset, ZERO)

    def free(self, asset: str) -> Decimal:
        """Answer what is neither spent nor in an order; below 0 where nothing was its own."""
        return self.total(asset) - self.out(asset)

    def claim(self, asset: str) -> Decimal:
        """Answer what nobody else may spend; never below 0. Cheap for who cannot have any."""
        had = asset in (self.budget or {}) or self.memory.net.get(asset, ZERO) > 0
        if not had and all(self._brings(order) != asset for order in self.orders.values()):
            return ZERO
        return max(self.free(asset), ZERO)

    @property
    def totals(self) -> dict[str, Decimal]:
        """Answer `total` of every asset that the wallet ever had, but those at zero."""
        assets = sorted({*self._moved, *(self.budget or {})})
        return {asset: total for asset in assets if (total := self.total(asset))}

    @property
    def positions(self) -> dict[str, Position]:
        """Answer what is held and what was realised, by symbol."""
        return positions(self.memory, self.orders.values(), self.record)

    @property
    def fees(self) -> dict[str, Decimal]:
        """Answer what was paid in fees, by asset."""
        fees = dict(self.memory.fees)
        for order in self.orders.values():
            _take_fees(fees, fills_of(order, self.record))
        return fees

    def _brings(self, order: Order) -> str:
        base, quote = self.memory.assets.get(order.symbol, ("", ""))
        return base if order.side == "BUY" else quote

    @property
    def _moved(self) -> dict[str, Decimal]:
        return moved(self.memory, self.orders.values(), self.record)


# --- what fills make of money


def book(memory: Memory, order: Order, assets: Assets) -> None:
    """Put a final order into the books: what it brought and what it cost, by asset."""
    if not order.filled:
        return
    memory.assets[order.symbol] = assets
    before = _position(memory, order.symbol)
    after = memory.positions[order.symbol] = booked(before, order.fills, order.side, assets)
    if after.realised < before.realised:
        memory.losses, memory.lost_at = memory.losses + 1, order.ended_at
    elif after.realised > before.realised:
        memory.losses = 0
    _take_trade(memory.net, order, assets, no_record)
    _take_fees(memory.fees, order.fills)


def moved(
    memory: Memory, orders: Iterable[Order], record: Records = no_record
) -> dict[str, Decimal]:
    """Answer what all fills of a bot brought less their fees, by asset.

    `orders` may be all of a context: booked ones count in the memory alone.
    """
    amounts, fees = dict(memory.net), dict(memory.fees)
    for order in _unbooked(memory, orders):
        _take_trade(amounts, order, memory.assets[order.symbol], record)
        _take_fees(fees, fills_of(order, record))
    for asset, fee in fees.items():
        amounts[asset] = EXACT.subtract(amounts.get(asset, ZERO), fee)
    return amounts


def positions(
    memory: Memory, orders: Iterable[Order], record: Records = no_record
) -> dict[str, Position]:
    """Answer the position of each symbol after all fills of a bot."""
    found = dict(memory.positions)
    for order in _unbooked(memory, orders):
        before = found.get(order.symbol) or _position(memory, order.symbol)
        fills, assets = fills_of(order, record), memory.assets[order.symbol]
        found[order.symbol] = booked(before, fills, order.side, assets)
    return found


def out_by_asset(
    memory: Memory, orders: Iterable[Order], record: Records = no_record
) -> dict[str, Decimal]:
    """Answer what orders may still take at worst, by asset.

    The orders of one side of a list take it once: the one of them that takes most counts.
    """
    amounts: dict[str, Decimal] = {}
    known = [order for order in _unbooked(memory, orders) if order.state in OUT]
    for together in _by_announcement(known):
        base, quote = memory.assets[together[0].symbol]
        asset = base if together[0].side == "SELL" else quote
        left = [_still_out(order, record) for order in together]
        amount = max(left) if any(not order.spends_at_most for order in together) else sum(left)
        amounts[asset] = amounts.get(asset, ZERO) + amount
    return amounts


def _by_announcement(orders: list[Order]) -> list[list[Order]]:
    """Put orders of one side together that were announced in one step, as those of a list are.

    What is pending on an order of the other side takes nothing yet: it waits for what that brings.
    """
    groups: dict[tuple[str, str, int], list[Order]] = {}
    for order in orders:
        groups.setdefault((order.symbol, order.side, order.sent_at), []).append(order)
    paying = {(symbol, at) for (symbol, _, at), group in groups.items() if group[0].spends_at_most}
    return [
        group
        for (symbol, _, at), group in groups.items()
        if any(order.spends_at_most for order in group) or (symbol, at) not in paying
    ]


def _still_out(order: Order, record: Records) -> Decimal:
    """Answer how much an order may still take: base for a SELL, quote for a BUY."""
    heard = record(order.id)
    if heard is not None and heard.status.final:
        return ZERO
    executed, executed_quote = _executed(order, record)
    left = ZERO if order.whole is None else max(order.whole - executed, ZERO)
    announced = order.spends_at_most
    if order.side == "SELL":
        return left if order.whole is not None else max(announced - executed, ZERO)
    price = order.price or (ZERO if announced else order.stop_price or ZERO)
    if price and order.whole is not None:
        return EXACT.multiply(price, left)
    return max(announced - executed_quote, ZERO)


def fills_of(order: Order, record: Records) -> list[Fill]:
    """Answer the fills of an order that the context or the exchange knows."""
    heard = record(order.id)
    return order.fills if heard is None else union(order.fills, heard.fills)


def _unbooked(memory: Memory, orders: Iterable[Order]) -> Iterator[Order]:
    return (order for order in orders if not order.booked and order.symbol in memory.assets)


def _position(memory: Memory, symbol: str) -> Position:
    """Answer a booked position; a memory without any is new, or of a version that kept none."""
    if memory.positions or not memory.net:
        return memory.positions.get(symbol, Position())
    return opening(moved(memory, ()), memory.assets[symbol])


def _executed(order: Order, record: Records) -> tuple[Decimal, Decimal]:
    heard = record(order.id)
    if heard is None:
        return order.executed, order.executed_quote
    return max(order.executed, heard.executed), max(order.executed_quote, heard.executed_quote)


def _take_trade(amounts: dict[str, Decimal], order: Order, assets: Assets, record: Records) -> None:
    base, quote = assets
    executed, executed_quote = _executed(order, record)
    sign = 1 if order.side == "BUY" else -1
    amounts[base] = EXACT.add(amounts.get(base, ZERO), sign * executed)
    amounts[quote] = EXACT.subtract(amounts.get(quote, ZERO), sign * executed_quote)


def _take_fees(fees: dict[str, Decimal], fills: Iterable[Fill]) -> None:
    for fill in fills:
        if fill.commission:
            known = fees.get(fill.commission_asset, ZERO)
            fees[fill.commission_asset] = EXACT.add(known, fill.commission)
