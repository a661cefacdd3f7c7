"""The tutorial, read line by line: what needs no network is run as it stands there."""

import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

from auto_trading import main
from lib.conf import read_conf
from tests.control.program import Program
from tests.test_documents import blocks

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs/tutorial.md").read_text(encoding="utf-8")
COMMANDS = [line for block in blocks(PAGE, "sh") for line in block.splitlines()]
AFAR = ("collect", "https://", "--venue testnet", "--venue live", "--market live")
RUNS = re.compile(r"auto_trading\.py --venue")  # without end


def words_of(command: str) -> list[str]:
    prefix, *words = shlex.split(command)[1:]
    assert prefix == "auto_trading.py"
    return words


def offline(command: str) -> bool:
    return not any(word in command for word in AFAR)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand in a folder of one's own, with the program's recordings and the tutorial's conf."""
    (tmp_path / "data").symlink_to(ROOT / "data")
    (tmp_path / "tutorial.json").write_text(blocks(PAGE, "json")[0], encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.slow
def test_every_command_that_ends_by_itself_runs_in_the_order_of_the_page(folder: Path) -> None:
    commands = [each for each in COMMANDS if offline(each) and not RUNS.search(each)]
    told = []

    for command in commands:
        result = CliRunner().invoke(main, words_of(command))
        assert result.exit_code == 0, f"{command}\n{result.output}"
        told.append(result.output)

    assert len(commands) > 8
    assert "backtest: 2024-08-01 00:00 to 2024-08-04 00:00 UTC, 864 bars" in "".join(told)
    assert "bitcoin_dips" in told[-1]
    assert (folder / "tutorial_result" / "ledger.jsonl").exists()


@pytest.mark.slow
def test_the_bot_of_the_page_trades_on_paper_and_goes_on_after_a_kill(folder: Path) -> None:
    (paper,) = (each for each in COMMANDS if offline(each) and RUNS.search(each))

    with Program(folder, *words_of(paper)) as first:
        first.until("bitcoin_dips .*is in the book")
    with Program(folder, *words_of(paper)) as second:
        second.until("Resumed 1 bot")
        assert "Traceback" not in second.output


def test_the_conf_of_the_page_is_without_a_mistake_and_limited(folder: Path) -> None:
    conf = read_conf(folder / "tutorial.json")

    assert conf.held_back == ()
    assert conf.settings.limits is not None
    assert conf.settings.limits.watches_losses


def test_no_step_before_the_last_one_can_cost_anything() -> None:
    before = PAGE[: PAGE.index("## 7.")]

    assert "--venue live" not in before
    assert PAGE.count("--venue live") > 0
