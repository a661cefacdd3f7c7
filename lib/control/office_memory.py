"""What the office remembers beyond a restart: a kill, the answers it gave, words for the unborn.

A file that cannot be read is no reason to trade on: it may have held a kill. Then all are killed
until a person says `unkill`, which begins a new file; the old one is kept beside it.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, Self

from pydantic import BaseModel, ConfigDict

from lib.atomic_json import read_generations
from lib.disk import REAL_DISK, Disk
from lib.errors import Halt
from lib.instructions import Instruction
from lib.kept import Kept

FILE: Final = "installation.office.json"  # no bot can have this name
ANSWERS_MAX: Final = 200  # the newest
ANSWER_LENGTH_MAX: Final = 1_000
UNREADABLE: Final = "nobody, but what you said before cannot be read any more"


class Killed(BaseModel):
    """That no order may leave, and who said so."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    by: str
    at: int  # exchange ms, as whoever asked had it
    flatten: bool = False


class Page(BaseModel):
    """What is on disk."""

    model_config = ConfigDict(extra="forbid")

    killed: Killed | None = None
    unborn: dict[str, Instruction] = {}  # what bots are told that have no context yet
    answers: dict[str, str] = {}  # by the request's id, oldest first
    telegram_offset: int = 0  # read by nobody, nor is the next: files on disk have them
    telegram_outbox: list[str] = []


class OfficeMemory:
    """Owns the file. Every change is on disk once the call that made it returns."""

    def __init__(self, file: Kept[Page]) -> None:
        self._file = file
        self._turn = asyncio.Lock()
        self.problem = file.problem
        self.page = file.content
        if self.problem:
            self.page = Page(killed=Killed(by=UNREADABLE, at=0))

    @classmethod
    def open(cls, folder: Path, *, disk: Disk) -> Self:
        """Read what was said before this life."""
        return cls(Kept(folder / FILE, Page(), disk))

    @property
    def killed(self) -> Killed | None:
        """Answer the kill that is in force."""
        return self.page.killed

    def answer_to(self, request_id: str) -> str:
        """Answer what was answered to a request; empty if it was never seen."""
        return self.page.answers.get(request_id, "")

    async def remember(self, request_id: str, answer: str) -> None:
        """Keep an answer, so that the request is not done again."""

        def changed(page: Page) -> dict[str, Any]:
            answers = {**page.answers, request_id: answer[:ANSWER_LENGTH_MAX]}
            return {"answers": dict(list(answers.items())[-ANSWERS_MAX:])}

        await self.change(changed)

    async def kill(self, killed: Killed | None) -> None:
        """Keep that all are killed, or no longer are."""
        await self.change(lambda _: {"killed": killed})

    async def tell_unborn(self, bot: str, instruction: Instruction) -> None:
        """Keep what a bot is to be told as it is born."""
        await self.change(lambda page: {"unborn": {**page.unborn, bot: instruction}})

    async def forget_unborn(self, bot: str) -> None:
        """Forget what a bot was told before its birth: what counts is in its own file by now."""
        if bot in self.page.unborn:
            left = {name: told for name, told in self.page.unborn.items() if name != bot}
            await self.change(lambda _: {"unborn": left})

    async def change(self, changed: Callable[[Page], dict[str, Any]]) -> None:
        """Change members of the page as it is then, and put it on disk, however long that takes."""
        async with self._turn:
            page = self.page.model_copy(update=changed(self.page))
            await self._file.save_patiently(page)
            self.page = page


def read_killed(folder: Path, *, disk: Disk = REAL_DISK) -> Killed | None:
    """Look whether a kill is in force, without touching anything."""
    try:
        return Page.model_validate(_own(read_generations(folder / FILE, disk=disk))).killed
    except FileNotFoundError:
        return None
    except (Halt, OSError, ValueError):
        return Killed(by=UNREADABLE, at=0)


def _own(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if name in Page.model_fields}
