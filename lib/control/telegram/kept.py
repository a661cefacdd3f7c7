"""A small file of Telegram's own beside the contexts, in the same two-slot form: one write and one
flush a save. Losing one costs messages, never an order, so a bad one is put aside and told.
"""

import asyncio
from itertools import count
from pathlib import Path
from typing import Generic, TypeVar

from pydantic import BaseModel, ValidationError

from lib.atomic_json import ContextFile
from lib.disk import Disk
from lib.errors import CorruptContext, Halt

Content = TypeVar("Content", bound=BaseModel)


class Kept(Generic[Content]):
    """Owns one file. `problem` says what could not be read at the start."""

    def __init__(self, path: Path, first: Content, disk: Disk) -> None:
        self.problem = ""
        self._path = path
        self._disk = disk
        self._file: ContextFile | None = None
        try:
            self.content = self._opened(type(first))
        except FileNotFoundError:
            self.content = first
        except Halt as wrong:
            self.content = first
            self.problem = f"{path.name} is put aside: {wrong}"

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

    def _begin(self, fields: bytes) -> ContextFile:
        if self._disk.exists(self._path):
            return ContextFile.replace(self._path, fields, aside=self._aside(), disk=self._disk)
        return ContextFile.create(self._path, fields, disk=self._disk)

    def _aside(self) -> Path:
        places = (self._path.with_name(f"{self._path.stem}.broken-{n}.json") for n in count(1))
        return next(place for place in places if not self._disk.exists(place))
