"""What `status` reads of other runners: a small file beside the contexts.

Nothing depends on it. It is written when what is known of others changes, and once a life, so that
it never tells of a former life's neighbours.
"""

import asyncio
from contextlib import suppress
from pathlib import Path
from typing import Final

import orjson
from pydantic import BaseModel, ConfigDict, ValidationError

from lib.atomic_json import ContextFile, read_generations
from lib.disk import REAL_DISK, Disk
from lib.errors import BotError
from lib.ownership.other_runners import OtherRunners

FILE: Final = "installation.others.json"  # no bot can have this name


class Neighbour(BaseModel):
    """Another runner as `status` tells of it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    installation: str
    since: int  # exchange ms at which the oldest order of it that was seen was made
    at_work: bool  # false: it has open orders, and may be gone for good
    active: bool


class OthersPage:
    """Keeps the file."""

    def __init__(self, others: OtherRunners, folder: Path, *, disk: Disk) -> None:
        self._others = others
        self._path = folder / FILE
        self._disk = disk
        self._due = asyncio.Event()
        others.on_change = self._due.set

    async def keep(self) -> None:
        """Write what is known at every change, for ever; a disk that refuses ends nothing."""
        file = None
        with suppress(BotError, OSError):
            file = ContextFile.open(self._path, disk=self._disk)
            await file.saved(self._fields())
        while True:
            await self._due.wait()
            self._due.clear()
            with suppress(BotError, OSError):
                file = await self._written(file)

    async def _written(self, file: ContextFile | None) -> ContextFile:
        if file is None:
            return ContextFile.create(self._path, self._fields(), disk=self._disk)
        await file.saved(self._fields())
        return file

    def _fields(self) -> bytes:
        neighbours = [
            Neighbour(
                installation=runner.installation,
                since=runner.since,
                at_work=runner.at_work,
                active=runner.active,
            )
            for runner in self._others.seen
        ]
        return orjson.dumps({"others": [each.model_dump() for each in neighbours]})


def read_others(folder: Path, *, disk: Disk = REAL_DISK) -> tuple[Neighbour, ...]:
    """Read who else was seen; nobody where there is no file, or one that cannot be read."""
    try:
        found = read_generations(folder / FILE, disk=disk).get("others", [])
        return tuple(Neighbour.model_validate(each) for each in found)
    except (BotError, OSError, TypeError, ValidationError):
        return ()
