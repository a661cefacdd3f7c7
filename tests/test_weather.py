"""Bad weather over real sockets: the line and the exchange misbehave, the books agree all the same.

What the exchange does wrong it is told by its control commands, what the line does wrong by the
proxy between the two processes.
"""

import signal
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from lib.simulator.server.faults import (
    HTML,
    Fault,
    FaultKind,
    Rule,
    backend_timeout,
    bus_unexpected,
    delay_event,
    delay_reply,
    delay_request,
    drop_event,
    lose_reply,
    lose_request,
    repeat_event,
    spoil_reply,
    swap_event,
)
from lib.torture.arena import SETTINGS, Arena, write_conf
from tests.busy_bots import busy_bots
from tests.proxy import Proxy

pytestmark = [pytest.mark.slow, pytest.mark.timeout(200)]

LOST = "the user stream is lost"
BACK = "the user stream is back"


class Outdoors:
    """A runner that trades through a bad line."""

    def __init__(self, arena: Arena, proxy: Proxy) -> None:
        self.arena = arena
        self.proxy = proxy
        self.exchange = arena.exchange
        arena.options = ("--venue", f"http://127.0.0.1:{proxy.port}")
        self.runner = arena.start()

    def disturb(self, *faults: Fault, one_in: int = 1, times: int | None = None) -> None:
        """Have the exchange do these to requests for orders, and to events."""
        rules = [
            Rule(fault=each, path="/api/v3/order", one_in=one_in, times=times) for each in faults
        ]
        content = [rule.model_dump(mode="json") for rule in rules]
        self.exchange.command("POST", "faults", content)

    def trades_on(self) -> None:
        """Wait until something is bought or sold that was not wanted before this moment."""
        self.runner.until(" fill: ", after=time.monotonic() + 0.2)

    def audit(self) -> None:
        self.arena.kill()
        self.arena.audit()


@pytest.fixture
def outdoors(tmp_path: Path) -> Iterator[Outdoors]:
    with (
        Arena(tmp_path, {**busy_bots("a_"), **busy_bots("b_")}, seed=1) as arena,
        Proxy(arena.exchange.port) as proxy,
    ):
        outdoors = Outdoors(arena, proxy)
        outdoors.runner.until(" fill: ")
        yield outdoors


def drop_connections(outdoors: Outdoors) -> None:
    outdoors.exchange.command("POST", "drop-connections")
    outdoors.runner.until(BACK)


def reset_connections(outdoors: Outdoors) -> None:
    for _ in range(5):
        assert outdoors.proxy.reset() > 1
        time.sleep(0.3)
    outdoors.runner.until(BACK)


def lose_replies_on_the_line(outdoors: Outdoors) -> None:
    outdoors.proxy.lose_replies(4)
    wait_until(lambda: outdoors.proxy.spent)


def cut_replies_short(outdoors: Outdoors) -> None:
    outdoors.proxy.cut_replies(0, 1, 40, 300, 600)
    wait_until(lambda: outdoors.proxy.spent)


def slow_the_line_down(outdoors: Outdoors) -> None:
    outdoors.proxy.delay(0.3)
    time.sleep(3)
    outdoors.proxy.delay(0)


def answer_502_after_acceptance(outdoors: Outdoors) -> None:
    outdoors.disturb(spoil_reply(502, HTML), spoil_reply(500, ""), bus_unexpected(), times=2)
    outdoors.runner.until("doubt: .* was found: filled")


def answer_1007_after_acceptance(outdoors: Outdoors) -> None:
    outdoors.disturb(backend_timeout(), times=4)
    outdoors.runner.until("-1007.*looking for it")
    outdoors.runner.until("doubt: .* was found: filled")


def send_an_error_that_answers_nothing(outdoors: Outdoors) -> None:
    outdoors.exchange.command("POST", "null-error")
    outdoors.runner.until(BACK)


def send_a_burst(outdoors: Outdoors) -> None:
    for _ in range(5):
        outdoors.exchange.command("POST", "burst?count=1000")
    outdoors.trades_on()
    assert LOST not in outdoors.runner.output


def announce_shutdown(outdoors: Outdoors) -> None:
    outdoors.exchange.command("POST", "announce-shutdown")


@pytest.mark.parametrize(
    "weather",
    [
        drop_connections,
        reset_connections,
        lose_replies_on_the_line,
        cut_replies_short,
        slow_the_line_down,
        answer_502_after_acceptance,
        answer_1007_after_acceptance,
        send_an_error_that_answers_nothing,
        send_a_burst,
        announce_shutdown,
    ],
)
def test_the_bots_trade_on_and_the_books_agree(
    outdoors: Outdoors, weather: Callable[[Outdoors], None]
) -> None:
    weather(outdoors)

    outdoors.trades_on()
    outdoors.audit()
    assert "Traceback" not in outdoors.arena.said


