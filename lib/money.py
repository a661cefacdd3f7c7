"""What a symbol's rules allow, in exact amounts.

`SymbolRules` is one symbol of Binance's `exchangeInfo`, parsed once. It rounds what a bot
computed, says in plain words why the exchange would refuse an order, and what an order locks at
worst. Nothing here is a float; a result that would have to be rounded raises instead.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import ROUND_CEILING, Context, Decimal, InvalidOperation
from functools import partial
from typing import Any, Literal, Protocol, Self

from lib.amounts import EXACT, ZERO, common_multiple, decimals, plain, remainder, sensible
from lib.filters import (
    Complaint,
    Counts,
    Filter,
    Lot,
    Notional,
    PercentPrice,
    PriceRange,
    TrailingDelta,
    exact,
)

__all__ = ["EXACT", "MARKET_MARGIN", "Complaint", "OrderLike", "SymbolRules", "plain"]

MARKET_MARGIN = Decimal("0.02")
"""How far beyond the reference price a market order is expected to fill at worst: two percent."""

EXCHANGE_WIDE = "EXCHANGE_"
UNLIMITED = Counts(EXCHANGE_WIDE)
NAME_MAX = 100
PLACES_MAX = 36

PRICED = frozenset({"LIMIT", "LIMIT_MAKER", "STOP_LOSS_LIMIT", "TAKE_PROFIT_LIMIT"})
TRIGGERED = frozenset({"STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT"})


class OrderLike(Protocol):
    """What the rules look at: a request, a plan or a record. An absent amount is None."""

    @property
    def side(self) -> Literal["BUY", "SELL"]: ...
    @property
    def type(self) -> str: ...
    @property
    def quantity(self) -> Decimal | None: ...
    @property
    def quote_quantity(self) -> Decimal | None: ...
    @property
    def price(self) -> Decimal | None: ...
    @property
    def stop_price(self) -> Decimal | None: ...
    @property
    def trailing_delta(self) -> int | None: ...


@dataclass(frozen=True, slots=True)
class SymbolRules:
    """One symbol's rules. A count of None is unlimited."""

    symbol: str
    base_asset: str
    quote_asset: str
    status: str = "TRADING"
    base_precision: int = 8
    quote_precision: int = 8
    base_commission_precision: int = 8
    quote_commission_precision: int = 8
    order_types: frozenset[str] = frozenset({"MARKET", *PRICED, *TRIGGERED})
    iceberg_allowed: bool = False
    oco_allowed: bool = False
    oto_allowed: bool = False
    quote_quantity_allowed: bool = False
    trailing_stop_allowed: bool = False
    cancel_replace_allowed: bool = False
    amend_allowed: bool = False
    spot_allowed: bool = True
    prices: PriceRange = field(default_factory=PriceRange)
    lot: Lot = field(default_factory=Lot)
    market_lot: Lot = field(default_factory=partial(Lot, "MARKET_LOT_SIZE"))
    notional: Notional = field(default_factory=Notional)
    percent_price: PercentPrice = field(default_factory=PercentPrice)
    trailing_delta: TrailingDelta = field(default_factory=TrailingDelta)
    orders_max: int | None = None
    algo_orders_max: int | None = None
    iceberg_orders_max: int | None = None
    iceberg_parts_max: int | None = None
    order_lists_max: int | None = None
    amends_max: int | None = None
    position_max: Decimal | None = None
    exchange_counts: Counts = UNLIMITED

    @classmethod
    def parse(cls, symbol: Mapping[str, Any], exchange_counts: Counts = UNLIMITED) -> Self:
        """Read one element of `exchangeInfo.symbols`; filters we do not know are ignored.

        `exchange_counts` hold over all symbols. Raises ValueError, naming the symbol, for what is
        not such an element.
        """
        try:
            return cls(**_facts(symbol), **_filters(symbol), exchange_counts=exchange_counts)
        except (KeyError, TypeError, ValueError, AttributeError, InvalidOperation) as wrong:
            name = symbol.get("symbol") if isinstance(symbol, Mapping) else symbol
            raise ValueError(f"the rules of {name!r} cannot be read: {wrong!r}") from wrong

    @property
    def counts(self) -> Counts:
        """How many orders of each kind may be open on this symbol."""
        return Counts("", self.orders_max, self.algo_orders_max, self.order_lists_max)

    @property
    def tick(self) -> Decimal:
        """The finest step between two prices."""
        return self.prices.tick or Decimal(1).scaleb(-self.quote_precision)

    def round_price(self, price: Decimal, side: Literal["BUY", "SELL"]) -> Decimal:
        """Round to the tick, in favour of who orders: a BUY down, a SELL up.

        A limit then never trades at a worse price than was asked for, and a protective stop
        fires a tick early rather than late. A price between 0 and one tick becomes 0 for a BUY,
        which `complaints` names. Raises ValueError for what is no amount.
        """
        _refuse_senseless("price", price)
        excess = remainder(price, self.prices.tick)
        if not excess:
            return price
        lower = EXACT.subtract(price, excess)
        return lower if side == "BUY" else EXACT.add(lower, self.prices.tick)

    def round_quantity(self, quantity: Decimal, order_type: str) -> Decimal:
        """Round down to the lot's step; for MARKET down to what both lots' steps allow.

        Never up, so that nothing is spent or sold that is not there. It may become 0 or fall
        below the smallest lot, which `complaints` names; it is never cut to the largest.
        """
        _refuse_senseless("quantity", quantity)
        step = self.lot.step
        if order_type == "MARKET":
            step = common_multiple(step, self.market_lot.step)
        return EXACT.subtract(quantity, remainder(quantity, step))

    def complaints(self, order: OrderLike, *, reference_price: Decimal | None = None) -> list[str]:
        """Say every rule that would refuse this order, in plain words with the values.

        Rules that look at what is open already are lib/dealing/room.py's.
        """
        return [found.text for found in self.refusals(order, reference_price=reference_price)]

    def refusals(
        self, order: OrderLike, *, reference_price: Decimal | None = None
    ) -> list[Complaint]:
        """Say the same as `complaints`, each with the name of the rule.

        `reference_price` is the symbol's reference price, else the average of the filter's last
        minutes, else the last trade; without it, what needs it is not judged.
        """
        senseless = list(_check_amounts(order))
        if senseless:
            return senseless
        return [
            *_check_admission(self, order),
            *_check_parameters(self, order),
            *_check_prices(self, order, reference_price),
            *_check_quantity(self, order, reference_price),
            *_check_notional(self, order, reference_price),
        ]

    def asset_spent(
        self,
        order: OrderLike,
        *,
        reference_price: Decimal | None = None,
        margin: Decimal = MARKET_MARGIN,
    ) -> tuple[str, Decimal]:
        """Answer the asset an order takes from the free balance, and how much at worst.

        A SELL locks base; a BUY locks quote: price times quantity of what has a price, the quote
        quantity where one is given, else the quantity at the dearer of reference and stop price,
        raised by what a trail may follow, plus `margin`. Commissions come out of what is received
        or out of BNB: not counted here.
        Raises ValueError without an amount, and where a price would be needed and none is known.
        """
        if order.side == "SELL":
            return self.base_asset, _base_spent(order, reference_price, margin)
        return self.quote_asset, _quote_spent(order, reference_price, margin)


