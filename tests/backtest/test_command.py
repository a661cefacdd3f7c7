"""The command as a person meets it."""

import csv
from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner, Result

from auto_trading import main

CONF = """[{"dip_buyer": {"symbol": "BTCUSDT", "quantity": 0.001, "dip": 0.002, "rebound": 0.003,
"stop": 0.01, "patience": "5h", "laps": 0}}]"""
PERIOD = ("--from", "2024-08-01", "--to", "2024-08-01T06:00")


def backtest(folder: Path, *words: str, conf: str = CONF) -> Result:
    (folder / "conf.json").write_text(conf)
    return CliRunner().invoke(main, ["backtest", "--conf", str(folder / "conf.json"), *words])


@pytest.mark.slow
def test_it_shows_what_each_bot_brought_and_writes_the_ledger(tmp_path: Path) -> None:
    result = backtest(tmp_path, *PERIOD, "--out", str(tmp_path / "out"))

    assert result.exit_code == 0, result.output
    assert "2024-08-01 00:00 to 2024-08-01 06:00 UTC, 72 bars" in result.output
    assert "dip_buyer  BTCUSDT" in result.output
    assert "account: 10000.00 became" in result.output
    lines = (tmp_path / "out" / "ledger.jsonl").read_bytes().splitlines()
    fills = [line for line in map(orjson.loads, lines) if line["kind"] == "fill"]
    with (tmp_path / "out" / "fills.csv").open() as table:
        rows = list(csv.DictReader(table))
    assert fills
    assert [row["price"] for row in rows] == [fill["price"] for fill in fills]


@pytest.mark.slow
def test_the_account_is_what_the_fills_made_of_it(tmp_path: Path) -> None:
    backtest(tmp_path, *PERIOD, "--out", str(tmp_path / "out"), "--balance", "USDT=5000,BTC=1")

    lines = [
        orjson.loads(line) for line in (tmp_path / "out/ledger.jsonl").read_bytes().splitlines()
    ]
    newest = {line["asset"]: line for line in lines if line["kind"] == "balance"}
    begun = {"USDT": 500_000_000_000, "BTC": 100_000_000}
    for line in lines:
        if line["kind"] == "fill":
            sign = 1 if line["side"] == "BUY" else -1
            begun["BTC"] += sign * _units(line["quantity"])
            begun["USDT"] -= sign * _units(line["quote"])
            begun[line["fee_asset"]] -= _units(line["fee"])
    assert {
        asset: _units(line["free"]) + _units(line["locked"]) for asset, line in newest.items()
    } == begun


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--from", "yesterday"), "2024-08-01"),
        (("--from", "2024-13-01"), "month must be in 1..12"),
        (("--from", "2024-08-02", "--to", "2024-08-01"), "not after"),
        (("--from", "2031-08-01"), "nothing was recorded then"),
        (("--volume-share", "0"), "volume share"),
        (("--latency", "soon"), "80ms"),
        (("--spread", "2"), "no share"),
        (("--data", "letter.txt"), "cannot be read as market data"),
        (("--ctx", "."), "begins in a new folder"),
        (("--ctx", "new", "--cuts", "1"), "do not go together"),
    ],
)
def test_what_cannot_be_run_is_said_and_starts_nothing(
    tmp_path: Path, words: tuple[str, ...], said: str
) -> None:
    result = backtest(tmp_path, *words)

    assert result.exit_code == 2
    assert said in result.output


def test_a_mistake_in_a_section_starts_nothing(tmp_path: Path) -> None:
    result = backtest(tmp_path, conf=CONF.replace('dip"', 'drip"'))

    assert result.exit_code == 2
    assert "drip" in result.output


def _units(amount: str) -> int:
    whole, _, part = amount.partition(".")
    return int(whole + part.ljust(8, "0"))
