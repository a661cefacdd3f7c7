"""What the machine of an order asks of an exchange: each step it cannot take by itself."""

from decimal import Decimal
from typing import TYPE_CHECKING, Protocol

from lib.exchange import OrderRecord

if TYPE_CHECKING:
    from lib.orders import Order


class Exchange(Protocol):
    """What `add_order` needs of an exchange; lib/dealing/dealer.py answers for every venue."""

    async def ready(self, order: "Order") -> None:
        """Wait until a new order may leave: the account is known, the desk not stale."""
        ...

    def announce(self, order: "Order") -> bool:
        """Write the intent into the order; or its end, if the plan cannot or may not be sent."""
        ...

    async def place(self, order: "Order") -> OrderRecord:
        """Send it. Raises Refused, NotSent or OutcomeUnknown."""
        ...

    async def look_for(self, order: "Order") -> OrderRecord | None:
        """Find an order in doubt. None: every way of asking is exhausted but a cancel."""
        ...

    async def last_look(self, order: "Order") -> OrderRecord | None:
        """Ask once more by id, after the matching engine knew of no open order."""
        ...

    def give_id_up(self, order: "Order") -> None:
        """Remember the id as never accepted. One that shows up later stops the bot."""
        ...

    async def next_report(self, order: "Order") -> OrderRecord | str | Decimal:
        """Wait for news of a live order; or answer why it is to be canceled, or to be how small."""
        ...

    async def why_give_up(self, order: "Order") -> str:
        """Answer why an order is to be canceled now; empty if it is not."""
        ...

    def announce_cancel(self, order: "Order") -> None:
        """Write the intent of a cancel into the order."""
        ...

    async def cancel(self, order: "Order") -> OrderRecord:
        """Send the cancel. Raises UnknownOrder, Refused, NotSent or OutcomeUnknown."""
        ...

    def announce_amend(self, order: "Order") -> bool:
        """Write the intent of an amend into the order; or why there can be none."""
        ...

    async def amend(self, order: "Order") -> OrderRecord:
        """Send the amend. Raises UnknownOrder, Refused, NotSent or OutcomeUnknown."""
        ...

    async def amend_is_void(self, order: "Order") -> bool:
        """Ask whether the time has passed at which the amend could still be accepted."""
        ...

    async def ask(self, order: "Order") -> OrderRecord:
        """Ask how a live order stands, again and again until there is an answer."""
        ...

    async def pause(self, order: "Order") -> None:
        """Wait a little before trying again, longer each time."""
        ...

    def close(self, order: "Order") -> None:
        """Book a final order."""
        ...
