"""The machine whose power fails, a little of it; all of it: make torture ARGS=power-cuts."""

import os
import random
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from lib.torture.ledger import Ledger
from lib.torture.processes import ROOT
from tests.torture.experiment import Outcome
from tests.torture.machine import lacks
from tests.torture.machine_audit import Era, journal_faults
from tests.torture.machine_disk import ANSWER, REQUEST, REQUEST_MAGIC, Call, VolatileDisk
from tests.torture.power_cuts import CONTROL_LIVES

SIZE = 1 << 16
BLOCK = 4_096
NOBODY = Ledger({}, (), {}, {}, {})

with_a_machine = pytest.mark.skipif(bool(lacks()), reason=lacks())


class Client:
    """Asks a disk for things, as the kernel of a machine does."""

    def __init__(self, line: socket.socket) -> None:
        self._line = line

    def write(self, offset: int, content: bytes) -> bool:
        return self._asked(Call.WRITE, offset, len(content), content)

    def flush(self) -> bool:
        return self._asked(Call.FLUSH, 0, 0)

    def _asked(self, call: Call, offset: int, length: int, content: bytes = b"") -> bool:
        """Answer whether there was an answer."""
        self._line.sendall(REQUEST.pack(REQUEST_MAGIC, call, 7, offset, length) + content)
        return len(self._line.recv(ANSWER.size)) == ANSWER.size


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[VolatileDisk]:
    backing = tmp_path / "disk.img"
    backing.write_bytes(bytes(SIZE))
    disk = VolatileDisk(backing, "127.0.0.1", port=0)
    disk.power_on()
    yield disk
    disk.close()


@pytest.fixture
def client(disk: VolatileDisk) -> Iterator[Client]:
    with socket.create_connection(("127.0.0.1", disk.port)) as line:
        yield Client(line)


def test_a_disk_keeps_what_was_flushed(disk: VolatileDisk, client: Client) -> None:
    client.write(0, b"a" * BLOCK)
    client.flush()

    disk.power_off(_nothing)

    assert disk.forget_unflushed(random.Random(0)) == 0
    assert disk.backing.read_bytes()[:BLOCK] == b"a" * BLOCK


def test_a_superblock_is_written_whole_or_not_at_all(disk: VolatileDisk, client: Client) -> None:
    for seed in range(30):
        client.write(0, b"a" * BLOCK)
        client.flush()
        client.write(0, b"b" * BLOCK)
        disk.forget_unflushed(random.Random(seed))

        assert disk.backing.read_bytes()[:BLOCK] in {b"a" * BLOCK, b"b" * BLOCK}


def test_a_disk_keeps_forgets_or_tears_what_was_not_flushed(
    disk: VolatileDisk, client: Client
) -> None:
    client.write(BLOCK, b"a" * BLOCK)
    client.flush()
    found = set()

    for seed in range(40):
        client.write(BLOCK, b"b" * BLOCK)
        disk.forget_unflushed(random.Random(seed))
        found.add(disk.backing.read_bytes()[BLOCK : 2 * BLOCK].rstrip(b"a").count(b"b"))
        client.write(BLOCK, b"a" * BLOCK)
        client.flush()

    assert {0, BLOCK} < found
    assert all(each % 512 == 0 for each in found)


def test_a_disk_without_power_does_nothing_more(disk: VolatileDisk, client: Client) -> None:
    disk.power_off(_nothing)

    assert not client.write(0, b"a" * BLOCK)
    assert disk.backing.read_bytes() == bytes(SIZE)


def test_power_that_goes_at_a_flush_leaves_it_undone_or_unanswered(
    disk: VolatileDisk, client: Client
) -> None:
    disk.after = lambda what, _: disk.power_off(_nothing) if what == "flush" else None
    client.write(0, b"a" * BLOCK)

    assert not client.flush()
    assert disk.forget_unflushed(random.Random(0)) == 0


def test_a_fill_of_the_journal_that_never_was_is_told(tmp_path: Path) -> None:
    path = tmp_path / "orders.sqlite"
    with closing(sqlite3.connect(path)) as journal, journal:
        journal.execute(
            "CREATE TABLE journal (number, event, at, symbol, trade_id, "
            "client_order_id, fill_quantity)"
        )
        journal.execute("INSERT INTO journal VALUES (1, 'fill', 900, 'BTCUSDT', 5, 'a', '0.1')")

    found = list(journal_faults(path, NOBODY, Era(100_000, 200_000)))

    assert len(found) == 2
    assert "trade 5 of a in the journal is not the exchange's" in found[0]
    assert "row 1 of the journal, fill, is of 900" in found[1]


@with_a_machine
@pytest.mark.slow
@pytest.mark.long
@pytest.mark.timeout(300)
def test_no_order_is_lost_when_the_power_fails_under_the_whole_machine(tmp_path: Path) -> None:
    outcome = _attempted("cuts(1, folder, lives=2, crowds=1, finish=leave)", tmp_path)

    assert outcome.losses == []
    assert outcome.deaths == 2


@with_a_machine
@pytest.mark.slow
@pytest.mark.long
@pytest.mark.timeout(300)
def test_a_runner_that_never_flushes_loses_orders_and_is_caught(tmp_path: Path) -> None:
    outcome = _attempted("cuts_without_flushes(1, folder)", tmp_path)

    assert outcome.losses
    assert outcome.deaths <= CONTROL_LIVES


BLIND = """
import sys, lib.ownership.witness
lib.ownership.witness._contradiction = lambda *_: ""
from auto_trading import main
sys.exit(main())
"""


@with_a_machine
@pytest.mark.slow
@pytest.mark.long
@pytest.mark.timeout(300)
def test_a_runner_that_does_not_see_its_disk_go_back_is_caught(tmp_path: Path) -> None:
    outcome = _attempted(f"taken_back(0, folder, crowds=1, program=('-c', {BLIND!r}))", tmp_path)

    assert any("left after its bot went back" in loss for loss in outcome.losses), outcome


def _attempted(call: str, folder: Path) -> Outcome:
    """Call in a process of its own: it takes namespaces that are not given back."""
    program = "from pathlib import Path\n"
    program += "from tests.torture.power_cuts import cuts, cuts_without_flushes\n"
    program += "from tests.torture.power_lives import leave\n"
    program += "from tests.torture.power_rollbacks import taken_back\n"
    program += f"folder = Path({str(folder)!r})\nprint({call}.model_dump_json())"
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return Outcome.model_validate_json(done.stdout)


def _nothing() -> None:
    return None
