"""Each story is told three times: to the engine, to the server, and to the testnet if asked for."""

import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
import pytest_asyncio

from lib.simulator.options import Options
from tests.contract.client import Client
from tests.contract.engine import EngineClient
from tests.contract.sockets import server_client, testnet_client
from tests.contract.trader import Trader

ASKED = os.environ.get("CONTRACT") == "testnet"
KEY, SECRET = os.environ.get("BINANCE_API_KEY", ""), os.environ.get("BINANCE_API_SECRET", "")
IS_TESTNET = os.environ.get("BINANCE_API_TEST", "").lower() == "true"
UNASKED = "the real testnet is asked by: make contract-testnet"
KEYLESS = (
    "the testnet needs BINANCE_API_KEY, BINANCE_API_SECRET and BINANCE_API_TEST=true "
    "in the environment"
)

VENUES = [
    "engine",
    pytest.param("server", marks=pytest.mark.slow),
    pytest.param("testnet", marks=pytest.mark.skipif(not ASKED, reason=UNASKED)),
]


@pytest_asyncio.fixture(params=VENUES)
async def trader(request: pytest.FixtureRequest) -> AsyncIterator[Trader]:
    """Give somebody to trade at the venue of this telling."""
    async with AsyncExitStack() as stack:
        person = await Trader.at(await connect(request.param, Options(), stack))
        yield person
        await person.clean_up()


async def connect(venue: str, options: Options, stack: AsyncExitStack) -> Client:
    """Connect to a venue; options count where the venue is ours."""
    match venue:
        case "engine":
            return EngineClient(options)
        case "server":
            return await stack.enter_async_context(server_client(options))
        case _:
            if not (KEY and SECRET and IS_TESTNET):
                pytest.skip(KEYLESS)
            return await stack.enter_async_context(testnet_client(KEY, SECRET))
