"""An algorithm that does what it is told at each candle, and writes down all that it hears."""

from decimal import Decimal

from lib.algorithm.algorithm import Algorithm
from lib.algorithm.course import AlgorithmCtx, CandleSettings
from lib.algorithm.running import run_algorithm
from lib.algorithm.wish import OrderEnded, OrderFilled
from lib.desk import Desk
from lib.exchange import Candle
from lib.machine import Machine


class Conf(CandleSettings):
    acts: tuple[str, ...]  # at each candle; then it finishes
    quantity: str = "0.01"
    history: int = 0


class Ctx(AlgorithmCtx):
    starts: int = 0
    past: list[int] = []
    seen: list[int] = []
    closes: list[Decimal] = []
    windows: list[list[int]] = []  # what it looked back on
    fills: list[str] = []
    ends: list[str] = []
    positions: list[Decimal] = []  # as it knew it at each candle
    holds: list[bool] = []  # whether it took that for more than dust


class Scribe(Algorithm[Conf, Ctx]):
    def wants_history(self) -> int:
        return self.conf.history

    def on_start(self) -> None:
        self.ctx.starts += 1

    def on_history(self, candle: Candle) -> None:
        self.ctx.past.append(candle.open_time)

    def on_candle(self, candle: Candle) -> None:
        act = self.conf.acts[len(self.ctx.seen)]
        self.ctx.seen.append(candle.open_time)
        self.ctx.closes.append(candle.close)
        self.ctx.positions.append(self.position)
        self.ctx.holds.append(self.holds_coins)
        self.ctx.windows.append([each.open_time for each in self.candles])
        if act:
            self._act(act, candle.close)
        if len(self.ctx.seen) == len(self.conf.acts):
            self.finish("that was all")

    def on_fill(self, filled: OrderFilled) -> None:
        way = "exit" if filled.is_exit else "order"
        self.ctx.fills.append(f"{filled.side} {filled.quantity} {filled.price} {way}")

    def on_filled(self, ended: OrderEnded) -> None:
        self.ctx.ends.append(f"{ended.label} {ended.side} {ended.state}")

    def on_canceled(self, ended: OrderEnded) -> None:
        self.on_filled(ended)

    def on_rejected(self, ended: OrderEnded) -> None:
        self.ctx.ends.append(f"{ended.label} {ended.side} {ended.state}: {ended.reason}")

    def _act(self, act: str, close: Decimal) -> None:
        size, part = self.conf.quantity, Decimal("0.004")
        match act:
            case "buy":
                self.buy(size, label=act)
            case "sell":
                self.sell(self.position, label=act)
            case "bracket":
                self.buy(size, take_profit=close * (1 + part), stop=close * (1 - part), label=act)
            case "stopped":
                self.buy(size, stop=close * (1 - part), label=act)
            case "below":
                self.buy(size, price=close * (1 - part / 4), label=act)
            case "far":
                self.buy(size, price=close / 2, label=act)
            case "brief":
                self.buy(size, price=close / 2, wait=90_000, label=act)
            case "too much":
                self.buy("1000000 USDT", label=act)
            case "tighten":
                self.move("stopped", stop=close * (1 - part / 8))
            case "cancel":
                self.cancel("far", "the script says so")
            case "close":
                self.close_all("the script says so")
            case "sell out":
                self.sell_out("bracket")
            case "wrong":
                raise ArithmeticError("a mistake of its author's")
            case _:
                raise AssertionError(act)


async def bot(desk: Desk, conf: Conf, ctx: Ctx) -> Machine[Ctx]:
    async for ctx in run_algorithm(desk, conf, ctx, Scribe):
        yield ctx
