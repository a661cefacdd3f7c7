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

    def refusal(self, bot: str, plan: Order | OrderList, facts: Facts) -> str:
        """Say why an entry must not leave, the rule by its name; empty if it may."""
        ...


class NoGuard:
    """Lets everything pass."""

    def refusal(self, bot: str, plan: Order | OrderList, facts: Facts) -> str:
        """Have nothing to say."""
        return ""
