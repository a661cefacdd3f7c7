"""Client order ids: unique for ever, readable by us, meaningless to a firewall.

An id is 32 characters of lower-case hex after a fixed two-character mark; hex and digits cannot
spell SQL, which a rule in front of the exchange would reject.

    a7 3fa2c1 9b04de 0193a1b2c3d 00001f a
    │  │      │      │           │      └ leg: a an order, b an order list, c a cancel,
    │  │      │      │           │        d an amend (it stays with us)
    │  │      │      │           └ counter of the bot, kept in its context, never going back
    │  │      │      └ birth: when that context began, exchange ms
    │  │      └ the bot: from its name
    │  └ the installation
    └ this program

The exchange deduplicates among open orders only, so an id is an identity, never a licence to
send again.
"""

import re
from dataclasses import dataclass
from hashlib import sha256
from typing import Final, Literal

MARK: Final = "a7"
COUNTER_MAX: Final = 0xFFFFFF
_SHAPE: Final = re.compile(
    rf"{MARK}(?P<installation>[0-9a-f]{{6}})(?P<bot>[0-9a-f]{{6}})"
    r"(?P<birth>[0-9a-f]{11})(?P<counter>[0-9a-f]{6})(?P<leg>[a-f])"
)

Leg = Literal["a", "b", "c", "d"]


@dataclass(frozen=True, slots=True)
class OwnId:
    """A client order id of this program, taken apart."""

    installation: str
    bot: str  # its tag, not its name
    birth: int
    counter: int
    leg: str

    def __str__(self) -> str:
        return f"{MARK}{self.installation}{self.bot}{self.birth:011x}{self.counter:06x}{self.leg}"


def bot_tag(name: str) -> str:
    """Name a bot in ids: six hex digits from its name, the same whatever the case."""
    return sha256(name.lower().encode()).hexdigest()[:6]


def make_id(*, installation: str, bot: str, birth: int, counter: int, leg: Leg) -> str:
    """Make the id of a bot's counter-th intent. `bot` is its name."""
    assert re.fullmatch(r"[0-9a-f]{6}", installation), installation
    assert 0 < counter <= COUNTER_MAX, counter
    assert 0 <= birth < 16**11, birth
    return str(OwnId(installation, bot_tag(bot), birth, counter, leg))


def parse_id(client_order_id: str) -> OwnId | None:
    """Take an id of this program apart; None for anybody else's."""
    match = _SHAPE.fullmatch(client_order_id)
    if match is None:
        return None
    part = match.groupdict()
    return OwnId(
        installation=part["installation"],
        bot=part["bot"],
        birth=int(part["birth"], 16),
        counter=int(part["counter"], 16),
        leg=part["leg"],
    )


def intent_token(client_order_id: str, send_by: int) -> str:
    """What a context on disk must contain before a request under this id may leave."""
    return f"{client_order_id}#{send_by}"
