"""An amount dealt at market, in as many orders as the exchange wants.

    async for ctx.bulk in fill_bulk(desk, ctx.bulk):
        yield ctx

A market order may be too large for one, find nobody, or be too old when the power is back: what it
left over follows as the next one, until the rest is too small for the exchange. Each order's end is
saved with its part in the sums, so none counts twice.
"""

from decimal import ROUND_FLOOR, Decimal

from lib.amounts import EXACT
from lib.closing_order import (
    FLOOR,
    HEADROOM,
    PAUSE,
    VALID_FOR,
    in_one_order,
    is_refused_as_small,
    largest_at_market,
)
from lib.desk import Desk
from lib.exchange import ZERO, Side
from lib.machine import Context, Machine
from lib.money import MARKET_MARGIN, SymbolRules
from lib.orders import Order, OrderState, add_order
from lib.standstill import Standstill, heed_standstill, note_standstill


class BulkOrder(Context):
    """What is to be dealt, and how far that is. One of the two amounts is given."""

    symbol: str
    side: Side
    quantity: Decimal | None = None  # base
    quote_quantity: Decimal | None = None  # quote to be spent, of a BUY
    comment: str = ""

    order: Order | None = None
    orders: int = 0
    executed: Decimal = ZERO
    executed_quote: Decimal = ZERO
    fees: dict[str, Decimal] = {}
    not_before: int = 0  # exchange ms; after an order that nobody took
    standstill: Standstill = Standstill()
    over: bool = False

    @property
    def average_price(self) -> Decimal:
        """Quote per base; zero without a fill."""
        return self.executed_quote / self.executed if self.executed else ZERO


def received(bulk: BulkOrder, asset: str, *, base_asset: str) -> Decimal:
    """Answer what the orders that ended brought of base or quote, less fees; below 0: it cost."""
    moved = bulk.executed if asset == base_asset else -bulk.executed_quote
    return (moved if bulk.side == "BUY" else -moved) - bulk.fees.get(asset, ZERO)


async def fill_bulk(desk: Desk, bulk: BulkOrder) -> Machine[BulkOrder]:
    """Deal until nothing is left that the exchange would take.

    Raises Halt where an order is refused, and goes on after a release.
    """
    while not bulk.over:
        heed_standstill(desk, bulk.standstill)
        if bulk.order is None:
            await desk.until(bulk.not_before)
            price = await desk.price(bulk.symbol)
            bulk.order = _next_order(desk.rules(bulk.symbol), bulk, price)
            bulk.over = bulk.order is None
        async for bulk in _follow(desk, bulk):
            yield bulk


async def _follow(desk: Desk, bulk: BulkOrder) -> Machine[BulkOrder]:
    """Follow an order to its end, which is saved with the sums."""
    if bulk.order is not None:
        async for bulk.order in add_order(desk.exchange, bulk.order):
            if not bulk.order.final:
                yield bulk
        _take(desk, bulk)
    yield bulk


def _take(desk: Desk, bulk: BulkOrder) -> None:
    """Put an ended order into the sums."""
    order, bulk.order = bulk.order, None
    assert order is not None
    assert order.final
    bulk.orders += order.filled
    bulk.executed += order.executed
    bulk.executed_quote += order.executed_quote
    for fill in order.fills:
        if fill.commission:
            known = bulk.fees.get(fill.commission_asset, ZERO)
            bulk.fees[fill.commission_asset] = known + fill.commission
    if order.state is OrderState.EXPIRED:
        bulk.not_before = desk.now() + PAUSE
    elif order.state in {OrderState.REJECTED, OrderState.LOST}:
        words = f"the {order.side} of {order.symbol} at market was {order.state}: {order.reason}"
        note_standstill(desk, bulk.standstill, words)


def _next_order(rules: SymbolRules, bulk: BulkOrder, price: Decimal) -> Order | None:
    """Plan the next order; None once the rest is too small."""
    order = Order(
        symbol=bulk.symbol,
        side=bulk.side,
        type="MARKET",
        valid_for=VALID_FOR,
        comment=bulk.comment,
    )
    if bulk.quantity is not None:
        order.quantity = in_one_order(rules, bulk.quantity - bulk.executed, price)
    else:
        assert bulk.quote_quantity is not None
        _spend(rules, order, bulk.quote_quantity - bulk.executed_quote, price)
    return None if is_refused_as_small(rules, order, price) else order


def _spend(rules: SymbolRules, order: Order, left: Decimal, price: Decimal) -> None:
    """Have an order spend what is left, to the last digit if the symbol takes that."""
    most = EXACT.multiply(largest_at_market(rules, price), price) * HEADROOM
    if rules.quote_quantity_allowed:
        places = Decimal(1).scaleb(-rules.quote_precision)
        order.quote_quantity = max(min(left, most), ZERO).quantize(places, ROUND_FLOOR)
    else:
        dearest = EXACT.multiply(price, 1 + MARKET_MARGIN)
        quantity = FLOOR.divide(max(left, ZERO), dearest)
        order.quantity = in_one_order(rules, quantity, price)
