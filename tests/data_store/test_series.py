"""Spans: what they cover and what they leave."""

import itertools

import pytest

from lib.data.series import Kind, Series, Span, merged, runs, uncovered
from lib.market.intervals import Frame


def places(spans: list[Span]) -> set[int]:
    return {place for span in spans for place in range(*span)}


def some_spans(seed: int) -> list[Span]:
    steps = [(seed * 7919 + step * 104729) % 41 for step in range(12)]
    return [Span(begins, begins + length % 9) for begins, length in itertools.pairwise(steps)]


@pytest.mark.parametrize("seed", range(40))
def test_merged_spans_cover_the_same_places_and_touch_nowhere(seed: int) -> None:
    spans = some_spans(seed)

    found = merged(spans)

    assert places(found) == places(spans)
    assert all(one.ends < other.begins for one, other in itertools.pairwise(found))


@pytest.mark.parametrize("seed", range(40))
def test_what_is_uncovered_and_what_is_covered_make_up_the_whole(seed: int) -> None:
    spans, whole = some_spans(seed), Span(5, 44)

    left = uncovered(spans, whole)

    assert places(left) == set(range(*whole)) - places(spans)
    assert all(one.ends < other.begins for one, other in itertools.pairwise(left))


def test_candles_that_follow_each_other_are_one_run_even_in_months_of_unlike_lengths() -> None:
    months, frame = Series(Kind.CANDLES, "BTCUSDT", "1M"), Frame("1M")
    january = frame.opening(1_704_067_200_000)
    year = [frame.moved(january, month) for month in range(12)]

    assert runs(months, year) == [Span(january, frame.moved(january, 12))]
    assert len(runs(months, year[:3] + year[4:])) == 2
