"""The one thing that stands at the exchange for what a bot bought in parts.

    async for ctx.way in leave(desk, ctx.way, purchases):
        yield ctx

What is wanted is an aim: a take profit, a stop, both, or to sell at once. It may change with every
fill, so it is asked for again each time. What stands for it is a limit order, a stop, or a pair of
them as an OCO; it needs nobody here. There is one at a time: where the aim or the quantity has
changed it is canceled, its end is awaited, and the next one is announced in the save that holds
that end. Prices beyond the aim are acted on from here while nothing stands.

position.py is for one entry whose exits are settled as it begins, holding.py for one that is shared
out to lots with ends of their own. What all three do alike is in looking.py, lib/closing_order.py
and lib/standstill.py.
"""

from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Literal, Protocol, TypeAlias

from lib.amounts import EXACT
from lib.closing_order import PAUSE, is_dust, plan_closing
from lib.desk import Desk
from lib.exchange import ZERO
from lib.exits.looking import RETRY, known_price, missing, stir
from lib.machine import Context, Machine
from lib.money import SymbolRules, plain
from lib.news import Kind
from lib.oco import plan_oco
from lib.order_lists import GUARDS, OrderList, add_list
from lib.orders import PROBED, UNSETTLED, Order, OrderState, add_order
from lib.quotes import Bounds
from lib.standstill import await_release

Part: TypeAlias = Literal["", "stop", "take profit"]


@dataclass(frozen=True, slots=True)
class Aim:
    """What is wanted of what was bought. Prices are quote per base."""

    take_profit: Decimal | None = None
    stop: Decimal | None = None
    sell_now: str = ""  # why all of it is to be sold at market; empty: it is not


class Purchases(Protocol):
    """What a way out wants to know of what was bought; the same in whichever life it is asked."""

    @property
    def bought(self) -> Decimal:
        """Answer what was bought so far in base, less the fees taken in coins."""
        ...

    @property
    def settled_at(self) -> int:
        """Answer until when more is expected of an order filled in part; exchange ms."""
        ...

    @property
    def complete(self) -> bool:
        """Say whether nothing more will be bought."""
        ...

    @property
    def aim(self) -> Aim:
        """Answer what is wanted now."""
        ...


class WayOut(Context):
    """What stands for the coins, and what was sold."""

    symbol: str
    order: Order | None = None  # a take profit or a stop, alone
    pair: OrderList | None = None  # or both
    sale: Order | None = None  # at market, in their place
    exits: list[Order] = []  # ended orders that sold something
    beyond: Part = ""  # the price was there: sold at market
    beyond_at: Decimal = ZERO  # that price
    retry_at: int = 0  # exchange ms before which nothing is tried after a refusal
    sell_at: int = 0  # exchange ms before which no sale is tried after one that nobody took
    stopped: str = ""  # why a person is to look before anything else is done
    stopped_at: int = 0  # how many releases there had been; another one lets it go on
    gone: Decimal = ZERO  # of base: sold or moved by somebody else
    over: bool = False

    @property
    def standing(self) -> list[Order]:
        """Answer the orders that wait at the exchange, or are on their way there."""
        if self.pair is not None:
            return self.pair.legs
        return [] if self.order is None else [self.order]

    @property
    def sales(self) -> list[Order]:
        """Answer every order that sold something, or may."""
        return [*self.exits, *self.standing, *([self.sale] if self.sale else [])]

    @property
    def sold(self) -> Decimal:
        """Answer what is not there any more, in base."""
        return sum((order.executed for order in self.sales), self.gone)

    @property
    def profit_taken(self) -> bool:
        """Say whether a take profit was executed, be it in part."""
        return any(order.filled and order.type not in GUARDS for order in self._aimed)

    @property
    def done_by(self) -> Part:
        """Answer which part of the aim has sold all there was; empty while none has."""
        filled = [order for order in self._aimed if order.filled]
        if any(order.type in GUARDS for order in filled):
            return "stop"
        ended = any(order.state is OrderState.FILLED for order in filled)
        return "take profit" if ended else self.beyond

    @property
    def _aimed(self) -> list[Order]:
        return [order for order in self.sales if order.type != "MARKET"]


