"""A small file of the program's own beside the contexts, in their two-slot form: one write and one
flush a save. One that cannot be read stays until the first save, which puts it aside.
"""

import asyncio
from itertools import chain, count, repeat
from pathlib import Path
from typing import Final, Generic, TypeVar

from pydantic import BaseModel, ValidationError

from lib.atomic_json import ContextFile
from lib.disk import Disk
from lib.errors import CorruptContext, DiskFailed, Halt

PAUSES: Final = (1, 2, 5, 10, 30)  # seconds between tries of a disk that refuses

Content = TypeVar("Content", bound=BaseModel)


class Kept(Generic[Content]):
    """Owns one file. `content` is what was found in it; `problem`, why that could not be read."""

    def __init__(self, path: Path, first: Content, disk: Disk) -> None:
        self.content = first
        self.problem = ""
        self._path = path
        self._disk = disk
        self._file: ContextFile | None = None
        try:
            self.content = self._opened(type(first))
        except FileNotFoundError:
            pass
        except Halt as wrong:
            self.problem = str(wrong)

    def _opened(self, kind: type[Content]) -> Content:
        file = ContextFile.open(self._path, disk=self._disk)
        try:
            content = kind.model_validate_json(file.fields)
        except ValidationError as wrong:
            file.close()
            raise CorruptContext(f"{self._path} cannot be read: {wrong.title}") from None
        self._file = file
        return content

    async def save(self, content: Content) -> int:
        """Put content on disk; answer how many bytes it has. Raises DiskFailed."""
        fields = content.model_dump_json().encode()
        if self._file is not None:
            await self._file.saved(fields)
        else:
            self._file = await asyncio.to_thread(self._begin, fields)
        return len(fields)

    async def save_patiently(self, content: Content) -> None:
        """Put content on disk, as it is at each try, however long the disk refuses."""
        for delay in chain(PAUSES, repeat(PAUSES[-1])):
            try:
                await self.save(content)
            except DiskFailed:
                await asyncio.sleep(delay)
            else:
                return

    def _begin(self, fields: bytes) -> ContextFile:
        if self._disk.exists(self._path):
            return ContextFile.replace(self._path, fields, aside=self._aside(), disk=self._disk)
        return ContextFile.create(self._path, fields, disk=self._disk)

    def _aside(self) -> Path:
        """Name a place for a file that cannot be read."""
        places = (self._path.with_name(f"{self._path.stem}.broken-{n}.json") for n in count(1))
        return next(place for place in places if not self._disk.exists(place))
