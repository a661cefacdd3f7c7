"""Order lists (OCO, OTO, OTOCO), placed exactly once, each of their orders followed to its end.

One request places all orders of a list, so placing and doubt are the list's: it is announced,
sent, refused or looked for as a whole. Its legs are ordinary orders; once the exchange has the
list, the machine of lib/orders.py follows each of them, side by side.

In doubt the legs are asked for: the query of a list lags more than theirs. Any id seen means that
the whole list was accepted, and then every leg is asked for until it is found.

What a list leaves unprotected is `OrderList.unprotected`: the pending orders of an OTO wake only
once the working order is filled entirely; the first partial fill of an OCO's limit order ends its
stop; a pending order can be refused when it should begin.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Final, Protocol

from lib.errors import NotSent, OutcomeUnknown, Refused, UnknownOrder
from lib.exchange import ZERO, ListKind, OrderRecord
from lib.machine import Context, Machine, together
from lib.orders import (
    FINAL,
    LIVE,
    PROBED,
    UNSETTLED,
    Exchange,
    Order,
    OrderState,
    absorb,
    add_order,
)

RESTS_FOR: Final = 3_600_000  # ms that a plan waits to be sent, if it does not say
GUARDS: Final = frozenset({"STOP_LOSS", "STOP_LOSS_LIMIT"})
SIBLING: Final = "OCO_TRIGGER"  # Binance's word for a leg that the other one has ended
BY_WEIGHT: Final = (OrderState.LOST, OrderState.CANCELED, OrderState.EXPIRED, OrderState.REJECTED)


class OrderList(Context):
    """What we want, and what we know of it. The amounts are in the legs.

    OCO: above, below. OTO: working, pending. OTOCO: working, above, below.
    """

    # what we want: constant once it was announced
    kind: ListKind
    symbol: str
    legs: list[Order]
    valid_for: int | None = None  # the plan's best-before, ms; None: an hour
    give_up: str = ""  # the bot's own decision to cancel all that is left, and why
    comment: str = ""

    # what we know
    state: OrderState = OrderState.PLANNED  # of the whole; each leg has its own
    base_asset: str = ""  # of the symbol, noted when the list was announced
    id: str = ""  # our list client order id
    token: str = ""  # the intent on disk; its legs have one each
    sends: int = 0
    sent_at: int = 0
    send_by: int = 0
    recv_window: int = 0
    reason: str = ""

    @property
    def final(self) -> bool:
        """Say whether nothing more can happen to it."""
        return self.state in FINAL

    @property
    def planned_at(self) -> int:
        """Exchange ms of the first save that held the plan; 0 before it."""
        return self.legs[0].planned_at

    @property
    def best_before(self) -> int:
        """Exchange ms after which the plan is not sent any more."""
        return self.planned_at + (RESTS_FOR if self.valid_for is None else self.valid_for)

    @property
    def working(self) -> Order | None:
        """The order that the others wait for; an OCO has none."""
        return None if self.kind == "OCO" else self.legs[0]

    @property
    def exits(self) -> list[Order]:
        """The orders of which one is to be done in the end: both of a pair, or what is pending."""
        return self.legs if self.kind == "OCO" else self.legs[1:]

    @property
    def begun(self) -> list[Order]:
        """The orders that can execute as soon as the exchange has the list."""
        return self.legs if self.kind == "OCO" else self.legs[:1]

    # --- what came of it

    @property
    def bought(self) -> Decimal:
        """Base asset bought by all legs, before fees."""
        return _executed(self._of_side("BUY"))

    @property
    def sold(self) -> Decimal:
        """Base asset sold by all legs."""
        return _executed(self._of_side("SELL"))

    @property
    def cost(self) -> Decimal:
        """Quote asset paid by all legs that buy, before fees."""
        return _executed_quote(self._of_side("BUY"))

    @property
    def proceeds(self) -> Decimal:
        """Quote asset received by all legs that sell, before fees."""
        return _executed_quote(self._of_side("SELL"))

    @property
    def average_bought(self) -> Decimal:
        """Quote per base over all buys; zero without any."""
        return self.cost / self.bought if self.bought else ZERO

    @property
    def average_sold(self) -> Decimal:
        """Quote per base over all sells; zero without any."""
        return self.proceeds / self.sold if self.sold else ZERO

    @property
    def done_by(self) -> Order | None:
        """The exit that was executed, wholly or in part; None if none was."""
        return next((leg for leg in self.exits if leg.filled), None)

    def commission(self, asset: str) -> Decimal:
        """Add up what was taken in one asset."""
        return sum((leg.commission(asset) for leg in self.legs), ZERO)

    @property
    def unprotected(self) -> Decimal:
        """Base asset that was to be guarded and now neither is nor was dealt with.

        Of an OCO and an OTOCO what no stop stands for; of an OTO what its pending order does not
        stand for. What an exit was not planned to deal with is not counted.
        """
        return max(ZERO, self._to_guard - _executed(self.exits) - self._guarded)

    @property
    def unprotected_because(self) -> str:
        """Say why something is unprotected; empty if nothing is."""
        if not self.unprotected:
            return ""
        if self.state in UNSETTLED:
            return "the list is not placed yet"
        working = self.working
        if working is not None and working.state is not OrderState.FILLED:
            how = "is filled in part" if working.state in LIVE else f"was {working.state} in part"
            return f"the working order {how}: the orders pending on it wake once all of it is"
        return _why_unguarded(self)

    @property
    def _to_guard(self) -> Decimal:
        exits = max((leg.quantity or ZERO for leg in self.exits), default=ZERO)
        return exits if self.working is None else min(exits, self._received(self.working))

    def _received(self, working: Order) -> Decimal:
        """Answer what a working order left to be guarded: a fee taken in coins is gone."""
        fees = working.commission(self.base_asset) if working.side == "BUY" else ZERO
        return working.executed - fees

    @property
    def _guarded(self) -> Decimal:
        working = self.working
        if working is not None and working.state is not OrderState.FILLED:
            return ZERO  # what is pending does not guard yet
        standing = [guard for guard in guards(self) if guard.state in LIVE]
        return sum(((guard.whole or ZERO) - guard.executed for guard in standing), ZERO)

    def _of_side(self, side: str) -> list[Order]:
        return [leg for leg in self.legs if leg.side == side]


def guards(order_list: OrderList) -> list[Order]:
    """Answer the exits that limit a loss: the stop of a pair, or what is pending in an OTO."""
    if order_list.kind == "OTO":
        return order_list.exits
    return [leg for leg in order_list.exits if leg.type in GUARDS]


def _executed(legs: Sequence[Order]) -> Decimal:
    return sum((leg.executed for leg in legs), ZERO)


def _executed_quote(legs: Sequence[Order]) -> Decimal:
    return sum((leg.executed_quote for leg in legs), ZERO)


def _why_unguarded(order_list: OrderList) -> str:
    guard = guards(order_list)[0]
    why = guard.reason or order_list.reason
    if why == SIBLING:
        taken = next((leg for leg in order_list.exits if leg is not guard), guard)
        ended = "fills" if taken.state in LIVE else f"was {taken.state}"
        return f"the stop ended with the first fill of the {taken.type} order, which {ended}"
    return f"the {guard.type} order was {guard.state}" + (f": {why}" if why else "")


class ListExchange(Exchange, Protocol):
    """What `add_list` needs of an exchange; lib/dealing/list_dealer.py answers for every venue."""

    async def ready_list(self, order_list: OrderList) -> None:
        """Wait until a new list may leave: the account is known, the desk not stale."""
        ...

    def announce_list(self, order_list: OrderList) -> bool:
        """Write the intent into list and legs; or their end, if the plan may not be sent."""
        ...

    async def place_list(self, order_list: OrderList) -> Sequence[OrderRecord]:
        """Send it; answer its legs. Raises Refused, NotSent or OutcomeUnknown."""
        ...

    async def look_for_list(self, order_list: OrderList) -> bool:
        """Say whether a list in doubt was accepted, every way of asking but a cancel exhausted."""
        ...

    async def find_leg(self, order_list: OrderList, leg: Order) -> OrderRecord:
        """Ask for one order of a list that was accepted, until there is an answer."""
        ...

    def give_list_up(self, order_list: OrderList) -> None:
        """Remember all ids as never accepted. One that shows up later stops the bot."""
        ...

    def follow_list(self, order_list: OrderList) -> None:
        """Heed the list's `give_up` while its legs are followed."""
        ...


