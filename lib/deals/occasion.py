"""What something waits for before it begins: a time, a price, a signal, or all of those named.

price = await occasion_of(desk, conf.symbol, conf.start)
ctx.deal = plan(desk, conf, price)          # no await in between: the signal is taken
take_occasion(desk, conf.start)             # in the save that holds what follows from it
"""

from decimal import Decimal
from typing import Annotated, Self

from pydantic import Field, model_validator

from lib.amounts import plain
from lib.desk import Desk
from lib.news import Kind
from lib.schedule import Moment, written
from lib.settings import Milliseconds, Settings

Price = Annotated[Decimal, Field(gt=0)]


class Occasion(Settings):
    """All that is named must be so; a price is looked at as it is, wherever it came from."""

    at: Moment | None = None  # "2026-01-31 09:00" UTC, or later
    below: Price | None = None  # the last price is here or lower
    above: Price | None = None  # the last price is here or higher
    signal: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,32}$")] | None = None
    signal_valid_for: Milliseconds = 600_000  # an older signal is thrown away

    @model_validator(mode="after")
    def _can_be_so(self) -> Self:
        if self.below is not None and self.above is not None and self.above > self.below:
            raise ValueError(
                f"no price is below {plain(self.below)} and above {plain(self.above)} at once"
            )
        return self

    def __str__(self) -> str:
        """Say it for a person; empty if nothing is waited for."""
        parts = [
            f"it is {written(self.at)}" if self.at is not None else "",
            f"the price is {plain(self.below)} or lower" if self.below is not None else "",
            f"the price is {plain(self.above)} or higher" if self.above is not None else "",
            f"the signal {self.signal} comes" if self.signal is not None else "",
        ]
        return " and ".join(part for part in parts if part)


async def occasion_of(desk: Desk, symbol: str, occasion: Occasion) -> Decimal:
    """Wait until it is there; answer the price then. A signal still waits in the inbox."""
    told = False
    while True:
        price = await desk.price(symbol)
        _drop_old_signal(desk, occasion)
        signaled = occasion.signal is None or desk.signal(occasion.signal) is not None
        if signaled and _is_priced(occasion, price) and desk.now() >= (occasion.at or 0):
            return price
        if not told:
            desk.tell(Kind.PLAN, f"waits: begins once {occasion}")
            told = True
        if desk.now() < (occasion.at or 0):
            await desk.until(occasion.at or 0)
            continue
        low, high = _missed(occasion, price) if signaled else (None, None)
        await desk.stirring(symbol, below=low, above=high)


def take_occasion(desk: Desk, occasion: Occasion) -> None:
    """Take the signal, in the step that writes down what follows from it."""
    if occasion.signal is not None:
        desk.take_signal(occasion.signal)


def _is_priced(occasion: Occasion, price: Decimal) -> bool:
    return _missed(occasion, price) == (None, None)


def _missed(occasion: Occasion, price: Decimal) -> tuple[Decimal | None, Decimal | None]:
    """Answer the bounds that a price has yet to reach: one to fall to, one to rise to."""
    low, high = occasion.below, occasion.above
    too_high = low is not None and price > low
    too_low = high is not None and price < high
    return (low if too_high else None), (high if too_low else None)


def _drop_old_signal(desk: Desk, occasion: Occasion) -> None:
    signal = None if occasion.signal is None else desk.signal(occasion.signal)
    if signal is not None and desk.now() - signal.at > occasion.signal_valid_for:
        desk.take_signal(signal.name)
        desk.tell(Kind.WARNING, f"the signal {signal.name} is too old and thrown away")
