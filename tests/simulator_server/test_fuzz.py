"""Whatever is asked, in whatever words, is answered; what is refused has changed nothing.

The calls are those the exchange knows, so a new one is asked nonsense from its first day.
"""

import asyncio
import json
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from yarl import URL

from lib.simulator.books.audit import state_of
from lib.simulator.exchange import PREFIX, Answer, Request
from lib.simulator.protocol import TimeUnit
from lib.simulator.server.api_methods import REST_CALLS, RETIRED
from lib.simulator.server.api_session import Session
from lib.simulator.server.api_socket import ApiSocket
from lib.simulator.server.faults import FaultPlan
from lib.simulator.server.gate import Gate, UserEvents
from lib.simulator.server.signatures import Keyring, sign, socket_payload
from tests.simulator.venue import START, SYMBOL, Venue
from tests.simulator_server.served import KEYS, served, signer_of

HALF_DONE = frozenset({-2021, -2022})  # cancel-replace
KNOWN_STATUSES = frozenset({200, 400, 401, 403, 404, 409, 410, 418, 429})

ROUTES = Venue().exchange._routes
CALLS = sorted(f"{method} {path.removeprefix(PREFIX)}" for method, path in ROUTES)
SESSION_CALLS = sorted(
    Session(Keyring(), address="", clock=lambda: START, shows_limits=True)._calls
)
NAMES = sorted({name for route in ROUTES.values() for name in route.known})

PLAUSIBLE = st.sampled_from([
    *("", "0", "1", "2", "100", "99.99", "0.00001", "1e5", "-1", "nan", "null", "true", "false"),
    *(SYMBOL, SYMBOL.lower(), "BUY", "SELL", "GTC", "IOC", "FOK", "LIMIT", "MARKET", "STOP_LOSS"),
    *("LIMIT_MAKER", "TAKE_PROFIT_LIMIT", "STOP_LOSS_LIMIT", "ACK", "FULL", "STOP_ON_FAILURE"),
    *("ALLOW_FAILURE", "ONLY_NEW", "NONE", "EXPIRE_BOTH", "PRIMARY_PEG", "PRICE_LEVEL", "a"),
    *(f'["{SYMBOL}"]', "[]", "{}", "[[[", str(START), str(START * 1000), "9" * 20, "9" * 21),
    *("9" * 400, "0." + "0" * 30 + "1", "١٢٣", "²", "1m", "1M", "+08:00", "TRADING", "a" * 37),
])
ANYTHING = PLAUSIBLE | st.text(max_size=12) | st.integers().map(str)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | ANYTHING,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANYTHING, inner, max_size=3),
    max_leaves=6,
)
SEEDED = settings(
    derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck)
)
BRIEF = settings(SEEDED, max_examples=15)
LONG = settings(SEEDED, max_examples=100)


def params_of(call: str) -> st.SearchStrategy[dict[str, str]]:
    """Mostly the names the call knows, now and then a stranger's."""
    method, path = call.split()
    known = sorted(ROUTES[method, PREFIX + path].known - {"timestamp"}) or ["symbol"]
    likely = st.dictionaries(st.sampled_from(known), ANYTHING, max_size=8)
    order = st.fixed_dictionaries({
        "symbol": st.just(SYMBOL),
        "side": st.sampled_from(["BUY", "SELL"]),
        "type": st.sampled_from(["LIMIT", "MARKET", "STOP_LOSS_LIMIT", "LIMIT_MAKER"]),
        "quantity": st.sampled_from(["0.1", "1", "20"]),
    })
    if "side" in known:
        likely |= st.tuples(order, likely).map(lambda both: {**both[0], **both[1]})
    if "symbol" in known:
        likely |= likely.map(lambda params: {**params, "symbol": SYMBOL})
    return likely | st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=5), ANYTHING)


@pytest.mark.parametrize("call", CALLS)
@BRIEF
@given(data=st.data())
def test_any_parameters_of_any_call_are_answered(call: str, data: st.DataObject) -> None:
    ask_nonsense(call, data.draw(params_of(call)))


@pytest.mark.slow
@pytest.mark.parametrize("call", CALLS)
@LONG
@given(data=st.data())
def test_many_parameters_of_any_call_are_answered(call: str, data: st.DataObject) -> None:
    ask_nonsense(call, data.draw(params_of(call)))


def ask_nonsense(call: str, params: dict[str, str]) -> None:
    venue = Venue().with_market()
    venue.limit("BUY", "0.5", 90, newClientOrderId="a")
    before = state_of(venue.books)
    method, path = call.split()
    params.setdefault("timestamp", str(venue.now))

    answer = venue.exchange.answer(Request(method, PREFIX + path, params, "alice"))

    assert_well_formed(answer)
    if answer.status >= 400 and answer.body.get("code") not in HALF_DONE:
        assert state_of(venue.books) == before
    assert all(part >= 0 for held in venue.balances().values() for part in held)
    assert_survives_a_restart(venue)


def assert_well_formed(answer: Answer) -> None:
    assert answer.status in KNOWN_STATUSES
    json.dumps(answer.body)
    if answer.status >= 400:
        assert isinstance(answer.body["code"], int)
        assert answer.body["code"] < 0
        assert answer.body["msg"]


