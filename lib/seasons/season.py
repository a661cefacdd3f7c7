"""Winter and summer: buy deep falls, sell above the old top, never both coins at once.

In winter a limit order for all the money rests far below the average of the newest candle; as that
moves, the order is planned anew for what is left. In summer one for all the coins rests above the
highest price of the years before. What belongs to it is counted from its own fills, order by
order: each end is saved with its part in the sums, so a partial fill is never lost.
"""

from datetime import UTC, datetime
from decimal import ROUND_FLOOR, Decimal
from decimal import Context as Arithmetic
from enum import StrEnum
from typing import Final, Literal

from lib.bulk_order import BulkOrder, fill_bulk, received
from lib.closed_candles import LongInterval, candles_since, length_of
from lib.desk import Desk
from lib.errors import Halt, Unavailable
from lib.exchange import ZERO, Candle
from lib.machine import Context, Machine, together
from lib.money import SymbolRules, plain
from lib.news import Kind, readable
from lib.orders import Order, OrderState, add_order
from lib.standstill import Standstill, heed_standstill, note_standstill
from lib.turnover import Turnover, book

FLOOR: Final = Arithmetic(prec=60, rounding=ROUND_FLOOR)
PLACES: Final = Decimal("1e-12")
EXPIRED_PAUSE: Final = 60_000  # ms after the exchange itself ended an order
REFRESHES: Final = 4  # times in each interval that the average is looked at


class Season(StrEnum):
    """Which coin it has, or is about to have."""

    WINTER = "winter"  # money, to buy with
    SUMMER = "summer"  # coins, to sell


class Terms(Context):
    """What a season begins with. Fractions: 0.2 is 20 percent."""

    symbol: str
    mean: Literal["ohlc", "hl"]  # of a candle: of all four prices, or of high and low
    interval: LongInterval
    interval_top: LongInterval
    history: int  # ms in which the top is looked for
    top: Decimal | None  # given by a person
    drop: Decimal  # below the mean of the newest candle it buys
    rise: Decimal  # above the top it sells


class Seasons(Context):
    """Where it stands, and what it has."""

    terms: Terms
    season: Season
    base_asset: str
    quote_asset: str
    base: Decimal = ZERO  # what it has, fees taken off
    quote: Decimal = ZERO

    align: BulkOrder | None = None  # at the beginning: what it has of the wrong coin
    order: Order | None = None
    mean: Decimal = ZERO  # of the newest candle, as it was looked at last
    refresh_at: int = 0  # exchange ms: then it is looked at again
    top: Decimal | None = None  # of this summer; None: to be looked for
    bought_at: Decimal = ZERO  # the average price of the last buy,
    sold_at: Decimal = ZERO  # and of the last sale
    spent: Decimal = ZERO  # quote, in this winter,
    bought: Decimal = ZERO  # and what came of it in base
    got: Decimal = ZERO  # quote, in this summer,
    sold: Decimal = ZERO  # and what went for it in base
    laps: int = 0
    sums: Turnover = Turnover()
    standstill: Standstill = Standstill()
    not_before: int = 0  # exchange ms; after an order that the exchange itself ended

    @property
    def holding(self) -> str:
        """Say what it has of coins."""
        under_way = self.order.executed if self.order and not self.order.final else ZERO
        coins = self.base + under_way * (1 if self.season is Season.WINTER else -1)
        return f"{plain(coins)} {self.base_asset}" if coins > 0 and self.bought else ""


def plan_seasons(
    rules: SymbolRules, terms: Terms, *, base: Decimal, quote: Decimal, price: Decimal, top: Decimal
) -> Seasons:
    """Begin in the season of the larger holding; what there is of the other is dealt at market."""
    winter = base * price < quote
    seasons = Seasons(
        terms=terms,
        season=Season.WINTER if winter else Season.SUMMER,
        base_asset=rules.base_asset,
        quote_asset=rules.quote_asset,
        base=base,
        quote=quote,
        top=top,
        bought_at=ZERO if winter else price,
        bought=ZERO if winter else base,
    )
    if winter and base:
        seasons.align = BulkOrder(symbol=terms.symbol, side="SELL", quantity=base)
    elif not winter and quote:
        seasons.align = BulkOrder(symbol=terms.symbol, side="BUY", quote_quantity=quote)
    return seasons


async def run_seasons(
    desk: Desk, seasons: Seasons, wanted: Terms, *, laps: int
) -> Machine[Seasons]:
    """Go through so many summers; 0: for ever. A season keeps the terms that it began with.

    Raises Halt where an order is refused, or ended by somebody else.
    """
    if seasons.align is not None:
        async for seasons.align in fill_bulk(desk, seasons.align):
            yield seasons
        _take_aligned(seasons, seasons.align)
        yield seasons
    while seasons.order is not None or not laps or seasons.laps < laps:
        heed_standstill(desk, seasons.standstill)
        if seasons.order is None:
            await desk.until(seasons.not_before)
            await _plan(desk, seasons, wanted)
        async for _ in together(_follow(desk, seasons), _refresh(desk, seasons)):
            yield seasons
        _settle(desk, seasons)
        yield seasons


