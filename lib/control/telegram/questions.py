"""The questions before what acts, and what a press of their buttons says.

Everything that a press needs is in the button, so that a question outlives the program: whether
yes or no, the word, the number of the command it is about, and the bot. Two presses of one
question are one request.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from lib.control.request import Verb
from lib.control.telegram.wire import Buttons

EVERY: Final = "*"  # no bot has this name
BUTTONS_MAX: Final = 24  # bots to choose from
IN_A_ROW: Final = 2


class Reply(StrEnum):
    """What a button says."""

    YES = "y"
    NO = "n"
    CHOOSE = "c"  # this bot; the question is yet to come


@dataclass(frozen=True, slots=True)
class Press:
    """A button, as it comes back."""

    reply: Reply
    verb: Verb
    number: int  # of the command that led to it
    bot: str  # EVERY: all

    def __str__(self) -> str:
        return f"{self.reply}|{self.verb}|{self.number}|{self.bot}"

    @property
    def bots(self) -> tuple[str, ...]:
        """The bots that are meant; none: all."""
        return () if self.bot == EVERY else (self.bot,)


def read_press(text: str) -> Press:
    """Read what a button says. Raises ValueError for what is none of ours."""
    reply, verb, number, bot = text.split("|")
    return Press(Reply(reply), Verb(verb), int(number), bot)


def yes_or_no(verb: Verb, number: int, bot: str) -> Buttons:
    """Make the buttons of a question."""
    yes, no = (Press(reply, verb, number, bot) for reply in (Reply.YES, Reply.NO))
    return [[(f"Yes, {verb}", str(yes)), ("No", str(no))]]


def choice(verb: Verb, number: int, bots: Sequence[str], reply: Reply) -> Buttons:
    """Make a button for each bot, one for all and one for none."""
    each = [(bot, str(Press(reply, verb, number, bot))) for bot in bots[:BUTTONS_MAX]]
    rows = [each[index : index + IN_A_ROW] for index in range(0, len(each), IN_A_ROW)]
    everything = ("all", str(Press(reply, verb, number, EVERY)))
    return [*rows, [everything, ("none", str(Press(Reply.NO, verb, number, EVERY)))]]
