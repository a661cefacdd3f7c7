"""Contexts spoilt while the program is away, and what it makes of them when it comes back."""

import random
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import orjson

from lib.atomic_json import ContextFile
from lib.errors import Halt
from lib.life import Standing
from tests.disk import HOME, Cut
from tests.test_life import Story, bot
from tests.torture.input_spoiling import BROKEN, LIES, spoilt_bytes

CTX: Final = HOME / "ctx"
TRADING: Final = 40.0  # virtual seconds of each life
BOTS: Final = {
    "one": bot("steady", price="30000", quantity="0.002"),
    "two": bot("steady", every="4s"),
    "good": bot("steady", symbol="ETHUSDT", quantity="0.01"),
}
WHOLE: Final = ("one", "two")

Spoil = Callable[[Story, random.Random], str]


def spoil_contexts(seed: int, many: int, spoilt: Counter[str]) -> Iterator[str]:
    """Tell so many stories of spoilt contexts; say what was wrong."""
    for number in range(seed * many, (seed + 1) * many):
        chance = random.Random(f"contexts {number}")
        how = chance.choice(list(SPOILS))
        spoilt[how] += 1
        yield from (f"story {number}, {how}: {wrong}" for wrong in _told(number, how, chance))


def _told(number: int, how: str, chance: random.Random) -> Iterator[str]:
    story = Story(number, BOTS)
    story.live_for(chance.uniform(5, TRADING), chance.choice((Cut.KILL, Cut.POWER)))
    what = SPOILS[how](story, chance)
    before = {
        name: story.disk.content(CTX / f"{name}.json") for name in WHOLE if _is_there(story, name)
    }
    orders = len(story.shown("ETHUSDT"))
    try:
        story.live_for(TRADING)
    except Halt as refused:
        if how not in STOPS_ALL:
            yield f"{what}: nothing started: {type(refused).__name__}: {refused}"
        return
    except Exception as wrong:  # noqa: BLE001 - whatever is raised is the finding
        yield f"{what}: the program ended: {type(wrong).__name__}: {str(wrong)[:500]}"
        return
    yield from (f"{what}: {wrong}" for wrong in _wrong(story, how, orders, before))


def _wrong(story: Story, how: str, orders: int, before: dict[str, bytes]) -> Iterator[str]:
    if len(story.shown("ETHUSDT")) <= orders and how not in STOPS_ALL:
        yield f"the other bot did not trade on: {story.standings}, {story.held}"
    placed = [order["clientOrderId"] for order in story.shown()]
    if len(placed) != len(set(placed)):
        yield "an id was accepted twice"
    for name, held in story.held.items():
        if not held.reason or not story.told(bot=name):
            yield f"{name} is held back without a word"
        if name in before and story.disk.content(CTX / f"{name}.json") != before[name]:
            yield f"{name} is held back, and its file was changed"
        if len(held.reason) > REASON_MAX:
            yield f"{name}: a reason of {len(held.reason)} letters: {held.reason[:200]}"
    for name, standing in story.standings.items():
        if standing is Standing.PARKED and not story.told(bot=name):
            yield f"{name} is parked without a word"
    if too_many := [each for each in story.open_now() if not _is_wanted(story, each)]:
        yield f"orders rest that nobody knows or was told of: {too_many}"


REASON_MAX: Final = 3_000


def _is_wanted(story: Story, client_order_id: str) -> bool:
    """Say whether a context knows a resting order, or the person was told of it."""
    contexts = [story.disk.content(CTX / f"{name}.json") for name in BOTS if _is_there(story, name)]
    known = any(client_order_id.encode() in content for content in contexts)
    return known or bool(story.told(client_order_id)) or len(story.open_now()) == 1


def _is_there(story: Story, name: str) -> bool:
    return f"{name}.json" in {str(each) for each in story.disk.listdir(CTX)}


# --- ways to spoil what lies there


def bytes_of_a_context(story: Story, chance: random.Random) -> str:
    return _spoil_bytes(story, CTX / f"{chance.choice(WHOLE)}.json", chance)


