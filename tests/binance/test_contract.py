"""The venue over real sockets against our simulated Binance, which keeps Binance's rules."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pytest
import pytest_asyncio

from lib.binance.addresses import resolve
from lib.binance.connection import Patience
from lib.binance.venue import BinanceVenue
from lib.binance.wiring import open_venue
from lib.clock import ExchangeClock
from lib.errors import (
    BadCredentials,
    DuplicateOrder,
    NotSent,
    OutcomeUnknown,
    Refused,
    UnknownOrder,
)
from lib.exchange import (
    AccountEvent,
    CancelRequest,
    OrderEvent,
    OrderRecord,
    OrderStatus,
    PlaceRequest,
    Quote,
    StreamLost,
    StreamReady,
    UserEvent,
)
from lib.simulator.paper.paper import Paper, PaperSettings, machine_time, open_paper
from lib.simulator.server.faults import (
    Fault,
    Rule,
    backend_timeout,
    bus_unexpected,
    lose_reply,
    lose_request,
    refuse_too_many,
    spoil_reply,
)

pytestmark = pytest.mark.asyncio

PRICE = Decimal(60_000)
HASTE = Patience(retry_first=5, retry_last=50, linger=50, farewell=50)


@dataclass
class Desk:
    """One client of one simulated exchange."""

    paper: Paper
    venue: BinanceVenue
    clock: ExchangeClock
    told: list[UserEvent] = field(default_factory=list)
    placed: int = 0

    def order(self, price: Decimal | None = PRICE * 9 / 10, **changes: Any) -> PlaceRequest:
        self.placed += 1
        wanted = {
            "client_order_id": f"at1-{self.placed:04}",
            "symbol": "BTCUSDT",
            "side": "BUY",
            "type": "LIMIT",
            "quantity": Decimal("0.001"),
            "price": price,
            "time_in_force": "GTC",
            "send_by": self.clock.now() + 5_000,
            "recv_window": 2_500,
        }
        return PlaceRequest(**{**wanted, **changes})

    def market_order(self, **changes: Any) -> PlaceRequest:
        return self.order(type="MARKET", price=None, time_in_force=None, **changes)

    def cancel(self, order: PlaceRequest, order_id: int | None = None) -> CancelRequest:
        self.placed += 1
        return CancelRequest(
            client_order_id=f"at1-{self.placed:04}",
            symbol=order.symbol,
            target_client_order_id=order.client_order_id,
            target_order_id=order_id,
            send_by=self.clock.now() + 5_000,
            recv_window=2_500,
        )

    def records(self) -> list[OrderRecord]:
        return [event.record for event in self.told if isinstance(event, OrderEvent)]


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.005)


@asynccontextmanager
async def trading(*, secret: str = "paper") -> AsyncIterator[Desk]:
    paper = await open_paper(PaperSettings(market="none"))
    paper.exchange.set_book(
        "BTCUSDT",
        [(PRICE - 1, Decimal(5))],
        [(PRICE + 1, Decimal(5))],
        machine_time(),
    )
    paper.exchange.market_trade(
        "BTCUSDT", PRICE, Decimal(1), buyer_is_maker=True, time=machine_time()
    )
    clock = ExchangeClock()
    venue = await open_venue(
        resolve(paper.address), key="paper", secret=secret, clock=clock, patience=HASTE
    )
    try:
        await venue.server_time()
        yield Desk(paper, venue, clock)
    finally:
        await venue.close()
        await paper.close()


@pytest_asyncio.fixture
async def desk() -> AsyncIterator[Desk]:
    async with trading() as made:
        yield made


async def test_reads_the_rules_the_account_and_the_time(desk: Desk) -> None:
    rules = await desk.venue.rules()
    account = await desk.venue.account()

    assert rules["BTCUSDT"].prices.tick > 0
    assert account.balances["USDT"].free == 10_000
    assert account.uid
    assert abs(await desk.venue.server_time() - machine_time()) < 1_000


async def test_an_order_rests_is_found_and_is_canceled(desk: Desk) -> None:
    wanted = desk.order()

    placed = await desk.venue.place(wanted)
    by_id = await desk.venue.find_order("BTCUSDT", order_id=placed.order_id)
    by_client_id = await desk.venue.find_order("BTCUSDT", client_order_id=wanted.client_order_id)
    resting = await desk.venue.open_orders("BTCUSDT")
    canceled = await desk.venue.cancel(desk.cancel(wanted, placed.order_id))
    history = await desk.venue.history("BTCUSDT", since=placed.created_at)

    assert placed.status is OrderStatus.NEW
    assert by_id == by_client_id
    assert [record.order_id for record in resting] == [placed.order_id]
    assert canceled.status is OrderStatus.CANCELED
    assert canceled.client_order_id == wanted.client_order_id
    assert [record.status for record in history] == [OrderStatus.CANCELED]
    assert not await desk.venue.open_orders()


async def test_a_market_order_carries_the_same_trades_as_are_asked_for(desk: Desk) -> None:
    placed = await desk.venue.place(desk.market_order())
    fills = await desk.venue.fills("BTCUSDT", placed.order_id)

    assert placed.status is OrderStatus.FILLED
    assert list(placed.fills) == list(fills)
    assert sum(fill.quote for fill in fills) == placed.executed_quote


async def test_an_order_that_does_not_exist_is_none(desk: Desk) -> None:
    assert await desk.venue.find_order("BTCUSDT", client_order_id="at1-9999") is None


async def test_refusals_come_as_what_they_are(desk: Desk) -> None:
    resting = desk.order()
    await desk.venue.place(resting)

    with pytest.raises(DuplicateOrder):
        await desk.venue.place(desk.order(client_order_id=resting.client_order_id))
    with pytest.raises(Refused, match="insufficient balance"):
        await desk.venue.place(desk.order(quantity=Decimal(5)))
    with pytest.raises(Refused, match="PRICE_FILTER"):
        await desk.venue.place(desk.order(Decimal("50000.001")))
    with pytest.raises(UnknownOrder):
        await desk.venue.cancel(desk.cancel(desk.order()))


async def test_a_wrong_secret_is_a_matter_for_a_person() -> None:
    async with trading(secret="wrong") as desk:
        with pytest.raises(BadCredentials):
            await desk.venue.account()
        with pytest.raises(BadCredentials):
            await desk.venue.place(desk.order())


async def test_a_clock_that_was_set_back_places_nothing_and_is_corrected(desk: Desk) -> None:
    ticks = desk.clock.ticks()
    desk.clock.doubt()
    desk.clock.measured(machine_time() - 60_000, ticks, ticks)
    with pytest.raises(NotSent, match="-1021"):
        await desk.venue.place(desk.order())

    desk.clock.doubt()
    await desk.venue.server_time()
    placed = await desk.venue.place(desk.order())

    assert placed.status is OrderStatus.NEW
    assert len(await desk.venue.open_orders("BTCUSDT")) == 1


@pytest.mark.parametrize(
    ("fault", "accepted"),
    [
        (lose_reply(), True),
        (backend_timeout(), True),
        (bus_unexpected(), True),
        (spoil_reply(502, "<html>Bad Gateway</html>"), True),
        (spoil_reply(200, ""), True),
        (lose_request(), False),
    ],
    ids=["reply lost", "-1007", "-1006", "502", "200 empty", "request lost"],
)
async def test_an_unknown_outcome_is_never_anything_else(
    desk: Desk, fault: Fault, accepted: bool
) -> None:
    wanted = desk.market_order()
    desk.paper.plan.add(Rule(fault=fault, method="POST", times=1))

    with pytest.raises(OutcomeUnknown):
        await desk.venue.place(wanted)
    found = await desk.venue.find_order("BTCUSDT", client_order_id=wanted.client_order_id)

    assert (found is not None) == accepted


async def test_a_cancel_whose_reply_is_lost_is_sent_once_and_unknown(desk: Desk) -> None:
    wanted = desk.order()
    placed = await desk.venue.place(wanted)
    desk.paper.plan.add(Rule(fault=lose_reply(), method="DELETE", times=1))

    with pytest.raises(OutcomeUnknown):
        await desk.venue.cancel(desk.cancel(wanted, placed.order_id))
    found = await desk.venue.find_order("BTCUSDT", order_id=placed.order_id)

    assert found is not None
    assert found.status is OrderStatus.CANCELED


async def test_a_limit_holds_back_what_comes_after(desk: Desk) -> None:
    desk.paper.plan.add(Rule(fault=refuse_too_many(5), method="POST", times=1))
    with pytest.raises(NotSent, match="-1003"):
        await desk.venue.place(desk.order())

    with pytest.raises(NotSent, match="limits"):
        await desk.venue.place(desk.order(send_by=desk.clock.now() + 1_000))


async def test_the_user_stream_tells_of_orders_trades_and_balances(desk: Desk) -> None:
    desk.venue.watch_user(desk.told.append)
    await until(lambda: StreamReady() in desk.told)
    resting = desk.order()

    await desk.venue.place(resting)
    await desk.venue.cancel(desk.cancel(resting))
    filled = await desk.venue.place(desk.market_order())
    await until(lambda: any(record.fills for record in desk.records()))

    first, second, *rest = desk.records()
    assert (first.status, second.status) == (OrderStatus.NEW, OrderStatus.CANCELED)
    assert first.client_order_id == second.client_order_id == resting.client_order_id
    trades = [fill for record in rest for fill in record.fills]
    assert trades == list(filled.fills)
    assert any(isinstance(event, AccountEvent) for event in desk.told)


@pytest.mark.parametrize("blow", ["drop_connections", "send_null_errors"])
async def test_events_flow_again_after_every_loss(desk: Desk, blow: str) -> None:
    desk.venue.watch_user(desk.told.append)
    await until(lambda: StreamReady() in desk.told)

    getattr(desk.paper._server, blow)()
    await until(lambda: desk.told.count(StreamReady()) == 2)
    await desk.venue.place(desk.order())
    await until(lambda: bool(desk.records()))

    assert [type(event) for event in desk.told[:3]] == [StreamReady, StreamLost, StreamReady]


async def test_a_shutdown_that_was_announced_loses_no_event(desk: Desk) -> None:
    desk.venue.watch_user(desk.told.append)
    await until(lambda: StreamReady() in desk.told)

    desk.paper._server.announce_shutdown()
    for _ in range(10):
        await desk.venue.place(desk.order())
        await asyncio.sleep(0.01)
    await until(lambda: len({record.order_id for record in desk.records()}) == 10)

    assert not any(isinstance(event, StreamLost) for event in desk.told)


async def test_a_burst_of_a_thousand_events_leaves_the_stream_alive(desk: Desk) -> None:
    desk.venue.watch_user(desk.told.append)
    await until(lambda: StreamReady() in desk.told)

    desk.paper._server.burst(1_000)
    await desk.venue.place(desk.order())

    await until(lambda: bool(desk.records()))
    assert not any(isinstance(event, StreamLost) for event in desk.told)


async def test_quotes_follow_the_market(desk: Desk) -> None:
    quotes: list[Quote] = []
    leave = desk.venue.watch_quotes("BTCUSDT", quotes.append)

    async def move() -> None:
        for step in range(200):
            bid = PRICE + step
            book = [(bid, Decimal(1))], [(bid + 2, Decimal(1))]
            desk.paper.exchange.set_book("BTCUSDT", *book, machine_time())
            desk.paper.exchange.market_trade(
                "BTCUSDT", bid, Decimal("0.5"), buyer_is_maker=True, time=machine_time()
            )
            await asyncio.sleep(0.02)

    mover = asyncio.create_task(move())
    await until(lambda: bool(quotes) and quotes[-1].last > 0)
    mover.cancel()
    asked = await desk.venue.quote("BTCUSDT")
    leave()

    assert quotes[-1].bid < quotes[-1].ask
    assert asked.bid >= PRICE


async def test_public_trades_come_back_by_their_numbers(desk: Desk) -> None:
    newest = await desk.venue.public_trades("BTCUSDT", 1)
    if not newest:
        pytest.skip("nobody has traded yet")

    found = await desk.venue.public_trades("BTCUSDT", 3, since=max(newest[0].id - 1, 0))

    numbers = [trade.id for trade in found]
    assert numbers == sorted(numbers)
    assert newest[0].id in numbers
    assert all(trade.price > 0 and trade.quantity > 0 and trade.time > 0 for trade in found)


async def test_candles_come_back_in_order(desk: Desk) -> None:
    candles = await desk.venue.candles("BTCUSDT", "1m", 10)

    times = [candle.open_time for candle in candles]
    assert times == sorted(times)
