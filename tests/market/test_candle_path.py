from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.exchange import Candle
from lib.market.candle_path import Grid, candle_path, reverse
from lib.market.ladder import LEVELS, Ladder

GRID = Grid(tick=Decimal("0.01"), lot=Decimal("0.00001"))


@st.composite
def candles(draw: st.DrawFn) -> Candle:
    prices = sorted(draw(st.lists(st.integers(1, 10**7), min_size=4, max_size=4)))
    inner = draw(st.permutations(prices[1:3]))
    lots = draw(st.integers(0, 10**9))
    low, high = prices[0], prices[3]
    return _candle(inner[0], high, low, inner[1], lots)


@given(candles(), st.integers(4, 300), st.binary(max_size=8))
def test_a_path_starts_at_the_open_ends_at_the_close_and_touches_both_extremes(
    candle: Candle, steps: int, chance: bytes
) -> None:
    path = candle_path(candle, GRID, steps=steps, chance=chance)

    prices = [step.price for step in path]
    assert len(path) == steps
    assert (prices[0], prices[-1]) == (candle.open, candle.close)
    assert (max(prices), min(prices)) == (candle.high, candle.low)


@given(candles(), st.integers(4, 300))
def test_a_path_trades_exactly_the_volume_of_its_candle(candle: Candle, steps: int) -> None:
    path = candle_path(candle, GRID, steps=steps, chance=b"1")

    assert sum(step.quantity for step in path) == candle.volume
    assert all(step.quantity >= 0 for step in path)


def test_a_rising_candle_visits_its_low_first_and_a_falling_one_its_high() -> None:
    rising = [
        step.price for step in candle_path(_candle(50, 90, 10, 60, 100), GRID, steps=20, chance=b"")
    ]
    falling = [
        step.price for step in candle_path(_candle(60, 90, 10, 50, 100), GRID, steps=20, chance=b"")
    ]

    assert rising.index(min(rising)) < rising.index(max(rising))
    assert falling.index(max(falling)) < falling.index(min(falling))


def test_a_buyer_takes_when_the_price_rises_and_a_seller_when_it_falls() -> None:
    path = candle_path(_candle(500, 9_000, 100, 6_000, 10**6), GRID, steps=40, chance=b"x")

    for before, after in pairwise(path):
        assert after.rising == (after.price >= before.price)


def test_the_same_seed_gives_the_same_path_and_another_one_another() -> None:
    candle = _candle(50_000, 90_000, 10_000, 60_000, 10**6)

    assert candle_path(candle, GRID, steps=20, chance=b"1") == candle_path(
        candle, GRID, steps=20, chance=b"1"
    )
    assert candle_path(candle, GRID, steps=20, chance=b"1") != candle_path(
        candle, GRID, steps=20, chance=b"2"
    )


@given(candles())
def test_a_candle_turned_around_twice_is_itself(candle: Candle) -> None:
    assert reverse(reverse(candle)) == candle
    assert (reverse(candle).open, reverse(candle).close) == (candle.close, candle.open)


@pytest.mark.parametrize("volume", ["0", "0.00001", "137.25"])
def test_a_ladder_has_twenty_levels_a_side_that_are_all_for_sale(volume: str) -> None:
    ladder = Ladder(GRID, price=Decimal(64_000), volume=Decimal(volume))

    bids = ladder.below(Decimal("63999.99"))
    asks = ladder.above(Decimal(64_000))
    assert len(bids) == len(asks) == LEVELS
    assert bids[0][0] < asks[0][0]
    assert all(after < before for (before, _), (after, _) in pairwise(bids))
    assert all(after > before for (before, _), (after, _) in pairwise(asks))
    assert all(quantity >= GRID.lot and quantity % GRID.lot == 0 for _, quantity in bids + asks)
    assert all(price % GRID.tick == 0 for price, _ in bids + asks)


def test_a_ladder_holds_what_the_candle_traded() -> None:
    ladder = Ladder(GRID, price=Decimal(64_000), volume=Decimal(210))

    assert sum(quantity for _, quantity in ladder.above(Decimal(64_000))) == 210


def test_a_ladder_near_nothing_has_no_bid_at_or_below_zero() -> None:
    ladder = Ladder(GRID, price=Decimal("0.03"), volume=Decimal(1))

    assert [price for price, _ in ladder.below(Decimal("0.02"))] == [
        Decimal("0.02"),
        Decimal("0.01"),
    ]


def _candle(opening: int, high: int, low: int, close: int, lots: int) -> Candle:
    tick, lot = GRID.tick, GRID.lot
    return Candle(0, opening * tick, high * tick, low * tick, close * tick, lots * lot, 299_999)
