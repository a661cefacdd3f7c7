"""How long things are on their way between the runner and the exchange.

A request takes one time, its answer and the account's events another, and chance may add to each.
Events never overtake each other. Prices take the usual time back, without chance: what is passed
over and what is played must come at the same moment.
"""

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import shake_128
from typing import Final, Literal, TypeAlias

BYTES: Final = 8

Way: TypeAlias = Literal["there", "back", "prices"]
OwnLatency: TypeAlias = Callable[[Way, int], int]
"""A model of one's own: which way and the exchange time in, ms out. `prices` is asked for once."""


@dataclass(frozen=True, slots=True)
class Latency:
    """How long each way takes, ms."""

    there: int = 20
    back: int = 20
    jitter: int = 0  # the most that chance adds to a way

    def __post_init__(self) -> None:
        for name in ("there", "back", "jitter"):
            if getattr(self, name) < 0:
                raise ValueError(f"the latency is {getattr(self, name)} ms, it must not be below 0")


class Ways:
    """Draws how long the next thing takes. Outlives the runner's lives, as the network does."""

    def __init__(self, latency: Latency, *, seed: int, own: OwnLatency | None = None) -> None:
        self._latency = latency
        self._seed = seed
        self._own = own
        self._drawn = 0
        self.prices_ms = latency.back if own is None else own("prices", 0)

    def there(self, now: int) -> int:
        """Answer how long (ms) a request that leaves now takes."""
        if self._own is not None:
            return self._own("there", now)
        return self._latency.there + self._chance()

    def back(self, now: int) -> int:
        """Answer how long (ms) an answer or an event that leaves now takes."""
        if self._own is not None:
            return self._own("back", now)
        return self._latency.back + self._chance()

    def _chance(self) -> int:
        if not self._latency.jitter:
            return 0
        self._drawn += 1
        noise = shake_128(f"way {self._seed} {self._drawn}".encode()).digest(BYTES)
        return int.from_bytes(noise) % (self._latency.jitter + 1)
