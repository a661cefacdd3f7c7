"""What a person with keys will run, rehearsed: the same command, a paper exchange in between."""

import asyncio
import os
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from lib.simulator.paper.paper import PaperSettings, open_paper
from tests.contract.conftest import KEYLESS
from tests.contract.questions import QUESTIONS
from tests.contract.scene import GRANT, furnish

pytestmark = [pytest.mark.asyncio, pytest.mark.slow]

ROOT = Path(__file__).parents[2]
KEY, SECRET = "k" * 64, "s" * 64
COMMAND = ("-m", "pytest", "-p", "no:cacheprovider", "-k", "testnet", "tests/contract")


async def told(environment: Mapping[str, str]) -> tuple[int | None, str]:
    """Run the command of `make contract-testnet`; give its exit code and what it said."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("BINANCE_")}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *COMMAND,
        cwd=ROOT,
        env={**kept, "CONTRACT": "testnet", **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    return process.returncode, said.decode()


async def test_all_stories_are_told_at_the_pace_of_the_venue_and_leave_nothing_open() -> None:
    settings = PaperSettings(market="none", balances=GRANT, key=KEY, secret=SECRET)
    paper = await open_paper(settings)
    try:
        furnish(paper.exchange)
        code, said = await told({
            "CONTRACT_REST": paper.address,
            "CONTRACT_SOCKETS": paper.address.replace("http", "ws", 1) + "/ws-api/v3",
            "BINANCE_API_KEY": KEY,
            "BINANCE_API_SECRET": SECRET,
            "BINANCE_API_TEST": "true",
        })
        left = [order for order in paper.state["orders"] if order["status"] == "NEW"]
    finally:
        await paper.close()

    assert (code, left) == (0, []), said
    assert " skipped" not in said
    assert said.count("which agrees with") == len(QUESTIONS)


async def test_without_keys_it_says_what_it_needs() -> None:
    code, said = await told({})

    assert code == 0
    assert KEYLESS in said
    assert " passed" not in said
