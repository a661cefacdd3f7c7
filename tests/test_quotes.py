"""The market costs nothing while it does not concern you."""

import asyncio
import random
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.exchange import Quote
from lib.quotes import Base, Quotes
from tests.virtual_time import VirtualLoop

SYMBOL = "BTCUSDT"


class Market:
    """A venue's quotes, by hand."""

    def __init__(self) -> None:
        self.feeds: dict[str, Callable[[Quote], None]] = {}
        self.opened: list[str] = []
        self.ended: list[str] = []

    def watch_quotes(self, symbol: str, on_quote: Callable[[Quote], None]) -> Callable[[], None]:
        assert symbol not in self.feeds
        self.feeds[symbol] = on_quote
        self.opened.append(symbol)

        def end() -> None:
            del self.feeds[symbol]
            self.ended.append(symbol)

        return end

    def trade(self, last: str | int, symbol: str = SYMBOL) -> None:
        self.feeds[symbol](Quote(symbol, last=Decimal(last)))


def play(story: Callable[[Market, Quotes], object]) -> None:
    """Play a story in virtual time; it may be a coroutine."""
    loop = VirtualLoop(1.0)

    async def whole() -> None:
        market = Market()
        told = story(market, Quotes(market))  # type: ignore[arg-type]
        if asyncio.iscoroutine(told):
            await told

    try:
        loop.run_until_complete(whole())
    finally:
        loop.abandon()


def test_a_feed_is_opened_once_and_ended_when_its_last_user_leaves() -> None:
    def story(market: Market, quotes: Quotes) -> None:
        for _ in range(3):
            quotes.open(SYMBOL)
        quotes.close(SYMBOL)
        quotes.close(SYMBOL)
        assert (market.opened, market.ended) == ([SYMBOL], [])
        quotes.close(SYMBOL)
        assert (market.opened, market.ended) == ([SYMBOL], [SYMBOL])

    play(story)


def test_a_feed_that_ended_can_be_opened_again_and_remembers_no_old_price() -> None:
    def story(market: Market, quotes: Quotes) -> None:
        quotes.open(SYMBOL)
        market.trade(10)
        quotes.close(SYMBOL)
        quotes.open(SYMBOL)
        assert quotes.latest(SYMBOL, younger_than=1e9) is None

    play(story)


def test_a_slow_bot_sees_the_newest_price_and_no_queue() -> None:
    async def story(market: Market, quotes: Quotes) -> None:
        quotes.open(SYMBOL)
        for last in range(1, 1_000):
            market.trade(last)
        seen = quotes.latest(SYMBOL, younger_than=1)
        assert seen is not None
        assert seen.last == 999

    play(story)


def test_who_waits_for_news_is_woken_once_and_sees_the_newest() -> None:
    async def story(market: Market, quotes: Quotes) -> None:
        quotes.open(SYMBOL)
        market.trade(1)
        waiting = asyncio.ensure_future(quotes.next(SYMBOL))
        await asyncio.sleep(0)
        market.trade(2)
        market.trade(3)
        assert (await waiting).last == 3

    play(story)


def test_a_quote_grows_old() -> None:
    async def story(market: Market, quotes: Quotes) -> None:
        quotes.open(SYMBOL)
        market.trade(7)
        await asyncio.sleep(9.9)
        assert quotes.latest(SYMBOL, younger_than=10) is not None
        await asyncio.sleep(0.2)
        assert quotes.latest(SYMBOL, younger_than=10) is None

    play(story)


@given(st.lists(st.integers(1, 100), max_size=30), st.integers(1, 100), st.integers(1, 100))
def test_an_alarm_rings_once_and_exactly_when_its_bound_is_reached(
    prices: list[int], below: int, above: int
) -> None:
    def story(market: Market, quotes: Quotes) -> None:
        quotes.open(SYMBOL)
        rang: list[int] = []
        now = 0
        quotes.alarm(SYMBOL, lambda: rang.append(now), below=Decimal(below), above=Decimal(above))
        for now in prices:
            market.trade(now)
        crossing = [price for price in prices if price <= below or price >= above]
        assert rang == crossing[:1]

    play(story)


