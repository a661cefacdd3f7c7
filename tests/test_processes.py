"""Runner and exchange as real processes, killed at any moment: the books agree to the last digit.

More kills: KILLS=200 SEEDS=10, or `make torture`.
"""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lib.orders import orders_inside
from lib.torture.arena import Arena, median
from lib.torture.audit import BooksDiffer, contexts_in
from lib.torture.deaths import WAVE, in_waves
from tests.busy_bots import busy_bots
from tests.paper_arena import PaperArena

KILLS = int(os.environ.get("KILLS", "40"))
SEEDS = int(os.environ.get("SEEDS", "1"))
pytestmark = [pytest.mark.slow, pytest.mark.timeout(200 + 4 * KILLS)]


@pytest.fixture(params=range(SEEDS), ids="seed {}".format)
def arena(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Arena]:
    with Arena(tmp_path, busy_bots("a_"), seed=request.param) as arena:
        yield arena


def test_no_order_is_lost_or_doubled_by_kills_at_any_moment(arena: Arena) -> None:
    live_and_die(arena, KILLS)
    settled = arena.settle()

    print(f"{len(settled.orders)} orders, median recovery {median(arena.recoveries):.2f} s")
    assert any(g.memory.former for g in contexts_in(arena.ctx)), "no kill hit an unsent order"
    assert len(settled.orders) > KILLS


def test_sigterm_leaves_the_same_resumable_files_as_a_kill(arena: Arena) -> None:
    for _ in in_waves(arena, fresh_bots, max(10, KILLS // 10)):
        arena.live_a_while()

        assert arena.kill(signal.SIGTERM) < 1
        arena.audit()

    assert "Traceback" not in arena.said


@pytest.mark.long
def test_a_runner_stopped_for_longer_than_the_fence_goes_on_as_if_nothing_had_happened(
    arena: Arena,
) -> None:
    runner = arena.start()
    for _ in range(max(2, KILLS // 50)):
        runner.until(" fill: ")
        time.sleep(arena.chance.uniform(0, 0.5))
        runner.stop()
        arena.audit()
        time.sleep(8)
        runner.send(signal.SIGCONT)

        runner.until(" fill: ", after=time.monotonic())
    arena.kill()
    arena.audit()


@pytest.mark.long
def test_no_order_is_lost_or_doubled_when_the_exchange_is_killed_under_the_runner(
    arena: Arena,
) -> None:
    for crowd in range(3):
        arena.renew(busy_bots(f"e{crowd}_"))
    arena.recall()
    runner = arena.start()
    for _ in range(max(4, KILLS // 20)):
        runner.until(" fill: ", after=time.monotonic())
        time.sleep(arena.chance.uniform(0, 0.5))
        arena.exchange.kill()
        time.sleep(arena.chance.choice((0, 0.3, 2)))
        arena.exchange.start()
    doubts = arena.doubts()
    arena.await_end_of(doubts)
    runner.until(" fill: ", after=time.monotonic())

    arena.kill()
    arena.audit()
    assert doubts, "no kill met a request in flight"


@pytest.mark.long
def test_no_order_is_lost_or_doubled_when_both_processes_are_killed_at_once(arena: Arena) -> None:
    for _ in in_waves(arena, fresh_bots, max(8, KILLS // 10)):
        arena.live_a_while()
        arena.exchange.process.send(signal.SIGKILL)
        arena.kill()
        arena.exchange.kill()
        arena.exchange.start()

        arena.audit()


@pytest.mark.long
def test_on_paper_the_books_inside_the_process_agree_after_every_kill(tmp_path: Path) -> None:
    with PaperArena(tmp_path, {}, seed=1) as arena:
        for _ in in_waves(arena, fresh_bots, max(20, KILLS // 5)):
            arena.live_a_while()
            arena.kill()
            ledger = arena.audit()

    assert any(order["status"] == "FILLED" for order in ledger.orders.values())


CARELESS = """
import sys, lib.dealing.dealer
async def look_for(floor, order):
    return None
lib.dealing.dealer.look_for = look_for
from auto_trading import main
sys.exit(main())
"""


def test_the_audit_catches_a_runner_that_sends_again_without_looking(arena: Arena) -> None:
    arena.program = ("-c", CARELESS)

    with pytest.raises(BooksDiffer, match="given up as never accepted, and was accepted"):
        live_and_die(arena, 60)


@pytest.mark.parametrize("bot", ["dips", "soak"])
def test_a_lap_that_has_begun_is_finished_when_the_conf_allows_fewer_laps(
    tmp_path: Path, bot: str
) -> None:
    name = f"btc_{bot}"
    section = {**busy_bots()[name]}
    with Arena(tmp_path, {name: section}, seed=1) as arena:
        runner = arena.start()
        third = runner.until("turn 2 is done" if bot == "soak" else "result: lap 2 brought")
        runner.until("order: SELL .* is in the book", after=third)
        arena.kill()

        arena.renew({name: {**section, "loop" if bot == "soak" else "laps": 1}})
        arena.start().until("finished")
        arena.kill()
        arena.audit()
        (context,) = contexts_in(arena.ctx)
        assert all(order.final for order in orders_inside(context.context))


def fresh_bots(wave: int) -> dict[str, Any]:
    return busy_bots(f"k{wave}_")


def live_and_die(arena: Arena, kills: int) -> None:
    """Kill the runner so many times, with fresh bots and an audit now and then."""
    for kill in in_waves(arena, fresh_bots, kills):
        arena.live_a_while()
        arena.kill()
        if kill % WAVE == WAVE - 1:
            arena.audit()
