"""True answers and events of the exchange, gathered once; then each reader hears them spoilt."""

import asyncio
import json
import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from typing import Any, Final, cast

import aiohttp
import orjson

from lib.binance import list_payloads, payloads
from lib.binance.budget import Budget
from lib.binance.connection import Connection, Patience
from lib.binance.quotes import Quotes
from lib.binance.refusals import code_of, error_of_change, error_of_question, message_of
from lib.binance.transport import Frame, Reply
from lib.binance.venue import _tell_user
from lib.clock import ExchangeClock
from lib.errors import BotError
from lib.exchange import AmendRequest, CancelRequest, PlaceListRequest, PlaceRequest
from lib.simulator.protocol import Request
from tests.edges import MarketFeed, UserFeed, Wire
from tests.torture.input_spoiling import BROKEN, LIES, spoilt_bytes
from tests.torture.scenes import SCENES, have_small_bots
from tests.world import ACCOUNT, CALM, EPOCH, Life, World, live

SENTENCE_MAX: Final = 600
GATHERED: Final = ("a whole account", "OTOCO", "grid", "amended order", "OCO taken")


@dataclass
class Gathered:
    """What was heard, a few of each kind."""

    answers: dict[str, list[Any]] = field(default_factory=dict)
    events: dict[str, list[Any]] = field(default_factory=dict)
    frames: list[Any] = field(default_factory=list)

    def keep(self, where: dict[str, list[Any]], kind: str, value: Any) -> None:
        found = where.setdefault(kind, [])
        if len(found) < 40:
            found.append(orjson.loads(orjson.dumps(value)))


class _Wire(Wire):
    gathered: Gathered

    async def request(
        self, method: str, path: str, params: Mapping[str, str], *, signed: bool
    ) -> Reply:
        reply = await super().request(method, path, params, signed=signed)
        body = reply.body
        if path.endswith("exchangeInfo") and isinstance(body, dict):
            body = {**body, "symbols": body["symbols"][:2]}
        word = path.rpartition("/")[2]
        call = word if method == "GET" else f"{method} {word}"
        self.gathered.keep(self.gathered.answers, call if reply.status == 200 else "error", body)
        return reply


class _UserFeed(UserFeed):
    gathered: Gathered

    def push(self, event: dict[str, Any]) -> None:
        self.gathered.keep(self.gathered.events, event["e"], event)
        super().push(event)


class _MarketFeed(MarketFeed):
    gathered: Gathered

    def push(self, symbol: str, kind: str, payload: dict[str, Any]) -> None:
        if len(self.gathered.frames) < 40:
            self.gathered.frames.append(orjson.loads(orjson.dumps(payload)))
        super().push(symbol, kind, payload)


@cache
def gathered() -> Gathered:
    """Live some calm lives and keep what the exchange said."""
    have_small_bots()
    found = Gathered()

    def begin(world: World) -> Life:
        life = Life(world)
        life.wire, life.user, life.market = _Wire(world), _UserFeed(life), _MarketFeed(life)
        life.wire.gathered = life.user.gathered = life.market.gathered = found
        return life

    for name in GATHERED:
        scene = SCENES[name]
        world = scene.world(1, scene.bots, CALM, **scene.more)
        world.begin_life = begin
        _gather_by_hand(live(world), found)
    return found


def _gather_by_hand(world: World, found: Gathered) -> None:
    """Ask what no bot happened to ask."""
    stamp = {"symbol": "BTCUSDT", "timestamp": str(world.clock())}
    asked = {
        "order": {**stamp, "orderId": "1"},
        "myTrades": stamp,
        "klines": {"symbol": "BTCUSDT", "interval": "1m"},
    }
    for call, params in asked.items():
        account = ACCOUNT if "timestamp" in params else None
        answer = world.exchange.answer(Request("GET", f"/api/v3/{call}", params, account))
        assert answer.status == 200, answer.body
        found.keep(found.answers, call, answer.body)


# --- who reads what

Reader = Callable[[Any], object]
QUESTIONS: Final[Mapping[str, Reader]] = {
    "time": payloads.server_time,
    "exchangeInfo": payloads.rules,
    "account": payloads.account,
    "order": payloads.order,
    "openOrders": payloads.orders,
    "allOrders": payloads.orders,
    "myTrades": payloads.fills,
    "klines": payloads.candles,
    "24hr": payloads.ticker,
}
"""By the last word of the path. Whatever they raise but Unreadable is a mistake."""


