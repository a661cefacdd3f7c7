"""Ids carry the counter, so what the exchange shows can contradict a memory."""

from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from lib.context_file.generation import FormerId, Generation, Memory, Parked
from lib.exchange import OrderRecord, OrderStatus
from lib.ids import make_id
from lib.news import Kind
from lib.ownership.witness import ACCEPTED_MAX, HEALTHY_ENOUGH, Witness

OURS = "3fa2c1"
BIRTH = 1_722_470_400_000
POLL = 30_000


class Suspected:
    """A bot that remembers why it was halted."""

    def __init__(self, name: str = "one", **memory: Any) -> None:
        self.halted: list[str] = []
        self.generation = Generation(
            bot=name,
            venue="world",
            account="1",
            installation=OURS,
            birth=BIRTH,
            saved_at=BIRTH,
            function="steady.bot",
            symbols=["BTCUSDT"],
            conf={},
            memory=Memory(**memory),
            context={},
        )

    def halt(self, wrong: Exception) -> None:
        self.halted.append(str(wrong))


class Court:
    """A witness with everything it needs."""

    def __init__(self, *bots: Suspected) -> None:
        self.told: list[str] = []
        self.witness = Witness(OURS, self._tell, gap_max=2 * POLL)
        for bot in bots:
            self.witness.watch(bot)

    def _tell(self, bot: str, kind: Kind, text: str) -> None:
        self.told.append(text)

    def poll(self, records: Iterable[OrderRecord], now: int = BIRTH) -> None:
        self.witness.on_poll(records, now)


def own_id(counter: int, *, bot: str = "one", birth: int = BIRTH, place: str = OURS) -> str:
    return make_id(installation=place, bot=bot, birth=birth, counter=counter, leg="a")


def record(client_order_id: str, status: OrderStatus = OrderStatus.NEW) -> OrderRecord:
    return OrderRecord(
        symbol="BTCUSDT",
        order_id=17,
        client_order_id=client_order_id,
        side="BUY",
        type="LIMIT",
        status=status,
        quantity=Decimal(1),
    )


@pytest.mark.parametrize("status", list(OrderStatus))
def test_an_order_beyond_the_counter_halts_its_bot_with_both_facts(status: OrderStatus) -> None:
    bot = Suspected(ids_given=4)

    Court(bot).witness.on_record(record(own_id(5), status))

    assert "intent 5" in bot.halted[0]
    assert "knows 4" in bot.halted[0]


@pytest.mark.parametrize("counter", [1, 4])
def test_an_order_within_the_counter_halts_nobody(counter: int) -> None:
    bot = Suspected(ids_given=4)

    Court(bot).witness.on_record(record(own_id(counter)))

    assert bot.halted == []


def test_an_order_of_a_later_birth_halts_the_bot() -> None:
    bot = Suspected(ids_given=4)

    Court(bot).witness.on_record(record(own_id(1, birth=BIRTH + 1)))

    assert "later life" in bot.halted[0]


def test_an_order_of_an_earlier_birth_halts_nobody_whatever_its_counter() -> None:
    bot = Suspected(ids_given=4)

    Court(bot).witness.on_record(record(own_id(900, birth=BIRTH - 1)))

    assert bot.halted == []


def test_an_id_that_was_given_up_and_shows_up_halts_the_bot() -> None:
    given_up = FormerId(id=own_id(2), symbol="BTCUSDT", since=BIRTH)
    bot = Suspected(ids_given=4, former=[given_up])

    Court(bot).witness.on_record(record(own_id(2), OrderStatus.FILLED))

    assert "given up as never accepted" in bot.halted[0]


def test_an_id_given_up_in_an_earlier_life_halts_the_bot_all_the_same() -> None:
    given_up = FormerId(id=own_id(2, birth=BIRTH - 9), symbol="BTCUSDT", since=BIRTH)
    bot = Suspected(ids_given=0, former=[given_up])

    Court(bot).witness.on_record(record(own_id(2, birth=BIRTH - 9)))

    assert "given up as never accepted" in bot.halted[0]


@pytest.mark.parametrize(
    "client_order_id",
    ["web_1", own_id(99, place="0f0f0f"), own_id(99, bot="two"), "", "a7" + "z" * 30],
)
def test_an_order_of_somebody_else_halts_nobody(client_order_id: str) -> None:
    bot = Suspected(ids_given=4)

    Court(bot).witness.on_record(record(client_order_id))

    assert bot.halted == []


def test_two_orders_under_one_id_halt_the_bot_with_both_named() -> None:
    bot = Suspected(ids_given=4)
    court = Court(bot)
    first = record(own_id(3), OrderStatus.FILLED)

    court.witness.on_record(first)
    court.witness.on_record(first)
    assert bot.halted == []
    court.witness.on_record(replace(first, order_id=18))

    assert "orders 17 and 18 under our id" in bot.halted[0]
    assert "copy of this ctx folder" in bot.halted[0]


def test_one_order_told_again_and_again_halts_nobody_however_many_there_are() -> None:
    bot = Suspected(ids_given=ACCEPTED_MAX * 2)
    court = Court(bot)

    for counter in range(1, ACCEPTED_MAX + 10):
        told = replace(record(own_id(counter), OrderStatus.FILLED), order_id=counter)
        court.witness.on_record(told)
        court.witness.on_record(told)

    assert bot.halted == []
    assert len(court.witness._accepted) <= ACCEPTED_MAX


def test_an_open_order_that_a_copy_of_our_folder_made_is_not_called_one_to_cancel() -> None:
    court = Court(Suspected(ids_given=4))
    court.witness.is_of_a_copy = lambda _: True

    court.poll([record(own_id(1, bot="gone"))])

    assert "with a copy of this ctx folder" in court.told[0]
    assert "cancel it" not in court.told[0]


def test_a_parked_bot_is_not_parked_again() -> None:
    bot = Suspected(ids_given=4)
    bot.generation.parked = Parked(kind="Halt", reason="first", at=1)

    Court(bot).witness.on_record(record(own_id(5)))

    assert bot.halted == []


def test_an_orphan_is_told_once_however_often_it_is_polled() -> None:
    court = Court(Suspected(ids_given=4))

    for turn in range(5):
        court.poll([record(own_id(3)), record("by_hand")], BIRTH + turn * POLL)

    (text,) = court.told
    assert own_id(3) in text
    assert "17" in text


def with_former() -> tuple[Suspected, Court]:
    bot = Suspected(ids_given=4, former=[FormerId(id=own_id(2), symbol="BTCUSDT", since=BIRTH)])
    return bot, Court(bot)


def test_a_former_id_is_forgotten_after_a_day_of_polls_without_it() -> None:
    bot, court = with_former()

    for now in range(BIRTH, BIRTH + HEALTHY_ENOUGH, POLL):
        court.poll([], now)
    remembered = len(bot.generation.memory.former)
    court.poll([], BIRTH + HEALTHY_ENOUGH)

    assert remembered == 1
    assert bot.generation.memory.former == []


def test_a_day_without_any_poll_is_no_day_of_healthy_polls() -> None:
    bot, court = with_former()
    court.poll([], BIRTH)

    court.poll([], BIRTH + 2 * HEALTHY_ENOUGH)

    assert len(bot.generation.memory.former) == 1


def test_time_between_two_runs_of_the_program_is_no_time_of_healthy_polls() -> None:
    bot, _ = with_former()
    first = Court(bot)
    first.poll([], BIRTH)
    second = Court(bot)

    second.poll([], BIRTH + 2 * HEALTHY_ENOUGH)

    assert len(bot.generation.memory.former) == 1
