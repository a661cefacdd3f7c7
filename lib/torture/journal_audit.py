"""Holds the order journal against the exchange: it may lag, but never tells what was not."""

import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, TypeAlias

from lib.torture.ledger import Ledger

BESIDE_CTX: Final = Path("journal") / "orders.sqlite"
FILLS: Final = (
    "SELECT client_order_id, trade_id, fill_quantity, fill_price, fee FROM journal "
    "WHERE event = 'fill'"
)

Fill: TypeAlias = tuple[str, int, Decimal, Decimal, Decimal]


def journal_disagreements(journal: Path, ledger: Ledger) -> Iterator[str]:
    """Say whether it cannot be read, tells of a trade twice, or of one that never was."""
    if not journal.exists():
        return
    try:
        fills = _fills(journal)
    except sqlite3.Error as wrong:
        yield f"the journal cannot be read: {wrong}"
        return
    traded = {_traded(trade) for trades in ledger.trades.values() for trade in trades}
    for fill, times in Counter(fills).items():
        if times > 1:
            yield f"the journal tells trade {fill[1]} of {fill[0]} {times} times"
        if fill not in traded:
            yield f"the journal tells of trade {fill[1]} of {fill[0]}, which never was"


def _fills(journal: Path) -> list[Fill]:
    with closing(sqlite3.connect(journal, timeout=2)) as connection:
        verdict = connection.execute("PRAGMA quick_check").fetchone()[0]
        if verdict != "ok":
            raise sqlite3.DatabaseError(str(verdict))
        if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'journal'").fetchone():
            return []
        return [
            (id, trade, Decimal(quantity), Decimal(price), Decimal(fee or 0))
            for id, trade, quantity, price, fee in connection.execute(FILLS)
        ]


def _traded(trade: Any) -> Fill:
    return (
        trade["clientOrderId"],
        trade["id"],
        Decimal(trade["qty"]),
        Decimal(trade["price"]),
        Decimal(trade["commission"]),
    )
