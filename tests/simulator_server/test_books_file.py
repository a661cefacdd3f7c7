"""The books on disk are one exchange's at a time, and an exchange without books ends."""

import asyncio
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from lib.errors import Halt
from lib.simulator.paper.paper import open_paper
from tests.simulator_server.client import STILL, paper_client


@pytest.mark.asyncio
async def test_two_exchanges_never_keep_the_same_books(tmp_path: Path) -> None:
    settings = replace(STILL, books=tmp_path / "books.sqlite")
    async with paper_client(settings) as (_, client):
        with pytest.raises(Halt, match="in use by another exchange"):
            await open_paper(settings)

        assert (await client.place("a"))[0] == 200

    async with paper_client(settings) as (paper, _):
        assert [order["clientOrderId"] for order in paper.state["orders"]] == ["a"]


@pytest.mark.asyncio
async def test_an_exchange_that_could_not_begin_lets_its_books_go(tmp_path: Path) -> None:
    settings = replace(STILL, books=tmp_path / "books.sqlite")
    with pytest.raises(OSError, match="bind"):
        await open_paper(replace(settings, host="192.0.2.1"))

    async with paper_client(settings) as (paper, _):
        assert paper.state["orders"] == []


@pytest.mark.parametrize("name", ["", "missing/books.sqlite", "text"])
@pytest.mark.asyncio
async def test_a_file_that_holds_no_books_is_refused_in_words(tmp_path: Path, name: str) -> None:
    (tmp_path / "text").write_text("no books, but long enough to be taken for some" * 100)

    with pytest.raises(Halt, match="cannot be opened"):
        await open_paper(replace(STILL, books=tmp_path / name))


@pytest.mark.asyncio
async def test_an_exchange_ends_once_its_books_cannot_be_written(tmp_path: Path) -> None:
    settings = replace(STILL, books=tmp_path / "books.sqlite")
    async with paper_client(settings) as (paper, client):
        serving = asyncio.create_task(paper.serve())
        with closing(sqlite3.connect(tmp_path / "books.sqlite")) as another:
            another.execute("DROP TABLE orders")

        status, _ = await client.place_raw("a")

        assert status == 500
        async with asyncio.timeout(2):
            with pytest.raises(Halt, match="could not be written"):
                await serving


@pytest.mark.asyncio
async def test_books_of_a_later_format_are_refused_in_words(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "books.sqlite")) as later:
        later.execute("PRAGMA user_version = 99")

    with pytest.raises(Halt, match="books of format 99"):
        await open_paper(replace(STILL, books=tmp_path / "books.sqlite"))
