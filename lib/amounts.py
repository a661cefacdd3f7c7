"""Exact arithmetic and exact text: nothing is ever rounded unseen."""

from collections.abc import Iterable, Mapping
from decimal import Context, Decimal, DivisionByZero, Inexact, InvalidOperation, Overflow
from math import lcm

ZERO = Decimal(0)
DIGITS_MAX = 64  # before and after the point; Binance's amounts have 20 at most

EXACT = Context(prec=4 * DIGITS_MAX, traps=[DivisionByZero, Inexact, InvalidOperation, Overflow])
"""Wide enough for any product of two amounts; what would be rounded raises."""


def plain(amount: Decimal) -> str:
    """Write an amount as Binance takes it: no exponent (-1100), no sign of zero, no idle zeros.

    Idle zeros could make a parameter "too precise" (-1111), and one value has one text this way.
    Raises ValueError for NaN and the infinities.
    """
    if not amount.is_finite():
        raise ValueError(f"{amount} is not an amount")
    text = format(amount, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in {"-0", ""} else text


def in_percent(fraction: Decimal) -> str:
    """Write a fraction for a person, to a hundredth of a percent: 0.0125 as 1.25 %."""
    return f"{plain((fraction * 100).quantize(Decimal('0.01')))} %"


def sensible(amount: Decimal) -> bool:
    """Say whether this can be an amount at all: finite, not negative, of a size money has."""
    if not amount.is_finite() or amount.is_signed():
        return not amount and amount.is_finite()
    return abs(amount.adjusted()) <= DIGITS_MAX and -exponent(amount) <= DIGITS_MAX


def total(amounts: Iterable[Decimal]) -> Decimal:
    """Add up, to the last digit."""
    found = ZERO
    for amount in amounts:
        found = EXACT.add(found, amount)
    return found


def add_by_asset(ours: dict[str, Decimal], theirs: Mapping[str, Decimal]) -> None:
    """Add amounts to ours of the same assets, to the last digit."""
    for asset, amount in theirs.items():
        ours[asset] = EXACT.add(ours.get(asset, ZERO), amount)


def remainder(amount: Decimal, step: Decimal) -> Decimal:
    """Answer what exceeds a multiple of the step; a step of 0 is none."""
    return EXACT.remainder(amount, step) if step else ZERO


def common_multiple(one: Decimal, other: Decimal) -> Decimal:
    """Answer the least step that is a multiple of both; 0 is no step."""
    if not one or not other:
        return one or other
    least = min(exponent(one), exponent(other))
    return Decimal(lcm(int(one.scaleb(-least)), int(other.scaleb(-least)))).scaleb(least)


def exponent(amount: Decimal) -> int:
    """Answer where the last digit stands: -2 for 0.01."""
    place = amount.as_tuple().exponent
    assert isinstance(place, int)
    return place


def decimals(amount: Decimal) -> int:
    """Count the digits after the point, without idle zeros."""
    _, _, after = plain(amount).partition(".")
    return len(after)
