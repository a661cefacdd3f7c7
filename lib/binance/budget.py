"""How much may still be asked of Binance, and who goes first.

Binance counts request weight per minute and IP, and new orders per ten seconds and day, in
windows that begin with the exchange's own minute, ten seconds and day. It says in every answer
how much is used; another program on the same address counts as well. Asking on after a 429 leads
to a ban (418), so a limit is waited out here, in the process: a restart would ask again at once.
"""

import asyncio
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from lib.binance.refusals import TOO_MANY_ORDERS, Verdict, code_of, judge, message_of
from lib.binance.transport import Frame, Reply
from lib.clock import ExchangeClock
from lib.errors import NotSent
from lib.exchange import Urgency

SECOND: Final = 1_000
MINUTE: Final = 60 * SECOND
DAY: Final = 1_440 * MINUTE
INTERVALS: Final = {"SECOND": SECOND, "MINUTE": MINUTE, "HOUR": 60 * MINUTE, "DAY": DAY}
LETTERS: Final = {"S": SECOND, "M": MINUTE, "H": 60 * MINUTE, "D": DAY}

SHARES: Final[Mapping[Urgency, int]] = {
    Urgency.ORDER: 90,  # a tenth is kept for the regular questions
    Urgency.POLL: 100,
    Urgency.HISTORY: 60,
}
"""Up to how many percent of a window's weight each may go."""

PATIENCE: Final[Mapping[Urgency, int]] = {
    Urgency.ORDER: 10 * SECOND,
    Urgency.POLL: 10 * SECOND,
    Urgency.HISTORY: 2 * MINUTE,
}
"""How long (ms) each is made to wait for its turn before it is told to come back later."""

PAUSE_UNSTATED: Final = MINUTE
"""How long to keep quiet after a limit that does not say how long."""

PAUSE_MAX: Final = 3 * DAY + MINUTE
"""The longest that Binance bans for; what asks for more is no ban of Binance's."""

WEIGHT_MIN: Final = 100
"""What a limit of weight counts as at least: the largest of our questions has to fit into it."""

DIGITS_MAX: Final = 15

BANNED_UNTIL: Final = re.compile(r"banned until (\d{13})")
ORDER_COUNT: Final = re.compile(r"x-mbx-order-count-(\d+)([smhd])", re.IGNORECASE)
USED_WEIGHT: Final = "X-MBX-USED-WEIGHT-1M"
RETRY_AFTER: Final = "Retry-After"


@dataclass(slots=True)
class Window:
    """What is used of one limit in the current stretch of the exchange's time."""

    limit: int
    length: int  # ms
    index: int = -1  # which stretch `heard` and `unheard` belong to
    heard: int = 0  # as Binance counts it
    unheard: int = 0  # sent, and not yet counted by any answer

    def wait(self, amount: int, now: int, percent: int) -> int:
        """Answer how long (ms) until so much more may be used; 0 is now."""
        self._turn(now)
        if self.heard + self.unheard + amount <= self.limit * percent // 100:
            return 0
        return (self.index + 1) * self.length - now

    def used(self, now: int) -> int:
        """Answer how much of it is used at the moment."""
        self._turn(now)
        return self.heard + self.unheard

    def spend(self, amount: int, now: int) -> None:
        self._turn(now)
        self.unheard += amount

    def learn(self, used: int | None, amount: int, now: int) -> None:
        """Take over Binance's count from the answer to a request of so much."""
        self._turn(now)
        self.unheard = max(0, self.unheard - amount)
        self.heard = max(self.heard, used) if used is not None else self.heard + amount

    def _turn(self, now: int) -> None:
        if now // self.length != self.index:
            self.index, self.heard, self.unheard = now // self.length, 0, 0


