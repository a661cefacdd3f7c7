"""The command that kills a person's own bots: what it says of good ones and of a bad one."""

import signal
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import bots
from auto_trading import main
from lib.control import torture_command
from lib.control.torture_command import report
from lib.torture.deaths import Deaths
from lib.torture.ordeal import Findings
from tests.busy_bots import dips, loop_of
from tests.control.folder import conf_file
from tests.control.program import Program
from tests.torture.mortal_runner import MODULE, SMALL_BOTS

DIPS = {"function": "dip_buyer", **dips("BTCUSDT", "0.001", "0.0003")}


def torture(tmp_path: Path, *words: str) -> Result:
    return CliRunner().invoke(main, ["--conf", str(tmp_path / "conf.json"), "torture", *words])


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.timeout(600)
def test_sound_bots_lose_nothing_and_the_folder_asked_for_stays(tmp_path: Path) -> None:
    conf_file(tmp_path, dip=DIPS, spender=loop_of("ETHUSDT", "BUY", quoteOrderQty="20"))
    place = tmp_path / "kept"

    done = torture(tmp_path, "all", "--kills", "6", "--seed", "3", "--folder", str(place))

    assert done.exit_code == 0, done.output
    assert "dip, spender: 6 kills, seed 3" in done.output
    assert "RESILIENT: nothing was lost, doubled or forgotten" in done.output
    assert "the same again: torture all --kills 6 --seed 3 --speed 3000" in done.output
    assert (place / "ctx" / "spender-1.json").exists()
    assert not (tmp_path / "ctx").exists()


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.timeout(600)
def test_a_forgetful_bot_is_found_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bots, "__path__", [*bots.__path__, str(SMALL_BOTS)])
    monkeypatch.setattr(torture_command, "PROGRAM", ("-m", MODULE))
    conf_file(tmp_path, lisa={"function": "forgetful", "symbol": "BTCUSDT", "quantity": "0.001"})

    done = torture(
        tmp_path, "lisa", "--kills", "20", "--seed", "1", "--folder", str(tmp_path / "x")
    )

    assert done.exit_code == 1, done.output
    assert "NOT RESILIENT" in done.output
    assert "forgotten here" in done.output
    assert "--kills 20 --seed 1" in done.output


@pytest.mark.slow
def test_a_signal_takes_runner_and_exchange_along(tmp_path: Path) -> None:
    conf_file(tmp_path, dip=DIPS)
    place = tmp_path / "kept"

    with Program(tmp_path, "torture", "dip", "--folder", str(place)) as program:
        program.until("dip: 50 kills")
        wait_until(lambda: bool(living_in(place)))
        program.stop(signal.SIGTERM)

    wait_until(lambda: not living_in(place))


def living_in(place: Path) -> list[str]:
    """Name the processes that work in a folder."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cwd"):
        with suppress(OSError):
            found += [entry.parent.name] if entry.readlink() == place else []
    return found


def wait_until(condition: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_name_that_is_none_is_refused_with_those_that_are(tmp_path: Path) -> None:
    conf_file(tmp_path, dip=DIPS)

    done = torture(tmp_path, "lisa")

    assert done.exit_code == 2
    assert "there is no bot lisa in conf.json, but dip" in done.output


def test_a_symbol_without_recorded_prices_is_refused(tmp_path: Path) -> None:
    conf_file(tmp_path, dip={**DIPS, "symbol": "SOLUSDT"})

    done = torture(tmp_path, "dip")

    assert done.exit_code == 2
    assert "dip trades SOLUSDT, and there are recorded prices of BTCUSDT and ETHUSDT" in done.output


def test_a_folder_that_holds_something_is_refused(tmp_path: Path) -> None:
    conf_file(tmp_path, dip=DIPS)

    done = torture(tmp_path, "dip", "--folder", str(tmp_path))

    assert done.exit_code == 2
    assert "is not empty" in done.output


def test_bots_that_placed_no_order_prove_nothing() -> None:
    said = "\n".join(report(Findings(deaths=Deaths({"SIGKILL while starting": 3})), "torture dip"))

    assert "NOTHING PROVEN" in said
    assert "RESILIENT" not in said
