"""The sections `take_profit` and `stop_loss` of a bot's conf, and the lots they mean.

Names and meanings are those of common trading terminals. Where those differ among themselves, this
holds: a trail turns on the line that follows the price at which it began; a profit that is kept
(`minimal`) stays kept while the next one is waited for; a `timeout` of a stop counts with and
without a trail; how an exit is executed follows from `mode_sell` and `order_price` alone.
"""

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Annotated, Final, Self, TypeAlias

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from lib.amounts import common_multiple
from lib.exchange import Side
from lib.exits.confirming import Confirmation
from lib.exits.levels import PERCENT_PATTERN, Level, Part, part, percent
from lib.exits.lot import Lot, Mini, Rule, Way
from lib.money import SymbolRules
from lib.oco import FEE_RATE, OPPOSITE
from lib.quotes import Base
from lib.settings import Milliseconds, Settings

LOTS_MAX: Final = 5  # as many stops as Binance takes on a symbol
FEES: Final = 2 * FEE_RATE  # of entering and leaving
MODES: Final = 'MARKET, LIMIT or how far from the trigger: "-0.5%"'


def mode_sell(value: object) -> Decimal | None:
    """Read how it is sold: None at market, else how far a limit is from what triggered it."""
    if value == "MARKET" or value is None:
        return None
    if value == "LIMIT":
        return Decimal(0)
    try:
        return part(value)
    except PydanticCustomError as wrong:
        raise PydanticCustomError("mode", MODES) from wrong


ModeSell: TypeAlias = Annotated[
    Decimal | None,
    BeforeValidator(mode_sell),
    WithJsonSchema({
        "anyOf": [
            {"enum": ["MARKET", "LIMIT"]},
            {"type": "string", "pattern": PERCENT_PATTERN},
        ],
        "description": MODES,
    }),
]


class TakeProfit(Settings):
    """A target."""

    price: Level  # "2%" beyond the entry, or a price
    share: Part | None = None  # of the position; None: what the others leave
    base: Base = "last"  # the price that triggers: bid, ask or last
    trailing: Part | None = None  # "-1%": from the target on; "+1%": one percent later
    mode_sell: ModeSell = None
    sell_timeout: Milliseconds | None = None  # of a limit; then what is left goes at market
    confirm: Confirmation | None = None  # "10s" or "3 ticks" that the price must stay there
    minimal: Part | None = None  # a smaller profit that is kept once it lasted `timeout`
    timeout: Milliseconds | None = None
    minimal_trailing: bool = False  # keep one such level after the other

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        refuse(self._faults())
        return self

    def _faults(self) -> Iterator[str]:
        price, step = self.price, self.minimal
        if price.is_loss or (price.relative and price.amount <= 0):
            yield f"a take profit at {price} is none: it lies beyond the entry, or is a price"
        elif price.relative and price.amount <= FEES:
            yield f"{price} does not cover the fees of entering and leaving, {percent(FEES)}"
        if self.share is not None and not 0 < self.share <= 1:
            yield f"a share of {percent(self.share)}: more than 0, at most 100%"
        if self.trailing is not None:
            yield from _trail_faults(price, self.trailing)
        if self.sell_timeout is not None and self.mode_sell is None:
            yield "sell_timeout is for a limit: give mode_sell"
        if (step is None) != (self.timeout is None):
            yield "minimal and timeout belong together"
        if step is None:
            if self.minimal_trailing:
                yield "minimal_trailing needs minimal"
        elif step <= 0 or (price.relative and step >= price.amount):
            yield f"minimal {percent(step)} must be above 0 and below the target"


class StopLoss(Settings):
    """Where a loss is limited."""

    price: Level  # "-2%" this side of the entry, a price, or -20: the most it may lose, in quote
    base: Base = "last"
    trailing: bool = False  # keep its distance from the best price
    mode_sell: ModeSell = None
    order_price: Annotated[Decimal, Field(gt=0)] | None = None  # of a limit: this one
    sell_timeout: Milliseconds | None = None
    confirm: Confirmation | None = None  # "10s" or "3 ticks" that the price must stay there
    timeout: Milliseconds = 0  # the same, a time alone
    break_even: Part | None = None  # once a target was reached: so far beyond the entry

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        refuse(self._faults())
        return self

    def _faults(self) -> Iterator[str]:
        price = self.price
        if price.relative and not -1 < price.amount < 0:
            yield f"a stop at {price} limits nothing: between -100% and 0%"
        if self.order_price is not None and self.mode_sell is not None:
            yield "order_price and mode_sell: one of them"
        if self.sell_timeout is not None and self.mode_sell is None and self.order_price is None:
            yield "sell_timeout is for a limit: give mode_sell or order_price"
        if self.confirm and self.timeout:
            yield "confirm and timeout: one of them"
        if self.break_even is not None and self.trailing:
            yield "break_even and trailing move the same stop: one of them"
        if self.break_even is not None and not 0 <= self.break_even < 1:
            yield f"break_even {percent(self.break_even)}: 0% is the entry, or a little beyond"


def _several(value: object) -> object:
    return [value] if isinstance(value, Mapping | TakeProfit) else value


