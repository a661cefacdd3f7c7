"""Several markets in common time: bars of some symbols, trades or recorded books of others."""

from collections.abc import Sequence

from lib.backtest.market import Playback


class JointPlayback:
    """Plays whichever is next; of several at one moment, the first."""

    def __init__(self, playbacks: Sequence[Playback]) -> None:
        self._playbacks = playbacks

    @property
    def next_at(self) -> int:
        """When something happens next in any of them."""
        return min(playback.next_at for playback in self._playbacks)

    @property
    def played(self) -> int:
        """How many bars were begun, and moments played."""
        return sum(playback.played for playback in self._playbacks)

    @property
    def passing(self) -> bool:
        """Say whether any of them passed something over."""
        return any(playback.passing for playback in self._playbacks)

    def play(self) -> None:
        """Let happen what is next."""
        min(self._playbacks, key=lambda playback: playback.next_at).play()

    def pass_over(self, until: int) -> None:
        """Leave out what nobody could notice, but nothing beyond what another one plays next."""
        for number, playback in enumerate(self._playbacks):
            others = (*self._playbacks[:number], *self._playbacks[number + 1 :])
            playback.pass_over(min(until, *(other.next_at for other in others)))

    def catch_up(self, time: int) -> None:
        """Have each go back to what matters at a moment."""
        for playback in self._playbacks:
            playback.catch_up(time)
