"""What a bot would do, told from its section of conf.json, and whether the rules allow it."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, Final, Protocol, runtime_checkable

from lib.bot_kinds import BotKind
from lib.conf import BotConf
from lib.control.conf_changes import leaves
from lib.control.template import purpose
from lib.mistakes import written
from lib.money import SymbolRules, plain
from lib.orders import LIMIT_TYPES, Order
from lib.settings import Settings
from lib.sizes import COINS, Size


@runtime_checkable
class Told(Protocol):
    """A conf that tells its plan itself, in a sentence or two."""

    @property
    def plan_text(self) -> str: ...


@runtime_checkable
class Wrapping(Protocol):
    """A conf that holds another bot's."""

    def inner(self) -> tuple[BotKind, Settings]: ...


UNTOLD: Final = frozenset({"function", "comment"})


def plan_text(bot: BotConf) -> str:
    """Say in a sentence or two what a bot would do."""
    if isinstance(bot.conf, Told):
        return bot.conf.plan_text
    parameters = ", ".join(
        f"{written(path)} {_plainly(value)}"
        for path, value in leaves(bot.raw)
        if path[0] not in UNTOLD
    )
    return " ".join(part for part in (purpose(bot.module), parameters) if part)


def complaints(
    conf: Settings, rules: Mapping[str, SymbolRules], prices: Mapping[str, Decimal]
) -> Iterator[str]:
    """Say which of the venue's rules the orders of a conf would break, as far as it shows."""
    unknown = [symbol for symbol in conf.symbols if symbol not in rules]
    yield from (f"the venue does not trade {symbol}" for symbol in unknown)
    for order in orders_of(conf):
        if order.symbol in rules:
            price = prices.get(order.symbol)
            yield from _broken(rules[order.symbol], order, price)


def orders_of(conf: object) -> Iterator[Order]:
    """Draft the orders whose amounts a conf names: each part with a symbol and a quantity."""
    if isinstance(conf, Wrapping):
        yield from orders_of(conf.inner()[1])
    elif isinstance(conf, Settings):
        order = _draft(conf)
        if order is not None:
            yield order
        for name in type(conf).model_fields:
            yield from orders_of(getattr(conf, name))


def _draft(conf: Settings) -> Order | None:
    values: dict[str, Any] = {name: getattr(conf, name) for name in type(conf).model_fields}
    quantity, quote_quantity = values.get("quantity"), values.get("quoteOrderQty")
    if not isinstance(values.get("symbol"), str) or (quantity is None and quote_quantity is None):
        return None
    if isinstance(quantity, Size):
        if quantity.unit != COINS:
            return None  # what it comes to shows once there is a price and a wallet
        quantity = quantity.amount
    kind = values.get("type") or "MARKET"
    return Order(
        symbol=values["symbol"],
        side=values.get("side") or "BUY",
        type=kind,
        quantity=quantity,
        quote_quantity=quote_quantity,
        price=values.get("price"),
        stop_price=values.get("stopPrice"),
        time_in_force=values.get("timeInForce")
        or ("GTC" if kind in LIMIT_TYPES - {"LIMIT_MAKER"} else None),
    )


def _broken(rules: SymbolRules, order: Order, price: Decimal | None) -> Iterator[str]:
    """Judge an order as it would be sent: rounded."""
    if order.quantity is not None:
        order.quantity = rules.round_quantity(order.quantity, order.type)
    if order.price is not None:
        order.price = rules.round_price(order.price, order.side)
    if order.stop_price is not None:
        order.stop_price = rules.round_price(order.stop_price, order.side)
    for text in rules.complaints(order, reference_price=price):
        yield f"{order.symbol}: {text}"


def _plainly(value: Any) -> str:
    return plain(value) if isinstance(value, Decimal) else str(value)
