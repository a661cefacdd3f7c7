"""Whether an order may leave: by the rules, with room at the exchange, and paid for.

Orders that are announced in one step are judged together: a single one, or those of a list that
begin at once. Nothing is sent to find out what can be known here; what cannot is the exchange's to
say (docs/filters.md).
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal

from lib.dealing.room import Plan, crowding, legs_of
from lib.errors import Unavailable
from lib.exchange import ZERO, Side
from lib.filters import Complaint
from lib.floor import Floor
from lib.last_prices import LastPrices
from lib.money import SymbolRules
from lib.order_lists import OrderList
from lib.orders import Order

Missing = Callable[[str, Side, str, Decimal], str]  # says what a bot lacks of an asset


class Admission:
    """Judges one bot's plans against the rules, the account and the bot's own wallet."""

    def __init__(self, floor: Floor, bot: str, prices: LastPrices) -> None:
        self._floor = floor
        self._bot = bot
        self._prices = prices

    def rules(self, symbol: str) -> SymbolRules:
        """Answer a symbol's rules. Raises Halt or Unavailable as MarketRules.of does."""
        return self._floor.market_rules.of(symbol)

    # --- before an intent

    async def learn(self, plan: Plan) -> None:
        """Learn what a plan is judged by: its price, and a full or poor account once more."""
        await self._learn_price(plan)
        for interval in self._floor.limits.intervals:  # what was heard of it may be old
            if self._overdrawn(plan) or not (self._shortage(plan) or self._crowding(plan)):
                return
            await self._floor.mirror.poll_again()
            await asyncio.sleep(interval / 1000)

    def round(self, plan: Plan) -> None:
        """Make amounts legal: never more than was wanted, never at a worse price."""
        for order in legs_of(plan):
            rules = self.rules(order.symbol)
            if order.quantity is not None:
                order.quantity = rules.round_quantity(order.quantity, order.type)
            if order.price is not None:
                order.price = rules.round_price(order.price, order.side)
            if order.stop_price is not None:
                order.stop_price = rules.round_price(order.stop_price, order.side)

    def complaints(self, plan: Plan) -> list[str]:
        """Say why a plan may not leave, each rule by its name; empty if it may."""
        found = [*self._kind_refused(plan), *self._refusals(plan)] or self._crowding(plan)
        if found:
            return [complaint.named for complaint in found]
        shortage = self._shortage(plan)
        return [shortage] if shortage else []

    def worst_case(self, plan: Plan) -> tuple[str, Decimal]:
        """Answer the asset that a plan takes at once, and how much at worst.

        Of a list that is its dearest order which can begin; what pays for the pending ones is what
        the working order brings. Raises ValueError for an order without amounts.
        """
        cases = (self._worst_case(order) for order in _begun(plan))
        return max(cases, key=lambda case: case[1])

    # --- the steps of the above

    async def _learn_price(self, plan: Plan) -> None:
        """Ask for the price where it is part of the judgement, or may have grown wrong."""
        if any(
            order.type == "MARKET" or order.trailing_delta is not None for order in _begun(plan)
        ):
            await self._prices.ask(plan.symbol)
        elif any(self._seems_far_off(order) for order in legs_of(plan)):
            with suppress(Unavailable):  # then the exchange judges it
                await self._prices.ask(plan.symbol)

    def _seems_far_off(self, order: Order) -> bool:
        """Say whether a price is too far from the last one that is known, if any is."""
        near, known = self.rules(order.symbol).percent_price, self._prices.known(order.symbol)
        if not order.price or not near.is_on:
            return False
        return known is None or any(near.complaints(order.side, order.price, known))

    def _kind_refused(self, plan: Plan) -> list[Complaint]:
        rules, kind = self.rules(plan.symbol), plan.kind if isinstance(plan, OrderList) else ""
        found = []
        if kind in {"OCO", "OTOCO"} and not rules.oco_allowed:
            found.append(Complaint("TYPE", f"{rules.symbol} takes no OCO lists"))
        if kind in {"OTO", "OTOCO"} and not rules.oto_allowed:
            found.append(Complaint("TYPE", f"{rules.symbol} takes no OTO lists"))
        return found

    def _refusals(self, plan: Plan) -> list[Complaint]:
        rules, price = self.rules(plan.symbol), self._prices.young(plan.symbol)
        return [
            complaint
            for order in legs_of(plan)
            for complaint in rules.refusals(order, reference_price=price)
        ]

    def _crowding(self, plan: Plan) -> list[Complaint]:
        floor = self._floor
        return list(crowding(self.rules(plan.symbol), floor.mirror, floor.wallets, plan))

    def _shortage(self, plan: Plan) -> str:
        """Say what is missing to pay for a plan, in the worst case."""
        return self._missing(plan, self._floor.wallets.shortage)

    def _overdrawn(self, plan: Plan) -> str:
        """Say that its own wallet cannot pay: then asking for the account helps nothing."""
        return self._missing(plan, self._floor.wallets.overdrawn)

    def _missing(self, plan: Plan, says: Missing) -> str:
        try:
            asset, amount = self.worst_case(plan)
        except ValueError:  # an order without amounts, which the rules complain about
            return ""
        return says(self._bot, _begun(plan)[0].side, asset, amount)

    def _worst_case(self, order: Order) -> tuple[str, Decimal]:
        price = self._prices.known(order.symbol) or order.price or order.stop_price or ZERO
        return self.rules(order.symbol).asset_spent(order, reference_price=price)


def _begun(plan: Plan) -> list[Order]:
    """Answer the orders of a plan that can execute as soon as the exchange has it."""
    return plan.begun if isinstance(plan, OrderList) else [plan]
