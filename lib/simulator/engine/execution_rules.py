"""The price range execution rule: how far from the reference price a taker may trade.

An entry of exchangeInfo may carry two fields that Binance shows elsewhere: `executionRules`, as GET
executionRules lists them, and `referencePrice`, as GET referencePrice/calculation describes it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from lib.simulator.engine.reference_price import Calculation, read_calculation
from lib.simulator.units import UNIT, units, write

PRICE_RANGE: Final = "PRICE_RANGE"
FIELDS: Final = ("executionRules", "referencePrice")  # of an entry, not told in exchangeInfo
MULTIPLIERS: Final = ("bidLimitMultUp", "bidLimitMultDown", "askLimitMultUp", "askLimitMultDown")
ANYWHERE: Final = (0, 1 << 127)


@dataclass(frozen=True, slots=True)
class PriceRange:
    """Multipliers of the reference price in units; None = no limit there."""

    bid_up: int | None
    bid_down: int | None
    ask_up: int | None
    ask_down: int | None


@dataclass(frozen=True, slots=True)
class ExecutionRules:
    """What one symbol's entry says of execution."""

    ranges: PriceRange | None
    calculation: Calculation | None


def read_execution_rules(entry: Mapping[str, Any]) -> ExecutionRules:
    """Read the two fields of an entry. Raises ValueError."""
    found = [rule for rule in entry.get("executionRules", ()) if rule["ruleType"] == PRICE_RANGE]
    ranges = None
    if found:
        texts = (found[0].get(name) for name in MULTIPLIERS)
        ranges = PriceRange(*(None if text is None else units(text) for text in texts))
    return ExecutionRules(ranges, read_calculation(entry.get("referencePrice")))


def price_range(rule: PriceRange, reference: int | None, *, is_buy: bool) -> tuple[int, int]:
    """Give the least and the greatest price a taker may trade at."""
    if reference is None:
        return ANYWHERE
    up, down = (rule.bid_up, rule.bid_down) if is_buy else (rule.ask_up, rule.ask_down)
    low, high = ANYWHERE
    if down is not None:
        low = -(-reference * down // UNIT)
    if up is not None:
        high = reference * up // UNIT
    return low, high


def shown_rules(rule: PriceRange | None) -> list[dict[str, str]]:
    """Show a symbol's rules as Binance does."""
    if rule is None:
        return []
    amounts = (rule.bid_up, rule.bid_down, rule.ask_up, rule.ask_down)
    texts = {
        name: write(amount)[:-4]
        for name, amount in zip(MULTIPLIERS, amounts, strict=True)
        if amount is not None
    }
    return [{"ruleType": PRICE_RANGE, **texts}]
