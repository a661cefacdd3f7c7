"""What the live table shows: one row per bot, read from a running supervisor."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from lib.control.standing import (
    Word,
    brought,
    in_short,
    may_have_arrived,
    word_told,
    worth,
)
from lib.exchange import Quote
from lib.life import Life, Standing
from lib.money import plain
from lib.orders import Order
from lib.roster import Held
from lib.supervisor import Supervisor

PRICE_AGE_MAX: Final = 60.0  # seconds


@dataclass(frozen=True, slots=True)
class Row:
    """One bot as a person sees it."""

    name: str
    symbol: str
    price: str
    stands: Word
    orders: str
    result: str


class Board:
    """Reads the rows. An unchanged file is not parsed again."""

    def __init__(self, supervisor: Supervisor) -> None:
        self._supervisor = supervisor
        self._orders: dict[str, tuple[int, tuple[Order, ...]]] = {}

    def rows(self) -> list[Row]:
        """Answer a row per bot: first those that need a person, then as in conf.json."""
        rows = [*self._held(), *(self._row(life) for life in self._supervisor.lives.values())]
        return sorted(rows, key=lambda row: row.stands is not Word.NEEDS_YOU)

    def _held(self) -> Iterator[Row]:
        for held in self._supervisor.held.values():
            yield _held_row(held)

    def _row(self, life: Life) -> Row:
        symbols = life.bot.conf.symbols
        quote = self._quote(symbols)
        orders = self._known_orders(life)
        return Row(
            name=life.bot.name,
            symbol=", ".join(symbols),
            price=plain(quote.last) if quote else "-",
            stands=self._word(life, orders),
            orders=in_short(orders),
            result=self._result(life, quote) or "-",
        )

    def _known_orders(self, life: Life) -> tuple[Order, ...]:
        name, sequence = life.bot.name, life.file.sequence
        known = self._orders.get(name)
        if known is None or known[0] != sequence:
            known = self._orders[name] = (sequence, tuple(life.orders))
        return known[1]

    def _quote(self, symbols: Iterable[str]) -> Quote | None:
        """Answer the newest quote of a bot's only symbol."""
        only = list(symbols)
        if len(only) != 1:
            return None
        quote = self._supervisor.floor.quotes.latest(only[0], younger_than=PRICE_AGE_MAX)
        return quote if quote and quote.last else None

    def _word(self, life: Life, orders: Iterable[Order]) -> Word:
        if life.standing is Standing.PARKED:
            return Word.NEEDS_YOU
        if life.standing is Standing.FINISHED:
            return Word.FINISHED
        if life.standing is Standing.IDLE:
            return Word.FLATTENED
        if life.standing is Standing.WAITING or self._supervisor.floor.mirror.stale:
            return Word.WAITING
        if any(map(may_have_arrived, orders)):
            return Word.ASKING
        killed = self._supervisor.floor.instructions.killed
        return word_told(life.generation, killed=killed) or Word.RUNNING

    def _result(self, life: Life, quote: Quote | None) -> str:
        memory = life.generation.memory
        if quote is None or not memory.net:
            return brought(memory)
        return worth(memory, self._supervisor.floor.rules[quote.symbol], quote.last)


def _held_row(held: Held) -> Row:
    generation = held.generation
    return Row(
        name=held.name,
        symbol=", ".join(generation.symbols) if generation else "-",
        price="-",
        stands=Word.NEEDS_YOU,
        orders=in_short(held.orders),
        result=(brought(generation.memory) if generation else "") or "-",
    )
