"""Each sign of over-fitting, by hand, by the papers' own numbers, and by brute force."""

import math
import statistics
from collections.abc import Sequence
from hashlib import shake_128
from itertools import combinations

import pytest

from lib.sweep.overfitting import (
    Moments,
    deflated_sharpe,
    efficiency,
    luck,
    moments_of,
    overfitting_probability,
    probable_sharpe,
    rank_correlation,
    ranks,
    sharpe,
    spearman,
)

NORMAL = statistics.NormalDist()


def noise(seed: int, days: int, drift: float = 0.0) -> tuple[float, ...]:
    """Draw daily returns of one percent's deviation."""
    found = []
    for day in range(days):
        drawn = int.from_bytes(shake_128(f"{seed} {day}".encode()).digest(7)) + 1
        found.append(drift + 0.01 * NORMAL.inv_cdf(drawn / (2**56 + 2)))
    return tuple(found)


# --- walk-forward efficiency


def test_efficiency_is_what_was_judged_over_what_was_tried() -> None:
    assert efficiency(0.4, 0.1).value == pytest.approx(0.25)
    assert efficiency(0.4, 0.1).warns
    assert not efficiency(0.4, 0.2).warns
    assert efficiency(0.4, -0.4).value == pytest.approx(-1)


def test_efficiency_of_values_that_lose_where_they_were_chosen_is_not_computed() -> None:
    sign = efficiency(-0.1, -0.05)

    assert sign.value is None
    assert "lost money" in sign.reason
    assert not sign.warns


# --- rank correlation


def test_equal_values_share_the_mean_of_their_ranks() -> None:
    assert ranks([3.0, 1.0, 3.0, 2.0, 3.0]) == [4, 1, 4, 2, 4]


def test_the_rank_correlation_is_the_textbook_one() -> None:
    iq = [106.0, 100, 86, 101, 99, 103, 97, 113, 112, 110]
    hours = [7.0, 27, 2, 50, 28, 29, 20, 12, 6, 17]

    assert spearman(list(zip(iq, hours, strict=True))) == pytest.approx(-29 / 165)


def test_the_rank_correlation_is_one_minus_one_or_nothing_at_its_ends() -> None:
    rising = [(float(n), n**3.0) for n in range(5)]
    falling = [(float(n), -float(n)) for n in range(5)]

    assert spearman(rising) == pytest.approx(1)
    assert spearman(falling) == pytest.approx(-1)
    assert spearman([(1.0, 2.0), (2.0, 2.0), (3.0, 2.0)]) is None
    assert spearman(rising[:2]) is None
    assert rank_correlation([rising, falling, []]).value == pytest.approx(0)
    assert rank_correlation([[]]).value is None


# --- probability of over-fitting


def brute(table: Sequence[Sequence[float]], blocks: int) -> float:
    """Estimate it from the definition, with nothing computed ahead."""
    length = len(table[0]) // blocks
    lost = []
    for half in combinations(range(blocks), blocks // 2):
        days = [day for block in half for day in range(block * length, (block + 1) * length)]
        rest = [day for day in range(blocks * length) if day not in days]
        inside, outside = (
            [
                statistics.mean(r[d] for d in part) / statistics.pstdev(r[d] for d in part)
                for r in table
            ]
            for part in (days, rest)
        )
        best = inside.index(max(inside))
        rank = sorted(outside).index(outside[best]) + 1
        share = rank / (len(table) + 1)
        lost.append(math.log(share / (1 - share)) <= 0)
    return sum(lost) / len(lost)


def test_the_probability_is_what_its_definition_gives() -> None:
    table = [noise(seed, 16, seed * 0.0004) for seed in range(7)]

    assert overfitting_probability(table).value == pytest.approx(brute(table, 8))


def test_pure_noise_is_over_fitted_half_of_the_time() -> None:
    found = [
        overfitting_probability([noise(100 * world + each, 16) for each in range(10)]).value
        for world in range(20)
    ]

    assert 0.35 < statistics.mean(value for value in found if value is not None) < 0.65


def test_a_combination_that_is_better_all_the_time_is_no_luck() -> None:
    table = [noise(seed, 48) for seed in range(9)] + [noise(9, 48, 0.02)]

    sign = overfitting_probability(table)

    assert sign.value == 0
    assert not sign.warns


def test_what_shines_in_one_half_and_fails_in_the_other_is_luck() -> None:
    wiggle = [0.001, -0.001] * 12
    table = [
        [each + (0.01 if (day // 2 in half) else -0.01) for day, each in enumerate(wiggle)]
        for half in combinations(range(12), 6)
    ][::40]

    sign = overfitting_probability(table)

    assert sign.value is not None
    assert sign.value > 0.9
    assert sign.warns


@pytest.mark.parametrize(("columns", "days"), [(1, 48), (5, 7), (0, 0)])
def test_too_little_to_choose_from_has_no_probability(columns: int, days: int) -> None:
    sign = overfitting_probability([noise(seed, days) for seed in range(columns)])

    assert sign.value is None
    assert "too few" in sign.reason


# --- deflated Sharpe ratio


def test_the_deflated_ratio_is_the_one_of_the_paper() -> None:
    a_year = 250
    bar = luck(0.5 / a_year, 100)
    own = 2.5 / math.sqrt(a_year)

    assert bar == pytest.approx(0.1132, abs=5e-5)
    assert probable_sharpe(own, bar, Moments(1_250, -3, 10)) == pytest.approx(0.9004, abs=5e-5)


def test_the_same_ratio_is_worth_less_the_more_was_tried() -> None:
    best = noise(3, 200, 0.0015)
    own = sharpe(best)
    assert own is not None

    few = deflated_sharpe(best, [own, 0.0, 0.05])
    many = deflated_sharpe(best, [own, *[0.0, 0.05] * 200])

    assert few.value is not None
    assert many.value is not None
    assert 0 < many.value < few.value < 1


def test_the_moments_of_a_bell_are_those_of_a_bell() -> None:
    moments = moments_of(noise(1, 4_000))

    assert moments.skew == pytest.approx(0, abs=0.15)
    assert moments.kurtosis == pytest.approx(3, abs=0.3)


def test_returns_that_take_turns_leave_nothing_to_chance() -> None:
    moments = moments_of([0.03] + [-0.01] * 3)
    own = 2 / moments.skew

    assert probable_sharpe(own, own / 2, moments) == pytest.approx(1)
    assert probable_sharpe(own, own * 2, moments) == pytest.approx(0)


def test_a_flat_line_has_no_ratio_and_nothing_to_deflate() -> None:
    assert sharpe([0.0] * 30) is None
    assert sharpe([0.001] * 30) is None
    assert deflated_sharpe([0.0] * 30, [0.1, 0.2]).value is None
    assert deflated_sharpe(noise(1, 30), [0.1]).value is None
