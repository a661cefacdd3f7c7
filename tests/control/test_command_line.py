"""The command line teaches, and costs little."""

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from auto_trading import main
from lib.control.commands import MODULES
from lib.control.exits import Exit
from tests.control.folder import ROOT, command


@pytest.mark.parametrize("name", MODULES)
def test_every_command_explains_itself(name: str) -> None:
    result = CliRunner().invoke(main, [name, "--help"])

    assert result.exit_code == Exit.FINE
    assert "Usage: " in result.stdout
    assert result.stdout.count("\n") > 6


def test_the_main_help_lists_every_command_and_every_exit_code() -> None:
    text = CliRunner().invoke(main, ["--help"]).stdout

    assert all(f"\n  {name} " in text for name in MODULES)
    assert all(f"\n    {int(code)}  " in text for code in Exit)


@pytest.mark.parametrize(
    "words", [["--speed", "0"], ["--market", "moon"], ["--nonsense"], ["nonsense"], ["bot"]]
)
def test_what_is_no_option_is_refused_with_the_usage(tmp_path: Path, words: list[str]) -> None:
    result = command(tmp_path, *words)

    assert result.exit_code == Exit.NOTHING_STARTS
    assert "Usage: " in result.stderr


@pytest.mark.slow
@pytest.mark.parametrize("words", [["--help"], ["status"], ["template"], ["bot", "x"]])
def test_commands_that_only_look_import_no_exchange_client(
    tmp_path: Path, words: list[str]
) -> None:
    program = (
        "import sys; sys.argv[0] = 'auto_trading.py'; from auto_trading import main\n"
        "try:\n    main()\n"
        "except SystemExit:\n    pass\n"
        "loaded = {'binance', 'aiohttp', 'telegram', 'sqlite3'} & sys.modules.keys()\n"
        "sys.exit(f'imported {loaded}' if loaded else 0)"
    )

    done = subprocess.run(
        [sys.executable, "-c", program, *words],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr


def test_the_entry_stays_small_enough_to_read_at_a_glance() -> None:
    assert len((ROOT / "auto_trading.py").read_text().splitlines()) <= 80
