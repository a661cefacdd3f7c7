"""Names of hosts while name servers are silent, fail, or change their minds."""

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from lib.binance.names import AT_ONCE, PatientResolver

pytestmark = pytest.mark.asyncio

HOST = "exchange.test"
SHORT = 0.02  # seconds


class Book:
    """What a name server says; `silent` holds every lookup up, as a real one would."""

    def __init__(self) -> None:
        self.answer: Sequence[str] | OSError = ("10.0.0.1",)
        self.asked = 0
        self.threads: set[str] = set()
        self._speaks = threading.Event()
        self._speaks.set()

    def look(self, host: str, family: int) -> Sequence[Any]:
        assert host == HOST
        self.asked += 1
        self.threads.add(threading.current_thread().name)
        self._speaks.wait(5)
        if isinstance(self.answer, OSError):
            raise self.answer
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, 0)) for each in self.answer]

    def fall_silent(self) -> None:
        self._speaks.clear()

    def speak(self) -> None:
        self._speaks.set()


@pytest.fixture
def book() -> Iterator[Book]:
    book = Book()
    yield book
    book.speak()


async def addresses(resolver: PatientResolver, port: int = 443) -> list[str]:
    found = await resolver.resolve(HOST, port, socket.AF_UNSPEC)
    assert all(each["port"] == port for each in found)
    return [each["host"] for each in found]


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.001)


async def test_answers_every_address_in_the_order_it_was_told(book: Book) -> None:
    book.answer = ("10.0.0.2", "10.0.0.1")

    assert await addresses(PatientResolver(book.look)) == ["10.0.0.2", "10.0.0.1"]


async def test_a_host_that_moved_is_found_at_its_new_address(book: Book) -> None:
    resolver = PatientResolver(book.look)
    await addresses(resolver)

    book.answer = ("10.0.0.7",)

    assert await addresses(resolver) == ["10.0.0.7"]


async def test_a_silent_name_server_leaves_the_addresses_of_last_time(book: Book) -> None:
    resolver = PatientResolver(book.look, patience=SHORT)
    await addresses(resolver)
    book.fall_silent()

    began = time.monotonic()

    assert await addresses(resolver) == ["10.0.0.1"]
    assert time.monotonic() - began < 1


@pytest.mark.parametrize("failure", [socket.gaierror(-3, "again"), OSError("no network")])
async def test_a_name_server_that_fails_leaves_the_addresses_of_last_time(
    book: Book, failure: OSError
) -> None:
    resolver = PatientResolver(book.look)
    await addresses(resolver)

    book.answer = failure

    assert await addresses(resolver) == ["10.0.0.1"]


async def test_a_name_that_was_never_known_fails_as_the_system_says(book: Book) -> None:
    book.answer = socket.gaierror(-2, "unknown")

    with pytest.raises(socket.gaierror, match="unknown"):
        await addresses(PatientResolver(book.look))


async def test_what_a_late_lookup_brings_is_used_next_time(book: Book) -> None:
    resolver = PatientResolver(book.look, patience=SHORT)
    await addresses(resolver)
    book.fall_silent()
    assert await addresses(resolver) == ["10.0.0.1"]

    book.answer = ("10.0.0.9",)
    book.speak()
    await until(lambda: resolver._known[HOST, socket.AF_UNSPEC].addresses == ("10.0.0.9",))
    book.fall_silent()

    assert await addresses(resolver) == ["10.0.0.9"]


async def test_asks_again_beside_a_lookup_that_hangs_and_takes_the_first_answer(
    book: Book,
) -> None:
    hangs = iter((True,))

    def look(host: str, family: int) -> Sequence[Any]:
        if next(hangs, False):
            time.sleep(0.5)
            return ()
        return book.look(host, family)

    resolver = PatientResolver(look, patience=SHORT)
    began = time.monotonic()

    assert await addresses(resolver) == ["10.0.0.1"]
    assert time.monotonic() - began < 0.4


async def test_a_name_server_that_stays_silent_holds_few_threads_and_none_of_the_savers(
    book: Book,
) -> None:
    resolver = PatientResolver(book.look, patience=SHORT)
    book.fall_silent()
    waiting = asyncio.create_task(addresses(resolver))

    await asyncio.sleep((AT_ONCE + 3) * SHORT)

    assert not waiting.done()
    assert book.asked == AT_ONCE
    assert book.threads == {f"look up {HOST}"}
    book.speak()
    assert await waiting == ["10.0.0.1"]
