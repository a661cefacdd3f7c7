"""`doctor` names what would keep the log from being written and the metrics from being seen."""

import socket
from pathlib import Path

import pytest

from lib.conf import RunnerSettings
from lib.control import doctor_watch
from lib.control.doctor_findings import Finding
from lib.control.doctor_watch import examine_watch
from lib.control.exits import Exit
from lib.shelf import Shelf


def found(tmp_path: Path, **settings: object) -> list[Finding]:
    wanted = RunnerSettings.model_validate(settings)
    return list(examine_watch(wanted, tmp_path / "ctx", home=tmp_path))


def log_finding(tmp_path: Path, path: Path) -> Finding:
    (finding,) = found(tmp_path, log_file={"path": str(path)})
    return finding


def test_what_is_not_wanted_is_not_looked_at(tmp_path: Path) -> None:
    assert found(tmp_path) == []


@pytest.mark.parametrize("name", ["runner.log", "log/runner.log", "a/b/c/runner.log", "there.log"])
def test_a_log_file_that_can_be_written_is_fine_and_left_as_it_is(
    tmp_path: Path, name: str
) -> None:
    (tmp_path / "there.log").write_text("kept\n")
    before = sorted(tmp_path.rglob("*"))

    assert log_finding(tmp_path, tmp_path / name).exit is Exit.FINE
    assert sorted(tmp_path.rglob("*")) == before
    assert (tmp_path / "there.log").read_text() == "kept\n"


@pytest.mark.parametrize(
    ("name", "why"), [("folder", "no plain file"), ("file/runner.log", "folder"), ("link", "plain")]
)
def test_a_place_where_no_log_can_be_is_named_with_its_cure(
    tmp_path: Path, name: str, why: str
) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("")
    (tmp_path / "link").symlink_to(tmp_path / "file")

    finding = log_finding(tmp_path, tmp_path / name)

    assert why in finding.says
    assert "log_file.path" in finding.cure
    assert finding.exit is Exit.ATTENTION


def test_a_folder_that_this_user_may_not_write_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.access", lambda *_: False)  # root may write anywhere

    assert "may not write" in log_finding(tmp_path, tmp_path / "runner.log").says


@pytest.mark.parametrize(("name", "code"), [("log/a.log", Exit.FINE), ("a.log", Exit.ATTENTION)])
def test_a_log_file_outside_the_services_walls_is_named(
    tmp_path: Path, name: str, code: Exit
) -> None:
    units = tmp_path / ".config/systemd/user"
    units.mkdir(parents=True)
    walls = f"{tmp_path}/ctx -{tmp_path}/journal -{tmp_path}/log"
    (units / "auto_trading.service").write_text(f"[Service]\nReadWritePaths={walls}\n")

    finding = log_finding(tmp_path, tmp_path / name)

    assert finding.exit is code
    assert ("ReadWritePaths=" in finding.cure) is (code is Exit.ATTENTION)


def test_walls_that_were_widened_beside_the_unit_are_seen(tmp_path: Path) -> None:
    unit = tmp_path / ".config/systemd/user/auto_trading.service"
    widened = unit.with_name(f"{unit.name}.d") / "override.conf"
    widened.parent.mkdir(parents=True)
    unit.write_text(f"[Service]\nReadWritePaths={tmp_path}/ctx\n")
    widened.write_text(f"[Service]\nReadWritePaths={tmp_path}/elsewhere\n")

    assert log_finding(tmp_path, tmp_path / "elsewhere/a.log").exit is Exit.FINE
    assert log_finding(tmp_path, tmp_path / "nowhere/a.log").exit is Exit.ATTENTION


def test_a_port_that_is_taken_is_named_and_one_that_is_free_is_fine(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        (finding,) = found(tmp_path, metrics=port)
        assert "taken by another program" in finding.says
        assert finding.exit is Exit.ATTENTION

    (finding,) = found(tmp_path, metrics=port)
    assert finding.exit is Exit.FINE


def test_the_port_of_the_runner_at_work_is_not_called_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "ctx").mkdir()
    shelf = Shelf.open(tmp_path / "ctx", allow_volatile=True)
    monkeypatch.setattr(doctor_watch, "_is_ours", lambda _: True)

    with socket.create_server(("127.0.0.1", 0)) as ours:
        (finding,) = found(tmp_path, metrics=ours.getsockname()[1])

    assert "a runner serves them" in finding.says
    shelf.close()
