"""The venue in process: gates, outcomes, pages."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field, replace
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest

from lib.binance.budget import MINUTE
from lib.binance.transport import Frame, Reply
from lib.binance.venue import BinanceVenue
from lib.clock import ExchangeClock
from lib.errors import (
    BadCredentials,
    BotError,
    DuplicateOrder,
    NotSent,
    OutcomeUnknown,
    Refused,
    Unavailable,
    UnknownOrder,
)
from lib.exchange import (
    AccountEvent,
    CancelRequest,
    OrderEvent,
    OrderStatus,
    PlaceRequest,
    StreamLost,
    StreamReady,
    UserEvent,
    Venue,
)
from tests.binance.scripted import ScriptedTransport
from tests.binance.test_payloads import (
    AT,
    CANCEL,
    REQUEST,
    canceled_answer,
    full_answer,
    report,
    row,
)
from tests.binance.virtually import run, ticks_of
from tests.virtual_time import VirtualLoop

START = 1_700_000_040_000 // MINUTE * MINUTE
DAY = 86_400_000


class SilentMarket:
    """A market source in which nothing happens."""

    def __init__(self) -> None:
        self.followed: list[str] = []

    def start(self, on_frame: Callable[[Frame], None]) -> None:
        self.on_frame = on_frame

    def follow(self, symbol: str) -> None:
        self.followed.append(symbol)

    def leave(self, symbol: str) -> None:
        self.followed.remove(symbol)

    async def close(self) -> None:
        self.followed.clear()


class HandFedUser:
    """A user source whose events the test tells."""

    def start(
        self,
        *,
        on_event: Callable[[Frame], None],
        on_ready: Callable[[], None],
        on_lost: Callable[[str], None],
    ) -> None:
        self.on_event, self.on_ready, self.on_lost = on_event, on_ready, on_lost

    async def close(self) -> None:
        self.closed = True


@dataclass
class Stage:
    loop: VirtualLoop = field(default_factory=VirtualLoop)
    market: SilentMarket = field(default_factory=SilentMarket)
    user: HandFedUser = field(default_factory=HandFedUser)
    skew: int = 0

    def __post_init__(self) -> None:
        self.transport = ScriptedTransport(self.true_time)
        self.clock = ExchangeClock(ticks_of(self.loop))
        self.venue = BinanceVenue(
            "paper", self.transport, self.clock, user=self.user, market=self.market
        )

    def true_time(self) -> int:
        return START + ticks_of(self.loop)() + self.skew

    def answers(self, *replies: Reply | Exception) -> None:
        self.transport.replies.extend(replies)

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return run(self.loop, work)


@pytest.fixture
def stage() -> Stage:
    return Stage()


def ok(body: object) -> Reply:
    return Reply(200, body)


def no(code: int, message: str = "", status: int = 400) -> Reply:
    return Reply(status, {"code": code, "msg": message})


def timely(request: Any) -> Any:
    return replace(request, send_by=START + 1_000)


PLACE: PlaceRequest = timely(REQUEST)
CANCEL_NOW: CancelRequest = timely(CANCEL)


def test_is_a_venue(stage: Stage) -> None:
    venue: Venue = stage.venue

    stage.loop.close()
    assert venue.name == "paper"


def test_signs_one_stamp_and_the_saved_window(stage: Stage) -> None:
    stage.answers(ok(full_answer()))

    record = stage.run(stage.venue.place(PLACE))

    [(method, path, params)] = stage.transport.asked
    assert (method, path) == ("POST", "/api/v3/order")
    assert params["timestamp"] == str(START)
    assert params["recvWindow"] == "2500"
    assert record.fills[0].trade_id == 56


def test_places_nothing_after_its_time(stage: Stage) -> None:
    with pytest.raises(NotSent, match="had to leave by"):
        stage.run(stage.venue.place(replace(PLACE, send_by=START - 1)))

    assert not stage.transport.asked


def test_a_process_that_slept_between_plan_and_sending_places_nothing(stage: Stage) -> None:
    async def story() -> None:
        await stage.venue.server_time()
        await asyncio.sleep(1.001)  # send_by has passed
        await stage.venue.place(PLACE)

    with pytest.raises(NotSent):
        stage.run(story())

    assert not stage.transport.asked


def test_stamps_after_it_waited_for_its_turn(stage: Stage) -> None:
    limited = Reply(429, {"code": -1015, "msg": "Too many new orders"}, {"Retry-After": "3"})
    stage.answers(limited, ok(full_answer()))

    async def story() -> None:
        with pytest.raises(NotSent):
            await stage.venue.place(PLACE)
        await stage.venue.place(replace(PLACE, send_by=START + 9_000))

    stage.run(story())

    [first, second] = [int(params["timestamp"]) for _, _, params in stage.transport.asked]
    assert first == START
    assert second == stage.true_time() >= START + 3_000


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (no(-2010, "Account has insufficient balance for requested action."), Refused),
        (no(-2010, "Duplicate order sent."), DuplicateOrder),
        (no(-1021), NotSent),
        (no(-1003, "", 429), NotSent),
        (no(-2015, "", 401), BadCredentials),
        (no(-1007, "", 504), OutcomeUnknown),
        (Reply(503, text="<html>"), OutcomeUnknown),
        (ok({}), OutcomeUnknown),
        (ok([]), OutcomeUnknown),
        (ok(full_answer(clientOrderId="x-HNA2TXFJ0123")), OutcomeUnknown),
        (Reply(302), OutcomeUnknown),
        (OutcomeUnknown("dropped"), OutcomeUnknown),
        (NotSent("no connection"), NotSent),
    ],
)
def test_sorts_what_became_of_a_placement(
    stage: Stage, reply: Reply | Exception, expected: type[BotError]
) -> None:
    stage.answers(reply)

    with pytest.raises(BotError) as caught:
        stage.run(stage.venue.place(PLACE))

    assert type(caught.value) is expected
    assert len(stage.transport.asked) == 1


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (no(-2011, "Unknown order sent."), UnknownOrder),
        (no(-2011, "Order was not canceled due to cancel restrictions."), Refused),
        (ok(canceled_answer(origClientOrderId="another")), OutcomeUnknown),
        (ok({}), OutcomeUnknown),
        (no(-1021), NotSent),
    ],
)
def test_sorts_what_became_of_a_cancel(
    stage: Stage, reply: Reply, expected: type[BotError]
) -> None:
    stage.answers(reply)

    with pytest.raises(BotError) as caught:
        stage.run(stage.venue.cancel(CANCEL_NOW))

    assert type(caught.value) is expected


def test_a_canceled_order_comes_back_under_its_own_id(stage: Stage) -> None:
    stage.answers(ok(canceled_answer()))

    record = stage.run(stage.venue.cancel(CANCEL_NOW))

    assert record.client_order_id == "at1-0001"
    assert record.status is OrderStatus.CANCELED


def test_measures_the_time_again_when_the_exchange_calls_it_wrong(stage: Stage) -> None:
    stage.answers(no(-1021), ok(full_answer()))

    async def story() -> None:
        await stage.venue.server_time()
        stage.skew = 90_000  # the exchange's clock was set
        with pytest.raises(NotSent):
            await stage.venue.place(PLACE)
        await stage.venue.place(replace(PLACE, send_by=START + 91_000))

    stage.run(story())

    assert stage.transport.asked[-1][2]["timestamp"] == str(START + 90_000)


def test_places_nothing_while_the_exchanges_time_cannot_be_had(stage: Stage) -> None:
    async def unanswered(*_: object, **__: object) -> Reply:
        raise OutcomeUnknown("dropped")

    stage.transport.request = unanswered  # type: ignore[method-assign]

    with pytest.raises(NotSent, match="dropped"):
        stage.run(stage.venue.place(PLACE))


def test_refreshes_the_time_every_ten_minutes_of_asking(stage: Stage) -> None:
    stage.answers(*[ok([])] * 40)

    async def story() -> None:
        for _ in range(40):
            await stage.venue.open_orders("BTCUSDT")
            await asyncio.sleep(30)

    stage.run(story())

    assert stage.transport.times_asked == 3 + 1  # at first, and once in twenty minutes


def test_many_callers_at_once_measure_the_time_once(stage: Stage) -> None:
    stage.answers(*[ok([])] * 10)

    async def story() -> None:
        await asyncio.gather(*(stage.venue.open_orders("BTCUSDT") for _ in range(10)))

    stage.run(story())

    assert stage.transport.times_asked == 3


def test_proves_the_time_by_what_the_exchange_answered(stage: Stage) -> None:
    async def story() -> int:
        await asyncio.sleep(5)
        return await stage.venue.server_time()

    assert stage.run(story()) == stage.clock.proven == START + 5_000


def test_an_order_that_does_not_exist_is_none(stage: Stage) -> None:
    stage.answers(no(-2013, "Order does not exist."))

    assert stage.run(stage.venue.find_order("BTCUSDT", client_order_id="at1-0001")) is None


def test_asks_by_order_id_once_it_is_known(stage: Stage) -> None:
    stage.answers(ok(row()))

    stage.run(stage.venue.find_order("BTCUSDT", order_id=28, client_order_id="at1-0001"))

    params = stage.transport.asked[0][2]
    assert params["orderId"] == "28"
    assert "origClientOrderId" not in params


def test_an_order_found_by_the_id_it_was_placed_under_shows_that_id(stage: Stage) -> None:
    stage.answers(ok(row(clientOrderId="the-cancels-id", status="CANCELED")))

    record = stage.run(stage.venue.find_order("BTCUSDT", client_order_id="at1-0001"))

    assert record.client_order_id == "at1-0001"


@pytest.mark.parametrize(
    "reply",
    [OutcomeUnknown("late"), NotSent("none"), Reply(502), ok({}), no(-1003, "", 429), no(-1021)],
)
def test_a_question_without_an_answer_can_be_asked_later(
    stage: Stage, reply: Reply | Exception
) -> None:
    stage.answers(reply)

    with pytest.raises(Unavailable):
        stage.run(stage.venue.find_order("BTCUSDT", client_order_id="at1-0001"))


def test_reads_history_in_windows_of_a_day_up_to_now(stage: Stage) -> None:
    stage.answers(
        ok([row(orderId=2)]), ok([]), ok([row(orderId=1), row(orderId=2, updateTime=AT + 9)])
    )

    records = stage.run(stage.venue.history("BTCUSDT", since=START - 2 * DAY - 5))

    spans = [
        (int(params["startTime"]), int(params["endTime"])) for _, _, params in stage.transport.asked
    ]
    assert spans[0][0] == START - 2 * DAY - 5
    assert spans[-1][1] >= START
    assert all(end - start < DAY for start, end in spans)
    assert all(later[0] == earlier[1] + 1 for earlier, later in pairwise(spans))
    assert [record.order_id for record in records] == [1, 2]
    assert records[1].updated_at == AT + 9


def test_misses_no_order_of_a_crowded_day(stage: Stage) -> None:
    moments = [START - 3_000_000 + number * 1_000 for number in range(1_500)]
    rows = [row(orderId=number, updateTime=at) for number, at in enumerate(moments)]

    async def request(method: str, path: str, params: Any, *, signed: bool) -> Reply:
        assert (method, signed) in {("GET", True), ("GET", False)}
        if path.endswith("time"):
            return ok({"serverTime": stage.true_time()})
        span = range(int(params["startTime"]), int(params["endTime"]) + 1)
        found = [each for each in rows if each["updateTime"] in span]
        return ok(found[: int(params["limit"])])

    stage.transport.request = request  # type: ignore[method-assign]

    records = stage.run(stage.venue.history("BTCUSDT", since=START - DAY))

    assert [record.order_id for record in records] == list(range(1_500))


def test_reads_all_pages_of_an_orders_trades(stage: Stage) -> None:
    def trade(number: int) -> dict[str, Any]:
        return {
            "id": number,
            "orderId": 28,
            "price": "1.0",
            "qty": "1.0",
            "quoteQty": "1.0",
            "commission": "0.0",
            "commissionAsset": "BNB",
            "time": AT,
        }

    stage.answers(ok([trade(number) for number in range(1_000)]), ok([trade(1_000)]))

    fills = stage.run(stage.venue.fills("BTCUSDT", 28))

    assert [fill.trade_id for fill in fills] == list(range(1_001))
    assert stage.transport.asked[1][2]["fromId"] == "1000"


def test_reads_the_rules_and_the_limits_with_them(stage: Stage) -> None:
    symbol = {
        "symbol": "BTCUSDT",
        "status": "TRADING",
        "baseAsset": "BTC",
        "quoteAsset": "USDT",
        "orderTypes": ["LIMIT"],
        "filters": [{"filterType": "LOT_SIZE", "minQty": "0.1", "maxQty": "9", "stepSize": "0.1"}],
    }
    limit = {"rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10, "limit": 1}
    stage.answers(ok({"symbols": [symbol], "rateLimits": [limit]}), ok(full_answer()))

    async def story() -> None:
        rules = await stage.venue.rules()
        assert rules["BTCUSDT"].lot.step == Decimal("0.1")
        await stage.venue.place(PLACE)
        with pytest.raises(NotSent, match="limits"):
            await stage.venue.place(PLACE)

    stage.run(story())


def test_reads_the_market_in_one_question(stage: Stage) -> None:
    ticker = {
        "symbol": "BTCUSDT",
        "bidPrice": "9.9",
        "askPrice": "10.1",
        "lastPrice": "10.0",
        "closeTime": AT,
    }
    stage.answers(ok(ticker))

    quote = stage.run(stage.venue.quote("BTCUSDT"))

    assert (quote.bid, quote.ask, quote.last) == (Decimal("9.9"), Decimal("10.1"), Decimal("10.0"))
    assert len(stage.transport.asked) == 1


def test_tells_user_events_in_the_cores_words(stage: Stage) -> None:
    told: list[UserEvent] = []
    stage.venue.watch_user(told.append)

    stage.user.on_ready()
    stage.user.on_event(report())
    stage.user.on_event({"e": "outboundAccountPosition", "u": AT, "B": []})
    stage.user.on_event({"e": "balanceUpdate", "a": "BTC", "d": "1"})
    stage.user.on_event({"e": "executionReport"})
    stage.user.on_event({})
    stage.user.on_lost("closed with 1001")
    stage.loop.close()

    kinds = [type(each) for each in told]
    assert kinds == [StreamReady, OrderEvent, AccountEvent, StreamLost]


def test_closes_all_that_it_was_given(stage: Stage) -> None:
    stage.venue.watch_quotes("BTCUSDT", lambda _: None)
    assert stage.market.followed == ["BTCUSDT"]

    stage.run(stage.venue.close())

    assert stage.user.closed
    assert stage.transport.closed
    assert not stage.market.followed
