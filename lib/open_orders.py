"""Every open order of the account as last heard: of all bots, of other programs, of hands.

Who is interested in no order of its own (how full is a symbol, how much is on its way) asks here.
It is as good as the last poll and the events since: a count that is wrong is wrong for one poll.
"""

from collections.abc import Collection, Iterable, Iterator
from typing import Final

from lib.exchange import OrderRecord

LAG_MAX: Final = 3_000  # ms by which the answer to a poll may be older than the poll


class OpenOrders:
    """Owns the newest record of each open order, by symbol and order id."""

    def __init__(self) -> None:
        self._by_symbol: dict[str, dict[int, OrderRecord]] = {}
        self._ended: dict[tuple[str, int], int] = {}  # lately, and when

    def on(self, symbol: str) -> Collection[OrderRecord]:
        """Answer what is open on a symbol."""
        return self._by_symbol.get(symbol, {}).values()

    def __iter__(self) -> Iterator[OrderRecord]:
        """Go through what is open on any symbol."""
        return (record for records in self._by_symbol.values() for record in records.values())

    def hear(self, record: OrderRecord) -> None:
        """Take one answer or event in; an older one changes nothing."""
        records = self._by_symbol.setdefault(record.symbol, {})
        if record.status.final:
            records.pop(record.order_id, None)
            self._ended[record.symbol, record.order_id] = record.updated_at
            return
        known = records.get(record.order_id)
        if (record.symbol, record.order_id) in self._ended:
            return
        if known is None or record.updated_at >= known.updated_at:
            records[record.order_id] = record

    def polled(self, found: Iterable[OrderRecord], *, began: int) -> None:
        """Take over all that a poll found, which began at this exchange ms, and nothing else.

        What was heard since shortly before is newer than the answer may be, and stays.
        """
        since = began - LAG_MAX
        found = list(found)
        named = {(record.symbol, record.order_id) for record in found}
        for symbol, records in list(self._by_symbol.items()):
            self._by_symbol[symbol] = {
                order_id: record
                for order_id, record in records.items()
                if (symbol, order_id) in named or record.updated_at >= since
            }
        self._ended = {order: at for order, at in self._ended.items() if at >= since}
        for record in found:
            self.hear(record)
