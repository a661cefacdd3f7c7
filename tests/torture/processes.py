"""The program and the exchange as real processes, on real files and sockets, killed for good."""

from pathlib import Path
from typing import Final

from lib.torture.deaths import (
    both_killed,
    ended_at_random,
    exchange_killed_under_the_runner,
    killed_at_a_request,
    killed_at_an_event,
    killed_at_random,
)
from tests.torture.experiment import Experiment, Outcome
from tests.torture.killings import (
    frozen_for_longer_than_a_fence,
    killed_at_a_system_call,
    lives_and_deaths,
)

AUDIT: Final = (
    "After every death the files on disk are held against the exchange's own books: each order it "
    "ever accepted must have been announced on disk before, exactly once, and be followed or "
    "finished there; each open order must be known; price, amount and every trade must be the "
    "same to the last digit; the account must hold what the contexts explain; no bot may have "
    "stopped itself; the order journal must be readable and tell of nothing that never was. At "
    "the end of each attempt all bots run until no doubt is left, and are audited once more."
)
CROWD: Final = (
    "The bots are of every kind there is: market orders without end, orders that are canceled, "
    "dip buyers, grids, positions protected by order lists, brackets, trailing stops, orders that "
    "are moved and made smaller, each on two symbols."
)


def kills(seed: int, folder: Path) -> Outcome:
    return lives_and_deaths(
        seed, folder, deaths=90, ways=(*(killed_at_random,) * 5, ended_at_random)
    )


def chosen_kills(seed: int, folder: Path) -> Outcome:
    return lives_and_deaths(
        seed,
        folder,
        deaths=60,
        ways=(killed_at_a_request, killed_at_a_request, killed_at_an_event)
        + (killed_at_a_system_call,) * 2,
    )


def twenty_bots(seed: int, folder: Path) -> Outcome:
    return lives_and_deaths(seed, folder, deaths=25, ways=(killed_at_random,), many=20)


def a_hundred_bots(seed: int, folder: Path) -> Outcome:
    return lives_and_deaths(seed, folder, deaths=12, ways=(killed_at_random,), many=100)


def exchange_kills(seed: int, folder: Path) -> Outcome:
    return lives_and_deaths(
        seed, folder, deaths=16, ways=(both_killed, both_killed, exchange_killed_under_the_runner)
    )


def freezes(seed: int, folder: Path) -> Outcome:
    return lives_and_deaths(seed, folder, deaths=1, ways=(frozen_for_longer_than_a_fence,))


EXPERIMENTS: tuple[Experiment, ...] = (
    Experiment(
        name="kills",
        title="Processes killed at any moment",
        text=f"The runner trades at a simulated exchange in a process of its own and is killed "
        f"(SIGKILL, one in six by SIGTERM) at random: while it starts, or amid its trading. "
        f"{CROWD} {AUDIT}",
        attempts=18,
        seconds=120,
        cores=0.7,
        attempt=kills,
    ),
    Experiment(
        name="chosen-kills",
        title="Processes killed at chosen moments",
        text=f"As above, but killed exactly when it hurts: when the exchange has received the n-th "
        f"order, cancel, order list or amendment and has not acted on it, or has acted and not "
        f"answered; when it has a fill to tell and has not told it; right before and right after "
        f"the n-th write, flush, open or rename of a file. Requests that were on their way when "
        f"the runner died may still arrive, and do. {AUDIT}",
        attempts=12,
        seconds=240,
        cores=0.7,
        attempt=chosen_kills,
    ),
    Experiment(
        name="crowd-of-20",
        title="Twenty bots in one runner, killed",
        text=f"Twenty bots of all kinds in one runner, killed at random. {AUDIT}",
        attempts=4,
        seconds=90,
        cores=0.6,
        attempt=twenty_bots,
    ),
    Experiment(
        name="crowd-of-100",
        title="A hundred bots in one runner, killed",
        text=f"A hundred bots of all kinds in one runner, killed at random. {AUDIT}",
        attempts=3,
        seconds=100,
        cores=0.6,
        attempt=a_hundred_bots,
    ),
    Experiment(
        name="exchange-kills",
        title="The exchange killed, alone and together with the program",
        text=f"The exchange is killed under the runner, comes back after up to two seconds with "
        f"the books it had flushed, and again; or both are killed at once. {AUDIT}",
        attempts=12,
        seconds=120,
        cores=0.5,
        attempt=exchange_kills,
    ),
    Experiment(
        name="freezes",
        title="Processes frozen for longer than a request may live",
        text=f"The runner is stopped (SIGSTOP, every thread) amid its trading for longer than any "
        f"request of it may still be accepted, audited, and let go on: what it was about to send "
        f"is too old by then and must not become an order. In the end it is killed. {AUDIT}",
        attempts=4,
        seconds=90,
        cores=0.25,
        attempt=freezes,
    ),
)
