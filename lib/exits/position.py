"""A position from its entry to its end, protected at the exchange all the while.

    ctx.position = ctx.position or plan_position(rules, entry, take_profit=…, stop=…)
    async for ctx.position in hold_position(desk, ctx.position):
        yield ctx

What the entry bought is protected by a pair, an OCO of take profit and stop, that rests at the
exchange and needs nobody here. There is one pair at a time: a larger one, or one with another
stop, is planned in the save that holds the end of the former. What only this program can see (a
deadline, a trail, a stop that was gapped) comes on top: it cancels the pair, awaits its end and
sells what is left at market. While there is no pair (`unprotected_because` says why), prices
beyond take profit and stop are acted on from here.

With `trailing_delta` the stop trails at the exchange; a pair that takes the place of another
begins to trail anew, and `stop` is what is watched from here while no pair stands.

The entry is one order, or with its pair an OTOCO. The coins are bought first: long only.
"""

from decimal import Decimal
from functools import partial
from typing import Final

from lib.amounts import EXACT, common_multiple
from lib.closing_order import PAUSE, is_dust, plan_closing
from lib.desk import Desk
from lib.errors import Halt
from lib.exchange import ZERO, Quote
from lib.exits.looking import RETRY, look, missing, spoken
from lib.exits.position_watch import (
    await_news,
    bases_of_pair,
    close,
    close_position,
    give_entry_up,
    move_stop,
    review,
    watch,
)
from lib.exits.protection import (
    Ending,
    Position,
    Trigger,
    bare_since,
    canceled_by_another,
)
from lib.machine import Machine, together
from lib.money import SymbolRules, plain
from lib.oco import FEE_RATE, plan_oco, plan_otoco
from lib.order_lists import GUARDS, OrderList, add_list
from lib.orders import Order, OrderState, add_order
from lib.quotes import price_of
from lib.standstill import await_release
from lib.trailing import trail_at_exchange

TOO_SMALL: Final = "it is too small to be sold; the entry may buy more"

__all__ = [
    "Ending",
    "Position",
    "Trigger",
    "close_position",
    "hold_position",
    "move_stop",
    "plan_bracket",
    "plan_position",
]


def plan_position(
    rules: SymbolRules,
    entry: Order,
    *,
    take_profit: Decimal,
    stop: Decimal,
    stop_limit: Decimal | None = None,
) -> Position:
    """Plan a position that one order opens; further wishes are fields. Raises Halt."""
    if entry.side != "BUY":
        raise Halt("a position is opened by a BUY")
    if not stop < take_profit:
        raise Halt(f"the stop ({plain(stop)}) must be below the take profit ({plain(take_profit)})")
    entry.loss_at = stop
    return Position(
        symbol=rules.symbol,
        base_asset=rules.base_asset,
        quote_asset=rules.quote_asset,
        step=common_multiple(rules.lot.step, rules.market_lot.step),
        take_profit=rules.round_price(take_profit, "SELL"),
        stop=rules.round_price(stop, "SELL"),
        stop_limit=stop_limit,
        entry=entry,
    )


def plan_bracket(
    rules: SymbolRules,
    *,
    quantity: Decimal,
    price: Decimal,
    take_profit: Decimal,
    stop: Decimal,
    stop_limit: Decimal | None = None,
    trailing_delta: int | None = None,
    fee_rate: Decimal = FEE_RATE,
    give_up_at: int | None = None,
) -> Position:
    """Plan a position whose entry brings its pair along: an OTOCO. Raises Halt.

    Its pair begins when the entry is filled entirely, without anybody here. An entry filled in
    part for longer than `patience` is canceled, and what it bought protected by a pair of its own.
    """
    bracket = plan_otoco(
        rules,
        side="BUY",
        quantity=quantity,
        price=price,
        take_profit=take_profit,
        stop=stop,
        stop_limit=stop_limit,
        fee_rate=fee_rate,
        give_up_at=give_up_at,
    )
    position = plan_position(
        rules, bracket.legs[0], take_profit=take_profit, stop=stop, stop_limit=stop_limit
    )
    position.entry, position.pair, position.trailing_delta = None, bracket, trailing_delta
    if trailing_delta is not None:
        trail_at_exchange(bracket, trailing_delta)
    return position


