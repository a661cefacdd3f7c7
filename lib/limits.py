"""What conf.json says of limits: at the top for all bots together, in a section for that bot.

{"limits": {"funds": 1000, "exposure": "80%", "daily_loss": "5%", "daily_loss_then": "flatten"},
 "bots": [{"lisa": {"symbol": "BTCUSDT", "limits": {"order_value": 50, "cool_down": "1h"}, ...}}]}

Here are only the words. What they mean is judged in lib/risk, which nobody loads without them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Final, Self, TypeAlias

from pydantic import (
    Field,
    GetJsonSchemaHandler,
    StringConstraints,
    ValidationInfo,
    field_validator,
)
from pydantic_core import CoreSchema, PydanticCustomError

from lib.amounts import EXACT, plain
from lib.settings import AMOUNT_PATTERN, Milliseconds, Settings, Worded, exact

ALL: Final = ""  # the scope of all bots together; that of one bot is its name
HUNDRED: Final = Decimal(100)
EXPECTED: Final = 'an amount like 50, or a part of the funds like "5%"'
BOUND_PATTERN: Final = rf"{AMOUNT_PATTERN.removesuffix('$')} ?%?$"

Asset = Annotated[str, StringConstraints(pattern=r"^[^\sa-z]{1,20}$")]
Symbol = Annotated[str, StringConstraints(pattern=r"^[^\sa-z]{1,40}$")]


class Then(StrEnum):
    """What follows once a loss has reached its limit. On disk: never renamed."""

    REFUSE = "refuse"  # entries, as long as so much is lost
    PAUSE = "pause"  # until the person lets a bot go on
    FLATTEN = "flatten"  # the same


@dataclass(frozen=True, slots=True)
class Bound(Worded):
    """The most that may be: an amount of the asset that limits are counted in, or a percentage."""

    amount: Decimal
    is_part: bool = False

    def __str__(self) -> str:
        """Write it so that it reads back as the same."""
        return f"{plain(self.amount)}{'%' if self.is_part else ''}"

    def of(self, whole: Decimal | None) -> Decimal:
        """Answer the amount; of a percentage that part of the whole."""
        if not self.is_part:
            return self.amount
        assert whole is not None, "a percentage without funds is no conf"
        return EXACT.multiply(self.amount, whole).scaleb(-2, EXACT)

    @classmethod
    def read(cls, value: object) -> Self:
        """Read what conf.json says. Raises PydanticCustomError, in words for a person."""
        if isinstance(value, cls):
            return value
        try:
            is_part = isinstance(value, str) and value.endswith("%")
            number = str(value).removesuffix("%").rstrip() if is_part else value
            bound = cls(exact(number), is_part)
        except PydanticCustomError as wrong:
            raise PydanticCustomError("bound", EXPECTED) from wrong
        if bound.amount <= 0:
            raise PydanticCustomError("bound", "more than 0")
        return bound

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {
            "anyOf": [
                {"type": "number", "exclusiveMinimum": 0},
                {"type": "string", "pattern": BOUND_PATTERN},
            ]
        }


PerAsset: TypeAlias = dict[Asset, Bound] | Bound


class BotLimits(Settings):
    """What no entry may pass. Absent keys limit nothing; exits are never limited."""

    funds: Annotated[Decimal, Field(gt=0)] | None = Field(
        default=None,
        description="The capital: no more may be at work at once, at cost, and percentages are "
        "of this.",
    )
    at_work: Bound | None = Field(
        default=None,
        description="How much of the capital may be in trades at the same time: what was paid for "
        "what is held, and what open entries may still take.",
    )
    exposure: Bound | None = Field(
        default=None,
        description="What is held and what open entries may buy, at the price of the moment.",
    )
    exposure_per_asset: PerAsset | None = Field(
        default=None,
        description="The same of each base asset, or of those that are named: "
        '{"BTC": 500, "ETH": "20%"}.',
    )
    order_value: Bound | None = Field(default=None, description="The value of one entry.")
    price_distance: Bound | None = Field(
        default=None,
        description='How far from the last price an entry may be, like "5%": a slip of the finger.',
    )
    open_orders: int | None = Field(
        default=None, ge=1, description="With how many open orders there is no further entry."
    )
    orders_per_minute: int | None = Field(
        default=None, ge=1, description="How many entries may begin within a minute."
    )
    risk_per_trade: Bound | None = Field(
        default=None,
        description="What one trade may lose down to its stop; without a stop all of it.",
    )
    allowed_symbols: tuple[Symbol, ...] | None = Field(
        default=None, description="The only symbols in which anything may be opened."
    )
    daily_loss: Bound | None = Field(
        default=None,
        description="What may be lost on a day (in `timezone`), realised or not, fees included.",
    )
    daily_loss_then: Then = Field(
        default=Then.PAUSE,
        description="What follows: entries are refused as long as so much is lost, or all bots "
        "concerned are paused or flattened until `resume` or `start`.",
    )
    drawdown: Bound | None = Field(
        default=None, description="How far the result may fall from its best, whatever the day."
    )
    drawdown_then: Then = Field(
        default=Then.PAUSE, description="What follows then, in the same words."
    )
    cool_down: Milliseconds | None = Field(
        default=None, ge=1, description="How long no entry leaves after losses."
    )
    cool_down_after: int = Field(
        default=1, ge=1, description="After how many losses of a bot in a row."
    )

    @field_validator(
        "at_work",
        "exposure",
        "exposure_per_asset",
        "order_value",
        "risk_per_trade",
        "daily_loss",
        "drawdown",
    )
    @classmethod
    def _has_funds(cls, value: PerAsset | None, told: ValidationInfo) -> PerAsset | None:
        if told.data.get("funds", value) is None and any(each.is_part for each in bounds(value)):
            raise ValueError('a percentage is a part of the funds: say "funds" in these limits')
        return value

    @field_validator("price_distance")
    @classmethod
    def _is_part(cls, value: Bound | None) -> Bound | None:
        if value is not None and not value.is_part:
            raise ValueError('a distance is a percentage, like "5%"')
        return value

    @property
    def watches_losses(self) -> bool:
        """Say whether what was lost has to be known."""
        return self.daily_loss is not None or self.drawdown is not None

    @property
    def counts_holdings(self) -> bool:
        """Say whether what is held and open has to be valued."""
        counted = (self.funds, self.at_work, self.exposure, self.exposure_per_asset)
        return any(bound is not None for bound in counted)

    @property
    def is_on(self) -> bool:
        """Say whether anything is limited."""
        return bool(self.model_dump(exclude_defaults=True, exclude={"valued_in"}))


class AllLimits(BotLimits):
    """The limits of all bots together, and what every limit is counted in."""

    valued_in: Asset = Field(
        default="USDT", description="The asset in which limits are counted, those of bots too."
    )


def bounds(value: PerAsset | None) -> Iterator[Bound]:
    """Answer every bound in a value."""
    if isinstance(value, dict):
        yield from value.values()
    elif value is not None:
        yield value
