"""From a wish to an order, to what stands for what it bought, to its end.

    buy, sell              lib/orders.py
    take profit and stop   lib/exits/way_out.py: an order at the exchange, both as an OCO
    close_all              sales at market, as many as it takes, once all asked before is over

A wish is over once its order has ended, all that stands against it has, and both were told.
"""

from decimal import Decimal
from typing import Final

from lib.algorithm.session import Session, refuse, too_late
from lib.algorithm.wish import Wish
from lib.amounts import EXACT
from lib.closing_order import is_dust
from lib.exchange import ZERO
from lib.exits.way_out import WayOut, leave
from lib.machine import Machine, together
from lib.money import MARKET_MARGIN, SymbolRules, plain
from lib.news import Kind, readable
from lib.orders import Order, OrderState, add_order
from lib.sizes import PERCENT, QUOTE, Size
from lib.turnover import book

MONTH: Final = 30 * 86_400_000  # ms: a sale is meant, also after an outage
NOBODY_PAUSE: Final = 5_000  # ms after a sale that nobody took
LOOK: Final = 10_000  # ms
GRAIN: Final = Decimal("0.00000001")
HUNDRED: Final = Decimal(100)


async def pursue(session: Session, wish: Wish) -> Machine[Wish]:
    """Drive a wish to its end, telling the algorithm each fill and each end once."""
    while not wish.over:
        await _await_turn(session, wish)
        await _plan(session, wish)
        session.hear(wish)
        async for _ in together(_enter(session, wish), _leave(session, wish)):
            session.hear(wish)
            yield wish
        _conclude(session, wish)
        yield wish


async def _enter(session: Session, wish: Wish) -> Machine[Wish]:
    if wish.order is not None:
        async for wish.order in add_order(session.desk.exchange, wish.order):
            yield wish


async def _leave(session: Session, wish: Wish) -> Machine[Wish]:
    if wish.way is not None:
        async for wish.way in leave(session.desk, wish.way, wish):
            yield wish


async def _await_turn(session: Session, wish: Wish) -> None:
    """Have a closing wait until all that was asked for before it is over."""
    desk = session.desk
    await desk.until(wish.not_before)
    while wish.closes and any(other.number < wish.number for other in session.course.wishes):
        await desk.until_save(desk.now() + LOOK)


# --- what is to be sent


async def _plan(session: Session, wish: Wish) -> None:
    """Make an order of a wish, unless there is one, or it is not to be any more."""
    if wish.order is not None or wish.refused:
        return
    price = wish.price or await session.desk.price(session.conf.symbol)
    now = session.desk.now()
    if wish.given_up and not wish.closes:
        refuse(wish, wish.given_up)
    elif wish.good_until is not None and now > wish.good_until:
        refuse(wish, too_late(wish, now))
    else:
        wish.base_asset = session.course.base_asset
        wish.order = _closing(session, wish, price) if wish.closes else _order(session, wish, price)
        if wish.take_profit is not None or wish.stop is not None:
            wish.way = WayOut(symbol=session.conf.symbol)


def _order(session: Session, wish: Wish, price: Decimal) -> Order:
    rules, now = session.desk.rules(session.conf.symbol), session.desk.now()
    order = Order(
        symbol=rules.symbol,
        side=wish.side,
        type="MARKET",
        valid_for=MONTH if wish.good_until is None else wish.good_until - now,
        give_up_at=wish.give_up_at,
        loss_at=wish.stop,
        comment=wish.because,
    )
    if wish.price is not None:
        order.type, order.time_in_force = "LIMIT", "GTC"
        order.price = rules.round_price(wish.price, wish.side)
    _measure(session, wish, order, price)
    return order


def _measure(session: Session, wish: Wish, order: Order, price: Decimal) -> None:
    """Say how much an order is for: money is spent to the last digit where the symbol takes it."""
    assert wish.size is not None, "a closing is for all there is"
    desk, rules = session.desk, session.desk.rules(order.symbol)
    spends = wish.side == "BUY" and wish.at_market and rules.quote_quantity_allowed
    if spends and wish.size.unit in {PERCENT, QUOTE, rules.quote_asset}:
        order.quote_quantity = _money(wish.size, rules, desk.wallet.free_to_buy(order.symbol))
        return
    dearest = price * (1 + MARKET_MARGIN) if wish.at_market and wish.side == "BUY" else price
    order.quantity = desk.quantity(wish.size, order.symbol, side=wish.side, price=dearest)


def _money(size: Size, rules: SymbolRules, free: Decimal) -> Decimal:
    part = EXACT.multiply(max(free, ZERO), size.amount) / HUNDRED
    amount = part if size.unit == PERCENT else size.amount
    return amount - amount % Decimal(1).scaleb(-rules.quote_precision)


def _closing(session: Session, wish: Wish, price: Decimal) -> Order | None:
    """Plan to sell all that nothing else stands for, or as much of it as one order may have."""
    rules, course = session.desk.rules(session.conf.symbol), session.course
    others = sum((max(each.net, ZERO) for each in course.wishes if each is not wish), ZERO)
    loose = max(course.held - others, ZERO)
    largest = [lot.largest for lot in (rules.lot, rules.market_lot) if lot.largest]
    quantity = rules.round_quantity(min(loose, *largest, loose), "MARKET")
    if is_dust(rules, "SELL", quantity, price):
        wish.refused, wish.told_end = "nothing is left that could be sold", True
        course.least = max(course.least, loose + GRAIN)  # the price fell: it is dust now
        return None
    return Order(
        symbol=rules.symbol,
        side="SELL",
        type="MARKET",
        quantity=quantity,
        valid_for=MONTH,
        comment=wish.because,
    )


# --- what came of it


def _conclude(session: Session, wish: Wish) -> None:
    """Put what ended into the sums, and let it be over; a closing goes on while it sells."""
    assert wish.told_end, "an order's end is told in the step that learns of it"
    course, rules = session.course, session.desk.rules(session.conf.symbol)
    before = course.sums.realised
    for order in [wish.order, *(wish.way.exits if wish.way else [])]:
        if order is not None and order.filled:
            book(course.sums, order, rules)
    _say_result(session, course.sums.realised - before, rules)
    if wish.closes and _goes_on(session, wish):
        return
    wish.over = True
    course.wishes.remove(wish)


def _goes_on(session: Session, wish: Wish) -> bool:
    """Have a closing try once more; say whether it does."""
    order = wish.order
    if order is None or order.state in {OrderState.REJECTED, OrderState.LOST}:
        return False
    if not order.filled:
        wish.not_before = session.desk.now() + NOBODY_PAUSE
    wish.order, wish.told_end, wish.told_fills = None, False, {}
    return True


def _say_result(session: Session, brought: Decimal, rules: SymbolRules) -> None:
    if brought:
        total = session.course.sums.realised
        text = f"brought {readable(brought)} {rules.quote_asset}, in all {readable(total)}"
        session.desk.tell(Kind.RESULT, f"{text}; holds {plain(session.course.held)}")
