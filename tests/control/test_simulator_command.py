"""The paper exchange as a server of its own, and the runner pointed at it."""

import re
import signal
import subprocess
import sys
import urllib.request
from decimal import Decimal
from pathlib import Path

import click
import orjson
import pytest

from lib.control.exits import Exit
from lib.control.simulator_command import directions
from lib.control.simulator_words import Amounts, Answer, Fees, Symbols
from tests.control.folder import command, conf_file
from tests.control.program import Program

ONE_BUY = {
    "function": "add_order",
    "order": {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quoteOrderQty": "20"},
}

KEY = {"key": "k1", "secret": "s1"}

FOREIGN = """
import asyncio
from binance import AsyncClient

AsyncClient.API_URL = "{address}/api"
AsyncClient.WS_API_URL = "{sockets}/ws-api/v3"

async def main():
    client = await AsyncClient.create("paper", "paper")
    print((await client.get_asset_balance("USDT"))["free"])
    await client.close_connection()

asyncio.run(main())
"""


def test_balances_are_read_exactly() -> None:
    read = Amounts().convert("USDT=10000, btc=0.1", None, None)

    assert read == {"USDT": Decimal(10_000), "BTC": Decimal("0.1")}


@pytest.mark.parametrize(
    "written", ["", "USDT", "USDT=", "=1", "USDT=-1", "USDT=NaN", "A=1,a=2", "USDT=1e999999999"]
)
def test_what_is_no_balance_is_refused(written: str) -> None:
    with pytest.raises(click.BadParameter):
        Amounts().convert(written, None, None)


@pytest.mark.slow
def test_the_runner_and_a_foreign_client_trade_as_the_printed_directions_say(
    tmp_path: Path,
) -> None:
    conf_file(tmp_path, once=ONE_BUY)
    words = ("simulator", "--port", "0", "--balance", "USDT=777", "--db", "books.sqlite")
    with Program(tmp_path, *words) as simulator:
        address = simulator.until(r"http://127\.0\.0\.1:\d+")
        sockets = re.search(r'WS_API_URL = "(.*)/ws-api/v3"', simulator.output)
        assert sockets

        foreign = subprocess.run(
            [sys.executable, "-c", FOREIGN.format(address=address, sockets=sockets[1])],
            capture_output=True,
            text=True,
            check=True,
        )
        assert Decimal(foreign.stdout.strip()) == 777

        with Program(tmp_path, "--venue", address) as runner:
            runner.until("once .*finished")
        assert simulator.stop(signal.SIGTERM) < 1
        assert simulator.process.returncode == Exit.FINE
        assert (tmp_path / "books.sqlite").exists()


@pytest.mark.slow
def test_check_asks_a_simulator_for_its_rules_and_the_key(tmp_path: Path) -> None:
    conf_file(tmp_path, once=ONE_BUY)
    with Program(tmp_path, "simulator", "--port", "0") as simulator:
        address = simulator.until(r"http://127\.0\.0\.1:\d+")

        with Program(tmp_path, "check", "--venue", address) as check:
            assert check.ended() == Exit.FINE, check.output
            assert f"venue {address}: no real money" in check.output


@pytest.mark.slow
def test_check_says_when_the_venue_cannot_be_asked(tmp_path: Path) -> None:
    conf_file(tmp_path, once=ONE_BUY)

    result = command(tmp_path, "check", "--venue", "http://127.0.0.1:9")

    assert result.exit_code == Exit.ATTENTION
    assert "could not be checked" in result.stderr


@pytest.mark.slow
def test_a_port_that_is_taken_is_a_sentence(tmp_path: Path) -> None:
    with Program(tmp_path, "simulator", "--port", "0") as first:
        port = first.until(r"127\.0\.0\.1:\d+").split(":")[1]

        with Program(tmp_path, "simulator", "--port", port) as second:
            assert second.ended() == Exit.NOTHING_STARTS
            assert f"cannot listen at 127.0.0.1:{port}" in second.output


@pytest.mark.slow
def test_the_json_of_status_names_a_simulator_by_its_address(tmp_path: Path) -> None:
    conf_file(tmp_path, once=ONE_BUY)
    with Program(tmp_path, "simulator", "--port", "0") as simulator:
        address = simulator.until(r"http://127\.0\.0\.1:\d+")
        with Program(tmp_path, "--venue", address) as runner:
            runner.until("once .*finished")

    found = orjson.loads(command(tmp_path, "status", "--json").stdout)
    assert [bot["venue"] for bot in found["bots"]] == [address]


def test_directions_name_the_runner_two_libraries_and_the_commands() -> None:
    plain = directions("http://h:1")
    commanded = directions("http://h:1", keys=("k1", "k2"), control="http://near:2")

    assert "--venue http://h:1" in plain
    assert 'api["ws"]["ws-api"]["spot"] = "ws://h:1/ws-api/v3"' in plain
    assert "/simulator/" not in plain
    assert "keys k1, k2" in commanded
    assert "http://near:2/simulator/state" in commanded


def test_directions_to_accounts_without_keys_name_no_key() -> None:
    assert "keys none, so nobody can trade" in directions("http://h:1", keys=())


def test_symbols_are_read_once_each() -> None:
    assert Symbols().convert("btcusdt, ETHUSDT,BTCUSDT", None, None) == ("BTCUSDT", "ETHUSDT")


def test_fees_are_shares_of_both() -> None:
    assert Fees().convert("0,0.00075", None, None) == {
        "maker_fee": Decimal(0),
        "taker_fee": Decimal("0.00075"),
    }


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ("", Symbols()),
        ("BTC/USDT", Symbols()),
        ("0.001", Fees()),
        ("1,1", Fees()),
        ("-1,0", Fees()),
        ("no_such=1", Answer()),
        ("fees_in_bnb=1", Answer()),
    ],
)
def test_what_cannot_be_read_is_refused(words: str, kind: click.ParamType[object]) -> None:
    with pytest.raises(click.BadParameter):
        kind.convert(words, None, None)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--symbols", "SOLUSDT"], "exchange_info.json has no rules of SOLUSDT"),
        (["--symbols", "BNBUSDT"], "BNBUSDT has no recording in"),
        (["--market", "capture", "--symbols", "BNBUSDT"], "BNBUSDT has no recording in"),
        (["--info", "none.json"], "none.json cannot be read"),
        (["--option", "fees_in_bnb=true"], "fees in BNB need the price of BNBUSDT"),
        (["--live-rest", "http://h"], "go with --market live"),
        (["--market", "live", "--info", "x"], "come from there, not from a file"),
        (["--market", "live", "--live-rest", "h"], "is no address of a REST API"),
        (["--market", "live", "--live-rest", "https://api.binance.com"], "real exchange"),
        (["--market", "live", "--live-rest", "http://127.0.0.1:9"], "cannot be asked"),
        (["--accounts", "none.json"], "none.json: cannot be read"),
        (["--option", "maker_fe=1"], "did you mean maker_fee?"),
    ],
)
@pytest.mark.slow
def test_what_cannot_be_served_is_a_sentence(tmp_path: Path, words: list[str], said: str) -> None:
    with Program(tmp_path, "simulator", "--port", "0", *words) as simulator:
        assert simulator.ended() == Exit.NOTHING_STARTS
        assert said in simulator.output
        assert "Traceback" not in simulator.output