TakeProfits: TypeAlias = Annotated[
    tuple[TakeProfit, ...],
    BeforeValidator(_several, json_schema_input_type=TakeProfit | list[TakeProfit]),
]
"""One target, or several that share the position."""


def refuse(faults: Iterable[str]) -> None:
    """Raise ValueError with all that is wrong, if anything is."""
    found = "; ".join(faults)
    if found:
        raise ValueError(found)


def _trail_faults(price: Level, trailing: Decimal) -> Iterator[str]:
    if not 0 < abs(trailing) < 1:
        yield f"a trail of {percent(trailing)}: between 0% and 100%"
    elif trailing < 0 and price.relative and -trailing >= price.amount:
        yield f"a trail of {percent(trailing)} from {price} could sell below the entry"


def faults_together(targets: tuple[TakeProfit, ...], stop: StopLoss | None) -> Iterator[str]:
    """Say what contradicts among the sections."""
    if len(targets) > LOTS_MAX:
        yield f"{len(targets)} targets: Binance takes {LOTS_MAX} stops on a symbol"
    given = [target.share for target in targets if target.share is not None]
    unsaid = len(targets) - len(given)
    if (
        sum(given) > 1
        or (targets and not unsaid and sum(given) != 1)
        or (unsaid and sum(given) == 1)
    ):
        yield f"the shares make {percent(Decimal(sum(given)))}: together they are 100%"
    if unsaid > 1:
        yield "share: one target may leave it out and takes what is left"
    if any(target.trailing or target.minimal for target in targets[:-1]):
        yield "trailing and minimal are for the last target"
    if stop is not None and stop.break_even is not None and len(targets) < 2:
        yield "break_even moves the stop of what the first target leaves: give two targets"
    if stop is not None and any(stop.price == target.price for target in targets):
        yield "the take profit and the stop are the same price"


def faults_beside(
    side: Side, entry: Decimal, targets: tuple[TakeProfit, ...], stop: StopLoss | None
) -> Iterator[str]:
    """Say which prices lie on the wrong side of an entry at a price."""
    sign = 1 if side == "BUY" else -1
    where, beyond = ("above", "below") if side == "BUY" else ("below", "above")
    for target in targets:
        if not target.price.relative and sign * (target.price.amount - entry) <= 0:
            yield f"the take profit {target.price} is not {where} the entry {entry}"
    at = None if stop is None or stop.price.relative or stop.price.is_loss else stop.price.amount
    if at is not None and sign * (entry - at) <= 0:
        yield f"the stop {at} is not {beyond} the entry {entry}"


# --- what they mean


def shares_of(targets: tuple[TakeProfit, ...]) -> list[Decimal]:
    """Answer the share of each lot; without a target there is one lot."""
    given = sum((target.share or Decimal(0) for target in targets), Decimal(0))
    return [1 - given if each.share is None else each.share for each in targets] or [Decimal(1)]


def plan_lots(
    rules: SymbolRules, side: Side, targets: tuple[TakeProfit, ...], stop: StopLoss | None
) -> list[Lot]:
    """Plan a lot for each target; an entry of `side` opens them."""
    return [
        Lot(
            symbol=rules.symbol,
            side=OPPOSITE[side],
            base_asset=rules.base_asset,
            step=common_multiple(rules.lot.step, rules.market_lot.step),
            profit=None if target is None else _profit_rule(target),
            stop=None if stop is None else _stop_rule(stop),
            mini=None if target is None else _mini(target),
            at_exchange=has_room(number, targets, stop),
        )
        for number, target in enumerate(targets or (None,), 1)
    ]


def _profit_rule(target: TakeProfit) -> Rule:
    confirmed = target.confirm or Confirmation()
    return Rule(
        level=target.price,
        base=target.base,
        confirm=confirmed.duration,
        ticks=confirmed.ticks,
        way=Way(offset=target.mode_sell, patience=target.sell_timeout),
        distance=target.trailing,
    )


def _stop_rule(stop: StopLoss) -> Rule:
    confirmed = stop.confirm or Confirmation(stop.timeout)
    return Rule(
        level=stop.price,
        base=stop.base,
        confirm=confirmed.duration,
        ticks=confirmed.ticks,
        way=Way(offset=stop.mode_sell, price=stop.order_price, patience=stop.sell_timeout),
        follows=stop.trailing,
    )


def _mini(target: TakeProfit) -> Mini | None:
    if target.minimal is None or target.timeout is None:
        return None
    return Mini(step=target.minimal, timeout=target.timeout, ratchet=target.minimal_trailing)


def has_room(number: int, targets: tuple[TakeProfit, ...], stop: StopLoss | None) -> bool:
    """Say whether the exchange takes a stop for this target too, with those of all lots."""
    needed = sum(_stops_of(target, stop) for target in targets[:number])
    return needed + (len(targets) - number if stop is not None else 0) <= LOTS_MAX


def _stops_of(target: TakeProfit, stop: StopLoss | None) -> int:
    rests = target.mode_sell == 0 and target.trailing is None and stop is not None
    return (0 if rests else 1) + (1 if stop is not None else 0)
