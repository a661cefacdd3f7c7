"""What a run was asked for, in words and JSON: its options, and the bots' sections."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from decimal import Decimal
from enum import Enum
from typing import Any

from lib.amounts import plain
from lib.backtest.settings import BacktestSettings
from lib.conf import BotConf, RunnerConf
from lib.simulator.options import Options
from lib.simulator.paper.paper_settings import DATA


@dataclass(frozen=True, slots=True)
class Asked:
    """What a run was asked for, as JSON has it. `bots`: the section of each, as written."""

    options: Mapping[str, Any]
    bots: Mapping[str, Any]


def asked(settings: BacktestSettings, conf: RunnerConf, *, risk_free: float = 0.0) -> Asked:
    """Write down what makes a run what it is."""
    bots = {bot.name: _section(bot) for bot in conf.bots}
    options = {**_plain(settings), "risk_free": str(risk_free)}
    del options["ctx"]  # where, not what
    options["data"] = "data" if settings.data == DATA else str(settings.data)
    usual = _plain(Options())
    options["options"] = {
        name: value for name, value in options["options"].items() if value != usual[name]
    }
    return Asked(options, bots)


def _section(bot: BotConf) -> dict[str, Any]:
    function = f"{bot.module}.{bot.function}"
    return {"function": function, **_plain(bot.raw), **_plain(bot.terms.written())}


def flat(tree: Any, path: str = "") -> dict[str, str]:
    """Answer a tree as its leaves, each by its dotted path."""
    if isinstance(tree, Mapping) and tree:
        parts = ((f"{path}.{key}" if path else str(key), value) for key, value in tree.items())
    elif isinstance(tree, list) and tree:
        parts = ((f"{path}[{number}]", value) for number, value in enumerate(tree))
    else:
        return {path: _words(tree)}
    found: dict[str, str] = {}
    for name, value in parts:
        found |= flat(value, name)
    return found


def _words(leaf: Any) -> str:
    match leaf:
        case None:
            return "–"
        case bool():
            return "yes" if leaf else "no"
        case [] | {}:
            return "none"
        case _:
            return str(leaf)


def _plain(value: Any) -> Any:
    """Make JSON of settings: amounts as text, models of a person's own by their name."""
    match value:
        case None | bool() | int() | str() if not isinstance(value, Enum):
            return value
        case Enum():
            return str(value.value)
        case Decimal():
            return plain(value)
        case Mapping():
            return {str(key): _plain(each) for key, each in value.items()}
        case list() | tuple():
            return [_plain(each) for each in value]
        case _ if is_dataclass(value):
            return {each.name: _plain(getattr(value, each.name)) for each in fields(value)}
        case _:
            return str(getattr(value, "__qualname__", value))