def test_every_open_question_is_listed_with_its_default(tmp_path: Path) -> None:
    result = command(tmp_path, "simulator", "--list-options")

    assert result.exit_code == Exit.FINE
    assert "reused_id=open" in result.stdout.splitlines()


@pytest.mark.slow
def test_the_live_market_is_served_to_the_accounts_of_a_file(tmp_path: Path) -> None:
    accounts = {"accounts": [{"name": "a", "balances": {"USDT": 5}, "keys": [KEY]}]}
    (tmp_path / "accounts.json").write_bytes(orjson.dumps(accounts))
    with Program(tmp_path, "simulator", "--port", "0") as binance:
        there = binance.until(r"http://127\.0\.0\.1:\d+")
        words: tuple[str, ...] = ("--market", "live", "--symbols", "ETHUSDT", "--live-rest", there)
        words += ("--accounts", "accounts.json", "--fees", "0,0", "--option", "query_lag_ms=5")
        with Program(tmp_path, "simulator", "--port", "0", *words) as simulator:
            simulator.until(f"the live one of {there}, read only: ETHUSDT")
            here = re.search(r"http://127\.0\.0\.1:\d+", simulator.output)
            assert here
            with urllib.request.urlopen(f"{here[0]}/api/v3/ticker/price", timeout=5) as answer:
                assert [each["symbol"] for each in orjson.loads(answer.read())] == ["ETHUSDT"]
            assert "keys k1" in simulator.output
