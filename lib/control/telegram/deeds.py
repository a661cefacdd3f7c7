"""What acts: asked about by a button, saved before it is acknowledged, done once.

What only forbids (pause, stop, kill) is done at once and whatever its age: nobody shall have to
press twice while something goes wrong, and one word takes it back. Everything else is done once
its button was pressed within two minutes.
"""

import asyncio
from collections.abc import Callable
from typing import Final

from lib.control.log_lines import printable
from lib.control.office import Office
from lib.control.request import Request, Verb
from lib.control.telegram.crew import Crew, NoSuchBot
from lib.control.telegram.keeper import Keeper
from lib.control.telegram.outbox import Again, Outbox
from lib.control.telegram.questions import (
    BUTTONS_MAX,
    EVERY,
    Press,
    Reply,
    choice,
    read_press,
    yes_or_no,
)
from lib.control.telegram.speaker import Speaker
from lib.control.telegram.wire import Heard
from lib.control.telegram.words import Command

FORBIDDING: Final = frozenset({Verb.PAUSE, Verb.STOP, Verb.KILL})
SELLING: Final = frozenset({Verb.FLATTEN, Verb.KILL})
VALID: Final = 120  # seconds for a press, or for a command that waited for us
AHEAD: Final = -30  # seconds by which a message may be younger than the answer that brings it
SAVE_PATIENCE: Final = 5.0  # seconds: a disk that refuses keeps nobody from what forbids
SOLD_MAX: Final = 12  # lines of what will be sold
NAME_MAX: Final = 40
TOO_OLD: Final = "too old, not done"
ASKED: Final = {
    Verb.RESUME: "may open new entries again.",
    Verb.START: "goes on, or begins anew\nif it is flat or finished.",
    Verb.RELEASE: "goes on after it stopped itself.",
    Verb.CANCEL: "its open entries are canceled.",
    Verb.UNKILL: "orders may leave again.",
}


class Turn:
    """A place in the order in which things were said: the last word is the one that counts.

    Whoever acts comes to the office after all who were before; the office keeps that order, and
    lets a kill count while it waits. Over is a turn as soon as the office knows of it.
    """

    def __init__(self, before: "Turn | None") -> None:
        while before is not None and before.is_over:
            before = before.before
        self.before: Turn | None = before
        self._over = asyncio.Event()

    @property
    def is_over(self) -> bool:
        """Say whether the office knows of it, or never will."""
        return self._over.is_set()

    async def comes(self) -> None:
        """Wait until all who were before are over."""
        while self.before is not None:
            await self.before.ends()
            self.before = self.before.before

    async def ends(self) -> None:
        """Wait until it is over."""
        await self._over.wait()

    def over(self) -> None:
        """Let the next one come."""
        self._over.set()


