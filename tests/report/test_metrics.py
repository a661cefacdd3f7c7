"""Each figure is what its textbook says: by hand, and as an independent library has it."""

from itertools import accumulate
from math import isclose, sqrt
from random import Random

import pytest

from lib.report import metrics
from lib.report.curve import Descent
from lib.report.metrics import DAY, YEAR

RETURNS = (0.01, -0.02, 0.03, 0.0, -0.01)


# --- by hand


def test_returns_are_what_each_point_brought_on_the_one_before() -> None:
    assert metrics.returns_of([100, 110, 99]) == pytest.approx((0.1, -0.1))
    assert metrics.returns_of([100]) == ()


def test_there_are_no_returns_on_nothing() -> None:
    assert metrics.returns_of([100, 0, 10]) == ()


def test_a_quarter_at_two_percent_is_a_year_of_its_fourth_power() -> None:
    assert metrics.cagr(100, 102, length=YEAR // 4) == pytest.approx(1.02**4 - 1)
    assert metrics.cagr(100, 150, length=2 * YEAR) == pytest.approx(sqrt(1.5) - 1)


def test_half_a_day_has_no_pace_and_a_lost_account_has_lost_all() -> None:
    assert metrics.cagr(100, 102, length=DAY // 2) is None
    assert metrics.cagr(100, 0, length=YEAR) == -1
    assert metrics.cagr(0, 10, length=YEAR) is None


def test_a_pace_beyond_all_numbers_is_none() -> None:
    assert metrics.cagr(1, 1e9, length=DAY) is None


def test_volatility_is_the_sample_deviation_times_the_root_of_365() -> None:
    mean = sum(RETURNS) / 5
    variance = sum((each - mean) ** 2 for each in RETURNS) / 4

    assert metrics.volatility(RETURNS) == pytest.approx(sqrt(variance) * sqrt(365))


def test_sharpe_is_the_mean_over_the_deviation_a_year() -> None:
    daily = 0.002 / sqrt(0.00148 / 4)

    assert metrics.sharpe(RETURNS) == pytest.approx(daily * sqrt(365))


def test_a_risk_free_rate_is_taken_off_day_by_day() -> None:
    rate = 0.002 * 365

    assert metrics.sharpe(RETURNS, risk_free=rate) == pytest.approx(0, abs=1e-9)
    assert metrics.sortino(RETURNS, risk_free=rate) == pytest.approx(0, abs=1e-9)


def test_sortino_counts_days_without_a_loss_as_no_shortfall() -> None:
    downside = sqrt((0.02**2 + 0.01**2) / 5)

    assert metrics.sortino(RETURNS) == pytest.approx(0.002 / downside * sqrt(365))


def test_calmar_is_growth_over_the_deepest_drawdown() -> None:
    assert metrics.calmar(0.3, 0.15) == pytest.approx(2)


@pytest.mark.parametrize("returns", [(), (0.01,), (0.0, 0.0, 0.0), (0.01, 0.01, 0.01)])
def test_what_does_not_vary_has_no_ratio(returns: tuple[float, ...]) -> None:
    assert metrics.sharpe(returns) is None
    assert metrics.sortino(returns) is None
    assert metrics.calmar(0.3, 0.0) is None


def test_trades_of_three_two_and_minus_one() -> None:
    profits = [3.0, -1.0, 2.0, 0.0]

    assert metrics.profit_factor(profits) == 5
    assert metrics.win_rate(profits) == 0.5
    assert metrics.expectancy(profits) == 1


def test_without_a_loss_there_is_no_profit_factor_and_without_a_trade_nothing() -> None:
    assert metrics.profit_factor([1.0]) is None
    assert metrics.profit_factor([]) is None
    assert metrics.win_rate([]) is None
    assert metrics.expectancy([]) is None


def test_turnover_is_the_lesser_of_purchases_and_sales_over_the_mean_equity() -> None:
    assert metrics.turnover(300, 200, 100) == 2
    assert metrics.turnover(300, 200, 0) is None


def test_a_drawdown_is_measured_from_its_peak_until_it_is_made_good() -> None:
    descent = Descent()
    for day, worth in enumerate((100, 120, 90, 108, 120, 114, 119)):
        descent.note(day * DAY, worth)

    assert descent.drawdown.deepest == pytest.approx(0.25)
    assert descent.drawdown.length == 3 * DAY  # 120 on day 1, again on day 4
    assert descent.drawdown.longest == 3 * DAY


def test_a_drawdown_that_is_not_made_good_lasts_until_the_end() -> None:
    descent = Descent()
    for day, worth in enumerate((100, 90, 100, 99, 98, 99)):
        descent.note(day * DAY, worth)

    assert descent.drawdown.length == 2 * DAY
    assert descent.drawdown.longest == 3 * DAY


# --- as an independent library has it


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_an_independent_library_has_the_same_figures(seed: int) -> None:
    empyrical = pytest.importorskip("empyrical", reason="empyrical-reloaded is not installed")
    numpy = pytest.importorskip("numpy")
    chance = Random(seed)
    returns = [chance.gauss(0.001, 0.03) for _ in range(500)]
    equity = list(accumulate(returns, lambda worth, each: worth * (1 + each), initial=1000.0))
    descent = Descent()
    for day, worth in enumerate(equity):
        descent.note(day * DAY, worth)
    growth = metrics.cagr(equity[0], equity[-1], length=500 * DAY)
    theirs, year = numpy.array(returns), {"annualization": 365}
    found = {
        "cagr": (growth, empyrical.cagr(theirs, **year)),
        "volatility": (metrics.volatility(returns), empyrical.annual_volatility(theirs, **year)),
        "sharpe": (
            metrics.sharpe(returns, risk_free=0.05),
            empyrical.sharpe_ratio(theirs, risk_free=0.05 / 365, **year),
        ),
        "sortino": (
            metrics.sortino(returns, risk_free=0.05),
            empyrical.sortino_ratio(theirs, required_return=0.05 / 365, **year),
        ),
        "drawdown": (-descent.drawdown.deepest, empyrical.max_drawdown(theirs)),
        "calmar": (
            metrics.calmar(growth, descent.drawdown.deepest),
            empyrical.calmar_ratio(theirs, **year),
        ),
    }

    assert metrics.returns_of(equity) == pytest.approx(returns)
    assert {name for name, (own, other) in found.items() if not isclose(own or 0, other)} == set()
