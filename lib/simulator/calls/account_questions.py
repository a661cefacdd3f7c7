"""What is asked about an account itself: what it owns and may do, what it pays, how it counts."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from lib.simulator.books.account import Account, Balance
from lib.simulator.calls.answers import Body
from lib.simulator.calls.parameters import DAY_MS, flag, integer, limit
from lib.simulator.calls.routes import Call, Routes, private
from lib.simulator.engine import commissions
from lib.simulator.engine.floor import Floor
from lib.simulator.engine.market import Market
from lib.simulator.engine.self_trades import NO_GROUP
from lib.simulator.refusals import bad_combination, too_long
from lib.simulator.units import units, write

USUAL_ROWS: Final = 500
MOST_ROWS: Final = 1000
ALLOCATION_QUESTIONS: Final = frozenset({
    frozenset[str](),
    frozenset({"startTime"}),
    frozenset({"endTime"}),
    frozenset({"startTime", "endTime"}),
    frozenset({"fromAllocationId"}),
    frozenset({"orderId"}),
    frozenset({"orderId", "fromAllocationId"}),
})

FindMarket = Callable[[Mapping[str, str]], Market]


class AccountQuestions:
    """Answers verified accounts about themselves. `info` is the venue's exchangeInfo."""

    def __init__(self, floor: Floor, find_market: FindMarket, info: Mapping[str, Any]) -> None:
        self._floor = floor
        self._find_market = find_market
        self._info = info

    def routes(self) -> Routes:
        """List the calls that are answered here."""
        span = ("startTime", "endTime", "limit")
        return {
            "GET account": private(self.account, 20, "omitZeroBalances"),
            "GET account/commission": private(self.commission, 20, "symbol"),
            "GET rateLimit/order": private(self.order_counts, 40),
            "GET myFilters": private(self.filters, 40, "symbol"),
            "GET myAllocations": private(
                self.allocations, 20, "symbol", *span, "fromAllocationId", "orderId"
            ),
        }

    def account(self, call: Call) -> Body:
        """Answer GET /account, as it was known a while ago if Memory lags."""
        without_zeros = flag(call.params, "omitZeroBalances")
        owner, replicas = call.owner, self._floor.replicas
        held: Iterable[Balance] = owner.balances.values()
        if replicas.lagging:
            seen = (replicas.balances.seen(balance, call.now) for balance in held)
            held = [balance for balance in seen if balance is not None]
        known = replicas.accounts.seen(owner, call.now) or owner
        return {
            **commissions.account_rates(self._floor.options),
            **_abilities(owner),
            "updateTime": known.updated_at,
            "accountType": "SPOT",
            "balances": [
                {
                    "asset": balance.asset,
                    "free": write(balance.free),
                    "locked": write(balance.locked),
                }
                for balance in sorted(held, key=lambda balance: balance.asset)
                if balance.free or balance.locked or not without_zeros
            ],
            "permissions": sorted(owner.standing.permissions),
            "uid": owner.uid,
            **({"tradeGroupId": owner.trade_group} if owner.trade_group != NO_GROUP else {}),
        }

    def commission(self, call: Call) -> Body:
        """Answer GET /account/commission."""
        market = self._find_market(call.params)
        return commissions.shown(market.rules.symbol, self._floor.options)

    def order_counts(self, call: Call) -> list[Body]:
        """Answer GET /rateLimit/order."""
        return self._floor.limits.order_counts(call.owner.name)

    def filters(self, call: Call) -> Body:
        """Answer GET /myFilters: what holds for an account on a symbol."""
        rules = self._find_market(call.params).rules
        entries = {entry["symbol"]: entry for entry in self._info["symbols"]}
        limits = self._floor.options.max_assets
        return {
            "exchangeFilters": list(self._info.get("exchangeFilters", ())),
            "symbolFilters": list(entries[rules.symbol]["filters"]),
            "assetFilters": [
                {"filterType": "MAX_ASSET", "asset": asset, "limit": write(units(most))}
                for asset, most in limits.items()
                if asset in {rules.base, rules.quote}
            ],
        }

    def allocations(self, call: Call) -> list[Body]:
        """Answer GET /myAllocations: none, for no order here is routed to several markets."""
        params = call.params
        self._find_market(params)
        limit(params, USUAL_ROWS, MOST_ROWS)
        asked = params.keys() & {"orderId", "startTime", "endTime", "fromAllocationId"}
        if asked not in ALLOCATION_QUESTIONS:
            raise bad_combination()
        begins, ends = integer(params, "startTime"), integer(params, "endTime")
        if begins is not None and ends is not None and ends - begins > DAY_MS:
            raise too_long(24)
        return []


def _abilities(owner: Account) -> Body:
    standing = owner.standing
    return {
        "canTrade": standing.trading == "allowed",
        "canWithdraw": standing.can_withdraw,
        "canDeposit": standing.can_deposit,
        "brokered": False,
        "requireSelfTradePrevention": standing.requires_stp,
        "preventSor": False,
    }
