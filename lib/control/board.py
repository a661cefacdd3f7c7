"""What the live table shows: one row per bot, read from a running supervisor."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from lib.control.census import Census
from lib.control.standing import Word, brought, in_short, worth
from lib.exchange import Quote
from lib.life import Life
from lib.money import plain
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
    """Reads the rows."""

    def __init__(self, supervisor: Supervisor, census: Census) -> None:
        self._supervisor = supervisor
        self._census = census

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
        return Row(
            name=life.bot.name,
            symbol=", ".join(symbols),
            price=plain(quote.last) if quote else "-",
            stands=self._census.word(life),
            orders=in_short(self._census.orders(life)),
            result=self._result(life, quote) or "-",
        )

    def _quote(self, symbols: Iterable[str]) -> Quote | None:
        """Answer the newest quote of a bot's only symbol."""
        only = list(symbols)
        if len(only) != 1:
            return None
        quote = self._supervisor.floor.quotes.latest(only[0], younger_than=PRICE_AGE_MAX)
        return quote if quote and quote.last else None

    def _result(self, life: Life, quote: Quote | None) -> str:
        memory = life.generation.memory
        rules = self._supervisor.floor.rules.get(quote.symbol) if quote else None
        if quote is None or rules is None or not memory.net:
            return brought(memory)
        return worth(memory, rules, quote.last)


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
