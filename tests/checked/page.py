"""A back-test on a page: a plain loop over a file of candles. It imports nothing of the program.

Two means of hourly closes that cross, one position of a fixed size, orders at market at the open of
the next hour. Two books of rules: those of the exchange (a spread of one tick, a commission taken
from what is received, whole lots), and those of a textbook (the open itself, commission in money).
"""

import csv
import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal
from pathlib import Path

HOUR = 3_600_000
TICK = Decimal("0.01")
LOT = Decimal("0.00001")
GRAIN = Decimal("0.00000001")  # commissions are rounded down to it
FEE = Decimal("0.001")

Hour = tuple[int, Decimal, Decimal]
"""When it opens (ms), its open, its close."""


@dataclass(frozen=True)
class Deal:
    """One order that was executed."""

    side: str
    time: int  # of the open at which it was executed, ms
    price: Decimal
    quantity: Decimal
    fee: Decimal  # of what was received; by the textbook in money


def hours(path: Path, until: int) -> list[Hour]:
    """Put candles of five minutes together into hours."""
    found: list[Hour] = []
    with gzip.open(path, "rt") as lines:
        rows = csv.reader(lines)
        next(rows)
        for time, opened, _, _, close, _ in rows:
            begins = int(time) - int(time) % HOUR
            if begins >= until:
                break
            if found and found[-1][0] == begins:
                found[-1] = (begins, found[-1][1], Decimal(close))
            else:
                found.append((begins, Decimal(opened), Decimal(close)))
    return found


def crossings(candles: list[Hour], fast: int, slow: int) -> Iterator[tuple[int, str]]:
    """Yield the candle at whose open something is to be done, and what."""
    closes = [close for *_, close in candles]
    before: Decimal | None = None
    for end in range(slow, len(closes)):
        ahead = sum(closes[end - fast : end]) * slow - sum(closes[end - slow : end]) * fast
        if before is not None and ahead > 0 >= before:
            yield end, "BUY"
        elif before is not None and ahead < 0 <= before:
            yield end, "SELL"
        before = Decimal(ahead)


def deal_at_exchange(side: str, time: int, opened: Decimal, amount: Decimal) -> Deal:
    """Take what stands on the other side: a tick away, unless the open was on that side."""
    rising = opened // TICK % 2  # whether the first trade bought: then the open is the ask
    if side == "BUY":
        price, quantity = opened if rising else opened + TICK, amount
        received = quantity
    else:
        price, quantity = opened - TICK if rising else opened, amount - amount % LOT
        received = quantity * price
    return Deal(side, time, price, quantity, (received * FEE).quantize(GRAIN, ROUND_DOWN))


def deal_by_the_book(side: str, time: int, opened: Decimal, amount: Decimal) -> Deal:
    """Take the open, and pay the commission in money."""
    return Deal(side, time, opened, amount, opened * amount * FEE)


def deals(
    candles: list[Hour], fast: int, slow: int, size: Decimal, *, textbook: bool = False
) -> list[Deal]:
    """Buy `size` at each cross up, sell what is held at each cross down."""
    make, found, held = deal_by_the_book if textbook else deal_at_exchange, [], Decimal(0)
    for number, side in crossings(candles, fast, slow):
        if (side == "BUY") == (held >= LOT):
            continue
        time, opened, _ = candles[number]
        done = make(side, time, opened, size if side == "BUY" else held)
        gone = 0 if textbook else done.fee  # commission of a purchase is taken from the coins
        held += done.quantity - gone if side == "BUY" else -done.quantity
        found.append(done)
    return found


def result(found: list[Deal], close: Decimal, *, textbook: bool = False) -> Decimal:
    """Answer what was won in money, with what is left valued at the last close."""
    money, coins = Decimal(0), Decimal(0)
    for each in found:
        sign = 1 if each.side == "BUY" else -1
        money -= sign * each.price * each.quantity
        coins += sign * each.quantity
        if textbook or each.side == "SELL":
            money -= each.fee
        else:
            coins -= each.fee
    return money + coins * close
