"""What was lost: since the day began, and from the best; and what was reached of a limit.

A result is what all fills of a scope's bots moved, each asset at its price now: so realised and
not yet realised, less every fee in whatever asset it was taken. A day begins at 0:00 in the time
zone that conf.json names, by the exchange's time, with the last result that was seen before. Once
a limit is reached that stands, whatever prices do, until the person lets one of its bots go on:
then all is counted anew.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

from lib.amounts import EXACT, add_by_asset, total
from lib.filters import Complaint
from lib.limits import ALL, BotLimits, Then
from lib.news import readable
from lib.risk.page import Mark, PageFile, Trip
from lib.risk.worth import Unvalued, Worth
from lib.time_zones import local, zone_of
from lib.wallet import Wallet, moved

EPOCH: Final = date(1970, 1, 1).toordinal()
ENDED: Final = {
    Then.PAUSE: "paused until you say `resume`",
    Then.FLATTEN: "flattened, until you say `start`",
}


@dataclass(frozen=True, slots=True)
class Reached:
    """A limit that a loss has come to."""

    rule: str  # the key in conf.json
    then: Then
    words: str


class Losses:
    """Watches the scopes whose limits say so."""

    def __init__(
        self,
        limits: Mapping[str, BotLimits],
        wallets: Callable[[str], Sequence[Wallet]],
        worth: Worth,
        file: PageFile,
        *,
        zone: str = "UTC",
    ) -> None:
        self._limits = limits
        self._zone = zone
        self._days_in = zone_of(zone)
        self._wallets = wallets
        self._worth = worth
        self._file = file
        self.on_trip: Callable[[Trip], None] = lambda _: None
        self.on_lift: Callable[[Trip], None] = lambda _: None

    @property
    def watched(self) -> Sequence[str]:
        """The scopes whose losses are limited."""
        return [scope for scope, limits in self._limits.items() if limits.watches_losses]

    @property
    def undecided(self) -> Sequence[str]:
        """Those of them of which a limit can still be reached, or refuses as long as it is."""
        return [scope for scope in self.watched if any(self._awaited(scope))]

    def _awaited(self, scope: str) -> Iterator[bool]:
        limits = self._limits[scope]
        standing = {trip.rule for trip in self.trips if trip.scope == scope}
        for rule, bound, then in (
            ("daily_loss", limits.daily_loss, limits.daily_loss_then),
            ("drawdown", limits.drawdown, limits.drawdown_then),
        ):
            if bound is not None:
                yield then is Then.REFUSE or rule not in standing

    def result(self, scope: str) -> Decimal:
        """Answer what the fills of a scope's bots are worth now. Raises Unvalued."""
        held = sums(self._wallets(scope))
        return total(self._worth.of(asset, amount) for asset, amount in held.items())

    def look(self, scope: str, now: int) -> None:
        """See how much a scope has lost, and whether that has reached a limit. Raises Unvalued."""
        for reached in self._look(scope, now):
            stands = any((each.scope, each.rule) == (scope, reached.rule) for each in self.trips)
            if reached.then is not Then.REFUSE and not stands:
                self.trip(_trip(scope, reached, now))

    def complaints(self, scope: str, now: int) -> Iterator[Complaint]:
        """Say which losses an entry of a scope is refused for."""
        try:
            for reached in self._look(scope, now):
                if reached.then is Then.REFUSE:
                    yield Complaint(f"limits.{reached.rule}", f"{_whose(scope)}: {reached.words}")
        except Unvalued as unknown:
            rule = "daily_loss" if self._limits[scope].daily_loss else "drawdown"
            yield Complaint(f"limits.{rule}", f"{unknown}, so it is not known what was lost")

    def trip(self, trip: Trip) -> None:
        """Have it stand from now on that a limit was reached."""
        self._file.page.trips.append(trip)
        self._file.press()
        self.on_trip(trip)

    @property
    def trips(self) -> Sequence[Trip]:
        """The limits that were reached and not lifted since."""
        return self._file.page.trips

    def standing(self, bot: str) -> Trip | None:
        """Answer a limit that was reached and concerns a bot, if any does."""
        return next((trip for trip in self.trips if trip.scope in {ALL, bot}), None)

    def lift(self, lets: Callable[[str], bool]) -> None:
        """Count anew wherever the person lets a bot go on that had been told to end."""
        lifted = [trip for trip in self.trips if trip.told and any(map(lets, trip.bots))]
        if not lifted:
            return
        page, scopes = self._file.page, {trip.scope for trip in lifted}
        page.trips = [trip for trip in page.trips if trip.scope not in scopes]
        for scope in scopes:
            page.marks.pop(scope, None)
        self._file.press()
        for trip in lifted:
            self.on_lift(trip)

    # --- the steps of the above

    def _look(self, scope: str, now: int) -> list[Reached]:
        limits = self._limits.get(scope)
        if limits is None or not limits.watches_losses:
            return []
        return list(self._reached(scope, self._marked(scope, now, self.result(scope))))

    def _marked(self, scope: str, now: int, result: Decimal) -> Mark:
        """Take a result into what is remembered of a scope."""
        marks, today = self._file.page.marks, self._day(now)
        known = marks.get(scope)
        if known is None:
            mark = Mark(day=today, start=result, best=result, last=result)
        else:
            start = known.last if known.day < today else known.start
            best = max(known.best, result)
            mark = Mark(day=max(today, known.day), start=start, best=best, last=result)
        marks[scope] = mark
        if known is None or known.day < today:
            self._file.press()
        return mark

    def _day(self, now: int) -> int:
        """Count the days since 1970 up to the one that it is in the time zone."""
        return local(now, self._days_in).date().toordinal() - EPOCH

    def _reached(self, scope: str, mark: Mark) -> Iterator[Reached]:
        limits = self._limits[scope]
        lost, fallen = (EXACT.subtract(was, mark.last) for was in (mark.start, mark.best))
        if limits.daily_loss is not None and lost >= (most := limits.daily_loss.of(limits.funds)):
            words = (
                f"{self._said(lost)} lost since 0:00 {self._zone}, {self._said(most)} are the most"
            )
            yield Reached("daily_loss", limits.daily_loss_then, words)
        if limits.drawdown is not None and fallen >= (most := limits.drawdown.of(limits.funds)):
            words = f"{self._said(fallen)} below the best, {self._said(most)} are the most"
            yield Reached("drawdown", limits.drawdown_then, words)

    def _said(self, amount: Decimal) -> str:
        return f"{readable(amount)} {self._worth.unit}"


def sums(wallets: Iterable[Wallet]) -> dict[str, Decimal]:
    """Add up what fills moved, less fees, by asset."""
    found: dict[str, Decimal] = {}
    for wallet in wallets:
        add_by_asset(found, moved(wallet.memory, wallet.orders.values(), wallet.record))
    return {asset: amount for asset, amount in found.items() if amount}


def _trip(scope: str, reached: Reached, now: int) -> Trip:
    words = f"limits.{reached.rule}: {_whose(scope)}: {reached.words}; {ENDED[reached.then]}"
    return Trip(scope=scope, rule=reached.rule, then=reached.then, words=words, at=now)


def _whose(scope: str) -> str:
    return scope or "all bots"
