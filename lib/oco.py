"""Order lists in a trader's words: take profit here, stop out there, whichever comes first.

    ctx.exit = ctx.exit or plan_oco(rules, side="SELL", quantity=…, take_profit=…, stop=…)
    async for ctx.exit in add_list(desk.exchange, ctx.exit):
        yield ctx

A plan is made of legs that Binance takes for that side, rounded by the symbol's rules. Prices
that contradict each other raise Halt with Binance's rule, for no later price can mend them.
"""

from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from lib.errors import Halt
from lib.exchange import Side
from lib.money import SymbolRules, plain
from lib.order_lists import OrderList
from lib.orders import Order

FEE_RATE: Final = Decimal("0.001")
"""What a buy may lose to a fee taken in coins (0.1 %, Binance's standard rate)."""

OPPOSITE: Final[dict[Side, Side]] = {"BUY": "SELL", "SELL": "BUY"}


def plan_oco(
    rules: SymbolRules,
    *,
    side: Side,
    quantity: Decimal,
    take_profit: Decimal,
    stop: Decimal,
    stop_limit: Decimal | None = None,
    last: Decimal | None = None,
    give_up_at: int | None = None,
    comment: str = "",
) -> OrderList:
    """Plan two orders of one side and quantity; the first to execute ends the other.

    The profit is taken by an order that rests at `take_profit`. Once the last price reaches
    `stop`, what remains goes at market, or at `stop_limit` or better, which can be gapped. With
    `last` the prices are held against the market too. Raises Halt for prices that contradict.
    """
    legs = _pair(rules, side, quantity, take_profit, stop, stop_limit)
    _refuse(pair_contradictions(side, take_profit, stop, last))
    legs[0].give_up_at = give_up_at
    return _list_of("OCO", legs, comment)


def plan_oto(
    rules: SymbolRules,
    *,
    side: Side,
    quantity: Decimal,
    price: Decimal,
    take_profit: Decimal | None = None,
    stop: Decimal | None = None,
    stop_limit: Decimal | None = None,
    exit_quantity: Decimal | None = None,
    fee_rate: Decimal = FEE_RATE,
    give_up_at: int | None = None,
    comment: str = "",
) -> OrderList:
    """Plan an entry at `price` and one exit, which begins once all of the entry is filled.

    The exit takes a profit or stops a loss: one of the two is given. It deals with
    `exit_quantity`, by default what a buy leaves after a fee of `fee_rate` taken in coins: an exit
    of more than is there would be refused when it should begin. Raises Halt.
    """
    if (take_profit is None) == (stop is None):
        raise Halt("an OTO has one exit: give take_profit or stop, and both to an OTOCO")
    out, rest = OPPOSITE[side], _exit_quantity(side, quantity, exit_quantity, fee_rate)
    if take_profit is not None:
        leg = _limit(rules, out, rest, take_profit)
    else:
        assert stop is not None
        leg = _stop(rules, out, rest, stop, stop_limit)
    _refuse(_entry_relations(side, price, take_profit, stop))
    entry = _limit(rules, side, quantity, price)
    entry.give_up_at = give_up_at
    return _list_of("OTO", [entry, leg], comment)


def plan_otoco(
    rules: SymbolRules,
    *,
    side: Side,
    quantity: Decimal,
    price: Decimal,
    take_profit: Decimal,
    stop: Decimal,
    stop_limit: Decimal | None = None,
    exit_quantity: Decimal | None = None,
    fee_rate: Decimal = FEE_RATE,
    give_up_at: int | None = None,
    comment: str = "",
) -> OrderList:
    """Plan an entry at `price`, and an OCO against it that begins once all of it is filled.

    `exit_quantity` and `fee_rate` as in `plan_oto`. Raises Halt for prices that contradict.
    """
    out, rest = OPPOSITE[side], _exit_quantity(side, quantity, exit_quantity, fee_rate)
    _refuse(pair_contradictions(out, take_profit, stop, price))
    pair = _pair(rules, out, rest, take_profit, stop, stop_limit)
    entry = _limit(rules, side, quantity, price)
    entry.give_up_at = give_up_at
    return _list_of("OTOCO", [entry, *pair], comment)