def assert_survives_a_restart(venue: Venue) -> None:
    again = Venue(books=venue.books, now=venue.now)

    for call in ("GET openOrders", "GET account"):
        assert again.ask(call).body == venue.ask(call).body


class Recorder:
    """A connection that keeps what was sent."""

    address = ""

    def __init__(self) -> None:
        self.frames: list[dict[str, Any]] = []

    def send(self, frame: bytes) -> None:
        self.frames.append(json.loads(frame))


def speak(texts: list[str]) -> list[dict[str, Any]]:
    """Say something to the WebSocket API and return all that came back."""
    venue = Venue().with_market()
    plan, recorder = FaultPlan(), Recorder()
    clock = venue.exchange._clock
    session = Session(Keyring(*KEYS), address="", clock=clock, shows_limits=True)
    socket = ApiSocket(
        recorder,  # type: ignore[arg-type]
        Gate(venue.exchange, plan, UserEvents(lambda _account, _event: None)),
        session,
        clock=clock,
        plan=plan,
        shows_limits=True,
        time_unit=TimeUnit.MICROSECOND,
    )

    async def say() -> None:
        for text in texts:
            await socket.receive(text)

    asyncio.run(say())
    return recorder.frames


METHODS = st.sampled_from([*REST_CALLS, *RETIRED, *SESSION_CALLS]) | st.text(max_size=9)
FRAMES = st.fixed_dictionaries(
    {"id": JSON, "method": METHODS},
    optional={"params": st.dictionaries(st.sampled_from(NAMES) | ANYTHING, JSON, max_size=6)},
)


@BRIEF
@given(text=st.text(max_size=40) | JSON.map(json.dumps) | FRAMES.map(json.dumps))
def test_any_frame_is_answered_by_one_frame(text: str) -> None:
    (frame,) = speak([text])

    assert frame["status"] in KNOWN_STATUSES
    assert ("result" in frame) != ("error" in frame)


@pytest.mark.slow
@LONG
@given(text=st.text(max_size=40) | JSON.map(json.dumps) | FRAMES.map(json.dumps))
def test_any_of_many_frames_is_answered_by_one_frame(text: str) -> None:
    (frame,) = speak([text])

    assert frame["status"] in KNOWN_STATUSES


@pytest.mark.parametrize("method", [*REST_CALLS, *SESSION_CALLS])
@settings(BRIEF, max_examples=6)
@given(params=st.dictionaries(st.sampled_from(NAMES), JSON, max_size=6), name=st.integers(0, 9))
def test_any_signed_parameters_of_any_method_are_answered_under_their_name(
    method: str, params: dict[str, Any], name: int
) -> None:
    asked = {**params, "apiKey": "alice", "timestamp": START}
    asked.pop("signature", None)
    written = {key: _written(value) for key, value in asked.items()}
    try:
        asked["signature"] = sign("alice-secret", socket_payload(written))
    except UnicodeEncodeError:
        asked["signature"] = "f00"

    frames = speak([json.dumps({"id": name, "method": method, "params": asked})])

    assert [frame["id"] for frame in frames if "status" in frame][:1] in ([name], [None])
    assert all(frame.get("status", 200) in KNOWN_STATUSES for frame in frames)


def _written(value: object) -> str:
    if isinstance(value, str):
        return value
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


RAW = st.text(st.characters(codec="utf-8", exclude_characters="#\r\n\0"), max_size=30) | st.binary(
    max_size=12
).map(quote)
SENT = st.tuples(st.sampled_from(CALLS), RAW, RAW, st.booleans(), st.booleans())


@pytest.mark.slow
@settings(SEEDED, max_examples=25)
@given(requests=st.lists(SENT, min_size=5, max_size=20))
def test_any_bytes_over_http_are_answered(requests: list[tuple[str, str, str, bool, bool]]) -> None:
    asyncio.run(send_all(requests))


def test_bytes_that_are_no_utf8_are_answered_over_http() -> None:
    call = "GET depth"

    asyncio.run(
        send_all([(call, "%ff=%C3&a=é", "\ud7ff", True, False), (call, "=&=", "", False, True)])
    )


async def send_all(requests: list[tuple[str, str, str, bool, bool]]) -> None:
    async with served() as exchange:
        for call, query, body, is_signed, knows in requests:
            method, path = call.split()
            query = f"symbol={SYMBOL}&{query}" if knows else query
            if is_signed:
                payload = quote(query, safe="".join(map(chr, range(0x21, 0x7F))))
                query = f"{payload}&signature={signer_of('alice')(payload + _encoded(body))}"
            reply = await exchange.send(
                method,
                str(URL(f"{PREFIX}{path}?{quote(query, safe=SAFE)}", encoded=True)),
                data=body.encode(),
                headers={"X-MBX-APIKEY": "alice"},
            )
            assert reply.status in KNOWN_STATUSES
        assert (await exchange.send("GET", "/api/v3/ping")).status == 200


SAFE = "".join(map(chr, range(0x21, 0x7F)))


def _encoded(body: str) -> str:
    return quote(body, safe=SAFE)
