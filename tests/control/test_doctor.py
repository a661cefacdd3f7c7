"""`doctor` names each fault it is shown with its cure: real mounts, namespaces and exchanges."""

import shlex
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from lib.context_file.folder_lock import FolderLock
from lib.control.doctor_exchange import CLOCK_OFF_MAX, clock_finding
from lib.control.doctor_findings import Finding, gravest
from lib.control.doctor_folder import lock_holder
from lib.control.exits import Exit
from lib.disk import REAL_DISK
from lib.torture.processes import clean_environment
from tests.control.folder import ROOT, conf_file, folder, generation
from tests.control.program import Program
from tests.control.simulated import LOOKS, Simulated, simulated, write_keys

PATIENCE = 60
HOUR = 3_600_000

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def exchange(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulated]:
    with simulated(tmp_path_factory.mktemp("exchange")) as found:
        yield found


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A healthy folder: one bot, its context, nothing that others may read."""
    conf_file(tmp_path)
    folder(tmp_path, generation()).chmod(0o700)
    return tmp_path


def doctor(place: Path, *words: str, inside: str = "", spaces: str = "") -> tuple[int, str]:
    """Run the real program, in namespaces of its own where a fault needs them."""
    program = [sys.executable, str(ROOT / "auto_trading.py"), "doctor", *words]
    script = f"{inside or 'true'} && exec {shlex.join(program)}"
    unshared = ["unshare", *spaces.split()] if spaces else []
    done = subprocess.run(
        [*unshared, "sh", "-c", script],
        cwd=place,
        env=clean_environment() | {"HOME": str(place)},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def cure_of(text: str, subject: str) -> str:
    """Answer what is wrong with a subject, and its cure."""
    assert f"WRONG  {subject}: " in text, text
    says, _, rest = text.partition(f"WRONG  {subject}: ")[2].partition("\n       cure: ")
    return f"{says} -> {rest.splitlines()[0]}"


def test_nothing_is_wrong_with_what_is_healthy(place: Path, exchange: Simulated) -> None:
    write_keys(place)

    code, text = doctor(place, "--venue", exchange.address)

    assert "WRONG" not in text
    assert "fine   key: it may trade" in text
    assert "fine   contexts: 1 are whole" in text
    assert code == Exit.FINE


def test_it_leaves_everything_as_it_was(place: Path) -> None:
    def seen() -> dict[str, bytes]:
        return {str(path): path.read_bytes() for path in place.rglob("*") if path.is_file()}

    before = seen()
    doctor(place)

    assert seen() == before


def test_a_clock_an_hour_off_is_named(place: Path, tmp_path: Path) -> None:
    write_keys(place)
    with simulated(tmp_path) as far_ahead:
        far_ahead.command("clock", {"jump_ms": HOUR})

        code, text = doctor(place, "--venue", far_ahead.address)

    found = cure_of(text, "clock")
    assert "3600 s behind" in found or "3599 s behind" in found
    assert "timedatectl set-ntp true" in found
    assert "fine   key" in text
    assert code == Exit.ATTENTION


@pytest.mark.parametrize(
    ("behind", "exit_code"),
    [
        (CLOCK_OFF_MAX, Exit.FINE),
        (-CLOCK_OFF_MAX, Exit.FINE),
        (CLOCK_OFF_MAX + 1, Exit.ATTENTION),
        (-CLOCK_OFF_MAX - 1, Exit.ATTENTION),
    ],
)
def test_a_clock_is_judged_both_ways_up_to_its_bound(behind: int, exit_code: Exit) -> None:
    assert clock_finding(behind).exit is exit_code


@pytest.mark.needs_root
def test_a_full_disk_is_named(place: Path) -> None:
    image = place / "disk.img"
    fill = "{ head -c 20M /dev/zero > ctx/filler 2>/dev/null; rm -f ctx/last; sync ctx/filler; }"
    script = (
        f"truncate -s 8M {image} && mkfs.ext4 -q -m 0 {image} && mount -o loop {image} ctx"
        f" && chmod 700 ctx && {fill}"
    )

    code, text = doctor(place, inside=script, spaces="--mount")

    found = cure_of(text, "disk")
    assert "is full" in found
    assert "make room" in found
    assert code == Exit.ATTENTION


@pytest.mark.needs_root
def test_a_ctx_folder_that_can_only_be_read_is_named(place: Path) -> None:
    script = "mount --bind ctx ctx && mount -o remount,bind,ro ctx"

    code, text = doctor(place, inside=script, spaces="--mount")

    found = cure_of(text, "disk")
    assert "can be read only" in found
    assert "mount it writable" in found
    assert code == Exit.NOTHING_STARTS


@pytest.mark.needs_root
@pytest.mark.parametrize(
    ("venue", "exit_code"), [("testnet", Exit.NOTHING_STARTS), ("paper", Exit.ATTENTION)]
)
def test_a_ctx_folder_in_memory_is_named(place: Path, venue: str, exit_code: Exit) -> None:
    write_keys(place)
    script = "mount -t tmpfs -o mode=700 none ctx"

    code, text = doctor(place, "--venue", venue, inside=script, spaces="--mount --net")

    found = cure_of(text, "ctx folder")
    assert "lies in memory (tmpfs)" in found
    assert "take a folder on a disk" in found
    assert code == exit_code


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604])
def test_an_env_that_others_can_read_is_named(place: Path, mode: int) -> None:
    write_keys(place, mode=mode)

    code, text = doctor(place)

    assert "chmod 600 .env" in cure_of(text, "secrets")
    assert code == Exit.NOTHING_STARTS


def test_a_wrong_key_is_named_and_not_shown(place: Path, exchange: Simulated) -> None:
    write_keys(place, "key-that-nobody-knows")

    code, text = doctor(place, "--venue", exchange.address)

    found = cure_of(text, "key")
    assert "does not take it" in found
    assert "python auto_trading.py keys" in found
    assert "key-that-nobody-knows" not in text
    assert code == Exit.NOTHING_STARTS


def test_a_key_that_may_only_look_is_named_though_its_account_may_trade(
    place: Path, exchange: Simulated
) -> None:
    write_keys(place, LOOKS)

    code, text = doctor(place, "--venue", exchange.address)

    found = cure_of(text, "key")
    assert "this key may not trade" in found
    assert "allow spot trading" in found
    assert code == Exit.NOTHING_STARTS


@pytest.mark.needs_root
def test_names_that_cannot_be_resolved_are_named(place: Path) -> None:
    write_keys(place)

    code, text = doctor(place, "--venue", "testnet", spaces="--net")

    assert "testnet.binance.vision cannot be resolved" in cure_of(text, "names")
    assert "/etc/resolv.conf" in cure_of(text, "names")
    assert "is in no network" in cure_of(text, "network")
    assert code == Exit.ATTENTION


def test_an_exchange_that_does_not_answer_is_named(place: Path) -> None:
    write_keys(place)
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{nobody.getsockname()[1]}"

        code, text = doctor(place, "--venue", address)

    assert "does not answer" in cure_of(text, "network")
    assert code == Exit.ATTENTION


def test_a_second_runner_is_named_with_its_process(place: Path) -> None:
    with Program(place, "--venue", "paper") as program:
        program.until("runner start")

        code, text = doctor(place)

        assert lock_holder(place / "ctx") == program.process.pid
    found = cure_of(text, "runner")
    assert f"process {program.process.pid}; a second one is refused" in found
    assert f"kill {program.process.pid}" in found
    assert code == Exit.BUSY


def test_a_lock_that_is_not_held_has_no_holder(place: Path) -> None:
    lock = FolderLock.take(place / "ctx", REAL_DISK)
    lock.close()

    assert lock_holder(place / "ctx") == 0


def test_a_corrupt_context_is_named(place: Path) -> None:
    file = place / "ctx/lisa.json"
    file.write_bytes(b"x" * file.stat().st_size)

    code, text = doctor(place)

    found = cure_of(text, "context lisa")
    assert "CorruptContext" in found
    assert "afresh lisa" in found
    assert code == Exit.ATTENTION


def test_a_folder_that_others_may_enter_is_named(place: Path) -> None:
    (place / "ctx").chmod(0o755)

    code, text = doctor(place)

    assert "chmod 700" in cure_of(text, "rights")
    assert code == Exit.ATTENTION


def test_a_mistake_in_the_conf_does_not_keep_the_rest_from_being_looked_at(place: Path) -> None:
    (place / "conf.json").write_text("[{]")

    code, text = doctor(place)

    assert "conf.json:1:" in cure_of(text, "conf.json")
    assert "fine   contexts" in text
    assert code == Exit.NOTHING_STARTS


@pytest.mark.parametrize(
    ("enabled", "sentence", "cure"),
    [
        (False, "not started at boot", "systemctl --user enable"),
        (True, "ends when you log out", "loginctl enable-linger"),
    ],
)
def test_a_service_that_would_not_come_back_is_named(
    place: Path, *, enabled: bool, sentence: str, cure: str
) -> None:
    units = place / ".config/systemd/user"
    (units / "default.target.wants").mkdir(parents=True)
    unit = units / "auto_trading.service"
    unit.write_text("[Unit]\n")
    if enabled:
        (units / "default.target.wants" / unit.name).symlink_to(unit)

    _, text = doctor(place)

    found = cure_of(text, "service")
    assert sentence in found
    assert cure in found


def test_the_gravest_finding_chooses_the_exit_code() -> None:
    def found(*codes: Exit) -> Exit:
        return gravest(Finding("", "", exit=code) for code in codes)

    assert found() is Exit.FINE
    assert found(Exit.FINE, Exit.ATTENTION) is Exit.ATTENTION
    assert found(Exit.ATTENTION, Exit.BUSY) is Exit.BUSY
    assert found(Exit.BUSY, Exit.NOTHING_STARTS, Exit.ATTENTION) is Exit.NOTHING_STARTS