def one_slot(story: Story, chance: random.Random) -> str:
    """Spoil a few bytes in place: one slot goes, or both."""
    path = CTX / f"{chance.choice(WHOLE)}.json"
    size = len(story.disk.content(path))
    for _ in range(chance.choice((1, 1, 3))):
        story.disk.overwrite(path, chance.randbytes(chance.choice((1, 40))), chance.randrange(size))
    return f"bytes of {path.name} were overwritten"


def two_swapped(story: Story, chance: random.Random) -> str:
    one, other = (CTX / f"{name}.json" for name in WHOLE)
    contents = story.disk.content(one), story.disk.content(other)
    story.disk.put(one, contents[1])
    if chance.randrange(2):
        story.disk.put(other, contents[0])
    return "contexts were swapped"


def an_older_one(story: Story, chance: random.Random) -> str:
    """Put a file back as it was some time ago."""
    path = CTX / f"{chance.choice(WHOLE)}.json"
    content = story.disk.content(path)
    story.live_for(chance.uniform(5, TRADING))
    story.disk.put(path, content)
    return f"{path.name} was put back as it had been"


def _edited(story: Story, name: str, change: Callable[[dict[str, Any]], Any]) -> str:
    """Edit a generation by hand, under a right hash."""
    file = ContextFile.open(CTX / f"{name}.json", disk=story.disk)
    edited = change(orjson.loads(file.fields))
    if isinstance(edited, dict):
        own = {
            key: each for key, each in edited.items() if key not in {"format", "sequence", "hash"}
        }
        file.save(orjson.dumps(own))
    file.close()
    return f"{name} was edited by hand: {str(edited)[:600]}"


def edited_to_nonsense(story: Story, chance: random.Random) -> str:
    how = chance.choice([each for each in BROKEN if each != "huge"])
    return _edited(story, chance.choice(WHOLE), lambda fields: BROKEN[how](fields, chance))


def edited_context(story: Story, chance: random.Random) -> str:
    """Spoil the bot's own part, or what its desk remembers."""
    part = chance.choice(("context", "memory", "conf", "parked", "symbols"))
    ways = {name: way for name, way in (BROKEN | LIES).items() if name != "huge"}
    how = chance.choice(list(ways))

    def change(fields: dict[str, Any]) -> dict[str, Any]:
        return {**fields, part: ways[how](fields.get(part) or {"": 1}, chance)}

    return _edited(story, chance.choice(WHOLE), change)


def of_another_place(story: Story, chance: random.Random) -> str:
    key, value = chance.choice((
        ("installation", "ffffff"),
        ("venue", "live"),
        ("account", "99"),
        ("bot", "three"),
    ))
    return _edited(story, chance.choice(WHOLE), lambda fields: {**fields, key: value})


def installation(story: Story, chance: random.Random) -> str:
    return _spoil_bytes(story, CTX / "installation.json", chance)


def strangers(story: Story, chance: random.Random) -> str:
    """Leave files in the folder that are none of the program's."""
    names = (".orphans.json", "orphans.json", "x.json", ".probe.new", "one.json.new", "A b.json")
    for name in names:
        story.disk.put(CTX / name, spoilt_bytes(b'[{"format":1,"sequence":1}]', chance))
    return "files of nobody lie in the folder"


def nothing_left(story: Story, chance: random.Random) -> str:
    path = CTX / f"{chance.choice(WHOLE)}.json"
    story.disk.put(
        path, chance.choice((b"", b"[]", b"null", b"{}", b"[null,null]", b"\0" * 32_768))
    )
    return f"{path.name} was emptied"


def _spoil_bytes(story: Story, path: Path, chance: random.Random) -> str:
    story.disk.put(path, spoilt_bytes(story.disk.content(path), chance))
    return f"bytes of {path.name} were spoilt"


STOPS_ALL: Final = frozenset({"installation's file"})
SPOILS: Final[dict[str, Spoil]] = {
    "bytes of a file": bytes_of_a_context,
    "bytes overwritten in place": one_slot,
    "two files swapped": two_swapped,
    "an older file": an_older_one,
    "edited to nonsense under a right hash": edited_to_nonsense,
    "a part edited under a right hash": edited_context,
    "of another place": of_another_place,
    "installation's file": installation,
    "files of strangers": strangers,
    "emptied": nothing_left,
}
