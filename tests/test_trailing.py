"""A trail follows the better price, turns at its distance, and remembers through a sleep."""

import asyncio
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from lib.errors import Unavailable
from lib.exchange import Candle, PlaceRequest, Quote, Side
from lib.filters import TrailingDelta
from lib.money import SymbolRules
from lib.orders import Order
from lib.trailing import Trail, follow_trail, turns
from tests.scripted_venue import Office, play

MINUTE = 60_000
TRAILABLE = SymbolRules(
    "BTCUSDT",
    "BTC",
    "USDT",
    trailing_stop_allowed=True,
    trailing_delta=TrailingDelta(10, 2_000, 20, 1_000),
)


def trail_of(distance: str = "0.02", **more: Any) -> Trail:
    return Trail(
        symbol="BTCUSDT", side=more.pop("side", "SELL"), distance=Decimal(distance), **more
    )


async def follow(office: Office, trail: Trail, saved: list[Trail]) -> None:
    async for each in follow_trail(office.desk, trail):
        saved.append(each.model_copy())
        await asyncio.sleep(0.005)


def through(trail: Trail, *prices: int) -> list[Trail]:
    """Show prices one after the other; answer what was saved."""

    async def story(office: Office) -> list[Trail]:
        saved: list[Trail] = []
        office.floor.quotes.open("BTCUSDT")
        office.quote(str(prices[0]))
        task = office.loop.create_task(follow(office, trail, saved))
        for price in prices:
            office.quote(str(price))
            await asyncio.sleep(0.1)
        task.cancel()
        return saved

    return play(story)


def test_sells_once_the_price_fell_by_the_distance_from_its_peak() -> None:
    trail = trail_of("0.02")

    through(trail, 1_000, 1_100, 1_090, 1_079, 1_078)

    assert (trail.mark, trail.turned_at) == (Decimal(1_100), Decimal(1_078))


def test_buys_once_the_price_rose_by_the_distance_from_its_low() -> None:
    trail = trail_of("0.1", side="BUY")

    through(trail, 1_100, 900, 980, 990)

    assert (trail.mark, trail.turned_at) == (Decimal(900), Decimal(990))


def test_a_distance_in_quote_is_the_same_at_every_price() -> None:
    trail = trail_of("50", unit="quote")

    through(trail, 1_000, 2_000, 1_951, 1_950)

    assert (trail.mark, trail.turned_at) == (Decimal(2_000), Decimal(1_950))


def test_the_line_never_goes_back() -> None:
    trail = trail_of("0.02")

    through(trail, 1_000, 1_100, 1_085, 1_095)

    assert (trail.line, trail.turned_at) == (Decimal("1078.00"), None)


def test_nothing_turns_before_the_activation_price_was_reached() -> None:
    trail = trail_of("0.01", activation=Decimal(1_020))

    through(trail, 900, 800, 1_020, 1_100, 900)

    assert (trail.mark, trail.turned_at) == (Decimal(1_100), Decimal(900))


def test_the_price_that_activates_is_the_first_mark() -> None:
    trail = trail_of("0.01", activation=Decimal(1_020))

    through(trail, 900, 1_030)

    assert (trail.mark, trail.turned_at) == (Decimal(1_030), None)


def test_a_tick_is_no_save_and_a_tenth_of_the_distance_is_one() -> None:
    saved = through(trail_of("0.02"), 1_000, *range(1_001, 1_011))

    assert [each.mark for each in saved] == [Decimal(mark) for mark in (1_000, 1_003, 1_006, 1_009)]


def test_what_is_not_saved_is_less_than_the_slack() -> None:
    trail = trail_of("0.02")

    saved = through(trail, 1_000, *range(1_001, 1_100))

    last = saved[-1].mark
    assert trail.mark is not None
    assert last is not None
    assert trail.mark - last < trail.distance_now * trail.slack


def test_the_turn_is_saved_before_the_trail_ends() -> None:
    saved = through(trail_of("0.02"), 1_000, 1_001, 900)

    assert (saved[-1].mark, saved[-1].turned_at) == (Decimal(1_001), Decimal(900))


