"""What a person types to tell the bots something, with a runner at work and without one."""

import signal
from pathlib import Path

import pytest
from click.testing import CliRunner

from auto_trading import main
from lib.context_file.generation import Memory
from lib.control.commands import MODULES
from lib.control.exits import Exit
from lib.control.office_memory import read_killed
from lib.control.request import Verb
from lib.instructions import Instruction
from lib.shelf import Shelf
from tests.control.folder import command, conf_file, folder, generation, newest, order
from tests.control.program import Program
from tests.control.test_run import ONE_BUY

WORDS = [verb for verb in Verb if verb is not Verb.RELOAD]
FAR = {"symbol": "BTCUSDT", "quantity": "0.01", "dip": "0.2", "rebound": "0.1"}


def test_every_verb_but_reload_is_a_command() -> None:
    assert {str(verb) for verb in WORDS} <= MODULES.keys()


# --- without a runner


@pytest.mark.parametrize(
    ("word", "instruction", "said"),
    [
        ("pause", Instruction.PAUSE, "lisa: paused: no new entries"),
        ("stop", Instruction.STOP, "lisa: stopped: its entries are canceled"),
    ],
)
def test_a_word_without_a_runner_counts_from_the_next_start(
    tmp_path: Path, word: str, instruction: Instruction, said: str
) -> None:
    before = generation("lisa", memory=Memory(releases=3))
    ctx = folder(tmp_path, before)

    result = command(tmp_path, word, "lisa")

    assert result.exit_code == Exit.FINE
    assert "no runner is at work" in result.stdout
    assert said in result.stdout
    after = newest(ctx, "lisa")
    assert after.instruction is instruction
    assert after.memory == before.memory
    assert after.context == before.context
    assert "with the next start" in result.stdout


@pytest.mark.parametrize("word", ["resume", "start"])
def test_it_is_taken_back_without_a_runner(tmp_path: Path, word: str) -> None:
    ctx = folder(tmp_path, generation("lisa", instruction=Instruction.STOP))

    assert command(tmp_path, word, "lisa").exit_code == Exit.FINE
    assert newest(ctx, "lisa").instruction is Instruction.TRADE


def test_all_means_every_bot_that_has_a_file(tmp_path: Path) -> None:
    ctx = folder(tmp_path, generation("lisa"), generation("bart"))

    command(tmp_path, "pause", "all")

    assert {newest(ctx, name).instruction for name in ("lisa", "bart")} == {Instruction.PAUSE}


def test_a_bot_beside_the_one_that_is_named_is_left_alone(tmp_path: Path) -> None:
    ctx = folder(tmp_path, generation("lisa"), generation("bart"))

    command(tmp_path, "pause", "bart")

    assert newest(ctx, "lisa").instruction is Instruction.TRADE


def test_a_kill_without_a_runner_counts_from_the_next_start(tmp_path: Path) -> None:
    ctx = folder(tmp_path, generation("lisa"))

    assert "until `unkill`" in command(tmp_path, "kill").stdout
    killed = read_killed(ctx)
    assert killed is not None
    assert killed.by.endswith("by command")
    assert "the bots go on" in command(tmp_path, "unkill").stdout
    assert read_killed(ctx) is None
    assert "it was not killed" in command(tmp_path, "unkill").stdout


@pytest.mark.parametrize(
    "words", [("flatten", "lisa", "--yes"), ("cancel", "lisa"), ("kill", "--flatten", "--yes")]
)
def test_what_needs_the_exchange_is_not_done_without_a_runner(
    tmp_path: Path, words: tuple[str, ...]
) -> None:
    ctx = folder(tmp_path, generation("lisa"))
    before = newest(ctx, "lisa")

    result = command(tmp_path, *words)

    assert result.exit_code == Exit.ATTENTION
    assert "nothing was done" in result.stderr
    assert newest(ctx, "lisa") == before
    assert read_killed(ctx) is None


def test_a_flattened_bot_is_not_let_go_on_in_the_middle(tmp_path: Path) -> None:
    ctx = folder(tmp_path, generation("lisa", instruction=Instruction.FLATTEN))

    result = command(tmp_path, "resume", "lisa")

    assert "`start` it while a runner is at work" in result.stdout
    assert newest(ctx, "lisa").instruction is Instruction.FLATTEN


def test_a_finished_bot_takes_no_word_without_a_runner(tmp_path: Path) -> None:
    ctx = folder(tmp_path, generation("lisa", finished=True))

    assert "lisa: it is finished" in command(tmp_path, "pause", "lisa").stdout
    assert newest(ctx, "lisa").instruction is Instruction.TRADE


# --- with words that mean nothing


@pytest.mark.parametrize("word", ["pause", "flatten", "cancel", "start"])
def test_a_name_that_is_no_bots_is_told_with_those_there_are(tmp_path: Path, word: str) -> None:
    folder(tmp_path, generation("lisa"))

    result = command(tmp_path, word, "lsia")

    assert result.exit_code == Exit.ATTENTION
    assert "has no bot lsia: there are lisa" in result.stderr


def test_a_command_without_a_name_says_how_it_is_used(tmp_path: Path) -> None:
    result = command(tmp_path, "pause")

    assert result.exit_code == Exit.NOTHING_STARTS
    assert "NAME|all" in result.stderr


