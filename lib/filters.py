"""The filters of a symbol: what each one takes, and in plain words why it refuses.

Source: Binance Spot API, "Filters". A part of a filter that is 0 is off.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, Literal, Self, TypeAlias

from lib.amounts import EXACT, ZERO, plain, remainder

Filter: TypeAlias = Mapping[str, Any]
Side: TypeAlias = Literal["BUY", "SELL"]

AMOUNT: Final = re.compile(r"-?[0-9]{1,40}(?:\.[0-9]{1,40})?")
NO_FILTERS: Final = frozenset({"STATUS", "TYPE", "PARAMETER", "PRECISION"})


@dataclass(frozen=True, slots=True)
class Complaint:
    """One rule that would refuse an order: Binance's name of the filter, and plain words.

    Rules that are no filter are called STATUS, TYPE, PARAMETER and PRECISION.
    """

    rule: str
    text: str

    @property
    def named(self) -> str:
        """The words, with the name of the filter if it is one."""
        return self.text if self.rule in NO_FILTERS else f"{self.text} ({self.rule})"


@dataclass(frozen=True, slots=True)
class PriceRange:
    """PRICE_FILTER, for prices and stop prices."""

    lowest: Decimal = ZERO
    highest: Decimal = ZERO
    tick: Decimal = ZERO

    @classmethod
    def parse(cls, found: Filter) -> Self:
        return cls(*(_amount(found, key) for key in ("minPrice", "maxPrice", "tickSize")))

    def complaints(self, name: str, price: Decimal) -> Iterator[Complaint]:
        yield from _out_of_range(
            "PRICE_FILTER",
            f"{name} {plain(price)}",
            price,
            (self.lowest, "the lowest price"),
            (self.highest, "the highest price"),
        )
        if remainder(price, self.tick):
            words = f"{name} {plain(price)} is not a multiple of the tick {plain(self.tick)}"
            yield Complaint("PRICE_FILTER", words)


@dataclass(frozen=True, slots=True)
class Lot:
    """LOT_SIZE, or MARKET_LOT_SIZE, which market orders must satisfy as well."""

    rule: str = "LOT_SIZE"
    smallest: Decimal = ZERO
    largest: Decimal = ZERO
    step: Decimal = ZERO

    @classmethod
    def parse(cls, rule: str, found: Filter) -> Self:
        read = cls(rule, *(_amount(found, key) for key in ("minQty", "maxQty", "stepSize")))
        if read.largest and max(read.smallest, read.step) > read.largest:
            raise ValueError(f"{rule} allows no quantity at all")
        return read

    @property
    def word(self) -> str:
        return "lot" if self.rule == "LOT_SIZE" else "market lot"

    def complaints(self, quantity: Decimal) -> Iterator[Complaint]:
        yield from _out_of_range(
            self.rule,
            f"quantity {plain(quantity)}",
            quantity,
            (self.smallest, f"the smallest {self.word}"),
            (self.largest, f"the largest {self.word}"),
        )
        if remainder(quantity, self.step):
            step = f"the {self.word} step {plain(self.step)}"
            yield Complaint(self.rule, f"quantity {plain(quantity)} is not a multiple of {step}")

    def complaints_of_quote(self, quote_quantity: Decimal, price: Decimal) -> Iterator[Complaint]:
        """Judge what a quote quantity buys; Binance itself rounds that down to the step."""
        words = f"what {plain(quote_quantity)} buys at {plain(price)}"
        smallest = max(self.smallest, self.step)
        if quote_quantity < EXACT.multiply(smallest, price):
            text = f"{words} is below the smallest {self.word} {plain(smallest)}"
            yield Complaint(self.rule, text)
        if self.largest and quote_quantity > EXACT.multiply(self.largest, price):
            text = f"{words} is above the largest {self.word} {plain(self.largest)}"
            yield Complaint(self.rule, text)


@dataclass(frozen=True, slots=True)
class Notional:
    """MIN_NOTIONAL or NOTIONAL: what price times quantity must be."""

    rule: str = "NOTIONAL"
    smallest: Decimal = ZERO
    largest: Decimal = ZERO
    smallest_for_market: bool = False
    largest_for_market: bool = False
    average_minutes: int = 0

    @classmethod
    def parse(cls, filters: Mapping[str, Filter]) -> Self:
        """Read NOTIONAL, or MIN_NOTIONAL where a symbol has that instead."""
        rule = "NOTIONAL" if "NOTIONAL" in filters else "MIN_NOTIONAL"
        found = filters.get(rule, {})
        for_market = "applyMinToMarket" if rule == "NOTIONAL" else "applyToMarket"
        return cls(
            rule=rule,
            smallest=_amount(found, "minNotional"),
            largest=_amount(found, "maxNotional"),
            smallest_for_market=found.get(for_market, False) is True,
            largest_for_market=found.get("applyMaxToMarket", False) is True,
            average_minutes=int(found.get("avgPriceMins", 0)),
        )

    def complaints(self, what: str, value: Decimal) -> Iterator[Complaint]:
        """Judge the value of an order that has a price."""
        yield from self._complaints(what, value, self.smallest, self.largest)

    def complaints_of_market(self, what: str, value: Decimal) -> Iterator[Complaint]:
        """Judge the value, at the reference price, of an order that has none."""
        smallest = self.smallest if self.smallest_for_market else ZERO
        largest = self.largest if self.largest_for_market else ZERO
        yield from self._complaints(what, value, smallest, largest)

    def _complaints(
        self, what: str, value: Decimal, smallest: Decimal, largest: Decimal
    ) -> Iterator[Complaint]:
        least, most = (smallest, "the least value"), (largest, "the greatest value")
        yield from _out_of_range(self.rule, what, value, least, most)


@dataclass(frozen=True, slots=True)
class PercentPrice:
    """PERCENT_PRICE or PERCENT_PRICE_BY_SIDE: multiples of the reference price."""

    rule: str = "PERCENT_PRICE_BY_SIDE"
    buy_highest: Decimal = ZERO
    buy_lowest: Decimal = ZERO
    sell_highest: Decimal = ZERO
    sell_lowest: Decimal = ZERO
    average_minutes: int = 0

    @classmethod
    def parse(cls, filters: Mapping[str, Filter]) -> Self:
        by_side = "PERCENT_PRICE_BY_SIDE" in filters
        rule = "PERCENT_PRICE_BY_SIDE" if by_side else "PERCENT_PRICE"
        bid, ask = ("bidMultiplier", "askMultiplier") if by_side else ("multiplier", "multiplier")
        found = filters.get(rule, {})
        return cls(
            rule=rule,
            buy_highest=_amount(found, f"{bid}Up"),
            buy_lowest=_amount(found, f"{bid}Down"),
            sell_highest=_amount(found, f"{ask}Up"),
            sell_lowest=_amount(found, f"{ask}Down"),
            average_minutes=int(found.get("avgPriceMins", 0)),
        )

    @property
    def is_on(self) -> bool:
        """Say whether any part of it is."""
        return any((self.buy_highest, self.buy_lowest, self.sell_highest, self.sell_lowest))

    def complaints(
        self, side: Side, price: Decimal, reference_price: Decimal
    ) -> Iterator[Complaint]:
        lowest, highest = (
            (self.buy_lowest, self.buy_highest)
            if side == "BUY"
            else (self.sell_lowest, self.sell_highest)
        )
        market = f"times the market's {plain(reference_price)}, which is"
        yield from _out_of_range(
            self.rule,
            f"price {plain(price)}",
            price,
            (EXACT.multiply(reference_price, lowest), f"{plain(lowest)} {market}"),
            (EXACT.multiply(reference_price, highest), f"{plain(highest)} {market}"),
        )


@dataclass(frozen=True, slots=True)
class TrailingDelta:
    """TRAILING_DELTA, in hundredths of a percent."""

    above_smallest: int = 0
    above_largest: int = 0
    below_smallest: int = 0
    below_largest: int = 0

    @classmethod
    def parse(cls, found: Filter) -> Self:
        return cls(
            above_smallest=int(found.get("minTrailingAboveDelta", 0)),
            above_largest=int(found.get("maxTrailingAboveDelta", 0)),
            below_smallest=int(found.get("minTrailingBelowDelta", 0)),
            below_largest=int(found.get("maxTrailingBelowDelta", 0)),
        )

    def complaints(self, side: Side, order_type: str, delta: int) -> Iterator[Complaint]:
        above = (side == "BUY") == order_type.startswith("STOP_LOSS")
        smallest = self.above_smallest if above else self.below_smallest
        largest = self.above_largest if above else self.below_largest
        yield from _out_of_range(
            "TRAILING_DELTA",
            f"trailing delta {delta}",
            Decimal(delta),
            (Decimal(smallest or 1), "the smallest of this kind"),
            (Decimal(largest), "the largest of this kind"),
        )


@dataclass(frozen=True, slots=True)
class Counts:
    """MAX_NUM_ORDERS and its kin, of one symbol or, with a prefix, of the whole exchange.

    None is unlimited. Icebergs are not counted: this program places none.
    """

    prefix: str = ""
    orders: int | None = None
    algo_orders: int | None = None
    order_lists: int | None = None

    @classmethod
    def parse(cls, filters: Mapping[str, Filter], prefix: str = "") -> Self:
        return cls(
            prefix,
            _count(filters, f"{prefix}MAX_NUM_ORDERS", "maxNumOrders"),
            _count(filters, f"{prefix}MAX_NUM_ALGO_ORDERS", "maxNumAlgoOrders"),
            _count(filters, f"{prefix}MAX_NUM_ORDER_LISTS", "maxNumOrderLists"),
        )

    @property
    def is_on(self) -> bool:
        """Say whether anything is limited."""
        return any(most is not None for most in (self.orders, self.algo_orders, self.order_lists))

    def complaints(self, kind: str, where: str, there: int, more: int) -> Iterator[Complaint]:
        """Judge whether `more` of a kind (as the filters call them) may be open beside these."""
        most: int | None = getattr(self, kind.lower())
        if more and most is not None and there + more > most:
            words = f"{there} {COUNTED[kind]} are open on {where}, which takes {most}"
            yield Complaint(f"{self.prefix}MAX_NUM_{kind}", words)


COUNTED: Final = {"ORDERS": "orders", "ALGO_ORDERS": "stop orders", "ORDER_LISTS": "order lists"}


def _count(filters: Mapping[str, Filter], name: str, key: str) -> int | None:
    value = filters.get(name, {}).get(key)
    return None if value is None else int(value)


def exact(value: object) -> Decimal:
    """Read an amount of a payload. Raises TypeError for a float, which would not be exact."""
    if not isinstance(value, str | int | Decimal) or isinstance(value, bool):
        raise TypeError(f"{str(value)[:60]!r} is not an exact amount")
    if isinstance(value, str) and not AMOUNT.fullmatch(value):
        raise TypeError(f"{value[:60]!r} is not an amount")
    amount = Decimal(value)
    if not amount.is_finite():
        raise TypeError(f"{value!r} is not an amount")
    return amount


def _amount(found: Filter, key: str) -> Decimal:
    return exact(found.get(key, "0"))


def _out_of_range(
    rule: str, what: str, amount: Decimal, least: tuple[Decimal, str], most: tuple[Decimal, str]
) -> Iterator[Complaint]:
    if least[0] and amount < least[0]:
        yield Complaint(rule, f"{what} is below {least[1]} {plain(least[0])}")
    if most[0] and amount > most[0]:
        yield Complaint(rule, f"{what} is above {most[1]} {plain(most[0])}")
