"""A world whose orders are journaled: the real journal on a real file, beside the virtual world.

A cut takes what still waited in the queue and any part of the write-ahead log, as a power cut does
that comes before SQLite's next flush.
"""

import itertools
import random
from contextlib import closing
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

from lib.clock import ExchangeClock
from lib.control.journal_reading import READ, Answer, Question, View, ask
from lib.journal.completion import JournalCompletion, read_only
from lib.journal.file import JournalFile
from lib.journal.order_journal import OrderJournal
from lib.journal.rows import Row
from lib.journal.writer import LIMIT, JournalWriter
from tests.world import Life, World

_numbers = itertools.count()


@dataclass
class JournaledWorld(World):
    """Its journal is `path`; `limit` is how many entries may wait."""

    folder: Path = field(kw_only=True)
    slowness: float = 2.0  # seconds between two turns of the writer, at most
    limit: int = LIMIT
    said: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.path = self.folder / f"{next(_numbers)}" / "orders.sqlite"
        self.luck_of_the_journal = random.Random(f"journal {self.seed}")
        self.turned_at = 0.0
        self.writer: JournalWriter | None = None
        self.completion: JournalCompletion | None = None
        super().__post_init__()

    def journal_for(self, life: Life, clock: ExchangeClock) -> OrderJournal:
        self.writer = writer = JournalWriter(
            JournalFile(self.path),
            tell=self.said.append,
            now=clock.now,
            redact=lambda text: text,
            limit=self.limit,
        )
        journal = OrderJournal(writer, clock.now, wall_ms=self.clock)
        life.loop.call_soon(self._complete, life, journal, writer)
        life.loop.call_later(self.slowness, self._turn, life, writer)
        return journal

    def _complete(self, life: Life, journal: OrderJournal, writer: JournalWriter) -> None:
        assert life.supervisor is not None
        supervisor = life.supervisor
        self.completion = JournalCompletion(
            supervisor.floor, journal, writer, supervisor.generations, pause=0.5
        )
        self.task = life.loop.create_task(self.completion.keep())

    def _turn(self, life: Life, writer: JournalWriter) -> None:
        writer.turn()
        self.turned_at = life.loop.time()
        pause = self.luck_of_the_journal.uniform(0.05, self.slowness)
        life.loop.call_later(pause, self._turn, life, writer)

    @property
    def journaled(self) -> bool:
        if self.completion is None or self.writer is None or self.life is None:
            return False
        heard = self.life.loop.time() > self.turned_at  # what the writer said of a gap
        return super().journaled and heard and self.completion.settled and self.writer.idle

    def live(self) -> bool:
        self.writer = self.completion = None
        try:
            return super().live()
        finally:
            self._lose_power()

    def _lose_power(self) -> None:
        """Keep of the journal what a power cut may leave: any beginning of its log."""
        if self.writer is None:
            return
        log = self.path.with_name("orders.sqlite-wal")
        left = {path: path.read_bytes() for path in (self.path, log) if path.exists()}
        self.writer.file.close()
        for path, content in left.items():
            path.write_bytes(content)
        if self.cut_short and log.exists():
            log.write_bytes(left[log][: self.luck_of_the_journal.randint(0, len(left[log]))])

    @property
    def cut_short(self) -> bool:
        return self.disk.dead

    # --- what is true afterwards

    def rows(self, view: View | Literal["journal"] = "fills") -> tuple[Row, ...]:
        """The rows of a view, or of the journal itself, oldest first."""
        if view != "journal":
            return self.asked_journal(view).rows
        with closing(read_only(self.path)) as connection:
            found = connection.execute(f"SELECT {READ} FROM journal ORDER BY number")
            return tuple(Row(*row) for row in found)

    def asked_journal(self, view: View = "fills") -> Answer:
        return ask(self.path, view, Question())

    def trades(self) -> list[tuple[Any, ...]]:
        """Every trade of the account, as the exchange has it."""
        return sorted(
            (
                symbol,
                trade["id"],
                trade["orderId"],
                trade["isBuyer"],
                float(trade["price"]),
                float(trade["qty"]),
                float(trade["commission"]),
                trade["commissionAsset"],
                trade["time"],
            )
            for symbol in self.prices
            for trade in self._asked("myTrades", symbol=symbol, limit="1000")
        )

    def journaled_trades(self) -> list[tuple[Any, ...]]:
        return sorted(
            (
                row.symbol,
                row.trade_id,
                row.order_id,
                row.side == "BUY",
                float(row.fill_price or 0),
                float(row.fill_quantity or 0),
                float(row.fee or 0),
                row.fee_asset,
                row.at,
            )
            for row in self.rows()
        )

    def check(self) -> None:
        super().check()
        self.check_journal()

    def check_journal(self) -> None:
        """Hold the journal against the exchange: each trade, each order, and the account."""
        assert self.journaled_trades() == self.trades()
        assert self._told() == self._happened()
        assert self.journaled_sums() == self._moved()

    def journaled_sums(self) -> dict[str, Decimal]:
        """What all fills of the journal brought less their fees, by asset, to the last digit."""
        moved: dict[str, Decimal] = {}
        for row in self.rows():
            sign = 1 if row.side == "BUY" else -1
            for asset, amount in (
                (row.base_asset, sign * Decimal(row.fill_quantity or 0)),
                (row.quote_asset, -sign * Decimal(row.fill_quote or 0)),
                (row.fee_asset, -Decimal(row.fee or 0)),
            ):
                moved[asset] = moved.get(asset, Decimal(0)) + amount
        return {asset: amount for asset, amount in moved.items() if amount}

    def _told(self) -> dict[str, tuple[str, float]]:
        """Each order that reached the exchange: its state and what of it was executed."""
        return {
            row.client_order_id: (row.state_after, float(row.executed or 0))
            for row in self.rows("orders")
            if row.order_id is not None
        }

    def _happened(self) -> dict[str, tuple[str, float]]:
        ends = {"NEW": "open", "PARTIALLY_FILLED": "open", "EXPIRED_IN_MATCH": "expired"}
        return {
            order["clientOrderId"]: (
                ends.get(order["status"], order["status"].lower()),
                float(order["executedQty"]),
            )
            for order in self.orders()
        }
