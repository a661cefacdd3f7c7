"""The filters of exchangeInfo: which orders a symbol does not take, and why."""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from lib.simulator.books.orders import PRICELESS, STOPS, Order
from lib.simulator.books.tape import Tape
from lib.simulator.engine.rules import SymbolRules
from lib.simulator.options import Options
from lib.simulator.refusals import Refusal, filter_failed, rejected
from lib.simulator.units import UNIT, quote_of

FIXED: Final = (
    "PRICE_FILTER",
    "PERCENT_PRICE",
    "PERCENT_PRICE_BY_SIDE",
    "LOT_SIZE",
    "MARKET_LOT_SIZE",
    "MIN_NOTIONAL",
    "NOTIONAL",
    "ICEBERG_PARTS",
    "TRAILING_DELTA",
)
AMENDED: Final = frozenset({"LOT_SIZE", "MARKET_LOT_SIZE", "MIN_NOTIONAL", "NOTIONAL"})

MOST_REMEMBERED: Final = 1 << 16
EVERYWHERE: Final = (0, UNIT * UNIT)
NOWHERE: Final = (1, 0)

Check = Callable[[Order, int], bool]
Average = Callable[[int], int | None]  # at a time


class Filters:
    """One symbol's filters on price, quantity and notional, in the order they are answered."""

    def __init__(
        self,
        rules: SymbolRules,
        tape: Tape,
        options: Options,
        average: Average | None = None,
    ) -> None:
        self._rules = rules
        self._patient = options.market_order_before_first_trade == "allow"
        self._whole_iceberg = options.whole_iceberg == "allow"
        self._average_price = average or tape.average
        known: dict[str, Check] = {
            "PRICE_FILTER": self._price_fits,
            "PERCENT_PRICE": self._price_is_near,
            "PERCENT_PRICE_BY_SIDE": self._price_is_near,
            "LOT_SIZE": self._lot_fits,
            "MARKET_LOT_SIZE": self._market_lot_fits,
            "MIN_NOTIONAL": self._notional_fits,
            "NOTIONAL": self._notional_fits,
            "ICEBERG_PARTS": self._parts_fit,
            "TRAILING_DELTA": self._delta_fits,
        }
        near, notional = rules.percent_price, rules.notional
        self._near_bid = near.bid if near else EVERYWHERE
        self._near_ask = near.ask if near else EVERYWHERE
        self._least = max(notional.low if notional else 0, 1) * UNIT
        self._most = (notional.high if notional else 0) * UNIT or UNIT**4
        self._fitting_prices: set[int] = set()
        self._fitting_lots: set[int] = set()
        self._average: int | None = None
        self._bid_range = self._ask_range = NOWHERE
        order = rules.listed if options.filter_order == "listed" else FIXED
        self._checks = [
            (name, known[name]) for name in order if name in known and name in rules.listed
        ]

    def refuse(self, order: Order, now: int) -> None:
        """Raise the refusal of the first filter that fails, or that of an order of nothing.

        Of most plain limit orders it is clear in one go that nothing is wrong with them: ticks and
        lots come again and again, so those that fit are remembered. What is not remembered yet
        goes through the checks once.
        """
        average = self._average_price(now)
        if average != self._average:
            self._measure(average)
        price, quantity = order.price, order.quantity
        low, high = self._bid_range if order.is_buy else self._ask_range
        if (
            price in self._fitting_prices
            and quantity in self._fitting_lots
            and low <= price <= high
            and self._least <= price * quantity <= self._most
            and order.type == "LIMIT"
            and not order.iceberg
        ):
            return
        _refuse_nothing(order)
        for name, fits in self._checks:
            if not fits(order, now):
                raise filter_failed(name)
        _refuse_worthless(order)
        if order.iceberg:
            self._refuse_iceberg(order)
        elif order.type == "LIMIT":
            self._remember(order)

    def refuse_amended(self, order: Order, quantity: int, now: int) -> None:
        """Raise for a quantity that an order may not be amended to."""
        smaller = replace(order, quantity=quantity)
        for name, fits in self._checks:
            if name in AMENDED and not fits(smaller, now):
                raise filter_failed(name)

    def _refuse_iceberg(self, order: Order) -> None:
        """Raise for an iceberg whose visible part is more than all of it."""
        whole = order.iceberg == order.quantity and not self._whole_iceberg
        if whole or order.iceberg > order.quantity:
            raise rejected("IcebergQty exceeds QTY.")

    def _measure(self, average: int | None) -> None:
        """Work out what lies near enough to a new average."""
        self._average = average
        self._bid_range = _around(average, self._near_bid)
        self._ask_range = _around(average, self._near_ask)

    def _remember(self, order: Order) -> None:
        """Remember the price and quantity of an order that passed every filter."""
        for fitting, amount in (
            (self._fitting_prices, order.price),
            (self._fitting_lots, order.quantity),
        ):
            if len(fitting) >= MOST_REMEMBERED:
                fitting.clear()
            fitting.add(amount)

    def refuse_lot(self, order: Order) -> None:
        """Raise for a quantity that was worked out from a quote quantity."""
        if not self._rules.lots.admits(order.quantity):
            raise filter_failed("LOT_SIZE")
        if not self._rules.market_lots.admits(order.quantity):
            raise filter_failed("MARKET_LOT_SIZE")

    def _price_fits(self, order: Order, _now: int) -> bool:
        prices = self._rules.prices
        if order.type not in PRICELESS and not prices.admits(order.price):
            return False
        if order.type not in STOPS or (order.trailing_delta and not order.stop_price):
            return True
        return prices.admits(order.stop_price)

    def _price_is_near(self, order: Order, now: int) -> bool:
        rule = self._rules.percent_price
        if rule is None or not order.price:
            return True
        average = self._average_price(now)
        if average is None:
            return True
        down, up = rule.bid if order.is_buy else rule.ask
        return average * down <= order.price * UNIT <= average * up

    def _lot_fits(self, order: Order, _now: int) -> bool:
        if order.iceberg and not self._rules.lots.admits(order.iceberg):
            return False
        return bool(order.quote_quantity) or self._rules.lots.admits(order.quantity)

    def _market_lot_fits(self, order: Order, _now: int) -> bool:
        if order.type != "MARKET" or order.quote_quantity:
            return True
        return self._rules.market_lots.admits(order.quantity)

    def _parts_fit(self, order: Order, _now: int) -> bool:
        limit = self._rules.iceberg_parts
        return not order.iceberg or limit is None or order.quantity <= order.iceberg * limit

    def _delta_fits(self, order: Order, _now: int) -> bool:
        rule = self._rules.trailing
        if not order.trailing_delta or rule is None:
            return True
        least, most = rule.above if order.fires_above else rule.below
        return least <= order.trailing_delta <= most

    def _notional_fits(self, order: Order, now: int) -> bool:
        rule = self._rules.notional
        assert rule is not None
        priceless = not order.price
        check_low = rule.low > 0 and (rule.low_for_market or not priceless)
        check_high = rule.high > 0 and (rule.high_for_market or not priceless)
        if not check_low and not check_high:
            return True
        notional = self._notional(order, now)
        if notional is None:
            return self._patient
        if check_low and notional < rule.low:
            return False
        return not (check_high and notional > rule.high)

    def _notional(self, order: Order, now: int) -> int | None:
        if order.quote_quantity:
            return order.quote_quantity
        price = order.price or order.stop_price or self._average_price(now)
        return None if price is None else quote_of(price, order.quantity)


def _around(average: int | None, near: tuple[int, int]) -> tuple[int, int]:
    """Give the least and the greatest price that lie near enough to an average."""
    if average is None:
        return NOWHERE
    down, up = near
    return -(-average * down // UNIT), average * up // UNIT


def _refuse_nothing(order: Order) -> None:
    """Raise for an order of nothing, or for nothing."""
    if not order.quantity and not order.quote_quantity:
        raise Refusal(-1013, "Invalid quantity.")
    if not order.price and order.type not in PRICELESS:
        raise Refusal(-1013, "Invalid price.")


def _refuse_worthless(order: Order) -> None:
    """Raise for an order whose worth rounds to nothing."""
    if order.type in STOPS and not order.stop_price and not order.trailing_delta:
        raise Refusal(-2010, "Price * QTY is zero or less.")
    if order.type not in PRICELESS and not quote_of(order.price, order.quantity):
        raise Refusal(-2010, "Price * QTY is zero or less.")