@pytest.mark.long
def test_the_books_agree_after_a_day_on_which_everything_goes_wrong_at_times(
    outdoors: Outdoors,
) -> None:
    faults = (
        *(lose_request(500), lose_reply(500), delay_request(6_000), delay_reply(1_500)),
        *(spoil_reply(502, HTML), backend_timeout(), bus_unexpected()),
        *(drop_event(), repeat_event(), swap_event(), delay_event(3_000)),
        Fault(kind=FaultKind.REFUSE, status=503, body=HTML),
    )
    outdoors.disturb(*faults, one_in=12 * len(faults))
    for _ in range(5):
        time.sleep(2)
        outdoors.proxy.reset()
    outdoors.exchange.command("DELETE", "faults")

    doubts = outdoors.arena.doubts()
    outdoors.arena.await_end_of(doubts)
    outdoors.trades_on()
    outdoors.audit()


# --- a gap in the user stream: one resting order, filled while nobody tells us


ONE = {
    "patient": {
        "function": "add_order",
        "order": {
            "symbol": "BTCUSDT",
            "side": "BUY",
            "type": "LIMIT",
            "quantity": "0.01",
            "price": "60000",
        },
    }
}
FILLED = "patient fill: bought 0.01 BTC"


@pytest.fixture(params=["2s", "10m"], ids="poll {}".format)
def resting(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Outdoors]:
    """A market that moves when told to, and one order in its book."""
    with (
        Arena(tmp_path, ONE, seed=1, market="none") as arena,
        Proxy(arena.exchange.port) as proxy,
    ):
        write_conf(tmp_path, ONE, {**SETTINGS, "poll": request.param})
        arena.exchange.command("POST", "trade", trade_at("61000"))
        set_price(arena, "61000")
        outdoors = Outdoors(arena, proxy)
        outdoors.runner.until("is in the book")
        outdoors.runner.until("Resumed|in the book")
        time.sleep(0.3)
        yield outdoors


def set_price(arena: Arena, price: str) -> None:
    number = int(price)
    book = {
        "symbol": "BTCUSDT",
        "bids": [[f"{number - 1}", "5"]],
        "asks": [[f"{number}", "5"]],
    }
    arena.exchange.command("POST", "book", book)


def trade_at(price: str) -> Mapping[str, Any]:
    return {"symbol": "BTCUSDT", "price": price, "quantity": "1", "buyer_is_maker": True}


def fill(outdoors: Outdoors) -> float:
    """Have the resting order executed; answer when."""
    outdoors.exchange.command("POST", "trade", trade_at("59999"))
    (order,) = outdoors.exchange.ledger().orders.values()
    assert order["status"] == "FILLED"
    return time.monotonic()


def test_an_order_filled_behind_a_reset_stream_is_noticed_within_two_seconds(
    resting: Outdoors,
) -> None:
    assert resting.proxy.reset("user") == 1
    filled_at = fill(resting)

    assert resting.runner.until(FILLED) - filled_at < 2
    resting.audit()


def test_an_order_filled_behind_a_half_open_stream_is_noticed_by_poll_or_heartbeat(
    resting: Outdoors,
) -> None:
    assert resting.proxy.half_open("user") == 1
    filled_at = fill(resting)

    assert resting.runner.until(FILLED) - filled_at < 17
    resting.audit()


def test_an_order_filled_while_every_connection_is_half_open_is_noticed_within_20_seconds(
    resting: Outdoors,
) -> None:
    assert resting.proxy.half_open() > 2
    filled_at = fill(resting)

    assert resting.runner.until(FILLED) - filled_at < 20
    resting.audit()


@pytest.mark.parametrize("resting", ["10m"], indirect=True, ids="poll {}".format)
def test_an_order_filled_while_nothing_passed_for_20_seconds_is_noticed_within_two_after(
    resting: Outdoors,
) -> None:
    resting.proxy.freeze()
    frozen_at = time.monotonic()
    fill(resting)
    lost_at = resting.runner.until(LOST)
    time.sleep(max(0.0, frozen_at + 20 - time.monotonic()))
    resting.proxy.thaw()
    thawed_at = time.monotonic()

    assert lost_at - frozen_at < 15
    assert resting.runner.until(FILLED) - thawed_at < 2
    resting.audit()


def test_bots_trade_again_within_25_seconds_after_all_connections_went_half_open(
    outdoors: Outdoors,
) -> None:
    assert outdoors.proxy.half_open() > 10
    dead_at = time.monotonic()

    back_at = outdoors.runner.until(" fill: ", after=dead_at + 0.5)
    print(f"trading again after {back_at - dead_at:.1f} s")
    assert back_at - dead_at < 25
    outdoors.audit()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_trading_runner_within_a_second_while_its_requests_hang(
    outdoors: Outdoors, number: signal.Signals
) -> None:
    outdoors.proxy.freeze()
    time.sleep(1)

    assert outdoors.arena.kill(number) < 1
    assert outdoors.runner.process.returncode == 0
    outdoors.arena.audit()


def wait_until(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)
