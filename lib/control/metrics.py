"""What Prometheus is told: pulled, when it asks, from objects that exist anyway.

docs/metrics.md says what each number means. Names are forever: add, never rename.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Protocol

from lib.binance.traffic import Traffic
from lib.control.census import Census
from lib.control.event_age import EventAge
from lib.control.loop_lag import LoopLag
from lib.control.metrics_text import Kind, Metric, Samples, page, seconds
from lib.control.pulse import Saves
from lib.control.results import Sums, money_of
from lib.control.standing import Word
from lib.errors import Unavailable
from lib.modes import mode_of
from lib.supervisor import Supervisor

BUILD: Final = Metric("auto_trading_build_info", Kind.GAUGE, "Always 1: which program runs where.")
STARTED: Final = Metric("auto_trading_start_time_seconds", Kind.GAUGE, "When it started.")
UPTIME: Final = Metric("auto_trading_uptime_seconds", Kind.GAUGE, "How long it has been running.")
WELL: Final = Metric("auto_trading_well", Kind.GAUGE, "1 if `status --health` calls it well.")
LAG: Final = Metric("auto_trading_loop_lag_seconds", Kind.GAUGE, "How late the loop woke last.")
LAG_WORST: Final = Metric(
    "auto_trading_loop_lag_worst_seconds", Kind.GAUGE, "How late it woke at worst in a minute."
)
SAVES: Final = Metric("auto_trading_saves_total", Kind.COUNTER, "Saves of contexts by outcome.")
SAVE_TIME: Final = Metric("auto_trading_save_seconds", Kind.HISTOGRAM, "What a save's flush took.")
SAVED: Final = Metric("auto_trading_saved_bytes_total", Kind.COUNTER, "Bytes written by saves.")
REQUESTS: Final = Metric(
    "auto_trading_requests_total", Kind.COUNTER, "Requests to the exchange by kind and outcome."
)
REQUEST_TIME: Final = Metric(
    "auto_trading_request_seconds", Kind.HISTOGRAM, "How long answers took, by kind."
)
WEIGHT: Final = Metric(
    "auto_trading_request_weight_used", Kind.GAUGE, "Request weight used in this minute."
)
WEIGHT_MAX: Final = Metric(
    "auto_trading_request_weight_limit", Kind.GAUGE, "Request weight allowed per minute."
)
STREAM: Final = Metric("auto_trading_stream_up", Kind.GAUGE, "1 while the user stream flows.")
STREAM_GAPS: Final = Metric("auto_trading_stream_gaps_total", Kind.COUNTER, "How often it broke.")
STREAM_EVENTS: Final = Metric("auto_trading_stream_events_total", Kind.COUNTER, "What it brought.")
STREAM_AGE: Final = Metric(
    "auto_trading_stream_last_event_age_seconds", Kind.GAUGE, "How long it has brought nothing."
)
POLL_AGE: Final = Metric(
    "auto_trading_poll_age_seconds", Kind.GAUGE, "How old the last complete poll is."
)
BOTS: Final = Metric("auto_trading_bots", Kind.GAUGE, "Bots by where they stand.")
KILLED: Final = Metric("auto_trading_killed", Kind.GAUGE, "1 while a kill is in force.")
ORDERS: Final = Metric("auto_trading_orders_open", Kind.GAUGE, "Orders at the exchange, of bots.")
DOUBT: Final = Metric("auto_trading_orders_in_doubt", Kind.GAUGE, "Those of unknown outcome.")
DOUBT_AGE: Final = Metric(
    "auto_trading_oldest_doubt_age_seconds", Kind.GAUGE, "How long the oldest has been in doubt."
)
REALISED: Final = Metric(
    "auto_trading_bot_realised", Kind.GAUGE, "What a bot has realised so far, by quote asset."
)
FEES: Final = Metric("auto_trading_bot_fees", Kind.GAUGE, "What its fees were so far, by asset.")

ALL: Final = (
    *(BUILD, STARTED, UPTIME, WELL, LAG, LAG_WORST, SAVES, SAVE_TIME, SAVED, REQUESTS),
    *(REQUEST_TIME, WEIGHT, WEIGHT_MAX, STREAM, STREAM_GAPS, STREAM_EVENTS, STREAM_AGE, POLL_AGE),
    *(BOTS, KILLED, ORDERS, DOUBT, DOUBT_AGE, REALISED, FEES),
)


class Weighed(Protocol):
    """A venue that knows the exchange's limits."""

    @property
    def traffic(self) -> Traffic: ...

    @property
    def weight_used(self) -> tuple[int, int]: ...


@dataclass(frozen=True, slots=True)
class Build:
    """What runs."""

    version: str
    python: str
    venue: str

    @property
    def labels(self) -> dict[str, str]:
        """Answer what says so."""
        mode = str(mode_of(self.venue))
        return {"version": self.version, "python": self.python, "mode": mode, "venue": self.venue}


