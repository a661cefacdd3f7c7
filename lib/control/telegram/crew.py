"""Which bots there are, what they hold, and how a person on a phone means them."""

from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from typing import Final

from lib.amounts import plain
from lib.context_file.generation import Generation
from lib.control.results import money_of
from lib.orders import orders_inside
from lib.supervisor import Supervisor

ALL: Final = "all"


class NoSuchBot(Exception):
    """There is no bot of that name; the text says which one may be meant."""


class Crew:
    """The bots of a running supervisor."""

    def __init__(self, supervisor: Supervisor) -> None:
        self._supervisor = supervisor

    async def loaded(self) -> None:
        """Wait until it is known which bots there are."""
        await self._supervisor.loaded()

    @property
    def names(self) -> list[str]:
        """Name all bots, those that do not run as well."""
        supervisor = self._supervisor
        return [*supervisor.lives, *supervisor.held, *supervisor.unborn]

    def meant(self, words: Iterable[str]) -> tuple[str, ...]:
        """Answer the bots of these names, regardless of case; all is none. Raises NoSuchBot."""
        wanted = list(words)
        if any(word.lower() == ALL for word in wanted):
            return ()
        known = {name.lower(): name for name in self.names}
        for word in wanted:
            if word.lower() not in known:
                raise NoSuchBot(_missing(word, known))
        return tuple(known[word.lower()] for word in wanted)

    def generations(self, bots: Iterable[str] = ()) -> Iterator[Generation]:
        """Answer what is known of these bots, or of all; those without a file are left out."""
        wanted = set(bots)
        supervisor = self._supervisor
        living = {name: life.generation for name, life in supervisor.lives.items()}
        held = {name: each.generation for name, each in supervisor.held.items()}
        for name, generation in {**living, **held}.items():
            if generation is not None and (not wanted or name in wanted):
                yield generation

    def to_be_sold(self, bots: Iterable[str]) -> list[str]:
        """Say in a line each what flattening these bots would sell, or buy back."""
        return [line for generation in self.generations(bots) for line in _holdings(generation)]


def _holdings(generation: Generation) -> Iterator[str]:
    money = money_of(generation, orders_inside(generation.context))
    for symbol, position in money.wallet.positions.items():
        base = money.assets[symbol][0]
        if position.quantity > 0:
            yield f"{generation.bot}: sell {plain(position.quantity)} {base}"
        elif position.quantity < 0:
            yield f"{generation.bot}: buy back {plain(-position.quantity)} {base}"


def _missing(word: str, known: dict[str, str]) -> str:
    close = get_close_matches(word.lower(), known, n=1)
    if close:
        return f"there is no bot {word}: {known[close[0]]}?"
    return f"there is no bot {word}; /bots names them"
