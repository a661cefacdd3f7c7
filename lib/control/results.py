"""What a bot has and what its trades brought, read from its file, for people and programs."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Self

from lib.amounts import add_by_asset
from lib.budget import Terms, split_terms
from lib.context_file.generation import Generation
from lib.control.ctx_folder import Page
from lib.control.log_lines import local_time
from lib.control.standing import signed
from lib.money import plain
from lib.news import readable
from lib.orders import Order
from lib.results import Position
from lib.wallet import Wallet, out_by_asset

Amounts = dict[str, Decimal]


@dataclass(slots=True)
class Sums:
    """Results by asset: realised and unrealised in quote assets, fees in whichever were taken."""

    realised: Amounts = field(default_factory=dict)
    unrealised: Amounts = field(default_factory=dict)
    fees: Amounts = field(default_factory=dict)

    def add(self, other: Self) -> None:
        """Take another's sums in."""
        for ours, theirs in zip(self._parts, other._parts, strict=True):
            add_by_asset(ours, theirs)

    @property
    def _parts(self) -> tuple[Amounts, Amounts, Amounts]:
        return self.realised, self.unrealised, self.fees

    def __str__(self) -> str:
        """Write them in a line; empty if nothing was traded."""
        realised = listed(self.realised, signed)
        unrealised = listed(self.unrealised, signed)
        parts = [
            f"realised {realised}" if realised else "",
            f"unrealised {unrealised}" if unrealised else "",
            f"fees {listed(self.fees)}" if any(self.fees.values()) else "",
        ]
        return "; ".join(filter(None, parts))


@dataclass(frozen=True, slots=True)
class Money:
    """One bot's wallet and results. Prices are those of its own newest fills."""

    wallet: Wallet
    assets: Mapping[str, tuple[str, str]]

    @property
    def sums(self) -> Sums:
        """Add up the results of all its symbols."""
        sums = Sums(fees=self.wallet.fees)
        for symbol, position in self.wallet.positions.items():
            quote = self.assets[symbol][1]
            add_by_asset(sums.realised, {quote: position.realised})
            if position.quantity:
                add_by_asset(sums.unrealised, {quote: position.unrealised(position.price)})
        return sums

    @property
    def in_orders(self) -> Amounts:
        """What its unfinished orders may still take, by asset."""
        return out_by_asset(self.wallet.memory, self.wallet.orders.values())


def money_of(generation: Generation, orders: Iterable[Order]) -> Money:
    """Read a bot's money from its file."""
    memory = generation.memory
    unbooked = {order.id: order for order in orders if order.id and not order.booked}
    wallet = Wallet(generation.bot, last_budget(generation), memory=memory, orders=unbooked)
    return Money(wallet, memory.assets)


def last_budget(generation: Generation) -> Amounts | None:
    """Answer the budget that a bot last ran with."""
    money, _ = split_terms(generation.conf)
    quotes = {symbol: quote for symbol, (_, quote) in generation.memory.assets.items()}
    try:
        return Terms.model_validate(money).amounts(generation.symbols, quotes)
    except ValueError:  # of an asset not known yet: it never ran
        return None


def sums_by_venue(pages: Iterable[Page]) -> dict[str, Sums]:
    """Add up the results of all bots, real and unreal money apart."""
    found: dict[str, Sums] = {}
    for page in pages:
        if page.generation is not None:
            sums = money_of(page.generation, page.orders).sums
            found.setdefault(page.generation.venue, Sums()).add(sums)
    return found


# --- for a person


def told(money: Money) -> Iterator[str]:
    """Say what a bot has and what it brought, in a line each; nothing of one that never traded."""
    wallet = money.wallet
    holds = listed(wallet.totals, readable)
    if wallet.budget is not None:
        yield f"wallet: {holds or 'nothing'}, of a budget of {listed(wallet.budget) or 'nothing'}"
    elif holds:
        yield f"wallet: {holds}; no budget"
    if str(money.sums):
        yield f"result: {money.sums}"
    for symbol, position in wallet.positions.items():
        if position.quantity:
            yield f"holds: {_held(position, money.assets[symbol])}"


def listed(amounts: Mapping[str, Decimal], write: Any = plain) -> str:
    """List amounts by asset: `0.001 BTC, 12 USDT`; those at zero are left out."""
    return ", ".join(f"{write(amount)} {asset}" for asset, amount in amounts.items() if amount)


def _held(position: Position, assets: tuple[str, str]) -> str:
    base, quote = assets
    cost, price = readable(position.cost), plain(position.price)
    return (
        f"{plain(position.quantity)} {base} for {cost} {quote}; its last trade was at {price}, "
        f"{local_time(position.priced_at)}"
    )


# --- for a program


def wallet_as_json(money: Money) -> dict[str, Any]:
    """Write a wallet, all amounts as text."""
    budget = money.wallet.budget
    return {
        "budget": None if budget is None else amounts_as_text(budget),
        "total": amounts_as_text(money.wallet.totals),
        "in_orders": amounts_as_text(money.in_orders),
    }


def sums_as_json(sums: Sums) -> dict[str, Any]:
    """Write results, all amounts as text."""
    return {
        "realised": amounts_as_text(sums.realised),
        "unrealised": amounts_as_text(sums.unrealised),
        "fees": amounts_as_text(sums.fees),
    }


def positions_as_json(money: Money) -> list[dict[str, Any]]:
    """Write what is held and what was realised, by symbol."""
    return [
        {
            "symbol": symbol,
            "quantity": plain(position.quantity),
            "cost": plain(position.cost),
            "realised": plain(position.realised),
            "unrealised": plain(position.unrealised(position.price)),
            "price": plain(position.price),
            "priced_at": position.priced_at,
        }
        for symbol, position in money.wallet.positions.items()
    ]


def amounts_as_text(amounts: Mapping[str, Decimal]) -> dict[str, str]:
    """Write amounts by asset exactly."""
    return {asset: plain(amount) for asset, amount in amounts.items()}
