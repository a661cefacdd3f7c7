"""The dealer's hand for orders side by side: asked for at once, made smaller where they stand."""

import asyncio
from collections.abc import Iterable
from functools import cached_property

from lib.dealer import Dealer, describe
from lib.errors import Unavailable
from lib.exchange import AmendRequest, OrderRecord
from lib.ids import intent_token
from lib.money import SymbolRules, plain
from lib.news import Kind
from lib.orders import Order, OrderState


class AmendDealer(Dealer):
    """The desk's hand at the exchange, for orders that may shrink and for many at once."""

    def announce_amend(self, order: Order) -> bool:
        """Write the intent of an amend into the order; or why there can be none."""
        assert order.amend_to is not None
        rules = self.rules(order.symbol)
        order.amend_to = rules.round_quantity(order.amend_to, order.type)
        order.amend_refused = why_not_amend(rules, order)
        if order.amend_refused:
            order.amend_to = None
            return False
        order.amend_id = self._next_id("d")
        order.amend_send_by = self._send_by(self.now())
        order.amend_token = intent_token(order.amend_id, order.amend_send_by)
        order.amends = sorted({*order.amends, order.amend_to}, reverse=True)
        order.state = OrderState.AMENDING
        return True

    async def amend(self, order: Order) -> OrderRecord:
        """Send an announced amend. Raises UnknownOrder, Refused, NotSent or OutcomeUnknown."""
        self._tripwire(order.amend_token)
        assert order.amend_to is not None
        request = AmendRequest(
            client_order_id=order.id,
            symbol=order.symbol,
            order_id=order.order_id,
            quantity=order.amend_to,
            send_by=order.amend_send_by,
            recv_window=self._limits.recv_window,
        )
        record = await self._venue.amend(request)
        self._tell(Kind.ORDER, f"{describe(order)} is now of {plain(record.quantity)}")
        return await self._completed(self._accept(order, record))

    @cached_property
    def _at_save(self) -> set[asyncio.Event]:
        """The bells of those who wait for a save."""
        return set()

    def wake_given_up(self) -> None:
        """Wake the machines whose order the bot has decided about, and who waits for a save."""
        super().wake_given_up()
        for bell in self._at_save:
            bell.set()

    async def next_save(self, bell: asyncio.Event) -> None:
        """Wait until something of this bot was saved, or the bell rings for another reason."""
        self._at_save.add(bell)
        try:
            await bell.wait()
        finally:
            self._at_save.discard(bell)

    async def why_give_up(self, order: Order) -> str:
        """Answer why an order is to be canceled now; empty if it is not."""
        by_price = order.give_up_below is not None or order.give_up_above is not None
        return await self._why_give_up(order, by_price=by_price)

    async def catch_up(self, orders: Iterable[Order]) -> list[OrderRecord]:
        """Ask for live orders all at once; answer each as it stands, with every trade."""
        wanted = list(orders)
        for order in wanted:
            self._mirror.follow(order.symbol, order.id, order.order_id)
        await self._mirror.poll_again()
        found = [self._mirror.record(order.id) for order in wanted]
        return [await self._completed(record) for record in found if record is not None]

    async def amend_is_void(self, order: Order) -> bool:
        """Ask whether the time has passed at which the amend could still be accepted."""
        limits = self._limits
        margin = limits.recv_window + limits.engine_margin + limits.slack
        try:
            return await self._venue.server_time() > order.amend_send_by + margin
        except Unavailable:
            return False


def why_not_amend(rules: SymbolRules, order: Order) -> str:
    """Say why an open order cannot be made as small as it is to be; empty if it can."""
    assert order.amend_to is not None
    if not rules.amend_allowed:
        return f"{rules.symbol} takes no amends"
    if order.whole is None or order.amend_to >= order.whole:
        return "an amend makes an order smaller, and nothing else"
    if order.amend_to <= order.executed:
        return "no less than that was executed"
    if rules.amends_max is not None and len(order.amends) >= rules.amends_max:
        return f"it was amended {len(order.amends)} times, the most it takes"
    smaller = order.model_copy(update={"quantity": order.amend_to})
    return "; ".join(rules.complaints(smaller))
