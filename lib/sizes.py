"""How much an order is for, as a person writes it: coins, money, or a part of the wallet.

"quantity": 0.01              coins (base asset)
"quantity": "50 USDT"         as many coins as that buys; {"quote": 50} the same
"quantity": "25%"             a quarter of what is free in the bot's wallet; {"percent": 25}
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Context, Decimal
from typing import Any, Final, Literal, Self

from pydantic import GetJsonSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError

from lib.amounts import EXACT, plain
from lib.errors import Halt
from lib.money import SymbolRules
from lib.settings import AMOUNT_PATTERN, Worded, exact

COINS: Final = "coins"
QUOTE: Final = "quote"
PERCENT: Final = "%"
HUNDRED: Final = Decimal(100)

EXPECTED: Final = 'coins like 0.01, money like "50 USDT", or a part of the wallet like "25%"'
_NUMBER: Final = AMOUNT_PATTERN.removeprefix("^-?").removesuffix("$")
SIZE_PATTERN: Final = rf"^{_NUMBER}( ?%| quote| coins| [^\sa-z]{{1,20}})?$"
_DIVISION: Final = Context(prec=4 * EXACT.prec, rounding=ROUND_FLOOR)


@dataclass(frozen=True, slots=True)
class Size(Worded):
    """An amount and what it counts: coins, quote, % or the name of an asset."""

    amount: Decimal
    unit: str = COINS

    def __str__(self) -> str:
        """Write it as a person would, so that it reads back as the same."""
        if self.unit == COINS:
            return plain(self.amount)
        space = "" if self.unit == PERCENT else " "
        return f"{plain(self.amount)}{space}{self.unit}"

    @classmethod
    def read(cls, value: object) -> Self:
        """Read what a section says. Raises PydanticCustomError, in words for a person."""
        if isinstance(value, cls):
            return value
        try:
            size = cls(*_parts(value))
        except (PydanticCustomError, ValueError) as wrong:
            raise PydanticCustomError("size", EXPECTED) from wrong
        if size.amount <= 0 or (size.unit == PERCENT and size.amount > HUNDRED):
            raise PydanticCustomError("size", "more than 0, and at most 100%")
        return size

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {
            "anyOf": [
                {"type": "number", "exclusiveMinimum": 0},
                {"type": "string", "pattern": SIZE_PATTERN},
                _alone("coins", {}),
                _alone("quote", {}),
                _alone("percent", {"maximum": 100}),
            ],
            "description": 'How much: coins (0.01), money ("50 USDT" or {"quote": 50}), or a part '
            'of what is free in the bot\'s wallet ("25%" or {"percent": 25}).',
        }


def quantity_of(
    size: Size,
    rules: SymbolRules,
    *,
    side: Literal["BUY", "SELL"],
    price: Decimal,
    free: Decimal,
    order_type: str = "LIMIT",
) -> Decimal:
    """Answer the quantity of base that a size means now, rounded down to whole lots.

    `price` is quote per base, for a market order the dearest expected; `free` is what the wallet
    has of the asset that the side spends. Raises Halt for an asset the symbol does not have.
    """
    unit, amount = size.unit, size.amount
    if unit == PERCENT:
        amount = EXACT.multiply(max(free, Decimal(0)), amount).scaleb(-2, EXACT)
        unit = COINS if side == "SELL" else QUOTE
    if unit in {QUOTE, rules.quote_asset}:
        amount = _DIVISION.divide(amount, price)
        amount = amount.quantize(Decimal(1).scaleb(-rules.base_precision), context=_DIVISION)
    elif unit not in {COINS, rules.base_asset}:
        raise Halt(f"a size of {size} in {rules.symbol}: it trades {_assets(rules)}")
    return rules.round_quantity(amount, order_type)


def _assets(rules: SymbolRules) -> str:
    return f"{rules.base_asset} for {rules.quote_asset}"


def _parts(value: object) -> tuple[Decimal, str]:
    if isinstance(value, Mapping):
        ((word, amount),) = value.items()
        if word not in {COINS, QUOTE, "percent"}:
            raise ValueError(word)
        return exact(amount), PERCENT if word == "percent" else word
    if not isinstance(value, str):
        return exact(value), COINS
    if not re.fullmatch(SIZE_PATTERN, value):
        raise ValueError(value)
    if value.endswith(PERCENT):
        return exact(value.removesuffix(PERCENT).rstrip()), PERCENT
    number, _, unit = value.partition(" ")
    return exact(number), unit or COINS


def _alone(word: str, bounds: dict[str, int]) -> dict[str, Any]:
    amount = {
        "anyOf": [
            {"type": "number", "exclusiveMinimum": 0, **bounds},
            {"type": "string", "pattern": AMOUNT_PATTERN},
        ]
    }
    return {
        "type": "object",
        "properties": {word: amount},
        "required": [word],
        "additionalProperties": False,
    }
