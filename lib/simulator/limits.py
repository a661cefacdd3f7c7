"""Request weight of the one address all requests come from, unfilled orders of each account.

Windows are fixed and aligned to their interval. A window that has passed counts from zero.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from lib.simulator.options import Options
from lib.simulator.refusals import banned, too_heavy, too_many_orders

MILLISECONDS: Final = {"SECOND": 1000, "MINUTE": 60_000, "HOUR": 3_600_000, "DAY": 86_400_000}
USUAL_NUMBER: Final = {"SECOND": 10, "MINUTE": 1, "HOUR": 1, "DAY": 1}
EVERYONE: Final = ""


class Window:
    """One limit of exchangeInfo's `rateLimits` and what was used of it, by whom."""

    __slots__ = ("_begun", "letter", "limit", "text", "used", "width")

    def __init__(self, entry: Mapping[str, Any]) -> None:
        interval = str(entry["interval"])
        number = int(entry.get("intervalNum", USUAL_NUMBER[interval]))
        self.limit = int(entry["limit"])
        self.width = number * MILLISECONDS[interval]
        self.text = f"{number} {interval}"
        self.letter = f"{number}{interval[0]}"
        self.used: dict[str, int] = {}
        self._begun = 0

    def turn(self, now: int) -> int:
        """Begin the window of this moment; answer when it ends."""
        begun = now - now % self.width
        if begun != self._begun:
            self._begun = begun
            self.used.clear()
        return begun + self.width

    def retry_after(self, now: int) -> int:
        """Give the seconds until the window is over, rounded up."""
        return _seconds(self.width - now % self.width)


class Limits:
    """Counts and refuses; with `enforce_limits` off it only counts.

    `turn` must be called with the time before anything else is.
    """

    def __init__(self, rate_limits: Sequence[Mapping[str, Any]], options: Options) -> None:
        self._weights = _windows(rate_limits, "REQUEST_WEIGHT")
        self._orders = sorted(_windows(rate_limits, "ORDERS"), key=lambda window: -window.width)
        self._order_headers = [
            ("X-MBX-ORDER-COUNT-" + window.letter, window.used) for window in self._orders
        ]
        self.enforced = options.enforce_limits
        self._ban_after = options.ban_after
        self._ban_ms = options.ban_ms
        self._relief = options.maker_fill_relief
        self._refused = 0
        self._banned_until = 0
        self._good_from = 0
        self._good_until = 0
        self._weight_headers: dict[str, str] = {}

    def turn(self, now: int) -> None:
        """Begin new windows where the old ones have passed."""
        if self._good_from <= now < self._good_until:
            return
        self._good_from = now
        ends = [window.turn(now) for window in (*self._weights, *self._orders)]
        self._good_until = min(ends, default=now + 1)
        self._weight_headers = self._write_weights()

    def refuse_weight(self, now: int) -> None:
        """Raise if the address is banned or has used up its weight."""
        if now < self._banned_until:
            raise banned(self._banned_until, _seconds(self._banned_until - now))
        for window in self._weights:
            if window.used.get(EVERYONE, 0) >= window.limit:
                self._refuse_again(window, now)
        self._refused = 0

    def weigh(self, weight: int) -> None:
        for window in self._weights:
            window.used[EVERYONE] = window.used.get(EVERYONE, 0) + weight
        self._weight_headers = self._write_weights()

    def count_order(self, account: str, now: int) -> None:
        """Count one more order; raise if there are too many.

        If the day is exceeded, the shorter windows do not count it.
        """
        for window in self._orders:
            used = window.used.get(account, 0)
            if used >= window.limit and self.enforced:
                raise too_many_orders(window.limit, window.text, window.retry_after(now))
            window.used[account] = used + 1

    def relieve(self, account: str, *, is_maker: bool) -> None:
        """Take the first fill of an order off the count, which never goes below zero."""
        relief = self._relief if is_maker else 1
        for window in self._orders:
            used = window.used.get(account, 0)
            window.used[account] = used - relief if used > relief else 0

    def headers(self) -> dict[str, str]:
        return self._weight_headers

    def order_headers(self, account: str) -> dict[str, str]:
        """Give the weight headers and, of an account, the order counts."""
        headers = self._weight_headers.copy()
        for name, used in self._order_headers:
            headers[name] = str(used.get(account, 0))
        return headers

    def _write_weights(self) -> dict[str, str]:
        headers: dict[str, str] = {}
        for window in self._weights:
            used = str(window.used.get(EVERYONE, 0))
            headers["X-MBX-USED-WEIGHT"] = used
            headers["X-MBX-USED-WEIGHT-" + window.letter] = used
        return headers

    def _refuse_again(self, window: Window, now: int) -> None:
        self._refused += 1
        if self._refused > self._ban_after:
            self._banned_until = now + self._ban_ms
            self._refused = 0
            raise banned(self._banned_until, _seconds(self._ban_ms))
        raise too_heavy(window.limit, window.text, window.retry_after(now))


def _windows(rate_limits: Sequence[Mapping[str, Any]], kind: str) -> list[Window]:
    return [Window(entry) for entry in rate_limits if entry["rateLimitType"] == kind]


def _seconds(milliseconds: int) -> int:
    return -(-milliseconds // 1000)
