"""Base of everything that conf.json sets: frozen, typed, exact, and strict about its words.

A value means what it says: "10" is no integer, 1 no truth value, "ten", true and NaN no amounts.
What people may rightly expect to write is taken: an amount as 1, 0.1 or "0.1", an enum as its
word, a list for a tuple, a duration as "90s".
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any, Self, TypeAlias, cast

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    GetCoreSchemaHandler,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from lib.amounts import sensible

DURATION_PATTERN = r"^[0-9]{1,18}(\.[0-9]{1,9})?(ms|s|m|h|d)$"
AMOUNT_PATTERN = r"^-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]{1,2})?$"


def exact(value: object) -> Decimal:
    """Read an amount written 1, 0.1 or "0.1". Floats are refused: they are not what was written."""
    as_text = isinstance(value, str) and re.fullmatch(AMOUNT_PATTERN, value)
    as_number = isinstance(value, int | Decimal) and not isinstance(value, bool)
    if as_text or as_number:
        amount = Decimal(str(value))
        if sensible(amount.copy_abs()):
            return amount
    raise PydanticCustomError("amount", 'an amount like 1, 0.1 or "0.1"')


def milliseconds(value: object) -> int:
    """Read a duration: "500ms", "90s", "10m", "2h", "1d", or an integer of milliseconds."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= DURATION_MAX:
        return value
    found = re.fullmatch(DURATION_PATTERN, value) if isinstance(value, str) else None
    if found:
        unit = found[2]
        amount = Decimal(found[0].removesuffix(unit)) * _MILLISECONDS[unit]
        if amount == int(amount) and amount <= DURATION_MAX:
            return int(amount)
    raise PydanticCustomError("duration", 'a duration like "500ms", "90s", "10m", "2h" or "1d"')


_MILLISECONDS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
DURATION_MAX = 100 * 366 * _MILLISECONDS["d"]

Milliseconds: TypeAlias = Annotated[
    int,
    BeforeValidator(milliseconds),
    WithJsonSchema({
        "anyOf": [
            {"type": "integer", "minimum": 0},
            {"type": "string", "pattern": DURATION_PATTERN},
        ],
        "description": 'A duration: "500ms", "90s", "10m", "2h", "1d", or milliseconds.',
    }),
]
"""An int of milliseconds that may be written as a duration: from 0 to a hundred years.

It carries no bounds of pydantic's, which would take the place of those that a field adds.
"""


class Worded(ABC):
    """Base of a value that has a way of its own to be written: read and written as text."""

    __slots__ = ()

    @classmethod
    @abstractmethod
    def read(cls, value: object) -> Self:
        """Read what a section says. Raises PydanticCustomError, in words for a person."""

    @classmethod
    def __get_pydantic_core_schema__(
        cls, source: object, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            cls.read, serialization=core_schema.plain_serializer_function_ser_schema(str)
        )


_OPAQUE = frozenset({"metadata", "default", "expected", "members", "serialization"})


def _tightened(node: Any) -> Any:
    if isinstance(node, list | tuple):
        return type(node)(map(_tightened, node))
    if not isinstance(node, dict):
        return node
    if node.get("type") in {"int", "bool", "float"}:
        return {**node, "strict": True}
    if node.get("type") == "decimal":
        return core_schema.no_info_before_validator_function(
            exact, cast(CoreSchema, node), json_schema_input_schema=_as_written(node)
        )
    return {key: _tightened_part(key, value) for key, value in node.items()}


def _tightened_part(key: str, part: Any) -> Any:
    if key in {"fields", "choices"} and isinstance(part, dict):  # by names of people's choice
        return {name: _tightened(node) for name, node in part.items()}
    return part if key in _OPAQUE else _tightened(part)


def _as_written(node: Mapping[str, Any]) -> CoreSchema:
    """Describe to editors how an amount may be written; only they see its bounds as floats."""
    bounds: dict[str, Any] = {
        key: _in_json(node[key]) for key in ("gt", "ge", "lt", "le") if key in node
    }
    return core_schema.union_schema([
        core_schema.float_schema(**bounds),
        core_schema.str_schema(pattern=AMOUNT_PATTERN),
    ])


def _in_json(bound: int | Decimal) -> float:
    return int(bound) if bound == int(bound) else float(bound)


def _describe_comment(schema: dict[str, Any]) -> None:
    schema.setdefault("properties", {}).setdefault("comment", {"description": "Ignored."})


class Settings(BaseModel):
    """Base of every bot's Conf and of the runner's own settings.

    A key `comment` is allowed at every level and ignored, unless a field has that name.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", validate_default=True, json_schema_extra=_describe_comment
    )

    @classmethod
    def inner_type(cls, field: str, section: Mapping[str, Any]) -> "type[Settings] | None":
        """Answer by which Settings a field is read that may hold anything; None if by none."""
        return None

    @property
    def symbols(self) -> tuple[str, ...]:
        """The symbols this conf trades: its `symbol`, if any; overridden where there are more."""
        symbol = getattr(self, "symbol", None)
        return (symbol,) if isinstance(symbol, str) else ()

    @property
    def sells_your_coins(self) -> bool:
        """Whether the bot may sell what it did not buy, unless its section says otherwise."""
        return False

    @model_validator(mode="before")
    @classmethod
    def _drop_comment(cls, values: object) -> object:
        if (
            isinstance(values, Mapping)
            and "comment" in values
            and "comment" not in cls.model_fields
        ):
            return {key: value for key, value in values.items() if key != "comment"}
        return values

    @classmethod
    def __get_pydantic_core_schema__(
        cls, source: type[BaseModel], handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """Make every number and truth value below this model exact and strict.

        Pydantic's own strict mode would also refuse enum words and lists for tuples.
        """
        return cast(CoreSchema, _tightened(handler(source)))
