"""The arithmetic of averaging down: where further orders stand, how large, and what it all costs.

Deviations are parts of the first price: 0.02 is two percent below it. Order i of N stands at
D_i = d (1 + s + ... + s^(i-1)) and buys V_i = V v^(i-1), so each step is `s` times the one before,
and each order `v` times as large. A plan is the first order, at deviation 0, and all further ones.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import accumulate, pairwise

from lib.amounts import in_percent
from lib.exchange import ZERO
from lib.sizes import COINS, PERCENT, QUOTE, Size

ONE = Decimal(1)


@dataclass(frozen=True, slots=True)
class Purchase:
    """One order of a plan: how far below the first, and how large."""

    deviation: Decimal
    size: Size

    def cost(self, first_price: Decimal) -> Decimal:
        """Answer what it costs in quote if the first order is bought at a price."""
        if self.size.unit == COINS:
            return self.size.amount * first_price * (ONE - self.deviation)
        return self.size.amount


def scaled(
    *, step: Decimal, step_scale: Decimal, size: Size, volume_scale: Decimal, many: int
) -> tuple[Purchase, ...]:
    """Answer so many averaging orders, nearest first."""
    deviations = accumulate(step * step_scale**i for i in range(many))
    sizes = (Size(size.amount * volume_scale**i, size.unit) for i in range(many))
    return tuple(Purchase(*each) for each in zip(deviations, sizes, strict=True))


def contradictions(averaging: Sequence[Purchase]) -> Iterator[str]:
    """Say what is wrong with averaging orders, whatever they average."""
    deviations = [each.deviation for each in averaging]
    if any(each.size.unit == PERCENT for each in averaging):
        yield 'an averaging order is for coins or money: "20 USDT", not "10%"'
    if any(after <= before for before, after in pairwise(deviations)):
        yield "each averaging order must be further below than the one before"
    if deviations and deviations[-1] >= 1:
        yield (
            f"the steps reach beyond 100 %: averaging order {len(deviations)} would stand "
            f"{in_percent(deviations[-1])} below the base order"
        )


def is_of_one_unit(plan: Sequence[Purchase]) -> bool:
    """Say whether a plan's sizes can be added up without knowing a price."""
    units = {each.size.unit for each in plan}
    return len(units) == 1 and PERCENT not in units


def spent_at_most(plan: Sequence[Purchase]) -> str:
    """Say for a person what a whole plan takes."""
    if not is_of_one_unit(plan):
        return " and ".join(f"{each.size}" for each in plan)
    unit, total = plan[0].size.unit, sum((each.size.amount for each in plan), ZERO)
    words = {COINS: " coins", QUOTE: " of the quote asset"}.get(unit, f" {unit}")
    return f"{total.normalize():f}{words}"


def first_part(plan: Sequence[Purchase]) -> Decimal:
    """Answer which part of what a whole plan costs is that of its first order."""
    return plan[0].cost(ONE) / sum((each.cost(ONE) for each in plan), ZERO)


def average(plan: Sequence[Purchase]) -> Decimal:
    """Answer what a coin costs over a whole plan, as a part of the first price; before fees."""
    coins = (each.cost(ONE) / (ONE - each.deviation) for each in plan)
    return sum((each.cost(ONE) for each in plan), ZERO) / sum(coins, ZERO)


def profit_price(
    *, held: Decimal, paid: Decimal, fraction: Decimal, of: Decimal | None = None
) -> Decimal:
    """Answer the price at which what is held brings what was paid and a fraction more.

    The fraction is one of all that was paid, or `of` what is named.
    """
    return (paid + fraction * (paid if of is None else of)) / held
