"""Who stands where, and which orders are out: read from a running supervisor.

Everything here is pulled by whoever looks: the live table, systemd's status line, the metrics. A
file that did not change is not parsed again.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain

from lib.control.standing import Word, is_out, may_have_arrived, word_told
from lib.life import Life, Standing
from lib.orders import Order
from lib.supervisor import Supervisor


@dataclass(slots=True)
class Count:
    """All bots together."""

    words: Counter[Word] = field(default_factory=Counter)
    orders_out: int = 0  # at the exchange, for all that is known
    orders_in_doubt: int = 0  # among them, those of unknown outcome
    in_doubt_since: int = 0  # exchange ms at which the oldest of these was announced; 0: none


class Census:
    """Counts when asked."""

    def __init__(self, supervisor: Supervisor) -> None:
        self._supervisor = supervisor
        self._orders: dict[str, tuple[int, tuple[Order, ...]]] = {}

    def orders(self, life: Life) -> tuple[Order, ...]:
        """Answer a bot's orders as last saved."""
        name, sequence = life.bot.name, life.file.sequence
        known = self._orders.get(name)
        if known is None or known[0] != sequence:
            known = self._orders[name] = (sequence, tuple(life.orders))
        return known[1]

    def word(self, life: Life) -> Word:
        """Say where a bot stands."""
        if life.standing is Standing.PARKED or life.generation.parked is not None:
            return Word.NEEDS_YOU
        if life.standing is Standing.FINISHED:
            return Word.FINISHED
        if life.standing is Standing.IDLE:
            return Word.FLATTENED
        if life.standing is Standing.WAITING or self._supervisor.floor.mirror.stale:
            return Word.WAITING
        if any(map(may_have_arrived, self.orders(life))):
            return Word.ASKING
        killed = self._supervisor.floor.instructions.killed
        return word_told(life.generation, killed=killed) or Word.RUNNING

    def words(self) -> Iterator[tuple[str, Word]]:
        """Say of every bot where it stands."""
        for name, life in list(self._supervisor.lives.items()):
            yield name, self.word(life)
        yield from ((name, Word.NEEDS_YOU) for name in self._supervisor.held)
        yield from ((name, Word.WAITING) for name in self._supervisor.unborn)

    def count(self) -> Count:
        """Count all bots and their orders, those of bots that do not run as well."""
        count = Count(Counter(word for _, word in self.words()))
        for order in filter(is_out, self._all_orders()):
            count.orders_out += 1
            if may_have_arrived(order):
                count.orders_in_doubt += 1
                count.in_doubt_since = min(filter(None, (count.in_doubt_since, order.sent_at)))
        return count

    def _all_orders(self) -> Iterable[Order]:
        running = [self.orders(life) for life in self._supervisor.lives.values()]
        return chain(*running, *(held.orders for held in self._supervisor.held.values()))
