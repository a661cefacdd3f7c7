"""The audit notices each lie, however small: told about books that were true a moment before."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

import pytest

from lib.control.venue_choice import BALANCES, BOOKS
from lib.generation import FormerId, Generation, Parked
from lib.ids import bot_tag
from lib.orders import orders_inside
from tests.audit import Ledger, contexts_in, disagreements, installation_of, ledger_in
from tests.real_processes import PaperArena, busy_bots

pytestmark = pytest.mark.slow


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


def a_bot_is_parked(truth: Truth) -> Truth:
    truth.generations[0] = truth.generations[0].model_copy(
        update={"parked": Parked(kind="Halt", reason="it had to", at=1)}
    )
    return truth


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
        (a_bot_is_parked, "parked: Halt: it had to"),
    ],
)
def test_it_notices_that(truth: Truth, lie: Callable[[Truth], Truth], sentence: str) -> None:
    assert sentence in lie(truth).audit()
