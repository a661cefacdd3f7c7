"""The end of a lot: what stands for it at the exchange, and the order that closes it.

    async for lot in close_lot(desk, lot):
        yield ctx

There is one thing at a time. What is to stand is placed as soon as the lot holds something, and
replaced when the lot grows or a price moves: canceled, its end awaited, what it left planned anew
in the save that holds that end. A decision to close cancels it likewise; then what is left is sold,
or bought back, at market or by a limit. A limit that was not filled in its time is canceled, and
only what it did not execute goes at market: an order that filled meanwhile is never sold twice.
"""

from decimal import Decimal
from functools import partial
from typing import Final

from lib.closing_order import PAUSE, is_dust, plan_closing
from lib.desk import Desk
from lib.exchange import ZERO, Quote
from lib.exits.cover import plan_cover
from lib.exits.looking import RETRY, missing
from lib.exits.lot import Lot, Way
from lib.exits.protection import Ending, canceled_by_another
from lib.exits.watching import await_news, close, decisions, judge, look_at, say, watch
from lib.machine import Machine, together
from lib.money import SymbolRules, plain
from lib.order_lists import GUARDS, OrderList, add_list
from lib.orders import LIMIT_TYPES, PROBED, Order, OrderState, add_order
from lib.standstill import await_release

RESTS_FOR: Final = 3_600_000  # ms that the plan of a limit waits to be sent
NO_ROOM: Final = "ALGO_ORDERS"  # the rule that counts stops, in our words and in Binance's
REFUSED: Final = frozenset({OrderState.REJECTED, OrderState.LOST})


async def close_lot(desk: Desk, lot: Lot) -> Machine[Lot]:
    """Have a lot be closed as it says; it is `over` once nothing is left and nothing more comes.

    Raises Halt where a closing order is refused, once its position buys nothing more, and again
    after a restart until the bot was released.
    """
    if not lot.over:
        async for _ in together(_act(desk, lot), watch(desk, lot)):
            yield lot


async def _act(desk: Desk, lot: Lot) -> Machine[Lot]:
    """Have one thing stand for what is left: what is to stand, or what closes it."""
    while not lot.over:
        if lot.stopped:
            await _heed_person(desk, lot)
            yield lot
        async for lot in _follow(desk, lot):
            yield lot
        quote = await look_at(desk, lot)
        before = (_slots(lot), decisions(lot))
        said = _settle(desk, lot)
        if not lot.stopped:
            said += _decide(desk.rules(lot.symbol), lot, quote, desk.now())
        if any(_slots(lot)[:3]) and not said:
            continue  # what was planned is announced in the save that holds the former's end
        if (_slots(lot), decisions(lot)) != before or said:
            yield lot
            say(desk, lot, said)
        else:
            await await_news(desk, lot)


def _slots(lot: Lot) -> list[object]:
    return [lot.pair, lot.single, lot.sale, lot.over, lot.stopped, lot.trouble]


async def _follow(desk: Desk, lot: Lot) -> Machine[Lot]:
    """Follow what there is up to its end; that is saved with what comes next."""
    if lot.sale is not None:
        async for lot.sale in add_order(desk.exchange, lot.sale):
            if not lot.sale.final:
                yield lot
    elif lot.single is not None:
        async for lot.single in add_order(desk.exchange, lot.single):
            if not lot.single.final:
                yield lot
    elif lot.pair is not None:
        async for lot.pair in add_list(desk.exchange, lot.pair):
            if not lot.pair.final:
                yield lot


# --- what comes next


def _decide(rules: SymbolRules, lot: Lot, quote: Quote, now: int) -> list[str]:
    """Plan what stands or what closes, or note the end; answer what is to be said."""
    if is_dust(rules, lot.side, lot.left, quote.last) or not lot.has_end:
        if lot.complete:
            _end(lot)
        return []
    said = judge(rules, lot, quote, now)
    if lot.ending is not None:
        if quote.last and now >= lot.sell_at:
            lot.sale = _plan_sale(rules, lot, quote.last, now)
    elif quote.last and now >= lot.retry_at and plan_cover(rules, lot, quote.last):
        lot.trouble = ""
    return said


def _end(lot: Lot) -> None:
    """Note that nothing is left to be done."""
    if not lot.quantity:
        lot.ending, lot.because = Ending.NOTHING_BOUGHT, lot.because or "nothing was entered"
    elif lot.ending is None and not lot.has_end:
        lot.ending, lot.because = Ending.TOLD, "it was to be entered, and no more"
    elif lot.ending is None and lot.gone:
        lot.ending, lot.because = Ending.GONE, "somebody else sold or moved it"
    elif lot.ending is None:
        lot.ending, lot.because = Ending.DUST, "it is too small to be closed"
    lot.over = True


def _plan_sale(rules: SymbolRules, lot: Lot, last: Decimal, now: int) -> Order | None:
    """Plan to close it all: by its limit while that may rest, else at market."""
    way = lot.way or Way()
    until = None if way.patience is None else lot.way_at + way.patience
    if not way.is_limit or (until is not None and now >= until):
        return plan_closing(rules, lot.side, lot.left, last, lot.because)
    order = Order(
        symbol=lot.symbol,
        side=lot.side,
        type="LIMIT",
        time_in_force="GTC",
        quantity=rules.round_quantity(lot.left, "LIMIT"),
        price=rules.round_price(way.limit(lot.sign, lot.at), lot.side),
        valid_for=RESTS_FOR,
        give_up_at=until,
        comment=lot.because,
    )
    if lot.ending is not Ending.STOP and lot.stop is not None and lot.stop.base == "last":
        bound = {"give_up_below" if lot.sign > 0 else "give_up_above": lot.stop.price}
        order = order.model_copy(update=bound)
    return order


