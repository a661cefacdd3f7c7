"""What the status line and the metrics say of whole lives agrees with the world."""

import asyncio
from decimal import Decimal

import pytest

from lib.binance.traffic import Outcome, Traffic
from lib.binance.venue import BinanceVenue
from lib.control.census import Census
from lib.control.event_age import EventAge
from lib.control.loop_lag import LoopLag
from lib.control.metrics import ALL, Build, Metrics
from lib.control.pulse import Saves
from lib.control.standing import Word
from lib.control.status_line import StatusLine
from lib.errors import BadCredentials, Unavailable, Unreached
from lib.instructions import Instruction
from lib.shelf import Shelf
from lib.supervisor import Supervisor
from tests.control.exposition import Family, read
from tests.world import CALM, Life, Luck, World, live

BUY = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.01"}
ONE = {"one": {"function": "add_order", "order": BUY}}
TWO = {**ONE, "two": {"function": "add_order", "order": {**BUY, "symbol": "ETHUSDT"}}}
LOOK = 0.25  # seconds
NOON = 1_732_190_640_000  # 12:04 in Greenwich


@pytest.fixture(autouse=True)
def _in_greenwich(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC")


class WatchedLife(Life):
    """A life whose status line is written down whenever it changes."""

    def furnish(self, supervisor: Supervisor, shelf: Shelf) -> None:
        self.lines: list[str] = []
        self.most_in_doubt = 0
        venue = supervisor.floor.venue
        assert isinstance(venue, BinanceVenue)
        self.census = Census(supervisor)
        self.line = StatusLine(supervisor, self.census, lambda text: text, lambda: NOON)
        self.saves, self.traffic = Saves(), venue.traffic
        ticks = lambda: int(self.loop.time() * 1_000)  # noqa: E731
        self.metrics = Metrics(
            supervisor,
            self.census,
            build=Build('1"0', "3.11", "world"),
            venue=venue,
            saves=self.saves,
            lag=LoopLag(),
            event_age=EventAge(supervisor.floor.mirror, ticks),
            is_well=lambda: True,
            now=lambda: NOON,
            ticks=ticks,
        )
        self.watching = self.loop.create_task(self._watch())

    @property
    def page(self) -> dict[str, Family]:
        return read(self.metrics.text())

    async def _watch(self) -> None:
        while True:
            line = self.line.text()
            if not self.lines or self.lines[-1] != line:
                self.lines.append(line)
            self.most_in_doubt = max(self.most_in_doubt, self.census.count().orders_in_doubt)
            await asyncio.sleep(LOOK)


def watched(world: World, *cuts: int) -> WatchedLife:
    """Live to the end, through power cuts at these instants; answer the last life."""
    lives: list[WatchedLife] = []

    def begin(here: World) -> Life:
        lives.append(WatchedLife(here))
        return lives[-1]

    world.begin_life = begin
    live(world, *cuts)
    return lives[-1]


def test_a_calm_life_is_told_from_its_start_to_its_end() -> None:
    life = watched(World(1, ONE, CALM))

    assert life.lines[0].startswith("connecting to the exchange; ")
    assert "reconciling 0 of 1" in life.lines
    assert life.line.text() == "0 bots trade, 1 finished, 0 orders open, 0 in doubt"


@pytest.mark.slow
def test_a_bot_whose_order_was_in_doubt_at_a_cut_is_not_reconciled_before_that_is_settled() -> None:
    length = live(World(1, TWO, CALM)).instants
    told = [watched(World(1, TWO, CALM), cut) for cut in range(length * 3 // 4, length, 2)]

    doubted = [life for life in told if life.most_in_doubt]
    assert any("reconciling 1 of 2" in life.lines for life in doubted)
    for life in doubted:
        assert not any(line.endswith("1 in doubt") for line in life.lines)
        assert life.lines[-1].endswith(" 2 finished, 0 orders open, 0 in doubt")


def test_every_metric_is_on_the_page_and_no_other() -> None:
    life = watched(World(1, ONE, CALM))

    assert list(read(life.metrics.text())) == [metric.name for metric in ALL]


def value(page: dict[str, Family], name: str, **labels: str) -> Decimal:
    return page[f"auto_trading_{name}"].value(**labels)


def test_the_page_of_a_life_agrees_with_the_exchange_and_the_file() -> None:
    world = World(1, ONE, CALM)
    life = watched(world)

    page = read(life.metrics.text())
    memory = world.generation("one").memory
    (position,) = memory.positions.values()
    assert (
        value(page, "build_info", version='1"0', python="3.11", mode="simulation", venue="world")
        == 1
    )
    assert value(page, "bots", standing="finished") == 1
    assert value(page, "bots", standing="running") == 0
    assert value(page, "orders_open") == value(page, "orders_in_doubt") == 0
    assert value(page, "bot_realised", bot="one", asset="USDT") == position.realised
    for asset, fee in memory.fees.items():
        assert value(page, "bot_fees", bot="one", asset=asset) == fee > 0
    assert value(page, "requests_total", kind="POST order", outcome="answered") == 1
    assert value(page, "request_weight_limit") == 6_000
    assert 0 < value(page, "request_weight_used") < 6_000
    assert value(page, "stream_up") == 1
    assert value(page, "stream_events_total") > 1
    assert value(page, "stream_gaps_total") == 0
    assert value(page, "killed") == 0


def test_how_long_it_runs_is_told_by_a_clock_that_nobody_sets() -> None:
    life = watched(World(1, ONE, CALM))  # in which the machine's own stands still

    assert value(life.page, "start_time_seconds") == Decimal(NOON) / 1_000
    assert 1 < value(life.page, "uptime_seconds") < 3_600


@pytest.mark.slow
def test_a_reply_that_was_lost_is_seen_as_an_order_in_doubt_and_then_no_more() -> None:
    lost = "POST order", Outcome.UNANSWERED
    lives = (watched(World(seed, ONE, Luck(requests=2))) for seed in range(20))
    life = next(life for life in lives if life.traffic.outcomes[lost])

    assert life.most_in_doubt == 1
    assert any(line.endswith("1 in doubt") for line in life.lines)
    assert value(life.page, "orders_in_doubt") == 0
    assert value(life.page, "oldest_doubt_age_seconds") == 0


def test_lost_streams_are_counted() -> None:
    life = watched(World(2, ONE, Luck(stream_loss=3)))

    assert value(life.page, "stream_gaps_total") > 0


class Standings:
    """A life that stands still, to be looked at."""

    def __init__(self) -> None:
        self.life = watched(World(1, ONE, CALM))
        assert self.life.supervisor is not None
        self.supervisor = self.life.supervisor
        self.mirror = self.supervisor.floor.mirror
        self.now = NOON
        self.line = StatusLine(
            self.supervisor, self.life.census, lambda text: text.upper(), lambda: self.now
        )


@pytest.mark.parametrize(
    ("trouble", "said"),
    [
        (Unreached("found no connection"), "no network since 12:04; 1 bot waits"),
        (
            Unavailable("503"),
            "no answer from the exchange since 12:04 (503); 1 bot waits",
        ),
        (BadCredentials("-2015"), "the exchange refuses the key since 12:04; 1 bot waits"),
    ],
)
def test_what_hinders_is_said_first_with_the_time_it_began(trouble: Exception, said: str) -> None:
    here = Standings()

    here.mirror.trouble = trouble
    assert here.line.text() == said
    here.now += 3_600_000
    assert here.line.text() == said
    here.mirror.trouble = None
    assert here.line.text() == "0 bots trade, 1 finished, 0 orders open, 0 in doubt"
    here.mirror.trouble = trouble
    assert "since 13:04" in here.line.text()


def test_an_outage_of_more_than_a_day_has_its_date() -> None:
    here = Standings()
    here.mirror.trouble = Unreached("")
    here.line.text()

    here.now += 25 * 3_600_000

    assert "no network since 2024-11-21 12:04" in here.line.text()


def test_no_secret_of_an_error_gets_into_the_line() -> None:
    here = Standings()

    here.mirror.trouble = Unavailable("what is secret")

    assert "WHAT IS SECRET" in here.line.text()


def test_a_bot_that_needs_a_person_or_was_told_to_stop_is_named_by_its_number() -> None:
    here = Standings()
    (life,) = here.supervisor.lives.values()
    life.generation.instruction = Instruction.PAUSE

    here.supervisor.floor.instructions.killed = True

    assert here.life.census.word(life) is Word.FINISHED
    assert here.line.text().startswith("killed, 0 bots trade, 1 finished, ")


def test_traffic_is_counted_by_what_became_of_each_request() -> None:
    life = watched(World(5, ONE, Luck(requests=3)))

    assert isinstance(life.traffic, Traffic)
    answered = life.page["auto_trading_requests_total"].samples
    latencies = life.page["auto_trading_request_seconds"]
    for kind in {dict(labels)["kind"] for _, labels in answered}:
        heard = sum(
            number
            for (_, labels), number in answered.items()
            if dict(labels)["kind"] == kind
            and dict(labels)["outcome"] in {"answered", "refused", "limited", "failed"}
        )
        if heard:
            assert latencies.value("_count", kind=kind) == heard
