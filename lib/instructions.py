"""What the person told the bots, and what each word lets a bot do.

One table, everywhere the same words:

| word | new entries | live entries | exits and protection |
|---|---|---|---|
| trade | leave | stay | go on |
| pause | wait | stay | go on |
| stop | wait | are canceled | go on |
| flatten | are abandoned | are canceled | are canceled; the coins are sold |
| kill (of all bots) | wait | are canceled | rest as they are; no new one leaves |

An *entry* is an order, or a list by the order of it that works first, which enlarges what the
bot's own fills left of a symbol: a BUY while it holds nothing or more, a SELL of coins it did not
buy. Everything else is an exit. Which one an order is gets decided as it is announced, and is
remembered in it.

What a bot is told is in its file, what all are told in the office's (lib/control/office.py). Here
is the same in memory, asked in the step in which an order is announced and again before it is sent.
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from enum import StrEnum
from typing import Final

from lib.exchange import Side

LOOK_SECONDS: Final = 1.0  # between two looks whether a waiting order may leave


class Instruction(StrEnum):
    """What one bot is told. On disk: never renamed."""

    TRADE = "trade"
    PAUSE = "pause"  # no new entries
    STOP = "stop"  # nor any that is open
    FLATTEN = "flatten"  # nor anything at all, and what it holds is sold


RESTING: Final = "its conf is being changed"
BY_YOU: Final = {
    Instruction.TRADE: "",
    Instruction.PAUSE: "paused by you",
    Instruction.STOP: "stopped by you",
    Instruction.FLATTEN: "flattened by you",
}
ENDING: Final = frozenset({Instruction.STOP, Instruction.FLATTEN})
KILLED: Final = "killed by you"
CANCELED: Final = "canceled by you"


class Instructions:
    """What all bots of an account are told, in force from the moment it is set."""

    def __init__(self) -> None:
        self.killed = False
        self.told_seconds = LOOK_SECONDS  # between two looks of a bot that was told to wait
        self._told: dict[str, Instruction] = {}
        self._canceled: dict[str, frozenset[str]] = {}  # ids of entries that are to be gone, by bot
        self._leaving: set[str] = set()  # ids of orders that are being sent
        self._resting: set[str] = set()  # bots of which nothing new leaves for a moment

    def of(self, bot: str) -> Instruction:
        """Answer what a bot was told last."""
        return self._told.get(bot, Instruction.TRADE)

    def give(self, bot: str, instruction: Instruction, canceled: Iterable[str] = ()) -> None:
        """Tell a bot; `canceled` are the entries that are to be gone whatever else it may do."""
        self._told[bot], self._canceled[bot] = instruction, frozenset(canceled)

    def forbids(self, bot: str) -> bool:
        """Say whether anything was said that keeps an order of a bot from leaving."""
        return self.killed or bot in self._resting or self.of(bot) is not Instruction.TRADE

    def why_not(self, bot: str, *, entry: bool) -> str:
        """Say why no new order of this kind may leave now; empty if it may."""
        told = self.of(bot)
        if bot in self._resting:
            return RESTING
        if told is Instruction.FLATTEN:  # the person wants it sold, whatever else was said
            return BY_YOU[told] if entry else ""
        if self.killed:
            return KILLED
        return BY_YOU[told] if entry else ""

    def why_end(self, bot: str, client_order_id: str) -> str:
        """Say why a live entry is to be canceled; empty if it may stay."""
        told = self.of(bot)
        if told in ENDING:
            return BY_YOU[told]
        if self.killed:
            return KILLED
        return CANCELED if client_order_id in self._canceled.get(bot, ()) else ""

    def holds_exits(self, bot: str) -> bool:
        """Say whether exits rest as they are: nothing could take the place of one that goes."""
        return self.killed and self.of(bot) is not Instruction.FLATTEN

    # --- orders on their way

    async def let(
        self, bot: str, is_entry: Callable[[], bool], is_over: Callable[[], object]
    ) -> None:
        """Wait quietly until such an order may leave, or until waiting is over."""
        while self.forbids(bot) and self.why_not(bot, entry=is_entry()) and not is_over():
            await asyncio.sleep(self.look_seconds(bot))

    def look_seconds(self, bot: str) -> float:
        """Answer how long a waiting order of a bot rests between two looks."""
        return self.told_seconds if self.forbids(bot) else LOOK_SECONDS

    def leaves(self, client_order_id: str) -> None:
        """Note that an order passed and is being sent."""
        self._leaving.add(client_order_id)

    def left(self, client_order_id: str) -> None:
        """Note that an order was sent, or was not."""
        self._leaving.discard(client_order_id)

    @contextmanager
    def resting(self, bot: str) -> Iterator[None]:
        """Let nothing new of a bot leave meanwhile, exits included: it is about to be ended."""
        self._resting.add(bot)
        try:
            yield
        finally:
            self._resting.discard(bot)

    async def settled(self, seconds: int) -> None:
        """Wait for the orders that passed before a word was given, but no longer than this."""
        before, began = set(self._leaving), asyncio.get_running_loop().time()
        while before & self._leaving and asyncio.get_running_loop().time() - began < seconds:
            await asyncio.sleep(LOOK_SECONDS / 20)


def enlarges(held: Decimal, side: Side, quantity: Decimal | None) -> bool:
    """Say whether an order leaves more than there is, bought or sold: then it is an entry.

    `held` is what the bot's own fills left, below 0 where it sold more. Without a quantity a SELL
    of what was bought is an exit, and nothing else.
    """
    if quantity is None:
        return not (side == "SELL" and held > 0)
    after = held + quantity if side == "BUY" else held - quantity
    return abs(after) > abs(held)
