"""A runner that trades under a changing sky, and one resting order that is filled in bad weather.

That order tells how soon the program knows again what happened: it is filled while the line is
bad, by somebody whom the exchange's commands play, and the runner says so when it hears of it.
"""

import random
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from lib.torture.arena import SETTINGS, Arena, write_conf
from lib.torture.audit import BooksDiffer
from lib.torture.processes import PATIENCE, Process, Stuck
from tests.proxy import Proxy
from tests.torture.crowd import again, crowd
from tests.torture.experiment import Outcome
from tests.torture.network_place import EXCHANGE, HOST, LINE, PORTAL, Place
from tests.torture.network_portal import Portal
from tests.torture.network_runner import MODULE
from tests.torture.network_weathers import Sky, Weather

RESTING: Final = {
    "symbol": "ETHUSDT",  # the others, as few as they are here, trade another one
    "side": "BUY",
    "type": "LIMIT",
    "quantity": "0.1",
    "price": "1000",
}
CRASH: Final = {"symbol": "ETHUSDT", "price": "999", "quantity": "50", "buyer_is_maker": True}
TOLD: Final = "patient (fill: bought 0.1 ETH|.*found: filled)"
WEATHER: Final = " runner weather: "
NOTICED_MAX, RECONCILED_MAX = 15.0, 2.0  # seconds: what the program promises on an idle machine
DOUBT: Final = 120.0  # seconds, for a doubt to end
OUTSIDE: Final = 1.0  # seconds of bad weather before the resting order is filled
WILD: Final = 0.4  # seconds between two gusts
GLANCE: Final = 0.3
LAST_WORDS: Final = 40  # lines


