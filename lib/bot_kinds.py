"""What kinds of bots there are: the modules in bots/, one kind each.

A bot module has a `Conf` (what a person sets), a `Ctx` (what it remembers) and an async generator
function, `bot` unless the conf names another one of the same module.
"""

import importlib
import inspect
import pkgutil
import re
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any, TypeAlias, TypeVar

import bots
from lib.machine import Context, Machine
from lib.mistakes import likely, shown
from lib.settings import Settings

Entry: TypeAlias = Callable[[Any, Any, Any], Machine[Any]]

DEFAULT_FUNCTION = "bot"


@dataclass(frozen=True, slots=True)
class BotKind:
    """One kind of bot: what it is set by, what it remembers, and its machine."""

    conf_type: type[Settings]
    ctx_type: type[Context]
    entry: Entry


class NoSuchBot(Exception):
    """There is no such bot, or it cannot be used: in the words of a Mistake."""

    def __init__(self, *, found: str, expected: str, likely: str = "") -> None:
        super().__init__(f"found {found}, expected {expected}" if found else expected)
        self.found = found
        self.expected = expected
        self.likely = likely


FindBot: TypeAlias = Callable[[str, str], BotKind]


def split_function(text: str) -> tuple[str, str]:
    """Split "module" or "module.function"; the function is `bot` by default. Raises NoSuchBot."""
    if not _FUNCTION.fullmatch(text):
        raise NoSuchBot(
            found=shown(text),
            expected='"module" or "module.function", a module being a file in bots/',
        )
    module, _, function = text.partition(".")
    return module, function or DEFAULT_FUNCTION


def bot_modules() -> tuple[str, ...]:
    """Name every module in bots/, sorted; none is imported."""
    return tuple(sorted(found.name for found in pkgutil.iter_modules(bots.__path__)))


def find_bot(module: str, function: str = DEFAULT_FUNCTION) -> BotKind:
    """Import one bot of bots/ and check its three parts. Raises NoSuchBot."""
    names = bot_modules()
    if module not in names:
        close = likely(module, names)
        raise NoSuchBot(
            found=shown(module),
            expected=f"a module in bots/ ({', '.join(names) or 'which is empty'})",
            likely=shown(close) if close else "",
        )
    found = _imported(module)
    return BotKind(
        conf_type=_part(found, "Conf", Settings),
        ctx_type=_part(found, "Ctx", Context),
        entry=_entry(found, function),
    )


def find_all_bots() -> dict[str, BotKind]:
    """Import every module in bots/, by its name. Raises NoSuchBot for the first that is no bot."""
    return {name: find_bot(name) for name in bot_modules()}


Part = TypeVar("Part")

_FUNCTION = re.compile(r"[A-Za-z][A-Za-z0-9_]*(\.[A-Za-z][A-Za-z0-9_]*)?")


def _imported(module: str) -> ModuleType:
    try:
        return importlib.import_module(f"{bots.__name__}.{module}")
    except (Exception, SystemExit) as wrong:  # another's code: that bot alone stops
        raise NoSuchBot(
            found="", expected=f"bots/{module}.py cannot be imported: {_reason(wrong)}"
        ) from wrong


def _reason(wrong: BaseException) -> str:
    """Say what went wrong in one line, with the innermost place in the code."""
    words = " ".join(f"{type(wrong).__name__}: {wrong}".split())
    frames = traceback.extract_tb(wrong.__traceback__)
    if not frames or isinstance(wrong, SyntaxError):
        return words
    return f"{words} ({frames[-1].filename}, line {frames[-1].lineno})"


def _part(module: ModuleType, name: str, base: type[Part]) -> type[Part]:
    part = getattr(module, name, None)
    if not (isinstance(part, type) and issubclass(part, base)):
        raise NoSuchBot(found="", expected=f"{_file(module)} needs a class {name}({base.__name__})")
    return part


def _entry(module: ModuleType, function: str) -> Entry:
    functions = {
        name: value
        for name, value in vars(module).items()
        if inspect.isasyncgenfunction(value) and value.__module__ == module.__name__
    }
    if function not in functions:
        close = likely(function, functions)
        raise NoSuchBot(
            found=f"no async generator function {shown(function)} in {_file(module)}",
            expected=f"one of {', '.join(functions)}" if functions else "one",
            likely=shown(close) if close else "",
        )
    entry: Entry = functions[function]
    if len(inspect.signature(entry).parameters) != 3:
        words = f"{_file(module)}: {function} must take a desk, a conf and a context"
        raise NoSuchBot(found="", expected=words)
    return entry


def _file(module: ModuleType) -> str:
    return f"{module.__name__.replace('.', '/')}.py"
