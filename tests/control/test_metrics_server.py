"""Prometheus is answered at 127.0.0.1, and nobody else, whatever is asked."""

import asyncio
import socket

import pytest

from lib.control import metrics_server
from lib.control.metrics_server import CONNECTIONS_MAX, HEAD_MAX, MetricsServer

PAGE = "# HELP a x\n# TYPE a gauge\na 1\n"


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


async def ask(port: int, question: bytes, host: str = "127.0.0.1") -> bytes:
    reader, writer = await asyncio.open_connection(host, port)
    writer.write(question)
    try:
        return await reader.read()
    except ConnectionResetError:  # of a question that nobody read to its end
        return b""
    finally:
        writer.close()


def answers(*questions: bytes) -> list[bytes]:
    """Answer what a server says to each, asked one after the other."""

    async def story() -> list[bytes]:
        port = free_port()
        serving = asyncio.create_task(MetricsServer(lambda: PAGE, port).serve())
        await asyncio.sleep(0)
        while True:
            try:
                found = [await ask(port, question) for question in questions]
                break
            except ConnectionRefusedError:
                await asyncio.sleep(0.001)
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)
        return found

    return asyncio.run(story())


def get(path: str = "/metrics", method: str = "GET", host: str = "localhost:9464") -> bytes:
    return f"{method} {path} HTTP/1.1\r\nHost: {host}\r\nAccept: */*\r\n\r\n".encode()


def test_the_page_is_answered_with_its_type_and_length() -> None:
    (answer,) = answers(get())

    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"Content-Type: text/plain; version=0.0.4" in head
    assert f"Content-Length: {len(body)}".encode() in head
    assert body.decode() == PAGE


@pytest.mark.parametrize(
    ("question", "status"),
    [
        (get("/metrics?name=x"), 200),
        (get("/"), 404),
        (get("/metrics/x"), 404),
        (get(method="POST"), 405),
        (get(host="evil.example"), 403),
        (get(host="127.0.0.1.evil.example:80"), 403),
        (b"GET /metrics HTTP/1.0\r\n\r\n", 200),
        (b"\r\n\r\n", 400),
        (b"GET\r\n\r\n", 400),
        (b"\xff\xfe\x00 x y\r\n\r\n", 400),
        (b"GET /metrics SSH/2\r\n\r\n", 400),
    ],
)
def test_only_the_page_is_given_and_only_under_this_machines_own_name(
    question: bytes, status: int
) -> None:
    answer, after = answers(question, get())

    assert answer.startswith(f"HTTP/1.1 {status} ".encode())
    assert (PAGE.encode() in answer) is (status == 200)
    assert PAGE.encode() in after


def test_a_head_request_gets_no_body() -> None:
    (answer,) = answers(get(method="HEAD"))

    assert answer.startswith(b"HTTP/1.1 200")
    assert answer.endswith(b"\r\n\r\n")


def test_a_question_without_an_end_is_not_read_for_ever() -> None:
    refused, after = answers(b"GET /" + b"x" * (3 * HEAD_MAX), get())

    assert refused == b"" or refused.startswith(b"HTTP/1.1 400")
    assert PAGE.encode() in after


@pytest.mark.asyncio
async def test_who_connects_and_says_nothing_is_let_go_and_does_not_crowd_out_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(metrics_server, "PATIENCE", 0.05)
    port = free_port()
    serving = asyncio.create_task(MetricsServer(lambda: PAGE, port).serve())
    await asyncio.sleep(0.01)

    silent = [await asyncio.open_connection("127.0.0.1", port) for _ in range(CONNECTIONS_MAX)]
    crowded = await ask(port, get())
    ends = [await reader.read() for reader, _ in silent]
    after = await ask(port, get())

    assert crowded == b""
    assert ends == [b""] * CONNECTIONS_MAX
    assert PAGE.encode() in after
    for _, writer in silent:
        writer.close()
    serving.cancel()
    await asyncio.gather(serving, return_exceptions=True)


@pytest.mark.asyncio
async def test_it_is_not_reached_by_any_other_address_of_the_machine() -> None:
    port = free_port()
    serving = asyncio.create_task(MetricsServer(lambda: PAGE, port).serve())
    await asyncio.sleep(0.01)

    with pytest.raises(ConnectionRefusedError):
        await ask(port, get(), "127.0.0.2")

    serving.cancel()
    await asyncio.gather(serving, return_exceptions=True)


@pytest.mark.asyncio
async def test_a_port_that_is_taken_is_an_error_at_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(OSError, match="in use"):
        await MetricsServer(lambda: PAGE, taken.getsockname()[1]).serve()