def _refuse_senseless(name: str, amount: Decimal) -> None:
    if not sensible(amount):
        raise ValueError(f"{name} {amount} is not an amount")


# --- what an order locks


def _base_spent(order: OrderLike, reference_price: Decimal | None, margin: Decimal) -> Decimal:
    if order.quantity:
        return order.quantity
    if not order.quote_quantity:
        raise ValueError("an order needs a quantity or a quote quantity")
    if not reference_price:
        raise ValueError("selling for a quote quantity: the price is not known")
    dearest = EXACT.multiply(order.quote_quantity, 1 + margin)
    return Context(prec=28, rounding=ROUND_CEILING).divide(dearest, reference_price)


def _quote_spent(order: OrderLike, reference_price: Decimal | None, margin: Decimal) -> Decimal:
    if order.quote_quantity:
        return order.quote_quantity
    if not order.quantity:
        raise ValueError("an order needs a quantity or a quote quantity")
    if order.type in PRICED and order.price:
        return EXACT.multiply(order.quantity, order.price)
    price = _dearest(order, reference_price or ZERO)
    if not price:
        raise ValueError(f"buying by {order.type}: the price is not known")
    return EXACT.multiply(EXACT.multiply(order.quantity, price), 1 + margin)


def _dearest(order: OrderLike, reference_price: Decimal) -> Decimal:
    """Answer the price at which a buy without one of its own begins to work at worst.

    A trail follows the price down from where it began and triggers `trailing_delta` above its
    lowest, hence never further above its beginning: the market, or the stop price it waits for.
    """
    stop = order.stop_price or ZERO
    if order.trailing_delta is None:
        return max(reference_price, stop)
    below = order.type.startswith("TAKE_PROFIT") and stop
    begins = stop if below else max(reference_price, stop)
    return EXACT.multiply(begins, Decimal(10_000 + order.trailing_delta).scaleb(-4))


