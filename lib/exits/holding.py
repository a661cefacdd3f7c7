"""A position from its entry to its end, in lots that each have an end of their own.

    async for ctx.held in hold(desk, ctx.held):
        yield ctx

What is entered is shared out to the lots as it comes: at once when the entry has ended, a part of
it once it has waited its patience for the rest. An entry by a limit with one lot may bring along
what is to stand for it, as an OTO or OTOCO: then the exchange needs nobody when it fills.

Bought first and sold again, or sold first and bought back.
"""

from collections.abc import Iterator, Sequence
from decimal import Decimal

from lib.amounts import EXACT, remainder
from lib.closing_order import is_dust
from lib.desk import Desk
from lib.exchange import ZERO, Side
from lib.exits.closing import close_lot
from lib.exits.cover import plan_bracket
from lib.exits.levels import Level
from lib.exits.lot import Lot, Rule, Way, beyond, resolve
from lib.exits.protection import PATIENCE, Ending
from lib.exits.watching import close, say
from lib.machine import Context, Machine, together
from lib.money import SymbolRules, plain
from lib.oco import FEE_RATE
from lib.orders import LIVE, Order, OrderState, add_order
from lib.turnover import Turnover, turnover_of

HEADROOM = Decimal("1.1")  # over the least worth of an order: a stop is worth less


class Holding(Context):
    """What is entered, and the lots it is shared out to."""

    # what we want
    symbol: str
    base_asset: str
    quote_asset: str
    side: Side  # of the entry
    shares: list[Decimal]  # of the lots; together 1
    even: Decimal | None = None  # once one took its profit, the stops move so far beyond the entry
    patience: int = PATIENCE  # ms that a part of an entry waits for the rest without a stop

    # what we know
    entry: Order | None = None  # None: it came with its lot
    lots: list[Lot]
    resolved: bool = False  # the prices are known
    evened: bool = False

    @property
    def opening(self) -> Order:
        """Answer the order that enters."""
        order = self.entry or self.lots[0].working
        assert order is not None, "a holding has an entry, or a list in its place"
        return order

    @property
    def sign(self) -> int:
        """Answer 1 for what was bought, -1 for what was sold to be bought back."""
        return 1 if self.side == "BUY" else -1

    @property
    def entered(self) -> Decimal:
        """Answer how much base is to be closed: less what a fee took of what was bought."""
        order = self.opening
        return order.executed - self.sign * order.commission(self.base_asset)

    @property
    def over(self) -> bool:
        """Say whether nothing is left and nothing more comes."""
        return all(lot.over for lot in self.lots)

    @property
    def held(self) -> Decimal:
        """Answer what was entered and is not closed yet, dust included."""
        return max(ZERO, self.entered - sum((lot.closed + lot.gone for lot in self.lots), ZERO))

    @property
    def result(self) -> Turnover:
        """Answer what was bought and sold so far, fees and profit, to the last digit."""
        rules = SymbolRules(self.symbol, self.base_asset, self.quote_asset)
        return turnover_of(self.orders, rules)

    @property
    def moved(self) -> dict[str, Decimal]:
        """Answer what came in and what went out, by asset, fees counted."""
        sums = self.result
        moved = {
            self.base_asset: sums.bought - sums.sold,
            self.quote_asset: sums.received - sums.paid,
        }
        for asset, fee in sums.fees.items():
            moved[asset] = moved.get(asset, ZERO) - fee
        return moved

    @property
    def words(self) -> str:
        """Say what is held, and the prices that end it."""
        short = "" if self.side == "BUY" else "sold, to be bought back: "
        levels = "; ".join(_levels(lot) for lot in self.lots if not lot.over and lot.left)
        return f"{short}{plain(self.held)} {self.base_asset}" + (f" ({levels})" if levels else "")

    @property
    def orders(self) -> Iterator[Order]:
        """Go through all its orders, the entry first."""
        yield self.opening
        for lot in self.lots:
            yield from lot.closing_orders


