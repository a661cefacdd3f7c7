"""The foreign clients, as they are published; what is given to them is an address and a key."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import ccxt.pro
from binance import AsyncClient, BinanceSocketManager
from binance_common.configuration import (
    ConfigurationRestAPI,
    ConfigurationWebSocketAPI,
    ConfigurationWebSocketStreams,
)
from binance_sdk_spot.spot import Spot

from tests.foreign.stage import KEY, SECRET, Stage

PATIENCE = 5  # s


@asynccontextmanager
async def python_binance(
    scene: Stage, private_key: str | None = None
) -> AsyncIterator[tuple[Any, Any]]:
    """Give python-binance's client and its socket manager."""

    class Client(AsyncClient):  # type: ignore[misc]
        API_URL = f"{scene.address}/api"
        WS_API_URL = f"{scene.sockets}/ws-api/v3"

    class Sockets(BinanceSocketManager):  # type: ignore[misc]
        STREAM_URL = f"{scene.sockets}/"

    client = await Client.create(KEY, SECRET, private_key=private_key)
    client.ws_api.TIMEOUT = 0.5  # closing waits that long for a silent socket
    try:
        yield client, Sockets(client)
    finally:
        await client.close_connection()


@asynccontextmanager
async def ccxt_pro(scene: Stage, secret: str = SECRET) -> AsyncIterator[Any]:
    """Give ccxt.pro's binance, its markets loaded."""
    exchange = ccxt.pro.binance({
        "apiKey": KEY,
        "secret": secret,
        "enableRateLimit": False,
        "options": {
            "fetchMarkets": {"types": ["spot"]},
            "fetchCurrencies": False,
            "fetchMargins": False,
            "defaultType": "spot",
        },
    })
    addresses = exchange.urls["api"]
    addresses["public"] = addresses["private"] = f"{scene.address}/api/v3"
    addresses["ws"]["spot"] = f"{scene.sockets}/ws"
    addresses["ws"]["ws-api"]["spot"] = f"{scene.sockets}/ws-api/v3"
    try:
        await exchange.load_markets()
        yield exchange
    finally:
        await exchange.close()


def official(scene: Stage, private_key: str | None = None) -> Any:
    """Give Binance's own client: REST, WebSocket API and streams."""
    secret = SECRET if private_key is None else None
    credentials: dict[str, Any] = {
        "api_key": KEY,
        "api_secret": secret,
        "private_key": private_key,
    }
    return Spot(
        config_rest_api=ConfigurationRestAPI(base_path=scene.address, retries=0, **credentials),
        config_ws_api=ConfigurationWebSocketAPI(
            stream_url=f"{scene.sockets}/ws-api/v3", **credentials
        ),
        config_ws_streams=ConfigurationWebSocketStreams(stream_url=scene.sockets),
    )


async def heard(listening: Awaitable[Any], *happenings: Callable[[], Any]) -> Any:
    """Begin to listen, let things happen, return what was heard."""
    hearing = asyncio.ensure_future(listening)
    await asyncio.sleep(0.05)  # the subscription is on its way
    for happen in happenings:
        happened = happen()
        if isinstance(happened, Awaitable):
            await happened
    async with asyncio.timeout(PATIENCE):
        return await hearing