async def leave(desk: Desk, way: WayOut, purchases: Purchases) -> Machine[WayOut]:
    """Have one thing stand for what was bought until all of it is sold and no more comes.

    Raises Halt where a sale is refused or coins are missing, once nothing more is bought; after a
    release it goes on with what is there.
    """
    while not way.over:
        if way.stopped:
            await _heed_person(desk, way, purchases)
            yield way
        async for way in _follow(desk, way, purchases):
            yield way
        price, ended = await known_price(desk, way.symbol), bool(way.standing or way.sale)
        _settle(desk, way, purchases)
        if not way.stopped and _plan(desk, way, purchases, price):
            continue  # it is announced in the save that holds the former's end
        if way.over or way.stopped or ended:
            yield way
        else:
            await _stir(desk, way, purchases)


def review_way(desk: Desk, way: WayOut, purchases: Purchases) -> None:
    """Decide whether what stands is to be replaced; in force with the next save."""
    why = _why_replaced(desk, way, purchases)
    if not why:
        return
    if way.pair is not None:
        way.pair.give_up = way.pair.give_up or why
    elif way.order is not None:
        way.order.give_up = way.order.give_up or why


# --- what stands


async def _follow(desk: Desk, way: WayOut, purchases: Purchases) -> Machine[WayOut]:
    """Follow what stands to its end; the end is saved with what comes next."""
    if way.sale is not None:
        async for way.sale in add_order(desk.exchange, way.sale):
            if not way.sale.final:
                yield way
    elif way.pair is not None:
        async for way.pair in add_list(desk.exchange, way.pair):
            review_way(desk, way, purchases)
            if not way.pair.final:
                yield way
    elif way.order is not None:
        async for way.order in add_order(desk.exchange, way.order):
            review_way(desk, way, purchases)
            if not way.order.final:
                yield way


def _why_replaced(desk: Desk, way: WayOut, purchases: Purchases) -> str:
    standing = [order for order in way.standing if not order.final]
    if not standing or any(order.state in UNSETTLED for order in way.standing):
        return ""
    aim, rules = purchases.aim, desk.rules(way.symbol)
    if aim.sell_now or way.beyond:
        return aim.sell_now or _beyond_words(way)
    if _prices(standing) != _wanted(rules, aim):
        return "it is to stand at another price"
    rests = max((order.whole or ZERO) - order.executed for order in standing)
    if lots(rules, way, purchases) > rests and desk.now() >= purchases.settled_at:
        return "more was bought"
    return ""


def _prices(standing: list[Order]) -> tuple[Decimal | None, Decimal | None]:
    """Answer where profit is taken and a loss ended by what still stands."""
    profits = [order.price for order in standing if order.type not in GUARDS]
    stops = [order.stop_price for order in standing if order.type in GUARDS]
    return next(iter(profits), None), next(iter(stops), None)


def _wanted(rules: SymbolRules, aim: Aim) -> tuple[Decimal | None, Decimal | None]:
    prices = (aim.take_profit, aim.stop)
    profit, stop = (None if price is None else rules.round_price(price, "SELL") for price in prices)
    return profit, stop


def lots(rules: SymbolRules, way: WayOut, purchases: Purchases) -> Decimal:
    """Answer what is there to be sold, in whole lots."""
    return rules.round_quantity(max(ZERO, purchases.bought - way.sold), "MARKET")


# --- what comes next


def _plan(desk: Desk, way: WayOut, purchases: Purchases, price: Decimal) -> bool:
    """Plan what is to stand, or a sale, or note the end; say whether something was planned."""
    rules, now, aim = desk.rules(way.symbol), desk.now(), purchases.aim
    quantity = lots(rules, way, purchases)
    if is_dust(rules, "SELL", quantity, price):
        way.over = purchases.complete
        return False
    if not way.beyond and (part := _passed(aim, price)):
        way.beyond, way.beyond_at = part, price
    if aim.sell_now or way.beyond:
        if price and now >= way.sell_at:
            why = aim.sell_now or _beyond_words(way)
            way.sale = plan_closing(rules, "SELL", quantity, price, why)
    elif now >= max(way.retry_at, purchases.settled_at):
        _plan_standing(rules, way, quantity, aim)
    return bool(way.sale or way.standing)