def reader_of(call: str, true: Any) -> Reader:
    """Answer who reads the answer to a call; to a change, as whoever asked for just that."""
    if call in QUESTIONS:
        return QUESTIONS[call]
    match call.split()[0]:
        case "POST" if "orderReports" in true:
            wanted = _list_request(true)
            return lambda body: list_payloads.placed(body, wanted)
        case "POST":
            request = _request(true)
            return lambda body: payloads.placed(body, request)
        case "DELETE":
            reports = true.get("orderReports", [true])
            cancel = CancelRequest(
                client_order_id="x",
                symbol=true["symbol"],
                target_client_order_id=reports[0]["origClientOrderId"],
                send_by=EPOCH,
                recv_window=5_000,
            )
            return lambda body: payloads.canceled(body, cancel)
        case "PUT":
            amended = true["amendedOrder"]
            amend = AmendRequest(
                client_order_id=amended["clientOrderId"],
                symbol=amended["symbol"],
                order_id=amended["orderId"],
                quantity=Decimal(amended["qty"]),
                send_by=EPOCH,
                recv_window=5_000,
            )
            return lambda body: payloads.amended(body, amend)
        case other:
            raise AssertionError(other)


def _request(row: Mapping[str, Any]) -> PlaceRequest:
    return PlaceRequest(
        client_order_id=row["clientOrderId"],
        symbol=row["symbol"],
        side=row["side"],
        type=row["type"],
        send_by=EPOCH,
        recv_window=5_000,
        quantity=Decimal(row["origQty"]),
    )


def _list_request(row: Mapping[str, Any]) -> PlaceListRequest:
    return PlaceListRequest(
        kind="OCO",
        client_order_id=row["listClientOrderId"],
        symbol=row["symbol"],
        legs=tuple(_request(report) for report in row["orderReports"]),
        send_by=EPOCH,
        recv_window=5_000,
    )


def spoil_words(seed: int, many: int, spoilt: Counter[str]) -> Iterator[str]:
    """Give spoilt input to every reader; say what was wrong."""
    chance = random.Random(f"words {seed}")
    true = gathered()
    for number in range(many):
        match number % 4:
            case 0:
                call = chance.choice([each for each in true.answers if each != "error"])
                answer = chance.choice(true.answers[call])
                body = spoilt_value(answer, chance, spoilt, "answers")
                yield from misread(f"an answer to {call}", reader_of(call, answer), body)
            case 1:
                event = chance.choice(true.events[chance.choice(list(true.events))])
                body = spoilt_value(event, chance, spoilt, "events")
                if isinstance(body, dict):
                    yield from misread("an event", hear_event, body)
            case 2:
                body = spoilt_value(chance.choice(_all(true)), chance, spoilt, "replies")
                yield from misread("a reply", _judge_reply(chance), body)
            case _:
                raw = spoilt_bytes(json.dumps(chance.choice(_all(true))).encode(), chance)
                spoilt["bytes of frames"] += 1
                yield from misread("bytes", read_bytes, raw)
    yield from _misheard(chance, true, spoilt)


def _all(true: Gathered) -> list[Any]:
    return [each for kind in (true.answers, true.events) for rows in kind.values() for each in rows]


def spoilt_value(value: Any, chance: random.Random, spoilt: Counter[str], what: str) -> Any:
    """Spoil once or several times; huge texts rarely, for they cost the most."""
    ways = {**BROKEN, **LIES}
    for _ in range(chance.choice((1, 1, 1, 2, 5))):
        how = chance.choice(list(ways))
        if how == "huge" and chance.randrange(20):
            how = "of a wrong type"
        found = ways[how](value, chance)
        if found is not None:
            value = found
            spoilt[f"{what} {how}"] += 1
        if how == "too deep":
            break
    return value


def misread(what: str, read: Reader, value: Any) -> Iterator[str]:
    """Say if a reader raised anything but its own refusal, or a sentence without an end."""
    try:
        read(value)
    except (payloads.Unreadable, BotError) as refused:
        if len(str(refused)) > SENTENCE_MAX:
            yield f"{what}: a refusal of {len(str(refused))} letters: {str(refused)[:200]}"
    except Exception as wrong:  # noqa: BLE001 - whatever is raised is the finding
        yield f"{what} raised {type(wrong).__name__}: {str(wrong)[:300]}: {str(value)[:1500]}"


