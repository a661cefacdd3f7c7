"""What orders moved, added up by asset: as the exchange has it, and as contexts say."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from lib.context_file.generation import Generation
from lib.ids import bot_tag, parse_id
from lib.orders import Order, orders_inside


def is_of(bot: str, client_order_id: str) -> bool:
    own = parse_id(client_order_id)
    return own is not None and own.bot == bot_tag(bot)


def executed_of(orders: list[dict[str, Any]]) -> dict[str, Decimal]:
    """Add up what orders moved by the exchange's own account, without fees."""
    moved: dict[str, Decimal] = {}
    for order in orders:
        base, sign = order["symbol"].removesuffix("USDT"), 1 if order["side"] == "BUY" else -1
        _add(moved, base, sign * Decimal(order["executedQty"]))
        _add(moved, "USDT", -sign * Decimal(order["cummulativeQuoteQty"]))
    return {asset: amount for asset, amount in moved.items() if amount}


def net_of(generation: Generation) -> dict[str, Decimal]:
    """Add up what a context says its orders moved, without fees."""
    moved = dict(generation.memory.net)
    for order in orders_inside(generation.context):
        if not order.booked:
            add_fills(moved, order)
    return {asset: amount for asset, amount in moved.items() if amount}


def add_fills(moved: dict[str, Decimal], order: Order) -> None:
    base, sign = order.symbol.removesuffix("USDT"), 1 if order.side == "BUY" else -1
    for fill in order.fills:
        _add(moved, base, sign * fill.quantity)
        _add(moved, "USDT", -sign * fill.quote)


def add_fees(moved: dict[str, Decimal], order: Order) -> None:
    for fill in order.fills:
        _add(moved, fill.commission_asset, -fill.commission)


def _add(moved: dict[str, Decimal], asset: str, amount: Decimal) -> None:
    moved[asset] = moved.get(asset, Decimal(0)) + amount


def shown(moved: Mapping[str, Decimal]) -> str:
    return ", ".join(f"{amount} {asset}" for asset, amount in sorted(moved.items())) or "nothing"