# --- what the market is measured by


async def find_top(desk: Desk, terms: Terms) -> Decimal:
    """Answer the highest price of the history, or the one that was given.

    Raises Halt where the exchange has less history than wanted; Unavailable.
    """
    if terms.top is not None:
        return terms.top
    since = desk.now() - terms.history
    candles = await candles_since(desk, terms.symbol, terms.interval_top, since)
    if not candles:
        raise Unavailable(f"{terms.symbol} has no candles of {terms.interval_top} yet")
    highest = max(candle.high for candle in candles)
    if candles[0].open_time > since + length_of(terms.interval_top):
        begins = datetime.fromtimestamp(candles[0].open_time // 1000, UTC).date()
        raise Halt(
            f"the history of {terms.symbol} begins on {begins} ({len(candles)} candles of "
            f"{terms.interval_top}, the highest price is {plain(highest)}), later than "
            f'history_top asks for: say "top", for example "top": {plain(highest)}'
        )
    return highest


async def look_at_mean(desk: Desk, terms: Terms) -> Decimal:
    """Answer the mean of the newest candle. Raises Unavailable."""
    candles = await desk.candles(terms.symbol, terms.interval, 1)
    if not candles:
        raise Unavailable(f"{terms.symbol} has no candle of {terms.interval} yet")
    return mean_of(candles[-1], terms)


def mean_of(candle: Candle, terms: Terms) -> Decimal:
    """Answer what a candle counts as."""
    if terms.mean == "hl":
        return (candle.high + candle.low) / 2
    return (candle.open + candle.high + candle.low + candle.close) / 4


def winter_price(terms: Terms, mean: Decimal, price: Decimal) -> Decimal:
    """Answer where it buys: below the mean, or at the price if that is lower already."""
    return min(mean * (1 - terms.drop), price)


def summer_price(terms: Terms, top: Decimal, bought_at: Decimal, price: Decimal) -> Decimal:
    """Answer where it sells: above the top, and never below what it paid."""
    target = top * (1 + terms.rise)
    return target if target >= bought_at else max(bought_at, price) * (1 + terms.rise)


# --- one order


async def _plan(desk: Desk, seasons: Seasons, wanted: Terms) -> None:
    """Plan the order of the season; what is asked for comes first."""
    terms = wanted if _begins(seasons) else seasons.terms
    if seasons.season is Season.WINTER:
        mean = await look_at_mean(desk, terms)
        price = await desk.price(terms.symbol)
        seasons.terms, seasons.mean = terms, mean
        _plan_winter(desk, seasons, price)
    else:
        top = seasons.top if seasons.top is not None else await find_top(desk, terms)
        price = await desk.price(terms.symbol)
        seasons.terms, seasons.top = terms, top
        _plan_summer(desk, seasons, price, top)


def _begins(seasons: Seasons) -> bool:
    """Say whether nothing was dealt in this season yet."""
    return not (seasons.spent if seasons.season is Season.WINTER else seasons.got)


def _plan_winter(desk: Desk, seasons: Seasons, price: Decimal) -> None:
    rules, terms = desk.rules(seasons.terms.symbol), seasons.terms
    at = rules.round_price(winter_price(terms, seasons.mean, price), "BUY")
    exact = FLOOR.divide(seasons.quote, at).quantize(PLACES, ROUND_FLOOR)
    seasons.order = _limit(rules, "BUY", at, exact)
    seasons.refresh_at = desk.now() + length_of(terms.interval) // REFRESHES
    below = ", the price of now: it is lower than that already" if at >= price else ""
    desk.tell(
        Kind.PLAN,
        f"winter: buy for {readable(seasons.quote)} {seasons.quote_asset} at {plain(at)}, "
        f"below the average of {readable(seasons.mean)}{below}",
    )


def _plan_summer(desk: Desk, seasons: Seasons, price: Decimal, top: Decimal) -> None:
    rules = desk.rules(seasons.terms.symbol)
    wanted = summer_price(seasons.terms, top, seasons.bought_at, price)
    at = rules.round_price(wanted, "SELL")
    seasons.order = _limit(rules, "SELL", at, seasons.base)
    desk.tell(
        Kind.PLAN,
        f"summer: sell {plain(seasons.order.quantity or ZERO)} {seasons.base_asset} at "
        f"{plain(at)}, above the top of {plain(top)}",
    )


def _limit(
    rules: SymbolRules, side: Literal["BUY", "SELL"], price: Decimal, quantity: Decimal
) -> Order:
    most = rules.lot.largest or quantity
    return Order(
        symbol=rules.symbol,
        side=side,
        type="LIMIT",
        time_in_force="GTC",
        quantity=rules.round_quantity(min(quantity, most), "LIMIT"),
        price=price,
    )


async def _follow(desk: Desk, seasons: Seasons) -> Machine[Seasons]:
    assert seasons.order is not None
    async for seasons.order in add_order(desk.exchange, seasons.order):
        yield seasons


async def _refresh(desk: Desk, seasons: Seasons) -> Machine[Seasons]:
    """Have the order of a winter planned anew once the average has moved."""
    order, terms = seasons.order, seasons.terms
    assert order is not None
    while seasons.season is Season.WINTER and not order.final and not order.give_up:
        if desk.now() < seasons.refresh_at:
            await desk.stirring(terms.symbol)
            continue
        mean, price = await look_at_mean(desk, terms), await desk.price(terms.symbol)
        rules = desk.rules(terms.symbol)
        target = rules.round_price(winter_price(terms, mean, price), "BUY")
        seasons.mean = mean
        seasons.refresh_at = desk.now() + length_of(terms.interval) // REFRESHES
        if target != order.price:
            order.give_up = f"the average moved to {readable(mean)}"
        yield seasons


# --- what an order leaves


def _settle(desk: Desk, seasons: Seasons) -> None:
    """Put an ended order into the sums, and see whether the season is over."""
    order, seasons.order = seasons.order, None
    assert order is not None
    rules = desk.rules(order.symbol)
    _take(seasons, order, rules)
    expired = order.state is OrderState.EXPIRED  # one of the same account would have met it
    goes_on = expired or order.state is OrderState.ABANDONED or bool(order.cancel_id)
    if order.state is OrderState.FILLED or (goes_on and _is_rest_dust(rules, seasons, order)):
        if order.quantity != rules.lot.largest:
            _turn(desk, seasons)
    elif expired:
        seasons.not_before = desk.now() + EXPIRED_PAUSE
    elif not goes_on:
        why = f"the {order.side} of {seasons.season} was {order.state}: "
        note_standstill(desk, seasons.standstill, why + (order.reason or "not by this bot"))


def _take(seasons: Seasons, order: Order, rules: SymbolRules) -> None:
    if not order.filled:
        return
    book(seasons.sums, order, rules)
    base_fee, quote_fee = (order.commission(a) for a in (rules.base_asset, rules.quote_asset))
    sign = 1 if order.side == "BUY" else -1
    seasons.base += sign * order.executed - base_fee
    seasons.quote -= sign * order.executed_quote + quote_fee
    if order.side == "BUY":
        seasons.bought, seasons.spent = (
            seasons.bought + order.executed,
            seasons.spent + order.executed_quote,
        )
    else:
        seasons.sold, seasons.got = (
            seasons.sold + order.executed,
            seasons.got + order.executed_quote,
        )


def _is_rest_dust(rules: SymbolRules, seasons: Seasons, order: Order) -> bool:
    """Say whether this season dealt something, and what is left is too small for the exchange."""
    assert order.price is not None
    dealt = seasons.spent if order.side == "BUY" else seasons.got
    left = FLOOR.divide(seasons.quote, order.price) if order.side == "BUY" else seasons.base
    rest = _limit(rules, order.side, order.price, left.quantize(PLACES, ROUND_FLOOR))
    return bool(dealt) and (not rest.quantity or bool(rules.complaints(rest)))


def _turn(desk: Desk, seasons: Seasons) -> None:
    """Begin the other season."""
    if seasons.season is Season.WINTER:
        seasons.season, seasons.top = Season.SUMMER, None
        seasons.bought_at = seasons.spent / seasons.bought
        seasons.got, seasons.sold = ZERO, ZERO
        if seasons.sold_at and seasons.bought_at > seasons.sold_at:
            words = f"bought at {readable(seasons.bought_at)}, above the last sale"
            desk.tell(Kind.WARNING, f"{words} at {readable(seasons.sold_at)}")
        return
    seasons.season, seasons.laps = Season.WINTER, seasons.laps + 1
    seasons.sold_at = seasons.got / seasons.sold
    seasons.spent, seasons.bought = ZERO, ZERO
    fees = seasons.sums.fees.items()
    paid = ", ".join(f"{readable(fee)} {asset}" for asset, fee in fees) or "none"
    desk.tell(
        Kind.RESULT,
        f"summer {seasons.laps} sold at {readable(seasons.sold_at)}, bought at "
        f"{readable(seasons.bought_at)}; it has {readable(seasons.quote)} {seasons.quote_asset} "
        f"now, fees in all {paid}",
    )


def _take_aligned(seasons: Seasons, bulk: BulkOrder) -> None:
    """Put what was dealt at market into what it has."""
    base, quote = (
        received(bulk, asset, base_asset=seasons.base_asset)
        for asset in (seasons.base_asset, seasons.quote_asset)
    )
    seasons.base, seasons.quote, seasons.align = seasons.base + base, seasons.quote + quote, None
    for asset, fee in bulk.fees.items():
        seasons.sums.fees[asset] = seasons.sums.fees.get(asset, ZERO) + fee
    if bulk.side == "BUY" and bulk.executed:
        seasons.bought += bulk.executed
        seasons.bought_at = max(seasons.bought_at, bulk.average_price)
