"""Closed trades: what went in, what came out, what it brought.

Coins of a symbol lie in one pool: what leaves it leaves at the average price, the average fees and
the average age of what is in it, as the money in lib/results.py does. So the profits of all trades
add up to what the bot realised. What was sold before it was bought is a pool below zero.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final, Literal, TypeAlias

from lib.amounts import ZERO
from lib.backtest.ledger import FillLine
from lib.backtest.result import fill_of, side_of
from lib.results import Position, booked

Assets: TypeAlias = tuple[str, str]
Direction: TypeAlias = Literal["long", "short"]
Price: TypeAlias = Callable[[str], Decimal | None]

LONG: Final = "long"
SHORT: Final = "short"  # sold before it was bought


@dataclass(frozen=True, slots=True)
class Trade:
    """What one closing order closed. Prices, profit and fees in the symbol's quote asset."""

    bot: str
    symbol: str
    direction: Direction
    quantity: Decimal
    entry_price: Decimal  # average, before fees
    exit_price: Decimal
    entered_at: int  # exchange ms, the average of what was closed
    exited_at: int
    profit: Decimal  # every fee taken off
    fees: Decimal  # of the way in and the way out
    quote_asset: str
    worth: Decimal  # the profit in the account's asset, at the prices of that moment
    order: int  # the closing order's number at the exchange


@dataclass(slots=True)
class Pool:
    """What is held, and how it came. Sums of money in quote; `moments` is quantity times ms."""

    quantity: Decimal = ZERO
    quote: Decimal = ZERO
    fees: Decimal = ZERO
    outside: Decimal = ZERO  # those of the fees that another asset paid
    moments: Decimal = ZERO

    def add(self, quantity: Decimal, quote: Decimal, fees: "Fees", time: int) -> None:
        self.quantity += quantity
        self.quote += quote
        self.fees += fees.all
        self.outside += fees.outside
        self.moments += quantity * time

    def take(self, quantity: Decimal) -> "Pool":
        """Take a part of everything out."""
        part = quantity / self.quantity
        taken = Pool(*(part * each for each in self._amounts()))
        self.quantity -= taken.quantity
        self.quote -= taken.quote
        self.fees -= taken.fees
        self.outside -= taken.outside
        self.moments -= taken.moments
        return taken

    def _amounts(self) -> tuple[Decimal, ...]:
        return self.quantity, self.quote, self.fees, self.outside, self.moments


@dataclass(frozen=True, slots=True)
class Fees:
    """A fill's fee in quote, and how much of it another asset paid (BNB)."""

    all: Decimal
    outside: Decimal

    def part(self, share: Decimal) -> "Fees":
        return Fees(self.all * share, self.outside * share)


class RoundTrips:
    """One bot on one symbol. Owns its position and its closed trades."""

    def __init__(self, bot: str, symbol: str, assets: Assets) -> None:
        self._names = bot, symbol
        self._assets = assets
        self._position = Position()
        self._pool = Pool()
        self._trades: dict[int, Trade] = {}  # by closing order

    @property
    def trades(self) -> list[Trade]:
        """Answer the closed trades; a closing order that still fills may yet grow."""
        return list(self._trades.values())

    def book(self, line: FillLine, price: Price) -> None:
        """Take in a fill; `price` answers what an asset costs in the account's."""
        before = self._position
        fill = fill_of(line, 0)
        self._position = booked(before, [fill], side_of(line), self._assets)
        fees = _fees(line, self._assets, price)
        long = line.side == "BUY"
        closing = min(abs(before.quantity), fill.quantity) if _closes(before, long=long) else ZERO
        if closing:
            part = closing / fill.quantity
            realised = self._position.realised - before.realised
            self._close(line, closing, fees.part(part), realised, price)
        if opened := fill.quantity - closing:
            part = opened / fill.quantity
            self._pool.add(opened, fill.quote * part, fees.part(part), line.time)

    def _close(
        self, line: FillLine, quantity: Decimal, fees: Fees, realised: Decimal, price: Price
    ) -> None:
        """Note what a fill closed; fills of one order are one trade."""
        bot, symbol = self._names
        taken = self._pool.take(min(quantity, self._pool.quantity)) if self._pool.quantity else None
        into = taken or Pool()
        profit = realised - fees.outside - into.outside
        quote_asset = self._assets[1]
        trade = Trade(
            *(bot, symbol, SHORT if line.side == "BUY" else LONG, quantity),
            entry_price=into.quote / into.quantity if into.quantity else Decimal(line.price),
            exit_price=Decimal(line.price),
            entered_at=int(into.moments / into.quantity) if into.quantity else line.time,
            exited_at=line.time,
            profit=profit,
            fees=fees.all + into.fees,
            quote_asset=quote_asset,
            worth=profit * (price(quote_asset) or ZERO),
            order=line.order,
        )
        former = self._trades.get(line.order)
        self._trades[line.order] = _joined(former, trade) if former else trade


def _closes(position: Position, *, long: bool) -> bool:
    return position.quantity < 0 if long else position.quantity > 0


def _fees(line: FillLine, assets: Assets, price: Price) -> Fees:
    """Price a fee in quote: in base by the fill itself, in another asset by what both cost."""
    base, quote = assets
    fee = Decimal(line.fee)
    if line.fee_asset == quote:
        return Fees(fee, ZERO)
    if line.fee_asset == base:
        return Fees(fee * Decimal(line.price), ZERO)
    other, own = price(line.fee_asset), price(quote)
    worth = fee * other / own if other and own else ZERO
    return Fees(worth, worth)


def _joined(one: Trade, other: Trade) -> Trade:
    """Put two fills of one closing order together."""
    whole = one.quantity + other.quantity

    def mean(first: Decimal, second: Decimal) -> Decimal:
        return (first * one.quantity + second * other.quantity) / whole

    return replace(
        other,
        quantity=whole,
        entry_price=mean(one.entry_price, other.entry_price),
        exit_price=mean(one.exit_price, other.exit_price),
        entered_at=int(mean(Decimal(one.entered_at), Decimal(other.entered_at))),
        profit=one.profit + other.profit,
        fees=one.fees + other.fees,
        worth=one.worth + other.worth,
    )
