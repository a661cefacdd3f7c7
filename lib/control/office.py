"""Where everything arrives that a person tells the program: by Telegram, command line or signal.

A request has an id. What was decided is on disk before it is answered; an id that was seen before
is answered as it was then, and done once. What forbids (pause, stop, flatten, kill) counts from
the moment it is heard, before it is on disk; what allows (resume, start, unkill) only afterwards.

What concerns one bot is in the bot's file. What concerns all, and the answers, are in a file of
the office's own beside the contexts.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator
from pathlib import Path
from typing import Final

from lib.control.errands import SAID, Errands
from lib.control.office_memory import Killed, OfficeMemory
from lib.control.request import Request, Verb
from lib.disk import REAL_DISK, Disk
from lib.instructions import Instruction
from lib.life import Life
from lib.news import Kind, News, Sink
from lib.supervisor import Supervisor

__all__ = ["Office", "Request", "Verb"]

SETTLE_SECONDS: Final = 10  # for orders that were being sent as the person spoke
NAMED_MAX: Final = 8  # bots named in one line of an answer
AT_BIRTH: Final = {
    Verb.PAUSE: Instruction.PAUSE,
    Verb.STOP: Instruction.STOP,
    Verb.FLATTEN: Instruction.FLATTEN,
    Verb.RESUME: Instruction.TRADE,
    Verb.START: Instruction.TRADE,
}
AT_BIRTH_SAID: Final = {
    **SAID,
    Instruction.FLATTEN: "it has nothing yet, and waits for `start`",
    Instruction.TRADE: "it begins as soon as it is born",
}
FORBIDDING: Final = frozenset({Verb.PAUSE, Verb.STOP, Verb.FLATTEN})
KILLED: Final = (
    "killed: no new order leaves, open entries are canceled, what protects stays as it is at the "
    "exchange; `unkill` lets the bots go on"
)
SOLD: Final = (
    "killed: everything is canceled and sold, no other order leaves; `unkill`, then `start` bots"
)

Reload = Callable[[Request], Awaitable[str]]


class Office:
    """Obeys, one request after the other."""

    def __init__(
        self, supervisor: Supervisor, folder: Path, tell: Sink, *, disk: Disk = REAL_DISK
    ) -> None:
        self.memory = OfficeMemory.open(folder, disk=disk)
        self.reload: Reload | None = None
        self._supervisor = supervisor
        self._instructions = supervisor.floor.instructions
        self._errands = Errands(supervisor.floor)
        self._sink = tell
        self._turn = asyncio.Lock()
        self._instructions.killed = self.memory.killed is not None
        for bot, instruction in self.memory.page.unborn.items():
            self._instructions.give(bot, instruction)
        supervisor.before_bots = self.catch_up

    async def obey(self, request: Request) -> str:
        """Do it, once; answer in a sentence or a few what was done."""
        if request.verb is Verb.KILL and not self.memory.answer_to(request.id):
            self._forbid_everything()  # whatever else is being done at this moment
        await self._supervisor.loaded()
        async with self._turn:
            known = self.memory.answer_to(request.id)
            if known:
                return known
            answer = await self._done(request)
            await self.memory.remember(request.id, answer)
            return answer

    async def catch_up(self) -> None:
        """Say that a kill is in force, and finish what a power cut left of it: no bot lives yet."""
        killed = self.memory.killed
        if killed is None:
            return
        if self.memory.problem:
            self._tell(f"{self.memory.problem}; so no order leaves until you say `unkill`")
        else:
            self._tell(f"killed by {killed.by}: no order leaves until you say `unkill`")
        if killed.flatten:
            await self._flatten_all(killed)

    # --- what is asked

    async def _done(self, request: Request) -> str:
        match request.verb:
            case Verb.KILL:
                return await self._kill(request)
            case Verb.UNKILL:
                return await self._unkill(request)
            case Verb.RELOAD:
                return await self._reload(request)
            case _:
                return await self._tell_bots(request)

    async def _kill(self, request: Request) -> str:
        killed = Killed(by=request.by, at=request.asked_at, flatten=request.flatten)
        self._forbid_everything()
        await self.memory.kill(killed)
        if killed.flatten:
            await self._flatten_all(killed)
        await self._instructions.settled(SETTLE_SECONDS)
        answer = SOLD + self._unsold() if killed.flatten else KILLED
        self._tell(f"{answer} (by {request.by})")
        return answer

    async def _flatten_all(self, killed: Killed) -> None:
        for life in self._lives(()):
            await self._errands.flatten(life, by=killed.by, at=killed.at)
        for name in self._supervisor.unborn:
            await self._tell_unborn(name, Verb.FLATTEN)

    async def _reload(self, request: Request) -> str:
        """Take conf.json over; what comes back while all is to be sold is sold as well."""
        if self.reload is None:
            return "nothing can be reloaded here"
        before, answer = set(self._supervisor.lives), await self.reload(request)
        killed = self.memory.killed
        if killed is not None and killed.flatten:
            for life in self._lives(()):
                if life.bot.name not in before:
                    await self._errands.flatten(life, by=killed.by, at=killed.at)
        return answer

    def _unsold(self) -> str:
        held = sorted(self._supervisor.held)
        return f"; not sold, as they do not run: {named(held)}" if held else ""

    async def _unkill(self, request: Request) -> str:
        if self.memory.killed is None:
            return "it was not killed"
        await self.memory.kill(None)
        self._instructions.killed = False
        self._wake()
        self._tell(f"no longer killed (by {request.by})")
        flat = self._told(Instruction.FLATTEN)
        waiting = self._told(Instruction.PAUSE, Instruction.STOP)
        said = [f"`start` begins anew: {named(flat)}"] if flat else []
        said += [f"`resume` lets go on: {named(waiting)}"] if waiting else []
        return "; ".join(["the bots go on", *said])

    async def _tell_bots(self, request: Request) -> str:
        """Tell each bot that is meant; answer what became of each."""
        known = self._known()
        missing = [name for name in request.bots if name not in known]
        if missing:
            return f"there is no bot {named(missing)}: there are {named(sorted(known)) or 'none'}"
        answers: dict[str, list[str]] = {}
        for life in self._lives(request.bots):
            answer = await self._errands.run(life, request)
            await self.memory.forget_unborn(life.bot.name)
            answers.setdefault(answer, []).append(life.bot.name)
        for name, why in self._without_life(request.bots).items():
            unborn = name in self._supervisor.unborn and await self._tell_unborn(name, request.verb)
            answers.setdefault(unborn or why, []).append(name)
        if request.verb in FORBIDDING:
            await self._instructions.settled(SETTLE_SECONDS)
        lines = [f"{named(names)}: {text}" for text, names in answers.items()]
        return "\n".join(lines) or "there is no bot"

    async def _tell_unborn(self, name: str, verb: Verb) -> str:
        """Remember a word for a bot that waits for its first look at the exchange."""
        instruction = AT_BIRTH.get(verb)
        if instruction is None:
            return ""
        self._instructions.give(name, instruction)
        await self.memory.tell_unborn(name, instruction)
        return AT_BIRTH_SAID[instruction]

    # --- who is meant

    def _lives(self, bots: Iterable[str]) -> Iterator[Life]:
        """Go through those meant; one that lives no more when its turn comes is left out."""
        wanted, lives = set(bots), self._supervisor.lives
        for name in list(lives):
            if name in lives and (not wanted or name in wanted):
                yield lives[name]

    def _without_life(self, bots: Iterable[str]) -> dict[str, str]:
        """Answer those meant that do not live, each with why."""
        held = {
            name: f"does not run: {each.reason}" for name, each in self._supervisor.held.items()
        }
        unborn = dict.fromkeys(self._supervisor.unborn, "not born yet: ask again in a minute")
        wanted = set(bots)
        return {
            name: why for name, why in {**unborn, **held}.items() if not wanted or name in wanted
        }

    def _known(self) -> set[str]:
        return {life.bot.name for life in self._lives(())} | self._without_life(()).keys()

    def _told(self, *instructions: Instruction) -> list[str]:
        lives = self._lives(())
        return [each.bot.name for each in lives if each.generation.instruction in instructions]

    # --- the steps of the above

    def _forbid_everything(self) -> None:
        self._instructions.killed = True
        self._wake()

    def _wake(self) -> None:
        for life in self._lives(()):
            life.wake()

    def _tell(self, text: str) -> None:
        self._sink(News(0, "", Kind.WARNING, text))


def named(names: Iterable[str]) -> str:
    """Name bots in a line, the first of many."""
    wanted = list(names)
    more = [f"{len(wanted) - NAMED_MAX} more"] if len(wanted) > NAMED_MAX else []
    return ", ".join([*wanted[:NAMED_MAX], *more])
