"""The dealer's hand for orders side by side: asked for at once, made smaller where they stand."""

from collections.abc import Iterable

from lib.dealing.dealer import Dealer
from lib.dealing.lookout import completed
from lib.errors import Unavailable
from lib.exchange import AmendRequest, OrderRecord
from lib.ids import intent_token
from lib.journal.rows import Happening
from lib.money import SymbolRules
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
        self._journal.expect(Happening.AMEND_INTENT, self._bot, order)
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
        answer = self._floor.amend(request, smaller(order))
        record = await self._journal.amending(self._bot, order, answer)
        self._voice.amended(order, record)
        return await self._settled(order, record)

    async def ask(self, order: Order) -> OrderRecord:
        """Ask how a live order stands; one whose amend has no answer is in doubt about it."""
        if order.state is OrderState.AMENDING:
            self._journal.amend_doubted(self._bot, order)
        return await super().ask(order)

    async def catch_up(self, orders: Iterable[Order]) -> list[OrderRecord]:
        """Ask for live orders all at once; answer each as it stands, with every trade."""
        wanted = list(orders)
        for order in wanted:
            self._mirror.follow(order.symbol, order.id, order.order_id)
        await self._mirror.poll_again()
        found = [self._mirror.record(order.id) for order in wanted]
        return [await completed(self._floor, record) for record in found if record is not None]

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
        times = f"it was amended {len(order.amends)} times, the most it takes"
        return f"{times} (MAX_NUM_ORDER_AMENDS)"
    return "; ".join(complaint.named for complaint in rules.refusals(smaller(order)))


def smaller(order: Order) -> Order:
    """Answer an order as its amend would make it."""
    return order.model_copy(update={"quantity": order.amend_to})