# --- why an order would be refused


def _check_amounts(order: OrderLike) -> Iterator[Complaint]:
    for name, amount in _amounts(order):
        if not sensible(amount):
            yield Complaint("PARAMETER", f"{name} {amount} is not an amount")


def _amounts(order: OrderLike) -> Iterator[tuple[str, Decimal]]:
    for name in ("quantity", "quote_quantity", "price", "stop_price"):
        amount = getattr(order, name)
        if amount is not None:
            yield name.replace("_", " "), amount


def _check_admission(rules: SymbolRules, order: OrderLike) -> Iterator[Complaint]:
    if rules.status != "TRADING" or not rules.spot_allowed:
        state = rules.status if rules.status != "TRADING" else "not open for spot trading"
        yield Complaint("STATUS", f"{rules.symbol} is not trading: {state}")
    if order.type not in rules.order_types:
        yield Complaint("TYPE", f"{rules.symbol} takes no {order.type} orders")
    if order.quote_quantity and not rules.quote_quantity_allowed:
        yield Complaint("TYPE", f"{rules.symbol} takes no market orders by quote quantity")


def _check_parameters(rules: SymbolRules, order: OrderLike) -> Iterator[Complaint]:
    yield from _check_presence(order, "price", order.price, PRICED)
    if order.trailing_delta is None:
        yield from _check_presence(order, "stop price", order.stop_price, TRIGGERED)
    else:
        yield from _check_trailing(rules, order, order.trailing_delta)
    if not order.quantity and not order.quote_quantity:
        yield Complaint("PARAMETER", "an order needs a quantity above 0")
    if order.quantity and order.quote_quantity:
        yield Complaint("PARAMETER", "an order takes a quantity or a quote quantity, not both")
    if order.quote_quantity and order.type != "MARKET":
        yield Complaint("PARAMETER", f"a {order.type} order takes no quote quantity")
    for name, amount in _amounts(order):
        asset, most = (
            (rules.base_asset, rules.base_precision)
            if name == "quantity"
            else (rules.quote_asset, rules.quote_precision)
        )
        if decimals(amount) > most:
            words = f"{name} {plain(amount)} has more than the {most} decimals of {asset}"
            yield Complaint("PRECISION", words)


def _check_trailing(rules: SymbolRules, order: OrderLike, delta: int) -> Iterator[Complaint]:
    """Judge a stop that trails at the exchange; a stop price is then where it begins to."""
    if order.type not in TRIGGERED:
        yield Complaint("PARAMETER", f"a {order.type} order takes no trailing delta")
        return
    if not rules.trailing_stop_allowed:
        yield Complaint("TYPE", f"{rules.symbol} takes no trailing stops")
    yield from rules.trailing_delta.complaints(order.side, order.type, delta)


def _check_presence(
    order: OrderLike, name: str, amount: Decimal | None, takers: frozenset[str]
) -> Iterator[Complaint]:
    if order.type in takers and not amount:
        yield Complaint("PARAMETER", f"a {order.type} order needs a {name} above 0")
    if order.type not in takers and amount:
        yield Complaint("PARAMETER", f"a {order.type} order takes no {name}")


def _check_prices(
    rules: SymbolRules, order: OrderLike, reference_price: Decimal | None
) -> Iterator[Complaint]:
    if order.price and order.type in PRICED:
        yield from rules.prices.complaints("price", order.price)
        if reference_price:
            yield from rules.percent_price.complaints(order.side, order.price, reference_price)
    if order.stop_price and order.type in TRIGGERED:
        yield from rules.prices.complaints("stop price", order.stop_price)


def _check_quantity(
    rules: SymbolRules, order: OrderLike, reference_price: Decimal | None
) -> Iterator[Complaint]:
    for lot in (rules.lot, rules.market_lot) if order.type == "MARKET" else (rules.lot,):
        if order.quantity:
            yield from lot.complaints(order.quantity)
        elif order.quote_quantity and reference_price:
            yield from lot.complaints_of_quote(order.quote_quantity, reference_price)