class Metrics:
    """Reads them all, whenever it is asked."""

    def __init__(
        self,
        supervisor: Supervisor,
        census: Census,
        *,
        build: Build,
        venue: Weighed,
        saves: Saves,
        lag: LoopLag,
        event_age: EventAge,
        is_well: Callable[[], bool],
        now: Callable[[], int],
        ticks: Callable[[], int],
    ) -> None:
        """`now` is the machine's time; `ticks` tells ms of a clock that nobody sets."""
        self._supervisor = supervisor
        self._mirror = supervisor.floor.mirror
        self._census = census
        self._build = build
        self._venue = venue
        self._saves = saves
        self._lag = lag
        self._event_age = event_age
        self._is_well = is_well
        self._ticks = ticks
        self._started, self._began = now(), ticks()
        self._sums: dict[str, tuple[int, Sums]] = {}

    def text(self) -> str:
        """Write the page."""
        return page(self._families())

    def _families(self) -> Iterator[tuple[Metric, Samples]]:
        yield from self._program()
        yield from self._disk()
        yield from self._exchange()
        yield from self._stream()
        yield from self._bots()
        yield from self._results()

    def _program(self) -> Iterator[tuple[Metric, Samples]]:
        yield BUILD, [(self._build.labels, 1)]
        yield STARTED, [({}, seconds(self._started, -3))]
        yield UPTIME, [({}, seconds(self._ticks() - self._began, -3))]
        yield WELL, [({}, int(self._is_well()))]
        yield LAG, [({}, seconds(self._lag.newest_ms, -3))]
        yield LAG_WORST, [({}, seconds(self._lag.worst_ms, -3))]

    def _disk(self) -> Iterator[tuple[Metric, Samples]]:
        saves = self._saves
        done, failed = {"outcome": "saved"}, {"outcome": "failed"}
        yield SAVES, [(done, saves.latency.count), (failed, saves.failed)]
        yield SAVE_TIME, [({}, saves.latency)]
        yield SAVED, [({}, saves.bytes)]

    def _exchange(self) -> Iterator[tuple[Metric, Samples]]:
        traffic = self._venue.traffic
        counted = sorted(traffic.outcomes.items())
        yield (
            REQUESTS,
            [
                ({"kind": kind, "outcome": str(outcome)}, number)
                for (kind, outcome), number in counted
            ],
        )
        latencies = sorted(traffic.latencies.items())
        yield REQUEST_TIME, [({"kind": kind}, latency) for kind, latency in latencies]
        used, limit = self._venue.weight_used
        yield WEIGHT, [({}, used)]
        yield WEIGHT_MAX, [({}, limit)]

    def _stream(self) -> Iterator[tuple[Metric, Samples]]:
        yield STREAM, [({}, int(self._mirror.streaming_since is not None))]
        yield STREAM_GAPS, [({}, self._mirror.gaps)]
        yield STREAM_EVENTS, [({}, self._mirror.events)]
        yield STREAM_AGE, [({}, seconds(self._event_age.age_ms, -3))]
        yield POLL_AGE, self._since(self._mirror.polled_at)

    def _bots(self) -> Iterator[tuple[Metric, Samples]]:
        count = self._census.count()
        yield BOTS, [({"standing": str(word)}, count.words[word]) for word in Word]
        yield KILLED, [({}, int(self._supervisor.floor.instructions.killed))]
        yield ORDERS, [({}, count.orders_out)]
        yield DOUBT, [({}, count.orders_in_doubt)]
        yield DOUBT_AGE, self._since(count.in_doubt_since) or [({}, 0)]

    def _since(self, at: int) -> list[tuple[dict[str, str], Decimal]]:
        """Answer how long ago a moment of the exchange's time was; nothing if there was none."""
        try:
            now = self._supervisor.floor.clock.now()
        except Unavailable:
            return []
        return [({}, seconds(max(0, now - at), -3))] if at else []

    def _results(self) -> Iterator[tuple[Metric, Samples]]:
        results = {name: self._sums_of(name) for name in self._supervisor.lives}
        yield REALISED, list(_by_asset(results, lambda sums: sums.realised))
        yield FEES, list(_by_asset(results, lambda sums: sums.fees))

    def _sums_of(self, name: str) -> Sums:
        """Answer what a bot's trades brought; read anew only after it was saved."""
        life = self._supervisor.lives[name]
        known = self._sums.get(name)
        if known is None or known[0] != life.file.sequence:
            sums = money_of(life.generation, self._census.orders(life)).sums
            known = self._sums[name] = (life.file.sequence, sums)
        return known[1]


def _by_asset(
    results: dict[str, Sums], part: Callable[[Sums], dict[str, Decimal]]
) -> Iterator[tuple[dict[str, str], Decimal]]:
    for bot, sums in results.items():
        for asset, amount in sorted(part(sums).items()):
            yield {"bot": bot, "asset": asset}, amount
