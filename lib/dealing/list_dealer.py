"""The dealer's hand for order lists: one intent, one request, one search for all their orders.

A list's money is that of its dearest order which can begin at once, counted on its first leg; what
pays for the pending orders is what the working order brings.
"""

from collections.abc import Sequence
from functools import cached_property

from lib.dealing.amend_dealer import AmendDealer
from lib.dealing.dealer import describe
from lib.dealing.doubt import find_leg, look_for_list
from lib.errors import (
    BooksDisagree,
    BotError,
    DuplicateOrder,
    Halt,
    NotSent,
    OutcomeUnknown,
    Refused,
)
from lib.exchange import OrderRecord, PlaceListRequest, PlaceRequest
from lib.ids import intent_token
from lib.journal.rows import Happening, state_of
from lib.order_lists import OrderList, set_state
from lib.orders import Order, OrderState


class ListDealer(AmendDealer):
    """The desk's hand at the exchange, for single orders and for lists of them."""

    @cached_property
    def _lists(self) -> dict[str, OrderList]:
        """The list of each leg that is followed, by the leg's id."""
        return {}

    # --- intents: await-free, on disk with the next save

    async def ready_list(self, order_list: OrderList) -> None:
        """Wait until a new list may leave: the account is known, the desk not stale."""
        for leg in order_list.legs:
            leg.planned_at = leg.planned_at or self.now()
        await self._gate.wait(order_list, lambda: _given_up(order_list))
        symbol, late = order_list.symbol, self._too_late_for_list
        first = order_list.begun[0]
        await self._floor.alone(self._bot, first, lambda: late(order_list, self.now()))
        await self._floor.ready(symbol, lambda: late(order_list, self.now()))
        self._floor.funds.release(order_list.legs[0].id)  # announced before, never sent
        await self._admission.learn(order_list)
        await self._gate.learn(order_list)

    def announce_list(self, order_list: OrderList) -> bool:
        """Write the intent into list and legs; or their end, if the plan may not be sent."""
        now = self.now()
        too_late = self._too_late_for_list(order_list, now)
        if too_late:
            set_state(order_list, OrderState.ABANDONED, too_late)
            return False
        if self._must_wait(order_list):  # since it was ready
            return False
        if not order_list.id:
            self._admission.round(order_list)
        self._gate.mark(order_list)
        complaints = self._admission.complaints(order_list) or self._gate.objections(order_list)
        if complaints:
            set_state(order_list, OrderState.REJECTED, "; ".join(complaints))
            return False
        self._write_intent(order_list, now)
        self._commit(order_list)
        return True

    def give_list_up(self, order_list: OrderList) -> None:
        """Remember all ids as never accepted. One that shows up later stops the bot."""
        for leg in order_list.legs:
            self.give_id_up(leg)
            leg.list_id = ""
        order_list.id, order_list.token, order_list.sends, order_list.reason = "", "", 0, ""
        order_list.state = OrderState.PLANNED

    def _write_intent(self, order_list: OrderList, now: int) -> None:
        order_list.id = order_list.id or self._next_id("b")
        order_list.sends += 1
        order_list.sent_at = now
        deadlines = [leg.give_up_at for leg in order_list.begun if leg.give_up_at is not None]
        order_list.send_by = min(self._send_by(now), order_list.best_before, *deadlines)
        order_list.recv_window = self._limits.recv_window
        order_list.token = intent_token(order_list.id, order_list.send_by)
        order_list.base_asset = self.rules(order_list.symbol).base_asset
        for leg in order_list.legs:
            leg.id = leg.id or self._next_id("a")
            leg.list_id = order_list.id
            leg.sends, leg.sent_at = order_list.sends, now
            leg.send_by, leg.recv_window = order_list.send_by, order_list.recv_window
            leg.token = intent_token(leg.id, leg.send_by)
        set_state(order_list, OrderState.SUBMITTING)

    def _commit(self, order_list: OrderList) -> None:
        """Count the money once; follow every leg."""
        first = order_list.legs[0]
        asset, first.spends_at_most = self._admission.worst_case(order_list)
        self._floor.funds.commit(first.id, asset, first.spends_at_most)
        for leg in order_list.legs:
            self._mirror.follow(leg.symbol, leg.id)
            self._wallets.follow(self._bot, leg)
            self._announced.add(leg.id)
            self._journal.expect(Happening.INTENT, self._bot, leg)

    # --- requests: only what the disk has acknowledged

    async def place_list(self, order_list: OrderList) -> Sequence[OrderRecord]:
        """Send an announced list. Raises Refused, NotSent, OutcomeUnknown or BooksDisagree."""
        for token in (order_list.token, *(leg.token for leg in order_list.legs)):
            self._tripwire(token)
        first = order_list.legs[0]
        try:
            async with self._gate.passing(order_list):
                records = await self._send_noted(order_list)
        except DuplicateOrder as duplicate:
            if order_list.sends < 2:
                raise BooksDisagree(
                    f"the exchange has an order of list {order_list.id}, never sent before"
                ) from duplicate
            raise OutcomeUnknown(f"{order_list.id} may have arrived before") from duplicate
        except (NotSent, Refused):
            self._floor.funds.release(first.id)
            raise
        except OutcomeUnknown as unknown:
            self._voice.doubted(describe_list(order_list), unknown, order_list.id)
            raise
        self._pauses.pop(first.id, None)
        for leg, record in zip(order_list.legs, records, strict=True):
            self._voice.placed(leg, record)
        return [
            self._accept(leg, record) for leg, record in zip(order_list.legs, records, strict=True)
        ]

    async def _send_noted(self, order_list: OrderList) -> Sequence[OrderRecord]:
        """Send it; the journal notes that, and what came of it, for every leg."""
        legs = order_list.legs
        for leg in legs:
            self._journal.note(Happening.SENT, self._bot, leg)
        try:
            records = await self._floor.place_list(_request(order_list))
        except BotError as wrong:
            for leg in legs:
                reason = f"{type(wrong).__name__}: {wrong}"
                after = _after(wrong)
                self._journal.note(Happening.REPLY, self._bot, leg, after=after, reason=reason)
            raise
        for leg, record in zip(legs, records, strict=True):
            after = state_of(record.status)
            self._journal.note(Happening.REPLY, self._bot, leg, after=after, record=record)
        return records

    async def cancel(self, order: Order) -> OrderRecord:
        """Send an announced cancel. Canceling one leg ends the others: ask for them soon."""
        record = await super().cancel(order)
        if order.id in self._lists:
            self._mirror.ask_soon()
        return record

    # --- questions

    async def look_for_list(self, order_list: OrderList) -> bool:
        """Say whether a list in doubt was accepted, every way of asking but a cancel exhausted.

        Raises BooksDisagree for an order of a leg's shape under an id we do not know, and Halt
        where a person wants to decide.
        """
        for leg in order_list.legs:
            self._mirror.follow(leg.symbol, leg.id)
            self._wallets.follow(self._bot, leg)
            self._journal.note(Happening.DOUBT, self._bot, leg, after=OrderState.IN_DOUBT)
        if await look_for_list(self._floor, order_list.id, order_list.legs):
            self._voice.found(describe_list(order_list), order=order_list.id)
            return True
        if self._park_on_doubt and order_list.sent_at > self._memory.doubts_accepted_until:
            raise Halt(
                f"{describe_list(order_list)}, id {order_list.id}, was sent and is nowhere to be "
                "found; release the bot to have it presumed absent"
            )
        await self._gate.unheld(order_list.legs[0])
        return False

    async def find_leg(self, order_list: OrderList, leg: Order) -> OrderRecord:
        """Ask for one order of a list that was accepted, until there is an answer."""
        self._mirror.follow(leg.symbol, leg.id)
        self._wallets.follow(self._bot, leg)
        found = await find_leg(self._floor, order_list.id, leg)
        self._journal.found(self._bot, leg, found)
        record = await self._settled(leg, found)
        self._voice.filled(leg, record)
        return record

    # --- what legs have in common

    def follow_list(self, order_list: OrderList) -> None:
        """Heed the list's `give_up` while its legs are followed."""
        self._lookout.first_reason = self._list_given_up
        self._lists.update({leg.id: order_list for leg in order_list.legs if not leg.final})

    def close(self, order: Order) -> None:
        """Book a final order; let the rest of its list see that it has ended."""
        super().close(order)
        if self._lists.pop(order.id, None) is not None:
            self.wake_given_up()

    def _list_given_up(self, order: Order) -> str:
        """Say why a list is to be canceled, to the first of its legs that can do it for all.

        A leg that was canceled took the others with it: they are about to be told.
        """
        order_list = self._lists.get(order.id)
        if order_list is None or not order_list.give_up:
            return ""
        return order_list.give_up if _speaks_for(order_list, order) else ""

    def _why_end(self, order: Order) -> str:
        order_list = self._lists.get(order.id)
        if order_list is not None and not _speaks_for(order_list, order):
            return ""
        return super()._why_end(order)

    # --- whether it may leave

    def _too_late_for_list(self, order_list: OrderList, now: int) -> str:
        if order_list.give_up:
            return order_list.give_up
        if now >= order_list.best_before:
            return "the plan was past its best-before"
        reasons = (leg.give_up or self._overdue(leg, now) for leg in order_list.begun)
        return next(filter(None, reasons), "")

    @staticmethod
    def _overdue(leg: Order, now: int) -> str:
        late = leg.give_up_at is not None and now >= leg.give_up_at
        return "it would have to be canceled at once" if late else ""


