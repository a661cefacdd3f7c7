"""The control socket answers its owner, in a line for a line, and survives whatever it is sent."""

import asyncio
import os
import socket
import stat
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import orjson
import pytest

from lib.control import socket_server
from lib.control.request import Request, Verb
from lib.control.socket_client import NoAnswer, NoRunner, NotAllowed, recent_news, tell
from lib.control.socket_server import RecentNews, SocketServer
from lib.control.socket_words import LINE_MAX, NAME, short_path
from lib.news import Kind, News
from lib.shelf import Shelf

NOW = 1_700_000_000_000
PAUSE = b'{"id":"1","verb":"pause","bots":["lisa"],"by":"pi"}\n'


class Notes:
    """An office that notes what it is asked."""

    def __init__(self) -> None:
        self.asked: list[Request] = []

    async def obey(self, request: Request) -> str:
        self.asked.append(request)
        return f"{request.verb} {', '.join(request.bots) or 'all'}"


def served(
    folder: Path, talk: Callable[[Notes], Awaitable[None]], office: Notes | None = None
) -> Notes:
    """Serve a folder while somebody talks to it."""
    notes, recent = office or Notes(), RecentNews()
    recent(News(NOW, "lisa", Kind.FILL, "bought 1"))
    recent(News(NOW, "", Kind.WEATHER, "it rains"))

    async def story() -> None:
        server = SocketServer(notes.obey, recent, folder, lambda: NOW)
        serving = asyncio.create_task(server.serve())
        while not (folder / NAME).exists():
            await asyncio.sleep(0.001)
        await talk(notes)
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)

    asyncio.run(story())
    return notes


def said_to(folder: Path, *lines: bytes) -> list[dict[str, str]]:
    """Send lines over one connection; answer what comes back until it ends."""
    answers: list[dict[str, str]] = []

    async def talk(_: Notes) -> None:
        answers.extend(await asyncio.to_thread(_exchange, folder, lines))

    served(folder, talk)
    return answers


def _exchange(folder: Path, lines: tuple[bytes, ...]) -> list[dict[str, str]]:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(5)
        with short_path(folder) as path:
            connection.connect(path)
        for line in lines:
            connection.sendall(line)
        connection.shutdown(socket.SHUT_WR)
        with connection.makefile("rb") as answers:
            return [orjson.loads(answer) for answer in answers]


def test_a_request_in_a_line_is_obeyed_and_answered_in_a_line(tmp_path: Path) -> None:
    async def talk(_: Notes) -> None:
        assert await asyncio.to_thread(tell, tmp_path, Verb.PAUSE, ("lisa",)) == "pause lisa"
        assert await asyncio.to_thread(tell, tmp_path, Verb.KILL, flatten=True) == "kill all"

    first, second = served(tmp_path, talk).asked

    assert (first.verb, first.bots, first.flatten) == (Verb.PAUSE, ("lisa",), False)
    assert (second.verb, second.bots, second.flatten) == (Verb.KILL, (), True)
    assert first.asked_at == NOW
    assert first.by.endswith("by command")
    assert first.id != second.id


def test_many_lines_on_one_connection_are_answered_in_their_order(tmp_path: Path) -> None:
    again = PAUSE.replace(b"pause", b"resume")

    assert said_to(tmp_path, PAUSE, again, PAUSE) == [
        {"answer": "pause lisa"},
        {"answer": "resume lisa"},
        {"answer": "pause lisa"},
    ]


def test_a_bot_may_have_the_name_of_a_question(tmp_path: Path) -> None:
    pause = b'{"id":"1","verb":"pause","bots":["show"]}\n'

    assert said_to(tmp_path, pause) == [{"answer": "pause show"}]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b"7\n", "an object"),
        (b"rubbish\n", "Invalid JSON"),
        (b"[]\n", "an object"),
        (b"{}\n", "required"),
        (b'{"id":"1","verb":"pasue"}\n', "verb"),
        (b'{"id":"","verb":"pause"}\n', "id"),
        (b'{"id":"1","verb":"pause","more":1}\n', "more"),
        (b'{"id":"1","verb":"kill","flatten":"perhaps"}\n', "flatten"),
        (b"\xff\xfe\n", "Invalid JSON"),
        (b"\n", "Invalid JSON"),
    ],
)
def test_a_line_that_is_no_request_is_refused_and_the_next_is_obeyed(
    tmp_path: Path, line: bytes, said: str
) -> None:
    refused, obeyed = said_to(tmp_path, line, PAUSE)

    assert said in refused["refused"]
    assert obeyed == {"answer": "pause lisa"}


def test_a_line_without_an_end_is_refused_and_ends_the_connection(tmp_path: Path) -> None:
    (refused,) = said_to(tmp_path, b"x" * (LINE_MAX + 10) + b"\n")

    assert "at most" in refused["refused"]


