"""What changed in a bot's section since it last ran, and from when that counts."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from lib.conf import BotConf
from lib.context_file.generation import Generation, decode_context
from lib.control.ctx_folder import Page
from lib.instructions import Instruction
from lib.life import function_path
from lib.mistakes import Path, shown, written

NEXT_START: Final = "counts from the next start"


def changes(bot: BotConf, generation: Generation) -> list[str]:
    """Name every parameter that differs, with both values."""
    before, after = dict(generation.conf), bot.settled
    if generation.function != function_path(bot):
        before["function"], after["function"] = generation.function, function_path(bot)
    return differences(before, after)


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Name every value in which two sections differ, with both."""
    old, new = dict(leaves(before)), dict(leaves(after))
    return [
        f"{written(path)}: {_value(old, path)} → {_value(new, path)}"
        for path in sorted(old.keys() | new.keys(), key=str)
        if old.get(path) != new.get(path)
    ]


def since_when(bot: BotConf, page: Page, *, otherwise: str = NEXT_START) -> str:
    """Say from when changes count, for a bot that has a context."""
    assert page.generation is not None
    if page.generation.finished:
        return "it is finished: changes count once `afresh` lets it begin anew"
    if page.generation.instruction is Instruction.FLATTEN:
        return "it was flattened: changes count once `start` lets it begin anew"
    if busy_with(bot, page):
        return "counts from the next lap; the one that is running ends as it began"
    return otherwise


def refusal(bot: BotConf, page: Page) -> str:
    """Say why a changed symbol or function is not accepted now; empty where it is."""
    generation = page.generation
    assert generation is not None
    if generation.instruction is Instruction.FLATTEN:  # ended as it was
        return ""
    same_symbols = generation.symbols == list(bot.conf.symbols)
    if same_symbols and generation.function == function_path(bot):
        return ""
    busy = busy_with(bot, page)
    what = "function" if same_symbols else "symbol"
    return f"its {what} may not change while it has {busy}: let it finish first" if busy else ""


def busy_with(bot: BotConf, page: Page) -> str:
    """Say what is under way: unfinished orders, or what was bought and not yet sold."""
    assert page.generation is not None
    unfinished = [order for order in page.orders if not order.final]
    if unfinished:
        return f"{len(unfinished)} unfinished orders"
    module, _, _ = page.generation.function.partition(".")
    if module != bot.module:
        return ""  # another bot's context: its own code will judge it
    return decode_context(bot.kind.ctx_type, page.generation).holding


def leaves(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Walk through a section down to its plain values."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from leaves(inner, (*path, key))
    elif isinstance(value, list | tuple):
        for index, inner in enumerate(value):
            yield from leaves(inner, (*path, index))
    elif value is not None:
        yield path, value


def _value(values: Mapping[Path, Any], path: Path) -> str:
    return shown(values[path]) if path in values else "nothing"
