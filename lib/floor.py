"""The trading floor: what all bots of one account share."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from lib.clock import Clock
from lib.dealing.guard import Guard, NoGuard
from lib.exchange import AmendRequest, Limits, OrderRecord, PlaceListRequest, PlaceRequest, Venue
from lib.funds import Funds
from lib.instructions import Instructions
from lib.journal.order_journal import OrderJournal, no_journal
from lib.market_rules import MarketRules
from lib.mirror import Mirror
from lib.money import SymbolRules
from lib.orders import Order
from lib.ownership.other_runners import OtherRunners
from lib.quotes import Quotes
from lib.wallets import Wallets


@dataclass(frozen=True, slots=True)
class Floor:
    """One venue, one account, one clock, one purse."""

    venue: Venue
    clock: Clock
    mirror: Mirror
    funds: Funds
    quotes: Quotes
    rules: dict[str, SymbolRules]  # filled once the venue was asked
    limits: Limits
    installation: str
    journal: OrderJournal = field(default_factory=no_journal)
    others: OtherRunners = field(default_factory=OtherRunners)
    instructions: Instructions = field(default_factory=Instructions)
    guard: Guard = field(default_factory=NoGuard)
    wallets: Wallets = field(init=False)
    market_rules: MarketRules = field(init=False)

    @property
    def quote_assets(self) -> dict[str, str]:
        """The quote asset of every symbol that the venue trades."""
        return {symbol: rules.quote_asset for symbol, rules in self.rules.items()}

    def __post_init__(self) -> None:
        """Open no wallet yet: every bot's is opened before any bot starts."""
        wallets = Wallets(self.funds, self.mirror, self.rules)
        object.__setattr__(self, "wallets", wallets)
        object.__setattr__(self, "market_rules", MarketRules(self.venue, self.rules))

    def post(self, guard: Guard) -> None:
        """Have a guard be asked about entries from now on; before any bot lives."""
        object.__setattr__(self, "guard", guard)

    async def ready(self, symbol: str, is_over: Callable[[], object]) -> None:
        """Wait until a new order may leave: its symbol trades, or waiting is over; not stale."""
        await self.market_rules.open_for(symbol, is_over)
        await self.mirror.fresh()

    async def alone(self, bot: str, order: Order, is_over: Callable[[], object]) -> None:
        """Wait while others are at work and the person wants that, or until waiting is over.

        What closes a position, bought or sold by the bot itself, never waits.
        """
        if self.others.stopping and not self.wallets.closes(bot, order.symbol, order.side):
            await self.others.gone(is_over)

    async def place(self, request: PlaceRequest) -> OrderRecord:
        """Place an order; a refusal by a rule has the rules renewed. Raises as the venue does."""
        return await self.market_rules.heeding(self.venue.place(request), request)

    async def place_list(self, request: PlaceListRequest) -> Sequence[OrderRecord]:
        """Place a list; a refusal by a rule has the rules renewed. Raises as the venue does."""
        return await self.market_rules.heeding(self.venue.place_list(request), *request.legs)

    async def amend(self, request: AmendRequest, smaller: Order) -> OrderRecord:
        """Amend an order; a refusal by a rule has the rules renewed. Raises as the venue does."""
        return await self.market_rules.heeding(self.venue.amend(request), smaller)