class Budget:
    """Lets requests pass while Binance's limits allow. Owns the windows and the pauses.

    Windows turn with the exchange's time; a pause runs by the local ticks, so that one is kept
    even before the exchange's time is known.
    """

    def __init__(self, clock: ExchangeClock) -> None:
        self._clock = clock
        self._weight = Window(limit=6_000, length=MINUTE)
        self._orders = [Window(limit=50, length=10 * SECOND), Window(limit=160_000, length=DAY)]
        self._quiet_until = 0
        self._no_orders_until = 0
        self._waiting = dict.fromkeys(Urgency, 0)

    @property
    def silence(self) -> int:
        """Tell how long (ms) nothing at all may be asked; 0 most of the time."""
        return max(0, self._quiet_until - self._clock.ticks())

    @property
    def weight_used(self) -> tuple[int, int]:
        """How much request weight this minute has seen, and how much it may see."""
        used = self._weight.used(self._clock.now()) if self._clock.known else 0
        return used, self._weight.limit

    async def admit(
        self, weight: int, urgency: Urgency, *, orders: int = 0, until: int | None = None
    ) -> None:
        """Wait for the turn of one request, then count it as sent.

        Raises NotSent when the turn would come after `until` (exchange ms), or later than such a
        request is made to wait. History goes last: it waits for as long as anybody else does.
        """
        patience = PATIENCE[urgency] if until is None else until - self._clock.now()
        give_up_at = self._clock.ticks() + patience
        self._waiting[urgency] += 1
        try:
            while wait := self._wait(weight, urgency, orders):
                if self._clock.ticks() + wait > give_up_at:
                    raise NotSent(f"Binance's limits allow no such request for {wait} ms")
                await asyncio.sleep(wait / SECOND)
        finally:
            self._waiting[urgency] -= 1
        self._spend(weight, orders)

    def hear(self, reply: Reply, *, weight: int, orders: int = 0) -> None:
        """Take in what an answer says about the limits."""
        if self._clock.known:
            self._count(reply, weight, orders, self._clock.now())
        if reply.status in {403, 418, 429} or judge(reply) is Verdict.LIMITED:
            self._pause(reply)

    def forget(self, weight: int, *, orders: int = 0) -> None:
        """Take back a request that was admitted and never left."""
        if not self._clock.known:
            return
        now = self._clock.now()
        self._weight.learn(0, weight, now)
        for window in self._orders:
            window.learn(0, orders, now)

    def adopt(self, limits: Iterable[Frame]) -> None:
        """Take over exchangeInfo's `rateLimits`; what does not read as such is left alone."""
        orders = []
        for row in limits:
            length = INTERVALS.get(str(row.get("interval")), 0) * (_whole(row, "intervalNum") or 0)
            limit = _whole(row, "limit")
            if length <= 0 or limit is None or limit <= 0:
                continue
            if row.get("rateLimitType") == "REQUEST_WEIGHT" and length == MINUTE:
                self._weight.limit = max(limit, WEIGHT_MIN)
            if row.get("rateLimitType") == "ORDERS" and length <= DAY:
                orders.append(self._window(length, limit))
        self._orders = orders or self._orders

    def _wait(self, weight: int, urgency: Urgency, orders: int) -> int:
        ticks = self._clock.ticks()
        waits = [self._quiet_until - ticks]
        if not self._clock.known:
            return max(0, waits[0])
        now = self._clock.now()
        waits.append(self._weight.wait(weight, now, SHARES[urgency]))
        if orders:
            waits.append(self._no_orders_until - ticks)
            waits.extend(window.wait(orders, now, 100) for window in self._orders)
        if urgency is Urgency.HISTORY and self._others_wait():
            waits.append(SECOND)
        return max(0, *waits)

    def _others_wait(self) -> bool:
        return bool(self._waiting[Urgency.ORDER] or self._waiting[Urgency.POLL])

    def _spend(self, weight: int, orders: int) -> None:
        if not self._clock.known:
            return
        now = self._clock.now()
        self._weight.spend(weight, now)
        if orders:
            for window in self._orders:
                window.spend(orders, now)

    def _count(self, reply: Reply, weight: int, orders: int, now: int) -> None:
        self._weight.learn(_number(reply.headers.get(USED_WEIGHT)), weight, now)
        counts = dict(_order_counts(reply.headers))
        for window in self._orders:
            if orders or window.length in counts:
                window.learn(counts.get(window.length), orders, now)

    def _pause(self, reply: Reply) -> None:
        until = self._clock.ticks() + min(self._pause_length(reply), PAUSE_MAX)
        if code_of(reply) == TOO_MANY_ORDERS:
            self._no_orders_until = max(self._no_orders_until, until)
        else:
            self._quiet_until = max(self._quiet_until, until)

    def _pause_length(self, reply: Reply) -> int:
        seconds = _number(reply.headers.get(RETRY_AFTER))
        if seconds is not None:
            return (seconds + 1) * SECOND
        banned = BANNED_UNTIL.search(message_of(reply))
        if banned and self._clock.known:
            return int(banned[1]) - self._clock.now()
        return PAUSE_UNSTATED

    def _window(self, length: int, limit: int) -> Window:
        for window in self._orders:
            if window.length == length:
                window.limit = limit
                return window
        return Window(limit=limit, length=length)


def _order_counts(headers: Mapping[str, str]) -> Iterable[tuple[int, int]]:
    for name, value in headers.items():
        found = ORDER_COUNT.fullmatch(name)
        used = _number(value) if found else None
        if found and used is not None:
            yield int(found[1]) * LETTERS[found[2].upper()], used


def _number(value: str | None) -> int | None:
    """Read a header's number; one of more digits than a limit has is none."""
    if not value or len(value) > DIGITS_MAX:
        return None
    return int(value) if value.isascii() and value.isdecimal() else None


def _whole(row: Frame, key: str) -> int | None:
    value = row.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) else None
