"""Every duration is counted once, in the first bound it does not exceed."""

from hypothesis import given
from hypothesis import strategies as st

from lib.histogram import BOUNDS, Histogram


def test_a_duration_counts_up_to_its_bound_and_not_beyond() -> None:
    histogram = Histogram()

    for micros in (0, BOUNDS[0], BOUNDS[0] + 1, BOUNDS[-1], BOUNDS[-1] + 1):
        histogram.add(micros)

    assert histogram.counts == [2, 1, *[0] * (len(BOUNDS) - 3), 1, 1]
    assert histogram.total == 2 * BOUNDS[0] + 1 + 2 * BOUNDS[-1] + 1


@given(st.lists(st.integers(min_value=0, max_value=10**9)))
def test_no_duration_is_lost_or_counted_twice(durations: list[int]) -> None:
    histogram = Histogram()

    for micros in durations:
        histogram.add(micros)

    assert histogram.count == len(durations)
    assert histogram.total == sum(durations)
    for index, bound in enumerate(BOUNDS):
        assert sum(histogram.counts[: index + 1]) == sum(each <= bound for each in durations)
