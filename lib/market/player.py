"""Moves a replay along with real time.

The player asks a monotonic clock how long it has been and plays what that much time, times the
speed, has brought. After a pause of the machine (suspend, a stopped process) it goes on from where
it stood: the market stood still too. A speed that the machine cannot play is played as fast as it
can, with room for those who ask in between.
"""

import asyncio
from collections.abc import Callable

from lib.market.replay import Market, Replay

LAG_MAX = 500  # ms of real time that are made up for
PAUSE_MIN = 20  # ms between two turns
PAUSE_BEHIND = 5  # ms, as long as a turn could not play all that was due
TURN_MAX = 20  # ms of real time that one turn may take
REMEMBER_EVERY = 10_000  # ms of real time
PRELUDE = 1_000  # ms of recorded time played before anyone can look


class Player:
    """One replay on its way."""

    def __init__(
        self,
        replay: Replay,
        market: Market,
        *,
        speed: int,
        clock: Callable[[], int],
        monotonic: Callable[[], int],
        remember: Callable[[int], None],
    ) -> None:
        """`clock` dates what happens, `monotonic` paces it (ms). `remember` keeps a position."""
        self._replay = replay
        self._market = market
        self._speed = speed
        self._clock = clock
        self._monotonic = monotonic
        self._remember = remember
        self._turned_at = monotonic()
        self._remembered_at = self._turned_at
        self._reached = replay.next_at

    def begin(self) -> None:
        """Play the first moments at once, so that there is a market from the first look."""
        self._reached = self._replay.next_at + PRELUDE
        self._play(until=self._reached)

    async def run(self) -> None:
        """Play for ever."""
        while True:
            await asyncio.sleep(self.turn() / 1000)

    def turn(self) -> int:
        """Play what is due; return the ms until something is due again."""
        now = self._monotonic()
        elapsed = min(now - self._turned_at, LAG_MAX)
        self._turned_at = now
        self._reached += elapsed * self._speed
        self._play_for_a_while()
        if now - self._remembered_at >= REMEMBER_EVERY:
            self._remembered_at = now
            self.save()
        ahead = self._replay.next_at - self._reached
        return max(PAUSE_MIN, ahead // self._speed) if ahead > 0 else PAUSE_BEHIND

    def save(self) -> None:
        """Keep where the replay stands for the next life."""
        self._remember(self._replay.resume_at)

    def _play_for_a_while(self) -> None:
        """Play what is due, as far as it fits into a turn; the rest waits, within bounds."""
        ends = self._monotonic() + TURN_MAX
        self._play(until=min(self._reached, self._replay.next_at))
        while self._replay.next_at <= self._reached and self._monotonic() < ends:
            self._play(until=self._replay.next_at)
        self._reached = min(self._reached, self._replay.next_at + LAG_MAX * self._speed)

    def _play(self, *, until: int) -> None:
        self._replay.play(until=until, market=self._market, time=self._clock())
