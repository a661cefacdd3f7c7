"""What each address has used of its request weight, what each account of its unfilled orders.

Windows are fixed and aligned to their interval. A window that has passed counts from zero. Who goes
on asking while refused is banned, each time for twice as long, up to three days.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Final

import orjson

from lib.simulator.options import Options
from lib.simulator.refusals import (
    Refusal,
    banned,
    too_heavy,
    too_many_attempts,
    too_many_orders,
    too_many_requests,
)

MILLISECONDS: Final = {"SECOND": 1000, "MINUTE": 60_000, "HOUR": 3_600_000, "DAY": 86_400_000}
USUAL_NUMBER: Final = {"SECOND": 10, "MINUTE": 1, "HOUR": 1, "DAY": 1}
EVERYONE: Final = ""  # the address of who calls without a network
LONGEST_BAN_MS: Final = 3 * 86_400_000
CONNECTIONS: Final = {
    "rateLimitType": "CONNECTIONS",
    "interval": "MINUTE",
    "intervalNum": 5,
    "limit": 300,
}


class Window:
    """One limit of exchangeInfo's `rateLimits` and what was used of it, by whom."""

    __slots__ = ("begun", "entry", "letter", "limit", "text", "used", "width")

    def __init__(self, entry: Mapping[str, Any]) -> None:
        interval = str(entry["interval"])
        number = int(entry.get("intervalNum", USUAL_NUMBER[interval]))
        self.limit = int(entry["limit"])
        self.width = number * MILLISECONDS[interval]
        self.text = f"{number} {interval}"
        self.letter = f"{number}{interval[0]}"
        self.entry = {
            "rateLimitType": str(entry["rateLimitType"]),
            "interval": interval,
            "intervalNum": number,
            "limit": self.limit,
        }
        self.used: defaultdict[str, int] = defaultdict(int)
        self.begun = 0

    def turn(self, now: int) -> int:
        """Begin the window of this moment; answer when it ends."""
        begun = now - now % self.width
        if begun != self.begun:
            self.begun = begun
            self.used.clear()
        return begun + self.width

    def use(self, who: str, amount: int) -> int:
        """Count some more; answer how much it is now."""
        used = self.used[who] = self.used.get(who, 0) + amount
        return used

    def retry_after(self, now: int) -> int:
        """Give the seconds until the window is over, rounded up."""
        return _seconds(self.width - now % self.width)


class Ban:
    """How an address stands: what it went on asking, how often it was banned, until when."""

    __slots__ = ("refused", "times", "until")

    def __init__(self, *, times: int = 0, until: int = 0) -> None:
        self.refused = 0  # requests since the first 429
        self.times = times
        self.until = until