async def hold_position(desk: Desk, position: Position) -> Machine[Position]:
    """Open it, protect it, close it; the end is `over`, with `ending` and `result`.

    Raises Halt where a sale is refused, or a person canceled the pair and `when_canceled` says
    park: once nothing more is bought, and again after a restart until the bot was released. Then
    it protects again.
    """
    if position.over:
        return
    machines = [_exit(desk, position), watch(desk, position)]
    if position.entry is not None:
        machines.append(_enter(desk, position))
    async for _ in together(*machines):
        yield position


async def _enter(desk: Desk, position: Position) -> Machine[Position]:
    assert position.entry is not None
    async for position.entry in add_order(desk.exchange, position.entry):
        yield position


# --- the way out


async def _exit(desk: Desk, position: Position) -> Machine[Position]:
    """Have one thing stand for what is held: a pair, or a sale at market."""
    while not position.over:
        if position.stopped:
            await _heed_person(desk, position)
            yield position
        async for position in _follow(desk, position):
            yield position
        quote = await look(desk, position.symbol, bases_of_pair(position))
        before = (position.pair, position.sale, position.trouble)
        ended = position.sale or position.pair
        trouble = _settle(position, desk.now())
        if ended is not None and ended.state is OrderState.REJECTED:
            trouble = _miss(desk, position, trouble)
        if trouble:
            _stop(desk, position, trouble)
            yield position
            continue
        if _decide(desk, position, quote):
            continue  # what was planned is announced in the save that holds the former's end
        if position.over or before != (None, None, position.trouble):
            yield position
        else:
            await await_news(desk, position)


def _stop(desk: Desk, position: Position, why: str) -> None:
    """Decide that a person must look first: on disk before anybody is told."""
    position.stopped, position.stopped_at = why, desk.releases
    give_entry_up(position, "a person is to look at the position first")


async def _heed_person(desk: Desk, position: Position) -> None:
    """Wait until nothing more is bought, then stop the bot; a release lets it go on."""
    news = partial(await_news, desk, position)
    await await_release(desk, position, is_quiet=lambda: position.opening.final, news=news)
    if position.missing:
        _accept(position, min(position.missing, _missing(desk, position)))


async def _follow(desk: Desk, position: Position) -> Machine[Position]:
    """Follow what stands for the coins up to its end; that is saved with what comes next."""
    if position.sale is not None:
        async for position.sale in add_order(desk.exchange, position.sale):
            if not position.sale.final:
                yield position
    elif position.pair is not None:
        async for position.pair in add_list(desk.exchange, position.pair):
            review(position, desk.now())
            if not position.pair.final:
                yield position


def _decide(desk: Desk, position: Position, quote: Quote) -> bool:
    """Plan a pair or a sale for what is held, or note the end; say whether one was planned."""
    rules, now = desk.rules(position.symbol), desk.now()
    if is_dust(rules, "SELL", position.lots, quote.last):
        if position.opening.final:
            _end(position)
        elif position.lots:
            position.trouble = TOO_SMALL
        return False
    position.trouble = position.trouble if position.trouble != TOO_SMALL else ""
    _judge_price(position, quote)
    if position.ending is not None:
        if quote.last and now >= position.sell_at:
            why = position.because
            position.sale = plan_closing(rules, "SELL", position.lots, quote.last, why)
    elif _is_time_for_a_pair(position, now):
        position.pair, position.trouble = _plan_pair(rules, position), ""
    return position.sale is not None or position.pair is not None


def _end(position: Position) -> None:
    """Note that nothing is left to be done."""
    entry = position.opening
    if not entry.filled:
        position.ending = Ending.NOTHING_BOUGHT
        position.because = position.because or entry.reason
    elif position.ending is None and position.gone:
        position.ending, position.because = Ending.GONE, "somebody else sold or moved it"
    elif position.ending is None:
        position.ending, position.because = Ending.DUST, "it is too small to be sold"
    position.over = True


def _judge_price(position: Position, quote: Quote) -> None:
    """Act from here on a price that a pair would have acted on."""
    low, high = (price_of(quote, base) for base in (position.stop_base, position.take_profit_base))
    if low and low <= position.stop:
        words = f"the {spoken(position.stop_base)} is {plain(low)}, beyond the stop"
        close(position, Ending.STOP, words)
    elif high and high >= position.take_profit:
        words = f"the {spoken(position.take_profit_base)} is {plain(high)}, beyond the take profit"
        close(position, Ending.TAKE_PROFIT, words)


