"""A runner at work reads conf.json again: told by command, by signal, by systemd."""

import os
import pty
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from lib.control.exits import Exit
from lib.control.reload_reading import check_place
from lib.control.reload_words import SAME, TAKEN, UNCHANGED
from lib.mistakes import ConfError
from lib.torture.processes import clean_environment
from tests.control.folder import ROOT, conf_file, newest
from tests.control.program import Program
from tests.control.test_vitals import Systemd

pytestmark = pytest.mark.slow

FAR = {
    "function": "dip_buyer",
    "symbol": "BTCUSDT",
    "quantity": "0.01",
    "dip": "0.2",
    "rebound": "0.1",
}
NEAR = {**FAR, "dip": "0.1"}


@pytest.fixture
def runner(tmp_path: Path) -> Iterator[Program]:
    """A runner whose bot `far` has an order in the book."""
    conf_file(tmp_path, far=FAR)
    with Program(tmp_path) as program:
        program.until("far order: .* is in the book")
        yield program


def reloaded(folder: Path, *words: str) -> tuple[int, str]:
    with Program(folder, "reload", *words) as command:
        return command.ended(), command.output


def test_a_bot_is_added_changed_and_taken_out_without_a_restart(
    tmp_path: Path, runner: Program
) -> None:
    conf_file(tmp_path, far=NEAR, more={**FAR, "symbol": "ETHUSDT", "quantity": "0.1"})

    code, said = reloaded(tmp_path)

    assert (code, said.split("\n")[0]) == (Exit.FINE, f"{TAKEN}:")
    assert 'far: dip: "0.2" → "0.1"; counts from the next lap' in said
    assert "more: new; it begins once" in said
    runner.until("more order: .* is in the book")
    conf_file(tmp_path, more={**FAR, "symbol": "ETHUSDT", "quantity": "0.1"})
    code, said = reloaded(tmp_path, "--removed", "cancel")
    assert code == Exit.FINE
    assert "far: taken out; being canceled, and nothing sold: BUY 0.01 BTCUSDT at" in said
    runner.until("far result: its orders are canceled, nothing was sold\n")
    assert reloaded(tmp_path) == (Exit.FINE, f"{SAME}\n")


def test_a_mistake_changes_nothing_and_is_told_as_check_tells_it(
    tmp_path: Path, runner: Program
) -> None:
    conf_file(tmp_path, far={**FAR, "dipp": "0.1"}, more={**FAR, "quantity": "ten"})
    with Program(tmp_path, "check") as check:
        check.ended()
        mistakes = check.output.splitlines()

    code, said = reloaded(tmp_path)

    assert code == Exit.ATTENTION
    first, *lines = said.splitlines()
    assert first == f"{UNCHANGED}:"
    assert len(lines) >= 4
    assert set(lines) <= set(mistakes)
    assert runner.process.poll() is None
    assert newest(tmp_path / "ctx", "far").conf["dip"] == "0.2"


@pytest.mark.parametrize("spoil", ["[{", None])
def test_a_conf_that_is_gone_or_spoilt_changes_nothing(
    tmp_path: Path, runner: Program, spoil: str | None
) -> None:
    path = tmp_path / "conf.json"
    path.unlink() if spoil is None else path.write_text(spoil)

    code, said = reloaded(tmp_path)

    assert code == Exit.ATTENTION
    assert said.startswith(f"{UNCHANGED}:\nconf.json")
    assert runner.process.poll() is None


def test_the_runner_s_own_settings_and_another_venue_wait_for_the_next_start(
    tmp_path: Path, runner: Program
) -> None:
    listed = (tmp_path / "conf.json").read_text()
    (tmp_path / "conf.json").write_text(
        f'{{"poll": "10s", "journal": {{"file": "elsewhere.sqlite"}}, "bots": {listed}}}'
    )
    (tmp_path / ".env").write_text(
        "BINANCE_API_KEY=k\nBINANCE_API_SECRET=s\nBINANCE_API_TEST=true\n"
    )
    (tmp_path / ".env").chmod(0o600)

    code, said = reloaded(tmp_path)

    assert code == Exit.FINE
    assert said.splitlines()[1:] == [
        'journal.file: nothing → "elsewhere.sqlite"; counts from the next start',
        "poll: 30000 → 10000; counts from the next start",
        "venue: paper → testnet; counts from the next start",
        "the key in .env: another one; counts from the next start",
    ]
    assert runner.process.poll() is None


def test_without_a_runner_it_says_that_the_next_start_reads_it_anyway(tmp_path: Path) -> None:
    conf_file(tmp_path)

    code, said = reloaded(tmp_path)

    assert code == Exit.ATTENTION
    assert "counts from the next start" in said


def test_a_hangup_of_a_service_is_a_reload(tmp_path: Path, runner: Program) -> None:
    conf_file(tmp_path, far=NEAR)

    runner.process.send_signal(signal.SIGHUP)

    told = runner.until(r"runner start: conf.json was read again \(by SIGHUP\)(.*\n)*.*next lap")
    assert 'far: dip: "0.2" → "0.1"' in told
    runner.process.send_signal(signal.SIGHUP)
    runner.until(SAME)
    assert runner.process.poll() is None


def test_a_hangup_of_a_terminal_ends_the_runner(tmp_path: Path) -> None:
    conf_file(tmp_path, far=FAR)
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, str(ROOT / "auto_trading.py")],
        cwd=tmp_path,
        env=clean_environment() | {"TERM": "xterm"},
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=theirs,
    ) as process:
        os.close(theirs)
        while not (tmp_path / "ctx/far.json").exists():
            os.read(ours, 4096)
        process.send_signal(signal.SIGHUP)
        try:
            while os.read(ours, 4096):
                pass
        except OSError:  # the other side is gone
            os.close(ours)
        assert process.wait(10) == Exit.FINE


def test_systemd_hears_when_a_reload_begins_and_when_it_is_over(tmp_path: Path) -> None:
    conf_file(tmp_path, far=FAR)
    listener = Systemd(tmp_path / "notify")
    with Program(tmp_path, environ={"NOTIFY_SOCKET": str(listener.path)}) as program:
        program.until("far order: .* is in the book")
        listener.heard()
        assert reloaded(tmp_path) == (Exit.FINE, f"{SAME}\n")
        words = [word.split("\n")[0] for word in listener.heard()]
    listener.close()

    assert [word for word in words if word in {"RELOADING=1", "READY=1"}] == [
        "RELOADING=1",
        "READY=1",
    ]


def test_a_conf_that_lost_its_name_because_another_took_it_is_refused(tmp_path: Path) -> None:
    conf_file(tmp_path, far=FAR)
    mounted = (tmp_path / "conf.json").open()
    held = Path(f"/proc/self/fd/{mounted.fileno()}")
    check_place(held)

    (tmp_path / "new").write_text("[]")
    (tmp_path / "new").replace(tmp_path / "conf.json")

    with pytest.raises(ConfError, match="restart the container"):
        check_place(held)
    mounted.close()
