"""The line between runner and exchange, broken as lines, names and exchanges break."""

from pathlib import Path
from typing import Final

from tests.torture.experiment import Experiment, Outcome
from tests.torture.network_netem import LINES, bad_lines
from tests.torture.network_netem import lacks as lacks_netem
from tests.torture.network_place import lacks
from tests.torture.network_story import NOTICED_MAX, RECONCILED_MAX, under_the_sky
from tests.torture.network_weathers import LONG, WEATHERS, Weather

AT_ONCE: Final = 2  # weathers in one attempt

HOW: Final = (
    "The runner lives in a network of its own, the simulated exchange in another; between them is "
    "a wire with nftables on it, a TCP proxy and a name server by which alone the exchange is "
    "found. Eight bots trade without end. Beside them an order rests far from the market, and is "
    "filled while the weather is bad: how soon the runner says so is how soon it knows again what "
    "is true."
)
JUDGED: Final = (
    "After each weather the bots must trade on by themselves, with an order the exchange accepted "
    "after it; no bot may have stopped itself; then the runner is killed, and the files on disk "
    "are held against the exchange's own books, to the last digit, as under [Processes killed at "
    "any moment](#kills). In the end all bots run until no doubt is left, and are audited once "
    "more. A program that does not find its way back within two minutes is a loss too."
)


def drawn(seed: int) -> tuple[Weather, ...]:
    """Choose by turns: so many attempts in a row meet every weather."""
    return tuple(WEATHERS[(AT_ONCE * seed + each) % len(WEATHERS)] for each in range(AT_ONCE))


def bad_weather(seed: int, folder: Path) -> Outcome:
    return under_the_sky(seed, folder, drawn(seed))


def long_loss(seed: int, folder: Path) -> Outcome:
    return under_the_sky(seed, folder, (LONG,), dying=0.0)


EXPERIMENTS: tuple[Experiment, ...] = (
    Experiment(
        name="sick-networks",
        title="Sick networks",
        text=f"{HOW}\n\nThe weathers: {'; '.join(each.name for each in WEATHERS)}. In three of "
        f"ten the runner is killed amid it, and its next life begins in bad weather. {JUDGED} The "
        f"aims on an idle machine: a line on which nothing passes is noticed within "
        f"{NOTICED_MAX:g} s, and all is known again {RECONCILED_MAX:g} s after it is good; "
        "whatever took longer is listed below the figures. Loss is made by nftables, in both "
        "directions; where the kernel has no netem, packets are neither reordered nor damaged.",
        attempts=30,
        seconds=90,
        cores=0.12,
        attempt=bad_weather,
        lacks=lacks,
    ),
    Experiment(
        name="long-loss",
        title="Ten minutes without a network",
        text=f"{HOW} For ten minutes nothing passes, questions for the name neither. {JUDGED}",
        attempts=2,
        seconds=720,
        cores=0.1,
        attempt=long_loss,
        lacks=lacks,
    ),
    Experiment(
        name="bad-lines",
        title="Delayed, lost, repeated and damaged packets",
        text="The runner lives on a machine of its own (User-Mode Linux), whose network card does "
        "to what the runner sends as Linux' netem is told: "
        f"{'; '.join(each.name for each in LINES)}. What the exchange sends arrives whole. Over "
        "each line the bots must trade; then the machine's power fails, and its disk, as a restart "
        "would find it, is held against the exchange's books. In the end all doubts are resolved "
        "over a good line.",
        attempts=6,
        seconds=150,
        cores=0.3,
        attempt=bad_lines,
        lacks=lacks_netem,
    ),
)
