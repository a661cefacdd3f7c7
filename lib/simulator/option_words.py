"""The simulator's open questions answered by hand: `NAME=VALUE`, each by its own type."""

import re
from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from decimal import Decimal
from difflib import get_close_matches
from types import NoneType, UnionType
from typing import Any, Final, Literal, Union, get_args, get_origin, get_type_hints

from pydantic import TypeAdapter

from lib.settings import exact
from lib.simulator.options import Options

WORDS: Final[Mapping[str, bool]] = {"true": True, "false": False}
NONE: Final = "none"
WHOLE: Final = re.compile(r"-?[0-9]{1,15}", re.ASCII)


class NoSuchOption(ValueError):
    """A name or a value that is none: says what was found and what there is."""


def read_option(text: str) -> tuple[str, Any]:
    """Read `NAME=VALUE`; answer the field's name and its value. Raises NoSuchOption."""
    name, equals, written = text.partition("=")
    hints = get_type_hints(Options)
    if not equals:
        raise NoSuchOption(f"{text!r} is not like NAME=VALUE")
    if name not in hints:
        close = get_close_matches(name, hints, n=1)
        meant = f"; did you mean {close[0]}?" if close else ""
        raise NoSuchOption(f"there is no option {name!r}{meant}")
    read, expected = _reader(hints[name])
    try:
        value = read(written)
        _check(name, value)
    except (ValueError, LookupError, ArithmeticError):
        raise NoSuchOption(f"{name} is {expected}, not {written!r}") from None
    return name, value


def with_options(options: Options, answers: Mapping[str, Any]) -> Options:
    """Set fields by name."""
    return replace(options, **answers)


def list_options() -> str:
    """List every option with its default, one a line."""
    defaults = Options()
    return "\n".join(
        f"{each.name}={_shown(getattr(defaults, each.name))}" for each in fields(Options)
    )


def _reader(hint: Any) -> tuple[Callable[[str], Any], str]:
    """Answer how a type is read, and in words what it expects."""
    if get_origin(hint) in {Union, UnionType}:
        (inner,) = (part for part in get_args(hint) if part is not NoneType)
        read, expected = _reader(inner)
        return _or_none(read), f"none or {expected}"
    if hint is bool:
        return WORDS.__getitem__, "true or false"
    if hint is int:
        return _whole, "a whole number"
    if hint is Decimal:
        return exact, "an amount like 0.001"
    if hint is str:
        return str, "a text"
    if get_origin(hint) is Literal:
        return _choice(get_args(hint)), " or ".join(map(str, get_args(hint)))
    return TypeAdapter(hint).validate_json, "JSON of its own shape"


def _whole(written: str) -> int:
    if not WHOLE.fullmatch(written):
        raise ValueError(written)
    return int(written)


def _or_none(read: Callable[[str], Any]) -> Callable[[str], Any]:
    return lambda written: None if written == NONE else read(written)


def _choice(words: tuple[Any, ...]) -> Callable[[str], Any]:
    return {str(word): word for word in words}.__getitem__


def _check(name: str, value: object) -> None:
    """Refuse what the field's meaning rules out: only codes are negative."""
    if isinstance(value, int | Decimal) and value < 0 and not name.endswith("_code"):
        raise ValueError(name)
    if name.endswith("_range"):
        try:
            re.compile(str(value))
        except re.error as wrong:
            raise ValueError(name) from wrong


def _shown(value: object) -> str:
    return str(value).lower() if value is None or isinstance(value, bool) else str(value)
