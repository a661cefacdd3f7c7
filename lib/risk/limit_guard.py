"""The guard that knows the limits: an exchange that says no first.

Asked in the step that announces an entry, so two bots cannot pass together what only one may. It
lets an entry wait that would only come too early (a loss whose limit was reached, a cool-down) and
refuses what would be too much. Exits are never brought here.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress

from lib.dealing.guard import Facts
from lib.dealing.room import Plan
from lib.filters import Complaint
from lib.floor import Floor
from lib.limits import ALL, BotLimits
from lib.news import Kind
from lib.risk.losses import Losses, sums
from lib.risk.page import PageFile
from lib.risk.rules import complaints, entry_of, recent
from lib.risk.worth import Unvalued, Worth
from lib.wallet import Wallet

Tell = Callable[[str, Kind, str], None]  # in a bot's name; an empty one is the runner's


class LimitGuard:
    """Judges by the limits of all bots and of each."""

    def __init__(
        self,
        floor: Floor,
        limits: Mapping[str, BotLimits],
        worth: Worth,
        file: PageFile,
        *,
        lets: Callable[[str], bool],
        tell: Tell,
        zone: str = "UTC",
    ) -> None:
        self.limits = dict(limits)  # by scope
        self.losses = Losses(self.limits, self.wallets_of, worth, file, zone=zone)
        self._floor = floor
        self._worth = worth
        self._file = file
        self._lets = lets
        self._tell = tell
        self._told: set[tuple[str, str]] = set()  # bot and rule: refusals since an entry passed
        self._cooling: dict[str, int] = {}  # until when, as the person was told

    # --- what the gate asks

    async def learn(self, bot: str, symbol: str) -> None:
        """Have the prices that an entry is judged by, and on disk what losses are counted from."""
        scopes = self._scopes(bot)
        if scopes:
            await self._worth.ask(symbol)
            await self.learn_assets(scopes, [symbol])
            self.look(scopes)
            await self._file.settled()

    def delay(self, bot: str) -> str:
        """Say which limit an entry of a bot has to wait for; empty if it need not."""
        self.losses.lift(self._lets)
        if self.losses.standing(bot) is None:
            self.look(self._scopes(bot))
        trip = self.losses.standing(bot)
        return trip.words if trip is not None else self._cools_down(bot)

    def refusal(self, bot: str, plan: Plan, facts: Facts) -> str:
        """Say which limits an entry would pass, each by its key; empty if none."""
        found = [
            complaint
            for scope in self._scopes(bot)
            for complaint in self._judged(scope, plan, facts)
        ]
        if not found:
            self._note_entry(bot, plan, facts.now)
            return ""
        for complaint in found:
            self._tell_once(bot, complaint)
        return "; ".join(complaint.named for complaint in found)

    # --- what the keeper asks, too

    async def learn_assets(self, scopes: Iterable[str], symbols: Iterable[str] = ()) -> None:
        """Have prices of all that these scopes hold, or are about to."""
        assets = {asset for scope in scopes for asset in self._assets(scope)}
        for symbol in symbols:
            assets |= {self._floor.rules[symbol].base_asset, self._floor.rules[symbol].quote_asset}
        await self._worth.learn(assets)

    def moved_by(self) -> list[str]:
        """Name the symbols whose prices may yet bring a result to a limit."""
        watched = (sums(self.wallets_of(scope)) for scope in self.losses.undecided)
        return self._worth.symbols({asset for amounts in watched for asset in amounts})

    def look(self, scopes: Iterable[str]) -> None:
        """See what these scopes have lost, as far as it can be valued."""
        for scope in scopes:
            with suppress(Unvalued):
                self.losses.look(scope, self._floor.clock.now())

    def now(self) -> int:
        """Answer the exchange's time, ms."""
        return self._floor.clock.now()

    def wallets_of(self, scope: str) -> Sequence[Wallet]:
        """Answer the wallets of a scope's bots."""
        wallets = self._floor.wallets
        return wallets.all if scope == ALL else [wallets.of(scope)]

    # --- the steps of the above

    def _scopes(self, bot: str) -> list[str]:
        return [scope for scope in (bot, ALL) if scope in self.limits]

    def _assets(self, scope: str) -> set[str]:
        """Answer what has to have a price for this scope to be judged."""
        limits, wallets = self.limits[scope], self.wallets_of(scope)
        if not limits.counts_holdings and not limits.watches_losses:
            return set()
        symbols = [
            wallet.memory.assets.get(order.symbol, ())
            for wallet in wallets
            for order in wallet.orders.values()
        ]
        return {*sums(wallets), *(asset for assets in symbols for asset in assets)}

    def _judged(self, scope: str, plan: Plan, facts: Facts) -> Iterator[Complaint]:
        limits, wallets = self.limits[scope], self.wallets_of(scope)
        yield from complaints(
            entry_of(scope, limits, plan, facts.rules, wallets, self._worth, facts.now)
        )
        yield from self.losses.complaints(scope, facts.now)

    def _note_entry(self, bot: str, plan: Plan, now: int) -> None:
        """Remember an entry that passes, in the save that holds its intent."""
        self._told = {(name, rule) for name, rule in self._told if name != bot}
        if any(self.limits[scope].orders_per_minute for scope in self._scopes(bot)):
            wallet = self._floor.wallets.of(bot)
            wallet.memory.entries_at = [*recent(wallet, plan, now), now]

    def _tell_once(self, bot: str, complaint: Complaint) -> None:
        """Tell of the first refusal by a rule since an entry of the bot passed."""
        if (bot, complaint.rule) not in self._told:
            self._told.add((bot, complaint.rule))
            text = f"an entry was refused: {complaint.named}; told once until one passes"
            self._tell(bot, Kind.WARNING, text)

    def _cools_down(self, bot: str) -> str:
        now = self._floor.clock.now()
        for scope in self._scopes(bot):
            until = self._cool_until(scope)
            if now < until:
                return self._said_cooling(scope, until, now)
        return ""

    def _cool_until(self, scope: str) -> int:
        limits = self.limits[scope]
        if limits.cool_down is None:
            return 0
        lost = [
            wallet.memory.lost_at
            for wallet in self.wallets_of(scope)
            if wallet.memory.losses >= limits.cool_down_after
        ]
        return max(lost, default=0) + limits.cool_down if lost else 0

    def _said_cooling(self, scope: str, until: int, now: int) -> str:
        seconds = -(-(until - now) // 1000)
        text = f"limits.cool_down of {scope or 'all bots'}: no entry for {seconds} s after losses"
        if self._cooling.get(scope) != until:
            self._cooling[scope] = until
            self._tell(scope, Kind.WARNING, text)
        return text