def _speaks_for(order_list: OrderList, order: Order) -> bool:
    """Say whether canceling this leg is how the list is canceled: the first, and once."""
    if any(leg.state is OrderState.CANCELED for leg in order_list.legs):
        return False
    return next((leg for leg in order_list.legs if not leg.final), None) is order


def _given_up(order_list: OrderList) -> str:
    return order_list.give_up or next((leg.give_up for leg in order_list.legs if leg.give_up), "")


def describe_list(order_list: OrderList) -> str:
    """Name a list for a person: its kind, then its orders."""
    return f"{order_list.kind} of " + " and ".join(describe(leg) for leg in order_list.legs)


def _request(order_list: OrderList) -> PlaceListRequest:
    return PlaceListRequest(
        client_order_id=order_list.id,
        symbol=order_list.symbol,
        kind=order_list.kind,
        legs=tuple(_leg_request(leg) for leg in order_list.legs),
        send_by=order_list.send_by,
        recv_window=order_list.recv_window,
    )


def _leg_request(leg: Order) -> PlaceRequest:
    return PlaceRequest(
        client_order_id=leg.id,
        symbol=leg.symbol,
        side=leg.side,
        type=leg.type,
        send_by=leg.send_by,
        recv_window=leg.recv_window,
        quantity=leg.quantity,
        price=leg.price,
        stop_price=leg.stop_price,
        time_in_force=leg.time_in_force,
        trailing_delta=leg.trailing_delta,
    )


def _after(wrong: BotError) -> OrderState:
    """Say what a failed request leaves an order in."""
    if isinstance(wrong, NotSent):
        return OrderState.PLANNED
    return OrderState.IN_DOUBT if isinstance(wrong, OutcomeUnknown) else OrderState.REJECTED
