"""The bots of conf.json with other values: what the bot itself refuses is refused here, too."""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from lib.bot_kinds import NoSuchBot, find_bot, split_function
from lib.budget import KEYS, Terms, split_terms
from lib.commented_json import Document, Value
from lib.conf import BotConf, RunnerConf, RunnerSettings
from lib.conf_words import Page, validated
from lib.mistakes import Mistake, likely, written
from lib.sweep.axes import Axis

Sections: TypeAlias = Mapping[str, Mapping[str, Any]]
"""Each bot's part of conf.json, by name, as it was written."""


@dataclass(frozen=True, slots=True)
class Bots:
    """What conf.json says, in a form that can go to another process."""

    sections: Sections
    settings: RunnerSettings


class ValueRefused(Exception):
    """A bot does not take these values. The message says why."""


def bots_of(conf: RunnerConf) -> Bots:
    """Take the sections out of a conf that was read."""
    return Bots({bot.name: dict(bot.raw) for bot in conf.bots}, conf.settings)


def check_names(bots: Bots, axes: Sequence[Axis]) -> None:
    """Raise ValueError for an axis whose bot is not in conf.json."""
    for axis in axes:
        if axis.bot not in bots.sections:
            names = ", ".join(bots.sections) or "none"
            close = likely(axis.bot, bots.sections)
            meant = f"; did you mean {close}?" if close else ""
            raise ValueError(f"conf.json has no bot {axis.bot}, only {names}{meant}")


def varied(bots: Bots, values: Sequence[tuple[Axis, Value]]) -> RunnerConf:
    """Make the conf with these values in it. Raises ValueRefused."""
    sections = dict(bots.sections)
    touched = dict.fromkeys(axis.bot for axis, _ in values)
    for name in touched:
        sections[name] = copy.deepcopy(dict(sections[name]))
    for axis, value in values:
        _put(sections[axis.bot], axis, value)
    return RunnerConf(
        bots.settings, tuple(_bot(name, section) for name, section in sections.items()), ()
    )


def _put(section: Any, axis: Axis, value: Value) -> None:
    """Set the value at its place; a missing object on the way is made, a missing item is not."""
    place = section
    for depth, step in enumerate(axis.path[:-1]):
        place = _entered(place, step, written((axis.bot, *axis.path[: depth + 1])))
    if isinstance(place, list):
        index = _index(place, axis.path[-1], axis.name)
        place[index] = copy.deepcopy(value)
    elif isinstance(place, dict):
        place[str(axis.path[-1])] = copy.deepcopy(value)
    else:
        raise ValueRefused(
            f"{axis.name}: there is {place!s} in its place, nothing can be set in it"
        )


def _entered(place: Any, step: str | int, name: str) -> Any:
    if isinstance(place, list):
        return place[_index(place, step, name)]
    if isinstance(place, dict) and isinstance(step, str):
        return place.setdefault(step, {})
    raise ValueRefused(f"{name}: there is {place!s} in its place, nothing can be set in it")


def _index(place: list[Any], step: str | int, name: str) -> int:
    index = int(step) if str(step).isdecimal() else len(place)
    if index >= len(place):
        raise ValueRefused(f"{name}: the list has {len(place)} items, counted from 0")
    return index


def _bot(name: str, section: Mapping[str, Any]) -> BotConf:
    try:
        module, function = split_function(str(section.get("function", name)))
        kind = find_bot(module, function)
    except NoSuchBot as missing:
        raise ValueRefused(f"{name}: {missing}") from missing
    page, path = Page("", Document(None, {}, {}, ())), (name,)
    money, own = split_terms({key: each for key, each in section.items() if key != "function"})
    conf, mistakes = validated(page, path, kind.conf_type, own, beside=KEYS)
    terms, unclear = validated(page, path, Terms, money)
    if conf is None or terms is None:
        raise ValueRefused("; ".join(map(_told, [*mistakes, *unclear])))
    return BotConf(name, module, function, kind, conf, section, 0, terms)


def _told(mistake: Mistake) -> str:
    found = f"found {mistake.found}, expected " if mistake.found else ""
    meant = f"; did you mean {mistake.likely}?" if mistake.likely else ""
    return f"{mistake.path}: {found}{mistake.expected}{meant}"