async def add_list(exchange: ListExchange, order_list: OrderList) -> Machine[OrderList]:
    """Place the list exactly once; follow its legs until all are final.

    `give_up` cancels it, as any reason to cancel one of its legs does: the exchange ends the
    others with it. What was executed is in the legs, whatever the end. Raises BooksDisagree.
    """
    if order_list.final:
        return
    announced = False  # in this life: what a former life announced may have been sent
    while order_list.state in UNSETTLED and not _ended(order_list):
        if order_list.state is OrderState.PLANNED:
            await exchange.ready_list(order_list)
            announced = exchange.announce_list(order_list)
        elif not announced:
            set_state(order_list, OrderState.IN_DOUBT)
            announced = await _resolve(exchange, order_list)
        elif order_list.state is OrderState.SUBMITTING:
            announced = False
            await _place(exchange, order_list)
        else:
            announced = False
            await _probe(exchange, order_list)
        _close_legs(exchange, order_list)
        yield order_list

    while any(leg.state in UNSETTLED for leg in order_list.legs):
        await _find_legs(exchange, order_list)
        _close_legs(exchange, order_list)
        yield order_list

    exchange.follow_list(order_list)
    async for _ in together(*(add_order(exchange, leg) for leg in order_list.legs)):
        yield order_list

    if not order_list.final:
        order_list.state, order_list.reason = _end(order_list)
        yield order_list


