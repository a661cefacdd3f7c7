"""A runner struck at its system calls loses nothing, and one that saves too late is found out."""

import random
from collections import Counter
from pathlib import Path
from typing import Final

import pytest

from lib.torture.processes import PROGRAM
from tests.torture.system_calls import REFUSALS, Calls, Injection, calls_in, struck

LATE: Final = """
import asyncio, sys, lib.dealing.dealer, lib.life
persist = lib.life.Life._persist
async def late(self, fields):
    loop = asyncio.get_running_loop()
    loop.call_later(0.5, lambda: loop.create_task(persist(self, fields)))
    return 0
lib.life.Life._persist = late
lib.dealing.dealer.Dealer._tripwire = lambda self, token: None
from auto_trading import main
sys.exit(main())
"""
TRACE: Final = """\
100 openat(AT_FDCWD, "python") = 3
100 openat(AT_FDCWD, "lib") = 3
100 write(1, "paper: no real money; 5 bots", 28) = 28
101 openat(AT_FDCWD, "ctx") = 4
100 openat(AT_FDCWD, "ctx") = 4
100 pwrite64(4, "[", 1, 0) = 1
101 pwrite64(4, "[", 1, 0 <unfinished ...>
"""


@pytest.mark.parametrize("seed", [3])
@pytest.mark.slow
@pytest.mark.long
@pytest.mark.needs_strace
@pytest.mark.timeout(300)
def test_a_runner_struck_at_its_calls_loses_nothing(seed: int, tmp_path: Path) -> None:
    outcome = struck(seed, tmp_path, 1, (PROGRAM,))

    assert outcome.deaths > 0
    assert outcome.losses == []


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.needs_strace
@pytest.mark.timeout(300)
def test_a_program_that_saves_after_it_sent_is_caught(tmp_path: Path) -> None:
    outcome = struck(4, tmp_path, 3, ("-c", LATE))

    assert outcome.losses != []


def test_the_calls_of_a_trace_are_counted_as_strace_counts_them(tmp_path: Path) -> None:
    (tmp_path / "trace").write_text(TRACE)

    calls = calls_in(tmp_path / "trace")

    assert calls.before == {"openat": 2, "write": 1}
    assert calls.at_all == {"openat": 3, "write": 1, "pwrite64": 1}


def test_a_refusal_never_meets_the_start_of_python() -> None:
    names = {name for possible in REFUSALS.values() for name in possible}
    calls = Calls(Counter(openat=700), Counter(dict.fromkeys(names, 40) | {"openat": 900}))

    drawn = [calls.draw(random.Random(seed)) for seed in range(400)]

    assert {each.refusal for each in drawn} == {"", *REFUSALS}
    assert all(each.number > 700 for each in drawn if each.refusal and each.call == "openat")
    assert all(1 <= each.number <= 900 for each in drawn)


def test_an_injection_names_its_call_twice_or_strace_would_not_inject() -> None:
    words = Injection("fsync", 3, "EIO").words

    assert "trace=fsync" in words
    assert "inject=fsync:error=EIO:when=3" in words
