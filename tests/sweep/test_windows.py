"""Stretches of choice and judgement."""

from itertools import pairwise

import pytest

from lib.sweep.windows import Stretch, Walk, windows_of
from tests.sweep.scenes import BEGIN, DAY, whole


def days(stretch: Stretch) -> tuple[int, int]:
    return (stretch.begins - BEGIN) // DAY, (stretch.ends - BEGIN) // DAY


def walked(period: int, walk: Walk) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    found = []
    for window in windows_of(whole(period), walk):
        assert window.judged is not None
        found.append((days(window.trained), days(window.judged)))
    return found


def test_without_a_walk_the_whole_period_is_tried_and_nothing_judged() -> None:
    (window,) = windows_of(whole(40), None)

    assert days(window.trained) == (0, 40)
    assert window.judged is None


def test_a_rolling_window_moves_along_by_what_was_judged() -> None:
    assert walked(43, Walk(20 * DAY, 10 * DAY)) == [((0, 20), (20, 30)), ((10, 30), (30, 40))]


def test_an_anchored_window_grows_from_the_beginning() -> None:
    walk = Walk(20 * DAY, 10 * DAY, anchored=True)

    assert walked(40, walk) == [((0, 20), (20, 30)), ((0, 30), (30, 40))]


def test_nothing_is_judged_that_was_chosen_on_and_nothing_twice() -> None:
    windows = walked(100, Walk(17 * DAY, 5 * DAY))

    assert all(trained[1] == judged[0] for trained, judged in windows)
    judged = [each for _, each in windows]
    assert all(earlier[1] == later[0] for earlier, later in pairwise(judged))


def test_a_period_too_short_for_a_window_is_refused_with_both_lengths() -> None:
    with pytest.raises(ValueError, match="has 29 days, a window needs 30"):
        windows_of(whole(29), Walk(20 * DAY, 10 * DAY))


@pytest.mark.parametrize("lengths", [(0, 1), (1, 0), (-1, 1)])
def test_a_window_without_time_is_refused(lengths: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="needs time"):
        Walk(*lengths)
