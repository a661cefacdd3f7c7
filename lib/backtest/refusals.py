"""What the runner itself refused, for the ledger: orders that no exchange ever saw.

It stands where live the order journal does, and takes of its notes only these. `request` of such a
line is the rule, as conf.json or Binance names it; its code is 0.
"""

import re
from collections.abc import Awaitable, Callable
from typing import Any, Final

from lib.backtest.ledger import Ledger, RefusalLine
from lib.exchange import OrderRecord
from lib.journal.order_journal import OrderJournal
from lib.journal.scribe import Nobody
from lib.orders import Order, OrderState

OWN: Final = 0  # the code of what was refused before it left
NAMED: Final = re.compile(r"\(([A-Za-z_.]+)\)(?:; |$)")  # the rule behind each complaint


class RefusalJournal(OrderJournal):
    """Writes down orders that ended before they left; tells whenever the exchange told anything."""

    def __init__(self, ledger: Ledger, now: Callable[[], int]) -> None:
        super().__init__(Nobody(), now)
        self._ledger = ledger
        self._exchange_now = now
        self.on_heard: Callable[[], None] = lambda: None

    def ended(self, bot: str, order: Order, *, learned: bool = False) -> None:
        """Note what was refused before it left."""
        if order.state is OrderState.REJECTED and not order.sends:
            refuse(self._ledger, self._exchange_now(), bot, order.symbol, order.reason)

    def heard(self, record: OrderRecord) -> None:
        """Tell that the exchange told something of an order."""
        self.on_heard()

    async def placing(self, bot: str, order: Order, answer: Awaitable[OrderRecord]) -> OrderRecord:
        """Await the answer: the exchange keeps the ledger itself. Raises what it raises."""
        return await answer

    canceling = placing
    amending = placing

    def note(self, *_: Any, **__: Any) -> None:
        """Leave every other step to the exchange's own statement."""

    found = given_up = expect = announced = amend_doubted = note_orphan = relearn = note


def refuse(ledger: Ledger, time: int, bot: str, symbol: str, words: str) -> None:
    """Write down a refusal of the runner's own, under the rules that it names."""
    rules = ", ".join(dict.fromkeys(NAMED.findall(words))) or "money"
    ledger.lines.append(RefusalLine(time, bot, symbol, rules, OWN, words))