def test_an_alarm_that_was_dismissed_never_rings() -> None:
    def story(market: Market, quotes: Quotes) -> None:
        quotes.open(SYMBOL)
        rang: list[str] = []
        kept = quotes.alarm(SYMBOL, lambda: rang.append("kept"), below=Decimal(5))
        gone = quotes.alarm(SYMBOL, lambda: rang.append("gone"), below=Decimal(5))
        quotes.dismiss(gone)
        market.trade(4)
        assert rang == ["kept"]
        assert not kept.live

    play(story)


def test_alarms_of_one_symbol_are_deaf_to_another() -> None:
    def story(market: Market, quotes: Quotes) -> None:
        for symbol in (SYMBOL, "ETHUSDT"):
            quotes.open(symbol)
        rang: list[str] = []
        quotes.alarm(SYMBOL, lambda: rang.append("btc"), below=Decimal(5))
        market.trade(1, "ETHUSDT")
        assert rang == []

    play(story)


def test_a_quote_without_a_trade_rings_nothing() -> None:
    def story(market: Market, quotes: Quotes) -> None:
        quotes.open(SYMBOL)
        rang: list[str] = []
        quotes.alarm(SYMBOL, lambda: rang.append("rang"), below=Decimal(5))
        market.feeds[SYMBOL](Quote(SYMBOL, bid=Decimal(1), ask=Decimal(2)))
        assert rang == []

    play(story)


def test_a_thousand_bots_on_fifty_symbols_are_woken_by_nothing_but_their_own_price() -> None:
    def story(market: Market, quotes: Quotes) -> None:
        chance = random.Random(7)
        symbols = [f"S{n}USDT" for n in range(50)]
        rang: list[int] = []
        for bot in range(1_000):
            symbol = symbols[bot % 50]
            quotes.open(symbol)
            quotes.alarm(
                symbol,
                lambda bot=bot: rang.append(bot),  # type: ignore[misc]
                below=Decimal(100 + bot // 50),
                above=Decimal(1_000),
            )
        for _ in range(5_000):
            market.trade(chance.randrange(200, 900), chance.choice(symbols))
        assert rang == []
        market.trade(119, symbols[3])
        assert rang == [953]
        assert len(market.opened) == 50

    play(story)


def test_alarms_set_and_dismissed_for_ever_do_not_pile_up() -> None:
    def story(market: Market, quotes: Quotes) -> None:
        quotes.open(SYMBOL)
        quotes.alarm(SYMBOL, lambda: None, below=Decimal(5))
        for n in range(10_000):
            bound = Decimal(1 + n % 7)
            quotes.dismiss(quotes.alarm(SYMBOL, lambda: None, below=bound))
        assert len(quotes._feeds[SYMBOL].alarms["last"].lows) < 200

    play(story)


@pytest.mark.parametrize("base", ["last", "bid", "ask"])
def test_an_alarm_rings_at_the_price_of_its_own_base_alone(base: Base) -> None:
    rang: list[Decimal] = []

    def story(market: Market, quotes: Quotes) -> None:
        quotes.open(SYMBOL)
        alarm = quotes.alarm(SYMBOL, lambda: rang.append(alarm.price), below=Decimal(5), base=base)
        prices: dict[str, Any] = {each: Decimal(4) for each in ("last", "bid", "ask")}
        market.feeds[SYMBOL](Quote(SYMBOL, **{**prices, base: Decimal(6)}))
        assert rang == []
        market.feeds[SYMBOL](Quote(SYMBOL, **{**prices, base: Decimal(5)}))

    play(story)

    assert rang == [Decimal(5)]


def test_a_base_that_is_not_known_yet_rings_nothing() -> None:
    rang: list[str] = []

    def story(market: Market, quotes: Quotes) -> None:
        quotes.open(SYMBOL)
        quotes.alarm(SYMBOL, lambda: rang.append("rang"), below=Decimal(5), base="bid")
        market.trade(3)

    play(story)

    assert rang == []
