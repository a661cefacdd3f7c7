"""All wallets of an account, and what each bot may spend of it.

Three kinds of coins lie in one account: what budgets promise and fills brought, which belongs to
one bot each; what is left, which the bots without a budget share, first come first served; and
of that, the coins a person had before, which no bot sells unless it was told to.

A poll asks for the account first and for the orders afterwards. So what came in since the last
complete poll may be another bot's proceeds of which nobody heard yet, and is shared only after
the next one.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Final, Protocol

from lib.context_file.generation import Memory
from lib.exchange import ZERO, AccountState, Balance, OrderRecord, Side
from lib.funds import Funds
from lib.money import SymbolRules, plain
from lib.orders import Order, OrderState
from lib.results import Position
from lib.wallet import Wallet

NAMED_MAX: Final = 5  # bots named in one sentence
UNHEARD: Final = frozenset({OrderState.SUBMITTING, OrderState.IN_DOUBT})


class Account(Protocol):
    """The account as far as we know it."""

    @property
    def account(self) -> AccountState | None: ...

    def balance(self, asset: str) -> Balance: ...

    def record(self, client_order_id: str) -> OrderRecord | None: ...


class Wallets:
    """Owns the wallet of every bot: of parked, held and removed ones too."""

    def __init__(self, funds: Funds, account: Account, rules: Mapping[str, SymbolRules]) -> None:
        self._funds = funds
        self._account = account
        self._rules = rules
        self._wallets: dict[str, Wallet] = {}
        self._unheard: dict[str, Order] = {}

    def of(self, bot: str) -> Wallet:
        """Answer a bot's wallet; one that was never opened has no budget."""
        wallet = self._wallets.get(bot)
        if wallet is None:
            wallet = self._wallets[bot] = Wallet(bot, record=self._account.record)
        return wallet

    @property
    def all(self) -> Sequence[Wallet]:
        """The wallets of all bots: of parked, held and removed ones too."""
        return list(self._wallets.values())

    def open(
        self, bot: str, budget: Mapping[str, Decimal] | None, *, sells_your_coins: bool
    ) -> None:
        """Set the terms of a bot's wallet."""
        wallet = self.of(bot)
        wallet.budget, wallet.sells_your_coins = budget, sells_your_coins

    def begin(
        self,
        bot: str,
        memory: Memory,
        orders: Iterable[Order] = (),
        *,
        symbols: Iterable[str] = (),
    ) -> Wallet:
        """Fill a wallet from a bot's memory and its orders that are not booked yet."""
        wallet = self.of(bot)
        if wallet.memory is not memory:
            wallet.memory, wallet.orders = memory, {}
        for symbol in symbols:
            self._learn_assets(wallet, symbol)
        for order in orders:
            if order.id and not order.booked:
                self.follow(bot, order)
        return wallet

    def _learn_assets(self, wallet: Wallet, symbol: str) -> None:
        rules = self._rules.get(symbol)
        if rules is not None:
            wallet.memory.assets[symbol] = (rules.base_asset, rules.quote_asset)

    def follow(self, bot: str, order: Order) -> None:
        """Count an order's fills, and what it may still take, until it is booked."""
        wallet = self.of(bot)
        self._learn_assets(wallet, order.symbol)
        wallet.orders[order.id] = order
        if order.state in UNHEARD:
            self._unheard[order.id] = order

    def announced(self, symbol: str = "") -> list[Order]:
        """Answer the orders that the exchange may or may not have, of one symbol or of all."""
        settled = [name for name, order in self._unheard.items() if order.state not in UNHEARD]
        for name in settled:
            del self._unheard[name]
        return [order for order in self._unheard.values() if symbol in {"", order.symbol}]

    def forget(self, bot: str, client_order_id: str) -> None:
        """Count an order no more: it is booked, or never was."""
        self.of(bot).orders.pop(client_order_id, None)
        self._unheard.pop(client_order_id, None)

    def closes(self, bot: str, symbol: str, side: Side) -> bool:
        """Say whether an order on a side takes back what the bot's own fills left in a symbol."""
        held = self.held(bot, symbol)
        return held > 0 if side == "SELL" else held < 0

    def held(self, bot: str, symbol: str) -> Decimal:
        """Answer what a bot's own fills left of a symbol's base; below 0 where it sold more."""
        return self.of(bot).positions.get(symbol, Position()).quantity

    # --- what a bot may spend

    def spendable(self, bot: str, side: Side, asset: str) -> Decimal:
        """Answer how much of an asset a bot's next order may take; never below 0."""
        wallet, polled = self.of(bot), self._account.account
        if polled is not None:
            self._funds.forget(polled.time)
        free = self._funds.free(asset)
        limit = self._shared(wallet, asset) if _shares(wallet, side) else wallet.free(asset)
        return max(min(free, limit), ZERO)

    def overdrawn(self, bot: str, side: Side, asset: str, amount: Decimal) -> str:
        """Say that a bot's own wallet cannot pay, whatever the account holds."""
        wallet = self.of(bot)
        if _shares(wallet, side) or amount <= (free := wallet.free(asset)):
            return ""
        need = f"needs {plain(amount)} {asset}"
        left = plain(max(free, ZERO))
        if side == "SELL":
            return (
                f"{need}, of what it bought {left} are left; it may not sell your own coins "
                'without "may_sell_your_coins": true'
            )
        budget = plain((wallet.budget or {}).get(asset, ZERO))
        return f"{need}, its wallet has {left} free (budget {budget})"

    def shortage(self, bot: str, side: Side, asset: str, amount: Decimal) -> str:
        """Say what is missing to pay for an order, in the worst case; empty if nothing is."""
        overdrawn = self.overdrawn(bot, side, asset, amount)
        if overdrawn or amount <= self.spendable(bot, side, asset):
            return overdrawn
        need, free = f"needs {plain(amount)} {asset}", self._funds.free(asset)
        if amount > free:
            return f"{need}, free are {plain(free)}"
        left = plain(self.spendable(bot, side, asset))
        return f"{need}, free are {plain(free)}, of which {left} belong to no other bot"

    def _shared(self, wallet: Wallet, asset: str) -> Decimal:
        """Answer what no other bot has a claim on."""
        claims = (other.claim(asset) for other in self._wallets.values() if other is not wallet)
        return self._confirmed(asset) - sum(claims, ZERO)

    def _confirmed(self, asset: str) -> Decimal:
        """Answer what is free, as far as a complete poll has confirmed it."""
        free, polled = self._funds.free(asset), self._account.account
        if polled is None:
            return free
        balance = polled.balances.get(asset)
        then = self._funds.left_of(balance.free if balance else ZERO, asset, polled.time)
        return min(free, then)

    # --- what is promised

    def overpromised(self) -> list[str]:
        """Say of each asset of which the wallets hold more than the account."""
        budgeted = [wallet for wallet in self._wallets.values() if wallet.budget is not None]
        assets = sorted({asset for wallet in budgeted for asset in wallet.budget or {}})
        return [
            text
            for asset in assets
            if (text := excess(asset, {w.bot: w.total(asset) for w in budgeted}, self._has(asset)))
        ]

    def _has(self, asset: str) -> Decimal:
        balance = self._account.balance(asset)
        return balance.free + balance.locked


