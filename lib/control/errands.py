"""What each word means to one bot, and what a person is answered."""

import re
from typing import Final

from lib.control.release import freed
from lib.control.request import Request, Verb
from lib.errors import Halt, Unavailable
from lib.floor import Floor
from lib.inbox import Signal
from lib.instructions import Instruction
from lib.life import Life, Standing
from lib.news import Kind
from lib.obedience import (
    begin_afresh,
    cancel_entries,
    flatten_bot,
    instruct,
    signal_bot,
    unfinished,
)
from lib.order_words import describe

SIGNAL: Final = re.compile(r"[A-Za-z0-9_-]{1,32}(=[!-~]{1,64})?")
NO_SIGNAL: Final = "a signal is a word or WORD=VALUE: letters, digits, _ and -, no blank in a value"
FLAT: Final = "flattened, `start` begins it anew"
FLATTENING: Final = "it is being flattened: everything is canceled and sold"
SAID: Final = {
    Instruction.PAUSE: "paused: no new entries, exits and protection go on",
    Instruction.STOP: "stopped: its entries are canceled, exits and protection go on",
}
OF_THE_LIVING: Final = frozenset({
    Verb.PAUSE,
    Verb.STOP,
    Verb.RESUME,
    Verb.CANCEL,
    Verb.SIGNAL,
})
"""What a bot is not told any more once it was flattened."""


class Errands:
    """Tells single bots what the person wants of them."""

    def __init__(self, floor: Floor) -> None:
        self._floor = floor

    async def run(self, life: Life, request: Request) -> str:
        """Tell one bot; answer what became of it."""
        if request.verb in OF_THE_LIVING and _flattened(life):
            return _end_of(life)
        match request.verb:
            case Verb.PAUSE:
                return await self._forbid(life, Instruction.PAUSE, request)
            case Verb.STOP:
                return await self._forbid(life, Instruction.STOP, request)
            case Verb.RESUME:
                return await self._resume(life, request)
            case Verb.START:
                return await self._start(life, request)
            case Verb.FLATTEN:
                return await self.flatten(life, by=request.by, at=request.asked_at)
            case Verb.CANCEL:
                return await self._cancel(life, request)
            case Verb.RELEASE:
                return await self._release(life, request)
            case Verb.SIGNAL:
                return await self._signal(life, request)
            case other:
                raise AssertionError(f"{other} concerns no single bot")

    async def flatten(self, life: Life, *, by: str, at: int) -> str:
        """End everything of a bot, unless that is being done or there is nothing."""
        if _flattened(life) and not life.keeps_coins:
            return _end_of(life)
        if life.generation.finished and not _holds(life):
            return "finished and holds nothing"
        try:
            await flatten_bot(life, by=by, at=at)
        except (Halt, ValueError) as wrong:  # its context cannot be read: it goes on as it was
            return f"cannot be flattened: {wrong}"
        life.tell(Kind.START, f"flattened by {by}")
        return FLATTENING

    async def _forbid(self, life: Life, instruction: Instruction, request: Request) -> str:
        if life.generation.finished:
            return "finished already"
        await instruct(life, instruction, by=request.by, at=request.asked_at)
        life.tell(Kind.START, f"{SAID[instruction]} (by {request.by})")
        return SAID[instruction]

    async def _resume(self, life: Life, request: Request) -> str:
        if life.generation.finished:
            return "finished already"
        if life.generation.instruction is Instruction.TRADE:
            return f"it was not paused{self._but(life)}"
        return await self._let_trade(life, request)

    async def _let_trade(self, life: Life, request: Request) -> str:
        await instruct(life, Instruction.TRADE, by=request.by, at=request.asked_at)
        life.tell(Kind.START, f"goes on (by {request.by})")
        return f"goes on{self._but(life)}"

    async def _start(self, life: Life, request: Request) -> str:
        if life.generation.parked is not None:
            return "it stopped itself: `release` lets it go on"
        if _flattened(life) or life.generation.finished:
            return await self._start_afresh(life, request)
        if life.generation.instruction is Instruction.TRADE:
            return f"it is running already{self._but(life)}"
        return await self._let_trade(life, request)

    async def _start_afresh(self, life: Life, request: Request) -> str:
        if _flattened(life) and life.standing is not Standing.IDLE:
            return f"{FLATTENING}; `start` it once that is done"
        left = unfinished(life)
        if left:
            return f"it cannot begin anew: {describe(left[0])} is {left[0].state}"
        await begin_afresh(life, by=request.by, at=request.asked_at)
        life.tell(Kind.START, f"begins anew (by {request.by})")
        return f"begins anew, its results are kept{self._but(life)}"

    async def _cancel(self, life: Life, request: Request) -> str:
        entries = await cancel_entries(life, self._floor, request=request.id)
        if not entries:
            return "it has no open entry; `flatten` ends everything"
        life.tell(Kind.START, f"its entries are canceled (by {request.by})")
        named = ", ".join(describe(order) for order in entries)
        return f"is being canceled: {named}; it may plan anew, unless you pause it"

    async def _release(self, life: Life, request: Request) -> str:
        parked = life.generation.parked
        if parked is None:
            return "it did not stop itself"
        await life.begin(freed)
        life.tell(Kind.START, f"released (by {request.by})")
        return f"goes on; it had stopped for {parked.kind}: {parked.reason}{self._but(life)}"

    async def _signal(self, life: Life, request: Request) -> str:
        if life.generation.finished:
            return "finished already"
        if not SIGNAL.fullmatch(request.signal):
            return NO_SIGNAL
        name, _, value = request.signal.partition("=")
        signal = Signal(id=request.id, name=name, value=value, at=self._now(request))
        try:
            await signal_bot(life, signal)
        except ValueError as wrong:
            return f"not signaled: {wrong}"
        life.tell(Kind.START, f"signaled {request.signal} (by {request.by})")
        return f"signaled {request.signal}: it waits until the bot takes it{self._but(life)}"

    def _now(self, request: Request) -> int:
        """Answer the exchange's time; before it is known, that of whoever asks."""
        try:
            return self._floor.clock.now()
        except Unavailable:
            return request.asked_at

    def _but(self, life: Life) -> str:
        """Say what else keeps a bot from trading."""
        if life.generation.parked is not None:
            return ", but it stopped itself: `release` lets it go on"
        killed = self._floor.instructions.killed and not _flattened(life)
        return ", but all are killed until `unkill`" if killed else ""


def _flattened(life: Life) -> bool:
    return life.generation.instruction is Instruction.FLATTEN


def _end_of(life: Life) -> str:
    return FLAT if life.standing is Standing.IDLE else FLATTENING


def _holds(life: Life) -> bool:
    return any(position.quantity for position in life.generation.memory.positions.values())
