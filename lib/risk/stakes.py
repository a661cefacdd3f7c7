"""What is at stake in a symbol: what a bot's fills left, and what open entries may still take.

Where the exchange said that more was executed than its trades add up to so far, that counts as
held; of what an exit executed only the trades count. So no stake is too small for want of news.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal

from lib.amounts import EXACT, ZERO, total
from lib.orders import Order
from lib.risk.worth import Worth
from lib.wallet import OUT, Wallet, fills_of, out_by_asset


@dataclass(frozen=True, slots=True)
class Stake:
    """One bot's in one symbol. None of the amounts is below 0."""

    base: str
    quote: str
    held: Decimal  # of base: bought and not sold, or sold and not bought back
    cost: Decimal  # of quote: what that was bought for, or brought
    to_buy: Decimal  # of quote: what open entries may still take at worst
    to_sell: Decimal  # of base: the same of entries that sell

    def at_market(self, worth: Worth) -> Decimal:
        """Answer its worth at the price of the moment. Raises Unvalued."""
        base = worth.of(self.base, EXACT.add(self.held, self.to_sell))
        return EXACT.add(base, worth.of(self.quote, self.to_buy))

    def at_cost(self, worth: Worth) -> Decimal:
        """Answer the worth of what it took, and of what it may still take. Raises Unvalued."""
        quote = worth.of(self.quote, EXACT.add(self.cost, self.to_buy))
        return EXACT.add(quote, worth.of(self.base, self.to_sell))


def stakes(wallets: Iterable[Wallet]) -> list[Stake]:
    """Answer all stakes of these bots that are not empty."""
    return [stake for wallet in wallets for stake in _of_wallet(wallet) if _any(stake)]


def opens(order: Order) -> bool:
    """Say whether an announced order is an entry; those of old contexts by what they do."""
    return order.side == "BUY" if order.opens is None else order.opens


def _any(stake: Stake) -> bool:
    return any((stake.held, stake.cost, stake.to_buy, stake.to_sell))


def _of_wallet(wallet: Wallet) -> Iterator[Stake]:
    entries = [order for order in wallet.orders.values() if opens(order) and not order.booked]
    positions = wallet.positions
    for symbol in sorted({*positions, *(order.symbol for order in entries)}):
        if symbol not in wallet.memory.assets:
            continue
        base, quote = wallet.memory.assets[symbol]
        of_symbol = [order for order in entries if order.symbol == symbol]
        unheard = [_unheard(wallet, order) for order in of_symbol]
        position = positions.get(symbol)
        yield Stake(
            base=base,
            quote=quote,
            held=total([abs(position.quantity) if position else ZERO, *(q for q, _ in unheard)]),
            cost=total([abs(position.cost) if position else ZERO, *(c for _, c in unheard)]),
            to_buy=_still_out(wallet, of_symbol, quote, "BUY"),
            to_sell=_still_out(wallet, of_symbol, base, "SELL"),
        )


def _unheard(wallet: Wallet, order: Order) -> tuple[Decimal, Decimal]:
    """Answer what was executed of an order beyond its trades that are known: base and quote."""
    heard, fills = wallet.record(order.id), fills_of(order, wallet.record)
    executed, quote = order.executed, order.executed_quote
    if heard is not None:
        executed = max(executed, heard.executed)
        quote = max(quote, heard.executed_quote)
    known = total(fill.quantity for fill in fills)
    paid = total(fill.quote for fill in fills)
    return max(EXACT.subtract(executed, known), ZERO), max(EXACT.subtract(quote, paid), ZERO)


def _still_out(wallet: Wallet, entries: Iterable[Order], asset: str, side: str) -> Decimal:
    """Answer what entries of a side may still take; of those in a list the one that takes most."""
    groups: dict[str, list[Order]] = {}
    for order in entries:
        if order.side == side and order.state in OUT:
            groups.setdefault(order.list_id or order.id, []).append(order)
    taken = (out_by_asset(wallet.memory, group, wallet.record) for group in groups.values())
    return total(amounts.get(asset, ZERO) for amounts in taken)


def open_orders(wallets: Iterable[Wallet]) -> int:
    """Count the orders of these bots that are open, or may be."""
    return sum(_is_open(wallet, order) for wallet in wallets for order in wallet.orders.values())


def _is_open(wallet: Wallet, order: Order) -> bool:
    heard = wallet.record(order.id)
    ended = heard is not None and heard.status.final
    return order.state in OUT and not ended