# --- what an end leaves


def _settle(desk: Desk, lot: Lot) -> list[str]:
    """Put aside what ended; answer what is to be said of it."""
    if lot.sale is not None:
        return _settle_sale(desk, lot, lot.sale)
    if lot.pair is not None:
        return _settle_pair(desk, lot, lot.pair)
    return [] if lot.single is None else _settle_single(desk, lot, lot.single)


def _settle_pair(desk: Desk, lot: Lot, pair: OrderList) -> list[str]:
    lot.pair, lot.entry = None, lot.entry or pair.working
    closing = [leg for leg in pair.exits if leg.filled]
    by_person = canceled_by_another(pair) and _is_held(pair)
    state, why, given_up = pair.state, pair.reason, pair.give_up
    taking = next((leg for leg in pair.exits if leg.type not in GUARDS), None)
    if state is OrderState.REJECTED and NO_ROOM in why and _spares_an_order(lot, taking):
        lot.at_exchange = False
        return [f"its take profit is watched here, its stop stands alone: {why}"]
    return _note(desk, lot, closing, state, why, given_up, by_person=by_person)


def _settle_single(desk: Desk, lot: Lot, order: Order) -> list[str]:
    lot.single = None
    closing = [order] if order.filled else []
    ours = bool(order.give_up or order.cancel_id) or order.reason == PROBED
    by_person = order.state is OrderState.CANCELED and not ours
    given_up = order.give_up or (order.reason if order.reason == PROBED else "")
    return _note(desk, lot, closing, order.state, order.reason, given_up, by_person=by_person)


def _is_held(pair: OrderList) -> bool:
    return pair.working is None or pair.working.filled


def _spares_an_order(lot: Lot, taking: Order | None) -> bool:
    """Say whether a stop alone may be taken where the exchange has no room for a pair of stops."""
    return lot.at_exchange and taking is not None and taking.type != "LIMIT_MAKER"


def _note(
    desk: Desk,
    lot: Lot,
    closing: list[Order],
    state: OrderState,
    why: str,
    given_up: str,
    *,
    by_person: bool,
) -> list[str]:
    """Note how what stood for a lot ended."""
    lot.done.extend(closing)
    for leg in closing:
        if leg.type in GUARDS or leg.state is OrderState.FILLED:
            _note_exit(lot, leg, desk.now())
    if by_person and lot.ending is None and lot.left:
        return ["its orders were canceled at the exchange, not by this program; placed again"]
    if lot.ending is not None or given_up or not lot.left:
        return []
    if state in {OrderState.REJECTED, OrderState.EXPIRED}:
        _miss(desk, lot)
        lot.trouble = f"what was to stand for it was {state}: {why}; watched here"
        lot.retry_at = desk.now() + RETRY
        return [lot.trouble]
    if state is OrderState.LOST:
        _stop(desk, lot, "the exchange has forgotten what stood for it")
    return []


def _note_exit(lot: Lot, leg: Order, now: int) -> None:
    """Say truly why it ended: an exit may execute after another end was decided."""
    ending = Ending.STOP if leg.type in GUARDS else Ending.TAKE_PROFIT
    because = f"{plain(leg.executed)} by its {leg.type} order"
    lot.ending = None
    close(lot, ending, because, at=leg.average_price, way=Way(), now=now)


def _settle_sale(desk: Desk, lot: Lot, sale: Order) -> list[str]:
    lot.sale = None
    if sale.filled:
        lot.done.append(sale)
    if sale.state is OrderState.FILLED:
        return []
    if sale.type in LIMIT_TYPES:
        return _settle_limit(lot, sale)
    if sale.state in REFUSED and not _miss(desk, lot):
        size = plain(sale.quantity or ZERO)
        _stop(desk, lot, f"the {sale.side} of {size} at market was {sale.state}: {sale.reason}")
    lot.sell_at = desk.now() + PAUSE  # nobody took it at this moment
    return []


def _settle_limit(lot: Lot, sale: Order) -> list[str]:
    """Let the rest of a limit go at market, unless it was nobody's decision to end it."""
    by_us = sale.state in {OrderState.ABANDONED, OrderState.REJECTED} or sale.cancel_id
    if not by_us or sale.reason == PROBED:
        return []
    lot.way = Way()
    why = sale.reason or "its time is over"
    return [f"the limit at {plain(sale.price or ZERO)} ended ({why}): the rest goes at market"]


# --- when a person is needed


def _stop(desk: Desk, lot: Lot, why: str) -> None:
    """Decide that a person must look first: on disk before anybody is told."""
    lot.stopped, lot.stopped_at = why, desk.releases


def _miss(desk: Desk, lot: Lot) -> bool:
    """Stop where coins that were bought are not there any more; say whether they are not."""
    lacking = _missing(desk, lot)
    if not lacking:
        return False
    lot.missing = lacking
    where = "are not free in the account: sold, moved or locked by somebody else"
    _stop(desk, lot, f"{plain(lacking)} of {plain(lot.left)} {lot.base_asset} {where}")
    return True


def _missing(desk: Desk, lot: Lot) -> Decimal:
    """Answer what the account lacks of what is to be sold, while nothing of ours stands for it."""
    return ZERO if lot.side == "BUY" else missing(desk, lot.symbol, lot.left)


async def _heed_person(desk: Desk, lot: Lot) -> None:
    """Wait until nothing more is entered, then stop the bot; a release lets it go on.

    A release accepts that what is missing is gone.
    """
    news = partial(await_news, desk, lot)
    await await_release(desk, lot, is_quiet=lambda: lot.complete, news=news)
    lot.gone += min(lot.missing, _missing(desk, lot))
    lot.missing = ZERO
    lot.trouble, lot.retry_at, lot.sell_at = "", 0, 0
