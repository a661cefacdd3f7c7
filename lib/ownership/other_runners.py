"""Other runners of this program on the same account, as far as their orders show them.

Every runner marks its orders with the installation of its ctx folder. Two on one account never take
each other's orders for their own, but their wallets know nothing of each other: both may spend the
same coins. So whoever else is at work is told once, and never touched. Where the person says so,
no bot opens anything new meanwhile.

A second runner with a copy of our own ctx folder uses our installation. Its ids are beyond our
counters, which halts our bots (witness.py); its other bots show themselves here: an order that no
context knows and that was made too late for a former life of ours.
"""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from lib.exchange import Limits, OrderRecord
from lib.ids import OwnId, parse_id
from lib.news import Kind

QUIET_AFTER: Final = 600_000  # ms without a new order of it, and without an open one
LOOK_SECONDS: Final = 5.0  # how often who waits looks again
STOPS: Final = "; no bot opens anything new until it is quiet for ten minutes and has nothing open"
AT_WORK: Final = "another runner of auto_trading is at work again: no bot opens anything new"
GOES_ON: Final = "no other runner of auto_trading is at work any more: bots open what they plan"


@dataclass(slots=True)
class OtherRunner:
    """What was seen of one. Times are exchange ms of its orders' making."""

    installation: str
    since: int
    newest: int
    at_work: bool = False  # an order of it was made while we ran
    active: bool = True  # has something open, or made something a moment ago
    open: int = 0  # orders, as of the last poll

    def judge(self, now: int) -> None:
        """Take it for gone once it has nothing open and made nothing for a while."""
        self.active = self.open > 0 or (self.at_work and now - self.newest <= QUIET_AFTER)


class OtherRunners:
    """One for all bots of an installation."""

    def __init__(
        self,
        installation: str = "",
        tell: Callable[[str, Kind, str], None] = lambda *_: None,
        *,
        stops_bots: bool = False,
    ) -> None:
        self._installation = installation
        self._tell = tell
        self._stops_bots = stops_bots
        self._runners: dict[str, OtherRunner] = {}
        self._named: dict[str, bool] = {}  # those the person was told of; True: seen at work
        self._active: frozenset[str] = frozenset()  # as of the last poll
        self._began = 0  # exchange ms; 0: not yet, so nothing is new
        self._margin = 0
        self.is_ours: Callable[[OwnId], bool] = lambda _: True  # whether a context may know it
        self.on_change: Callable[[], object] = lambda: None

    def begin(self, now: int, limits: Limits) -> None:
        """Take what is made from now on for the work of somebody who runs beside us."""
        self._began = now
        self._margin = limits.recv_window + limits.engine_margin + limits.slack

    @property
    def seen(self) -> tuple[OtherRunner, ...]:
        """Answer all that were seen in this life of ours."""
        return tuple(self._runners.values())

    def is_of_a_copy(self, record: OrderRecord) -> bool:
        """Say whether an order of our installation was made too late for a former life of ours.

        What a former life sent can be accepted for some seconds after we began.
        """
        return bool(self._began) and record.created_at > self._began + self._margin

    # --- who must wait

    @property
    def stopping(self) -> bool:
        """Say whether nothing new is to be opened at the moment."""
        return self._stops_bots and any(runner.active for runner in self._runners.values())

    async def gone(self, is_over: Callable[[], object]) -> None:
        """Wait until nobody else is at work, or until waiting for it is over."""
        while self.stopping and not is_over():
            await asyncio.sleep(LOOK_SECONDS)

    # --- what the exchange shows

    def on_record(self, record: OrderRecord) -> None:
        """Look at one order, whatever brought it. What was made before we began says nothing."""
        if self._began and record.created_at > self._began:
            self._look(record)

    def on_poll(self, strangers: Iterable[OrderRecord], now: int) -> None:
        """Look at the open orders that nobody here follows."""
        for runner in self._runners.values():
            runner.open = 0
        for record in strangers:
            anothers = self._look(record)
            if anothers is not None:
                anothers.open += 1
        self._judge(now)

    def _look(self, record: OrderRecord) -> OtherRunner | None:
        own = parse_id(record.client_order_id)
        if own is None or not self._is_anothers(own, record):
            return None
        made = record.created_at
        runner = self._runners.setdefault(
            own.installation, OtherRunner(own.installation, since=made, newest=made)
        )
        runner.since, runner.newest = min(runner.since, made), max(runner.newest, made)
        if made > self._began:
            runner.at_work = runner.active = True
        self._name(runner)
        return runner

    def _is_anothers(self, own: OwnId, record: OrderRecord) -> bool:
        if own.installation != self._installation:
            return True
        return self.is_of_a_copy(record) and not self.is_ours(own)

    # --- what the person hears

    def _name(self, runner: OtherRunner) -> None:
        """Name it once; once more if it was taken for one that is gone, and is not."""
        if self._named.get(runner.installation) in {True, runner.at_work}:
            return
        self._named[runner.installation] = runner.at_work
        self._active |= {runner.installation}
        self._tell("", Kind.WARNING, self._described(runner))
        self.on_change()

    def _described(self, runner: OtherRunner) -> str:
        since = f"{datetime.fromtimestamp(runner.since // 1000, UTC):%Y-%m-%d %H:%M:%S} UTC"
        who = f"another runner of auto_trading (installation {runner.installation})"
        if runner.installation == self._installation:
            who = "another runner of auto_trading, with a copy of this ctx folder,"
        stops = STOPS if self._stops_bots else ""
        if runner.at_work:
            advice = "wallets know nothing of each other"
            return f"{who} trades on this account since {since}: {advice}{stops}"
        advice = "if that runner is gone for good, cancel them at the exchange"
        return f"{who} has open orders on this account, made since {since}: {advice}{stops}"

    def _judge(self, now: int) -> None:
        """See who is at work still, or again."""
        before = self._active
        for runner in self.seen:
            runner.judge(now)
        self._active = frozenset(each.installation for each in self.seen if each.active)
        if self._stops_bots and bool(before) != bool(self._active):
            self._tell("", Kind.WARNING, AT_WORK if self._active else GOES_ON)
        if before != self._active:
            self.on_change()
