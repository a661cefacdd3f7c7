"""Bots of every kind, which never run out of things to do, as many as are wanted."""

from collections.abc import Callable
from itertools import cycle, islice
from typing import Any, Final, TypeAlias

from tests.busy_bots import dips, loop_of

Section: TypeAlias = dict[str, Any]

AMOUNTS: Final = {"BTCUSDT": "0.001", "ETHUSDT": "0.01"}
FAR_BELOW: Final = {"BTCUSDT": "20000", "ETHUSDT": "1000"}


def again(bot: str, **conf: Any) -> Section:
    """Write a bot that is run again and again."""
    return {"function": "infinite", "bot": bot, "conf": conf}


def buys(symbol: str) -> Section:
    return loop_of(symbol, "BUY", quantity=AMOUNTS[symbol])


def spends(symbol: str) -> Section:
    return loop_of(symbol, "BUY", quoteOrderQty="20")


def sells(symbol: str) -> Section:
    return loop_of(symbol, "SELL", quantity=AMOUNTS[symbol])


def rests(symbol: str) -> Section:
    """Buy far below the market, and cancel that after a moment."""
    order = {
        "symbol": symbol,
        "side": "BUY",
        "type": "LIMIT",
        "quantity": AMOUNTS[symbol],
        "price": FAR_BELOW[symbol],
    }
    return again("add_order", order=order, wait="500ms", valid_for="1h")


def dipping(symbol: str) -> Section:
    return {"function": "dip_buyer", **dips(symbol, AMOUNTS[symbol], "0.0003")}


def lapping(symbol: str) -> Section:
    return again("dip_buyer", **dips(symbol, AMOUNTS[symbol], "0.0002"), laps=1)


def holds(symbol: str) -> Section:
    """Hold positions: bought at market, protected by a pair, closed after a while."""
    return again(
        "holder",
        symbol=symbol,
        quantity=AMOUNTS[symbol],
        by="MARKET",
        profit="0.002",
        loss="0.002",
        close_after="2s",
        patience="1s",
    )


def brackets(symbol: str) -> Section:
    """Hold positions whose entry brings its pair along."""
    return again(
        "holder",
        symbol=symbol,
        quantity=AMOUNTS[symbol],
        by="OTOCO",
        away="0.0002",
        profit="0.002",
        loss="0.002",
        buy_for="1s",
        close_after="3s",
    )


def trails(symbol: str) -> Section:
    """Hold positions whose stop follows the price at the exchange."""
    return again(
        "holder",
        symbol=symbol,
        quantity=AMOUNTS[symbol],
        by="MARKET",
        trail="0.001",
        on_trail="move",
        profit="0.01",
        loss="0.005",
        close_after="4s",
    )


def climbs(symbol: str) -> Section:
    """Keep a grid."""
    return again("ladder", symbol=symbol, quantity=AMOUNTS[symbol], step="0.0005", rungs=5, fills=2)


def moves(symbol: str) -> Section:
    """Buy with an order that is moved closer and closer."""
    return again("mover", symbol=symbol, quantity=AMOUNTS[symbol], away="0.002", every="400ms")


def shrinks(symbol: str) -> Section:
    """Buy with an order that is made smaller where it stands, then moved."""
    half = {"BTCUSDT": "0.0005", "ETHUSDT": "0.005"}[symbol]
    moving = {"away": "0.002", "every": "400ms", "shrink_to": half}
    return again("mover", symbol=symbol, quantity=AMOUNTS[symbol], **moving)


KINDS: Final[tuple[Callable[[str], Section], ...]] = (
    *(buys, holds, rests, spends, brackets, climbs),
    *(sells, dipping, moves, lapping, shrinks, trails),
)


def crowd(prefix: str, many: int) -> dict[str, Section]:
    """Write so many bots, all kinds in turn, on each symbol in turn."""
    pairs = [(kind, symbol) for symbol in AMOUNTS for kind in KINDS]
    return {
        f"{prefix}{place}_{kind.__name__}": kind(symbol)
        for place, (kind, symbol) in enumerate(islice(cycle(pairs), many))
    }
