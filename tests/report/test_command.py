"""`backtest --out` and `compare`, as a person meets them."""

from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner, Result

from auto_trading import main

CONF = """[{"lisa": {"function": "dip_buyer", "symbol": "BTCUSDT", "quantity": 0.001, "dip": 0.002,
"rebound": 0.003, "stop": 0.01, "patience": "5h", "laps": 0, "budget": 500}}]"""
PERIOD = ("--from", "2024-08-01", "--to", "2024-08-02")
FILES = {"report.html", "result.json", "equity.csv", "trades.csv", "monthly.csv"}


def run(*words: object) -> Result:
    return CliRunner().invoke(main, [*map(str, words)])


def backtest(folder: Path, name: str, *words: str) -> tuple[Path, Result]:
    (folder / "conf.json").write_text(CONF)
    out = folder / name
    return out, run("backtest", "--conf", folder / "conf.json", *PERIOD, "--out", out, *words)


@pytest.mark.slow
def test_a_report_is_written_and_two_of_them_compared(tmp_path: Path) -> None:
    first, told = backtest(tmp_path, "first")
    second, _ = backtest(tmp_path, "second", "--risk-free", "5%", "--fees", "0,0")

    compared = run("compare", first, second, "--json")

    assert told.exit_code == compared.exit_code == 0, told.output
    assert "sharpe" in told.output
    assert {path.name for path in first.iterdir()} >= FILES
    found = orjson.loads(compared.output)
    assert {"risk_free", "options.maker_fee"} <= set(found["differences"])
    assert found["figures"]["lisa"]["began"] == ["500", "500"]
    assert found["figures"]["lisa"]["fees"][1] == "0"
    one, other = found["figures"][""]["profit"]
    assert float(one) < float(other)


@pytest.mark.slow
def test_the_same_words_write_the_same_report_byte_for_byte(tmp_path: Path) -> None:
    first, _ = backtest(tmp_path, "first")
    second, _ = backtest(tmp_path, "second")

    assert {path.name: path.read_bytes() for path in first.iterdir()} == {
        path.name: path.read_bytes() for path in second.iterdir()
    }


@pytest.mark.slow
def test_cuts_of_the_power_change_no_trade_in_the_report(tmp_path: Path) -> None:
    calm, _ = backtest(tmp_path, "calm")
    cut, _ = backtest(tmp_path, "cut", "--cuts", "5")

    def trading(folder: Path) -> list[list[str]]:
        rows = [line.split(",") for line in (folder / "trades.csv").read_text().splitlines()]
        return [row[:6] for row in rows]  # times may differ

    assert trading(calm) == trading(cut)


def test_a_run_of_which_nothing_is_left_to_divide_by_is_told_with_dashes() -> None:
    from lib.control.figure_words import figure

    assert figure("sharpe", None) == "–"
    assert figure("win_rate", 0.5) == "50.00 %"
    assert figure("total_return", 0.5) == "+50.00 %"
    assert figure("max_drawdown_days", 1.25) == "1.2 d"
    assert figure("fees", "12.345") == "12.35"
    assert figure("fills", 3) == "3"
