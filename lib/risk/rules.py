"""The rules that an entry is judged by: what each counts, and the words in which it says no.

Every rule looks at one scope: all bots together, or one. It answers what would be too much, or
nothing. What cannot be valued is too much.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, Context, Decimal
from typing import Final

from lib.amounts import EXACT, ZERO, plain, total
from lib.dealing.room import Plan, legs_of
from lib.exchange import Side
from lib.filters import Complaint
from lib.limits import HUNDRED, BotLimits
from lib.money import MARKET_MARGIN, SymbolRules
from lib.news import readable
from lib.order_lists import OrderList, guards
from lib.orders import Order
from lib.risk.stakes import Stake, open_orders, stakes
from lib.risk.worth import Unvalued, Worth
from lib.wallet import Wallet

MINUTE: Final = 60_000  # ms
TEN_THOUSAND: Final = Decimal(10_000)
_PERCENT: Final = Context(prec=28, rounding=ROUND_CEILING)


@dataclass(frozen=True, slots=True)
class Entry:
    """What is to be judged, and what it is judged against."""

    scope: str
    limits: BotLimits
    plan: Plan
    rules: SymbolRules
    wallets: Sequence[Wallet]  # of the scope
    stakes: Sequence[Stake]  # theirs
    worth: Worth
    now: int  # exchange ms

    @property
    def who(self) -> str:
        """Name the scope."""
        return "the bot" if self.scope else "all bots"

    @property
    def begun(self) -> Sequence[Order]:
        """The orders that can execute as soon as the exchange has them."""
        return self.plan.begun if isinstance(self.plan, OrderList) else (self.plan,)

    @property
    def value(self) -> Decimal:
        """Its worth at worst; of the orders of a list the dearest counts. Raises Unvalued."""
        return max(self._value(order) for order in self.begun)

    def _value(self, order: Order) -> Decimal:
        last = self.worth.last(self.rules.symbol)
        asset, amount = self.rules.asset_spent(order, reference_price=last)
        if asset == self.rules.base_asset:
            prices = [price for price in (last, order.price, order.stop_price) if price]
            amount = EXACT.multiply(amount, max(prices))
        return self.worth.of(self.rules.quote_asset, amount)

    def said(self, amount: Decimal) -> str:
        """Write an amount of what limits are counted in."""
        return f"{readable(amount)} {self.worth.unit}"


def entry_of(
    scope: str,
    limits: BotLimits,
    plan: Plan,
    rules: SymbolRules,
    wallets: Iterable[Wallet],
    worth: Worth,
    now: int,
) -> Entry:
    """Look at a plan against what a scope has at stake at this instant."""
    concerned = list(wallets)
    there = stakes(concerned) if limits.counts_holdings else ()
    return Entry(scope, limits, plan, rules, concerned, there, worth, now)


def complaints(entry: Entry) -> Iterator[Complaint]:
    """Say which limits an entry would pass, each by its key in conf.json."""
    for key, rule in RULES.items():
        if getattr(entry.limits, key) is None:
            continue
        try:
            text = rule(entry)
        except Unvalued as unknown:
            text = f"{unknown}, and {key} of {entry.who} cannot be counted without it"
        if text:
            yield Complaint(f"limits.{key}", text)


# --- the rules


def _symbol(entry: Entry) -> str:
    allowed = entry.limits.allowed_symbols or ()
    if entry.plan.symbol in allowed:
        return ""
    return f"{entry.who} may open something in {', '.join(allowed) or 'nothing'} only"


def _distance(entry: Entry) -> str:
    assert entry.limits.price_distance is not None
    last, most = entry.worth.last(entry.rules.symbol), entry.limits.price_distance.amount
    prices = [price for order in entry.begun for price in (order.price, order.stop_price) if price]
    far = max((abs(price - last) for price in prices), default=ZERO)
    away = _PERCENT.divide(far * HUNDRED, last)
    if away <= most:
        return ""
    return (
        f"its price is {readable(away)}% from the last, {plain(last)}: {plain(most)}% is the most"
    )


def _order_value(entry: Entry) -> str:
    assert entry.limits.order_value is not None
    most = entry.limits.order_value.of(entry.limits.funds)
    if entry.value <= most:
        return ""
    return f"it is worth {entry.said(entry.value)}, an entry may have {entry.said(most)}"


def _risk(entry: Entry) -> str:
    assert entry.limits.risk_per_trade is not None
    most, risk = entry.limits.risk_per_trade.of(entry.limits.funds), _at_risk(entry)
    if risk <= most:
        return ""
    return f"it may lose {entry.said(risk)} down to its stop, a trade may {entry.said(most)}"


def _open_orders(entry: Entry) -> str:
    assert entry.limits.open_orders is not None
    there, more = open_orders(entry.wallets), len(legs_of(entry.plan))
    if there + more <= entry.limits.open_orders:
        return ""
    most = entry.limits.open_orders
    return f"{entry.who} would have {there + more} open orders, {most} are the most"


def _orders_per_minute(entry: Entry) -> str:
    most = entry.limits.orders_per_minute
    assert most is not None
    begun = sum(len(recent(wallet, entry.plan, entry.now)) for wallet in entry.wallets)
    if begun < most:
        return ""
    return f"{entry.who} began {begun} entries in the last minute, {most} are the most"


def _funds(entry: Entry) -> str:
    assert entry.limits.funds is not None
    return _too_much_at_work(entry, entry.limits.funds)


def _at_work(entry: Entry) -> str:
    assert entry.limits.at_work is not None
    return _too_much_at_work(entry, entry.limits.at_work.of(entry.limits.funds))


def _too_much_at_work(entry: Entry, most: Decimal) -> str:
    at_work = [stake.at_cost(entry.worth) for stake in entry.stakes]
    return _too_much(entry, total(at_work), most, "at work")


def _exposure(entry: Entry) -> str:
    assert entry.limits.exposure is not None
    exposed = [stake.at_market(entry.worth) for stake in entry.stakes]
    most = entry.limits.exposure.of(entry.limits.funds)
    return _too_much(entry, total(exposed), most, "in the market")


def _exposure_per_asset(entry: Entry) -> str:
    said, asset = entry.limits.exposure_per_asset, entry.rules.base_asset
    bound = said.get(asset) if isinstance(said, dict) else said
    if bound is None:
        return ""
    exposed = [stake.at_market(entry.worth) for stake in entry.stakes if stake.base == asset]
    most = bound.of(entry.limits.funds)
    return _too_much(entry, total(exposed), most, f"in {asset}")


def _too_much(entry: Entry, there: Decimal, most: Decimal, where: str) -> str:
    then = EXACT.add(there, entry.value)
    if then <= most:
        return ""
    return f"{entry.who} would have {entry.said(then)} {where}, {entry.said(most)} are the most"


RULES: Final[dict[str, Callable[[Entry], str]]] = {
    "allowed_symbols": _symbol,
    "price_distance": _distance,
    "order_value": _order_value,
    "risk_per_trade": _risk,
    "open_orders": _open_orders,
    "orders_per_minute": _orders_per_minute,
    "funds": _funds,
    "at_work": _at_work,
    "exposure": _exposure,
    "exposure_per_asset": _exposure_per_asset,
}


# --- what some of them count


def recent(wallet: Wallet, plan: Plan, now: int) -> list[int]:
    """Answer when the entries of the last minute were announced, but not this one itself."""
    again = plan.sent_at if plan.sends else None
    times = list(wallet.memory.entries_at)
    if again in times:
        times.remove(again)
    return [at for at in times if at > now - MINUTE]


def _at_risk(entry: Entry) -> Decimal:
    """Answer what is lost if its stop is reached; all of it where there is none."""
    return min(entry.value, max(_risk_of(entry, order) for order in entry.begun))


def _risk_of(entry: Entry, order: Order) -> Decimal:
    stop = _stop_of(entry, order)
    if stop is None:
        return entry.value
    last = entry.worth.last(entry.rules.symbol)
    price = order.price or order.stop_price or _at_worst(last, order.side)
    lost = price - stop if order.side == "BUY" else stop - price
    if order.quantity is not None:
        amount = EXACT.multiply(order.quantity, max(lost, ZERO))
    else:
        amount = _PERCENT.divide(EXACT.multiply(order.quote_quantity or ZERO, lost), price)
    return entry.worth.of(entry.rules.quote_asset, max(amount, ZERO))


def _at_worst(last: Decimal, side: Side) -> Decimal:
    return EXACT.multiply(last, 1 + MARKET_MARGIN if side == "BUY" else 1 - MARKET_MARGIN)


def _stop_of(entry: Entry, order: Order) -> Decimal | None:
    """Answer the price at which a trade is ended at a loss, as far as the plan says so."""
    if isinstance(entry.plan, OrderList) and entry.plan.kind != "OCO":
        for guard in guards(entry.plan):
            stop = _trigger_of(guard, order)
            if stop is not None:
                return stop
    return order.loss_at


def _trigger_of(guard: Order, entry: Order) -> Decimal | None:
    """Answer where an order that limits a loss begins; one that only trails, at its distance."""
    if guard.stop_price is not None:
        return guard.stop_price
    if guard.trailing_delta is None or entry.price is None:
        return None
    away = EXACT.multiply(entry.price, Decimal(guard.trailing_delta) / TEN_THOUSAND)
    return entry.price - away if entry.side == "BUY" else entry.price + away
