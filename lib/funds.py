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
        heard = self._balance_time(asset)
        for client_order_id, known in list(self._commitments.items()):
            accepted = known.accepted_at
            if known.asset == asset and accepted is not None and accepted <= heard:
                del self._commitments[client_order_id]
        pending = sum((c.amount for c in self._commitments.values() if c.asset == asset), ZERO)
        return self._balance(asset).free - pending

    def commit(self, client_order_id: str, asset: str, amount: Decimal) -> None:
        """Count an intent from now on."""
        self._commitments[client_order_id] = Commitment(asset, amount)

    def accepted(self, client_order_id: str, at: int) -> None:
        """Count an intent only until the balance is known to include it."""
        if client_order_id in self._commitments:
            self._commitments[client_order_id].accepted_at = at

    def release(self, client_order_id: str) -> None:
        """Count an intent no more: it was refused or never sent."""
        self._commitments.pop(client_order_id, None)
