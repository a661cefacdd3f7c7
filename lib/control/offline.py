"""The same words while no runner is at work: written where the next start reads them.

Only what needs no exchange. The folder is locked meanwhile, so no runner can begin under it.
"""

import asyncio
import time
from collections.abc import Iterable
from contextlib import closing
from typing import Final

from lib.atomic_json import ContextFile
from lib.context_file.generation import decode, encode_as_it_was, stamped
from lib.control.errands import SAID
from lib.control.office_memory import Killed, OfficeMemory
from lib.control.request import Verb
from lib.disk import REAL_DISK
from lib.instructions import Instruction
from lib.shelf import Shelf

WORDS: Final = {
    Verb.PAUSE: Instruction.PAUSE,
    Verb.STOP: Instruction.STOP,
    Verb.RESUME: Instruction.TRADE,
    Verb.START: Instruction.TRADE,
}
NEXT: Final = "with the next start"


def tell_bots(shelf: Shelf, verb: Verb, bots: Iterable[str], *, by: str) -> list[str]:
    """Write a word into the files of bots; answer what became of each. Raises Halt, OSError."""
    return [f"{name}: {_tell(shelf, name, WORDS[verb], by=by)}" for name in bots]


def kill(shelf: Shelf, *, by: str) -> str:
    """Keep every bot from trading from the next start on."""
    memory = OfficeMemory.open(shelf.folder, disk=REAL_DISK)
    asyncio.run(memory.kill(Killed(by=by, at=_now())))
    return f"killed: no new order leaves {NEXT}, until `unkill`"


def unkill(shelf: Shelf) -> str:
    """Let the bots trade again from the next start on."""
    memory = OfficeMemory.open(shelf.folder, disk=REAL_DISK)
    if memory.killed is None:
        return "it was not killed"
    asyncio.run(memory.kill(None))
    return f"the bots go on {NEXT}"


def _tell(shelf: Shelf, name: str, instruction: Instruction, *, by: str) -> str:
    with closing(ContextFile.open(shelf.path(name))) as file:
        generation = decode(file.fields)
        if generation.instruction is Instruction.FLATTEN:
            return "it was flattened: `start` it while a runner is at work"
        if generation.finished:
            return "it is finished"
        generation.instruction, generation.told_by, generation.told_at = instruction, by, _now()
        file.save(stamped(encode_as_it_was(generation), generation.saved_at))
    return f"{SAID.get(instruction, 'goes on')}, {NEXT}"


def _now() -> int:
    return time.time_ns() // 1_000_000
