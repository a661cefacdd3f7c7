"""What the simulator does of what Binance documents, found out by trying it."""

import asyncio
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final, TypeAlias

import aiohttp
import orjson

from lib.simulator.exchange import Answer
from lib.simulator.paper.paper import Paper, PaperSettings, open_paper
from lib.simulator.server.api_methods import REST_CALLS
from tests.contract.filter_breakers import BREAKERS
from tests.contract.scene import GRANT, LAST, furnish
from tests.simulator.venue import Venue, exchange_info, symbol_entry

DOCUMENTED: Final[Mapping[str, Any]] = orjson.loads(
    Path(__file__).with_name("documented.json").read_bytes()
)
SIMULATED: Final = "simulated"
SOURCES: Final = Path(__file__).parents[2] / "lib/simulator"
NOT_SUPPORTED: Final = -1020
SPOKEN_WITHIN: Final = 2.5  # s: candles are told every two
FIX_AND_SBE: Final = frozenset({
    *(-1033, -1035, -1152, -1153, -1155, -1161, -1221),
    *range(-1191, -1168),
})

States: TypeAlias = dict[str, str]
"""By name: "simulated", or what a client sees instead."""


def endpoints() -> States:
    """Ask every documented REST call without parameters; only its path is judged."""
    venue = Venue()
    return {call: _of_answer(venue.ask(call)) for call in DOCUMENTED["rest"]}


def retired() -> States:
    venue = Venue()
    return {call: _of_answer(venue.ask(call)) for call in DOCUMENTED["retired"]}


def _of_answer(answer: Answer) -> str:
    match answer:
        case (404, _, _):
            return "unknown: 404"
        case (410, _, _):
            return "refused: HTTP 410 Gone"
        case (status, {"code": int(code), "msg": str(text)}, _) if code == NOT_SUPPORTED:
            return f"refused: {status}, {code}, {text}"
        case _:
            return SIMULATED


async def socket_methods(paper: Paper) -> States:
    """Send every documented method of the WebSocket API without parameters."""
    url = paper.address.replace("http", "ws", 1) + "/ws-api/v3"
    states: States = {}
    async with aiohttp.ClientSession() as session, session.ws_connect(url) as socket:
        for method in DOCUMENTED["socket_methods"]:
            await socket.send_json({"id": method, "method": method})
            states[method] = await _of_frames(socket, method)
    return states


async def _of_frames(socket: aiohttp.ClientWebSocketResponse, method: str) -> str:
    while True:
        frame = await socket.receive_json(timeout=SPOKEN_WITHIN)
        if frame.get("id") == method:
            break
    error = frame.get("error", {})
    if error.get("code") == NOT_SUPPORTED:
        return f"refused: {frame['status']}, {error['code']}, {error['msg']}"
    return (
        _of_answer(Venue().ask(" ".join(REST_CALLS[method]))) if method in REST_CALLS else SIMULATED
    )


async def streams(paper: Paper) -> States:
    """Subscribe to every documented stream, move the market, and listen."""
    names = {template: _filled_in(template) for template in DOCUMENTED["streams"]}
    heard = await _heard(paper, set(names.values()))
    return {
        template: SIMULATED if name in heard else "accepted: nothing is ever said"
        for template, name in names.items()
    }


def _filled_in(template: str) -> str:
    values = {"symbol": "btcusdt", "interval": "1m", "window.size": "1h", "levels": "5"}
    for name, value in values.items():
        template = re.sub(f"<{name}>", value, template)
    return template


async def _heard(paper: Paper, wanted: set[str]) -> set[str]:
    url = paper.address.replace("http", "ws", 1) + "/stream"
    heard: set[str] = set()
    async with aiohttp.ClientSession() as session, session.ws_connect(url) as socket:
        await socket.send_json({"method": "SUBSCRIBE", "params": sorted(wanted), "id": 1})
        await socket.receive_json(timeout=SPOKEN_WITHIN)
        _move(paper)
        try:
            async with asyncio.timeout(SPOKEN_WITHIN):
                while heard < wanted:
                    heard.add((await socket.receive_json()).get("stream", ""))
        except TimeoutError:
            pass
    return heard & wanted


