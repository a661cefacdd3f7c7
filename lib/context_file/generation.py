"""One generation of a bot's file: whose it is, where the bot stands, what its desk remembers.

`Generation` is the envelope around a context. lib/atomic_json.py adds the format, the sequence
number and the hash around it; here the fields are made, read back and judged.
"""

from decimal import Decimal
from typing import Any

import orjson
from pydantic import BaseModel, ConfigDict, ValidationError

from lib.errors import CorruptContext, ForeignContext
from lib.inbox import Inbox
from lib.instructions import Instruction
from lib.machine import Context
from lib.results import Assets, Position


class Parked(BaseModel):
    """Why a bot stopped itself, for the person who looks."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: str  # the error's name: Halt, BooksDisagree, KeyError ...
    reason: str
    at: int  # exchange time, ms
    traceback: str = ""


class FormerId(BaseModel):
    """An id given up as never accepted. One that shows up later parks the bot."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    symbol: str
    since: int  # exchange time, ms, of giving it up
    healthy_ms: int = 0  # how long polls have not shown it


class Memory(BaseModel):
    """What a desk remembers on behalf of its bot."""

    model_config = ConfigDict(extra="forbid")

    ids_given: int = 0  # counts every id ever given out under this birth
    former: list[FormerId] = []
    net: dict[str, Decimal] = {}  # what the bot's finished orders brought, by asset, without fees
    fees: dict[str, Decimal] = {}  # what they cost in fees, by asset
    positions: dict[str, Position] = {}  # what they left and realised, by symbol
    assets: dict[str, Assets] = {}  # base and quote of its symbols, for who has no rules
    orders_done: int = 0
    newest_order: tuple[str, int, str, int] | None = None  # symbol, orderId, our id, time
    doubts_accepted_until: int = 0  # a person said: orders sent before may be presumed absent
    releases: int = 0  # how often a person said: go on, after the bot had stopped itself
    said: str = ""  # the bot's last word to the person
    entries_at: list[int] = []  # exchange ms of the last entries, where a limit counts them
    losses: int = 0  # orders in a row that closed something at a loss
    lost_at: int = 0  # exchange ms of the last of them
    inbox: Inbox = Inbox()  # signals that the bot has not taken yet


class Generation(BaseModel):
    """What one save writes besides sequence and hash."""

    model_config = ConfigDict(extra="forbid")

    bot: str
    venue: str
    account: str
    installation: str
    birth: int
    saved_at: int  # exchange time, ms
    function: str  # module.function that wrote it
    symbols: list[str]
    conf: dict[str, Any]  # the section of conf.json it last ran with
    finished: bool = False
    parked: Parked | None = None
    instruction: Instruction = Instruction.TRADE
    told_by: str = ""  # who gave the instruction
    told_at: int = 0  # exchange ms
    canceled: list[str] = []  # ids of entries that are to be gone, as the person said
    cancels_done: list[str] = []  # the newest requests that said so
    memory: Memory
    context: Any  # the bot's context; a plain object while its type is not at hand


def encode(generation: Generation, context: Context) -> bytes:
    """Make the bytes of a save, proven to be readable again, all but the time of the save.

    Raises ValueError or TypeError, with nothing touched, for a context that would not come
    back as it is: a NaN, a wrong type, an unserialisable value.
    """
    written = context.model_dump_json(warnings="error").encode()
    if type(context).model_validate_json(written) != context:
        raise ValueError(f"the context of {generation.bot} would not come back from disk as it is")
    return _with_context(generation, written)


def encode_as_it_was(generation: Generation) -> bytes:
    """Make the same bytes around the context that was read, which stays untouched."""
    return _with_context(generation, orjson.dumps(generation.context))


def _with_context(generation: Generation, context: bytes) -> bytes:
    head = generation.model_dump_json(exclude={"saved_at", "context"}, warnings="error").encode()
    return b'%b,"context":%b}' % (head[:-1], context)


def stamped(fields: bytes, saved_at: int) -> bytes:
    """Put the time of the save (exchange ms) in front."""
    return b'{"saved_at":%d,%b' % (saved_at, fields[1:])


def unstamped(fields: bytes) -> bytes:
    """Take the time of the save away: two saves that differ in it alone are the same."""
    return b"{" + fields[fields.index(b",") + 1 :]


def decode(fields: dict[str, Any] | bytes) -> Generation:
    """Read the envelope; its context stays a plain object. Raises CorruptContext."""
    members = orjson.loads(fields) if isinstance(fields, bytes) else dict(fields)
    for added in ("format", "sequence", "hash"):
        members.pop(added, None)
    try:
        return Generation.model_validate(members)
    except ValidationError as wrong:
        first = wrong.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise CorruptContext(f"not a context of this program: {where}: {first['msg']}") from None


def decode_context(kind: type[Context], generation: Generation) -> Context:
    """Read the bot's own context, or its first one. Raises CorruptContext or LaterContext."""
    try:
        return kind.model_validate_json(orjson.dumps(generation.context))
    except ValidationError as wrong:
        first = wrong.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise CorruptContext(f"{generation.bot}: {where}: {first['msg']}") from None


def check_identity(
    generation: Generation, *, bot: str, venue: str, account: str, installation: str
) -> None:
    """Raise ForeignContext unless the context belongs to this bot, venue, account and place.

    An empty `account` is one not yet known and is not compared.
    """
    facts = (
        ("bot", generation.bot, bot),
        ("venue", generation.venue, venue),
        ("account", generation.account, account),
        ("installation", generation.installation, installation),
    )
    for what, found, expected in facts:
        if expected and found and found != expected:
            raise ForeignContext(f"this context belongs to {what} {found}, not to {expected}")
