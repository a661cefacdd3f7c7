"""The paper exchange as a server of its own, and the runner pointed at it."""

import re
import signal
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import click
import orjson
import pytest

from lib.control.exits import Exit
from lib.control.simulator_command import Amounts
from tests.control.folder import command, conf_file
from tests.control.program import Program

ONE_BUY = {
    "function": "add_order",
    "order": {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quoteOrderQty": "20"},
}

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
