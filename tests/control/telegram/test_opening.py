"""The chat is opened as .env and conf.json say, and what does not fit is told."""

from pathlib import Path

import orjson
import pytest

from lib.conf import read_conf
from lib.control.intake import Intake
from lib.control.options import Options
from lib.control.telegram.chats import Chats, NoSuchChat
from lib.control.telegram.opening import open_telegram
from lib.credentials import read_credentials
from lib.disk import REAL_DISK
from lib.mistakes import ConfError
from lib.news import News
from tests.control.telegram.bot_api import TOKEN


def intake(tmp_path: Path, environ: dict[str, str], **settings: object) -> Intake:
    (tmp_path / "conf.json").write_bytes(orjson.dumps({"bots": [], **settings}))
    credentials = read_credentials(tmp_path / ".env", environ)
    return Intake(Options(), credentials, "paper", read_conf(tmp_path / "conf.json"))


@pytest.mark.parametrize(
    ("environ", "settings", "opened", "said"),
    [
        ({}, {}, False, ""),
        ({"TELEGRAM_TOKEN": TOKEN, "TELEGRAM_CHAT_ID": "7"}, {}, True, ""),
        ({"TELEGRAM_TOKEN": TOKEN, "TELEGRAM_CHAT_ID": "7"}, {"telegram": False}, False, ""),
        ({"TELEGRAM_TOKEN": TOKEN}, {}, False, "no TELEGRAM_CHAT_ID"),
        (
            {"TELEGRAM_TOKEN": TOKEN, "TELEGRAM_CHAT_ID": "7"},
            {"chat": {"notify": 8}},
            True,
            "chat.notify is 8, and TELEGRAM_CHAT_ID does not name it; so the first one is told",
        ),
    ],
)
def test_the_chat_is_there_if_it_is_wanted_and_can_be_had(
    tmp_path: Path,
    environ: dict[str, str],
    settings: dict[str, object],
    opened: bool,
    said: str,
) -> None:
    told: list[News] = []

    found = open_telegram(intake(tmp_path, environ, **settings), tmp_path, REAL_DISK, told.append)

    assert (found is not None) is opened
    assert len(told) == bool(said)
    assert all(said in news.text for news in told)


def test_several_chats_may_be_named_and_people_are_those_with_chats_of_their_own() -> None:
    chats = Chats.parse("7, -100,@channel", senders=[99])

    assert chats.ids == [7, -100, "@channel"]
    assert chats.told == 7
    assert chats.senders == {7, 99}
    assert Chats.parse("7,-100", notify=-100).told == -100
    with pytest.raises(NoSuchChat):
        Chats.parse("7", notify=8)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TELEGRAM_CHAT_ID", "7,"),
        ("TELEGRAM_CHAT_ID", "7;8"),
        ("TELEGRAM_API", "api.telegram.org"),
        ("TELEGRAM_API", "https://me:secret@example.org"),
    ],
)
def test_what_cannot_be_meant_is_refused_by_name(tmp_path: Path, name: str, value: str) -> None:
    with pytest.raises(ConfError, match=name):
        read_credentials(tmp_path / ".env", {name: value})


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"timezone": "Europe/Berln"}, "Europe/Berlin"),
        ({"timezone": 1}, "a time zone"),
        ({"chat": {"daily": "24:00"}}, "daily"),
        ({"chat": {"dayly": "00:05"}}, "daily"),
    ],
)
def test_a_wrong_setting_is_told_with_what_was_expected(
    tmp_path: Path, settings: dict[str, object], said: str
) -> None:
    with pytest.raises(ConfError, match=said):
        intake(tmp_path, {}, **settings)
