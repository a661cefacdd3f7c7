"""Long runs: bots that never end, for days of virtual time, under continuous chaos and cuts now
and then. What they keep must not grow, and their books must not drift."""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Final
from unittest.mock import patch

from lib.news import Kind, News
from tests.disk import HOME, Crash
from tests.swinging import ShapedWorld, swing
from tests.torture.experiment import Experiment, Outcome
from tests.torture.footprint import bytes_kept
from tests.torture.scenes import DIP, GRID, MARKET, SOAK, finished, have_small_bots
from tests.transcript import Transcript
from tests.world import Luck

CHAOS: Final = Luck(requests=30, events=10, stream_loss=600, flushes=200, stragglers=2)
HOUR: Final = 3_600.0
SAMPLE_EVERY: Final = 20  # fills
WARM: Final = 5  # samples at the beginning of a life: it fills what has a bound
BYTES_MAX: Final = 60  # that the program may keep of a lap: of an id given up, for a day
FILE_MAX: Final = 262_144  # ids given up stay for a day, and a file never shrinks
CUT_ONE_IN: Final = 400  # fills
ENDED_KEPT: Final = 20  # orders that journal and witness remember; the program keeps thousands


@dataclass(frozen=True)
class Run:
    """A bot that goes round and round."""

    bot: Mapping[str, Any]
    laps: int
    fills: int  # that a lap brings
    swing: float = 90  # seconds from one low of the market to the next


@dataclass
class LongWorld(ShapedWorld):
    """Counts fills as the bots tell them, and looks at what is kept meanwhile."""

    TICK: ClassVar[float] = 2.0
    PATIENCE: ClassVar[float] = 10_000 * HOUR

    fills: int = 0
    kept: dict[int, list[tuple[int, int]]] = field(default_factory=dict)  # by life: fills, bytes
    sizes: list[int] = field(default_factory=list)  # of the context's file
    descriptors: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.transcript = Transcript(400)
        self.cuts = random.Random(f"cuts {self.seed}")
        self.ends_at = 0  # fills

    def hear(self, news: News) -> None:
        super().hear(news)
        self.news.clear()
        if news.kind is Kind.FILL:
            self.fills += 1
            if self.fills % SAMPLE_EVERY == 0:
                self.look()

    def look(self) -> None:
        """Measure what the program keeps, in memory and on disk."""
        assert self.life is not None
        size = bytes_kept(self.life.supervisor)
        self.kept.setdefault(self.lives, []).append((self.fills, size))
        files = (HOME / "ctx" / f"{name}.json" for name in self.bots)
        self.sizes.append(max(len(self.disk.content(file)) for file in files))
        self.descriptors.append(self.disk.open_descriptors)

    def move_market(self) -> None:
        super().move_market()
        if self.life is not None and self.fills >= self.ends_at:
            self.deaths.append("in the middle of a lap")
            self.disk.die()
            raise Crash

    def live_on(self) -> None:
        """Live until all laps are done, cut short now and then."""
        while True:
            self.ends_at = self.fills + 1 + self.cuts.randrange(2 * CUT_ONE_IN)
            if self.live():
                return
            self.cut()


def attempt(seed: int, _: Path) -> Outcome:
    """Let one bot run for long; complain of whatever grows or drifts."""
    have_small_bots()
    name, run = list(RUNS.items())[seed % len(RUNS)]
    return measured(long_world(seed, name, run), run)


def long_world(seed: int, name: str, run: Run) -> LongWorld:
    shape = swing(0.02, run.swing)
    return LongWorld(seed, {name: run.bot}, CHAOS, shape=shape)


def measured(world: LongWorld, run: Run) -> Outcome:
    """Let a world live through its laps and judge what it kept."""
    outcome, began = Outcome(), world.now
    with (
        patch("lib.journal.order_journal.ENDED_MAX", ENDED_KEPT),
        patch("lib.ownership.witness.ACCEPTED_MAX", ENDED_KEPT),
    ):
        world.live_on()
    hours = (world.now - began) / HOUR
    outcome.losses += [*growth(world), *drift(world)]
    outcome.deaths = len(world.deaths)
    outcome.points.update(world.deaths)
    outcome.figures = {
        "length of a run, virtual hours": [hours],
        "length of a run, laps": [world.fills // run.fills],
        "kept in memory per 1000 fills, bytes": [1000 * per_fill(world.kept)],
        "context file, bytes": [max(world.sizes)],
        "files open, descriptors": [max(world.descriptors)],
    }
    return outcome


def drift(world: LongWorld) -> list[str]:
    """Hold the books against the exchange's at the end of all laps, to the last digit."""
    try:
        finished(world)
    except AssertionError as wrong:
        names = world.bots
        return [f"after {world.fills} fills: {wrong}\n{world.transcript.text(names)}"]
    return []


def growth(world: LongWorld) -> list[str]:
    """Name what grew with the laps and must not."""
    found = []
    if per_fill(world.kept) > BYTES_MAX:
        found.append(f"{per_fill(world.kept):.0f} bytes of each fill are kept: {world.kept}")
    if max(world.sizes) > FILE_MAX:
        found.append(f"a context grew to {max(world.sizes)} bytes: {world.sizes}")
    if max(world.descriptors) > min(world.descriptors):
        found.append(f"descriptors are left open: {world.descriptors}")
    return found


def per_fill(kept: Mapping[int, list[tuple[int, int]]]) -> float:
    """Answer the bytes that a fill leaves behind in the longest life, once it is warm: a slope."""
    warm = max(kept.values(), key=len)[WARM:]
    middle = sum(fills for fills, _ in warm) / len(warm)
    weight = sum(size for _, size in warm) / len(warm)
    spread = sum((fills - middle) ** 2 for fills, _ in warm)
    return sum((fills - middle) * (size - weight) for fills, size in warm) / spread


CHEAP: Final = {"order": {**MARKET, "quantity": "0.0001"}, "valid_for": "1h"}
RUNS: Final[Mapping[str, Run]] = {
    "soak": Run({**SOAK, "conf": CHEAP, "loop": 5_000}, 5_000, fills=1),
    "dip": Run({**DIP, "laps": 1_000, "patience": "10m"}, 1_000, fills=2),
    "grid": Run({**GRID, "fills": 1_000}, 1_500, fills=2, swing=40),
}
EXPERIMENTS: Final = (
    Experiment(
        name="long_runs",
        title="Bots that go round for days",
        text=(
            "The soak test `infinite`, a dip buyer and a grid go round in a world of continuous "
            "chaos: requests and events lost, late, repeated and spoilt, streams lost, saves that "
            f"fail, and a power cut about every {CUT_ONE_IN} fills. What the program's own code "
            "keeps in memory (all that can be reached from its supervisor), the size "
            "of the context's file and the open descriptors must not grow with the laps; at the "
            "end the books must agree with the exchange's to the last digit."
        ),
        attempts=12,
        seconds=30,
        attempt=attempt,
    ),
)
