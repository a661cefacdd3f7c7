"""`orders` and `fills` tell from the journal what bots did, whether or not a runner is at work."""

import csv
import io
import re
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from auto_trading import main
from lib.control.exits import Exit
from lib.control.journal_reading import Question, ask
from lib.exchange import Fill
from lib.ids import make_id
from lib.journal.file import FORMAT, JournalFile
from lib.journal.order_journal import OrderJournal
from lib.journal.writer import JournalWriter
from lib.money import SymbolRules
from lib.orders import Order, OrderState
from tests.control.folder import BIRTH, ROOT, TAG, command, conf_file, generation
from tests.control.folder import order as any_order
from tests.control.program import Program
from tests.test_journal_writer import as_format_1

HOUR = 3_600_000
RULES = {"BTCUSDT": SymbolRules(symbol="BTCUSDT", base_asset="BTC", quote_asset="USDT")}


@pytest.fixture(autouse=True)
def berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A person in Berlin, in winter."""
    import time

    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


class Journal:
    """A journal as a runner leaves it behind; each order ends an hour after the one before."""

    def __init__(self, tmp_path: Path) -> None:
        conf_file(tmp_path)
        self.path = tmp_path / "journal" / "orders.sqlite"
        self.file = JournalFile(self.path)
        self.at = BIRTH
        self._count = 0
        self._writer = JournalWriter(
            self.file, tell=lambda _: None, now=lambda: self.at, redact=str
        )
        self._journal = OrderJournal(self._writer, lambda: self.at, wall_ms=lambda: self.at)
        self._journal.connect(venue="paper", account="7", installation=TAG, rules=RULES)

    def end(self, state: OrderState, *fills: Fill, bot: str = "lisa", **facts: Any) -> Order:
        """Journal one order's end."""
        self._count += 1
        self.at += HOUR
        self._journal.introduce(generation(bot))
        client_order_id = make_id(
            installation=TAG, bot=bot, birth=BIRTH, counter=self._count, leg="a"
        )
        executed = sum((fill.quantity for fill in fills), Decimal(0))
        quote = sum((fill.quote for fill in fills), Decimal(0))
        known = {"order_id": self._count, "executed": executed, "executed_quote": quote}
        ended = any_order(state).model_copy(
            update={"id": client_order_id, "ended_at": self.at, "fills": [*fills], **known, **facts}
        )
        self._journal.ended(bot, ended)
        self._writer.turn()
        return ended

    def fill(self, quantity: str, price: str, fee: str = "0.1", asset: str = "USDT") -> Fill:
        self._count += 1
        amount = Decimal(quantity)
        return Fill(
            trade_id=self._count,
            price=Decimal(price),
            quantity=amount,
            quote=amount * Decimal(price),
            commission=Decimal(fee),
            commission_asset=asset,
            time=self.at + HOUR,
        )


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    journal = Journal(tmp_path)
    yield journal
    journal.file.close()


def asked(journal: Journal, *words: str) -> list[str]:
    result = command(journal.path.parents[1], *words)
    assert result.exit_code == Exit.FINE, result.output
    return result.stdout.splitlines()


def told(result: Result) -> str:
    assert "Traceback" not in result.output
    return result.output


# --- for a person


def test_an_order_is_told_with_exact_amounts_and_the_zone_of_its_time(journal: Journal) -> None:
    journal.end(OrderState.FILLED, journal.fill("0.01", "59999.5"), comment="the morning's dip")

    titles, line, _, count = asked(journal, "orders")

    assert titles.split()[:4] == ["time", "bot", "symbol", "side"]
    assert re.split(r"  +", line) == [
        "2023-11-15 00:13:20 CET", "lisa", "BTCUSDT", "BUY", "LIMIT", "0.01", "60000",
        "0.01", "59999.5", "filled", "2", "the morning's dip",
    ]  # fmt: skip
    assert count == "1 orders"


def test_fills_add_up_exactly_by_asset_also_those_not_shown(journal: Journal) -> None:
    journal.end(
        OrderState.FILLED,
        journal.fill("0.1", "60000", "0.00001", "BNB"),
        journal.fill("0.2", "60000.1", "0.00002", "BNB"),
    )
    journal.end(OrderState.FILLED, journal.fill("0.3", "61000.7", "18.30021"), side="SELL")

    lines = asked(journal, "fills", "--limit", "1")

    assert lines[1].split()[5:9] == ["SELL", "0.3", "61000.7", "18300.21"]
    assert lines[3:] == [
        "the newest 1 of 3 fills; --limit 0 shows all",
        "all 3 fills together:",
        "  bought 0.3 BTC for 18000.02 USDT",
        "  sold   0.3 BTC for 18300.21 USDT",
        "  fees   0.00003 BNB",
        "  fees   18.30021 USDT",
    ]


