"""`make install` makes a service of this folder, and `make uninstall` leaves what was remembered.

systemctl and loginctl are scripts here that write down what they were told; what systemd makes of
the unit is proven in test_booted_service.py.
"""

import os
import pwd
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from lib.control.exits import Exit
from lib.control.service_unit import NotInstalled, install, main, uninstall, unit_file, unit_text
from tests.control.folder import ROOT

Told = Callable[[], list[str]]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    home = tmp_path / "home"
    home.mkdir()
    return home


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder whose `check` ends with what the file `verdict` says."""
    root = tmp_path / "auto_trading"
    root.mkdir()
    (root / "auto_trading.service").write_text((ROOT / "auto_trading.service").read_text())
    (root / "auto_trading.py").write_text(
        "import pathlib, sys\nsys.exit(int(pathlib.Path('verdict').read_text()))\n"
    )
    (root / "verdict").write_text("0")
    return root


@pytest.fixture
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Told:
    """Have a systemctl and a loginctl that only write down what they are told."""
    tools, said = tmp_path / "tools", tmp_path / "said"
    tools.mkdir()
    for name in ("systemctl", "loginctl"):
        tool = tools / name
        tool.write_text(f'#!/bin/sh\necho {name} "$@" >> {said}\n[ ! -e {tmp_path}/no_{name} ]\n')
        tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tools}:{os.environ['PATH']}")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr("lib.control.service_unit.LINGERING", tmp_path / "lingering")
    return lambda: said.read_text().splitlines() if said.exists() else []


def test_the_service_starts_now_and_at_every_boot(root: Path, home: Path, told: Told) -> None:
    assert install(root, home) is Exit.FINE

    assert told() == [
        "systemctl --user daemon-reload",
        "systemctl --user enable auto_trading.service",
        "loginctl enable-linger",
        "systemctl --user restart auto_trading.service",
    ]
    unit = unit_file(home).read_text()
    assert f"ExecStart={root}/.venv/bin/python {root}/auto_trading.py" in unit
    assert "%h" not in unit


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd-analyze")
@pytest.mark.usefixtures("told")
def test_systemd_has_nothing_against_the_unit_that_was_written(root: Path, home: Path) -> None:
    program = root / ".venv/bin/python"
    program.parent.mkdir(parents=True)
    program.symlink_to(sys.executable)
    install(root, home)

    verdict = subprocess.run(
        ["systemd-analyze", "--user", "verify", str(unit_file(home))],
        env={"HOME": str(home), "XDG_RUNTIME_DIR": str(home), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (verdict.returncode, verdict.stderr) == (0, "")


def test_what_it_remembers_is_its_owners_alone(root: Path, home: Path, told: Told) -> None:
    (root / "ctx").mkdir(mode=0o755)

    install(root, home)

    assert told()
    assert [stat.S_IMODE((root / name).stat().st_mode) for name in ("ctx", "journal")] == [
        0o700
    ] * 2


def test_a_service_that_check_refuses_is_installed_and_not_started(
    root: Path, home: Path, told: Told
) -> None:
    (root / "verdict").write_text("2")

    assert install(root, home) is Exit.NOTHING_STARTS

    assert not any("start" in line for line in told())
    assert unit_file(home).exists()


def test_what_needs_a_person_does_not_keep_the_other_bots_from_running(
    root: Path, home: Path, told: Told
) -> None:
    (root / "verdict").write_text("1")

    assert install(root, home) is Exit.FINE
    assert told()[-1] == "systemctl --user restart auto_trading.service"


def test_without_the_right_to_linger_it_is_installed_and_says_so(
    root: Path, home: Path, told: Told, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "no_loginctl").touch()

    assert install(root, home) is Exit.FINE

    assert "sudo loginctl enable-linger" in capsys.readouterr().out
    assert "restart" in told()[-1]


def test_a_user_whose_services_start_at_boot_already_needs_no_right_to_linger(
    root: Path, home: Path, told: Told, tmp_path: Path
) -> None:
    (tmp_path / "lingering").mkdir()
    (tmp_path / "lingering" / pwd.getpwuid(os.getuid()).pw_name).touch()

    assert install(root, home) is Exit.FINE

    assert not any("loginctl" in line for line in told())


@pytest.mark.usefixtures("told")
def test_without_a_session_nothing_is_started_and_the_cure_named(
    root: Path, home: Path, tmp_path: Path
) -> None:
    (tmp_path / "no_systemctl").touch()

    with pytest.raises(NotInstalled, match="log in as the user itself"):
        install(root, home)


def test_root_is_refused(
    root: Path, home: Path, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)

    with pytest.raises(NotInstalled, match="not as root"):
        install(root, home)

    assert told() == []


@pytest.mark.parametrize("name", ["my bots", "100%", "a$b", 'a"b', "a\nb"])
def test_a_place_that_systemd_would_misread_is_refused(name: str) -> None:
    with pytest.raises(NotInstalled, match="move it first"):
        unit_text(Path("/home/lisa") / name)


def test_uninstalling_stops_it_and_leaves_all_that_was_remembered(
    root: Path, home: Path, told: Told
) -> None:
    install(root, home)
    for name in ("ctx/lisa.json", "conf.json", ".env"):
        (root / name).write_text("kept")

    assert uninstall(home) is Exit.FINE

    assert told()[-2:] == [
        "systemctl --user disable --now auto_trading.service",
        "systemctl --user daemon-reload",
    ]
    assert not unit_file(home).exists()
    assert {(root / name).read_text() for name in ("ctx/lisa.json", "conf.json", ".env")} == {
        "kept"
    }


def test_uninstalling_what_is_not_installed_says_so(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HOME", str(home))

    assert main(["uninstall"]) == Exit.ATTENTION
    assert "no such service" in capsys.readouterr().err
