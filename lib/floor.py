"""The trading floor: what all bots of one account share."""

from dataclasses import dataclass

from lib.clock import Clock
from lib.exchange import Limits, Venue
from lib.funds import Funds
from lib.mirror import Mirror
from lib.money import SymbolRules
from lib.quotes import Quotes


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
