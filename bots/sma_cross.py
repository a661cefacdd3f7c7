"""Hold coins while a fast average of closes is above a slow one: an algorithm by candle."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Annotated, Self

from pydantic import Field, model_validator

from lib.algorithm.algorithm import HISTORY_MAX, Algorithm
from lib.algorithm.course import AlgorithmCtx, CandleSettings
from lib.algorithm.running import run_algorithm
from lib.algorithm.wish import OrderEnded
from lib.desk import Desk
from lib.exchange import Candle
from lib.machine import Machine
from lib.money import plain
from lib.sizes import Size

Period = Annotated[int, Field(ge=1, le=HISTORY_MAX - 1)]


class Conf(CandleSettings):
    quantity: Size
    fast: Period = 10
    slow: Period = 30
    stop: Annotated[Decimal, Field(gt=0, lt=1)] | None = None  # below the close that led to it
    trades: Annotated[int, Field(ge=0)] = 0  # 0: for ever

    @model_validator(mode="after")
    def _fast_is_faster(self) -> Self:
        if self.fast >= self.slow:
            raise ValueError(f"fast ({self.fast}) must be fewer candles than slow ({self.slow})")
        return self

    @property
    def plan_text(self) -> str:
        below = "" if self.stop is None else f" A stop rests {plain(self.stop * 100)} % below."
        return (
            f"Buys {self.quantity} of {self.symbol} at market once the mean of {self.fast} closes "
            f"of {self.interval} rises above that of {self.slow}, and sells all of it once it "
            f"falls below.{below} One position at a time. Worst case: it buys at each top and "
            "sells at each bottom."
        )


class Ctx(AlgorithmCtx):
    bought: int = 0  # how often


class Cross(Algorithm[Conf, Ctx]):
    def wants_history(self) -> int:
        return self.conf.slow + 1

    def on_candle(self, candle: Candle) -> None:
        ahead, before = self._lead(self.candles), self._lead(self.candles[:-1])
        if ahead is None or before is None:
            return
        if ahead > 0 >= before and not self.holds_coins and not self.open_wishes:
            stop = None if self.conf.stop is None else candle.close * (1 - self.conf.stop)
            self.buy(self.conf.quantity, stop=stop, because="the fast average rose")
        elif ahead < 0 <= before:
            self.close_all("the fast average fell")
            if self.conf.trades and self.ctx.bought >= self.conf.trades:
                self.finish(f"{self.ctx.bought} trades were made")

    def on_filled(self, ended: OrderEnded) -> None:
        self.ctx.bought += ended.side == "BUY"

    def on_rejected(self, ended: OrderEnded) -> None:
        self.tell(f"this cross is not traded: {ended.reason}")

    def _lead(self, candles: Sequence[Candle]) -> int | None:
        """Compare the averages as sums, exactly: 1 while fast is above slow, -1 below."""
        fast, slow = self.conf.fast, self.conf.slow
        if len(candles) < slow:
            return None
        closes = [candle.close for candle in candles]
        ahead = sum(closes[-fast:]) * slow - sum(closes[-slow:]) * fast
        return int(ahead > 0) - int(ahead < 0)


async def bot(desk: Desk, conf: Conf, ctx: Ctx) -> Machine[Ctx]:
    async for ctx in run_algorithm(desk, conf, ctx, Cross):
        yield ctx