def _is_time_for_a_pair(position: Position, now: int) -> bool:
    entry = position.opening
    rested = entry.final or now >= bare_since(position) + position.patience
    return rested and now >= position.retry_at


def _plan_pair(rules: SymbolRules, position: Position) -> OrderList:
    pair = plan_oco(
        rules,
        side="SELL",
        quantity=position.lots,
        take_profit=position.take_profit,
        stop=position.stop,
        stop_limit=position.stop_limit,
    )
    if position.trailing_delta is not None:
        trail_at_exchange(pair, position.trailing_delta)
    return pair


# --- what an exit leaves


def _settle(position: Position, now: int) -> str:
    """Put aside what ended; answer why a person must look, if one must."""
    if position.sale is not None:
        return _settle_sale(position, now)
    return "" if position.pair is None else _settle_pair(position, now)


def _settle_pair(position: Position, now: int) -> str:
    pair, position.pair = position.pair, None
    assert pair is not None
    assert pair.final
    position.entry = position.entry or pair.working
    sold = [leg for leg in pair.exits if leg.filled]
    position.exits.extend(sold)
    if _was_taken_away(position, pair) and position.when_canceled == "park":
        return _trouble_of_lost_pair(position, pair)
    for leg in sold:
        if leg.type in GUARDS or leg.state is OrderState.FILLED:
            _note_exit(position, leg)
    if position.ending is not None or pair.give_up or not position.opening.filled:
        return ""
    if pair.state in {OrderState.REJECTED, OrderState.EXPIRED}:
        beyond = f"{plain(position.stop)} or {plain(position.take_profit)}"
        position.trouble = (
            f"the pair was {pair.state}: {pair.reason}; watched here, and sold at market beyond "
            f"{beyond}"
        )
        position.retry_at = now + RETRY
        return ""
    return _trouble_of_lost_pair(position, pair)


def _was_taken_away(position: Position, pair: OrderList) -> bool:
    """Say whether somebody else canceled what stood for coins that are to be kept."""
    return position.ending is None and bool(position.lots) and canceled_by_another(pair)


def _note_exit(position: Position, leg: Order) -> None:
    """Say truly why it ended: an exit may execute after another end was decided."""
    stopped = leg.type in GUARDS
    position.ending = Ending.STOP if stopped else Ending.TAKE_PROFIT
    position.because = f"sold {plain(leg.executed)} by its {leg.type} order"
    give_entry_up(position)


def _trouble_of_lost_pair(position: Position, pair: OrderList) -> str:
    if pair.state is OrderState.LOST:
        position.trouble = "the exchange has forgotten the pair"
        return position.trouble
    if canceled_by_another(pair):
        position.trouble = "the pair was canceled at the exchange, not by this program"
        return position.trouble if position.when_canceled == "park" else ""
    return ""


def _settle_sale(position: Position, now: int) -> str:
    sale, position.sale = position.sale, None
    assert sale is not None
    assert sale.final
    if sale.filled:
        position.exits.append(sale)
    elif sale.state is OrderState.EXPIRED:  # nobody buys at this moment
        position.sell_at = now + PAUSE
    if sale.state in {OrderState.REJECTED, OrderState.LOST}:
        return (
            f"the sale of {plain(sale.quantity or ZERO)} at market was {sale.state}: {sale.reason}"
        )
    return ""


# --- what is not there any more


def _miss(desk: Desk, position: Position, trouble: str) -> str:
    """Look whether the coins are still there, as what stands for them was refused.

    Answers why a person must look: for that, or for the trouble that there was anyhow.
    """
    lacking = _missing(desk, position)
    if not lacking:
        return trouble
    if position.when_sold == "accept":
        _accept(position, lacking)
        return ""
    position.missing = lacking
    return (
        f"{plain(lacking)} of {plain(position.lots)} {position.base_asset} are not free in the "
        "account: sold, moved or locked by somebody else"
    )


def _missing(desk: Desk, position: Position) -> Decimal:
    """Answer what the account lacks of what is to be sold, while nothing of ours stands for it."""
    return missing(desk, position.symbol, position.lots)


def _accept(position: Position, lacking: Decimal) -> None:
    """Go on with what is left, at once."""
    position.gone, position.missing = EXACT.add(position.gone, lacking), ZERO
    position.trouble, position.retry_at = "", 0
