"""A back-test under rules of another exchange: another symbol, other filters."""

import gzip
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
import pytest
from click.testing import CliRunner

from auto_trading import main
from lib.backtest.backtest import Outcome, run_backtest
from lib.backtest.ledger import OrderLine, RefusalLine
from lib.backtest.settings import BacktestSettings
from lib.control.refusal_lines import refusal_lines
from lib.simulator.paper.paper_settings import DATA
from lib.simulator.paper.recorded_market import INFO_FILE
from tests.backtest.scenes import BEGIN, SPAN, conf_of, order_conf
from tests.swinging import with_small_bots

ORDER = {"symbol": "TEAEUR", "side": "BUY", "type": "LIMIT", "time_in_force": "GTC"}


@pytest.fixture(autouse=True)
def _small_bots(monkeypatch: pytest.MonkeyPatch) -> None:
    with_small_bots(monkeypatch)


@pytest.fixture
def tea(tmp_path: Path) -> Path:
    """A folder with candles of TEAEUR at 40 and then 38 euros, and other rules beside it."""
    info = orjson.loads((DATA / INFO_FILE).read_bytes())
    entry = next(each for each in info["symbols"] if each["symbol"] == "BTCUSDT")
    entry |= {"symbol": "TEAEUR", "baseAsset": "TEA", "quoteAsset": "EUR"}
    for rule in entry["filters"]:
        rule |= CHANGED.get(rule["filterType"], {})
    (tmp_path / "rules.json").write_bytes(orjson.dumps({**info, "symbols": [entry]}))
    rows = [f"{BEGIN + n * SPAN},{p},{p},{p},{p},1000" for n, p in enumerate((40, 40, 38, 38))]
    text = "\n".join(["open_time,open,high,low,close,volume", *rows, ""])
    (tmp_path / "candles").mkdir()
    with gzip.open(tmp_path / "candles" / "TEAEUR-5m-1.csv.gz", "wt") as file:
        file.write(text)
    return tmp_path


CHANGED: dict[str, dict[str, Any]] = {
    "PRICE_FILTER": {"tickSize": "0.50000000", "minPrice": "0.50000000"},
    "LOT_SIZE": {"stepSize": "2.00000000", "minQty": "2.00000000"},
    "NOTIONAL": {"minNotional": "100.00000000"},
}


def played(folder: Path, **bots: dict[str, Any]) -> Outcome:
    settings = BacktestSettings(
        data=folder, info=folder / "rules.json", balances={"EUR": Decimal(1_000)}
    )
    return run_backtest(settings, conf_of(bots))


def test_amounts_follow_the_ticks_and_lots_of_those_rules(tea: Path) -> None:
    rests = order_conf(**{**ORDER, "quantity": "5", "price": "38.9"})

    outcome = played(tea, rests=rests)

    first = next(line for line in outcome.ledger.lines if isinstance(line, OrderLine))
    assert (Decimal(first.quantity), Decimal(first.price)) == (Decimal(4), Decimal("38.5"))
    assert sum(Decimal(fill.quantity) for fill in outcome.ledger.fills) == 4
    assert outcome.left["TEA"] == Decimal(4) - Decimal("0.004")


def test_what_those_rules_forbid_is_refused_under_their_name(tea: Path) -> None:
    small = order_conf(**{**ORDER, "quantity": "2", "price": "38"})

    outcome = played(tea, small=small)

    (line,) = (line for line in outcome.ledger.lines if isinstance(line, RefusalLine))
    assert (line.bot, line.symbol, line.request, line.code) == ("small", "TEAEUR", "NOTIONAL", 0)
    assert list(refusal_lines(outcome.ledger)) == [f"small: refused once by NOTIONAL: {line.text}"]


def test_the_command_takes_rules_from_a_file(tea: Path) -> None:
    conf = tea / "conf.json"
    dips = {"symbol": "TEAEUR", "quantity": 4, "dip": 0.02, "rebound": 0.1, "stop": 0.5,
            "patience": "5h", "laps": 1}  # fmt: skip
    conf.write_bytes(orjson.dumps([{"dip_buyer": dips}]))
    words = ("--data", str(tea), "--info", str(tea / "rules.json"), "--balance", "EUR=1000")

    result = CliRunner().invoke(main, ["backtest", "--conf", str(conf), *words])

    assert result.exit_code == 0, result.output
    assert "TEAEUR" in result.output
    assert "account: 1000.00 became" in result.output
    assert "EUR" in result.output
