"""What limits remember that no fill can tell: where a day began, the best so far, what was reached.

Everything else is counted anew from the contexts. The file lies beside them; without limits there
is none. One that cannot be read may have held that a limit was reached: then all bots are paused
until the person lets one go on.
"""

import asyncio
from decimal import Decimal
from itertools import chain, count, repeat
from pathlib import Path
from typing import Final, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from lib.atomic_json import ContextFile
from lib.disk import Disk
from lib.errors import CorruptContext, DiskFailed, Halt
from lib.limits import Then

FILE: Final = "installation.limits.json"  # no bot can have this name
PAUSES: Final = (1, 2, 5, 10, 30)  # seconds between tries of a disk that refuses
UNREADABLE: Final = "file"  # the rule that was reached, as far as anybody knows


class Mark(BaseModel):
    """What losses of one scope are counted from. Amounts are of the asset limits are counted in."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    day: int  # since 1970, by the exchange's time
    start: Decimal  # the result as the day began
    best: Decimal  # the highest result since it is counted
    last: Decimal  # as it was seen last


class Trip(BaseModel):
    """That a limit was reached, and who has been told what. It stands until the person lifts it."""

    model_config = ConfigDict(extra="forbid")

    scope: str  # a bot's name; empty: all bots
    rule: str  # the key in conf.json
    then: Then
    words: str
    at: int  # exchange ms
    number: str = ""  # of the request by which bots are told
    bots: list[str] = []  # whom that concerns
    told: bool = False  # it was carried out


class Page(BaseModel):
    """What is on disk."""

    model_config = ConfigDict(extra="forbid")

    venue: str = ""
    valued_in: str = ""
    marks: dict[str, Mark] = {}  # by scope
    trips: list[Trip] = []


class PageFile:
    """Owns the file. `page` is changed in place; a change is on disk once `saved` returns."""

    def __init__(self, path: Path, disk: Disk, page: Page, file: ContextFile | None) -> None:
        self._path = path
        self._disk = disk
        self._file = file
        self._turn = asyncio.Lock()
        self._wanted = 0  # how often a change was made that is to be on disk before it counts
        self._kept = 0  # how many of these are
        self.page = page
        self.problem = ""

    @classmethod
    def open(cls, folder: Path, *, venue: str, valued_in: str, disk: Disk) -> Self:
        """Read what was remembered; what another venue or asset left is no measure for this one."""
        path = folder / FILE
        fresh = Page(venue=venue, valued_in=valued_in)
        try:
            file = ContextFile.open(path, disk=disk)
            page = _page_of(file)
        except FileNotFoundError:
            return cls(path, disk, fresh, None)
        except Halt as wrong:
            unreadable = cls(path, disk, fresh, None)
            unreadable.problem = str(wrong)
            return unreadable
        ours = (page.venue, page.valued_in) == (venue, valued_in)
        return cls(path, disk, page if ours else fresh, file)

    def press(self) -> None:
        """Note that something was changed that no order may leave before it is on disk."""
        self._wanted += 1

    async def settled(self) -> None:
        """Wait until all that was pressed is on disk."""
        while self._kept < self._wanted:
            await self.saved()

    async def saved(self) -> None:
        """Have all that was changed so far on disk, however long that takes."""
        async with self._turn:
            for delay in chain(PAUSES, repeat(PAUSES[-1])):
                fields, wanted = self.page.model_dump_json().encode(), self._wanted
                try:
                    await self._write(fields)
                except DiskFailed:
                    await asyncio.sleep(delay)
                else:
                    self._kept = wanted
                    return

    async def _write(self, fields: bytes) -> None:
        if self._file is not None:
            await self._file.saved(fields)
        elif self._disk.exists(self._path):
            aside = self._aside()
            self._file = ContextFile.replace(self._path, fields, aside=aside, disk=self._disk)
        else:
            self._file = ContextFile.create(self._path, fields, disk=self._disk)

    def _aside(self) -> Path:
        """Name a place for a file that cannot be read."""
        places = (self._path.with_name(f"installation.limits.broken-{n}.json") for n in count(1))
        return next(place for place in places if not self._disk.exists(place))


def _page_of(file: ContextFile) -> Page:
    try:
        return Page.model_validate_json(file.fields)
    except ValidationError as wrong:
        file.close()
        raise CorruptContext(f"{file.path} cannot be read: {wrong.title}") from None
