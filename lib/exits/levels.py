"""A price as a person writes it: beside the entry, absolute, or as the loss it may cost.

"price": "2%"     two percent beyond the entry; "-2%" two percent this side of it
"price": 1020     that price
"price": -20      where 20 of the quote asset are lost
"""

import re
from dataclasses import dataclass
from decimal import ROUND_CEILING, Context, Decimal
from typing import Annotated, Any, Final, Self, TypeAlias

from pydantic import BeforeValidator, GetJsonSchemaHandler, WithJsonSchema
from pydantic_core import CoreSchema, PydanticCustomError

from lib.amounts import EXACT, plain
from lib.settings import AMOUNT_PATTERN, Worded, exact

PERCENT_PATTERN: Final = r"^[+-]?[0-9]{1,4}(\.[0-9]{1,6})? ?%$"
EXPECTED: Final = 'beside the entry like "2%" or "-2%", a price like 1020, a loss like -20'
EXPECTED_PART: Final = 'a part like "2%" or "-1%"'
_DIVISION: Final = Context(prec=4 * EXACT.prec, rounding=ROUND_CEILING)
FINEST: Final = Decimal("1e-12")  # of a price that a division leaves


@dataclass(frozen=True, slots=True)
class Level(Worded):
    """An amount and what it is: a part of the entry's price, or an amount of quote."""

    amount: Decimal
    relative: bool  # of the entry's price: 0.02 is two percent

    def __str__(self) -> str:
        """Write it as a person would, so that it reads back as the same."""
        return percent(self.amount) if self.relative else plain(self.amount)

    @property
    def is_loss(self) -> bool:
        """Say whether it is an amount of quote that may be lost."""
        return not self.relative and self.amount < 0

    def price(self, sign: int, entry: Decimal, quantity: Decimal) -> Decimal:
        """Answer the price it means for so much base entered at a price.

        `sign` is 1 for what was bought, -1 for what was sold to be bought back.
        """
        if self.relative:
            return EXACT.multiply(entry, 1 + sign * self.amount)
        if not self.is_loss:
            return self.amount
        apart = _DIVISION.divide(self.amount, quantity).quantize(FINEST, context=_DIVISION)
        return entry + sign * apart

    @classmethod
    def read(cls, value: object) -> Self:
        """Read what a section says. Raises PydanticCustomError, in words for a person."""
        if isinstance(value, cls):
            return value
        if isinstance(value, str) and value.rstrip().endswith("%"):
            return cls(part(value), relative=True)
        try:
            return cls(_signed(value), relative=False)
        except (PydanticCustomError, ValueError) as wrong:
            raise PydanticCustomError("level", EXPECTED) from wrong

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        texts = (PERCENT_PATTERN, AMOUNT_PATTERN)
        patterns = [{"type": "string", "pattern": each} for each in texts]
        return {"anyOf": [{"type": "number"}, *patterns], "description": EXPECTED}


def part(value: object) -> Decimal:
    """Read "2%" as 0.02. Raises PydanticCustomError."""
    if not isinstance(value, str) or not re.fullmatch(PERCENT_PATTERN, value):
        raise PydanticCustomError("part", EXPECTED_PART)
    return Decimal(value.rstrip("% ")).scaleb(-2)


def percent(fraction: Decimal) -> str:
    """Write 0.02 as 2%."""
    return f"{plain(fraction.scaleb(2))}%"


def _signed(value: object) -> Decimal:
    amount = exact(value.removeprefix("+") if isinstance(value, str) else value)
    if not amount:
        raise ValueError("0 is no price")
    return amount


Part: TypeAlias = Annotated[
    Decimal,
    BeforeValidator(part),
    WithJsonSchema({"type": "string", "pattern": PERCENT_PATTERN, "description": EXPECTED_PART}),
]
"""A fraction that is written as a percentage: "2%" is 0.02."""