def _list_of(kind: str, legs: list[Order], comment: str) -> OrderList:
    for leg in legs:
        leg.comment = comment
    fields = {"kind": kind, "symbol": legs[0].symbol, "legs": legs, "comment": comment}
    return OrderList.model_validate(fields)


# --- the legs


def _pair(
    rules: SymbolRules,
    side: Side,
    quantity: Decimal,
    take_profit: Decimal,
    stop: Decimal,
    stop_limit: Decimal | None,
) -> list[Order]:
    """Make both legs, the one whose price lies above first."""
    stopping = _stop(rules, side, quantity, stop, stop_limit)
    taking = Order(
        symbol=rules.symbol,
        side=side,
        type="LIMIT_MAKER",
        quantity=stopping.quantity,
        price=rules.round_price(take_profit, side),
    )
    return [taking, stopping] if side == "SELL" else [stopping, taking]


def _stop(
    rules: SymbolRules, side: Side, quantity: Decimal, stop: Decimal, stop_limit: Decimal | None
) -> Order:
    """Make a stop: at market, in lots that a market order takes too, or at a limit."""
    leg = Order(
        symbol=rules.symbol,
        side=side,
        type="STOP_LOSS",
        quantity=rules.round_quantity(quantity, "MARKET"),
        stop_price=rules.round_price(stop, side),
    )
    if stop_limit is not None:
        leg.type, leg.time_in_force = "STOP_LOSS_LIMIT", "GTC"
        leg.quantity = rules.round_quantity(quantity, leg.type)
        leg.price = rules.round_price(stop_limit, side)
    return leg


def _limit(rules: SymbolRules, side: Side, quantity: Decimal, price: Decimal) -> Order:
    return Order(
        symbol=rules.symbol,
        side=side,
        type="LIMIT",
        time_in_force="GTC",
        quantity=rules.round_quantity(quantity, "LIMIT"),
        price=rules.round_price(price, side),
    )


def _exit_quantity(
    side: Side, quantity: Decimal, exit_quantity: Decimal | None, fee_rate: Decimal
) -> Decimal:
    if exit_quantity is not None:
        return exit_quantity
    return quantity * (1 - fee_rate) if side == "BUY" else quantity


# --- how prices must lie


def pair_contradictions(
    side: Side, take_profit: Decimal, stop: Decimal, last: Decimal | None = None
) -> Iterator[str]:
    """Say which rule of an OCO the prices break; `last` is where the market is as it begins."""
    sign = 1 if side == "SELL" else -1
    place, code = ("above", "-1166") if side == "SELL" else ("below", "-1165")
    beyond, stop_code = ("below", "-1197") if side == "SELL" else ("above", "-1196")
    word = side.lower()
    if sign * (take_profit - stop) <= 0:
        yield (
            f"in a {word} OCO the take profit ({plain(take_profit)}) must be {place} the stop "
            f"({plain(stop)}) ({code}, {stop_code})"
        )
    if last is not None and sign * (take_profit - last) <= 0:
        yield (
            f"the take profit ({plain(take_profit)}) of a {word} OCO must be {place} "
            f"{plain(last)} (-2010, the relationship of the prices)"
        )
    if last is not None and sign * (last - stop) <= 0:
        yield (
            f"the stop ({plain(stop)}) of a {word} OCO must be {beyond} {plain(last)} "
            "(-2010, the relationship of the prices)"
        )


def _entry_relations(
    side: Side, price: Decimal, take_profit: Decimal | None, stop: Decimal | None
) -> Iterator[str]:
    """Say what is wrong with one exit from an entry at a price."""
    sign = 1 if side == "BUY" else -1
    if take_profit is not None and sign * (take_profit - price) <= 0:
        yield f"take profit {plain(take_profit)} loses against the entry at {plain(price)}"
    if stop is not None and sign * (price - stop) <= 0:
        yield f"stop {plain(stop)} would trigger at once after the entry at {plain(price)} (-2010)"


def _refuse(wrongs: Iterator[str]) -> None:
    found = "; ".join(wrongs)
    if found:
        raise Halt(found)