class Deeds:
    """Takes commands and presses to the office, and its answers back."""

    def __init__(
        self,
        office: Office,
        crew: Crew,
        speaker: Speaker,
        outbox: Outbox,
        keeper: Keeper,
        *,
        number: str,
        now: Callable[[], int],
    ) -> None:
        self._office = office
        self._crew = crew
        self._speaker = speaker
        self._outbox = outbox
        self._keeper = keeper
        self._number = number  # of the Telegram bot: another one counts its updates anew
        self._now = now

    # --- a command

    async def command(self, heard: Heard, command: Command, turn: Turn) -> None:
        """Do it, or ask whether it shall be done."""
        verb, sells = _verb_of(command)
        asks = sells or verb not in FORBIDDING
        objection, bots = await self._judge(heard, command, verb, asks=asks)
        if objection:
            turn.over()
            await self._speaker.report(heard.chat, objection)
        elif asks:
            turn.over()
            await self._ask(heard, verb, bots, named=bool(command.rest))
        else:
            await self._obey(heard, self._request(heard, verb, bots, heard.update), turn)

    async def _judge(
        self, heard: Heard, command: Command, verb: Verb, *, asks: bool
    ) -> tuple[str, tuple[str, ...]]:
        """Answer why it is not done, or which bots are meant."""
        known = self._office.memory.answer_to(self._request_id(heard.update))
        if known:
            return f"{Again.MAYBE}{known}", ()
        if asks and not self._is_young(heard):
            return f"{TOO_OLD}: {heard.text}", ()
        if verb is Verb.KILL:
            return "", ()
        await self._crew.loaded()
        try:
            return "", self._crew.meant(command.rest)
        except NoSuchBot as missing:
            return f"not done: {missing}", ()

    async def _ask(self, heard: Heard, verb: Verb, bots: tuple[str, ...], *, named: bool) -> None:
        """Ask whether, or first which bot."""
        names = self._crew.names
        if len(bots) > 1:
            await self._speaker.say(heard.chat, f"one at a time, or all: /{verb} {bots[0]}")
        elif bots or named or verb in {Verb.KILL, Verb.UNKILL}:
            await self._ask_whether(heard.chat, verb, heard.update, *(bots or (EVERY,)))
        elif len(names) == 1:
            await self._ask_whether(heard.chat, verb, heard.update, *names)
        elif len(names) > BUTTONS_MAX:
            await self._speaker.say(heard.chat, f"which one? /{verb} NAME, or all")
        else:
            reply = Reply.CHOOSE if verb in SELLING else Reply.YES
            text = f"{str(verb).capitalize()} which bot?"
            await self._speaker.say(heard.chat, text, choice(verb, heard.update, names, reply))

    async def _ask_whether(self, chat: int, verb: Verb, number: int, bot: str) -> None:
        who = "all bots" if bot == EVERY else bot
        lines = [f"{str(verb).capitalize()} {who}?"]
        if verb in SELLING:
            lines += ["All orders are canceled;", "at market, within the limits:"]
            lines += _listed(self._crew.to_be_sold(() if bot == EVERY else (bot,)))
        else:
            lines.append(ASKED[verb])
        await self._speaker.say(chat, "\n".join(lines), yes_or_no(verb, number, bot))

    # --- a press

    async def press(self, heard: Heard, turn: Turn) -> None:
        """Do what a button says, once, if it was pressed in time."""
        try:
            press = read_press(heard.text)
        except ValueError:
            turn.over()
            return await self._speaker.close_question(heard, "not known here")
        word, objection = self._objection(heard, press)
        if objection:
            turn.over()
            await self._speaker.close_question(heard, word)
            await self._speaker.report(heard.chat, objection)
        elif press.reply is Reply.CHOOSE:
            turn.over()
            await self._speaker.close_question(heard, press.bot)
            await self._ask_whether(heard.chat, press.verb, press.number, press.bot)
        else:
            await self._accept(heard, press, turn)
        return None

    def _objection(self, heard: Heard, press: Press) -> tuple[str, str]:
        """Say why nothing is done, in a word and in a line; empty if it is to be done."""
        request_id = self._request_id(press.number)
        known = self._office.memory.answer_to(request_id)
        if known:
            return "done already", f"{Again.MAYBE}{known}"
        if self._outbox.was_accepted(request_id):
            late = press.reply is Reply.NO
            return ("too late", f"too late, it is being done: /{press.verb}") if late else ("", "")
        if press.reply is Reply.NO or self._outbox.was_declined(request_id):
            self._outbox.decline(request_id)
            return "not done", f"not done: /{press.verb}"
        if not self._is_young(heard):
            return TOO_OLD, f"{TOO_OLD}: /{press.verb}"
        return "", ""

    async def _accept(self, heard: Heard, press: Press, turn: Turn) -> None:
        """Remember that it was confirmed in time, then do it: a cut in between changes nothing."""
        self._outbox.accept(self._request_id(press.number))
        await self._keeper.saved(SAVE_PATIENCE)
        closing = self._speaker.close_question(heard, "it is being done")
        request = self._request(heard, press.verb, press.bots, press.number)
        await asyncio.gather(closing, self._obey(heard, request, turn))

    # --- the office

    async def _obey(self, heard: Heard, request: Request, turn: Turn) -> None:
        await turn.comes()
        obeying = asyncio.ensure_future(self._office.obey(request))
        turn.over()
        await self._speaker.report(heard.chat, await obeying)

    def _request(self, heard: Heard, verb: Verb, bots: tuple[str, ...], number: int) -> Request:
        return Request(
            id=self._request_id(number),
            verb=verb,
            bots=bots,
            by=f"{printable(heard.name)[:NAME_MAX]} by Telegram".lstrip(),
            asked_at=heard.sent_at * 1000,
            flatten=verb is Verb.KILL and bool(heard.pressed),
        )

    def _request_id(self, number: int) -> str:
        """Name a command: the bot's and the update's number, which no other one has."""
        return f"telegram-{self._number}-{number}"

    def _is_young(self, heard: Heard) -> bool:
        """Say whether it was said just now, by Telegram's clock; without that, by ours."""
        age = heard.age if heard.age is not None else self._now() // 1000 - heard.sent_at
        return AHEAD <= age <= VALID


def _verb_of(command: Command) -> tuple[Verb, bool]:
    """Answer the verb, and whether a kill shall sell as well."""
    verb = Verb(command.word)
    sells = any(word.lstrip("-").lower() == Verb.FLATTEN for word in command.rest)
    return verb, sells and verb is Verb.KILL


def _listed(lines: list[str]) -> list[str]:
    if not lines:
        return ["nothing is held"]
    more = [f"and {len(lines) - SOLD_MAX} more"] if len(lines) > SOLD_MAX else []
    return [*lines[:SOLD_MAX], *more]
