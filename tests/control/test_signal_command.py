"""A signal typed on the command line reaches the bot's file, and the bot takes it once."""

import signal
import time
from pathlib import Path

import pytest

from lib.control.exits import Exit
from lib.control.request import Verb
from lib.control.socket_words import Asked, read_line
from tests.control.folder import command, conf_file, folder, generation, newest
from tests.control.program import Program

WAITS = {
    "function": "dca",
    "symbol": "BTCUSDT",
    "base_order": "50 USDT",
    "take_profit": "0.5",
    "start": {"signal": "buy"},
}


def test_without_a_runner_nothing_is_signaled(tmp_path: Path) -> None:
    folder(tmp_path, generation("lisa"))

    result = command(tmp_path, "signal", "lisa", "buy")

    assert result.exit_code == Exit.ATTENTION
    assert "start the runner first" in result.stderr


def test_a_name_that_is_no_bot_is_named(tmp_path: Path) -> None:
    folder(tmp_path, generation("lisa"))

    result = command(tmp_path, "signal", "lissa", "buy")

    assert result.exit_code == Exit.ATTENTION
    assert "lissa" in result.stderr


def test_a_signal_goes_over_the_socket_with_its_request() -> None:
    asked = read_line(b'{"id":"1","verb":"signal","bots":["lisa"],"signal":"target=61000"}\n')

    assert isinstance(asked, Asked)
    request = asked.request(7)
    assert (request.verb, request.bots, request.signal) == (Verb.SIGNAL, ("lisa",), "target=61000")


@pytest.mark.slow
def test_a_signal_given_to_a_runner_that_is_killed_at_once_buys_once(tmp_path: Path) -> None:
    conf_file(tmp_path, lisa=WAITS)
    with Program(tmp_path) as program:
        program.until("lisa plan: waits: begins once the signal buy comes")
        with Program(tmp_path, "signal", "lisa", "buy") as told:
            assert told.ended() == Exit.FINE, told.output
            assert "lisa: signaled buy" in told.output
        program.stop(signal.SIGKILL)

    with Program(tmp_path) as program:
        program.until("runner start")
        until_it_holds_something(tmp_path / "ctx")
        with Program(tmp_path, "status") as shown:
            shown.ended()
    after = newest(tmp_path / "ctx", "lisa").memory
    assert 40 < after.positions["BTCUSDT"].cost < 60
    assert after.inbox.waiting == {}


def until_it_holds_something(ctx: Path) -> None:
    deadline = time.monotonic() + 30
    while not newest(ctx, "lisa").memory.positions:
        assert time.monotonic() < deadline, "nothing was bought"
        time.sleep(0.05)