@pytest.mark.parametrize(
    ("words", "bots"),
    [
        (["--bot", "BART"], ["bart"]),
        (["--symbol", "ethusdt"], ["maggie"]),
        (["--state", "canceled"], ["maggie"]),
        (["--since", "2023-11-15 02:00"], ["maggie"]),
        (["--since", "2023-11-15T01:00:00Z"], ["maggie"]),
        (["--until", "2023-11-15 01:00"], ["lisa"]),
        (["--since", "2023-11-15 01:00", "--until", "2023-11-15 02:00"], ["bart"]),
        (["--since", "1h"], []),
        (["--limit", "2"], ["bart", "maggie"]),
        (["--limit", "0"], ["lisa", "bart", "maggie"]),
        ([], ["lisa", "bart", "maggie"]),
    ],
)
def test_rows_are_chosen_by_bot_symbol_state_time_and_number(
    journal: Journal, words: list[str], bots: list[str]
) -> None:
    journal.end(OrderState.FILLED, journal.fill("0.1", "60000"))
    journal.end(OrderState.REJECTED, bot="bart")
    journal.end(OrderState.CANCELED, bot="maggie", symbol="ETHUSDT")

    lines = asked(journal, "orders", *words)

    assert [line.split()[3] for line in lines[1 : lines.index("")]] == bots


def listed(journal: Journal) -> str:
    """Journal a pair of which one was taken, and an order on its own."""
    list_id = make_id(installation=TAG, bot="lisa", birth=BIRTH, counter=77, leg="b")
    journal.end(OrderState.FILLED, journal.fill("0.1", "60000"), list_id=list_id, side="SELL")
    journal.end(OrderState.EXPIRED, list_id=list_id, side="SELL")
    journal.end(OrderState.FILLED, journal.fill("0.2", "60000"))
    return list_id


@pytest.mark.parametrize("length", [32, 7])
def test_the_orders_of_one_list_are_found_by_its_id_or_the_end_of_it(
    journal: Journal, length: int
) -> None:
    list_id = listed(journal)

    orders = asked(journal, "orders", "--list", list_id[-length:])
    fills = asked(journal, "fills", "--list", list_id[-length:])

    assert orders[-1] == "2 orders"
    assert fills[3:] == [
        "1 fills",
        "all 1 fills together:",
        "  sold   0.1 BTC for 6000 USDT",
        "  fees   0.1 USDT",
    ]


def test_the_list_of_an_order_is_shown_where_there_is_one(journal: Journal) -> None:
    journal.end(OrderState.FILLED, journal.fill("0.1", "60000"))
    without = asked(journal, "orders")[0]
    list_id = listed(journal)

    titles, single, first, *_ = asked(journal, "orders")

    assert "list" not in without
    assert "list" in titles
    assert list_id[-7:] in first
    assert list_id[-7:] not in single


def test_an_order_made_smaller_is_shown_as_it_became(journal: Journal) -> None:
    amended: dict[str, Any] = {"amends": [Decimal("0.004")], "amended": Decimal("0.004")}
    journal.end(OrderState.FILLED, journal.fill("0.004", "60000"), **amended)

    line = asked(journal, "orders")[1]
    (row,) = csv.DictReader(io.StringIO("\n".join(asked(journal, "orders", "--csv", "-"))))

    assert re.split(r"  +", line)[5] == "0.004"
    assert (row["quantity"], row["amended_quantity"]) == ("0.01", "0.004")


def test_a_copy_of_the_version_before_is_read_as_it_is(journal: Journal) -> None:
    listed(journal)
    journal.file.close()
    as_format_1(journal.path)
    before = journal.path.read_bytes()

    lines = asked(journal, "fills")

    assert lines[4] == "2 fills"
    assert journal.path.read_bytes() == before


def test_a_date_that_is_none_is_refused_with_an_example(journal: Journal) -> None:
    result = command(journal.path.parents[1], "fills", "--since", "yesterday")

    assert result.exit_code == Exit.NOTHING_STARTS
    assert "2026-11-21" in told(result)


def test_texts_from_outside_cannot_steer_the_terminal(journal: Journal) -> None:
    journal.end(OrderState.REJECTED, reason="\x1b[2Jno\nmoney")

    lines = asked(journal, "orders")

    assert lines[1].endswith("?[2Jno money")


def test_a_gap_is_told_below_the_rows_it_belongs_to(journal: Journal) -> None:
    journal._writer.lose(BIRTH + HOUR, "the disk was full")
    journal.end(OrderState.FILLED, journal.fill("0.1", "60000"))

    assert "1 rows were lost: the disk was full" in asked(journal, "orders")[-1]
    assert "lost" not in asked(journal, "orders", "--since", "1h")[-1]


# --- for a spreadsheet