def test_a_trail_that_turned_asks_for_no_price_again() -> None:
    trail = trail_of(mark=Decimal(1_000), turned_at=Decimal(900))

    assert through(trail, 2_000, 2_100) == []


def asleep(
    trail: Trail, candles: Sequence[Candle] | Exception, price: int, base: str = "last"
) -> tuple[Trail, list[Trail]]:
    """Wake up an hour after the trail last saw a price."""

    async def story(office: Office) -> tuple[Trail, list[Trail]]:
        async def answer(
            symbol: str, interval: str, limit: int, *, since: int | None = None
        ) -> Sequence[Candle]:
            if isinstance(candles, Exception):
                raise candles
            return [moved(candle, office.now()) for candle in candles]

        office.venue.candles = answer  # type: ignore[method-assign]
        saved: list[Trail] = []
        woken = trail.model_copy(
            update={
                "began_at": office.now() - 90 * MINUTE if trail.mark else 0,
                "seen_at": office.now() - 60 * MINUTE,
            }
        )
        office.floor.quotes.open("BTCUSDT")
        prices: dict[str, Any] = {base: Decimal(price)}
        office.floor.quotes.take(Quote("BTCUSDT", **prices))
        task = office.loop.create_task(follow(office, woken, saved))
        await asyncio.sleep(1)
        task.cancel()
        return woken, saved

    return play(story)


def moved(candle: Candle, now: int) -> Candle:
    at = now + candle.open_time
    return Candle(
        at, candle.open, candle.high, candle.low, candle.close, candle.volume, at + MINUTE - 1
    )


