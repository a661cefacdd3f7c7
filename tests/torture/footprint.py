"""What a program keeps in memory: the size of all that can be reached from one object of it."""

import gc
import sys
from collections.abc import Iterator
from types import (
    AsyncGeneratorType,
    BuiltinFunctionType,
    CoroutineType,
    FrameType,
    FunctionType,
    ModuleType,
)
from typing import Final

NOT_OURS: Final = ("tests", "lib.simulator")  # the world around the program, and its exchange
SHARED: Final = (type, ModuleType, FunctionType, BuiltinFunctionType)


def bytes_kept(root: object) -> int:
    """Add up what is reachable, each object once, without code and without the world around."""
    seen, waiting, total = {id(root)}, [root], 0
    while waiting:
        each = waiting.pop()
        total += sys.getsizeof(each)
        for child in _held_by(each):
            if id(child) not in seen and _is_ours(child):
                seen.add(id(child))
                waiting.append(child)
    return total


def _held_by(each: object) -> Iterator[object]:
    """Answer what an object refers to; of one that is suspended, what its locals do."""
    yield from gc.get_referents(each)
    frame: FrameType | None = None
    if isinstance(each, CoroutineType):
        frame = each.cr_frame
        yield each.cr_await
    elif isinstance(each, AsyncGeneratorType):
        frame = each.ag_frame
        yield each.ag_await
    if frame is not None:
        yield from frame.f_locals.values()


def _is_ours(found: object) -> bool:
    return not isinstance(found, SHARED) and not type(found).__module__.startswith(NOT_OURS)
