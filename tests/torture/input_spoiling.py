"""Ways to spoil what the program is told: answers and events of the exchange, bytes of files.

Two kinds. *Broken* input does not have the documented shape, and nothing may come of it. A *lie*
has the shape, and says what is not so.
"""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

Path: TypeAlias = tuple[str | int, ...]
Spoil: TypeAlias = Callable[[Any, random.Random], Any]

DEEP: Final = 200
HUGE: Final = 2_000_000
WRONG_TYPES: Final[tuple[Any, ...]] = (
    *(None, True, [], {}, [[]], {"": None}, 0.5, -1.5e300, "", "\0", "NaN", "1e400"),
    *("Infinity", "0x10", "1_000", "\u0661", "1,5", "--1", "nothing", 10**18 + 0.5, "9" * 400),
)
ABSURD: Final[tuple[Any, ...]] = ("0.00000000", "9" * 30, "-1.00000000", "0.000000000000000001")
ABSURD_NUMBERS: Final[tuple[int, ...]] = (0, -1, 1, 2**31, 2**53 + 1, 2**63 - 1, 10**13)
BELIEVED: Final = frozenset({"n", "commission"})
"""Nothing else that is said tells whether a fee is true: it is not lied about."""

PAGES: Final[tuple[str, ...]] = (
    "",
    " ",
    "<html><head><title>502 Bad Gateway</title></head></html>",
    "null",
    '"accepted"',
    "[]",
    "{}",
    "[1, 2",
    '{"code": "0"}',
    '{"code": 0, "msg": null}',
    "\x00\x01",
    "x" * HUGE,
)
"""Whole bodies that came instead of an answer; what is JSON in them is read as such."""


# --- one place of a JSON value


def places(value: object, path: Path = ()) -> Iterator[Path]:
    """List the way to each value inside, the whole included."""
    yield path
    inside: list[tuple[str | int, object]] = []
    if isinstance(value, dict):
        inside = list(value.items())
    elif isinstance(value, list):
        inside = list(enumerate(value))
    for key, each in inside:
        yield from places(each, (*path, key))


def changed(value: Any, path: Path, change: Callable[[Any, str | int], None]) -> Any:
    """Copy a value along a path, and change the member it leads to, by its container."""
    copy = value.copy()
    if len(path) == 1:
        change(copy, path[0])
    else:
        copy[path[0]] = changed(value[path[0]], path[1:], change)
    return copy


def drawn(value: object, chance: random.Random, fits: Callable[[Any], bool]) -> Path | None:
    """Draw a place inside whose value fits."""
    found = [path for path in places(value) if path and fits(at(value, path))]
    return chance.choice(found) if found else None


def at(value: Any, path: Path) -> Any:
    for key in path:
        value = value[key]
    return value


def put(value: Any, path: Path, new: Any) -> Any:
    def change(container: Any, key: str | int) -> None:
        container[key] = new

    return changed(value, path, change)


# --- broken: the shape is not the documented one


def of_a_wrong_type(value: Any, chance: random.Random) -> Any:
    path = drawn(value, chance, lambda _: True)
    if path is None:
        return None
    word = isinstance(at(value, path), str) and not _is_number(at(value, path))
    fitting = [each for each in WRONG_TYPES if not (word and isinstance(each, str) and each)]
    return put(value, path, chance.choice(fitting))


def without_a_field(value: Any, chance: random.Random) -> Any:
    def drop(container: Any, key: str | int) -> None:
        del container[key]

    keyed = [path for path in places(value) if path and isinstance(path[-1], str)]
    return changed(value, chance.choice(keyed), drop) if keyed else None


def wrapped(value: Any, chance: random.Random) -> Any:
    return chance.choice(([value], {"data": value}, [[value, value]], {"result": [value]}))


def too_deep(value: Any, chance: random.Random) -> Any:
    nest: Any = "x"
    for _ in range(DEEP):
        nest = [nest]
    path = drawn(value, chance, lambda _: True)
    return put(value, path, nest) if path else nest


def huge(value: Any, chance: random.Random) -> Any:
    path = drawn(value, chance, lambda _: True)
    return put(value, path, "9" * HUGE) if path else "9" * HUGE


# --- lies: the shape is right


