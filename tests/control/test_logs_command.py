"""`logs` shows what was told, of all or of one, whether or not a runner is at work."""

from pathlib import Path

import orjson
import pytest

from lib.conf import LogFileSettings
from lib.control import logs_command
from lib.control.exits import Exit
from lib.control.log_file import LogFile
from lib.control.log_lines import json_line, log_line
from lib.control.log_reading import newest_news
from lib.news import Kind, News
from tests.control.folder import command

AT = 1_732_184_000_000


def told(number: int, bot: str = "lisa", text: str = "") -> News:
    return News(AT + number * 1_000, bot, Kind.FILL, text or f"number {number}", f"a{number}")


def settings(tmp_path: Path, *, bytes_max: int = 10_000, files: int = 4) -> LogFileSettings:
    return LogFileSettings(path=str(tmp_path / "a.log"), bytes_max=bytes_max, files=files)


def write(wanted: LogFileSettings, *news: News, as_json: bool = False) -> None:
    file = LogFile(wanted)
    for each in news:
        file.write(f"{(json_line if as_json else log_line)(each)}\n".encode())


@pytest.mark.parametrize("as_json", [False, True])
def test_what_was_written_is_read_back_as_it_was_told(tmp_path: Path, as_json: bool) -> None:
    wanted = settings(tmp_path)
    news = [told(1), told(2, "bart", "two\nlines"), told(3, ""), told(4)]
    write(wanted, *news, as_json=as_json)

    assert newest_news(wanted, "", 10) == list(map(log_line, news))
    assert newest_news(wanted, "", 2) == list(map(log_line, news[2:]))
    assert newest_news(wanted, "bart", 10) == [log_line(news[1])]
    assert newest_news(wanted, "runner", 10) == [log_line(news[2])]
    assert newest_news(wanted, "maggie", 10) == []


def test_older_files_are_read_when_the_newest_has_too_little(tmp_path: Path) -> None:
    wanted = settings(tmp_path)
    write(wanted, *(told(number) for number in range(400)))

    found = newest_news(wanted, "", 300)

    assert found == [log_line(told(number)) for number in range(100, 400)]


def test_a_change_of_the_format_in_between_is_read_over(tmp_path: Path) -> None:
    wanted = settings(tmp_path)
    write(wanted, told(1))
    write(wanted, told(2), as_json=True)
    write(wanted, told(3))

    assert newest_news(wanted, "", 9) == [log_line(told(number)) for number in (1, 2, 3)]


@pytest.mark.parametrize(
    "rubbish", [b"{", b'{"bot": 1}\n', b"\xff\xfe\x00\n", b"    astray\n", b"[]\n", b'{"at":"x"}\n']
)
def test_what_cannot_be_read_is_left_out_and_the_rest_is_shown(
    tmp_path: Path, rubbish: bytes
) -> None:
    wanted = settings(tmp_path)
    (tmp_path / "a.log").write_bytes(rubbish)
    write(wanted, told(1))

    assert newest_news(wanted, "", 9) == [log_line(told(1))]


def test_without_a_file_nothing_is_read(tmp_path: Path) -> None:
    assert newest_news(LogFileSettings(), "", 9) == []
    assert newest_news(settings(tmp_path), "", 9) == []


def kept(tmp_path: Path) -> None:
    """Have conf.json keep a log, and a runner of earlier have written it."""
    wanted = settings(tmp_path)
    conf = {"bots": [], "log_file": wanted.model_dump(mode="json")}
    (tmp_path / "conf.json").write_bytes(orjson.dumps(conf))
    write(wanted, told(1), told(2, "bart"), told(3))


def test_without_a_runner_the_log_file_is_shown_and_that_it_is_said(tmp_path: Path) -> None:
    kept(tmp_path)

    found = command(tmp_path, "logs", "lisa")

    assert found.exit_code == Exit.ATTENTION
    assert "no runner is at work" in found.stderr
    assert found.stdout == f"{log_line(told(1))}\n{log_line(told(3))}\n"


def test_what_a_young_runner_has_not_told_comes_from_the_file_and_nothing_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept(tmp_path)
    fresh = f"{log_line(told(3))}\n{log_line(told(4))}"
    monkeypatch.setattr(logs_command, "recent_news", lambda *_: fresh)

    found = command(tmp_path, "logs")
    newest = command(tmp_path, "logs", "-n", "2")

    assert found.exit_code == Exit.FINE
    assert found.stdout.splitlines() == [
        log_line(each) for each in (told(1), told(2, "bart"), told(3), told(4))
    ]
    assert newest.stdout.splitlines() == fresh.splitlines()


def test_without_a_runner_and_a_file_it_says_where_to_look(tmp_path: Path) -> None:
    (tmp_path / "conf.json").write_text("[]")

    found = command(tmp_path, "logs")

    assert found.exit_code == Exit.ATTENTION
    assert "journalctl" in found.stderr
