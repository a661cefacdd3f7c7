"""What is varied: one setting of one bot, and the values it takes in turn.

A person writes `dip_buyer.dip=0.001,0.002`, `grid.step=0.002..0.01/0.002`, `grid.wait=1h..4h/1h`,
`smart.targets[0].price=0.01,0.02` or, for values that are lists or objects, a JSON list of them.
Amounts stay exact: a range is counted in its own step.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from typing import Final

from lib.amounts import plain
from lib.commented_json import NotJson, Value, parse
from lib.mistakes import Path, shown, written

VALUES_MAX: Final = 10_000  # of one axis

NAMED: Final = re.compile(r"([A-Za-z0-9_-]{1,32})((?:\.[^.\[\]=]+|\[\d{1,4}\])+)=(.+)", re.DOTALL)
STEP: Final = re.compile(r"\.([^.\[\]]+)|\[(\d+)\]")
AMOUNT: Final = r"(-?\d{1,30}(?:\.\d{1,30})?)([A-Za-z% ]{0,20}?)"
RANGE: Final = re.compile(rf"{AMOUNT}\.\.{AMOUNT}/{AMOUNT}\s*", re.ASCII)
NUMBER: Final = re.compile(r"-?\d{1,30}(\.\d{1,30})?", re.ASCII)
WORDS: Final[dict[str, bool | None]] = {"true": True, "false": False, "null": None}


@dataclass(frozen=True, slots=True)
class Axis:
    """One setting and its values, in the order in which they were written."""

    bot: str
    path: Path
    values: tuple[Value, ...]
    ordered: bool  # whether the values grow, so that neighbours are alike

    @property
    def name(self) -> str:
        """Answer it as a person writes it: `dip_buyer.dip`."""
        return written((self.bot, *self.path))


def read_axis(text: str) -> Axis:
    """Read `BOT.SETTING=VALUES`. Raises ValueError, which says what cannot be read."""
    found = NAMED.fullmatch(text.strip())
    if found is None:
        raise ValueError(
            f"{shown(text)} is not like dip_buyer.dip=0.001,0.002 or grid.step=0.002..0.01/0.002"
        )
    bot, places, values = found.groups()
    path: Path = tuple(key or int(index) for key, index in STEP.findall(places))
    axis = Axis(bot, path, *_values(values.strip()))
    told = [value_text(value) for value in axis.values]
    twice = next((each for each in told if told.count(each) > 1), None) if len(told) < 500 else None
    if twice is not None:
        raise ValueError(f"{axis.name} has the value {twice} twice")
    return axis


def check_axes(axes: Sequence[Axis]) -> None:
    """Raise ValueError unless each setting is varied once, and no other one lies inside it."""
    for number, axis in enumerate(axes):
        for other in axes[:number]:
            shorter, longer = sorted((axis.path, other.path), key=len)
            if axis.bot == other.bot and longer[: len(shorter)] == shorter:
                raise ValueError(f"{axis.name} and {other.name} are the same setting")


def value_text(value: Value) -> str:
    """Write a value as a person would behind the option."""
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    if isinstance(value, Decimal):
        return plain(value)
    return value if isinstance(value, str) else _bracketed(value)


def _bracketed(value: Value) -> str:
    if isinstance(value, dict):
        inner = ", ".join(f"{key}: {value_text(each)}" for key, each in value.items())
        return f"{{{inner}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(value_text, value))}]"
    return str(value)


def _values(text: str) -> tuple[tuple[Value, ...], bool]:
    if text.startswith("["):
        return _listed(text)
    span = RANGE.fullmatch(text)
    if span is not None:
        return _counted(text, *span.groups()), True
    values = tuple(_scalar(part.strip()) for part in text.split(","))
    return values, _grows(values)


def _listed(text: str) -> tuple[tuple[Value, ...], bool]:
    try:
        values = parse(text.encode()).value
    except NotJson as wrong:
        raise ValueError(f"{shown(text)} is no JSON list: {wrong}") from wrong
    if not isinstance(values, list) or not values:
        raise ValueError(f"{shown(text)} is an empty list: it has no value")
    return tuple(values), _grows(tuple(values))


def _scalar(text: str) -> Value:
    if not text:
        raise ValueError("there is an empty value: two commas, or one at the end")
    if text in WORDS:
        return WORDS[text]
    number = NUMBER.fullmatch(text)
    if number is not None:
        return Decimal(text) if number[1] else int(text)
    if ".." in text:
        raise ValueError(f"{shown(text)} is no range: FIRST..LAST/STEP, as in 0.001..0.004/0.001")
    return text.strip('"')


def _counted(text: str, *parts: str) -> tuple[Value, ...]:
    """List FIRST, FIRST + STEP, … up to LAST. A unit, once named, is the unit of all three."""
    numbers, units = parts[::2], [unit.strip() for unit in parts[1::2]]
    named = {unit for unit in units if unit}
    first, last, step = map(Decimal, numbers)
    if len(named) > 1:
        raise ValueError(f"{shown(text)} has more than one unit: {', '.join(sorted(named))}")
    if step <= 0 or last < first:
        raise ValueError(f"{shown(text)} leads nowhere: FIRST..LAST/STEP, the step above 0")
    many = int((last - first) / step) + 1
    if many > VALUES_MAX:
        raise ValueError(f"{shown(text)} has {many} values, at most {VALUES_MAX} can be tried")
    found = [first + step * number for number in range(many)]
    if named:
        space = " " if any(unit.startswith(" ") for unit in parts[1::2]) else ""
        return tuple(f"{plain(each)}{space}{next(iter(named))}" for each in found)
    whole = all("." not in number for number in numbers)
    return tuple(int(each) if whole else each for each in found)


def _grows(values: tuple[Value, ...]) -> bool:
    numbers = [
        each for each in values if isinstance(each, int | Decimal) and not isinstance(each, bool)
    ]
    return len(numbers) == len(values) and all(
        earlier < later for earlier, later in pairwise(numbers)
    )
