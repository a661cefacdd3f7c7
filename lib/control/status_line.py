"""What goes on, in one line: for systemd's `STATUS=` and whoever asks for the runner's health."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final, Protocol

from lib.control.census import Census, Count
from lib.control.standing import Word, may_have_arrived
from lib.control.terminal import machine_time
from lib.errors import BadCredentials, Unreached
from lib.life import Life, Standing
from lib.supervisor import Supervisor

EVERY: Final = 2.0  # seconds
TRADING: Final = frozenset({Word.RUNNING, Word.ASKING})
DAY: Final = 86_400_000  # ms


class Shows(Protocol):
    """Who shows the line."""

    def status(self, text: str) -> None: ...


class StatusLine:
    """Writes the line anew whenever it is asked for."""

    def __init__(
        self,
        supervisor: Supervisor,
        census: Census,
        redact: Callable[[str], str],
        now: Callable[[], int] = machine_time,
    ) -> None:
        self._supervisor = supervisor
        self._mirror = supervisor.floor.mirror
        self._census = census
        self._redact = redact
        self._now = now
        self._trouble_since: int | None = None
        self._connected_at = 0  # exchange ms
        self._settled: set[str] = set()

    async def keep(self, shown: Shows) -> None:
        """Show it for ever."""
        while True:
            shown.status(self.text())
            await asyncio.sleep(EVERY)

    def text(self) -> str:
        """Say it: what hinders first, then what is being done."""
        trouble = self._trouble()
        if trouble:
            return f"{trouble}; {self._bots_known()}"
        if not self._mirror.polled_at:
            return f"connecting to the exchange; {self._bots_known()}"
        settled, of = self._reconciled()
        if settled < of:
            return f"reconciling {settled} of {of}"
        return self._work(self._census.count())

    # --- what hinders

    def _trouble(self) -> str:
        trouble = self._mirror.trouble
        if trouble is None:
            self._trouble_since = None
            return ""
        self._trouble_since = self._trouble_since or self._now()
        since = _clock(self._trouble_since, self._now())
        if isinstance(trouble, Unreached):
            return f"no network since {since}"
        if isinstance(trouble, BadCredentials):
            return f"the exchange refuses the key since {since}"
        return f"no answer from the exchange since {since} ({self._redact(str(trouble))})"

    def _bots_known(self) -> str:
        return _many(len(self._supervisor.lives) + len(self._supervisor.unborn), "bot waits")

    # --- what is being done

    def _reconciled(self) -> tuple[int, int]:
        """Answer how many bots have settled what they had in doubt as they began, of how many."""
        self._connected_at = self._connected_at or self._mirror.polled_at
        lives = dict(self._supervisor.lives)
        self._settled |= {name for name, life in lives.items() if self._is_settled(life)}
        return len(self._settled & lives.keys()), len(lives) + len(self._supervisor.unborn)

    def _is_settled(self, life: Life) -> bool:
        if life.bot.name in self._settled:
            return True
        doubts = filter(may_have_arrived, self._census.orders(life))
        since_before = any(order.sent_at < self._connected_at for order in doubts)
        return life.standing is not Standing.WAITING and not since_before

    def _work(self, count: Count) -> str:
        trading = sum(count.words[word] for word in TRADING)
        others = [f"{count.words[word]} {word}" for word in Word if _told(word, count)]
        killed = ["killed"] if self._supervisor.floor.instructions.killed else []
        orders = _many(count.orders_out, "order open")
        doubt = f"{count.orders_in_doubt} in doubt"
        return ", ".join([*killed, _many(trading, "bot trades"), *others, orders, doubt])


def _told(word: Word, count: Count) -> bool:
    return bool(count.words[word]) and word not in TRADING


_PLURAL: Final = {
    "bot trades": "bots trade",
    "bot waits": "bots wait",
    "order open": "orders open",
}


def _many(number: int, one: str) -> str:
    return f"{number} {one if number == 1 else _PLURAL[one]}"


def _clock(then: int, now: int) -> str:
    """Write a time (ms) of the machine's own clock; with its date once that matters."""
    form = "%H:%M" if now - then < DAY else "%Y-%m-%d %H:%M"
    return datetime.fromtimestamp(then // 1_000, UTC).astimezone().strftime(form)
