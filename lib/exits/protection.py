"""What a position is, and how much of it is protected: facts alone, nothing is done here.

Bought coins are protected as far as a stop stands for them at the exchange. What is not, says
why: `Position.unprotected_because` is never empty while a lot of it has no stop.
"""

from decimal import Decimal
from enum import StrEnum
from typing import Final, Literal, Self

from pydantic import Field, model_validator

from lib.amounts import remainder
from lib.exchange import ZERO
from lib.machine import Context
from lib.money import EXACT, SymbolRules, plain
from lib.order_lists import OrderList, guards
from lib.orders import LIVE, PROBED, UNSETTLED, Order, OrderState
from lib.quotes import Base
from lib.trailing import Trail
from lib.turnover import Turnover, turnover_of

PATIENCE: Final = 10_000  # ms that a part of an entry may wait for the rest without a stop
GAP_PATIENCE: Final = 5_000  # ms that a triggered stop may rest at its limit


class Ending(StrEnum):
    """Why a position is closed, or is to be."""

    TAKE_PROFIT = "take profit"
    STOP = "stop"
    DEADLINE = "deadline"
    TRAIL = "trail"
    TRIGGER = "trigger"  # a price that was to end it
    TOLD = "told"  # the bot's own decision
    NOTHING_BOUGHT = "nothing bought"
    GONE = "gone"  # somebody else sold or moved what was bought
    DUST = "dust"  # all that was bought is too small to be sold


class Trigger(Context):
    """A price at which a position is closed from here, on top of the pair that stands for it."""

    below: Decimal | None = None  # close once the price is at or below this
    above: Decimal | None = None
    base: Base = "last"  # bid: what a sale at market would get; ask: what a buy would pay

    @model_validator(mode="after")
    def _has_a_bound(self) -> Self:
        if self.below is None and self.above is None:
            raise ValueError("a trigger needs a price: below or above")
        return self


class Position(Context):
    """Coins bought to be sold again, and the pair of orders that stands for them meanwhile."""

    # what we want
    symbol: str
    base_asset: str
    quote_asset: str
    step: Decimal  # of the lot
    take_profit: Decimal
    stop: Decimal
    stop_limit: Decimal | None = None
    close_at: int | None = None  # exchange ms: then it is sold at market
    trail: Trail | None = None
    on_trail: Literal["close", "move"] = "close"  # move: the stop at the exchange follows its line
    trailing_delta: int | None = None  # the stop trails at the exchange; 1/100 of a percent
    triggers: list[Trigger] = []  # prices that end it, watched from here as long as it is held
    stop_base: Base = "last"  # the price that `stop` is held against while no pair stands
    take_profit_base: Base = "last"
    patience: int = Field(default=PATIENCE, ge=0)
    gap_patience: int = Field(default=GAP_PATIENCE, ge=0)
    when_canceled: Literal["protect", "park"] = "protect"  # by a person, at the exchange
    when_sold: Literal["accept", "park"] = "park"  # by a person: coins that are not there any more

    # what we know
    entry: Order | None = None  # None: it is the working order of `pair`, an OTOCO
    pair: OrderList | None = None  # one at most; the next is planned when this one has ended
    sale: Order | None = None  # at market, after the pair
    exits: list[Order] = []  # ended orders that sold something
    ending: Ending | None = None
    because: str = ""
    trouble: str = ""  # what became of the last pair, if that was not meant to be
    retry_at: int = 0  # exchange ms before which no pair is tried after a refusal
    sell_at: int = 0  # exchange ms before which no sale is tried after one that nobody took
    stopped: str = ""  # why a person is to look before anything else is done
    stopped_at: int = 0  # how many releases there had been; another one lets it go on
    missing: Decimal = ZERO  # of base, as it stopped; what a release accepts as gone
    gone: Decimal = ZERO  # of base: sold or moved by somebody else
    over: bool = False

    @property
    def opening(self) -> Order:
        """Answer the order that buys."""
        order = self.entry or (self.pair.working if self.pair else None)
        assert order is not None, "a position has an entry, or an OTOCO in its place"
        return order

    @property
    def held(self) -> Decimal:
        """Answer what is there in base: bought and not sold, less the fees taken in coins."""
        moved = _net(self.opening, self.base_asset) - self.gone
        return max(ZERO, moved + sum((_net(sold, self.base_asset) for sold in self._sales), ZERO))

    @property
    def holding(self) -> str:
        """Say what is bought and not yet sold; empty when nothing is, or dust."""
        return "" if self.over or not self.held else f"{plain(self.held)} {self.base_asset}"

    @property
    def lots(self) -> Decimal:
        """Answer what of that is in whole lots; the rest is dust."""
        return EXACT.subtract(self.held, remainder(self.held, self.step))

    @property
    def dust(self) -> Decimal:
        """Answer what cannot be sold: all that is left once it is over, else what no lot takes."""
        return self.held if self.over else self.held - self.lots

    @property
    def guarded(self) -> Decimal:
        """Answer for how much a stop stands at the exchange that was not triggered yet."""
        if self.pair is None or self.pair.state in UNSETTLED or triggered_at(self.pair) is not None:
            return ZERO
        working, guard = self.pair.working, guards(self.pair)[0]
        begun = working is None or working.state is OrderState.FILLED
        return (guard.whole or ZERO) - guard.executed if begun and guard.state in LIVE else ZERO

    @property
    def unprotected(self) -> Decimal:
        """Answer how much in whole lots has no stop at the exchange."""
        return ZERO if self.over else max(ZERO, self.lots - self.guarded)

    @property
    def unprotected_because(self) -> str:
        """Say why that is, and what is being done; empty if there is nothing."""
        return _why_unprotected(self) if self.unprotected else ""

    @property
    def result(self) -> Turnover:
        """Answer what was bought and sold so far, fees and profit, to the last digit."""
        rules = SymbolRules(self.symbol, self.base_asset, self.quote_asset)
        return turnover_of((self.opening, *self._sales), rules)

    @property
    def _sales(self) -> list[Order]:
        under_way = self.pair.exits if self.pair else []
        return [*self.exits, *under_way, *([self.sale] if self.sale else [])]


