"""What passes the gate: by the person's word and by the guard, at the last moment too."""

import asyncio
from collections.abc import Callable
from decimal import Decimal

from lib.dealing.guard import Facts
from lib.instructions import Instruction
from lib.order_lists import OrderList
from lib.orders import Order, OrderState
from lib.results import Position
from tests.scripted_venue import Office, limit_buy, market_buy, play

HELD = Position(quantity=Decimal(2), cost=Decimal(120_000))


class Limit:
    """A guard that refuses what it is told to, and notes what it was asked about."""

    def __init__(self, says: str = "") -> None:
        self.says = says
        self.asked: list[tuple[str, str, Facts]] = []

    async def learn(self, bot: str, symbol: str) -> None:
        return

    def delay(self, bot: str) -> str:
        return ""

    def refusal(self, bot: str, plan: Order | OrderList, facts: Facts) -> str:
        self.asked.append((bot, plan.symbol, facts))
        return self.says


def guarded(office: Office, says: str = "") -> Limit:
    limit = Limit(says)
    object.__setattr__(office.floor, "guard", limit)
    return limit


def holding(office: Office) -> None:
    """Let the bot hold coins that it bought."""
    office.memory.positions["BTCUSDT"] = HELD
    office.memory.net = {"BTC": Decimal(2), "USDT": Decimal(-120_000)}
    office.memory.assets["BTCUSDT"] = ("BTC", "USDT")


def sell(quantity: str = "0.5") -> Order:
    return limit_buy(quantity, "61000").model_copy(update={"side": "SELL"})


def told(instruction: Instruction) -> Callable[[Office], None]:
    return lambda office: office.floor.instructions.give("bot", instruction)


def test_an_entry_waits_unsaved_while_the_bot_is_paused_and_leaves_when_it_may() -> None:
    async def story(office: Office) -> tuple[int, bytes, int]:
        told(Instruction.PAUSE)(office)
        task = await office.begin(limit_buy(), seconds=600)
        waiting, saved = len(office.venue.placed), office.saved
        told(Instruction.TRADE)(office)
        await asyncio.sleep(5)
        task.cancel()
        return waiting, saved, len(office.venue.placed)

    assert play(story) == (0, b"", 1)


def test_a_plan_that_grew_too_old_at_the_gate_is_abandoned() -> None:
    async def story(office: Office) -> Order:
        told(Instruction.PAUSE)(office)
        order = limit_buy(valid_for=60_000)
        task = await office.begin(order, seconds=600)
        told(Instruction.TRADE)(office)
        await asyncio.wait({task}, timeout=60)
        return order

    order = play(story)
    assert order.state is OrderState.ABANDONED
    assert order.id == ""


def test_a_plan_that_its_bot_gave_up_does_not_wait_for_the_person() -> None:
    async def story(office: Office) -> Order:
        told(Instruction.PAUSE)(office)
        order = limit_buy()
        task = await office.begin(order, seconds=600)
        order.give_up = "not wanted any more"
        await asyncio.wait({task}, timeout=60)
        return order

    assert play(story).state is OrderState.ABANDONED


def test_an_exit_leaves_while_the_bot_is_paused_or_stopped() -> None:
    async def story(office: Office) -> int:
        holding(office)
        told(Instruction.STOP)(office)
        await office.begin(sell())
        return len(office.venue.placed)

    assert play(story) == 1


def test_nothing_leaves_while_all_are_killed() -> None:
    async def story(office: Office) -> int:
        holding(office)
        office.floor.instructions.killed = True
        await office.begin(sell())
        await office.begin(limit_buy())
        return len(office.venue.placed)

    assert play(story) == 0


def test_a_word_between_the_save_and_the_sending_is_heeded_and_the_id_stays_good() -> None:
    async def story(office: Office) -> tuple[int, str, Order]:
        save = office.save

        async def saved(order: Order) -> None:
            await save(order)
            if order.state is OrderState.SUBMITTING and not told_once:
                told_once.append(order.id)
                told(Instruction.PAUSE)(office)

        told_once: list[str] = []
        office.save = saved  # type: ignore[method-assign, assignment]
        order = limit_buy()
        await office.begin(order, seconds=120)
        kept_back = len(office.venue.placed)
        told(Instruction.TRADE)(office)
        await asyncio.sleep(20)
        return kept_back, told_once[0], order

    kept_back, first_id, order = play(story)
    assert kept_back == 0
    assert order.id == first_id
    assert order.state is OrderState.OPEN


def test_an_open_entry_is_canceled_with_the_persons_reason() -> None:
    async def story(office: Office) -> Order:
        order = limit_buy()
        await office.begin(order)
        told(Instruction.STOP)(office)
        office.dealer.wake_all()
        await asyncio.sleep(2)
        return order

    order = play(story)
    assert (order.state, order.reason) == (OrderState.CANCELED, "stopped by you")


def test_an_exit_stays_open_when_the_bot_is_stopped() -> None:
    async def story(office: Office) -> Order:
        holding(office)
        order = sell()
        await office.begin(order)
        told(Instruction.STOP)(office)
        office.dealer.wake_all()
        await asyncio.sleep(60)
        return order

    assert play(story).state is OrderState.OPEN


def test_an_exit_rests_through_a_kill_whatever_its_bot_decided_and_goes_afterwards() -> None:
    async def story(office: Office) -> list[OrderState]:
        holding(office)
        order = sell()
        await office.begin(order)
        office.floor.instructions.killed = True
        order.give_up, order.give_up_at = "for a better price", office.now()
        office.dealer.wake_all()
        await asyncio.sleep(600)
        states = [order.state]
        office.floor.instructions.killed = False
        office.dealer.wake_all()
        await asyncio.sleep(2)
        return [*states, order.state]

    assert play(story) == [OrderState.OPEN, OrderState.CANCELED]


def test_what_an_order_was_is_remembered_when_its_own_fills_change_the_holding() -> None:
    async def story(office: Office) -> tuple[bool | None, bool | None]:
        buy, exit_ = limit_buy(), sell("0.4")
        await office.begin(buy)
        holding(office)
        await office.begin(exit_)
        return buy.opens, exit_.opens

    assert play(story) == (True, False)


# --- the guard


def test_the_guard_is_asked_about_an_entry_with_the_facts_of_that_moment() -> None:
    async def story(office: Office) -> Limit:
        limit = guarded(office)
        office.quote("60000")
        await office.begin(market_buy())
        return limit

    [(bot, symbol, facts)] = play(story).asked
    assert (bot, symbol, facts.held) == ("bot", "BTCUSDT", Decimal(0))
    assert facts.rules.base_asset == "BTC"
    assert facts.price is not None


def test_the_guard_is_not_asked_about_an_exit() -> None:
    async def story(office: Office) -> tuple[Limit, int]:
        holding(office)
        limit = guarded(office, "no")
        await office.begin(sell())
        return limit, len(office.venue.placed)

    limit, placed = play(story)
    assert (limit.asked, placed) == ([], 1)


def test_what_the_guard_refuses_is_rejected_with_its_reason_and_nothing_leaves() -> None:
    async def story(office: Office) -> tuple[Order, int]:
        guarded(office, "orders per minute: 5 of 5")
        return await office.run(limit_buy()), len(office.venue.placed)

    order, placed = play(story)
    assert (order.state, order.reason) == (OrderState.REJECTED, "orders per minute: 5 of 5")
    assert (order.id, placed) == ("", 0)
