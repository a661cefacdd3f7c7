"""A world in which a person edits conf.json while the program runs, and has it read again.

The edit is on the disk of the person from that moment: a life that begins later finds it whatever
became of the word. What the exchange has must be explained by the files of all bots, also of those
that conf.json has no more.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from lib.control.reload import Reading, Reload
from lib.control.request import Removed
from lib.control.request import Request as Asked
from lib.ids import bot_tag, parse_id
from lib.life import Standing
from lib.mistakes import ConfError
from lib.shelf import Shelf
from lib.supervisor import Supervisor
from tests.disk import HOME
from tests.told_world import Said, ToldLife, ToldWorld
from tests.world import PRICES, world_conf

Bots = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Edited(Said):
    """What conf.json has from now on, and the word to read it."""

    conf: Bots | None = None  # None: as it was
    removed: Removed = Removed.KEEP


@dataclass
class ReloadedWorld(ToldWorld):
    """Knows every bot that conf.json ever had."""

    unreadable: ConfError | None = None
    edited: set[int] = field(default_factory=set)  # what was said by number, of which the edit

    def __post_init__(self) -> None:
        confs = [said.conf for said in self.said if isinstance(said, Edited) and said.conf]
        self.all_bots = dict.fromkeys(name for conf in (self.bots, *confs) for name in conf)
        self.signs: list[str] = []
        self.living: set[str] = set()
        super().__post_init__()
        wanted = repr((self.bots, confs))
        self.prices = {symbol: price for symbol, price in PRICES.items() if symbol in wanted}
        self.move_market()
        self.begin_life = ReloadedLife

    def edit(self, number: int) -> None:
        """Write conf.json, once."""
        said = self.said[number]
        if number not in self.edited and isinstance(said, Edited) and said.conf is not None:
            self.bots = said.conf
            self.note("person", f"edits conf.json: {', '.join(said.conf)}")
        self.edited.add(number)

    def check(self) -> None:
        """Hold the exchange's books against the files of all bots that were ever born."""
        self.living = set(self.standings)
        born = [name for name in self.all_bots if self.is_born(name)]
        self.standings = {**dict.fromkeys(born, Standing.WAITING), **self.standings}
        super().check()

    def is_born(self, name: str) -> bool:
        """Say whether a bot has a file."""
        return self.disk.exists(HOME / "ctx" / f"{name}.json")

    def _bot_of(self, client_order_id: str) -> str:
        own = parse_id(client_order_id)
        return next((name for name in self.all_bots if own and bot_tag(name) == own.bot), "")

    def _names(self) -> set[str]:
        return set(self.all_bots)


class ReloadedLife(ToldLife):
    """A life whose office knows how to reload, and whose person edits before the word."""

    def furnish(self, supervisor: Supervisor, shelf: Shelf) -> None:
        self.moments = 0
        super().furnish(supervisor, shelf)
        conf = world_conf(self.world)
        reload = Reload(supervisor, conf, self._read, self.world.hear, Signs(self._world.signs))

        async def reload_as_said(request: Asked) -> str:
            return await reload(replace(request, removed=self._removed(request.id)))

        self.office.reload = reload_as_said

    def _removed(self, request_id: str) -> Removed:
        """Answer what the person wants of the bots that are gone; others want them kept."""
        said = self._world.said[int(request_id)] if request_id.isdecimal() else None
        return said.removed if isinstance(said, Edited) else Removed.KEEP

    @property
    def _world(self) -> "ReloadedWorld":
        assert isinstance(self.world, ReloadedWorld)
        return self.world

    def _read(self) -> Reading:
        if self._world.unreadable is not None:
            raise self._world.unreadable
        return Reading(world_conf(self.world))

    async def _moment(self, said: Said) -> None:
        await super()._moment(said)
        self._world.edit(self.moments)
        self.moments += 1


class Signs:
    """Hears what systemd hears."""

    def __init__(self, heard: list[str]) -> None:
        self._heard = heard

    def reloading(self) -> None:
        self._heard.append("RELOADING")

    def ready(self) -> None:
        self._heard.append("READY")