def _net(order: Order, base_asset: str) -> Decimal:
    sign = 1 if order.side == "BUY" else -1
    return sign * order.executed - order.commission(base_asset)


def triggered_at(pair: OrderList) -> int | None:
    """Answer when a stop with a limit was triggered that still rests; exchange ms."""
    guard, taking = guards(pair)[0], taker(pair)
    if guard.type != "STOP_LOSS_LIMIT" or guard.state not in LIVE or taking.filled:
        return None
    return taking.ended_at if taking.final else None


def taker(pair: OrderList) -> Order:
    """Answer the leg that takes the profit."""
    return next(leg for leg in pair.exits if leg not in guards(pair))


def lost_its_stop(pair: OrderList) -> bool:
    """Say whether the profit was taken in part, which ended the stop."""
    taking, guard = taker(pair), guards(pair)[0]
    return taking.state in LIVE and taking.filled and guard.final


def canceled_by_another(pair: OrderList) -> bool:
    """Say whether somebody else than this program canceled it."""
    asked = bool(pair.give_up) or any(leg.cancel_id for leg in pair.legs)
    return pair.state is OrderState.CANCELED and not asked and pair.reason != PROBED


def bare_since(position: Position) -> int:
    """Answer since when a part of the entry has had no stop; exchange ms.

    It is the time of the fill that brought more than was sold and is guarded.
    """
    entry = position.opening
    covered = position.guarded + position.gone
    covered += sum((-_net(sold, position.base_asset) for sold in position.exits), ZERO)
    brought = ZERO
    for fill in entry.fills:
        fee = fill.commission if fill.commission_asset == position.base_asset else ZERO
        brought += fill.quantity - fee
        if brought > covered and brought - covered >= position.step:
            return fill.time
    return entry.fills[-1].time if entry.fills else 0


def _why_unprotected(position: Position) -> str:
    if position.stopped:
        return f"{position.stopped}; a person decides"
    if position.ending is not None:
        doing = "is being sold" if position.sale else "is to be sold"
        return f"it {doing} at market: {position.because}"
    if position.pair is not None:
        return _why_a_pair_does_not_protect(position, position.pair)
    if position.trouble:
        return position.trouble
    if not position.opening.final:
        seconds = plain(Decimal(position.patience) / 1000)
        return f"the entry is filled in part; protected once that lasted {seconds} s"
    return "its pair is about to be placed"


def _why_a_pair_does_not_protect(position: Position, pair: OrderList) -> str:
    if pair.give_up:
        return f"its pair is being replaced: {pair.give_up}"
    if triggered_at(pair) is not None:
        return (
            f"the stop was triggered and waits at its limit {plain(guards(pair)[0].price or ZERO)}"
        )
    if pair.state in UNSETTLED:
        return "its pair is being placed"
    if pair.unprotected_because:
        return pair.unprotected_because
    if pair.kind == "OTOCO":
        return "it was kept back for the fee of the entry, and is sold when the pair has ended"
    return f"the pair stands for {plain(position.guarded)}; a larger one is about to replace it"
