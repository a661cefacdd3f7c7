"""What is done about a cross: bought at market, a stop beside it, sold when the signal ends."""

from decimal import Decimal

from lib.crosses.ema import CrossSignal
from lib.desk import Desk
from lib.exits.way_out import Aim, WayOut, leave, review_way
from lib.machine import Context, Machine
from lib.money import MARKET_MARGIN, plain
from lib.news import Kind
from lib.orders import Order, add_order
from lib.sizes import Size


class Trade(Context):
    """One position, from the cross that opened it to its end."""

    entry: Order
    way: WayOut
    base_asset: str
    opened_at: int  # when the candle opened whose cross it follows
    stop: Decimal
    sell_now: str = ""  # why all of it is to be sold

    settled_at: int = 0

    @property
    def bought(self) -> Decimal:
        """Answer what came in, in base, less the fees taken in coins."""
        return self.entry.executed - self.entry.commission(self.base_asset)

    @property
    def complete(self) -> bool:
        """Say whether nothing more will be bought."""
        return self.entry.final

    @property
    def aim(self) -> Aim:
        """Answer what is wanted now of what was bought."""
        return Aim(stop=self.stop, sell_now=self.sell_now)

    @property
    def held(self) -> Decimal:
        """Answer what is bought and not sold, in base."""
        return max(Decimal(0), self.bought - self.way.sold)


def plan_trade(
    desk: Desk, symbol: str, size: Size, signal: CrossSignal, price: Decimal
) -> Trade | None:
    """Plan to buy, unless the price is below the stop already."""
    if signal.stop_at is None or price <= signal.stop_at:
        return None
    rules, dearest = desk.rules(symbol), price * (1 + MARKET_MARGIN)
    quantity = desk.quantity(size, symbol, side="BUY", price=dearest)
    desk.tell(Kind.PLAN, f"buy {plain(quantity)} at about {plain(price)}: {signal.why}")
    return Trade(
        entry=Order(symbol=symbol, side="BUY", type="MARKET", quantity=quantity),
        way=WayOut(symbol=symbol),
        base_asset=rules.base_asset,
        opened_at=signal.opened_at,
        stop=rules.round_price(signal.stop_at, "SELL"),
    )


async def follow_trade(desk: Desk, trade: Trade) -> Machine[Trade]:
    """Buy, then have a stop stand until all is sold. Raises Halt where it cannot be sold."""
    async for trade.entry in add_order(desk.exchange, trade.entry):
        yield trade
    async for trade.way in leave(desk, trade.way, trade):
        yield trade


def heed_signal(desk: Desk, trade: Trade, signal: CrossSignal) -> None:
    """Have the position be what the newest candle makes of it: a higher stop, or its end."""
    if trade.sell_now:
        return
    if not signal.long or signal.opened_at != trade.opened_at:
        trade.sell_now = "its signal ended meanwhile" if signal.long else signal.why
        desk.tell(Kind.PLAN, f"sell all: {trade.sell_now}")
    elif signal.stop_at is not None:
        trade.stop = max(trade.stop, signal.stop_at)
    review_way(desk, trade.way, trade)