def hear_event(event: Any) -> None:
    _tell_user(cast("Frame", event), lambda _: None)


def _judge_reply(chance: random.Random) -> Reader:
    status = chance.choice((200, 400, 403, 404, 418, 429, 500, 503))
    headers = {
        "Retry-After": chance.choice(("", "-1", "9" * 400, "\u0661", "1e9", "99999999")),
        "X-MBX-USED-WEIGHT-1M": chance.choice(("", "x", "9" * 30, "-5")),
        "X-MBX-ORDER-COUNT-10S": chance.choice(("", "0x1", "9" * 30)),
        "X-MBX-ORDER-COUNT-999999999999D": "1",
    }
    return lambda body: _take_reply(Reply(status, body, headers))


def _take_reply(reply: Reply) -> None:
    clock = ExchangeClock(boottime=lambda: 1_000)
    clock.measured(EPOCH, 1_000, 1_000)
    budget = Budget(clock)
    budget.hear(reply, weight=1, orders=1)
    assert budget.silence <= SILENCE_MAX, f"silent for {budget.silence} ms"
    for error in (error_of_change("place x", reply), error_of_question("order x", reply)):
        assert len(str(error)) < SENTENCE_MAX, f"an error of {len(str(error))} letters"
    code_of(reply), message_of(reply)
    if isinstance(reply.body, dict):
        budget.adopt(payloads.rate_limits(reply.body))


SILENCE_MAX: Final = 4 * 86_400_000


def read_bytes(raw: bytes) -> None:
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return
    if isinstance(body, dict):
        hear_event(body)


# --- a stream goes on whatever comes


class _Socket:
    """What was put into it comes out, then it closes."""

    close_code = 1000

    def __init__(self, texts: list[str]) -> None:
        self._texts = iter(texts)

    async def receive(self) -> aiohttp.WSMessage:
        text = next(self._texts, None)
        if text is None:
            return aiohttp.WSMessage(aiohttp.WSMsgType.CLOSE, 1000, "")
        return aiohttp.WSMessage(aiohttp.WSMsgType.TEXT, text, "")

    async def close(self) -> None:
        return


def _misheard(chance: random.Random, true: Gathered, spoilt: Counter[str]) -> Iterator[str]:
    """Send a stream of spoilt frames with true ones between: each true one must be heard."""
    texts, expected = [], 0
    for _ in range(300):
        frame = chance.choice(true.frames)
        if chance.randrange(2):
            raw = spoilt_bytes(json.dumps(frame).encode(), chance)
            texts.append(raw.decode("utf-8", "replace"))
            spoilt["frames of a stream"] += 1
        texts.append(json.dumps({"true": frame}))
        expected += 1
    heard, quotes = asyncio.run(_listen(texts))
    if heard != expected:
        yield f"{heard} of {expected} true frames were heard between spoilt ones"
    if quotes:
        yield f"a quote was not read: {quotes[0]}"


async def _listen(texts: list[str]) -> tuple[int, list[str]]:
    clock = ExchangeClock(boottime=lambda: 1_000)
    clock.measured(EPOCH, 1_000, 1_000)
    market = _Market()
    quotes = Quotes(market, clock)
    heard, wrong = 0, list[str]()
    quotes.watch("BTCUSDT", lambda _: None)

    def take(frame: Frame) -> None:
        nonlocal heard
        if isinstance(frame.get("true"), dict):
            heard += 1
            frame = cast("Frame", frame["true"])
        try:
            market.on_frame(frame)
        except Exception as found:  # noqa: BLE001 - whatever is raised is the finding
            wrong.append(f"{type(found).__name__}: {found}")

    socket = cast("aiohttp.ClientWebSocketResponse", _Socket(texts))
    connection = Connection(socket, Patience())
    connection.listen(take)
    await connection.wait_due(20_000)
    await asyncio.sleep(0)
    await connection.hang_up()
    return heard, wrong


class _Market:
    """Hands frames on, as they are told to it."""

    on_frame: Callable[[Frame], None]

    def start(self, on_frame: Callable[[Frame], None]) -> None:
        self.on_frame = on_frame

    def follow(self, symbol: str) -> None:
        return

    def leave(self, symbol: str) -> None:
        return

    async def close(self) -> None:
        return
