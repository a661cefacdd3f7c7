"""`backtest --sweep` as a person meets it."""

import csv
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner, Result

from auto_trading import main
from lib.control.sweep_lines import summary
from lib.control.sweep_words import report
from lib.sweep.ranking import ranking_of
from lib.sweep.sweep import Advance
from lib.sweep.trial import Ending, State, Trial
from lib.sweep.windows import Walk
from tests.sweep.processes import living
from tests.sweep.scenes import DAY, Crew, formula, plan_of, swept

ROOT = Path(__file__).parents[2]
CONF = """[{"dip_buyer": {"symbol": "BTCUSDT", "quantity": 0.001, "dip": 0.002, "rebound": 0.003,
"stop": 0.01, "patience": "5h", "laps": 0}}]"""
PERIOD = ("--from", "2024-08-01", "--to", "2024-08-03")
DIPS = ("--sweep", "dip_buyer.dip=0.002,0.004")


def words(folder: Path, *more: str) -> list[str]:
    (folder / "conf.json").write_text(CONF)
    out = [] if "--out" in more else ["--out", str(folder / "out")]
    return ["backtest", "--conf", str(folder / "conf.json"), *PERIOD, *out, *more]


def backtest(folder: Path, *more: str) -> Result:
    return CliRunner().invoke(main, words(folder, *more))


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--sweep", "dip_buyer"), "is not like dip_buyer.dip=0.001,0.002"),
        (("--sweep", "dip_bayer.dip=1"), "did you mean dip_buyer"),
        (("--sweep", "dip_buyer.drip=0.1,0.2"), "not one combination can be tried: dip_buyer.drip"),
        (("--sweep", "dip_buyer.dip=7,8"), "found 7, expected less than 1"),
        ((*DIPS, "--sweep", "dip_buyer.dip=0.1"), "the same setting"),
        ((*DIPS, "--metric", "sharp"), "did you mean sharpe"),
        ((*DIPS, "--search", "random"), "needs --trials N"),
        ((*DIPS, "--walk-forward", "60d"), "is not like 60d,20d"),
        ((*DIPS, "--walk-forward", "60d,20d"), "the period has 2 days, a window needs 80"),
        ((*DIPS, "--anchored"), "--walk-forward 60d,20d"),
        ((*DIPS, "--news"), "--news and --sweep do not go together"),
        ((*DIPS, "--ctx", "x"), "--ctx and --sweep do not go together"),
        ((*DIPS, "--jobs", "2", "--dask", "tcp://127.0.0.1:9"), "not with --dask"),
        ((*DIPS, "--from", "2031-01-01", "--to", "2032-01-01"), "nothing was recorded then"),
        (("--trials", "3"), "--trials is an option of a sweep"),
        (("--search", "bayes"), "--search is an option of a sweep"),
    ],
)
def test_what_cannot_be_swept_is_said_and_leaves_nothing_behind(
    tmp_path: Path, more: tuple[str, ...], said: str
) -> None:
    result = backtest(tmp_path, *more)

    assert result.exit_code == 2
    assert said in result.output
    assert not (tmp_path / "out").exists()


def test_a_sweep_needs_a_folder_and_says_why(tmp_path: Path) -> None:
    (tmp_path / "conf.json").write_text(CONF)

    result = CliRunner().invoke(
        main, ["backtest", "--conf", str(tmp_path / "conf.json"), *PERIOD, *DIPS]
    )

    assert result.exit_code == 2
    assert "a sweep needs --out FOLDER" in result.output


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """Copy the program: a sweep goes on with the program it began with, and with no other."""
    copy = tmp_path / "program"
    for folder in ("lib", "bots"):
        no_cache = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / folder, copy / folder, ignore=no_cache)
    shutil.copy(ROOT / "auto_trading.py", copy)
    (copy / "data").symlink_to(ROOT / "data")
    return copy


def begun(program: Path, folder: Path, *more: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "auto_trading.py", *words(folder, *more)], cwd=program,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip


