"""What the matching engine answers to new orders."""

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from lib.simulator.books.account import USUAL, Account
from lib.simulator.books.orders import Order
from lib.simulator.calls import answers
from lib.simulator.calls.answers import Body
from lib.simulator.calls.client_ids import generated
from lib.simulator.calls.drafting import ORDER_NAMES, Drafting
from lib.simulator.calls.parameters import flag
from lib.simulator.calls.routes import Call, Routes, private, trading
from lib.simulator.calls.timing import check_forwarding
from lib.simulator.engine import commissions
from lib.simulator.engine.events import refused_order
from lib.simulator.engine.floor import Floor
from lib.simulator.engine.market import Market
from lib.simulator.engine.rules import SymbolRules
from lib.simulator.refusals import Refusal, filter_failed, market_closed, rejected
from lib.simulator.units import quote_of, units

MATCHING_ENGINE: Final = -2010
DISABLED: Final = {
    "cancel_only": "This action is disabled on this account.",
    "forbidden": "This account may not place or cancel orders.",
}

FindMarket = Callable[[Mapping[str, str]], Market]


class Draft(NamedTuple):
    """An order that was read and passed all filters, not yet at the matching engine."""

    market: Market
    order: Order
    response: str  # how much its sender wants to hear of it


class Trading:
    """Places orders for verified accounts."""

    def __init__(self, floor: Floor, find_market: FindMarket, clock: Callable[[], int]) -> None:
        self._floor = floor
        self._find_market = find_market
        self._clock = clock
        limits = floor.options.max_assets
        self._draftings: dict[SymbolRules, Drafting] = {}
        self._max_assets = {asset: units(limit) for asset, limit in limits.items()}

    def routes(self) -> Routes:
        """List the calls that are answered here."""
        return {
            "POST order/test": private(
                self.test, _weigh_test, *ORDER_NAMES, "computeCommissionRates"
            ),
            "POST order": trading(self.place, *ORDER_NAMES),
        }

    def place(self, call: Call) -> Body:
        """Answer POST /order."""
        draft = self.draft(call)
        self._floor.limits.count_order(call.owner.name, call.now)
        now = self.forward(call)
        try:
            return self.take(draft, now)
        except Refusal as refusal:
            if self._floor.options.announce_refusals and refusal.code == MATCHING_ENGINE:
                self.announce(draft.order, refusal, now)
            raise

    def test(self, call: Call) -> Body:
        """Answer POST /order/test: everything but the matching engine."""
        with_rates = flag(call.params, "computeCommissionRates")
        market, order, _ = self.draft(call)
        if not with_rates:
            return {}
        symbol, options = market.rules.symbol, self._floor.options
        return commissions.shown_for_order(symbol, options, is_buy=order.is_buy)

    # --- the steps of a placement

    def draft(self, call: Call) -> Draft:
        """Read an order. Raise for what is missing, and for every filter it does not pass."""
        market, owner = self._find_market(call.params), call.owner
        rules = market.rules
        if rules.status != "TRADING":
            raise market_closed()
        if owner.standing is not USUAL or not rules.for_spot:
            refuse_account(owner, rules)
        order, response = self.drafting(rules).draft(call.params, call.names, owner, call.now)
        market.filters.refuse(order, call.now)
        if self._max_assets:
            self.refuse_assets(market, order)
        return Draft(market, order, response)

    def drafting(self, rules: SymbolRules) -> Drafting:
        """Give who reads the orders of a symbol under these rules."""
        found = self._draftings.get(rules)
        if found is None:
            found = self._draftings[rules] = Drafting(rules, self._floor.options)
        return found

    def forward(self, call: Call) -> int:
        """Check the window once more and answer the time at the matching engine."""
        now = self._clock()
        check_forwarding(call.good_until, now)
        return now

    def take(self, draft: Draft, now: int) -> Body:
        """Give an order to the matching engine and write the answer. Raise if it is refused."""
        market, order, response = draft
        floor = self._floor
        order.client_order_id = order.client_order_id or generated(
            "order", floor.books.counters["order"] + 1
        )
        order.time = now
        market.place(order, now)
        change = floor.books.change
        if response == "ACK":
            return answers.acknowledged(order)
        if response == "RESULT":
            return answers.result(order, change.preventions)
        return answers.full(order, change.fills, change.preventions)

    def announce(self, order: Order, refusal: Refusal, now: int) -> None:
        """Tell the user stream of an order that was refused."""
        floor = self._floor
        execution = floor.books.count("execution")
        floor.books.change.note_count()
        event = refused_order(order, refusal.text, execution, now)
        floor.announcer.tell_user(order.account.name, event)

    def refuse_assets(self, market: Market, order: Order) -> None:
        """Raise for more of an asset than one order may have of it."""
        rules = market.rules
        price = order.price or order.stop_price or market.last or 0
        notional = order.quote_quantity or quote_of(price, order.quantity)
        for asset, amount in ((rules.base, order.quantity), (rules.quote, notional)):
            limit = self._max_assets.get(asset)
            if limit is not None and amount > limit:
                raise filter_failed("MAX_ASSET")


def refuse_account(owner: Account, rules: SymbolRules) -> None:
    """Raise if an account may not place orders, here or anywhere."""
    standing = owner.standing
    if standing.trading != "allowed":
        raise rejected(DISABLED[standing.trading])
    if any(needed.isdisjoint(standing.permissions) for needed in rules.permission_sets):
        raise rejected("This symbol is not permitted for this account.")


def _weigh_test(params: Mapping[str, str]) -> int:
    return 20 if params.get("computeCommissionRates", "").lower() == "true" else 1
