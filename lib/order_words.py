"""An order in a person's words, and what its end gives back."""

from decimal import Decimal

from lib.exchange import ZERO
from lib.money import EXACT, SymbolRules, plain
from lib.orders import Order, OrderState


def describe(order: Order) -> str:
    """Name an order for a person: BUY 0.001 BTCUSDT at 61000."""
    amount = order.quantity if order.quantity is not None else order.quote_quantity
    size = plain(amount) if amount is not None else "?"
    unit = "" if order.quantity is not None else " (quote)"
    price = f" at {plain(order.price)}" if order.price is not None else " at market"
    stop = f" once {plain(order.stop_price)} is reached" if order.stop_price is not None else ""
    return f"{order.side} {size}{unit} {order.symbol}{price}{stop}"


def set_free(order: Order, rules: SymbolRules) -> tuple[str, Decimal]:
    """Answer the asset that a cancel unlocked, and how much; zero where that is not certain."""
    asset = rules.base_asset if order.side == "SELL" else rules.quote_asset
    if order.state is not OrderState.CANCELED or order.whole is None:
        return asset, ZERO
    left = order.whole - order.executed
    if order.side == "SELL":
        return asset, left
    return asset, ZERO if order.price is None else EXACT.multiply(left, order.price)