def wait_for_a_row(running: subprocess.Popen[str], out: Path) -> None:
    rows = out / "rows.jsonl"
    while not (rows.exists() and rows.read_bytes().count(b"\n")) and running.poll() is None:
        time.sleep(0.02)


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_a_sweep_ranks_real_back_tests_and_goes_on_after_a_kill(
    tmp_path: Path, program: Path
) -> None:
    more = (*DIPS, "--sweep", "dip_buyer.rebound=0.004,-1", "--metric", "total_return")
    calm, _ = begun(program, tmp_path, *more, "--out", str(tmp_path / "calm")).communicate()

    killed = begun(program, tmp_path, *more, "--jobs", "2")
    wait_for_a_row(killed, tmp_path / "out")
    os.kill(killed.pid, signal.SIGKILL)
    killed.communicate()
    again, complaint = begun(program, tmp_path, *more, "--jobs", "1").communicate()

    assert complaint == ""
    assert "refused: 2 of 4" in calm
    assert "dip_buyer.rebound: found -1, expected more than 0" in calm
    assert "going on: " in again
    for name in ("ranking.csv", "ranking.json", "heat_map.svg"):
        assert (tmp_path / "out" / name).read_bytes() == (tmp_path / "calm" / name).read_bytes()
    table = list(csv.DictReader((tmp_path / "out" / "ranking.csv").read_text().splitlines()))
    assert [row["state"] for row in table] == ["done", "done", "refused", "refused"]
    whole = orjson.loads((tmp_path / "out" / "ranking.json").read_bytes())
    assert whole["ranking"][0]["tried"]["fills"] > 0


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_ctrl_c_leaves_a_folder_that_can_go_on_and_no_process(tmp_path: Path) -> None:
    many = ("--sweep", "dip_buyer.dip=0.001..0.009/0.0001", "--jobs", "2")
    running = begun(ROOT, tmp_path, *many)
    wait_for_a_row(running, tmp_path / "out")

    os.killpg(running.pid, signal.SIGINT)
    _, complaint = running.communicate()

    assert running.returncode == 1
    assert "trials are kept, the same command goes on" in complaint
    assert "Traceback" not in complaint
    assert (tmp_path / "out" / "rows.jsonl").read_bytes().endswith(b"\n")
    assert living(running.pid) == []


# --- what a person reads


def told(path: Path, crew: Crew | None = None, walk: Walk | None = None) -> str:
    folder = swept(plan_of(walk=walk), path, crew)
    return "\n".join(report(ranking_of(folder.plan, folder.endings), path, coloured=False))


def test_the_table_names_the_best_first_and_what_it_is_worth(tmp_path: Path) -> None:
    text = told(tmp_path)

    lines = text.splitlines()
    assert lines[0] == (
        "sweep: 2024-01-01 to 2024-02-10 UTC, 12 combinations, best total_return first"
    )
    assert lines[2].split()[:3] == ["1", "0.002", "0.003"]
    assert "probability of overfitting" in text
    assert "deflated Sharpe ratio" in text


def test_over_fitting_is_warned_of_with_its_numbers(tmp_path: Path) -> None:
    def luck(trial: Trial) -> Ending:
        ending = formula(trial)
        assert ending.figures is not None
        if trial.key.sample == "tried":
            return ending
        worse = {"total_return": -(ending.figures.metrics["total_return"] or 0)}
        return Ending(trial.key, State.DONE, "", type(ending.figures)(worse, ()))

    text = told(tmp_path, Crew(luck), Walk(20 * DAY, 10 * DAY))

    assert "WARNING: over-fitted by 2 of 2 signs" in text
    assert "rank correlation             -1.00, should be at least 0.3  <- no" in text
    assert "judged in a row: -" in text


def test_every_line_fits_a_terminal(tmp_path: Path) -> None:
    text = told(tmp_path, walk=Walk(10 * DAY, 10 * DAY))

    assert max(map(len, text.splitlines())) <= 130


def test_what_is_left_is_told_with_a_guess_of_how_long() -> None:
    assert summary(Advance(10, 40, 4), 60) == "10 of 40 trials, 30 left, about 5m 0s"
    assert summary(Advance(40, 40, 0), 60) == "40 of 40 trials, 0 left"
    assert summary(Advance(4, 40, 4), 1) == "4 of 40 trials, 36 left"
