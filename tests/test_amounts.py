"""Amounts are written and reckoned exactly."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib.amounts import (
    add_by_asset,
    common_multiple,
    decimals,
    plain,
    remainder,
    sensible,
    total,
)

steps = st.builds(
    lambda digits, exponent: Decimal(digits).scaleb(exponent),
    st.integers(1, 5_000),
    st.integers(-8, 1),
)


@settings(deadline=None)
@given(one=steps, other=steps)
def test_the_common_multiple_is_a_multiple_of_both_steps(one: Decimal, other: Decimal) -> None:
    both = common_multiple(one, other)

    assert both > 0
    assert not remainder(both, one)
    assert not remainder(both, other)


@settings(deadline=None)
@given(
    st.decimals(allow_nan=False, allow_infinity=False).filter(lambda it: abs(it.adjusted()) < 99)
)
def test_a_plain_amount_has_no_exponent_and_reads_back_as_itself(amount: Decimal) -> None:
    text = plain(amount)

    assert set(text) <= set("-0123456789.")
    assert Decimal(text) == amount
    assert text == plain(Decimal(text))


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        ("1E-8", "0.00000001"),
        ("1E+3", "1000"),
        ("100", "100"),
        ("0.10000000", "0.1"),
        ("5.00", "5"),
        ("-0", "0"),
        ("-0.00", "0"),
        ("0E-8", "0"),
        ("-1.50", "-1.5"),
    ],
)
def test_an_amount_is_written_without_exponent_sign_of_zero_or_idle_zeros(
    amount: str, text: str
) -> None:
    assert plain(Decimal(amount)) == text


@pytest.mark.parametrize("amount", ["NaN", "sNaN", "Infinity", "-Infinity"])
def test_what_is_no_amount_is_not_written(amount: str) -> None:
    with pytest.raises(ValueError, match="is not an amount"):
        plain(Decimal(amount))


@pytest.mark.parametrize(
    ("amount", "count"), [("1", 0), ("1E+5", 0), ("0.10", 1), ("1E-8", 8), ("0.00", 0)]
)
def test_idle_zeros_are_no_decimals(amount: str, count: int) -> None:
    assert decimals(Decimal(amount)) == count


@pytest.mark.parametrize("amount", ["0", "-0", "0.00", "1E-64", "9E+64", "123.456"])
def test_what_money_can_be_is_sensible(amount: str) -> None:
    assert sensible(Decimal(amount))


@pytest.mark.parametrize(
    "amount", ["-1", "-1E-8", "NaN", "-NaN", "sNaN", "Infinity", "1E+65", "1E-65"]
)
def test_what_money_cannot_be_is_not_sensible(amount: str) -> None:
    assert not sensible(Decimal(amount))


def test_a_step_of_zero_leaves_no_remainder_and_no_multiple() -> None:
    assert remainder(Decimal("1.5"), Decimal(0)) == 0
    assert remainder(Decimal("1.5"), Decimal("0.2")) == Decimal("0.1")
    assert common_multiple(Decimal(0), Decimal("0.2")) == Decimal("0.2")
    assert common_multiple(Decimal(0), Decimal(0)) == 0


LONG = Decimal("0." + "3" * 40)  # more digits than Python's own context keeps


def test_sums_keep_every_digit() -> None:
    assert total([Decimal(10**20), LONG, -Decimal(10**20)]) == LONG
    assert total([]) == 0


def test_amounts_of_the_same_asset_are_added_to_the_last_digit() -> None:
    ours = {"USDT": Decimal(10**20), "BTC": Decimal(1)}

    add_by_asset(ours, {"USDT": LONG, "BNB": Decimal(2)})

    assert ours == {
        "USDT": Decimal(f"{10**20}.{'3' * 40}"),
        "BTC": Decimal(1),
        "BNB": Decimal(2),
    }
