"""Where one bot's orders pass before they leave: whether the person lets them, and the guard.

An order that may not leave waits, and nobody hears of it; one that waited too long is abandoned
once it may, and the bot plans anew. So does an entry that the guard delays. What the guard refuses
is refused for good, as by a rule.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from lib.dealing.guard import Facts, NoGuard
from lib.dealing.room import Plan, legs_of
from lib.errors import NotSent
from lib.floor import Floor
from lib.instructions import LOOK_SECONDS, enlarges
from lib.last_prices import LastPrices
from lib.order_lists import OrderList
from lib.orders import Order, OrderState


class Gate:
    """One bot's."""

    def __init__(self, floor: Floor, bot: str, prices: LastPrices) -> None:
        self._floor = floor
        self._bot = bot
        self._prices = prices
        self._instructions = floor.instructions

    # --- before it is announced

    async def wait(self, plan: Plan, is_over: Callable[[], object]) -> None:
        """Wait until a plan may leave, or until the bot gave it up."""
        await self._instructions.let(self._bot, lambda: self.opens(_first(plan)), is_over)
        while self.delay(plan) and not is_over():
            await asyncio.sleep(self._instructions.look_seconds(self._bot))

    async def learn(self, plan: Plan) -> None:
        """Have the guard learn what an entry is judged by. Raises Unavailable."""
        if self._is_guarded(plan):
            await self._floor.guard.learn(self._bot, plan.symbol)

    def delay(self, plan: Plan) -> str:
        """Say why the guard wants an entry to wait; empty if it need not."""
        return self._floor.guard.delay(self._bot) if self._is_guarded(plan) else ""

    def _is_guarded(self, plan: Plan) -> bool:
        return not isinstance(self._floor.guard, NoGuard) and self.opens(_first(plan))

    def refusal(self, plan: Plan) -> str:
        """Say why a plan may not leave at this moment; empty if it may."""
        if not self._instructions.forbids(self._bot):
            return ""
        return self._instructions.why_not(self._bot, entry=self.opens(_first(plan)))

    def objections(self, plan: Plan) -> list[str]:
        """Say what the guard has against a plan that was marked as an entry."""
        if isinstance(self._floor.guard, NoGuard) or not _first(plan).opens:
            return []
        symbol = plan.symbol
        facts = Facts(
            now=self._floor.clock.now(),
            rules=self._floor.rules[symbol],
            held=self._floor.wallets.held(self._bot, symbol),
            price=self._prices.known(symbol),
        )
        objection = self._floor.guard.refusal(self._bot, plan, facts)
        return [objection] if objection else []

    def mark(self, plan: Plan) -> None:
        """Remember in its orders what a plan is; those that wait for another one are exits."""
        opens = self.opens(_first(plan))
        begun = plan.begun if isinstance(plan, OrderList) else [plan]
        for order in legs_of(plan):
            order.opens = opens and any(order is each for each in begun)

    # --- before it is sent

    @asynccontextmanager
    async def passing(self, plan: Plan) -> AsyncIterator[None]:
        """Let an announced plan through to be sent. Raises NotSent if that is not allowed now."""
        why = self.refusal(plan)
        if why:
            raise NotSent(why)
        client_order_id = _first(plan).id
        self._instructions.leaves(client_order_id)
        try:
            yield
        finally:
            self._instructions.left(client_order_id)

    async def unheld(self, order: Order) -> None:
        """Wait while an order rests as it is: a cancel that only looks for it might end it."""
        while self.holds(order):
            await asyncio.sleep(LOOK_SECONDS)

    # --- while it is live

    def opens(self, order: Order) -> bool:
        """Say whether an order is an entry; once announced it stays what it was."""
        return is_entry(self._floor, self._bot, order)

    def why_end(self, order: Order) -> str:
        """Say why a live order is to be canceled because of what the person said."""
        why = self._instructions.why_end(self._bot, order.id)
        return why if why and self.opens(order) else ""

    def holds(self, order: Order) -> bool:
        """Say whether a live order rests as it is, whatever its bot decides."""
        return self._instructions.holds_exits(self._bot) and not self.opens(order)


def is_entry(floor: Floor, bot: str, order: Order) -> bool:
    """Say whether an order of a bot enlarges what the bot holds."""
    if order.opens is not None and order.state is not OrderState.PLANNED:
        return order.opens
    return enlarges(floor.wallets.held(bot, order.symbol), order.side, order.whole)


def _first(plan: Plan) -> Order:
    """Answer the order of a plan that works first."""
    return plan.begun[0] if isinstance(plan, OrderList) else plan
