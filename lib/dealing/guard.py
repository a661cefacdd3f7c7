"""Who may say no to an entry before the exchange is asked: limits. Exits are never asked about."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from lib.money import SymbolRules
from lib.order_lists import OrderList
from lib.orders import Order


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known at the instant an entry is to be announced."""

    now: int  # exchange ms
    rules: SymbolRules
    held: Decimal  # of base, by the bot's own fills; below 0 where it sold more
    price: Decimal | None  # the last that is known, quote per base


class Guard(Protocol):
    """Judges the entries of all bots, in the step that announces them: no await is in it."""

    async def learn(self, bot: str, symbol: str) -> None:
        """Learn what an entry will be judged by. Raises Unavailable where nothing can be asked."""
        ...

    def delay(self, bot: str) -> str:
        """Say why no entry of a bot may leave for now: it waits; empty if it need not."""
        ...

    def refusal(self, bot: str, plan: Order | OrderList, facts: Facts) -> str:
        """Say why an entry must not leave, the rule by its name; empty if it may."""
        ...


class NoGuard:
    """Lets everything pass."""

    async def learn(self, bot: str, symbol: str) -> None:
        """Need to know nothing."""

    def delay(self, bot: str) -> str:
        """Have nobody wait."""
        return ""

    def refusal(self, bot: str, plan: Order | OrderList, facts: Facts) -> str:
        """Have nothing to say."""
        return ""
