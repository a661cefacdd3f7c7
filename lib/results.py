"""What a bot's fills brought: realised and not yet realised, by average cost.

A position is one symbol's base asset as the bot's own fills left it, and what it cost. Selling
realises the proceeds less the average cost of what was sold. Fees in the symbol's own assets are
inside: those in base lessen the quantity, those in quote the proceeds. Fees in another asset
(BNB) stand beside, by asset. Nothing is lost to rounding: what an average leaves over stays in
the cost of what is still held, so realised less cost is always the quote that moved.
"""

from collections.abc import Iterable, Mapping
from decimal import Context, Decimal
from typing import Final, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict

from lib.amounts import EXACT, ZERO, plain
from lib.exchange import Fill

Assets: TypeAlias = tuple[str, str]  # base and quote of a symbol

SHARES: Final = Context(prec=200)
FINEST: Final = Decimal("1e-18")  # of the quote asset, in an average


class Position(BaseModel):
    """One symbol: what is held, what it cost, what was realised; all but the first in quote.

    Below zero, more was sold than the bot ever bought: the person's own coins.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    quantity: Decimal = ZERO
    cost: Decimal = ZERO
    realised: Decimal = ZERO
    price: Decimal = ZERO  # of the newest own fill
    priced_at: int = 0  # exchange ms

    def unrealised(self, price: Decimal) -> Decimal:
        """Answer what selling everything at a price would realise, before fees."""
        return EXACT.subtract(EXACT.multiply(self.quantity, price), self.cost)


def booked(
    position: Position, fills: Iterable[Fill], side: Literal["BUY", "SELL"], assets: Assets
) -> Position:
    """Answer the position after these fills."""
    for fill in fills:
        quantity, cost = _moved_by(fill, side, assets)
        position = _traded(position, quantity, cost)
        if fill.time >= position.priced_at:
            newest = {"price": fill.price, "priced_at": fill.time}
            position = position.model_copy(update=newest)
    return position


def opening(moved: Mapping[str, Decimal], assets: Assets) -> Position:
    """Begin from sums alone, as contexts kept them before there were positions.

    What is held is taken to have cost all that was spent; without any, all is realised.
    """
    base, quote = (moved.get(asset, ZERO) for asset in assets)
    if base:
        return Position(quantity=base, cost=-quote)
    return Position(realised=quote)


def _moved_by(fill: Fill, side: Literal["BUY", "SELL"], assets: Assets) -> tuple[Decimal, Decimal]:
    """Answer what a fill added of base, and what it cost in quote; a sale costs less than 0."""
    base, quote = assets
    sign = 1 if side == "BUY" else -1
    quantity, cost = sign * fill.quantity, sign * fill.quote
    if fill.commission_asset == base:
        quantity = EXACT.subtract(quantity, fill.commission)
    elif fill.commission_asset == quote:
        cost = EXACT.add(cost, fill.commission)
    return quantity, cost


def _traded(position: Position, quantity: Decimal, cost: Decimal) -> Position:
    """Add to a position; or close as much of it as possible and open the rest the other way."""
    held = position.quantity
    closing = min(abs(held), abs(quantity)) if held * quantity < 0 else ZERO
    former = _share(position.cost, closing, abs(held))
    latter = _share(cost, closing, abs(quantity))
    closed = EXACT.add(former, latter)
    return position.model_copy(
        update={
            "quantity": EXACT.add(held, quantity),
            "cost": EXACT.subtract(EXACT.add(position.cost, cost), closed),
            "realised": EXACT.subtract(position.realised, closed),
        }
    )


def _share(amount: Decimal, part: Decimal, whole: Decimal) -> Decimal:
    """Answer the part of an amount; of a whole all of it, to the last digit."""
    if part in {ZERO, whole}:
        return amount if part else ZERO
    exact = SHARES.divide(SHARES.multiply(amount, part), whole)
    return Decimal(plain(SHARES.quantize(exact, FINEST)))
