"""What else must be right on a disk after a power cut: the journal and the times."""

import shutil
import sqlite3
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from lib.context_file.generation import Generation
from lib.orders import orders_inside
from lib.torture.ledger import Ledger

SLACK_MS: Final = 5_000  # how far two honest clocks may be apart here
FILLS: Final = (
    "SELECT symbol, trade_id, client_order_id, fill_quantity FROM journal WHERE event = 'fill'"
)
TIMES: Final = "SELECT number, event, at FROM journal"


@dataclass(frozen=True, slots=True)
class Era:
    """From when until when the exchange has lived so far, by its own clock in ms."""

    begin: int
    end: int

    def __contains__(self, moment: int) -> bool:
        return self.begin - SLACK_MS <= moment <= self.end + SLACK_MS


def journal_faults(path: Path, ledger: Ledger, era: Era) -> Iterator[str]:
    """Say what is wrong in a journal: it may lack rows, it may never have false ones."""
    if not path.exists():
        return
    with tempfile.TemporaryDirectory() as folder:  # its own disk may be full
        for left in path.parent.glob(f"{path.name}*"):
            if not left.name.endswith("-shm"):
                shutil.copy(left, folder)
        yield from _faults_in(Path(folder) / path.name, ledger, era)


def _faults_in(path: Path, ledger: Ledger, era: Era) -> Iterator[str]:
    with closing(sqlite3.connect(path)) as journal:
        (whole,) = journal.execute("PRAGMA integrity_check").fetchone()
        if whole != "ok":
            yield f"the journal is damaged: {whole}"
            return
        if not journal.execute("SELECT 1 FROM sqlite_master WHERE name = 'journal'").fetchone():
            return
        yield from _false_fills(journal.execute(FILLS).fetchall(), ledger)
        for number, event, at in journal.execute(TIMES):
            if at not in era:
                yield f"row {number} of the journal, {event}, is of {at}, not of {era}"


def _false_fills(rows: Iterable[tuple[str, int, str, str]], ledger: Ledger) -> Iterator[str]:
    seen: set[tuple[str, int]] = set()
    for symbol, trade_id, client_order_id, quantity in rows:
        if (symbol, trade_id) in seen:
            yield f"trade {trade_id} of {symbol} is twice in the journal"
        seen.add((symbol, trade_id))
        trades = ledger.trades.get(client_order_id, [])
        if not any(_same(trade, trade_id, quantity) for trade in trades):
            yield f"trade {trade_id} of {client_order_id} in the journal is not the exchange's"


def _same(trade: Any, trade_id: int, quantity: str) -> bool:
    return trade["id"] == trade_id and Decimal(trade["qty"]) == Decimal(quantity)


def time_faults(contexts: Iterable[Generation], era: Era) -> Iterator[str]:
    """Say which times in the contexts are not the exchange's."""
    for each in contexts:
        times = {"saved_at": each.saved_at, "birth": each.birth}
        orders = (order for order in orders_inside(each.context) if order.sent_at)
        times |= {f"the sending of {order.id}": order.sent_at for order in orders}
        for name, moment in times.items():
            if moment not in era:
                yield f"{each.bot}: {name} is {moment}, not of {era}"
