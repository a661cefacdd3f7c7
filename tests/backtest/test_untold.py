"""What a market shows while nobody waits for it is told when somebody looks, and in its time."""

import asyncio
from decimal import Decimal

import pytest

from lib.backtest.latency import Latency, Ways
from lib.backtest.untold import Touch, Untold
from lib.backtest.virtual_time import VirtualLoop
from lib.backtest.wire import Streams
from lib.binance.transport import Frame
from lib.exchange import Quote
from lib.quotes import ANY, Bounds, Quotes
from lib.simulator.units import units
from tests.backtest.scenes import SYMBOL

LOW = Touch(units(99), units(100), units(99))


class SilentVenue:
    """Tells nothing by itself."""

    def watch_quotes(self, symbol: str, on_quote: object) -> object:
        return lambda: None


def test_a_touch_concerns_who_waits_for_one_of_its_prices() -> None:
    assert LOW.concerns(Bounds(below=Decimal(99)))
    assert LOW.concerns(Bounds(above=Decimal(100)))
    assert LOW.concerns(ANY)
    assert not LOW.concerns(Bounds(below=Decimal(98), above=Decimal(101)))
    assert not LOW.concerns(Bounds())


def test_a_side_that_is_empty_concerns_nobody() -> None:
    assert not Touch(0, units(100), 0).concerns(Bounds(below=Decimal(50)))
    assert not Touch(0, 0, 0).concerns(ANY)


def test_a_touch_is_the_same_as_a_quote_and_as_frames() -> None:
    quote = Quote(SYMBOL, bid=Decimal(99), ask=Decimal(100), last=Decimal(99), time=7)

    assert LOW.as_quote(SYMBOL, 7) == quote
    assert LOW.as_frames(SYMBOL) == (
        {"e": "trade", "s": SYMBOL, "p": "99.00000000"},
        {"s": SYMBOL, "u": "1", "b": "99.00000000", "a": "100.00000000"},
    )


def test_the_newest_that_arrived_is_told_and_the_rest_waits_for_its_time() -> None:
    untold = Untold()
    touches = [Touch(number, number + 1, number) for number in range(1, 4)]
    for number, touch in enumerate(touches):
        untold.hold(SYMBOL, touch, now=number / 100, arrives_at=number / 100 + 0.02)

    assert untold.arrived(SYMBOL, 0.03) == (0.03, touches[1])
    assert untold.arrived(SYMBOL, 0.03) is None
    assert list(untold.under_way(SYMBOL)) == [(0.04, touches[2])]
    assert list(untold.under_way(SYMBOL)) == []


def test_what_is_held_does_not_grow_while_nobody_looks() -> None:
    untold = Untold()
    for second in range(1_000):
        untold.hold(SYMBOL, LOW, now=float(second), arrives_at=second + 0.02)

    untold.arrived(SYMBOL, 998.5)
    assert len(list(untold.under_way(SYMBOL))) == 1


@pytest.mark.asyncio
async def test_who_begins_to_wait_is_told_before_what_had_arrived() -> None:
    quotes = Quotes(SilentVenue())  # type: ignore[arg-type]
    quotes.open(SYMBOL)
    quotes.before_wait = lambda symbol: quotes.take(LOW.as_quote(symbol, 1))
    rang: list[int] = []

    quotes.alarm(SYMBOL, lambda: rang.append(1), below=Decimal(99))

    assert rang == []
    assert quotes.waited_for(SYMBOL) == Bounds(below=Decimal(99))


@pytest.mark.asyncio
async def test_the_nearest_bounds_of_all_bases_are_what_is_waited_for() -> None:
    quotes = Quotes(SilentVenue())  # type: ignore[arg-type]
    assert quotes.waited_for(SYMBOL) == Bounds()
    quotes.open(SYMBOL)
    assert quotes.waited_for(SYMBOL) == ANY  # the first one is news

    quotes.take(LOW.as_quote(SYMBOL, 1))
    alarm = quotes.alarm(SYMBOL, lambda: None, below=Decimal(95))
    quotes.alarm(SYMBOL, lambda: None, below=Decimal(90), above=Decimal(120), base="bid")
    assert quotes.waited_for(SYMBOL) == Bounds(Decimal(95), Decimal(120))

    quotes.dismiss(alarm)
    assert quotes.waited_for(SYMBOL) == Bounds(Decimal(90), Decimal(120))
    waiting = asyncio.ensure_future(quotes.next(SYMBOL))
    await asyncio.sleep(0)
    assert quotes.waited_for(SYMBOL) == ANY
    waiting.cancel()


@pytest.mark.asyncio
async def test_a_quote_that_was_heard_long_ago_is_too_old_at_once() -> None:
    quotes = Quotes(SilentVenue())  # type: ignore[arg-type]
    quotes.open(SYMBOL)

    quotes.take(LOW.as_quote(SYMBOL, 1), ago=3_601.0)

    assert quotes.latest(SYMBOL, younger_than=3_600) is None
    assert quotes.latest(SYMBOL, younger_than=3_700) is not None


class StillStage:
    """Time as the loop says; nothing is played."""

    begins = 0

    def __init__(self, loop: VirtualLoop) -> None:
        self._loop = loop

    def now(self) -> int:
        return round(self._loop.time() * 1000)

    def catch_up(self, *, before_ms: int) -> None:
        """Nothing was passed over."""


def test_a_price_that_is_under_way_reaches_who_began_to_wait_meanwhile() -> None:
    loop = VirtualLoop()
    heard: list[Frame] = []
    streams = Streams(StillStage(loop), loop, Ways(Latency(back=20), seed=1))  # type: ignore[arg-type]
    quotes = Quotes(SilentVenue())  # type: ignore[arg-type]
    streams.look(quotes)
    streams.market.start(heard.append)
    streams.market.followed.add(SYMBOL)

    async def scene() -> None:
        quotes.open(SYMBOL)
        quotes.take(Quote(SYMBOL, bid=Decimal(110), ask=Decimal(111), last=Decimal(110), time=0))
        streams.hear_market(SYMBOL, LOW, 0)
        await asyncio.sleep(0.01)
        quotes.alarm(SYMBOL, lambda: None, below=Decimal(99))
        assert not heard
        await asyncio.sleep(0.02)

    loop.run_until_complete(scene())
    loop.abandon()

    assert tuple(heard) == LOW.as_frames(SYMBOL)


def test_a_price_that_nobody_waited_for_is_known_to_who_looks() -> None:
    loop = VirtualLoop()
    streams = Streams(StillStage(loop), loop, Ways(Latency(back=20), seed=1))  # type: ignore[arg-type]
    quotes = Quotes(SilentVenue())  # type: ignore[arg-type]
    streams.look(quotes)
    streams.market.followed.add(SYMBOL)

    async def looked_after(seconds: float) -> Decimal:
        await asyncio.sleep(seconds)
        quote = quotes.latest(SYMBOL, younger_than=60)
        assert quote is not None
        return quote.last

    async def scene() -> list[Decimal]:
        quotes.open(SYMBOL)
        quotes.take(Quote(SYMBOL, bid=Decimal(110), ask=Decimal(111), last=Decimal(110), time=0))
        streams.hear_market(SYMBOL, LOW, 0)
        return [await looked_after(0.01), await looked_after(0.02)]

    seen = loop.run_until_complete(scene())
    loop.abandon()

    assert seen == [Decimal(110), Decimal(99)]