def absurd(value: Any, chance: random.Random) -> Any:
    """Put a number into it that cannot be."""
    found = [
        path
        for path in places(value)
        if path and path[-1] not in BELIEVED and _is_number(at(value, path))
    ]
    if not found:
        return None
    path = chance.choice(found)
    chosen = ABSURD_NUMBERS if isinstance(at(value, path), int) else ABSURD
    return put(value, path, chance.choice(chosen))


def of_another(value: Any, chance: random.Random) -> Any:
    """Make it be about another account, order or symbol."""
    others: dict[str, Any] = {
        "uid": 99,
        "symbol": "ETHBTC",
        "s": "ETHBTC",
        "clientOrderId": "web_0123456789abcdef",
        "origClientOrderId": "web_0123456789abcdef",
        "c": "web_0123456789abcdef",
        "orderId": 77_777_777,
        "i": 77_777_777,
        "asset": "XYZ",
        "a": "XYZ",
    }
    told = [path for path in places(value) if path and path[-1] in others]
    if not told:
        return None
    path = chance.choice(told)
    return put(value, path, others[str(path[-1])])


def repeated(value: Any, chance: random.Random) -> Any:
    """Repeat, drop or shuffle rows."""
    path = drawn({"": value}, chance, lambda each: isinstance(each, list) and len(each) > 0)
    if path is None:
        return None
    rows = list(at({"": value}, path))
    match chance.randrange(3):
        case 0:
            rows += rows
        case 1:
            del rows[chance.randrange(len(rows))]
        case _:
            chance.shuffle(rows)
    return put({"": value}, path, rows)[""]


def _is_number(value: object) -> bool:
    if isinstance(value, str):
        return value.replace(".", "", 1).isdigit()
    return isinstance(value, int) and not isinstance(value, bool)


BROKEN: Final[dict[str, Spoil]] = {
    "of a wrong type": of_a_wrong_type,
    "without a field": without_a_field,
    "wrapped": wrapped,
    "too deep": too_deep,
    "huge": huge,
}
LIES: Final[dict[str, Spoil]] = {
    "absurd": absurd,
    "of another": of_another,
    "rows repeated, missing or shuffled": repeated,
}


# --- bytes


def spoilt_bytes(content: bytes, chance: random.Random) -> bytes:
    """Flip, cut, repeat, move or overwrite some of the bytes."""
    raw = bytearray(content or b"\0")
    for _ in range(chance.choice((1, 1, 2, 8))):
        first, second = sorted(chance.randrange(len(raw) + 1) for _ in range(2))
        match chance.randrange(6):
            case 0:
                place = chance.randrange(len(raw)) if raw else 0
                raw[place : place + 1] = bytes([chance.randrange(256)])
            case 1:
                del raw[first:]
            case 2:
                del raw[first:second]
            case 3:
                raw[first:first] = raw[first:second][:65_536]
            case 4:
                raw[first:second] = bytes(second - first)
            case _:
                raw[first:first] = chance.choice(AWKWARD)
        raw = raw or bytearray(b"\0")
    return bytes(raw)


AWKWARD: Final = (
    b"\xff\xfe",
    b"\0" * 64,
    b'"',
    b"{",
    b"]",
    b"//",
    b"/*",
    b"\xef\xbb\xbf",
    b"[" * 5_000,
    b"1e999",
    b"\r",
    b"null",
    b"\\u0000",
    b"\xed\xa0\x80",
)


# --- what is spoilt, and for how long


@dataclass
class Spoiler:
    """Spoils one in so many things of a kind, until it has spoilt enough."""

    seed: int
    lies: bool
    one_in: int
    enough: int
    spoilt: dict[str, int] = field(default_factory=dict)  # how often, in which way

    def __post_init__(self) -> None:
        self.chance = random.Random(f"spoiler {self.seed}")

    @property
    def done(self) -> bool:
        return sum(self.spoilt.values()) >= self.enough

    def strikes(self) -> bool:
        return not self.done and not self.chance.randrange(self.one_in)

    def spoil(self, what: str, value: Any) -> tuple[str, Any]:
        """Spoil a JSON value; answer how, and what came of it."""
        ways = {**BROKEN, **LIES} if self.lies else BROKEN
        while True:
            how = self.chance.choice(list(ways))
            found = ways[how](value, self.chance)
            if found is not None and found != value:
                self.count(what, how)
                return how, found

    def count(self, what: str, how: str) -> None:
        name = f"{what} {how}"
        self.spoilt[name] = self.spoilt.get(name, 0) + 1
