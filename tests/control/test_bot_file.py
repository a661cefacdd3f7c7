"""`bot` shows the newest generation as it is."""

from pathlib import Path

import orjson

from lib.context_file.generation import decode
from lib.control.exits import Exit
from lib.orders import OrderState
from tests.control.folder import command, folder, generation, newest, order, parked


def test_the_newest_generation_is_shown_whole_and_indented(tmp_path: Path) -> None:
    ctx = folder(tmp_path, generation("lisa", order(OrderState.OPEN)))

    result = command(tmp_path, "bot", "lisa")

    assert result.exit_code == Exit.FINE
    assert decode(orjson.loads(result.stdout)) == newest(ctx, "lisa")
    assert "\n  " in result.stdout


def test_of_a_parked_bot_the_reason_and_the_place_in_the_code_come_too(tmp_path: Path) -> None:
    folder(tmp_path, generation(parked=parked("KeyError", "'price'")))

    result = command(tmp_path, "bot", "lisa")

    assert "KeyError: 'price'" in result.stderr
    assert "Traceback: line 12" in result.stderr


def test_it_may_be_asked_while_a_runner_is_at_work(tmp_path: Path) -> None:
    from lib.shelf import Shelf

    shelf = Shelf.open(folder(tmp_path, generation()), allow_volatile=True)

    assert command(tmp_path, "bot", "lisa").exit_code == Exit.FINE
    shelf.close()


def test_a_corrupt_file_is_a_sentence(tmp_path: Path) -> None:
    (folder(tmp_path) / "lisa.json").write_bytes(b"rubbish")

    result = command(tmp_path, "bot", "lisa")

    assert result.exit_code == Exit.ATTENTION
    assert result.stderr.startswith("lisa: CorruptContext")


def test_a_secret_that_crept_into_a_traceback_is_not_shown(tmp_path: Path) -> None:
    wrong = parked("KeyError", "https://x/order?signature=deadbeef0123")
    folder(tmp_path, generation(parked=wrong))

    assert "deadbeef" not in command(tmp_path, "bot", "lisa").output


def test_the_name_may_stand_before_or_after_the_folder(tmp_path: Path) -> None:
    ctx = folder(tmp_path, generation())
    from click.testing import CliRunner

    from auto_trading import main

    result = CliRunner().invoke(main, ["bot", "lisa", "--ctx", str(ctx)])

    assert result.exit_code == Exit.FINE