def _passed(aim: Aim, price: Decimal) -> Part:
    """Say which part of the aim would have sold at this price already."""
    if aim.stop is not None and ZERO < price <= aim.stop:
        return "stop"
    return "take profit" if aim.take_profit is not None and price >= aim.take_profit else ""


def _beyond_words(way: WayOut) -> str:
    return f"the price is {plain(way.beyond_at)}, beyond the {way.beyond}"


def _plan_standing(rules: SymbolRules, way: WayOut, quantity: Decimal, aim: Aim) -> None:
    profit, stop = _wanted(rules, aim)
    if profit is not None and stop is not None:
        way.pair = plan_oco(rules, side="SELL", quantity=quantity, take_profit=profit, stop=stop)
    elif profit is not None:
        way.order = Order(
            symbol=rules.symbol,
            side="SELL",
            type="LIMIT",
            time_in_force="GTC",
            quantity=quantity,
            price=profit,
        )
    elif stop is not None:
        way.order = Order(
            symbol=rules.symbol, side="SELL", type="STOP_LOSS", quantity=quantity, stop_price=stop
        )


# --- what ended


def _settle(desk: Desk, way: WayOut, purchases: Purchases) -> None:
    """Put aside what ended, and decide whether a person must look."""
    ended, asked = way.standing or ([way.sale] if way.sale else []), _was_asked(way)
    way.exits = [*way.exits, *(order for order in ended if order.filled)]
    at_market = way.sale is not None
    way.order, way.pair, way.sale = None, None, None
    for state in (OrderState.LOST, OrderState.REJECTED, OrderState.EXPIRED, OrderState.CANCELED):
        found = [order for order in ended if order.state is state and not order.filled]
        if found and len(found) == len(ended):
            _heed_end(desk, way, purchases, found[0], asked=asked or at_market)
            return


def _was_asked(way: WayOut) -> bool:
    """Say whether the end of what stood was ours."""
    given_up = way.pair is not None and bool(way.pair.give_up)
    return given_up or any(order.cancel_id or order.reason == PROBED for order in way.standing)


def _heed_end(desk: Desk, way: WayOut, purchases: Purchases, order: Order, *, asked: bool) -> None:
    """React to an end that sold nothing."""
    if order.state is OrderState.CANCELED:
        if not asked:
            desk.tell(Kind.WARNING, f"the {order.type} sell was canceled by somebody else")
        return
    way.retry_at, way.sell_at = desk.now() + RETRY, desk.now() + PAUSE
    lacking = _missing(desk, way, purchases)
    refused_sale = order.type == "MARKET" and order.state is OrderState.REJECTED
    if lacking or refused_sale or order.state is OrderState.LOST:
        lack = f"; {plain(lacking)} of the coins are not free in the account" if lacking else ""
        way.stopped = f"the {order.type} sell was {order.state}: {order.reason}{lack}"
        way.stopped_at = desk.releases
    elif order.state is OrderState.REJECTED:
        text = f"the {order.type} sell was refused: {order.reason}; watched here meanwhile"
        desk.tell(Kind.WARNING, text)


def _missing(desk: Desk, way: WayOut, purchases: Purchases) -> Decimal:
    """Answer what the account lacks of what is to be sold, while nothing of ours stands for it."""
    return missing(desk, way.symbol, lots(desk.rules(way.symbol), way, purchases))


async def _heed_person(desk: Desk, way: WayOut, purchases: Purchases) -> None:
    """Wait until nothing more is bought, then stop the bot; a release lets it go on."""
    news = partial(_stir, desk, way, purchases)
    await await_release(desk, way, is_quiet=lambda: purchases.complete, news=news)
    way.retry_at, way.sell_at = 0, 0
    way.gone = EXACT.add(way.gone, _missing(desk, way, purchases))


# --- waiting


async def _stir(desk: Desk, way: WayOut, purchases: Purchases) -> None:
    """Wait until something was saved, the time or the price matters; ten seconds at most."""
    times, aim = (way.retry_at, way.sell_at, purchases.settled_at), purchases.aim
    await stir(desk, way.symbol, times, [Bounds(aim.stop, aim.take_profit)])
