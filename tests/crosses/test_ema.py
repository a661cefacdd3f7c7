"""The averages and their signal are those of the books, candle by candle."""

import random
from decimal import Decimal
from typing import Any

import pytest

from lib.crosses.ema import CrossSignal, Ema, evaluate, follow, price_of, warm_up
from lib.exchange import Candle


def candle(number: int, close: Any, *, low: Any = None, high: Any = None) -> Candle:
    at = Decimal(str(close))
    return Candle(
        open_time=number * 60_000,
        open=at,
        high=Decimal(str(high)) if high is not None else at,
        low=Decimal(str(low)) if low is not None else at,
        close=at,
        volume=Decimal(1),
        close_time=number * 60_000 + 59_999,
    )


def signal(fast: int = 1, slow: int = 3, stop: str = "0.1") -> CrossSignal:
    return CrossSignal(
        fast=Ema(period=fast), slow=Ema(period=slow), source="close", stop=Decimal(stop)
    )


def states(closes: list[Any], **more: Any) -> list[bool]:
    made, found = signal(**more), []
    for number, close in enumerate(closes, 1):
        evaluate(made, close if isinstance(close, Candle) else candle(number, close))
        found.append(made.long)
    return found


def test_an_average_of_three_is_undefined_twice_then_a_mean_then_exponential() -> None:
    ema, found = Ema(period=3), []
    for price in range(1, 7):
        follow(ema, Decimal(price))
        found.append(ema.value)

    assert found == [None, None, 2, 3, 4, 5]


@pytest.mark.parametrize("period", [2, 21, 50])
def test_an_average_is_the_one_that_a_loop_over_all_prices_gives(period: int) -> None:
    chance = random.Random(period)
    prices = [Decimal(chance.randrange(1_000_000, 9_000_000)) / 100 for _ in range(300)]
    ema = Ema(period=period)
    for price in prices:
        follow(ema, price)

    expected = float(sum(prices[:period])) / period
    for price in prices[period:]:
        expected = expected * (1 - 2 / (period + 1)) + float(price) * 2 / (period + 1)

    assert ema.value is not None
    assert abs(float(ema.value) - expected) < 1e-6


def test_an_average_goes_on_from_what_was_saved_as_if_nothing_had_happened() -> None:
    whole, saved = Ema(period=5), Ema(period=5)
    for price in range(100, 140):
        follow(whole, Decimal(price) / 7)
        follow(saved, Decimal(price) / 7)
        saved = Ema.model_validate_json(saved.model_dump_json())

    assert saved == whole


def test_a_cross_up_opens_and_a_cross_down_ends() -> None:
    assert states([10, 10, 10, 11, 12, 9]) == [False, False, False, True, True, False]


def test_what_is_above_from_the_beginning_has_not_crossed() -> None:
    assert not any(states([10, 11, 12, 13, 14]))


def test_equal_averages_are_no_cross_by_themselves() -> None:
    assert states([10, 10, 10, 10, 10, 11, 11, 11])[:5] == [False] * 5


def test_the_stop_follows_the_best_close_and_never_goes_back() -> None:
    made, stops = signal(stop="0.5"), []
    for number, close in enumerate([10, 10, 10, 12, 14, 13, 16], 1):
        evaluate(made, candle(number, close))
        stops.append(made.stop_at)

    assert stops == [None, None, None, 6, 7, 7, 8]


def test_a_candle_that_touches_the_stop_of_the_candle_before_ends_it() -> None:
    touched = candle(6, 13, low="10.8")

    assert states([10, 10, 10, 11, 12, touched, 14]) == [
        False,
        False,
        False,
        True,
        True,
        False,
        False,
    ]


def test_a_new_stop_counts_from_the_next_candle_on() -> None:
    wide = candle(6, 20, low="11.5")

    assert states([10, 10, 10, 11, 12, wide])[-1]


def test_the_past_moves_the_averages_and_opens_nothing() -> None:
    made = signal()
    for number, close in enumerate([10, 10, 10, 12], 1):
        warm_up(made, candle(number, close))

    assert (made.long, made.lead) == (False, 1)


def test_a_candle_is_never_evaluated_twice() -> None:
    made = signal()
    evaluate(made, candle(1, 10))

    with pytest.raises(AssertionError, match="once, in order"):
        evaluate(made, candle(1, 10))


def test_each_source_is_the_price_it_is_named_after() -> None:
    wide = Candle(0, Decimal(1), Decimal(8), Decimal(1), Decimal(2), Decimal(1), 59_999)

    found = [price_of(wide, "close"), price_of(wide, "oc2"), price_of(wide, "hloc4")]

    assert found == [2, Decimal("1.5"), 3]
