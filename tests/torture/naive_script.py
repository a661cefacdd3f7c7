"""The same kills for the usual scripts and for this program, side by side."""

from pathlib import Path
from typing import Final

from tests.torture.controls import ours_killed, script_killed
from tests.torture.experiment import Experiment, Outcome

TASK: Final = (
    "The task is the same for all three: buy 0.001 BTC at market, place a sell far away, let it "
    "rest for 0.3 s, cancel it, begin again. Answers of the exchange take 80 ms. Each is killed "
    "(SIGKILL) up to 1.2 s after it began to trade, at moments drawn from the same seed, and "
    "started again. In the end the exchange's books say which orders nobody remembers: *doubled* "
    "were bought again for want of memory, *orphans* stand open and nobody knows them, "
    "*forgotten* are all together."
)


def naive(seed: int, folder: Path) -> Outcome:
    return script_killed(seed, folder, "tests.torture.naive_bot")


def careful(seed: int, folder: Path) -> Outcome:
    return script_killed(seed, folder, "tests.torture.careful_bot")


def ours(seed: int, folder: Path) -> Outcome:
    return ours_killed(seed, folder)


EXPERIMENTS: tuple[Experiment, ...] = (
    Experiment(
        name="naive-script",
        title="Control: the naive script",
        text="What everybody writes first, with python-binance: create the order, then save a JSON "
        f"file (tests/torture/naive_bot.py). {TASK} It must lose orders, or this page proves "
        "nothing.",
        attempts=5,
        seconds=18,
        cores=0.4,
        attempt=naive,
        expects_losses=True,
    ),
    Experiment(
        name="careful-script",
        title="Control: the careful script",
        text="What other trading programs do, with ccxt: draw an id, save it durably, send, save; "
        "after a restart ask for the open orders, and send again what is not among them "
        f"(tests/torture/careful_bot.py). {TASK} A market order is never among the open orders.",
        attempts=5,
        seconds=18,
        cores=0.4,
        attempt=careful,
        expects_losses=True,
    ),
    Experiment(
        name="same-task-here",
        title="The same task, in this program",
        text=f"The same as a bot of this program (tests/small_bots/cycle.py). {TASK} Each life has "
        "a fresh bot beside those that wait for the end of a doubt, and in the end all run until "
        "no doubt is left.",
        attempts=5,
        seconds=45,
        cores=0.4,
        attempt=ours,
    ),
)