def _check_notional(
    rules: SymbolRules, order: OrderLike, reference_price: Decimal | None
) -> Iterator[Complaint]:
    """Judge the value of an order: one without a price at the reference price, if known."""
    priced = order.type in PRICED
    price = order.price if priced else reference_price
    if order.quantity and price:
        value = EXACT.multiply(order.quantity, price)
        what = f"{plain(order.quantity)} at {plain(price)} is worth {plain(value)}, which"
    elif order.quote_quantity:
        value, what = order.quote_quantity, f"quote quantity {plain(order.quote_quantity)}"
    else:
        return
    judge = rules.notional.complaints if priced else rules.notional.complaints_of_market
    yield from judge(what, value)


# --- how exchangeInfo is read


def _facts(symbol: Mapping[str, Any]) -> dict[str, Any]:
    """Read what stands beside the filters. Flags that Binance added later default to False."""
    flags = {
        "iceberg_allowed": "icebergAllowed",
        "oco_allowed": "ocoAllowed",
        "oto_allowed": "otoAllowed",
        "quote_quantity_allowed": "quoteOrderQtyMarketAllowed",
        "trailing_stop_allowed": "allowTrailingStop",
        "cancel_replace_allowed": "cancelReplaceAllowed",
        "amend_allowed": "amendAllowed",
    }
    return {
        "symbol": _name(symbol["symbol"]),
        "base_asset": _name(symbol["baseAsset"]),
        "quote_asset": _name(symbol["quoteAsset"]),
        "status": _name(symbol["status"]),
        "base_precision": _places(symbol, "baseAssetPrecision"),
        "quote_precision": _places(symbol, "quoteAssetPrecision", "quotePrecision"),
        "base_commission_precision": _places(symbol, "baseCommissionPrecision"),
        "quote_commission_precision": _places(symbol, "quoteCommissionPrecision"),
        "order_types": frozenset(map(_name, symbol["orderTypes"])),
        "spot_allowed": _flag(symbol, "isSpotTradingAllowed", otherwise=True),
        **{ours: _flag(symbol, theirs, otherwise=False) for ours, theirs in flags.items()},
    }


def _name(value: object) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= NAME_MAX:
        raise ValueError("something else where a name belongs")
    return value


def _places(symbol: Mapping[str, Any], *keys: str) -> int:
    """Read how many decimal places there are, under the first name that is there."""
    value = next((symbol[key] for key in keys if key in symbol), 8)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= PLACES_MAX:
        raise ValueError(f"{keys[0]} is no number of decimal places")
    return value


def _flag(symbol: Mapping[str, Any], key: str, *, otherwise: bool) -> bool:
    value = symbol.get(key, otherwise)
    if not isinstance(value, bool):
        raise TypeError(f"{key} is neither true nor false")
    return value


def _filters(symbol: Mapping[str, Any]) -> dict[str, Any]:
    filters: Mapping[str, Filter] = {each["filterType"]: each for each in symbol["filters"]}
    return {
        "prices": PriceRange.parse(filters.get("PRICE_FILTER", {})),
        "lot": Lot.parse("LOT_SIZE", filters.get("LOT_SIZE", {})),
        "market_lot": Lot.parse("MARKET_LOT_SIZE", filters.get("MARKET_LOT_SIZE", {})),
        "notional": Notional.parse(filters),
        "percent_price": PercentPrice.parse(filters),
        "trailing_delta": TrailingDelta.parse(filters.get("TRAILING_DELTA", {})),
        "orders_max": _optional(filters, "MAX_NUM_ORDERS", "maxNumOrders", int),
        "algo_orders_max": _optional(filters, "MAX_NUM_ALGO_ORDERS", "maxNumAlgoOrders", int),
        "iceberg_orders_max": _optional(
            filters, "MAX_NUM_ICEBERG_ORDERS", "maxNumIcebergOrders", int
        ),
        "iceberg_parts_max": _optional(filters, "ICEBERG_PARTS", "limit", int),
        "order_lists_max": _optional(filters, "MAX_NUM_ORDER_LISTS", "maxNumOrderLists", int),
        "amends_max": _optional(filters, "MAX_NUM_ORDER_AMENDS", "maxNumOrderAmends", int),
        "position_max": _optional(filters, "MAX_POSITION", "maxPosition", exact),
    }


def _optional(
    filters: Mapping[str, Filter], name: str, key: str, kind: Callable[[Any], Any]
) -> int | Decimal | None:
    value = filters.get(name, {}).get(key)
    return None if value is None else kind(value)