def _levels(lot: Lot) -> str:
    """Name the prices that end a lot."""
    found = []
    for name, rule in (("take profit", lot.profit), ("stop", lot.stop)):
        if rule is not None and rule.price is not None:
            line = None if rule.trail is None else rule.trail.line
            follows = f", following at {plain(line)}" if line is not None else ""
            found.append(f"{name} {plain(rule.price)}{follows}")
    if lot.mini is not None and lot.mini.level is not None:
        kept = f", {plain(lot.mini.kept)} kept" if lot.mini.kept is not None else ""
        found.append(f"smaller profit {plain(lot.mini.level)}{kept}")
    why = lot.unprotected_because if lot.stop is not None else ""
    return ", ".join(found) + (f"; {why}" if why else "")


def plan_holding(
    rules: SymbolRules, entry: Order, lots: Sequence[Lot], shares: Sequence[Decimal]
) -> Holding:
    """Plan a position that an order opens; the prices of its lots follow from what it pays."""
    return Holding(
        symbol=rules.symbol,
        base_asset=rules.base_asset,
        quote_asset=rules.quote_asset,
        side=entry.side,
        shares=list(shares),
        entry=entry,
        lots=list(lots),
    )


def bring_along(rules: SymbolRules, holding: Holding, *, fee_rate: Decimal = FEE_RATE) -> bool:
    """Have a limit bring along what is to stand for its only lot; answer whether it will.

    What stands is for what is left after a fee of `fee_rate`; its prices count from the limit.
    """
    entry, lot = holding.entry, holding.lots[0]
    if entry is None or entry.type != "LIMIT" or len(holding.lots) > 1:
        return False
    assert entry.quantity is not None
    assert entry.price is not None
    if not rules.oto_allowed or not rules.oco_allowed:
        return False
    sure = entry.quantity * (1 - fee_rate) if holding.side == "BUY" else entry.quantity
    sure -= remainder(sure, lot.step)
    resolve(rules, lot, entry.price, entry.quantity)
    holding.resolved = True
    if plan_bracket(rules, lot, entry, sure):
        holding.entry = None
    return holding.entry is None


async def hold(desk: Desk, holding: Holding) -> Machine[Holding]:
    """Enter, have every lot be closed as it says, until all are over. Raises Halt."""
    if holding.over:
        return
    machines = [_steward(desk, holding), *(close_lot(desk, lot) for lot in holding.lots)]
    if holding.entry is not None:
        machines.append(_enter(desk, holding))
    async for _ in together(*machines):
        yield holding


def came_too_late(holding: Holding) -> bool:
    """Say whether the entry was never sent, as the program did not run when it was time."""
    entry = holding.opening
    return entry.state is OrderState.ABANDONED and not entry.give_up and not entry.give_up_at


def close_all(desk: Desk, holding: Holding, because: str) -> None:
    """Decide to end it: what is open is canceled, the rest goes at market."""
    for lot in holding.lots:
        close(lot, Ending.TOLD, because, at=ZERO, way=Way(), now=desk.now())
    _give_entry_up(holding, because)


async def _enter(desk: Desk, holding: Holding) -> Machine[Holding]:
    assert holding.entry is not None
    async for holding.entry in add_order(desk.exchange, holding.entry):
        yield holding


async def _steward(desk: Desk, holding: Holding) -> Machine[Holding]:
    """Share out what is entered, and move the stops once a profit was taken."""
    while not holding.over:
        before = _decisions(holding)
        rules = desk.rules(holding.symbol)
        _share_out(rules, holding, desk.now())
        _review_entry(holding, desk.now())
        said = _break_even(rules, holding)
        if _decisions(holding) != before:
            yield holding
            say(desk, holding.lots[0], said)
        elif holding.opening.final or not holding.entered:
            await desk.stirring(holding.symbol)
        else:
            await desk.until(desk.now() + 1_000)


