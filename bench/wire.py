"""What our way to Binance costs in CPU, as ratios to bare aiohttp doing the same.

    python bench/wire.py

Intent to wire: `BinanceVenue.place`, with limits, fence, signature and all checks, to a bare
aiohttp request that is signed and parsed. Stream to callback: a message of the combined stream
through `MarketStream` and `Quotes` to a follower, to an aiohttp WebSocket and orjson. Both talk to
a server in another process; both are measured in turn, and the figure is the median over rounds
of the ratio of the two CPU times.
"""

import asyncio
import hashlib
import hmac
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from statistics import median
from typing import TypeAlias
from urllib.parse import urlencode

import aiohttp
import orjson
from aiohttp import web

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from lib.binance.addresses import Addresses, resolve
from lib.binance.market_stream import MarketStream
from lib.binance.quotes import Quotes
from lib.binance.wiring import open_venue
from lib.clock import ExchangeClock
from lib.exchange import PlaceRequest, Quote

ROUNDS = 15
ORDERS = 200
MESSAGES = 40_000
SYMBOLS = [f"S{number}USDT" for number in range(50)]
LAST = "LASTUSDT"
KEY, SECRET = "key", "secret"
CLIENT_ID = "at1-0001"

Work: TypeAlias = Callable[[], Awaitable[None]]


def measure() -> list[tuple[str, float]]:
    """Answer name and ratio of each way."""
    return asyncio.run(_measure())


async def _measure() -> list[tuple[str, float]]:
    async with _server() as addresses:
        return [
            ("intent to wire", await _intent_to_wire(addresses)),
            ("stream to callback", await _stream_to_callback(addresses)),
        ]


async def _ratio(bare: Work, ours: Work) -> float:
    """Run both in turn; the first round warms up."""
    ratios = []
    for _ in range(ROUNDS + 1):
        base = await _cpu(bare)
        ratios.append(await _cpu(ours) / base)
    return median(ratios[1:])


async def _cpu(work: Work) -> float:
    began = time.process_time()
    await work()
    return time.process_time() - began


# --- intent to wire


async def _intent_to_wire(addresses: Addresses) -> float:
    clock = ExchangeClock()
    venue = await open_venue(addresses, key=KEY, secret=SECRET, clock=clock)
    async with aiohttp.ClientSession(headers={"X-MBX-APIKEY": KEY}) as session:

        async def bare() -> None:
            for _ in range(ORDERS):
                await _place_bare(session, f"{addresses.rest}/v3/order")

        async def ours() -> None:
            for _ in range(ORDERS):
                await venue.place(_order(clock.now()))

        await venue.server_time()
        await venue.rules()  # and its limits, which are none
        ratio = await _ratio(bare, ours)
    await venue.close()
    return ratio