def excess(asset: str, promised: Mapping[str, Decimal], there: Decimal) -> str:
    """Say that more of an asset is promised than there is, naming the sums; empty if not."""
    owed = {bot: amount for bot, amount in promised.items() if amount > 0}
    total = sum(owed.values(), ZERO)
    if total <= there:
        return ""
    named = [f"{bot} {plain(amount)}" for bot, amount in list(owed.items())[:NAMED_MAX]]
    more = [f"{len(owed) - NAMED_MAX} more"] if len(owed) > NAMED_MAX else []
    return (
        f"the bots' budgets promise {plain(total)} {asset} ({', '.join([*named, *more])}), the "
        f"account has {plain(there)}: they run within what is there, first come first served"
    )


def _shares(wallet: Wallet, side: Side) -> bool:
    """Say whether an order takes from what is shared rather than from the bot's own."""
    return wallet.sells_your_coins if side == "SELL" else wallet.budget is None


class Purse:
    """What a bot may see of its money: its desk's `wallet`. Amounts are exact."""

    def __init__(self, bot: str, wallets: Wallets, rules: Callable[[str], SymbolRules]) -> None:
        self._bot = bot
        self._wallets = wallets
        self._rules = rules

    @property
    def budget(self) -> Mapping[str, Decimal] | None:
        """The budget by asset; None for a bot that shares what no budget reserves."""
        return self._wallet.budget

    @property
    def totals(self) -> dict[str, Decimal]:
        """Budget and what fills made of it, by asset; what is in orders included."""
        return self._wallet.totals

    @property
    def fees(self) -> dict[str, Decimal]:
        """What was paid in fees, by asset."""
        return self._wallet.fees

    @property
    def realised(self) -> dict[str, Decimal]:
        """What was realised by average cost, by quote asset, less fees in the symbol's assets."""
        sums: dict[str, Decimal] = {}
        for symbol, position in self._wallet.positions.items():
            quote = self._wallet.memory.assets[symbol][1]
            sums[quote] = sums.get(quote, ZERO) + position.realised
        return sums

    def total(self, asset: str) -> Decimal:
        """Answer `totals` of one asset."""
        return self._wallet.total(asset)

    def free_to_buy(self, symbol: str) -> Decimal:
        """Answer how much of the quote asset the next buy may take."""
        return self._wallets.spendable(self._bot, "BUY", self._rules(symbol).quote_asset)

    def free_to_sell(self, symbol: str) -> Decimal:
        """Answer how much of the base asset the next sale may take."""
        return self._wallets.spendable(self._bot, "SELL", self._rules(symbol).base_asset)

    def position(self, symbol: str) -> Position:
        """Answer what the bot's own fills left in a symbol, what it cost, what was realised."""
        return self._wallet.positions.get(symbol, Position())

    @property
    def positions(self) -> dict[str, Position]:
        """What the bot's own fills left in each symbol."""
        return self._wallet.positions

    @property
    def _wallet(self) -> Wallet:
        return self._wallets.of(self._bot)
