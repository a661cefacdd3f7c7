"""Stories of deaths: told again the same way, and cut down to the shortest that goes wrong."""

import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace
from typing import Final

from tests.sparing_plan import SparingPlan
from tests.torture.scenes import SCENES, Scene
from tests.world import CALM, Luck, World, live

TRIES: Final = 200  # stories told to find a shorter one
FAULTS_TRIED: Final = 40  # one by one; more of them only in halves


@dataclass(frozen=True, kw_only=True)
class Story:
    """All that a history follows from: nothing else decides anything."""

    scene: str
    seed: int
    luck: Luck = CALM
    cuts: tuple[int, ...] = ()  # at which instant each life ends, counted in each life anew
    spared: frozenset[int] = frozenset()  # faults that do not strike, by their number
    without: frozenset[str] = frozenset()  # bots that are left out

    @property
    def told_scene(self) -> Scene:
        return SCENES[self.scene]

    def world(self) -> World:
        """Make the world in which it will happen."""
        scene = self.told_scene
        bots = {name: own for name, own in scene.bots.items() if name not in self.without}
        lag = max(scene.lag_ms, self.luck.query_lag_ms)
        luck = replace(self.luck, query_lag_ms=lag)
        return scene.world(self.seed, bots, luck, spared=self.spared, **scene.more)

    def __str__(self) -> str:
        bad = [f"{f.name}={getattr(self.luck, f.name)}" for f in fields(self.luck)]
        parts = [f"{self.scene}, seed {self.seed}", f"luck {' '.join(bad)}"]
        parts.append(f"power cut at instants {', '.join(map(str, self.cuts)) or 'none'}")
        if self.spared:
            parts.append(f"{len(self.spared)} faults spared: {sorted(self.spared)}")
        if self.without:
            parts.append(f"without {', '.join(sorted(self.without))}")
        return "; ".join(parts)


@dataclass(frozen=True)
class Told:
    """A story that was told: its world, and what was wrong at the end, if anything."""

    story: Story
    world: World
    wrong: str

    @property
    def kind(self) -> str:
        """Name the kind of mistake: values aside."""
        return self.wrong.partition(":")[0]

    def transcript(self) -> str:
        """Write it down for a person."""
        told = self.world.transcript.text(self.world.bots)
        return f"{self.story}\n{told}\nWRONG AT THE END: {self.wrong}"


def tell(story: Story) -> Told:
    """Live through a story and judge what is left."""
    world = story.world()
    try:
        live(world, *story.cuts)
        story.told_scene.check(world)
    except Exception as wrong:  # noqa: BLE001 - whatever is wrong is the finding
        return Told(story, world, _first_line(wrong))
    return Told(story, world, "")


def _first_line(wrong: Exception) -> str:
    text = str(wrong).partition("\n")[0]
    if not text:
        frame = traceback.extract_tb(wrong.__traceback__)[-1]
        text = f"{frame.line} in {frame.name}"
    return f"{type(wrong).__name__} {text}"


# --- the shortest story


def shortest(failing: Told) -> Told:
    """Make a failing story as short as can be: greedy, always in the same order."""
    best, left = failing, TRIES
    shorter: Told | None = best
    while shorter is not None and left > 0:
        shorter = None
        for candidate in candidates(best):
            left -= 1
            told = tell(candidate)
            if told.wrong and told.kind == best.kind:
                best = shorter = told
                break
            if left <= 0:
                break
    return best


def candidates(told: Told) -> Iterator[Story]:
    """Answer simpler stories, those that would help most first."""
    story = told.story
    yield from _fewer_cuts(story)
    yield from _fewer_bots(story)
    yield from _calmer(story)
    yield from _fewer_faults(story, told.world)
    yield from _earlier_cuts(story)


def _fewer_cuts(story: Story) -> Iterator[Story]:
    for place in range(len(story.cuts)):
        yield replace(story, cuts=story.cuts[:place] + story.cuts[place + 1 :])


def _fewer_bots(story: Story) -> Iterator[Story]:
    there = [name for name in story.told_scene.bots if name not in story.without]
    for name in there if len(there) > 1 else []:
        yield replace(story, without=story.without | {name})


def _calmer(story: Story) -> Iterator[Story]:
    for each in fields(story.luck):
        if getattr(story.luck, each.name):
            yield replace(story, luck=replace(story.luck, **{each.name: 0}))


def _fewer_faults(story: Story, world: World) -> Iterator[Story]:
    struck = world.plan.struck if isinstance(world.plan, SparingPlan) else 0
    left = [number for number in range(1, struck + 1) if number not in story.spared]
    size = len(left)
    while size > 1:
        for first in range(0, len(left), size):
            yield replace(story, spared=story.spared | {*left[first : first + size]})
        size //= 2
    for number in left[:FAULTS_TRIED]:
        yield replace(story, spared=story.spared | {number})


def _earlier_cuts(story: Story) -> Iterator[Story]:
    earlier: tuple[Callable[[int], int], ...] = (
        lambda n: n // 2,
        lambda n: n - 10,
        lambda n: n - 1,
    )
    for place, cut in enumerate(story.cuts):
        for sooner in (change(cut) for change in earlier):
            if 0 < sooner < cut:
                cuts = (*story.cuts[:place], sooner, *story.cuts[place + 1 :])
                yield replace(story, cuts=cuts)
