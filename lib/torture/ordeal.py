"""A person's own bots, killed again and again at a simulated exchange, and what came of it.

A bot whose request was under way when it died waits half a minute until its doubt is resolved, and
a kill would meet it at rest. So after some deaths new copies of the bots take over; the former
ones wait as they were left, and in the end all of them run until no doubt is left.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from lib.context_file.generation import Generation
from lib.torture.arena import SETTINGS, Arena
from lib.torture.audit import BooksDiffer, contexts_in
from lib.torture.deaths import (
    WAVE,
    Deaths,
    Way,
    both_killed,
    exchange_killed_under_the_runner,
    killed_at_a_request,
    killed_at_an_event,
    killed_at_random,
    killed_once_born,
)
from lib.torture.ledger import Ledger
from lib.torture.processes import Stuck
from lib.torture.venue import SPEED

WAYS: Final[tuple[Way, ...]] = (
    *(killed_at_random,) * 5,
    *(killed_at_a_request,) * 3,
    *(both_killed,) * 2,
    killed_at_an_event,
    exchange_killed_under_the_runner,
)
STOPS: Final = frozenset({"Halt"})  # a bot may decide to stop, for want of money say
NAME_MAX: Final = 27  # of a bot's name, so that a number fits behind it
LAST_WORDS: Final = 15  # lines
MONEY: Final[Mapping[str, Decimal]] = {
    "USDT": Decimal(10_000),
    "BTC": Decimal(1),
    "ETH": Decimal(10),
    "BNB": Decimal(1),
}  # for each set of copies


@dataclass(slots=True)
class Findings:
    """What was done, and what was found."""

    deaths: Deaths = field(default_factory=Deaths)
    copies: int = 1  # of each bot
    recoveries: list[float] = field(default_factory=list)  # seconds
    orders: int = 0  # accepted
    trades: int = 0
    wrong: list[str] = field(default_factory=list)  # what was lost, doubled or forgotten
    stopped: list[str] = field(default_factory=list)  # bots that stopped themselves, and why
    last_words: str = ""  # of the runner, where something is wrong


class Ordeal:
    """Kills that many times, audits after each, and lets all doubts be resolved in the end."""

    def __init__(
        self,
        folder: Path,
        sections: Mapping[str, Mapping[str, Any]],
        *,
        kills: int,
        seed: int,
        speed: int = SPEED,
        program: tuple[str, ...] = (),
    ) -> None:
        self._sections = sections
        self._kills = kills
        self._found = Findings()
        waves = kills // WAVE + 1
        self._arena = Arena(
            folder,
            self._copies(1),
            seed=seed,
            speed=speed,
            balances={asset: amount * waves for asset, amount in MONEY.items()},
            stops=STOPS,
            settings={**SETTINGS, "telegram": False},
        )
        self._arena.program = program or self._arena.program

    def run(self, tell: Callable[[str], None]) -> Findings:
        """Do it all, or as much as it takes to find something wrong; say how it goes on."""
        with self._arena as arena:
            try:
                self._kill_on(tell)
                tell(f"{self._kills} kills done; now every doubt is to be resolved")
                self._note(arena.settle())
            except BooksDiffer as wrong:
                self._blame(wrong.found)
            except Stuck as wrong:
                self._blame(["the program got stuck", *str(wrong).splitlines()[:1]])
        self._found.recoveries = arena.recoveries
        self._found.stopped = [
            f"{each.bot} stopped itself: {each.parked.reason}"
            for each in self._contexts()
            if each.parked is not None
        ]
        return self._found

    def _kill_on(self, tell: Callable[[str], None]) -> None:
        for number in range(self._kills):
            if number and number % WAVE == 0:
                tell(f"{number} of {self._kills} kills, {self._found.orders} orders so far")
            if number and (number % WAVE == 0 or self._all_finished()):
                self._found.copies += 1
                self._arena.renew(self._copies(self._found.copies))
            way = self._arena.chance.choice(WAYS) if self._arena.born else killed_once_born
            self._found.deaths += way(self._arena)
            self._note(self._arena.audit())

    def _copies(self, number: int) -> dict[str, Any]:
        return {f"{name[:NAME_MAX]}-{number}": raw for name, raw in self._sections.items()}

    def _all_finished(self) -> bool:
        """Say whether the present copies do nothing more."""
        present = self._copies(self._found.copies).keys()
        lives = [each for each in self._contexts() if each.bot in present]
        return len(lives) == len(present) and all(
            each.finished or each.parked is not None for each in lives
        )

    def _contexts(self) -> Iterable[Generation]:
        return contexts_in(self._arena.ctx)

    def _note(self, ledger: Ledger) -> None:
        self._found.orders = len(ledger.orders)
        self._found.trades = sum(len(trades) for trades in ledger.trades.values())

    def _blame(self, found: Iterable[str]) -> None:
        self._found.wrong += found
        runner = self._arena.runner
        if runner is not None:
            self._found.last_words = "\n".join(runner.output.splitlines()[-LAST_WORDS:])
