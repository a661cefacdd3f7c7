"""An algorithm that writes down every public trade, and buys and sells at two of them."""

from lib.algorithm.algorithm import Algorithm
from lib.algorithm.course import AlgorithmCtx, TradeSettings
from lib.algorithm.running import run_algorithm
from lib.algorithm.wish import OrderFilled
from lib.desk import Desk
from lib.exchange import PublicTrade
from lib.machine import Machine


class Conf(TradeSettings):
    buys_at: int = 5  # the how many-th trade
    sells_at: int = 15
    ends_at: int = 30
    quantity: str = "0.01"


class Ctx(AlgorithmCtx):
    seen: list[str] = []
    fills: list[str] = []


class TapeReader(Algorithm[Conf, Ctx]):
    def on_trade(self, trade: PublicTrade) -> None:
        way = "sold" if trade.buyer_is_maker else "bought"
        self.ctx.seen.append(f"{trade.id} {trade.price} {trade.quantity} {trade.time} {way}")
        if len(self.ctx.seen) == self.conf.buys_at:
            self.buy(self.conf.quantity)
        if len(self.ctx.seen) == self.conf.sells_at:
            self.sell(self.position)
        if len(self.ctx.seen) == self.conf.ends_at:
            self.finish("that was all")

    def on_bought(self, filled: OrderFilled) -> None:
        self.ctx.fills.append(f"bought {filled.quantity} {filled.price}")

    def on_sold(self, filled: OrderFilled) -> None:
        self.ctx.fills.append(f"sold {filled.quantity} {filled.price}")


async def bot(desk: Desk, conf: Conf, ctx: Ctx) -> Machine[Ctx]:
    async for ctx in run_algorithm(desk, conf, ctx, TapeReader):
        yield ctx
