"""Storms: all that people, their lists and the recording may do at once, drawn from a seed.

A step holds a seed of its own, and its details are drawn when it is played: what it cancels or
amends depends on what is open then. Played at two venues that stand the same it is the same.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from random import Random
from typing import Any, Final, NamedTuple

from lib.simulator.exchange import Books, Options
from tests.simulator.scripts import MODES, RECORDED, STOPS_MAX
from tests.simulator.storm_requests import (
    REQUESTS,
    Sent,
    Step,
    happens,
    some_cents,
    some_price,
    some_quantity,
)
from tests.simulator.venue import Venue, exchange_info, symbol_entry

PEOPLE: Final = ("alice", "bob", "carol")
GRANT: Final = {"BTC": "30", "USDT": "3000", "BUSD": "3000", "BNB": "20"}
STEPS: Final = 40

FILTERS: Final[list[dict[str, Any]]] = [
    STOPS_MAX,
    {
        "filterType": "TRAILING_DELTA",
        "minTrailingAboveDelta": 10,
        "maxTrailingAboveDelta": 2000,
        "minTrailingBelowDelta": 10,
        "maxTrailingBelowDelta": 2000,
    },
    {"filterType": "ICEBERG_PARTS", "limit": 10},
    {"filterType": "MAX_NUM_ORDER_AMENDS", "maxNumOrderAmends": 3},
]
ALLOWED: Final[dict[str, Any]] = {
    "allowedSelfTradePreventionModes": MODES,
    "otoAllowed": True,
    "opoAllowed": True,
    "allowTrailingStop": True,
    "cancelReplaceAllowed": True,
    "amendAllowed": True,
}
ASSETS: Final = {
    "BTCUSDT": ("BTC", "USDT"),
    "BTCBUSD": ("BTC", "BUSD"),
    "BNBUSDT": ("BNB", "USDT"),
}
INFO: Final = exchange_info(
    *(symbol_entry(base, quote, filters=FILTERS, **ALLOWED) for base, quote in ASSETS.values())
)

# The likeliest answer stands first. Left out is what a shadow could not follow: the lags, since
# it is held against answers that are up to date.
QUESTIONS: Final[dict[str, tuple[Any, ...]]] = {
    "fees_in_bnb": (False, True),
    "buyer_commission": (Decimal(0), Decimal("0.0005")),
    "commission_rounding": ("down", "half_up"),
    "reused_id": ("open", "newest", "oldest"),
    "id_scope": ("symbol", "account"),
    "waiting_stop_holds_id": (True, False),
    "canceled_id": ("original", "cancel"),
    "amended_id": ("current", "any"),
    "leg_cancel_answer": ("list", "order"),
    "replace_filter_answer": ("plain", "whole"),
    "announce_refusals": (False, True),
    "announce_trigger": (True, False),
    "position_after": ("request", "fill"),
    "list_status": ("last", "first"),
    "list_response": ("FULL", "ACK", "RESULT"),
    "list_history": ("newest", "oldest"),
    "list_ends": ("last", "decided"),
    "trailing_begins": ("placement", "trade"),
    "whole_iceberg": ("allow", "refuse"),
    "filter_order": ("fixed", "listed"),
}


class Played(NamedTuple):
    """What a step turned out to be."""

    who: str  # "" = the recording
    call: str
    sent: Sent
    status: int = 0
    body: Any = None


@dataclass(frozen=True, slots=True)
class Storm:
    seed: int
    options: Options
    trade_groups: Mapping[str, int]  # -1 = none
    steps: tuple[Step, ...]
    restarts: frozenset[int]  # before which steps a venue on disk is opened anew


def storm(seed: int) -> Storm:
    """Draw a storm."""
    chance = Random(seed)
    options = {name: chance.choice(_weighed(found)) for name, found in QUESTIONS.items()}
    group = chance.choice((-1, 7))
    return Storm(
        seed,
        Options(enforce_limits=False, **options),
        {"alice": group, "bob": group, "carol": -1},
        tuple(_step(chance) for _ in range(STEPS)),
        frozenset(number for number in range(STEPS) if happens(chance, 12)),
    )


def open_venue(drawn: Storm, books: Books) -> Venue:
    """Open a venue with people who have something to trade with, and a last price of 100."""
    for uid, name in enumerate(PEOPLE, 1):
        books.open_account(name, uid, GRANT, trade_group=drawn.trade_groups[name])
    venue = Venue(drawn.options, INFO, books=books)
    for symbol in ASSETS:
        venue.exchange.market_trade(symbol, "100", "0.001", buyer_is_maker=False, time=venue.now)
        show_recorded(venue, symbol)
    return venue.deaf()


def show_recorded(venue: Venue, symbol: str) -> None:
    """Show the book that a storm begins with."""
    _, bids, asks = RECORDED
    venue.exchange.set_book(symbol, bids, asks, venue.now)


def play(venue: Venue, step: Step) -> Played | None:
    """Play one step; None if there was nothing that it could have meant."""
    venue.now += 1
    chance = Random(step.seed)
    if step.kind in MOVES:
        return Played("", step.kind, MOVES[step.kind](chance, venue, step.symbol))
    request = REQUESTS[step.kind](chance, venue, step)
    if request is None:
        return None
    call, sent = request
    answer = venue.ask(call, step.who, **sent)
    return Played(step.who, call, sent, answer.status, answer.body)


def _step(chance: Random) -> Step:
    kind = chance.choices(tuple(WEIGHTS), tuple(WEIGHTS.values()))[0]
    symbol = chance.choices(tuple(ASSETS), (6, 2, 1))[0]
    return Step(kind, chance.choice(PEOPLE), symbol, chance.getrandbits(32))


def _weighed(choices: tuple[Any, ...]) -> tuple[Any, ...]:
    """Let the likeliest be drawn more often."""
    return (choices[0],) * 2 + choices


# --- the recording


def _levels(chance: Random, least: int, most: int) -> list[tuple[str, str]]:
    found = range(chance.randint(0, 4))
    return [(some_cents(chance, least, most), some_quantity(chance)) for _ in found]


def _print_trade(chance: Random, venue: Venue, symbol: str) -> Sent:
    price, quantity, seller = some_price(chance), some_quantity(chance), happens(chance, 50)
    venue.exchange.market_trade(symbol, price, quantity, buyer_is_maker=seller, time=venue.now)
    return {"symbol": symbol, "price": price, "quantity": quantity, "buyer_is_maker": seller}


def _show_book(chance: Random, venue: Venue, symbol: str) -> Sent:
    bids, asks = _levels(chance, 9600, 10020), _levels(chance, 9980, 10400)
    venue.exchange.set_book(symbol, bids, asks, venue.now)
    return {"symbol": symbol, "bids": bids, "asks": asks}


def _move_depth(chance: Random, venue: Venue, symbol: str) -> Sent:
    bids, asks = _levels(chance, 9600, 10100), _levels(chance, 9900, 10400)
    bids, asks = (bids, []) if happens(chance, 50) else ([], asks)
    venue.exchange.apply_depth(symbol, bids, asks, venue.now)
    return {"symbol": symbol, "bids": bids, "asks": asks}


def _wait(chance: Random, venue: Venue, _: str) -> Sent:
    passed = chance.randint(0, 5000)
    venue.now += passed
    return {"ms": passed}


MOVES: Final[Mapping[str, Callable[[Random, Venue, str], Sent]]] = {
    "trade": _print_trade,
    "book": _show_book,
    "depth": _move_depth,
    "wait": _wait,
}
# How often a step is of a kind, in 150.
WEIGHTS: Final = {
    "order": 32,
    "test": 2,
    **dict.fromkeys(("oco", "oto", "otoco", "opo", "opoco", "cancel"), 8),
    "amend": 16,
    "replace": 12,
    "cancel list": 4,
    "cancel all": 1,
    "trade": 20,
    "book": 4,
    "depth": 8,
    "wait": 3,
}
assert WEIGHTS.keys() == MOVES.keys() | REQUESTS.keys()