def _decisions(holding: Holding) -> object:
    return (
        [(lot.quantity, lot.complete, lot.stop and lot.stop.price) for lot in holding.lots],
        [lot.pair and lot.pair.give_up for lot in holding.lots],
        holding.opening.give_up,
        holding.resolved,
        holding.evened,
    )


# --- what is entered


def _share_out(rules: SymbolRules, holding: Holding, now: int) -> None:
    entry, net = holding.opening, holding.entered
    if entry.final or (net and now >= _since(entry, now) + holding.patience):
        if net and not holding.resolved:
            for lot in holding.lots:
                resolve(rules, lot, entry.average_price, entry.executed)
            holding.resolved = True
        if net and _is_begun(holding):
            targets = apportion(rules, holding, net)
            rest = net - sum((lot.quantity for lot in holding.lots), ZERO)
            for lot, target in zip(holding.lots, targets, strict=True):
                more = min(max(ZERO, target - lot.quantity), max(ZERO, rest))
                lot.quantity, rest = lot.quantity + more, rest - more
    for lot in holding.lots:
        lot.complete = lot.complete or entry.final


def _is_begun(holding: Holding) -> bool:
    """Say whether what was entered is to be shared out; a list holds it until all is there."""
    return holding.opening.final or holding.entry is not None


def apportion(rules: SymbolRules, holding: Holding, net: Decimal) -> list[Decimal]:
    """Share out in whole lots; a share too small to be closed goes to the next one."""
    shares, carried = list[Decimal](), ZERO
    price, step = holding.opening.average_price, holding.lots[0].step
    for share in holding.shares[:-1]:
        wanted = EXACT.multiply(net, share) + carried
        wanted -= remainder(wanted, step)
        small = is_dust(rules, holding.lots[0].side, wanted, price / HEADROOM)
        shares.append(ZERO if small else wanted)
        carried = wanted if small else ZERO
    last = net - sum(shares, ZERO)
    if any(shares) and is_dust(rules, holding.lots[0].side, last, price / HEADROOM):
        at = max(index for index, share in enumerate(shares) if share)
        shares[at], last = shares[at] + last, ZERO
    return [*shares, last]


def _review_entry(holding: Holding, now: int) -> None:
    """Enter no more once something was closed, or where a list was filled in part for too long."""
    entry, pair = holding.opening, holding.lots[0].pair
    if entry.final:
        return
    if any(lot.ending or lot.closed or lot.stopped for lot in holding.lots):
        _give_entry_up(holding, "the position is being closed")
    if pair is None or pair.give_up or entry.state not in LIVE or not entry.filled:
        return
    if pair.working is entry and now >= _since(entry, now) + holding.patience:
        pair.give_up = "its entry was filled in part for too long"


def _since(entry: Order, now: int) -> int:
    """Answer when something of an entry was filled first, as far as its trades are known."""
    return entry.fills[0].time if entry.fills else now


def _give_entry_up(holding: Holding, why: str) -> None:
    entry = holding.opening
    if not entry.final and not entry.give_up:
        entry.give_up = why


# --- break-even


def _break_even(rules: SymbolRules, holding: Holding) -> list[str]:
    """Move the stops of the other lots once one took its profit."""
    if holding.even is None or holding.evened or not any(map(_took_profit, holding.lots)):
        return []
    holding.evened = True
    paid = holding.opening.average_price
    price = EXACT.multiply(paid, 1 + holding.sign * holding.even)
    price = rules.round_price(price, holding.lots[0].side)
    said = list[str]()
    for lot in holding.lots:
        if lot.ending is None and lot.left:
            lot.stop = lot.stop or Rule(level=Level(price, relative=False))
            if lot.stop.price is None or beyond(holding.sign, price, lot.stop.price):
                lot.stop.price, lot.stop.since = price, None
                said = [f"a profit was taken: what is left is stopped at {plain(price)}"]
    return said


def _took_profit(lot: Lot) -> bool:
    return lot.ending in {Ending.TAKE_PROFIT, Ending.TRAIL} and bool(lot.done)
