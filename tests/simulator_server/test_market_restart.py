"""A paper exchange that is closed and opened again shows the market it showed before."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lib.simulator.paper.paper import PaperSettings
from tests.simulator_server.client import Client, paper_client

pytestmark = [pytest.mark.asyncio, pytest.mark.slow]

RECORDED = PaperSettings(market="candles", control=True)
SYMBOLS = ("BTCUSDT", "ETHUSDT")


async def past_of(client: Client, symbol: str, interval: str) -> list[Any]:
    """Ask for candles that are closed, whatever happens meanwhile."""
    _, rows = await client.get(f"klines?symbol={symbol}&interval={interval}&limit=300")
    return list(rows[:-2])


async def test_candles_and_trades_of_an_earlier_life_are_still_there(tmp_path: Path) -> None:
    settings = replace(RECORDED, books=tmp_path / "books")
    before: dict[tuple[str, str], list[Any]] = {}
    async with paper_client(settings) as (_, client):
        for symbol in SYMBOLS:
            for interval in ("1m", "15m", "1h", "1d", "1w"):
                before[symbol, interval] = await past_of(client, symbol, interval)
            _, before[symbol, "trades"] = await client.get(f"aggTrades?symbol={symbol}")

    async with paper_client(settings) as (_, client):
        for (symbol, kind), rows in before.items():
            assert rows
            if kind == "trades":
                _, found = await client.get(f"aggTrades?symbol={symbol}")
                assert found[: len(rows)] == rows
            else:
                after = await past_of(client, symbol, kind)
                still_shown = [row for row in rows if row[0] >= after[0][0]]
                assert after[: len(still_shown)] == still_shown


async def test_the_day_of_rest_is_the_day_of_the_candles_also_at_the_first_look() -> None:
    async with paper_client(RECORDED) as (_, client):
        _, day = await client.get("ticker/24hr?symbol=BTCUSDT")
        _, rows = await client.get("klines?symbol=BTCUSDT&interval=1h&limit=26")

        assert float(day["volume"]) > 1_000
        assert float(day["highPrice"]) <= max(float(row[2]) for row in rows)
        assert float(day["lowPrice"]) >= min(float(row[3]) for row in rows)


async def test_a_wipe_takes_the_past_away_for_good(tmp_path: Path) -> None:
    settings = replace(RECORDED, books=tmp_path / "books")
    async with paper_client(settings) as (_, client):
        assert len(await past_of(client, "BTCUSDT", "1d")) > 100
        await client.command("POST", "wipe")
        assert len(await past_of(client, "BTCUSDT", "1d")) <= 1

    async with paper_client(settings) as (_, client):
        assert len(await past_of(client, "BTCUSDT", "1d")) <= 1
