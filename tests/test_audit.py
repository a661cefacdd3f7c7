"""The audit notices each lie, however small: told about books that were true a moment before."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

import pytest

from lib.context_file.generation import FormerId, Generation, Parked
from lib.control.venue_choice import BALANCES, BOOKS
from lib.ids import bot_tag, make_id
from lib.orders import orders_inside
from lib.ownership.orphans import CANCELER
from lib.torture.audit import Orphanage, contexts_in, disagreements, installation_of
from lib.torture.journal_audit import BESIDE_CTX, journal_disagreements
from lib.torture.ledger import Ledger, assets_in, ledger_in, ledger_of
from tests.busy_bots import busy_bots
from tests.paper_arena import PaperArena

pytestmark = pytest.mark.slow

TRUTH_BIRTH = 1_700_000_000_000


@dataclass(frozen=True)
class Truth:
    """What one life on paper left behind."""

    generations: list[Generation]
    installation: str
    ledger: Ledger

    def audit(self) -> str:
        """Say everything that is wrong, in one text."""
        return "\n".join(disagreements(self.generations, self.installation, self.ledger, BALANCES))

    def some_id(self, *, present: bool) -> str:
        """Find an accepted order that its context still holds, or does not any more."""
        orders = (o for each in self.generations for o in orders_inside(each.context))
        held = {order.id for order in orders}
        return next(id for id in self.ledger.orders if (id in held) is present)

    def resting(self) -> str:
        """Find an order with a price that its context holds."""
        orders = (o for each in self.generations for o in orders_inside(each.context))
        return next(o.id for o in orders if o.price is not None and o.id in self.ledger.orders)

    def of_an_order(self, id: str) -> Generation:
        """Find the bot whose order it is."""
        return next(each for each in self.generations if _tag(each) == id[8:14])


@pytest.fixture(scope="module")
def left(tmp_path_factory: pytest.TempPathFactory) -> Path:
    with PaperArena(tmp_path_factory.mktemp("truth"), busy_bots(), seed=3) as arena:
        runner = arena.start()
        runner.until("_soak order: .* is in the book")
        runner.until("_spends result: turn 5 is done")
        arena.kill()
        return arena.ctx


@pytest.fixture
def truth(left: Path) -> Truth:
    return Truth(contexts_in(left), installation_of(left), ledger_in(left / BOOKS))


def test_the_truth_has_no_disagreement(truth: Truth) -> None:
    assert truth.audit() == ""


def a_satoshi_vanishes(truth: Truth) -> Truth:
    balances = {**truth.ledger.balances}
    balances["BTC"] -= Decimal("0.00000001")
    return replace(truth, ledger=replace(truth.ledger, balances=balances))


def a_fee_is_booked_wrong(truth: Truth) -> Truth:
    memory = next(each.memory for each in truth.generations if each.memory.fees)
    asset = next(iter(memory.fees))
    memory.fees[asset] += Decimal("0.00000001")
    return truth


def an_order_is_booked_twice(truth: Truth) -> Truth:
    memory = next(each.memory for each in truth.generations if each.memory.net)
    for asset in memory.net:
        memory.net[asset] *= 2
    return truth


def an_id_was_accepted_twice(truth: Truth) -> Truth:
    return replace(truth, ledger=replace(truth.ledger, doubled=(truth.some_id(present=False),)))


def an_order_of_nobody_stands_open(truth: Truth) -> Truth:
    id = truth.some_id(present=False)
    stranger = f"a7{'f' * 6}{id[8:]}"
    orders = {**truth.ledger.orders, stranger: {**truth.ledger.orders[id], "status": "NEW"}}
    return replace(truth, ledger=replace(truth.ledger, orders=orders))


def a_finished_order_stands_open_again(truth: Truth) -> Truth:
    id = truth.some_id(present=False)
    orders = {**truth.ledger.orders, id: {**truth.ledger.orders[id], "status": "NEW"}}
    return replace(truth, ledger=replace(truth.ledger, orders=orders))


def an_order_left_before_it_was_on_disk(truth: Truth) -> Truth:
    generation = truth.of_an_order(truth.some_id(present=False))
    generation.memory.ids_given = 0
    return truth


def an_order_given_up_was_accepted(truth: Truth) -> Truth:
    id = truth.some_id(present=False)
    former = FormerId(id=id, symbol="BTCUSDT", since=0)
    truth.of_an_order(id).memory.former.append(former)
    return truth


def a_turn_was_placed_twice(truth: Truth) -> Truth:
    generation = next(each for each in truth.generations if each.bot.endswith("_spends"))
    generation.context["turn"] -= 1
    return truth


def a_turn_was_never_placed(truth: Truth) -> Truth:
    generation = next(each for each in truth.generations if each.bot.endswith("_spends"))
    generation.context["turn"] += 1
    return truth


def a_bot_is_parked(truth: Truth) -> Truth:
    truth.generations[0] = truth.generations[0].model_copy(
        update={"parked": Parked(kind="Halt", reason="it had to", at=1)}
    )
    return truth


def an_order_was_placed_at_another_price(truth: Truth) -> Truth:
    return _with_order(truth, truth.resting(), price="1.00000000")


def an_order_was_placed_for_another_amount(truth: Truth) -> Truth:
    return _with_order(truth, truth.resting(), origQty="7.00000000")


def a_cancel_left_before_it_was_on_disk(truth: Truth) -> Truth:
    id = truth.resting()
    generation = truth.of_an_order(id)
    cancel = f"{id[:25]}{generation.memory.ids_given + 1:06x}c"
    return _with_order(truth, id, cancelId=cancel)


def an_orphan_was_canceled_before_that_was_on_disk(truth: Truth) -> Truth:
    cancel = make_id(
        installation=truth.installation, bot=CANCELER, birth=TRUTH_BIRTH, counter=1, leg="c"
    )
    return _with_order(truth, truth.some_id(present=False), cancelId=cancel)


def _with_order(truth: Truth, id: str, **facts: str) -> Truth:
    orders = {**truth.ledger.orders, id: {**truth.ledger.orders[id], **facts}}
    return replace(truth, ledger=replace(truth.ledger, orders=orders))


def _tag(generation: Generation) -> str:
    return bot_tag(generation.bot)


@pytest.mark.parametrize(
    ("lie", "sentence"),
    [
        (a_satoshi_vanishes, "the account holds"),
        (a_fee_is_booked_wrong, "fees is"),
        (an_order_is_booked_twice, "net is"),
        (an_id_was_accepted_twice, "was accepted twice"),
        (an_order_of_nobody_stands_open, "belongs to no context"),
        (a_finished_order_stands_open_again, "forgotten here"),
        (an_order_left_before_it_was_on_disk, "on disk are 0"),
        (an_order_given_up_was_accepted, "given up as never accepted, and was accepted"),
        (a_turn_was_placed_twice, "were accepted in"),
        (a_turn_was_never_placed, "were accepted in"),
        (a_bot_is_parked, "parked: Halt: it had to"),
        (an_order_was_placed_at_another_price, "the price is"),
        (an_order_was_placed_for_another_amount, "the quantity is"),
        (a_cancel_left_before_it_was_on_disk, "cancel"),
        (an_orphan_was_canceled_before_that_was_on_disk, "is intent 1, on disk are 0"),
    ],
)
def test_it_notices_that(truth: Truth, lie: Callable[[Truth], Truth], sentence: str) -> None:
    assert sentence in lie(truth).audit()


def test_an_orphan_that_was_canceled_by_announcement_is_no_disagreement(truth: Truth) -> None:
    lied = an_orphan_was_canceled_before_that_was_on_disk(truth)
    known = Orphanage(birth=TRUTH_BIRTH, ids_given=1)

    told = (lied.generations, lied.installation, lied.ledger, BALANCES)
    assert not list(disagreements(*told, orphanage=known))


def test_a_bot_that_may_stop_itself_is_no_disagreement(truth: Truth) -> None:
    lied = a_bot_is_parked(truth)

    told = (lied.generations, lied.installation, lied.ledger, BALANCES)
    assert not list(disagreements(*told, stops={"Halt"}))


def test_trades_against_any_quote_asset_add_up() -> None:
    trade = {
        "symbol": "ETHBTC",
        "side": "SELL",
        "clientOrderId": "x",
        "qty": "2",
        "quoteQty": "0.1",
        "commission": "0.0001",
        "commissionAsset": "BTC",
    }
    assets = assets_in({"symbols": [{"symbol": "ETHBTC", "baseAsset": "ETH", "quoteAsset": "BTC"}]})
    ledger = ledger_of({"orders": [], "trades": [trade], "balances": {}}, assets)

    net, fees = ledger.totals(ledger.trades["x"])

    assert net == {"ETH": Decimal(-2), "BTC": Decimal("0.1")}
    assert fees == {"BTC": Decimal("0.0001")}


def test_a_journal_that_tells_a_trade_twice_or_one_that_never_was_is_found_out(
    truth: Truth, left: Path
) -> None:
    journal = left.parent / BESIDE_CTX
    assert not list(journal_disagreements(journal, truth.ledger))
    with closing(sqlite3.connect(journal)) as connection, connection:
        columns = [each[1] for each in connection.execute("PRAGMA table_info(journal)")][1:]
        copied = ", ".join("'again'" if name == "key" else name for name in columns)
        connection.execute(
            f"INSERT INTO journal ({', '.join(columns)}) SELECT {copied} FROM journal "
            "WHERE event = 'fill' LIMIT 1"
        )

    assert "2 times" in "".join(journal_disagreements(journal, truth.ledger))
    untraded = replace(truth.ledger, trades={})
    assert "which never was" in "".join(journal_disagreements(journal, untraded))


def test_a_journal_that_cannot_be_read_is_found_out(truth: Truth, tmp_path: Path) -> None:
    journal = tmp_path / "orders.sqlite"
    journal.write_bytes(b"no database" * 1_000)

    assert "cannot be read" in "".join(journal_disagreements(journal, truth.ledger))
