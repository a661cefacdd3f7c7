"""The settings of deals: what is bought when, what ends a deal, what may not be said."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from lib.amounts import in_percent
from lib.deals.averaging import (
    ONE,
    Purchase,
    contradictions,
    first_part,
    is_of_one_unit,
    scaled,
)
from lib.deals.deal import Terms
from lib.deals.occasion import Occasion
from lib.exchange import ZERO
from lib.settings import Milliseconds, Settings
from lib.sizes import Size

Fraction = Annotated[Decimal, Field(gt=0, lt=1)]
Profit = Annotated[Decimal, Field(gt=0, le=10)]
Scale = Annotated[Decimal, Field(ge=Decimal("0.1"), le=10)]
SignalName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,32}$")]


class Step(Settings):
    """An averaging order of its own: how far below the base order, and how large."""

    deviation: Fraction
    size: Size


class DealSettings(Settings):
    """Deals of one symbol, one after the other."""

    symbol: str
    base_order: Size
    base_type: Literal["MARKET", "LIMIT"] = "MARKET"
    base_below: Annotated[Decimal, Field(ge=0, lt=1)] = ZERO  # of a LIMIT: how far below the market
    patience: Milliseconds = 600_000  # of a LIMIT: what it did not buy by then is given up
    safety_order: Size | None = None
    safety_orders: Annotated[int, Field(ge=0, le=200)] = 0
    volume_scale: Scale = ONE
    step: Fraction = Decimal("0.01")
    step_scale: Scale = ONE
    steps: tuple[Step, ...] = ()  # in place of the five settings before
    active: Annotated[int, Field(ge=1, le=200)] = 1
    take_profit: Profit
    take_profit_from: Literal["average", "base"] = "average"
    trailing: Fraction | None = None
    stop_loss: Fraction | None = None  # below the base order
    after_stop: Literal["continue", "end"] = "continue"
    close_after: Milliseconds | None = None
    close_signal: SignalName | None = None
    start: Occasion = Occasion()  # of each deal
    cooldown: Milliseconds = 0
    deals: Annotated[int, Field(ge=0)] = 0  # 0: for ever
    fee_rate: Annotated[Decimal, Field(ge=0, lt=Decimal("0.1"))] = Decimal("0.001")

    @property
    def purchases(self) -> tuple[Purchase, ...]:
        """The averaging orders, nearest first."""
        if self.steps:
            return tuple(Purchase(each.deviation, each.size) for each in self.steps)
        if self.safety_order is None:
            return ()
        return scaled(
            step=self.step,
            step_scale=self.step_scale,
            size=self.safety_order,
            volume_scale=self.volume_scale,
            many=self.safety_orders,
        )

    @property
    def plan(self) -> tuple[Purchase, ...]:
        """The base order and all averaging orders."""
        return (Purchase(ZERO, self.base_order), *self.purchases)

    @property
    def least_profit(self) -> Decimal:
        """The profit as a part of all that may be paid, as far as that is known without a price."""
        whole = self.take_profit_from == "average" or not is_of_one_unit(self.plan)
        return self.take_profit * (ONE if whole else first_part(self.plan))

    @property
    def terms(self) -> Terms:
        """What a deal keeps of them from its beginning on."""
        return Terms(
            take_profit=self.take_profit,
            measured_from=self.take_profit_from,
            trailing=self.trailing,
            stop_loss=self.stop_loss,
            active=self.active,
            close_after=self.close_after,
            close_signal=self.close_signal or "",
        )

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        wrong = list(_wrong_steps(self)) or list(_wrong_exits(self))
        if wrong:
            raise ValueError("; ".join(wrong))
        return self


def _wrong_steps(conf: DealSettings) -> Iterator[str]:
    if conf.steps and (conf.safety_orders or conf.safety_order):
        yield "give either `steps` or `safety_order` and `safety_orders`"
    if not conf.steps and bool(conf.safety_orders) != (conf.safety_order is not None):
        yield "`safety_orders` (how many) and `safety_order` (how large) belong together"
    if conf.base_below and conf.base_type == "MARKET":
        yield '`base_below` is for "base_type": "LIMIT"'
    yield from contradictions(conf.purchases)


def _wrong_exits(conf: DealSettings) -> Iterator[str]:
    kept = (ONE + conf.least_profit) * (ONE - conf.fee_rate)
    if kept <= 1:
        when = "" if conf.take_profit_from == "average" else " once all averaging orders are bought"
        yield (
            f"a take profit of {in_percent(conf.take_profit)} does not cover the fee of the sale"
            f"{when}"
        )
    elif conf.trailing is not None and kept * (ONE - conf.trailing) <= 1:
        yield (
            f"trailing {in_percent(conf.trailing)} behind a profit of "
            f"{in_percent(conf.take_profit)} may sell below what the coins cost"
        )
    deepest = max((each.deviation for each in conf.purchases), default=ZERO)
    if conf.stop_loss is not None and conf.stop_loss <= deepest < 1:
        yield (
            f"a stop {in_percent(conf.stop_loss)} below the base order would sell before the last "
            f"averaging order buys, {in_percent(deepest)} below it"
        )
    if conf.after_stop == "end" and conf.stop_loss is None:
        yield "`after_stop` needs a `stop_loss`"
