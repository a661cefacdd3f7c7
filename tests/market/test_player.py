"""How a replay keeps up with time, or does not."""

from dataclasses import dataclass, field

import pytest

from lib.market.capture_replay import CaptureReplay
from lib.market.player import LAG_MAX, PAUSE_BEHIND, PAUSE_MIN, TURN_MAX, Player
from lib.market.recordings import read_capture
from lib.market.replay import Market
from tests.market.recorder import CAPTURE, Recorder

STEP = 1_000  # ms of recorded time between two things that happen
BEHIND = (LAG_MAX + TURN_MAX) * 60 + STEP
SPEEDS = (1, 60, 1_000, 100_000)


@dataclass
class Effort:
    """A recording without an end, each step of which takes the machine `cost` ms."""

    cost: int
    now: int = 0
    next_at: int = 0
    asked: list[int] = field(default_factory=list)

    @property
    def resume_at(self) -> int:
        return self.next_at

    def play(self, *, until: int, market: Market, time: int) -> None:
        self.asked.append(until)
        while self.next_at <= until:
            self.now += self.cost
            self.next_at += STEP

    def begin_anew(self) -> None: ...


def playing(replay: Effort, *, speed: int) -> Player:
    return Player(
        replay,
        Recorder(),
        speed=speed,
        clock=lambda: replay.now,
        monotonic=lambda: replay.now,
        remember=lambda _position: None,
    )


@pytest.mark.parametrize("speed", SPEEDS)
def test_no_turn_takes_long_at_whatever_speed(speed: int) -> None:
    replay = Effort(cost=7)
    player = playing(replay, speed=speed)

    for _ in range(200):
        replay.now += PAUSE_MIN
        began = replay.now
        assert player.turn() > 0
        assert replay.now - began < TURN_MAX + replay.cost


def test_who_is_behind_soon_plays_on_and_never_makes_up_for_more_than_half_a_second() -> None:
    replay = Effort(cost=10)
    player = playing(replay, speed=60)
    replay.now += LAG_MAX
    pause = player.turn()
    for _ in range(5):
        replay.now += 10_000
        player.turn()

    replay.cost = 0
    played = replay.next_at
    player.turn()

    assert pause == PAUSE_BEHIND
    assert replay.next_at - played <= BEHIND


def test_a_market_is_looked_after_even_when_nothing_is_due() -> None:
    replay = Effort(cost=0)
    player = playing(replay, speed=1)
    player.begin()
    replay.asked.clear()

    player.turn()

    assert replay.asked


@pytest.mark.slow
def test_a_capture_shows_its_whole_book_again_to_a_market_that_forgot_it() -> None:
    through, forgetful = Recorder(), Recorder()
    replay, same = (CaptureReplay(lambda: read_capture(*CAPTURE)) for _ in range(2))
    replay.play(until=60_000, market=through, time=0)
    same.play(until=60_000, market=forgetful, time=0)

    forgetful.books.clear()
    same.begin_anew()
    same.play(until=60_000, market=forgetful, time=0)

    assert forgetful.books == through.books
    assert forgetful.trades == through.trades
    assert same.next_at == replay.next_at
