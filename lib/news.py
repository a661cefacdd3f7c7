"""What a bot or the runner has to say to the person, in one line each.

`News` goes to every sink that was attached: terminal, log, `status`, Telegram. A sink must
return at once; one that talks to a network keeps a queue of its own.
"""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Protocol, TypeAlias

from lib.money import plain


class Kind(StrEnum):
    START = "start"  # a bot began or resumed, and where it stands
    PLAN = "plan"  # what it is about to do, and why
    ORDER = "order"  # an order was accepted, refused, canceled, expired
    FILL = "fill"
    RESULT = "result"  # a lap, a trade, a bot ended: what it brought
    DOUBT = "doubt"  # an outcome is unknown and being asked for, or was resolved
    WEATHER = "weather"  # the exchange or the network was lost or is back
    WARNING = "warning"  # the person should know
    PARKED = "parked"  # the bot stopped itself and needs the person


@dataclass(frozen=True, slots=True)
class News:
    at: int  # exchange time, ms
    bot: str  # empty: the runner itself
    kind: Kind
    text: str
    order: str = ""  # the client order id, where it is about one order


Sink: TypeAlias = Callable[[News], None]


class Tell(Protocol):
    """How one bot's parts speak. `order` is the client order id of what it is about, if any."""

    def __call__(self, kind: Kind, text: str, order: str = "") -> None: ...


class TellOf(Protocol):
    """The same, of any bot; an empty name is the runner itself."""

    def __call__(self, bot: str, kind: Kind, text: str, order: str = "") -> None: ...


def readable(amount: Decimal) -> str:
    """Write an amount for a person: eight significant digits, no idle zeros. Not for Binance."""
    if not amount:
        return "0"
    return plain(amount.quantize(Decimal(1).scaleb(min(0, amount.adjusted() - 7))))
