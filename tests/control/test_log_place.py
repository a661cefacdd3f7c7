"""A log file that conf.json puts onto another file of the program lets nothing start."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from lib.conf import LogFileSettings
from lib.control.intake import take_in
from lib.control.options import Options
from lib.mistakes import ConfError

BEFORE = b"what a bot remembers"


def options(tmp_path: Path, log: str) -> Options:
    """Write a conf.json that wants its log there."""
    conf = tmp_path / "conf.json"
    conf.write_text(f'{{"bots": [], "log_file": {{"path": "{log}"}}}}')
    return Options(conf=conf, ctx=tmp_path / "ctx", venue="paper")


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ctx").mkdir()
    (tmp_path / "ctx" / "lisa.json").write_bytes(BEFORE)
    (tmp_path / "way").symlink_to(tmp_path / "ctx")


@pytest.mark.parametrize("log", ["ctx/lisa.json", "ctx/runner.log", "way/lisa.json", "ctx"])
def test_no_log_is_where_the_bots_files_are(tmp_path: Path, log: str) -> None:
    with pytest.raises(ConfError, match=r"log_file.path: a log in .*ctx, where the bots' files"):
        take_in(options(tmp_path, log))

    assert (tmp_path / "ctx" / "lisa.json").read_bytes() == BEFORE


@pytest.mark.parametrize("log", ["conf.json", "./conf.json", ".env"])
def test_no_log_is_a_file_that_the_person_wrote(tmp_path: Path, log: str) -> None:
    with pytest.raises(ConfError, match=r"is no log: it would be written into"):
        take_in(options(tmp_path, log))


@pytest.mark.parametrize("log", ["log/runner.log", "ctx.log", "conf.json.log"])
def test_a_log_anywhere_else_is_taken(tmp_path: Path, log: str) -> None:
    assert take_in(options(tmp_path, log)).conf.settings.log_file.path == log


@pytest.mark.parametrize("log", ["", "  ", "a\0b"])
def test_what_no_file_can_be_named_is_refused(log: str) -> None:
    with pytest.raises(ValidationError, match="the path of a file"):
        LogFileSettings(path=log)
