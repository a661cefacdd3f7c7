"""Who reads bytes of the exchange, of the disk and of a person, and what they may not do then."""

import base64
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, Protocol

import orjson

from lib.atomic_json import read_generations
from lib.context_file.generation import decode
from lib.errors import Halt
from tests.torture.input_pages import misread_conf, misread_env
from tests.torture.input_words import QUESTIONS, misread, read_bytes


class Reader(Protocol):
    """Reads bytes, with a folder to write to; says what it did that it may not."""

    __module__: str
    __name__: str

    def __call__(self, raw: bytes, folder: Path, /) -> Iterator[str]: ...


def frame(raw: bytes, _: Path) -> Iterator[str]:
    """Hear a frame of the user's stream."""
    yield from misread("a frame", read_bytes, raw)


def answer(raw: bytes, _: Path) -> Iterator[str]:
    """Read an answer as that to the question which the first byte chooses."""
    call = list(QUESTIONS)[raw[0] % len(QUESTIONS)] if raw else "time"
    try:
        body = orjson.loads(raw[1:])
    except orjson.JSONDecodeError:
        return
    yield from misread(f"an answer to {call}", QUESTIONS[call], body)


def conf(raw: bytes, folder: Path) -> Iterator[str]:
    yield from misread_conf(_file(raw, folder / "conf.json"))


def env(raw: bytes, folder: Path) -> Iterator[str]:
    yield from misread_env(_file(raw, folder / ".env"))


def context(raw: bytes, folder: Path) -> Iterator[str]:
    """Read a context file: a generation, or a refusal that has the bot wait for a person."""
    try:
        decode(read_generations(_file(raw, folder / "one.json")))
    except Halt:
        return
    except Exception as wrong:  # noqa: BLE001 - whatever is raised is the finding
        yield f"a context raised {type(wrong).__name__}: {wrong}"


READERS: Final[Mapping[str, Reader]] = {
    each.__name__: each for each in (frame, answer, conf, env, context)
}


def _file(raw: bytes, path: Path) -> Path:
    path.write_bytes(raw)
    path.chmod(0o600)
    return path


def told(raw: bytes) -> str:
    """Write bytes so that a person can give them to a reader again."""
    return base64.b64encode(raw).decode()
