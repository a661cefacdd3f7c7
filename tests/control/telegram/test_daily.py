"""The result of the day is told once, at the set time or as soon as the program is on again."""

import re
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from lib.context_file.generation import Generation, Memory
from lib.control.telegram.daily import Book, Daily, Days, day_lines
from lib.control.telegram.outbox import Outbox, Page
from lib.disk import REAL_DISK
from lib.errors import DiskFailed, Unavailable
from lib.kept import Kept
from lib.results import Position
from tests.control.folder import generation

pytestmark = pytest.mark.asyncio

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def brought(name: str, realised: str, orders: int, fee: str = "0") -> Generation:
    memory = Memory(
        positions={"BTCUSDT": Position(realised=Decimal(realised))},
        assets={"BTCUSDT": ("BTC", "USDT")},
        fees={"BNB": Decimal(fee)},
        orders_done=orders,
    )
    return generation(name, memory=memory)


class Bots:
    """Bots that bring what the test says."""

    def __init__(self, *bots: Generation) -> None:
        self.bots = list(bots)

    async def loaded(self) -> None: ...

    def generations(self) -> list[Generation]:
        return self.bots


class Story:
    """A program that is on or off while days go by."""

    def __init__(self, folder: Path, zone: tzinfo = UTC, at: str = "00:05") -> None:
        self.bots = Bots(brought("lisa", "5", 2), brought("bob", "0", 0))
        self.page = Page()
        self.told: list[str] = []
        self.now = NOON
        self._folder, self._zone, self._at = folder, zone, at
        self.restart()

    def restart(self) -> None:
        """Begin again with what is on disk."""
        file = Kept(self._folder / "days.json", Book(), REAL_DISK)
        self.days = Days(file, self.bots)  # type: ignore[arg-type]
        self.outbox = Outbox(Page.model_validate_json(self.page.model_dump_json()))
        self.page = self.outbox.page
        self.daily = Daily(self.days, self.outbox, self._ms, at=self._at, zone=self._zone)

    def _ms(self) -> int:
        return int(self.now.timestamp()) * 1000

    async def look(self, *moments: datetime) -> None:
        for moment in moments:
            self.now = moment
            await self.daily.look()
        while self.outbox.waits:
            self.told.append(self.outbox.message("paper", self._zone))
            self.outbox.confirm()


def at(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=UTC)


async def test_the_first_day_tells_nothing_and_the_next_what_came_since(tmp_path: Path) -> None:
    story = Story(tmp_path)
    await story.look(NOON, at(20, 23, 59), at(21, 0, 4))
    assert story.told == []

    story.bots.bots = [brought("lisa", "17.5", 5, "0.001"), brought("bob", "0", 0)]
    await story.look(at(21, 0, 5), at(21, 0, 6), at(21, 23))

    assert story.told == [
        "paper\n00:05:00 daily result, 2026-11-20 to 2026-11-21\n"
        "realised +12.5 USDT\nfees 0.001 BNB\norders done 3\nlisa: +12.5 USDT"
    ]


async def test_a_day_is_told_once_however_often_the_program_starts(tmp_path: Path) -> None:
    story = Story(tmp_path)
    await story.look(NOON)
    for hour in range(1, 20):
        story.restart()
        await story.look(at(21, hour))

    assert len(story.told) == 1


@pytest.mark.parametrize("back_at", [at(21, 9), at(22, 0, 4), at(23, 1)])
async def test_a_program_that_was_off_at_that_minute_tells_at_its_next_start(
    tmp_path: Path, back_at: datetime
) -> None:
    story = Story(tmp_path)
    await story.look(NOON)

    story.restart()
    await story.look(back_at)

    assert len(story.told) == 1
    assert "daily result, 2026-11-20 to 2026-11-2" in story.told[0]


async def test_a_time_late_in_the_day_is_made_up_for_the_next_morning(tmp_path: Path) -> None:
    story = Story(tmp_path, at="23:00")
    await story.look(NOON)

    story.restart()
    await story.look(at(21, 8))

    assert "daily result, 2026-11-19 to 2026-11-20" in story.told[0]


async def test_a_cut_between_reckoning_and_telling_leaves_no_day_out(tmp_path: Path) -> None:
    story = Story(tmp_path)
    await story.look(NOON)
    await story.days.reckon("2026-11-21", int(at(21, 0, 5).timestamp()) * 1000)

    story.restart()
    await story.look(at(21, 0, 7), at(21, 0, 9))

    assert len(story.told) == 1


async def test_midnight_is_that_of_the_zone_also_when_clocks_change(tmp_path: Path) -> None:
    story = Story(tmp_path, ZoneInfo("Europe/Berlin"))
    began = datetime(2026, 10, 23, 22, 5, tzinfo=UTC)  # 00:05 on the 24th; summer ends on the 25th

    await story.look(*(began + timedelta(minutes=10 * step) for step in range(6 * 24 * 4)))

    told = "\n".join(story.told)
    days = re.findall(r"00:05:00 daily result, \S+ to (\S+)", told)
    assert days == ["2026-10-25", "2026-10-26", "2026-10-27"]


async def test_a_bot_that_began_anew_or_was_away_for_a_day_is_counted_right(tmp_path: Path) -> None:
    story = Story(tmp_path)
    await story.look(NOON)
    story.bots.bots = [brought("lisa", "1", 1)]  # anew; bob is not in conf.json today
    await story.look(at(21, 1))
    story.bots.bots = [brought("lisa", "1", 1), brought("bob", "2", 4)]
    await story.look(at(22, 1))

    assert "realised +1 USDT\norders done 1\nlisa: +1 USDT" in story.told[0]
    assert "realised +2 USDT\norders done 4\nbob: +2 USDT" in story.told[1]
    assert list(day_lines(story.days)) == [
        "until 2026-11-21: +1 USDT",
        "until 2026-11-22: +2 USDT",
        "since 2026-11-22:",
        "realised 0",
        "orders done 0",
    ]


async def test_without_the_time_or_the_disk_the_day_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    story = Story(tmp_path)
    await story.look(NOON)

    async def refuse(*_: object) -> int:
        raise DiskFailed("no space")

    def unknown() -> int:
        raise Unavailable("not known yet")

    with monkeypatch.context() as patch:
        patch.setattr(Kept, "save", refuse)
        await story.look(at(21, 1))
        patch.setattr(story.daily, "_now", unknown)
        await story.look(at(21, 2))
    assert story.told == []

    await story.look(at(21, 3))
    assert len(story.told) == 1