def test_half_a_line_is_not_obeyed(tmp_path: Path) -> None:
    assert said_to(tmp_path, PAUSE[:-1]) == []


def test_the_socket_is_its_owners_alone(tmp_path: Path) -> None:
    async def talk(_: Notes) -> None:
        found = (tmp_path / NAME).stat()
        assert stat.S_ISSOCK(found.st_mode)
        assert stat.S_IMODE(found.st_mode) == 0o600

    served(tmp_path, talk)


def test_another_user_is_not_answered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    user = os.geteuid()
    monkeypatch.setattr("os.geteuid", lambda: user + 1)
    monkeypatch.setattr(socket_server, "ROOT", -1)

    async def talk(_: Notes) -> None:
        with suppress(ConnectionError):
            assert await asyncio.to_thread(_exchange, tmp_path, (PAUSE,)) == []

    assert served(tmp_path, talk).asked == []


def test_the_socket_of_a_dead_runner_is_replaced(tmp_path: Path) -> None:
    left = socket.socket(socket.AF_UNIX)
    with short_path(tmp_path) as path:
        left.bind(path)
    left.close()

    async def talk(_: Notes) -> None:
        while await asyncio.to_thread(_deaf, tmp_path):
            await asyncio.sleep(0.001)
        assert await asyncio.to_thread(tell, tmp_path, Verb.UNKILL) == "unkill all"

    served(tmp_path, talk)


def _deaf(folder: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as connection, short_path(folder) as path:
        return connection.connect_ex(path) != 0


def test_a_folder_with_a_long_name_has_its_socket_too(tmp_path: Path) -> None:
    folder = tmp_path / ("long" * 40)
    folder.mkdir()

    assert said_to(folder, PAUSE) == [{"answer": "pause lisa"}]


def test_without_a_runner_the_one_who_asks_is_told_so(tmp_path: Path) -> None:
    with pytest.raises(NoRunner, match="no runner is at work"):
        tell(tmp_path, Verb.PAUSE)
    with pytest.raises(NoRunner):
        tell(tmp_path / "nowhere", Verb.PAUSE)


def test_a_runner_that_does_not_listen_is_not_taken_for_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lib.control.socket_client.AGAIN_FOR", 0.0)
    shelf = Shelf.open(tmp_path, allow_volatile=True)

    with pytest.raises(NoAnswer, match="does not listen"):
        tell(tmp_path, Verb.PAUSE)

    shelf.close()


class Mortal(Notes):
    """An office whose runner dies before its first answer."""

    async def obey(self, request: Request) -> str:
        if not self.asked:
            self.asked.append(request)
            raise ConnectionResetError("dead")
        return await super().obey(request)


def test_a_lost_answer_is_asked_for_again_under_the_same_id(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lib.control.socket_client.PAUSE", 0.01)

    async def talk(_: Notes) -> None:
        assert await asyncio.to_thread(tell, tmp_path, Verb.FLATTEN, ("lisa",)) == "flatten lisa"

    first, second = served(tmp_path, talk, Mortal()).asked
    assert first.id == second.id


def test_what_may_have_been_done_is_not_called_undone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lib.control.socket_client.AGAIN_FOR", 0.0)

    async def talk(_: Notes) -> None:
        with pytest.raises(NoAnswer, match="shows whether it was done"):
            await asyncio.to_thread(tell, tmp_path, Verb.FLATTEN)

    served(tmp_path, talk, Mortal())


class Broken(Notes):
    """An office that has a bug."""

    async def obey(self, request: Request) -> str:
        await super().obey(request)
        raise LookupError("no such thing")


def test_a_request_that_goes_wrong_is_answered_once_and_not_repeated(tmp_path: Path) -> None:
    async def talk(_: Notes) -> None:
        with pytest.raises(NotAllowed, match="that went wrong: LookupError: no such thing"):
            await asyncio.to_thread(tell, tmp_path, Verb.PAUSE, ("lisa",))

    assert len(served(tmp_path, talk, Broken()).asked) == 1


def test_what_the_runner_refuses_is_told_in_its_words(tmp_path: Path) -> None:
    async def talk(_: Notes) -> None:
        with pytest.raises(NotAllowed, match="lines"):
            await asyncio.to_thread(recent_news, tmp_path, "", 0)

    served(tmp_path, talk)


def test_the_newest_news_are_shown_of_all_of_one_bot_and_of_the_program(tmp_path: Path) -> None:
    shown: dict[str, str] = {}

    async def talk(_: Notes) -> None:
        for bot in ("", "lisa", "runner", "bart"):
            shown[bot] = await asyncio.to_thread(recent_news, tmp_path, bot, 5)

    served(tmp_path, talk)
    both, lisa, runner, bart = shown.values()
    assert both == f"{lisa}\n{runner}"
    assert lisa.endswith("lisa fill: bought 1")
    assert runner.endswith("runner weather: it rains")
    assert bart == ""