def _move(paper: Paper) -> None:
    price = LAST["BTCUSDT"] + 1
    given = {"calculationType": "EXTERNAL", "externalCalculationId": 1, "referencePrice": price}
    paper.exchange.change_symbol("BTCUSDT", {"referencePrice": given})
    paper.exchange.market_trade("BTCUSDT", price, "1", buyer_is_maker=False, time=paper.clock())
    book = [(price - 5, "1")], [(price + 5, "1")]
    paper.exchange.set_book("BTCUSDT", *book, paper.clock())


def filters() -> States:
    """Break every documented filter in turn."""
    return {name: _of_filter(name) for name in DOCUMENTED["filters"]}


def _of_filter(name: str) -> str:
    breaker = BREAKERS.get(name)
    if breaker is None:
        return "absent: no symbol of the recorded rules has it"
    answer = breaker()
    broken = answer.status != 200 and answer.body["msg"] == f"Filter failure: {name}"
    return SIMULATED if broken else "absent: an order that breaks it is accepted"


def order_words() -> States:
    """Place an order of each type, time in force, self-trade prevention mode and answer."""
    wishes = {kind: {"kind": kind, **NEEDS[kind]} for kind in DOCUMENTED["order_types"]}
    for name, section in ORDER_WORDS.items():
        wishes |= {word: {**wishes["LIMIT"], name: word} for word in DOCUMENTED[section]}
    allowed = {"allowedSelfTradePreventionModes": DOCUMENTED["self_trade_modes"]}
    info = exchange_info(symbol_entry(**allowed))
    return {
        word: _of_order(Venue(info=info).with_market().place(side="SELL", **wish))
        for word, wish in wishes.items()
    }


ORDER_WORDS: Final = {
    "timeInForce": "times_in_force",
    "selfTradePreventionMode": "self_trade_modes",
    "newOrderRespType": "response_types",
}
NEEDS: Final[Mapping[str, dict[str, Any]]] = {
    "LIMIT": {"timeInForce": "GTC", "quantity": 1, "price": 150},
    "LIMIT_MAKER": {"quantity": 1, "price": 150},
    "MARKET": {"quantity": 1},
    "STOP_LOSS": {"quantity": 1, "stopPrice": 90},
    "STOP_LOSS_LIMIT": {"timeInForce": "GTC", "quantity": 1, "stopPrice": 90, "price": 89},
    "TAKE_PROFIT": {"quantity": 1, "stopPrice": 110},
    "TAKE_PROFIT_LIMIT": {"timeInForce": "GTC", "quantity": 1, "stopPrice": 110, "price": 111},
}


def _of_order(answer: Answer) -> str:
    if answer.status == 200:
        return SIMULATED
    return f"refused: {answer.status}, {answer.body['code']}, {answer.body['msg']}"


def written_words(section: str) -> States:
    """Look for words such as statuses and events in what the simulator writes."""
    return _of_words(DOCUMENTED[section], lambda word: f'"{word}"')


def codes() -> States:
    """Look for every documented error code in what the simulator sends."""
    states = _of_words(
        DOCUMENTED["codes"] | DOCUMENTED["codes_seen"], lambda code: f"(?<![0-9]){code}(?![0-9])"
    )
    return {
        code: "never sent: FIX and SBE are not spoken" if int(code) in FIX_AND_SBE else state
        for code, state in states.items()
    }


def _of_words(words: Iterable[str], pattern: Callable[[str], str]) -> States:
    texts = [path.read_text(encoding="utf-8") for path in sorted(SOURCES.glob("*.py"))]
    return {
        word: SIMULATED if any(re.search(pattern(word), text) for text in texts) else "never sent"
        for word in words
    }


async def everything() -> dict[str, States]:
    """Try it all; takes as long as a candle takes to be told."""
    paper = await open_paper(PaperSettings(market="none", balances=GRANT))
    try:
        furnish(paper.exchange)
        spoken = {"socket_methods": await socket_methods(paper), "streams": await streams(paper)}
    finally:
        await paper.close()
    return {
        "rest": endpoints(),
        "retired": retired(),
        **spoken,
        **{name: written_words(name) for name in WRITTEN},
        "filters": filters(),
        "order_words": order_words(),
        "codes": codes(),
    }


WRITTEN: Final = (
    "user_events",
    "order_statuses",
    "execution_types",
    "expiry_reasons",
    "list_status_types",
    "list_order_statuses",
    "contingency_types",
    "symbol_statuses",
)
