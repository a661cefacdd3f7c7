"""Paper trading on a live market: another simulator plays Binance, the real runner trades."""

import urllib.request
from pathlib import Path
from typing import Any

import orjson
import pytest

from lib.conf import PaperMarket, read_conf
from lib.control.exits import Exit
from lib.control.options import Options
from lib.control.paper_choice import paper_market, paper_symbols
from tests.control.program import Program

BUY = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quoteOrderQty": "20"}
ONE_BUY = {"function": "add_order", "order": BUY}
DIPS = {
    "function": "dip_buyer",
    "symbol": "ETHUSDT",
    "quantity": "0.1",
    "dip": "0.0002",
    "rebound": "0.0002",
    "stop": "0.01",
    "patience": "2s",
    "laps": 1,
}


def live_conf(folder: Path, address: str = "", **paper: Any) -> Path:
    where = {"live_rest": address} if address else {}
    conf = {
        "paper": {"market": "live", **where, **paper},
        "bots": [{"once": ONE_BUY}, {"dips": DIPS}],
    }
    path = folder / "conf.json"
    path.write_bytes(orjson.dumps(conf))
    return path


def asked(address: str, path: str) -> Any:
    with urllib.request.urlopen(address + path, timeout=5) as answer:
        return orjson.loads(answer.read())


def test_the_live_market_shows_what_the_bots_trade_and_what_else_is_wanted(tmp_path: Path) -> None:
    conf = read_conf(live_conf(tmp_path, live_symbols=["BNBUSDT", "BTCUSDT"]))

    assert paper_symbols(conf) == ("BTCUSDT", "ETHUSDT", "BNBUSDT")


def test_the_command_line_s_market_outdoes_the_file_s(tmp_path: Path) -> None:
    conf = read_conf(live_conf(tmp_path))

    assert paper_market(Options(), conf) is PaperMarket.LIVE
    assert paper_market(Options(market="capture"), conf) is PaperMarket.CAPTURE


@pytest.mark.slow
def test_sample_bots_trade_on_the_live_market_and_no_order_leaves(tmp_path: Path) -> None:
    words = ("simulator", "--port", "0", "--control", "--speed", "600")
    with Program(tmp_path, *words) as binance:
        address = binance.until(r"http://127\.0\.0\.1:\d+")
        live_conf(tmp_path, address)
        with Program(tmp_path, "--venue", "paper") as runner:
            runner.until("paper: no real money, the real market, read only; 2 bots")
            runner.until("once .*finished")
            runner.until("dips .*fill")
            assert "Traceback" not in runner.output
        state = asked(address, "/simulator/state")

    assert state["orders"] == []
    assert (tmp_path / "ctx" / "paper.sqlite").exists()


@pytest.mark.slow
def test_check_asks_the_live_market_for_rules_and_prices(tmp_path: Path) -> None:
    with Program(tmp_path, "simulator", "--port", "0") as binance:
        address = binance.until(r"http://127\.0\.0\.1:\d+")
        live_conf(tmp_path, address)

        with Program(tmp_path, "check", "--venue", "paper") as check:
            assert check.ended() == Exit.FINE, check.output


@pytest.mark.slow
def test_a_live_market_that_cannot_be_asked_is_a_sentence(tmp_path: Path) -> None:
    live_conf(tmp_path, "http://127.0.0.1:9")

    with Program(tmp_path, "--venue", "paper") as runner:
        assert runner.ended() == Exit.ATTENTION
        assert "exchangeInfo" in runner.output
        assert "Traceback" not in runner.output


@pytest.mark.slow
def test_fees_in_bnb_on_a_recorded_market_are_refused_in_so_many_words(tmp_path: Path) -> None:
    live_conf(tmp_path, market="candles", fees_in_bnb=True)

    with Program(tmp_path, "--venue", "paper") as runner:
        assert runner.ended() == Exit.ATTENTION
        assert "BNBUSDT" in runner.output
