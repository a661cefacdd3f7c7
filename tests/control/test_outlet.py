"""Writing to whoever reads slowly, or not at all, holds up nobody."""

import os
import time
from collections.abc import Iterator

import pytest

from lib.control.outlet import BACKLOG_MAX, outlet_to


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    reading, writing = os.pipe()
    yield reading, writing
    for fd in (reading, writing):
        try:
            os.close(fd)
        except OSError:
            continue


def test_texts_arrive_in_the_order_they_were_given(pipe: tuple[int, int]) -> None:
    reading, writing = pipe
    outlet = outlet_to(writing)

    for number in range(50):
        outlet.put(f"{number}\n")
    outlet.flush(5)

    assert os.read(reading, 10_000).decode().split() == [str(number) for number in range(50)]


def test_a_reader_that_sleeps_holds_up_neither_the_giving_nor_the_end(
    pipe: tuple[int, int],
) -> None:
    _, writing = pipe
    outlet = outlet_to(writing)
    began = time.monotonic()

    for _ in range(BACKLOG_MAX + 100):
        outlet.put("x" * 100)
    outlet.flush(0.05)

    assert time.monotonic() - began < 1
    assert not outlet.idle


def test_a_reader_that_went_away_is_no_error(pipe: tuple[int, int]) -> None:
    reading, writing = pipe
    outlet = outlet_to(writing)
    os.close(reading)

    outlet.put("nobody reads this")
    outlet.put("nor this")
    outlet.flush(5)

    assert outlet.idle
