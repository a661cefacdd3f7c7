"""Every instant, in process: the power fails at each moment of each machine, on the real code."""

import math
import random
from collections.abc import Iterator
from dataclasses import replace
from itertools import chain, product
from pathlib import Path
from typing import Final

from tests.torture.branches import BRANCHES, reached
from tests.torture.experiment import Experiment, Outcome
from tests.torture.scenes import SCENES, have_small_bots
from tests.torture.stories import Story, Told, shortest, tell
from tests.world import CALM, Luck, World

EVERYTHING: Final = replace(CALM, turns=7, stragglers=2)
LUCKS: Final = {
    "calm": EVERYTHING,
    "rough": Luck(turns=7, stragglers=2, flushes=40),
    "lagging": Luck(query_lag_ms=2_500, turns=7, stragglers=2, flushes=40),
    "stormy": Luck(3, 3, 60, query_lag_ms=2_000, turns=9, stragglers=2, flushes=15),
}
STEP: Final = 19  # scenes from one attempt to the next
BUDGET: Final = 100_000  # turns of the event loop that one attempt may take, all lives together
PATIENCE: Final = 3_600.0  # virtual seconds in which every scene has long come to rest
LOSSES_MAX: Final = 3  # then an attempt stops: the first is what a person will look at
PAIRS: Final = ("market buy", "limit given up", "side by side")
SLICES: Final = 8


def every_instant(seed: int, _: Path) -> Outcome:
    """Live one scene in one weather: each single cut, then chains of cuts as long as they last."""
    scene, luck = cast(seed)
    teller = Teller()
    calm = teller.hear(Story(scene=scene, seed=seed, luck=luck))
    if teller.done:
        return teller.outcome
    teller.hear_twice(replace(calm.story, cuts=(1 + calm.world.instants // 2,) * 2))
    for story in chain(singles(calm, seed), chains(calm, seed)):
        if teller.turns > BUDGET or teller.done:
            break
        teller.hear(story)
    return teller.outcome


def cast(seed: int) -> tuple[str, Luck]:
    """Choose scene and weather of an attempt so that a share of a run is a mixture of both."""
    again = seed // math.lcm(len(SCENES), len(LUCKS))
    place = seed * STEP % len(SCENES)
    return list(SCENES)[place], list(LUCKS.values())[(seed + again) % len(LUCKS)]


def singles(calm: Told, seed: int) -> Iterator[Story]:
    """Cut once at each instant; of a long life at one in some, where the seed begins."""
    length = calm.world.instants
    stride = math.ceil(length * 1.3 * calm.world.turns / (BUDGET * 0.6))
    for cut in range(1 + seed % stride, length + 1, stride):
        yield replace(calm.story, cuts=(cut,))


def chains(calm: Told, seed: int) -> Iterator[Story]:
    """Cut life after life, two to five times, at instants that the seed draws."""
    chance = random.Random(f"chains {seed}")
    while True:
        many = chance.randint(2, 5)
        cuts = tuple(_instant(chance, calm.world) for _ in range(many))
        yield replace(calm.story, cuts=cuts)


def _instant(chance: random.Random, world: World) -> int:
    """Draw an instant, the early ones twice as often: a recovery is shorter than a life."""
    return chance.randint(1, chance.choice((world.instants, 1 + world.instants // 2)))


def every_pair(seed: int, _: Path) -> Outcome:
    """Cut twice, at every pair of instants of a short life; one slice of all pairs."""
    scene = PAIRS[seed // SLICES % len(PAIRS)]
    teller = Teller()
    calm = teller.hear(Story(scene=scene, seed=seed // SLICES))
    instants = range(1, calm.world.instants + 1)
    for number, cuts in enumerate(product(instants, instants)):
        if number % SLICES == seed % SLICES and not teller.done:
            teller.hear(replace(calm.story, cuts=cuts))
    return teller.outcome


class Teller:
    """Tells stories and keeps what came of them."""

    def __init__(self) -> None:
        have_small_bots()
        World.PATIENCE = PATIENCE
        self.outcome = Outcome()
        self.turns = 0

    @property
    def done(self) -> bool:
        return len(self.outcome.losses) >= LOSSES_MAX

    def hear(self, story: Story) -> Told:
        """Tell one story; one that ends badly is cut short and written down."""
        told = tell(story)
        self.turns += told.world.turns
        self.outcome.deaths += len(told.world.deaths)
        self.outcome.points.update(told.world.deaths)
        self.outcome.reached.update(reached(told.world.transcript))
        if told.wrong:
            self.outcome.losses.append(shortest(told).transcript())
        return told

    def hear_twice(self, story: Story) -> None:
        """Tell it twice: a history that its seed does not decide could not be told again."""
        first, second = self.hear(story), tell(story)
        if first.world.transcript.digest() != second.world.transcript.digest():
            self.outcome.losses.append(f"the same story went two ways: {story}")


INSTANTS: Final = (
    "The program itself runs on a simulated disk, wire, exchange and clock, and is killed, or "
    "loses its power, at every instant there is: before and in the middle of each call to the disk "
    "(each sector that was not flushed survives or not on its own, so writes are lost, torn and "
    "reordered), before a request leaves, after the exchange acted on it, while it is still on its "
    "way (it then arrives after its sender's death, up to nine seconds late), when an event "
    "arrives, at timers, and between the steps of machines that run side by side. "
)
JUDGED: Final = (
    "After the last life the exchange's books are held against the contexts to the last digit: "
    "each bot's orders, fills, fees, locked money; no id accepted twice, no open order unknown, no "
    "id given up that exists, no bot stopped, and exactly what was wanted was bought and sold. No "
    "request may leave before the medium, as a power cut would leave it, knows of it. What goes "
    "wrong is cut down to its shortest story and printed line by line."
)
EXPERIMENTS: Final = (
    Experiment(
        name="every_instant",
        title="The power fails at every instant",
        text=(
            f"{INSTANTS}{len(SCENES)} scenes (each kind of order, order lists, moved and amended "
            "orders, grids, trails, positions, bots side by side) live in four weathers: calm; "
            "rough (requests and events lost, late, repeated, spoilt, streams lost, saves that "
            "fail); the same with queries that lag 2.5 s behind; stormy. First one cut at each "
            f"instant of a life, then chains of two to five lives cut short. {JUDGED}"
        ),
        attempts=4 * len(SCENES),
        seconds=8,
        attempt=every_instant,
        must_reach=tuple(BRANCHES),
    ),
    Experiment(
        name="every_pair",
        title="The power fails at every pair of instants",
        text=(
            f"As above, on short lives ({', '.join(PAIRS)}), in calm weather: cut at one instant, "
            f"and the life after it at another, for every pair of instants there is. {JUDGED}"
        ),
        attempts=SLICES * len(PAIRS),
        seconds=22,
        attempt=every_pair,
    ),
)