def test_the_table_for_spreadsheets_has_every_column_and_every_row(
    journal: Journal, tmp_path: Path
) -> None:
    for _ in range(60):
        journal.end(OrderState.FILLED, journal.fill("0.00000001", "60000"))
    file = tmp_path / "fills.csv"

    assert asked(journal, "fills", "--csv", str(file)) == []
    printed = list(csv.DictReader(io.StringIO("\n".join(asked(journal, "fills", "--csv", "-")))))
    written = list(csv.DictReader(io.StringIO(file.read_text())))

    assert len(written) == 60
    assert written == printed
    assert written[0]["fill_quantity"] == "0.00000001"
    assert written[0]["time"] == "2023-11-15 00:13:20.000+01:00"
    assert {"client_order_id", "algorithm", "timeframe", "fee_asset"} <= written[0].keys()
    assert file.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("formula", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1"])
def test_what_a_bot_says_is_no_formula_in_a_spreadsheet(journal: Journal, formula: str) -> None:
    journal.end(OrderState.FILLED, journal.fill("0.1", "60000"), comment=formula)

    (row,) = csv.DictReader(io.StringIO("\n".join(asked(journal, "orders", "--csv", "-"))))

    assert row["comment"] == f"'{formula}"


def test_a_table_that_cannot_be_written_is_told(journal: Journal, tmp_path: Path) -> None:
    journal.end(OrderState.FILLED, journal.fill("0.1", "60000"))

    result = command(tmp_path, "orders", "--csv", str(tmp_path / "nowhere" / "a.csv"))

    assert result.exit_code == Exit.ATTENTION
    assert "No such file" in told(result)


# --- whatever the file is


def test_without_a_journal_it_says_so_and_makes_none(tmp_path: Path) -> None:
    conf_file(tmp_path)

    result = command(tmp_path, "fills")

    assert result.exit_code == Exit.FINE
    assert "no order was ever journaled" in told(result)
    assert not (tmp_path / "journal").exists()


@pytest.mark.parametrize("content", [b"no database" * 999, b"", b"\x00" * 9_999])
def test_a_journal_that_cannot_be_read_is_told_and_left_as_it_is(
    tmp_path: Path, content: bytes
) -> None:
    conf_file(tmp_path)
    path = tmp_path / "journal" / "orders.sqlite"
    path.parent.mkdir()
    path.write_bytes(content)

    result = command(tmp_path, "orders")

    assert result.exit_code == Exit.ATTENTION
    assert "orders.sqlite" in told(result)
    assert path.read_bytes() == content


def test_a_journal_of_a_later_version_is_not_guessed_at(journal: Journal, tmp_path: Path) -> None:
    journal.end(OrderState.FILLED)
    with closing(sqlite3.connect(journal.path)) as later:
        later.execute(f"PRAGMA user_version = {FORMAT + 1}")

    result = command(tmp_path, "orders")

    assert result.exit_code == Exit.ATTENTION
    assert "later version" in told(result)


def test_the_file_is_the_one_that_option_or_conf_name(journal: Journal, tmp_path: Path) -> None:
    journal.end(OrderState.FILLED, journal.fill("0.1", "60000"))
    journal.file.close()
    moved = journal.path.rename(tmp_path / "moved.sqlite")
    conf = tmp_path / "conf.json"

    by_option = CliRunner().invoke(main, ["--conf", str(conf), "orders", "--journal", str(moved)])
    conf.write_text(f'{{"journal": {{"file": "{moved}"}}, "bots": []}}')
    by_conf = CliRunner().invoke(main, ["--conf", str(conf), "orders"])

    assert "lisa" in by_option.stdout
    assert by_conf.stdout == by_option.stdout


@pytest.mark.slow
def test_a_runner_at_work_is_read_and_so_is_one_that_was_killed(tmp_path: Path) -> None:
    (tmp_path / "conf.json").write_text((ROOT / "conf.json").read_text())
    with Program(tmp_path, "--venue", "paper") as program:
        program.until("ether_dips fill: ")
        program.until("ether_dips order: ")
        beside = until_told(tmp_path, "ether_dips")
        program.stop(signal.SIGKILL)
    after = ask(tmp_path / "journal" / "orders.sqlite", "fills", Question())

    assert "bought" in beside
    assert after.totals.fills >= 2
    with Program(tmp_path, "--venue", "paper") as program:
        program.until("Resumed")
        program.until(r"(fill|order): ")
        assert "cannot be written" not in program.output


def until_told(tmp_path: Path, bot: str) -> str:
    """Ask until the journal has a fill of the bot: it is written a moment later."""
    for _ in range(100):
        told = command(tmp_path, "fills", "--bot", bot).stdout
        if "fills together" in told:
            return told
    raise AssertionError(f"no fill of {bot} at {datetime.now(UTC)}")
