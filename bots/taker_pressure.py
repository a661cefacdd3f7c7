"""Hold coins while those who take are buying more than they sell: an algorithm by trade."""

from decimal import Decimal
from typing import Annotated

from pydantic import Field

from lib.algorithm.algorithm import Algorithm
from lib.algorithm.course import AlgorithmCtx, TradeSettings
from lib.algorithm.running import run_algorithm
from lib.algorithm.wish import OrderEnded
from lib.desk import Desk
from lib.exchange import ZERO, PublicTrade
from lib.machine import Machine
from lib.money import plain
from lib.settings import Milliseconds
from lib.sizes import Size

Part = Annotated[Decimal, Field(gt=0, lt=1)]


class Conf(TradeSettings):
    quantity: Size
    memory: Annotated[int, Field(ge=2, le=100_000)] = 500  # trades; older ones fade
    enter: Part = Decimal("0.6")  # 0.6: what was bought is four times of what was sold
    leave: Part = Decimal("0.2")  # below zero by so much: they sell
    stop: Part = Decimal("0.01")  # below the price that led to it
    rest: Milliseconds = 60_000  # between a sale and the next purchase
    trades: Annotated[int, Field(ge=0)] = 0  # 0: for ever

    @property
    def plan_text(self) -> str:
        return (
            f"Buys {self.quantity} of {self.symbol} at market once takers buy much more than they "
            f"sell in about {self.memory} trades, and sells all of it once they sell more. A stop "
            f"rests at the exchange {plain(self.stop * 100)} % below. One position at a time. "
            f"Worst case: it loses {plain(self.stop * 100)} % of each, and what a gap takes."
        )


class Ctx(AlgorithmCtx):
    seen: int = 0
    signed: Decimal = ZERO  # fading sum of what takers bought, less what they sold
    whole: Decimal = ZERO  # fading sum of both
    idle_until: int = 0  # exchange ms
    bought: int = 0  # how often


class Pressure(Algorithm[Conf, Ctx]):
    def on_trade(self, trade: PublicTrade) -> None:
        self._remember(trade)
        pressure = self.ctx.signed / self.ctx.whole
        if self.ctx.seen < self.conf.memory:
            return
        if self.holds_coins or self.open_wishes:
            if pressure <= -self.conf.leave and self.holds_coins:
                self.close_all(f"takers sell: {pressure:.2f}")
        elif pressure >= self.conf.enter and self.now >= self.ctx.idle_until and not self._is_done:
            stop = trade.price * (1 - self.conf.stop)
            self.buy(self.conf.quantity, stop=stop, because=f"takers buy: {pressure:.2f}")

    def on_filled(self, ended: OrderEnded) -> None:
        self.ctx.bought += ended.side == "BUY"

    def on_sold(self, _: object) -> None:
        self.ctx.idle_until = self.now + self.conf.rest
        if self._is_done and not self.holds_coins:
            self.finish(f"{self.ctx.bought} trades were made")

    def on_rejected(self, ended: OrderEnded) -> None:
        self.tell(f"the {ended.side} came to nothing: {ended.reason}")
        self.ctx.idle_until = self.now + self.conf.rest

    @property
    def _is_done(self) -> bool:
        return bool(self.conf.trades) and self.ctx.bought >= self.conf.trades

    def _remember(self, trade: PublicTrade) -> None:
        """Let what was fade by one part of the memory, and add the trade."""
        kept = 1 - Decimal(1) / self.conf.memory
        sign = -1 if trade.buyer_is_maker else 1
        self.ctx.seen += 1
        self.ctx.signed = round(self.ctx.signed * kept + sign * trade.quantity, 12)
        self.ctx.whole = round(self.ctx.whole * kept + trade.quantity, 12)


async def bot(desk: Desk, conf: Conf, ctx: Ctx) -> Machine[Ctx]:
    async for ctx in run_algorithm(desk, conf, ctx, Pressure):
        yield ctx