@pytest.mark.parametrize("words", [("flatten", "lisa"), ("kill", "--flatten")])
@pytest.mark.parametrize("answer", ["n\n", ""])
def test_nothing_is_sold_without_a_yes(tmp_path: Path, words: tuple[str, ...], answer: str) -> None:
    ctx = folder(tmp_path, generation("lisa"))

    assert command(tmp_path, *words, answer=answer).exit_code == Exit.ATTENTION
    assert newest(ctx, "lisa").instruction is Instruction.TRADE


def test_a_runner_that_does_not_listen_is_not_written_under(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lib.control.socket_client.AGAIN_FOR", 0.0)
    ctx = folder(tmp_path, generation("lisa"))
    shelf = Shelf.open(ctx, allow_volatile=True)

    result = command(tmp_path, "pause", "lisa")

    shelf.close()
    assert result.exit_code == Exit.ATTENTION
    assert "does not listen" in result.stderr
    assert newest(ctx, "lisa").instruction is Instruction.TRADE


# --- how they stand


def test_bots_are_listed_one_a_line_with_what_they_were_told(tmp_path: Path) -> None:
    folder(tmp_path, generation("lisa"), generation("bart"))
    conf_file(tmp_path)

    result = command(tmp_path, "bots")

    assert result.stdout.splitlines()[-2:] == ["bart: stopped, not in conf.json", "lisa: stopped"]


def test_status_says_who_said_what(tmp_path: Path) -> None:
    folder(
        tmp_path,
        generation("lisa", instruction=Instruction.PAUSE, told_by="pi", told_at=1_700_000_000_000),
    )
    command(tmp_path, "kill")

    shown = command(tmp_path, "status").stdout

    assert "killed since" in shown
    assert "paused by you since" in shown
    assert "(pi)" in shown


def test_logs_without_a_runner_say_where_they_are(tmp_path: Path) -> None:
    folder(tmp_path, generation("lisa"))

    result = command(tmp_path, "logs")

    assert result.exit_code == Exit.ATTENTION
    assert "journalctl --user -u auto_trading" in result.stderr


def test_the_names_of_bots_are_completed(tmp_path: Path) -> None:
    ctx = folder(tmp_path, generation("lisa"), generation("lucy"), generation("bart"))
    environ = {
        "_AUTO_TRADING_COMPLETE": "bash_complete",
        "COMP_WORDS": f"auto_trading --ctx {ctx} pause l",
        "COMP_CWORD": "4",
    }

    result = CliRunner().invoke(main, [], env=environ, prog_name="auto_trading")

    assert result.stdout.splitlines() == ["plain,lisa", "plain,lucy"]


# --- with a runner at work


@pytest.mark.slow
def test_a_kill_outlives_the_runner_until_it_is_taken_back(tmp_path: Path) -> None:
    conf_file(tmp_path, once={"function": "add_order", **ONE_BUY})
    with Program(tmp_path, "kill") as killing:
        assert killing.ended() == Exit.ATTENTION  # there is no ctx folder to keep it in
    (tmp_path / "ctx").mkdir(mode=0o700)
    with Program(tmp_path, "kill") as killing:
        assert killing.ended() == Exit.FINE
    for _ in range(2):
        with Program(tmp_path) as program:
            program.until("killed by .*: no order leaves until you say `unkill`")
            program.stop(signal.SIGKILL)

    with Program(tmp_path) as program:
        program.until("once plan: ")
        with Program(tmp_path, "unkill") as freeing:
            assert freeing.ended() == Exit.FINE
            assert "the bots go on" in freeing.output
        program.until("once .*finished")
    assert read_killed(tmp_path / "ctx") is None


@pytest.mark.slow
def test_a_bot_is_told_and_asked_about_while_the_runner_trades(tmp_path: Path) -> None:
    conf_file(tmp_path, far={"function": "dip_buyer", **FAR})

    def told(*words: str) -> str:
        with Program(tmp_path, *words) as program:
            assert program.ended() == Exit.FINE, program.output
            return program.output

    with Program(tmp_path) as program:
        program.until("far order: .* is in the book")

        assert "far: paused" in told("pause", "far")
        assert "far: paused" in told("bots")
        assert "far: stopped: its entries are canceled" in told("stop", "all")
        program.until("far order: .* canceled: stopped by you")
        assert "far: goes on" in told("start", "far")
        program.until("(?s)canceled: stopped by you.*far order: .* is in the book")
        assert "far: is being canceled: BUY 0.01" in told("cancel", "far")
        program.until("far order: .* canceled: canceled by you")
        assert "far: it is being flattened" in told("flatten", "far", "--yes")
        program.until("far result: flattened")
        assert "far: flattened" in told("bots")
        assert "result: flattened" in told("logs", "far")


@pytest.mark.slow
def test_a_watched_status_is_shown_again_and_again_until_it_is_stopped(tmp_path: Path) -> None:
    folder(tmp_path, generation("lisa"))
    with Program(tmp_path, "status", "--watch") as watching:
        watching.until("(?s)lisa.*lisa")

        assert watching.stop(signal.SIGINT) < 2


def test_an_order_that_is_out_is_shown_as_before(tmp_path: Path) -> None:
    from lib.orders import OrderState

    folder(tmp_path, generation("lisa", order(OrderState.OPEN), instruction=Instruction.STOP))

    shown = command(tmp_path, "status").stdout

    assert "BUY 0.01 BTCUSDT at 60000: open" in shown
    assert "stopped by you since" in shown