async def _place_bare(session: aiohttp.ClientSession, url: str) -> None:
    params = {
        "symbol": "BTCUSDT",
        "side": "BUY",
        "type": "LIMIT",
        "timeInForce": "GTC",
        "quantity": "0.001",
        "price": "60000",
        "newClientOrderId": CLIENT_ID,
        "newOrderRespType": "FULL",
        "recvWindow": "2500",
        "timestamp": str(time.time_ns() // 1_000_000),
    }
    text = urlencode(params)
    signature = hmac.new(SECRET.encode(), text.encode(), hashlib.sha256).hexdigest()
    body = f"{text}&signature={signature}".encode()
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    async with session.post(url, data=body, headers=headers) as response:
        orjson.loads(await response.read())


def _order(now: int) -> PlaceRequest:
    return PlaceRequest(
        client_order_id=CLIENT_ID,
        symbol="BTCUSDT",
        side="BUY",
        type="LIMIT",
        send_by=now + 60_000,
        recv_window=2_500,
        quantity=Decimal("0.001"),
        price=Decimal(60_000),
        time_in_force="GTC",
    )


# --- stream to callback


async def _stream_to_callback(addresses: Addresses) -> float:
    clock = ExchangeClock()
    clock.measured(time.time_ns() // 1_000_000, clock.ticks(), clock.ticks())
    async with aiohttp.ClientSession() as session:

        async def bare() -> None:
            async with session.ws_connect(f"{addresses.streams}/stream") as socket:
                await _read_bare(socket)

        async def ours() -> None:
            quotes = Quotes(MarketStream(session, addresses.streams), clock)
            finished = asyncio.Event()
            for symbol in SYMBOLS:
                quotes.watch(symbol, _take)
            quotes.watch(LAST, lambda _: finished.set())
            await finished.wait()
            await quotes.close()

        return await _ratio(bare, ours)


async def _read_bare(socket: aiohttp.ClientWebSocketResponse) -> None:
    await socket.send_str('{"method":"SUBSCRIBE","params":[],"id":1}')
    async for message in socket:
        frame = orjson.loads(message.data)
        if "data" in frame and frame["data"]["s"] == LAST:
            return


def _take(quote: Quote) -> None:
    assert quote.bid < quote.ask


# --- the other side, in a process of its own


@asynccontextmanager
async def _server() -> AsyncIterator[Addresses]:
    command = [sys.executable, __file__, "--serve"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: S603, ASYNC220 - itself, once
    assert process.stdout is not None
    port = await asyncio.to_thread(process.stdout.readline)
    try:
        yield resolve(f"http://127.0.0.1:{port.strip()}")
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()


async def _serve() -> None:
    app = web.Application()
    app.router.add_get("/api/v3/time", _tell_time)
    app.router.add_get("/api/v3/exchangeInfo", _tell_limits)
    app.router.add_post("/api/v3/order", _accept)
    app.router.add_get("/stream", _blast)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.Event().wait()


async def _tell_time(_: web.Request) -> web.Response:
    return web.json_response({"serverTime": time.time_ns() // 1_000_000})


async def _tell_limits(_: web.Request) -> web.Response:
    limits = [
        {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 10**9},
        {"rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10, "limit": 10**9},
    ]
    return web.json_response({"symbols": [], "rateLimits": limits})


async def _accept(_: web.Request) -> web.Response:
    return web.Response(body=ACCEPTANCE, content_type="application/json")


async def _blast(request: web.Request) -> web.WebSocketResponse:
    """Send everything as fast as it is taken, once somebody subscribes."""
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    message = await socket.receive_json()
    await socket.send_json({"result": None, "id": message["id"]})
    for number in range(MESSAGES):
        await socket.send_str(_message(SYMBOLS[number % len(SYMBOLS)], number))
    await socket.send_str(_message(LAST, 0))
    await socket.receive()
    return socket


def _message(symbol: str, number: int) -> str:
    stream = symbol.lower()
    if number // len(SYMBOLS) % 2:
        content = (
            f'{{"e":"trade","E":1700000000123,"s":"{symbol}","t":{number},"p":"60001.00",'
            '"q":"0.00100000","T":1700000000122,"m":true,"M":true}'
        )
        return f'{{"stream":"{stream}@trade","data":{content}}}'
    content = (
        f'{{"u":{number},"s":"{symbol}","b":"60000.00","B":"1.50000000",'
        '"a":"60002.00","A":"2.50000000"}'
    )
    return f'{{"stream":"{stream}@bookTicker","data":{content}}}'


ACCEPTANCE = orjson.dumps({
    "symbol": "BTCUSDT",
    "orderId": 28,
    "orderListId": -1,
    "clientOrderId": CLIENT_ID,
    "transactTime": 1_700_000_000_123,
    "price": "60000.00000000",
    "origQty": "0.00100000",
    "executedQty": "0.00100000",
    "origQuoteOrderQty": "0.00000000",
    "cummulativeQuoteQty": "60.00000000",
    "status": "FILLED",
    "timeInForce": "GTC",
    "type": "LIMIT",
    "side": "BUY",
    "workingTime": 1_700_000_000_123,
    "selfTradePreventionMode": "EXPIRE_MAKER",
    "fills": [
        {
            "price": "60000.00000000",
            "qty": "0.00050000",
            "commission": "0.00000050",
            "commissionAsset": "BTC",
            "tradeId": 56 + number,
        }
        for number in range(2)
    ],
})


if __name__ == "__main__":
    if "--serve" in sys.argv:
        asyncio.run(_serve())
    else:
        for name, ratio in measure():
            print(f"{name:24} {ratio:5.2f}")