class Outing:
    """One attempt: runner, exchange, what is between them, and what came of it."""

    def __init__(self, folder: Path, seed: int, place: Place, *, many: int) -> None:
        self.outcome = Outcome()
        self.weather = "fair weather"
        self.patience = DOUBT  # until the program knows again what is true
        self._past_lines: list[tuple[float, str]] = []  # of the lives that ended
        self.chance = random.Random(f"outing {seed}")
        bots = {"patient": again("add_order", order=RESTING), **crowd("a", many)}
        self.arena = Arena(folder, bots, seed=seed, host=EXCHANGE)
        self.arena.program = ("-m", MODULE, str(place.pid))
        port = self.arena.exchange.port
        self.arena.options = ("--venue", f"http://{HOST}:{port}")
        self.proxy = Proxy(port, host=LINE, port=port, target_host=EXCHANGE)
        self.portal = Portal(PORTAL, port)
        self.sky = Sky(place, self.proxy, self.arena.exchange.command)

    def __enter__(self) -> "Outing":
        return self

    def __exit__(self, *_: object) -> None:
        self.arena.__exit__()
        self.proxy.__exit__()
        self.portal.__exit__()

    @property
    def runner(self) -> Process:
        assert self.arena.runner is not None
        return self.arena.runner

    def command(self, method: str, name: str, content: object = None) -> Any:
        return self.arena.exchange.command(method, name, content)

    # --- one weather

    def live_through(self, weather: Weather, *, dying: bool) -> None:
        """Trade, have the weather come and go, trade on; be killed and audited."""
        self.sky.place.names.leads_to = LINE if weather.proxied else EXCHANGE
        self.weather = weather.name
        self.arena.start()
        self._rests()
        self.runner.until(" fill: ")
        began = self._begin(weather)
        filled = time.monotonic()
        self._fill_resting()
        if dying:
            self._die_within(weather)
        if weather.cuts and not dying:
            self._measure(weather, "noticed after", self._noticed(weather, began) - began)
        if weather.heals:
            told = self._told(filled)
            self._measure(weather, "an order filled meanwhile was told after", told - filled)
        else:
            self._blow(weather, until=began + weather.seconds)
        back, back_ms = time.monotonic(), _now_ms()
        weather.end(self.sky)
        if not weather.heals:
            self._await_told(weather, filled, back)
        self._trades_on(weather, back_ms)
        self.kill(weather.name)

    def _begin(self, weather: Weather) -> float:
        began = time.monotonic()
        weather.begin(self.sky)
        self._blow(weather, until=began + OUTSIDE)
        return began

    def _blow(self, weather: Weather, until: float) -> None:
        while time.monotonic() < until:
            weather.wild(self.sky)
            time.sleep(max(0.0, min(WILD, until - time.monotonic())))

    def _noticed(self, weather: Weather, began: float) -> float:
        noticed = self.runner.until(WEATHER, 3 * NOTICED_MAX, after=began)
        if noticed - began > NOTICED_MAX:
            self._note(f"{weather.name}: noticed after {noticed - began:.1f} s")
        return noticed

    def _die_within(self, weather: Weather) -> None:
        """Be killed amid the weather; the next life begins in it."""
        self._blow(weather, until=time.monotonic() + self.chance.uniform(0, 6))
        self.kill(f"{weather.name}, amid it")
        self.arena.start()
        self._blow(weather, until=time.monotonic() + self.arena.start_seconds)

    def _await_told(self, weather: Weather, filled: float, back: float) -> None:
        """Wait until it is known again what happened meanwhile."""
        told = self._told(filled)
        if told <= back:
            self._measure(weather, "an order filled meanwhile was told after", told - filled)
            return
        self._measure(weather, "all was known again after", told - back)
        if told - back > RECONCILED_MAX:
            self._note(f"{weather.name}: known again {told - back:.1f} s after it")

    def _told(self, filled: float) -> float:
        """Wait until a life says, or has said, that the order was filled; answer when it did."""
        lines, said = self._past_lines, re.compile(TOLD)

        def told() -> float | None:
            found = (at for at, line in [*lines, *self.runner.lines] if said.search(line))
            first = next((at for at in found if at >= filled), None)
            return time.monotonic() if first is None and self._resting() else first

        at: float = self._awaited(told, f"no {TOLD}, and no order after it", self.patience)
        return at

    def _trades_on(self, weather: Weather, since: int) -> None:
        """Wait for an order that was accepted after the weather, and for a fill."""
        first = self._awaited(lambda: self._first_accepted(since), "no order after the weather")
        self._measure(weather, "a new order was accepted after", (first - since) / 1000)
        self.runner.until(" fill: ", after=time.monotonic() - GLANCE)

    def _first_accepted(self, since: int) -> int | None:
        times = (order["time"] for order in self.command("GET", "state")["orders"])
        return min((each for each in times if each >= since), default=None)

    # --- the resting order

    def _rests(self) -> None:
        """Wait until the order that waits is in the book, and known here to be."""
        self._awaited(self._resting, "the patient order does not rest")
        time.sleep(GLANCE)

    def _resting(self) -> bool | None:
        orders = self.command("GET", "state")["orders"]
        return (
            any(o["symbol"] == RESTING["symbol"] and o["status"] == "NEW" for o in orders) or None
        )

    def _fill_resting(self) -> None:
        before = self._filled()
        self.command("POST", "trade", CRASH)
        if self._filled() == before:
            raise Stuck("the resting order was not filled")

    def _filled(self) -> int:
        orders = self.command("GET", "state")["orders"]
        ours = (each for each in orders if each["symbol"] == RESTING["symbol"])
        return sum(each["status"] == "FILLED" for each in ours)

    # --- what came of it

    def _measure(self, weather: Weather, what: str, seconds: float) -> None:
        self.outcome.figures.setdefault(f"{weather.name}: {what}, s", []).append(seconds)

    def _note(self, text: str) -> None:
        self.outcome.notes.append(text)

    def kill(self, point: str) -> None:
        """End this life and hold the books against each other."""
        self.arena.kill()
        self._past_lines += self.runner.lines
        self.outcome.deaths += 1
        self.outcome.points[point] += 1
        self.audit(point)

    def audit(self, point: str) -> None:
        try:
            self.arena.audit()
        except BooksDiffer as wrong:
            self.lose(point, str(wrong))

    def lose(self, point: str, what: str) -> None:
        runner = self.arena.runner
        said = runner.output.splitlines()[-LAST_WORDS:] if runner else []
        code = runner.process.poll() if runner else None
        what += "" if code is None else f"\n(the runner ended with {code})"
        self.outcome.losses.append(f"{point}:\n{what}\n\nThe last words:\n" + "\n".join(said))

    def settle(self) -> None:
        """Let every doubt be resolved, and every bot trade on; audit a last time."""
        doubts = self.arena.doubts()
        self.arena.start()
        self.arena.await_end_of(doubts)
        self.runner.until(" fill: ", 2 * PATIENCE)
        self.kill("at the end, all doubts resolved")

    def _awaited(self, find: Callable[[], Any], otherwise: str, seconds: float = DOUBT) -> Any:
        deadline = time.monotonic() + seconds
        while (found := find()) is None:
            if time.monotonic() > deadline or not self.runner.alive:
                raise Stuck(f"{otherwise}")
            time.sleep(GLANCE)
        return found


@contextmanager
def outing(
    folder: Path, seed: int, *, many: int, settings: Mapping[str, Any] = SETTINGS
) -> Iterator[Outing]:
    """Open it; a program that gets stuck in it, or ends by itself, is a loss."""
    with Place(folder) as place, Outing(folder, seed, place, many=many) as opened:
        write_conf(folder, opened.arena.bots, settings)
        try:
            yield opened
        except Stuck as wrong:
            what, _, _ = str(wrong).partition("\n")
            opened.lose(f"it got stuck in {opened.weather}", what)


def under_the_sky(
    seed: int,
    folder: Path,
    weathers: Sequence[Weather],
    *,
    dying: float = 0.3,
    many: int = 8,
    plant: str = "",
) -> Outcome:
    """Live through these weathers, one life after the other; settle and audit it all.

    With a planted fault the harness must find losses.
    """
    with outing(folder, seed, many=many) as opened:
        if plant:
            opened.arena.program += ("--plant", plant)
        for weather in weathers:
            opened.live_through(weather, dying=opened.chance.random() < dying)
            if opened.outcome.losses:
                return opened.outcome
        opened.settle()
    return opened.outcome


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