class Limits:
    """Counts and refuses; with `enforce_limits` off it only counts.

    `turn` must be called with the time before anything else is, but for the count of an order.
    """

    def __init__(self, rate_limits: Sequence[Mapping[str, Any]], options: Options) -> None:
        self._weights = _windows(rate_limits, "REQUEST_WEIGHT")
        self._orders = sorted(_windows(rate_limits, "ORDERS"), key=lambda window: -window.width)
        self._placed = [window.used for window in self._orders]
        self._raw = _windows(rate_limits, "RAW_REQUESTS")
        self._attempts = [Window(CONNECTIONS)]
        self._all = (*self._weights, *self._orders, *self._raw, *self._attempts)
        self._order_headers = [
            ("X-MBX-ORDER-COUNT-" + window.letter, window.used) for window in self._orders
        ]
        self.enforced = options.enforce_limits
        self._ban_after = options.ban_after
        self._ban_ms = options.ban_ms
        self._relief = options.maker_fill_relief
        self._bans: dict[str, Ban] = {}
        self._good_from = 0
        self._good_until = 0
        self._weight_headers: dict[str, dict[str, str]] = {}

    def turn(self, now: int) -> None:
        """Begin new windows where the old ones have passed."""
        if self._good_from <= now < self._good_until:
            return
        self._good_from = now
        ends = [window.turn(now) for window in self._all]
        self._good_until = min(ends, default=now + 1)
        self._weight_headers = {}

    # --- what an address asks

    def refuse_weight(self, now: int, address: str = EVERYONE) -> None:
        """Raise if the address is banned or has used up its weight."""
        if self._bans:
            self.refuse_banned(now, address)
        for window in self._weights:
            if window.used.get(address, 0) >= window.limit:
                text = too_heavy(window.limit, window.text, window.retry_after(now))
                raise self._ban_or(text, now, address)
        if self._bans and address in self._bans:
            self._bans[address].refused = 0

    def refuse_banned(self, now: int, address: str = EVERYONE) -> None:
        """Raise if the address is banned."""
        until = self.banned_until(address)
        if now < until:
            raise banned(until, _seconds(until - now))

    def weigh(self, weight: int, address: str = EVERYONE) -> None:
        for window in self._weights:
            window.use(address, weight)
        self._weight_headers.pop(address, None)

    def count_raw(self, now: int, address: str = EVERYONE) -> None:
        """Count one REST request whatever it weighs; raise if there are too many."""
        for window in self._raw:
            if window.use(address, 1) > window.limit and self.enforced:
                raise self._ban_or(too_many_requests(window.retry_after(now)), now, address)

    def count_attempt(self, now: int, address: str = EVERYONE) -> None:
        """Count one attempt to open a WebSocket; raise if there are too many."""
        for window in self._attempts:
            if window.use(address, 1) > window.limit and self.enforced:
                raise too_many_attempts(window.limit, window.text, window.retry_after(now))

    def banned_until(self, address: str) -> int:
        ban = self._bans.get(address)
        return ban.until if ban is not None else 0

    def ban(self, address: str, until: int) -> None:
        """Ban an address; a time that has passed lifts the ban."""
        self._bans.setdefault(address, Ban()).until = until

    # --- what an account places

    def count_order(self, account: str, now: int, *, orders: int = 1) -> None:
        """Count one more order, or all `orders` of a list; raise if there are too many.

        If the day is exceeded, the shorter windows do not count it.
        """
        if not self._good_from <= now < self._good_until:
            self.turn(now)
        if self.enforced:
            self._refuse_order(account, now, orders)
        for used in self._placed:
            used[account] += orders

    def _refuse_order(self, account: str, now: int, orders: int) -> None:
        for place, window in enumerate(self._orders):
            if window.used.get(account, 0) >= window.limit:
                for longer in self._placed[:place]:
                    longer[account] += orders
                raise too_many_orders(window.limit, window.text, window.retry_after(now))

    def relieve(self, account: str, *, is_maker: bool) -> None:
        """Take the first fill of an order off the count, which never goes below zero."""
        relief = self._relief if is_maker else 1
        for used in self._placed:
            count = used[account]
            used[account] = count - relief if count > relief else 0

    # --- how both stand

    def headers(self, address: str = EVERYONE) -> dict[str, str]:
        headers = self._weight_headers.get(address)
        return headers if headers is not None else self._write_weights(address)

    def order_headers(self, account: str, address: str = EVERYONE) -> dict[str, str]:
        """Give the weight headers and, of an account, the order counts."""
        headers = self.headers(address).copy()
        for name, used in self._order_headers:
            headers[name] = str(used.get(account, 0))
        return headers

    def told(self, headers: Mapping[str, str]) -> list[dict[str, Any]]:
        """Write what an answer's headers say as the WebSocket API does."""
        named = [("X-MBX-ORDER-COUNT-", window) for window in reversed(self._orders)]
        named += [("X-MBX-USED-WEIGHT-", window) for window in self._weights]
        return [
            {**window.entry, "count": int(headers[name + window.letter])}
            for name, window in named
            if name + window.letter in headers
        ]

    def order_counts(self, account: str) -> list[dict[str, Any]]:
        """Give what an account has used, as the unfilled order count is asked for."""
        return [
            {**window.entry, "count": window.used.get(account, 0)}
            for window in reversed(self._orders)
        ]

    # --- over a restart

    def snapshot(self) -> str:
        """Write down all that is counted."""
        bans = {name: [ban.times, ban.until] for name, ban in self._bans.items()}
        windows = {_name(window): [window.begun, window.used] for window in self._all}
        return orjson.dumps({"bans": bans, "windows": windows}).decode()

    def restore(self, snapshot: str) -> None:
        """Begin with a snapshot. Windows that have passed meanwhile end at the first `turn`."""
        noted = orjson.loads(snapshot)
        self._bans = {
            name: Ban(times=times, until=until) for name, (times, until) in noted["bans"].items()
        }
        for window in self._all:
            begun, used = noted["windows"].get(_name(window), (0, {}))
            window.begun = begun
            window.used.update(used)

    def _write_weights(self, address: str) -> dict[str, str]:
        headers: dict[str, str] = {}
        for window in self._weights:
            used = str(window.used.get(address, 0))
            headers["X-MBX-USED-WEIGHT"] = used
            headers["X-MBX-USED-WEIGHT-" + window.letter] = used
        self._weight_headers[address] = headers
        return headers

    def _ban_or(self, refusal: Refusal, now: int, address: str) -> Refusal:
        """Refuse once more; who has been refused too often already is banned."""
        ban = self._bans.setdefault(address, Ban())
        ban.refused += 1
        if ban.refused <= self._ban_after:
            return refusal
        lasts = min(self._ban_ms << min(ban.times, 32), LONGEST_BAN_MS)
        ban.until, ban.times, ban.refused = now + lasts, ban.times + 1, 0
        return banned(ban.until, _seconds(lasts))


def _windows(rate_limits: Sequence[Mapping[str, Any]], kind: str) -> list[Window]:
    return [Window(entry) for entry in rate_limits if entry["rateLimitType"] == kind]


def _name(window: Window) -> str:
    return f"{window.entry['rateLimitType']} {window.letter}"


def _seconds(milliseconds: int) -> int:
    return -(-milliseconds // 1000)