def set_state(order_list: OrderList, state: OrderState, reason: str = "") -> None:
    """Have the list and every leg that the exchange has not shown yet stand alike."""
    order_list.state, order_list.reason = state, reason or order_list.reason
    for leg in order_list.legs:
        if leg.state in UNSETTLED:
            leg.state, leg.reason = state, reason or leg.reason


def probes(order_list: OrderList) -> list[Order]:
    """Answer the legs that a cancel can find: what can rest, and what is pending."""
    return [leg for leg in order_list.legs if leg.can_rest or leg is not order_list.working]


async def _place(exchange: ListExchange, order_list: OrderList) -> None:
    try:
        records = await exchange.place_list(order_list)
    except OutcomeUnknown as unknown:
        set_state(order_list, OrderState.IN_DOUBT, str(unknown))
    except NotSent as not_sent:  # the ids were never seen: they stay good for a new fence
        await exchange.pause(order_list.legs[0])
        set_state(order_list, OrderState.PLANNED, str(not_sent))
    except Refused as refused:
        set_state(order_list, OrderState.REJECTED, str(refused))
    else:
        _accept(order_list)
        for leg, record in zip(order_list.legs, records, strict=True):
            absorb(leg, record)


def _accept(order_list: OrderList) -> None:
    """Note that the exchange has, or had, the whole list: each leg is yet to be shown."""
    order_list.state, order_list.reason = OrderState.OPEN, ""
    for leg in order_list.legs:
        leg.reason = ""


async def _resolve(exchange: ListExchange, order_list: OrderList) -> bool:
    """Settle a list in doubt; say whether cancels were announced to probe for it."""
    if await exchange.look_for_list(order_list):
        _accept(order_list)
        return False
    for leg in probes(order_list):
        exchange.announce_cancel(leg)
    return True


async def _probe(exchange: ListExchange, order_list: OrderList) -> None:
    """Ask the matching engine itself for every leg: it answers a cancel without lag.

    One leg does not speak for the others: a stop that was triggered rests without its sibling.
    """
    for leg in probes(order_list):
        try:
            record = await exchange.cancel(leg)
        except UnknownOrder:
            continue
        except (NotSent, OutcomeUnknown, Refused):
            await exchange.pause(leg)
            return
        _accept(order_list)
        leg.reason = PROBED
        absorb(leg, record)
        return
    await _look_last(exchange, order_list)


async def _look_last(exchange: ListExchange, order_list: OrderList) -> None:
    """Settle a list of which nothing rests: it never came, or was done at this very moment."""
    for leg in order_list.legs:
        record = await exchange.last_look(leg)
        if record is not None:
            _accept(order_list)
            absorb(leg, record)
            return
    exchange.give_list_up(order_list)


async def _find_legs(exchange: ListExchange, order_list: OrderList) -> None:
    missing = [leg for leg in order_list.legs if leg.state in UNSETTLED]
    records = [await exchange.find_leg(order_list, leg) for leg in missing]
    for leg, record in zip(missing, records, strict=True):
        absorb(leg, record)


def _close_legs(exchange: ListExchange, order_list: OrderList) -> None:
    for leg in order_list.legs:
        if leg.final and not leg.booked:
            exchange.close(leg)
            leg.booked = True


def _ended(order_list: OrderList) -> bool:
    return all(leg.final for leg in order_list.legs)


def _end(order_list: OrderList) -> tuple[OrderState, str]:
    """Sum up the ends of the legs: filled if an exit was, else the weightiest other end."""
    if any(leg.state is OrderState.FILLED for leg in order_list.exits):
        return OrderState.FILLED, ""
    states = {leg.state for leg in order_list.legs}
    state = next((found for found in BY_WEIGHT if found in states), OrderState.EXPIRED)
    reasons = [leg.reason for leg in order_list.legs if leg.reason not in {"", SIBLING}]
    return state, next(iter(reasons), "")
