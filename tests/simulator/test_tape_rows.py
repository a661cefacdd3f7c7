"""What anyone could see of the market before a restart can be seen after it."""

import random
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from lib.simulator.books.spans import DAY, HOUR, MINUTE
from lib.simulator.books.tape import KEPT
from lib.simulator.books.tape_rows import SURPLUS
from lib.simulator.exchange import Books
from tests.simulator.venue import SYMBOL, Venue, exchange_info, symbol_entry

ETH = "ETHUSDT"
QUESTIONS: list[tuple[str, dict[str, str]]] = [
    ("trades", {}),
    ("historicalTrades", {"fromId": "2"}),
    ("aggTrades", {"limit": "1000"}),
    *[("klines", {"interval": each}) for each in ("1s", "1m", "15m", "1h", "1d", "1w", "1M")],
    ("klines", {"interval": "1d", "timeZone": "05:45"}),
    ("avgPrice", {}),
    ("ticker/24hr", {}),
    ("ticker/price", {}),
    ("ticker", {"windowSize": "1h"}),
    ("ticker", {"windowSize": "7d"}),
    ("ticker/tradingDay", {}),
]


def opened(path: Path, now: int | None = None) -> Venue:
    info = exchange_info(symbol_entry(), symbol_entry("ETH"))
    venue = Venue(info=info, books=Books.open(path))
    venue.now = now or venue.now
    return venue


def seen(venue: Venue) -> list[Any]:
    found = [
        venue.ask(f"GET {call}", None, symbol=symbol, **params)
        for symbol in (SYMBOL, ETH)
        for call, params in QUESTIONS
    ]
    assert {answer.status for answer in found} == {200}
    return [answer.body for answer in found]


def trade(venue: Venue, chance: random.Random, count: int) -> None:
    for _ in range(count):
        venue.now += chance.choice([0, 3, 700, 50_000, 20 * MINUTE])
        venue.exchange.market_trade(
            chance.choice([SYMBOL, ETH]),
            str(chance.randint(90, 110)),
            str(chance.randint(1, 9)),
            buyer_is_maker=chance.random() < 0.5,
            time=venue.now,
        )


@pytest.mark.parametrize("seed", range(4))
def test_the_market_looks_the_same_after_every_restart(tmp_path: Path, seed: int) -> None:
    path, chance, now = tmp_path / "books", random.Random(seed), None
    for _ in range(4):
        venue = opened(path, now)
        trade(venue, chance, 60)
        venue.market("BUY", "0.1")
        venue.books.remember("replay", "")
        before, now = seen(venue), venue.now
        venue.books.close()

        again = opened(path, now)
        assert seen(again) == before
        again.books.close()


def test_what_we_traded_is_on_the_tape_though_nothing_was_closed(tmp_path: Path) -> None:
    venue = opened(tmp_path / "books")
    venue.exchange.set_book(SYMBOL, [], [("100", "5")], venue.now)
    venue.last(100)
    venue.market("BUY", "2")
    rows = venue.ask("GET trades", None, symbol=SYMBOL).body

    again = opened(tmp_path / "books")

    assert again.ask("GET trades", None, symbol=SYMBOL).body == rows
    assert [row["qty"] for row in rows] == ["0.00100000", "2.00000000"]


def test_numbers_go_on_where_they_stood(tmp_path: Path) -> None:
    venue = opened(tmp_path / "books")
    for price in (5, 6):
        venue.last(price)
    venue.books.remember("replay", "")
    venue.books.close()

    again = opened(tmp_path / "books")
    again.last(7)

    trades = again.ask("GET trades", None, symbol=SYMBOL).body
    aggregates = again.ask("GET aggTrades", None, symbol=SYMBOL).body
    assert [row["id"] for row in trades] == [1, 2, 3]
    assert [row["a"] for row in aggregates] == [1, 2, 3]


def test_quantities_beyond_the_databases_integers_are_kept(tmp_path: Path) -> None:
    venue = opened(tmp_path / "books")
    venue.last("0.00000001", "900000000000")
    venue.books.remember("replay", "")
    venue.books.close()

    (row,) = opened(tmp_path / "books").ask("GET aggTrades", None, symbol=SYMBOL).body

    assert row["q"] == "900000000000.00000000"


def test_a_wipe_takes_the_tape_too(tmp_path: Path) -> None:
    venue = opened(tmp_path / "books")
    venue.last(5)
    venue.books.remember("replay", "")
    venue.exchange.wipe()
    assert venue.ask("GET trades", None, symbol=SYMBOL).body == []
    venue.last(6)
    venue.books.remember("replay", "")
    venue.books.close()

    rows = opened(tmp_path / "books").ask("GET trades", None, symbol=SYMBOL).body

    assert [(row["id"], row["price"]) for row in rows] == [(1, "6.00000000")]


@pytest.mark.slow
def test_the_tape_on_disk_stays_bounded(tmp_path: Path) -> None:
    venue = opened(tmp_path / "books")
    for number in range(KEPT + 3 * SURPLUS):
        venue.now += 2 * MINUTE
        venue.last(100 + number % 7)
        if number % 500 == 0:
            venue.books.remember("replay", "")
    venue.books.remember("replay", "")
    before = seen_of_btc(venue)
    venue.books.close()

    with sqlite3.connect(tmp_path / "books") as connection:
        (trades,) = connection.execute("SELECT count(*) FROM trades").fetchone()
        (aggregates,) = connection.execute("SELECT count(*) FROM aggregates").fetchone()
        (seconds,) = connection.execute("SELECT count(*) FROM spans WHERE width = 1000").fetchone()
        (minutes,) = connection.execute("SELECT count(*) FROM spans WHERE width = 60000").fetchone()
    assert KEPT <= trades <= KEPT + 2 * SURPLUS
    assert KEPT <= aggregates <= KEPT + 2 * SURPLUS
    assert seconds <= HOUR // MINUTE + 2 * SURPLUS
    assert minutes <= 8 * DAY // (2 * MINUTE) + 2 * SURPLUS
    again = opened(tmp_path / "books", venue.now)
    assert seen_of_btc(again) == before


def seen_of_btc(venue: Venue) -> list[Any]:
    return [
        venue.ask(f"GET {call}", None, symbol=SYMBOL, **params).body for call, params in QUESTIONS
    ]
