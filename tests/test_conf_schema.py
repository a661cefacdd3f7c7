"""The schema of conf.json says what the reader of conf.json says."""

import json
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any, Literal

import pytest
from pydantic import Field

from lib.bot_kinds import BotKind
from lib.conf import Milliseconds, Settings
from lib.conf_schema import SCHEMA_FILE, schema, schema_text
from lib.machine import Context, Machine


class Target(Settings):
    price: Annotated[Decimal, Field(gt=0)]


class Conf(Settings):
    symbol: str
    quantity: Decimal
    patience: Milliseconds = 0
    kind: Literal["market", "limit"] = "market"
    target: Target | None = None


class OtherConf(Settings):
    levels: int


OtherConf.__name__ = OtherConf.__qualname__ = "Conf"


class Ctx(Context):
    pass


async def bot(desk: object, conf: Any, ctx: Ctx) -> Machine[Ctx]:
    yield ctx


SCHEMA = schema({"smart_trade": BotKind(Conf, Ctx, bot), "grid": BotKind(OtherConf, Ctx, bot)})


def accepts(node: Any, value: Any) -> bool:
    """Judge a value by the words of JSON Schema that ours uses; any other word is an error."""
    return all(_holds(word, node, value) for word in node)


def _holds(word: str, node: Mapping[str, Any], value: Any) -> bool:
    argument = node[word]
    match word:
        case "$schema" | "$defs" | "title" | "description" | "default" | "then" | "else":
            return True
        case "$ref":
            return accepts(SCHEMA["$defs"][argument.removeprefix("#/$defs/")], value)
        case "if":
            branch = "then" if accepts(argument, value) else "else"
            return accepts(node.get(branch, {}), value)
        case "type":
            return _is(argument, value)
        case "enum":
            return bool(value in argument)
        case "const":
            return bool(value == argument)
        case "pattern":
            return not isinstance(value, str) or bool(re.search(argument, value))
        case "anyOf":
            return any(accepts(choice, value) for choice in argument)
        case "allOf":
            return all(accepts(choice, value) for choice in argument)
        case "minimum" | "maximum" | "exclusiveMinimum":
            return not _is("number", value) or _within(word, argument, value)
        case "items":
            return not isinstance(value, list) or all(accepts(argument, each) for each in value)
        case _:
            return not isinstance(value, dict) or _fits(word, node, value)


def _is(kind: str, value: Any) -> bool:
    if isinstance(value, bool):
        return kind == "boolean"
    kinds = {
        "object": dict,
        "array": list,
        "string": str,
        "integer": int,
        "number": (int, float),
        "boolean": bool,
        "null": type(None),
    }
    return isinstance(value, kinds[kind])  # type: ignore[arg-type]


def _within(word: str, bound: Any, value: Any) -> bool:
    return bool({"minimum": value >= bound, "maximum": value <= bound}.get(word, value > bound))


def _fits(word: str, node: Mapping[str, Any], value: Mapping[str, Any]) -> bool:
    argument = node[word]
    match word:
        case "required":
            return all(key in value for key in argument)
        case "minProperties":
            return len(value) >= int(argument)
        case "maxProperties":
            return len(value) <= int(argument)
        case "propertyNames":
            return all(accepts(argument, key) for key in value)
        case "properties":
            return all(accepts(argument[key], value[key]) for key in value if key in argument)
        case "additionalProperties":
            others = [key for key in value if key not in node.get("properties", {})]
            return (
                not others
                if argument is False
                else all(accepts(argument, value[key]) for key in others)
            )
    raise AssertionError(f"the schema uses {word}, which this test cannot judge")


TRADE = {"symbol": "BTCUSDT", "quantity": 0.1}
GRID = {"levels": 3}

ACCEPTED = [
    [],
    [{"smart_trade": TRADE}],
    [{"smart_trade": {**TRADE, "quantity": "0.1", "comment": "x", "patience": "90s"}}],
    [{"smart_trade": {**TRADE, "patience": 90, "target": {"price": 1, "comment": "x"}}}],
    [{"smart_trade": TRADE}, {"grid": GRID}],
    [{"lisa": {**TRADE, "function": "smart_trade"}}, {"bob": {**GRID, "function": "grid.bot"}}],
    [{"grid": {**TRADE, "function": "smart_trade.other"}}],
    {"bots": [{"grid": GRID}]},
    {"$schema": "conf.schema.json", "bots": [], "on_doubt": "park", "poll": "30s"},
]

REFUSED = [
    7,
    {},
    {"bots": {}},
    {"bots": [], "on_doubt": "maybe"},
    {"bots": [], "unknown": 1},
    [{}],
    [{"smart_trade": TRADE, "grid": GRID}],
    [{"smart_trade": GRID}],
    [{"smart_trade": {"symbol": "A"}}],
    [{"smart_trade": {**TRADE, "quantitiy": 1}}],
    [{"smart_trade": {**TRADE, "quantity": "ten"}}],
    [{"smart_trade": {**TRADE, "quantity": True}}],
    [{"smart_trade": {**TRADE, "patience": "soon"}}],
    [{"smart_trade": {**TRADE, "kind": "Market"}}],
    [{"smart_trade": {**TRADE, "target": {"price": 0}}}],
    [{"grid": {"levels": 1.5}}],
    [{"lisa": TRADE}],
    [{"lisa": {**TRADE, "function": "nothing"}}],
    [{"lisa": {**TRADE, "function": "grid"}}],
    [{"a name": {**TRADE, "function": "smart_trade"}}],
]


@pytest.mark.parametrize("written", ACCEPTED, ids=json.dumps)
def test_the_schema_accepts_what_the_reader_takes(written: Any) -> None:
    assert accepts(SCHEMA, written)


@pytest.mark.parametrize("written", REFUSED, ids=json.dumps)
def test_the_schema_refuses_what_the_reader_refuses(written: Any) -> None:
    assert not accepts(SCHEMA, written)


def test_a_schema_without_any_bots_takes_settings_alone() -> None:
    empty = schema({})

    assert empty["$defs"]["bot"]["properties"] == {}
    assert "smart_trade" not in json.dumps(empty)


def test_the_schema_file_is_current() -> None:
    written = SCHEMA_FILE.read_text(encoding="utf-8") if SCHEMA_FILE.exists() else ""

    assert written == schema_text(), "write it anew: python -m lib.conf schema"
