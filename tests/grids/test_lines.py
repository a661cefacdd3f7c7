"""Lines lie where the vendors' published examples have them, and a turn earns what they say."""

from decimal import Decimal

import pytest

from lib.grids.lines import Lines, are_distinct, cell_at, line, profit_range, turn_profit

FEE = Decimal("0.001")


def arithmetic(lower: int, upper: int, intervals: int, tick: str = "0") -> Lines:
    return Lines(
        spacing="arithmetic",
        lower=Decimal(lower),
        upper=Decimal(upper),
        intervals=intervals,
        tick=Decimal(tick),
    )


def test_five_intervals_of_binances_example_are_six_lines_four_thousand_apart() -> None:
    lines = arithmetic(25_000, 45_000, 5)

    prices = [line(lines, number) for number in range(6)]

    assert prices == [25_000, 29_000, 33_000, 37_000, 41_000, 45_000]


def test_the_81_lines_of_a_3commas_example_have_its_ratio() -> None:
    lines = Lines(
        spacing="geometric",
        lower=Decimal("0.016352"),
        upper=Decimal("0.022503"),
        intervals=80,
    )

    ratio = line(lines, 1) / line(lines, 0)

    assert ratio.quantize(Decimal("1e-11")) == Decimal("1.00399920581")
    assert line(lines, 80).quantize(Decimal("1e-20")) == Decimal("0.022503")


def test_lines_go_on_beyond_both_ends() -> None:
    lines = arithmetic(25_000, 45_000, 5)

    assert [line(lines, number) for number in (-1, 6, 7)] == [21_000, 49_000, 53_000]


def test_lines_lie_on_the_nearest_tick_and_the_ends_where_they_were_named() -> None:
    lines = arithmetic(100, 200, 3, tick="0.01")

    assert [line(lines, number) for number in range(4)] == [
        Decimal(100),
        Decimal("133.33"),
        Decimal("166.67"),
        Decimal(200),
    ]


@pytest.mark.parametrize("spacing", ["arithmetic", "geometric"])
def test_each_price_lies_in_the_cell_whose_lines_are_around_it(spacing: str) -> None:
    lines = Lines.model_validate({
        "spacing": spacing,
        "lower": 100,
        "upper": 200,
        "intervals": 7,
        "tick": Decimal("0.01"),
    })

    for price in (Decimal(number) / 7 for number in range(400, 2_100, 61)):
        cell = cell_at(lines, price)
        assert line(lines, cell) <= price < line(lines, cell + 1)
    assert all(cell_at(lines, line(lines, number)) == number for number in range(-3, 12))


def test_an_arithmetic_grid_earns_least_at_its_top_and_most_at_its_bottom() -> None:
    lower, upper, step = Decimal(25_000), Decimal(45_000), Decimal(4_000)

    least, most = profit_range(arithmetic(25_000, 45_000, 5), FEE)

    published_most = step * (1 - FEE) / lower - 2 * FEE
    published_least = upper * (1 - FEE) / (upper - step) - 1 - FEE
    assert abs(most - published_most) < Decimal("1e-20")
    assert abs(least - published_least) < Decimal("1e-20")


def test_a_geometric_grid_earns_the_same_in_every_cell() -> None:
    lines = Lines(spacing="geometric", lower=Decimal(100), upper=Decimal(400), intervals=2)

    earned = [turn_profit(lines, cell, FEE) for cell in range(-2, 5)]

    assert all(abs(each - (2 * (1 - FEE) - 1 - FEE)) < Decimal("1e-20") for each in earned)


def test_lines_closer_than_a_tick_are_noticed() -> None:
    assert are_distinct(arithmetic(100, 101, 10, tick="0.1"), range(11))
    assert not are_distinct(arithmetic(100, 101, 11, tick="0.1"), range(12))