def candle(minutes_ago: int, low: int, high: int) -> Candle:
    mean = Decimal((low + high) // 2)
    at = -minutes_ago * MINUTE
    return Candle(at, mean, Decimal(high), Decimal(low), mean, Decimal(1), at + MINUTE)


@pytest.mark.parametrize(("side", "mark"), [("SELL", 1_200), ("BUY", 800)])
def test_a_peak_that_was_slept_through_counts(side: Side, mark: int) -> None:
    trail = trail_of("0.3", side=side, mark=Decimal(1_000))

    woken, saved = asleep(trail, [candle(30, 800, 1_200)], 1_000)

    assert (woken.mark, woken.turned_at) == (Decimal(mark), None)
    assert saved[-1].mark == mark


def test_a_peak_that_was_slept_through_can_turn_the_trail_at_the_present_price() -> None:
    woken, _ = asleep(trail_of("0.02", mark=Decimal(1_000)), [candle(30, 990, 1_200)], 1_100)

    assert woken.turned_at == 1_100


def test_a_fall_that_was_slept_through_and_made_good_turns_nothing() -> None:
    woken, _ = asleep(trail_of("0.02", mark=Decimal(1_000)), [candle(30, 500, 1_000)], 999)

    assert woken.turned_at is None


def test_a_peak_from_before_the_trail_began_is_not_believed() -> None:
    woken, _ = asleep(trail_of("0.02", mark=Decimal(1_000)), [candle(95, 900, 2_000)], 1_000)

    assert woken.mark == 1_000


def test_an_activation_that_was_slept_through_counts() -> None:
    trail = trail_of("0.3", activation=Decimal(1_100))

    woken, _ = asleep(trail, [candle(30, 990, 1_150), candle(20, 990, 1_160)], 1_000)

    assert woken.mark == 1_160


def test_nothing_is_looked_up_when_it_is_not_wanted() -> None:
    trail = trail_of("0.3", mark=Decimal(1_000), look_back=False)

    woken, _ = asleep(trail, [candle(30, 800, 1_200)], 1_000)

    assert woken.mark == 1_000


def test_a_trail_goes_on_when_the_past_cannot_be_looked_up_and_asks_again_later() -> None:
    woken, _ = asleep(trail_of("0.3", mark=Decimal(1_000)), Unavailable("no history"), 1_010)

    assert woken.mark == 1_010
    assert woken.seen_at < woken.began_at + 40 * MINUTE


def test_a_price_at_the_line_is_acted_on_before_anything_is_looked_up() -> None:
    woken, _ = asleep(trail_of("0.02", mark=Decimal(1_000)), RuntimeError("asked"), 900)

    assert woken.turned_at == 900


def test_a_trail_by_all_of_the_price_is_refused() -> None:
    with pytest.raises(ValidationError):
        trail_of("1")


def test_a_trail_that_is_not_active_turns_at_no_price() -> None:
    assert not turns(trail_of(activation=Decimal(2)), Decimal(1))


# --- a trail at the exchange


def stop(side: Side, type_: str, delta: int, **more: Any) -> Order:
    return Order.model_validate({
        "symbol": "BTCUSDT",
        "side": side,
        "type": type_,
        "quantity": Decimal(1),
        "trailing_delta": delta,
        **more,
    })


@pytest.mark.parametrize(
    ("side", "type_", "delta", "refused"),
    [
        ("SELL", "STOP_LOSS", 20, False),
        ("SELL", "STOP_LOSS", 19, True),
        ("SELL", "STOP_LOSS", 1_001, True),
        ("BUY", "STOP_LOSS", 19, False),
        ("BUY", "STOP_LOSS", 2_001, True),
        ("SELL", "TAKE_PROFIT", 19, False),
        ("BUY", "TAKE_PROFIT", 19, True),
        ("SELL", "LIMIT", 100, True),
    ],
)
def test_a_trailing_delta_is_judged_by_side_and_type(
    side: Side, type_: str, delta: int, *, refused: bool
) -> None:
    found = TRAILABLE.refusals(stop(side, type_, delta))

    about = [each for each in found if "trailing" in each.text]
    assert bool(about) == refused


def test_a_symbol_without_trailing_stops_refuses_them() -> None:
    plain_symbol = SymbolRules("BTCUSDT", "BTC", "USDT")

    (complaint,) = plain_symbol.complaints(stop("SELL", "STOP_LOSS", 100))

    assert complaint == "BTCUSDT takes no trailing stops"


def test_a_trailing_stop_leaves_with_its_delta_and_without_a_stop_price() -> None:
    async def story(office: Office) -> PlaceRequest:
        office.floor.rules["BTCUSDT"] = TRAILABLE
        task = await office.begin(stop("SELL", "STOP_LOSS", 100))
        task.cancel()
        return office.venue.placed[0][1]

    request = play(story)
    assert (request.trailing_delta, request.stop_price) == (100, None)


# --- which price is followed, and what candles say of it


def test_a_trail_of_the_bid_looks_at_no_trade() -> None:
    async def story(office: Office) -> tuple[Decimal | None, Decimal | None]:
        trail, saved = trail_of("0.02", base="bid"), list[Trail]()
        office.floor.quotes.open("BTCUSDT")
        tell_both(office, bid=1_000, last=1_000)
        task = office.loop.create_task(follow(office, trail, saved))
        for bid, last in ((1_000, 1_500), (1_100, 900), (1_078, 2_000)):
            await asyncio.sleep(0.1)
            tell_both(office, bid=bid, last=last)
        await asyncio.sleep(0.1)
        task.cancel()
        return trail.mark, trail.turned_at

    assert play(story) == (Decimal(1_100), Decimal(1_078))


def tell_both(office: Office, *, bid: int, last: int) -> None:
    quote = Quote("BTCUSDT", bid=Decimal(bid), ask=Decimal(bid + 1), last=Decimal(last))
    office.floor.quotes.take(quote)


@pytest.mark.parametrize(
    ("side", "base", "believed"),
    [
        ("SELL", "last", True),
        ("SELL", "ask", True),
        ("SELL", "bid", False),
        ("BUY", "last", True),
        ("BUY", "bid", True),
        ("BUY", "ask", False),
    ],
)
def test_candles_are_believed_where_they_cannot_show_more_than_the_price_reached(
    side: Side, base: str, *, believed: bool
) -> None:
    trail = trail_of("0.3", side=side, base=base, mark=Decimal(1_000))

    woken, _ = asleep(trail, [candle(30, 800, 1_200)], 1_000, base)

    extreme = Decimal(1_200 if side == "SELL" else 800)
    assert woken.mark == (extreme if believed else Decimal(1_000))
