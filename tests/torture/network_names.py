"""A name server for one name: it answers, falls silent, fails, or names another address.

It serves UDP in a thread. Whoever resolves asks for the address of `HOST`; every other question
and every other type of record is answered with nothing.
"""

import socket
import struct
import threading
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Self

PORT: Final = 53
QUESTION_MAX: Final = 512
LIFE: Final = 1  # seconds that an answer may be remembered
HEADER: Final = struct.Struct(">HHHHHH")
ADDRESS_FOLLOWS: Final = struct.Struct(">HHIH")
RESPONSE, SERVER_FAILED, NO_SUCH_NAME = 0x8180, 2, 3
A_RECORD: Final = 1
INTERNET: Final = 1
NAME_ASKED_FOR: Final = b"\xc0\x0c"


class Mood(StrEnum):
    """What the name server does with a question."""

    ANSWERS = "answers"
    SILENT = "silent"
    FAILS = "fails"  # SERVFAIL: it cannot reach the servers behind it
    DENIES = "denies"  # NXDOMAIN: there is no such name


@dataclass(frozen=True, slots=True)
class Question:
    """One question as it came."""

    number: int
    name: str
    kind: int
    raw: bytes  # name, type and class


class NameServer:
    """Knows one name, and where it leads at the moment."""

    def __init__(self, host: str, leads_to: str, listens_at: str, port: int = PORT) -> None:
        self.leads_to = leads_to
        self.mood = Mood.ANSWERS
        self.asked = 0
        self._host = host
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((listens_at, port))
        self.port: int = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):  # wakes the thread up; an unconnected socket complains all the same
            self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._socket.close()

    def _serve(self) -> None:
        while True:
            content, sender = self._socket.recvfrom(QUESTION_MAX)
            if not sender or not content:  # shut down
                return
            self.asked += 1
            answer = self._answer(_read(content))
            if answer:
                with suppress(OSError):  # the network may be gone
                    self._socket.sendto(answer, sender)

    def _answer(self, question: Question) -> bytes:
        match self.mood:
            case Mood.SILENT:
                return b""
            case Mood.FAILS:
                return _reply(question, code=SERVER_FAILED)
            case Mood.ANSWERS if question.name == self._host:
                known = question.kind == A_RECORD
                return _reply(question, address=self.leads_to if known else "")
            case _:
                return _reply(question, code=NO_SUCH_NAME)


def _read(content: bytes) -> Question:
    number = HEADER.unpack_from(content)[0]
    place, labels = HEADER.size, []
    while length := content[place]:
        labels.append(content[place + 1 : place + 1 + length].decode("ascii"))
        place += 1 + length
    kind = int.from_bytes(content[place + 1 : place + 3])
    return Question(number, ".".join(labels).lower(), kind, content[HEADER.size : place + 5])


def _reply(question: Question, *, address: str = "", code: int = 0) -> bytes:
    header = HEADER.pack(question.number, RESPONSE | code, 1, 1 if address else 0, 0, 0)
    if not address:
        return header + question.raw
    packed = socket.inet_aton(address)
    record = ADDRESS_FOLLOWS.pack(A_RECORD, INTERNET, LIFE, len(packed)) + packed
    return header + question.raw + NAME_ASKED_FOR + record
