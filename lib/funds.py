"""What may still be spent, counted at the moment an intent is written.

No reservation is stored. Free is what the exchange says is free, less the worst case of every
intent that the exchange's figure may not include yet: submitting, in doubt, or accepted later
than the balance was heard. The contexts of all bots count, parked and removed ones too.
"""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from lib.exchange import ZERO, Balance


@dataclass(slots=True)
class Commitment:
    """What one intent may lock or spend, in the worst case."""

    asset: str
    amount: Decimal
    accepted_at: int | None = None  # exchange ms; None: unknown or not yet
    since: int | None = None  # the first time at which it was known to be accepted


class Funds:
    """One purse for all bots of an account."""

    def __init__(
        self, balance: Callable[[str], Balance], balance_time: Callable[[str], int]
    ) -> None:
        self._balance = balance
        self._balance_time = balance_time
        self._commitments: dict[str, Commitment] = {}

    def free(self, asset: str) -> Decimal:
        """Answer what a new intent may spend of an asset."""
        return self.left_of(self._balance(asset).free, asset, self._balance_time(asset))

    def left_of(self, figure: Decimal, asset: str, heard: int) -> Decimal:
        """Answer what is left of a figure that the exchange gave as of some time, in ms."""
        pending = (
            known.amount
            for known in self._commitments.values()
            if known.asset == asset and _beyond(known, heard)
        )
        return figure - sum(pending, ZERO)

    def forget(self, until: int) -> None:
        """Drop the intents that every figure heard of from now on includes."""
        for client_order_id, known in list(self._commitments.items()):
            if known.accepted_at is not None and known.accepted_at <= until:
                del self._commitments[client_order_id]

    def commit(self, client_order_id: str, asset: str, amount: Decimal) -> None:
        """Count an intent from now on."""
        self._commitments[client_order_id] = Commitment(asset, amount)

    def accepted(self, client_order_id: str, at: int) -> None:
        """Count an intent only until the balance is known to include it."""
        if client_order_id in self._commitments:
            known = self._commitments[client_order_id]
            known.accepted_at, known.since = at, at if known.since is None else known.since

    def freed(self, client_order_id: str, asset: str, amount: Decimal, at: int) -> None:
        """Count what a canceled order gave back, until the balance is known to include it."""
        known = self._commitments.get(client_order_id)
        since = known.since if known else None
        self._commitments[client_order_id] = Commitment(asset, -amount, at, since)

    def release(self, client_order_id: str) -> None:
        """Count an intent no more: it was refused or never sent."""
        self._commitments.pop(client_order_id, None)


def _beyond(known: Commitment, heard: int) -> bool:
    """Say whether a figure of some time does not include this, and would have to."""
    if known.accepted_at is not None and known.accepted_at <= heard:
        return False
    given_back = known.amount < 0
    return not given_back or known.since is None or known.since <= heard
