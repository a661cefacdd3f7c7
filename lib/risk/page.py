"""What limits remember that no fill can tell: where a day began, the best so far, what was reached.

Everything else is counted anew from the contexts. The file lies beside them; without limits there
is none. One that cannot be read may have held that a limit was reached: then all bots are paused
until the person lets one go on.
"""

import asyncio
from decimal import Decimal
from pathlib import Path
from typing import Final, Self

from pydantic import BaseModel, ConfigDict

from lib.disk import Disk
from lib.kept import Kept
from lib.limits import Then

FILE: Final = "installation.limits.json"  # no bot can have this name
UNREADABLE: Final = "file"  # the rule that was reached, as far as anybody knows


class Mark(BaseModel):
    """What losses of one scope are counted from. Amounts are of the asset limits are counted in."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    day: int  # since 1970, by the exchange's time in the zone that conf.json names
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

    def __init__(self, file: Kept[Page], page: Page) -> None:
        self._file = file
        self._turn = asyncio.Lock()
        self._wanted = 0  # how often a change was made that is to be on disk before it counts
        self._kept = 0  # how many of these are
        self.page = page
        self.problem = file.problem

    @classmethod
    def open(cls, folder: Path, *, venue: str, valued_in: str, disk: Disk) -> Self:
        """Read what was remembered; what another venue or asset left is no measure for this one."""
        fresh = Page(venue=venue, valued_in=valued_in)
        file = Kept(folder / FILE, fresh, disk)
        found = file.content
        ours = (found.venue, found.valued_in) == (venue, valued_in)
        return cls(file, found if ours else fresh)

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
            wanted = self._wanted
            await self._file.save_patiently(self.page)
            self._kept = wanted
