"""A grid has one order per rung, rests the nearest, and knows what each rung brought."""

import asyncio
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from lib.errors import Refused
from lib.exchange import OrderStatus, PlaceRequest
from lib.grid import Grid, Rung, change_rungs, run_grid, stop_grid
from lib.life import Standing
from lib.machine import drive
from lib.money import SymbolRules
from lib.news import Kind
from lib.orders import Order, OrderState, planned_anew
from lib.simulator.server.faults import Fault, FaultKind, FaultPlan, Rule
from lib.turnover import Turnover
from tests.bots_of_lines import GRID as BOT
from tests.bots_of_lines import ROUND_TRIP, finished, grid_world
from tests.scripted_venue import Office, limit_buy, play
from tests.swinging import ShapedWorld, contexts, path, swing, with_small_bots
from tests.world import CALM, Luck, every_life, live

RULES = SymbolRules("BTCUSDT", "BTC", "USDT")
GRID: dict[str, Any] = {
    "function": "three_rungs",
    "symbol": "BTCUSDT",
    "quantity": "0.01",
    "prices": ["60600", "60400", "60200"],
    "step": "0.002",
    "fills": 2,
}


def rung_at(price: int, quantity: str = "0.1", **more: Any) -> Rung:
    return Rung(name=str(price), order=limit_buy(quantity, str(price)), **more)


def grid_of(*prices: int, nearest: int = 9, **more: Any) -> Grid:
    return Grid(
        symbol="BTCUSDT", rungs=[rung_at(price) for price in prices], nearest=nearest, **more
    )


def same_again(rung: Rung, order: Order) -> Order:
    assert order.quantity is not None
    return planned_anew(order, Decimal("0.1"))


def nothing_more(rung: Rung, order: Order) -> Order | None:
    return None


class Keeper:
    """Runs a grid in an office, saving as the program does."""

    def __init__(self, office: Office, grid: Grid) -> None:
        self.office, self.grid = office, grid
        self.saves = 0
        self.sizes: list[int] = []
        office.floor.quotes.open("BTCUSDT")
        office.quote("60000")

    async def run(self, on_fill: Any = same_again) -> None:
        await drive(run_grid(self.office.desk, self.grid, on_fill), self.save)

    async def save(self, grid: Grid) -> None:
        saved = grid.model_dump_json().encode()
        await asyncio.sleep(0.005)
        self.office.saved = saved
        self.office.saved_memory = self.office.memory.model_dump_json()
        self.office.dealer.wake_given_up()
        self.saves += 1
        self.sizes.append(len(saved))

    def resting(self) -> list[Decimal]:
        book = self.office.venue.book.values()
        return sorted(record.price for record in book if not record.status.final)

    def fill(self, price: int, quantity: str = "0.1") -> None:
        (record,) = [
            record
            for record in self.office.venue.book.values()
            if record.price == price and not record.status.final
        ]
        executed = self.office.venue.execute(
            record.client_order_id, Decimal(quantity), price=Decimal(price)
        )
        self.office.tell(self.office.venue.full(executed))


def keep(story: Any, grid: Grid, on_fill: Any = same_again) -> Any:
    """Run a grid beside a story."""

    async def whole(office: Office) -> Any:
        keeper = Keeper(office, grid)
        task = office.loop.create_task(keeper.run(on_fill))
        await asyncio.sleep(2)
        try:
            return await story(keeper)
        finally:
            if task.done():
                task.result()
            task.cancel()

    return play(whole)


def test_each_rung_rests_at_its_price() -> None:
    async def story(keeper: Keeper) -> list[Decimal]:
        return keeper.resting()

    assert keep(story, grid_of(59_000, 58_000, 57_000)) == [57_000, 58_000, 59_000]


def test_only_the_nearest_rest_and_the_others_wait_as_plans() -> None:
    grid = grid_of(59_000, 58_000, 57_000, 56_000, nearest=2)

    async def story(keeper: Keeper) -> list[Decimal]:
        return keeper.resting()

    assert keep(story, grid) == [58_000, 59_000]
    waiting = [rung.order.state for rung in grid.rungs if rung.order is not None and not rung.rests]
    assert waiting == [OrderState.PLANNED] * 2


def test_a_plan_takes_the_place_of_the_farthest_when_the_price_comes_near() -> None:
    grid = grid_of(59_000, 58_000, 50_000, nearest=2)

    async def story(keeper: Keeper) -> list[Decimal]:
        keeper.office.quote("50500")
        await asyncio.sleep(5)
        return keeper.resting()

    assert keep(story, grid) == [50_000, 58_000]


def test_a_rung_that_is_partly_executed_keeps_its_place() -> None:
    grid = grid_of(59_000, 58_000, 50_000, nearest=2)

    async def story(keeper: Keeper) -> list[Decimal]:
        keeper.fill(59_000, "0.04")
        await asyncio.sleep(1)
        keeper.office.quote("50500")
        await asyncio.sleep(5)
        return keeper.resting()

    assert keep(story, grid) == [50_000, 59_000]


def test_no_more_rest_than_the_symbol_has_room_for_beside_foreign_orders() -> None:
    async def whole(office: Office) -> tuple[list[Decimal], list[Decimal]]:
        office.floor.rules["BTCUSDT"] = replace(RULES, orders_max=3)
        for number in range(2):
            order = limit_buy("0.1", str(40_000 + number))
            office.venue.accept(_by_hand(order, f"by-hand-{number}"))
        keeper = Keeper(office, grid_of(59_000, 58_000, 57_000))
        task = office.loop.create_task(keeper.run())
        await asyncio.sleep(2)
        crowded = keeper.resting()
        office.venue.change("by-hand-0", status=OrderStatus.CANCELED)
        await asyncio.sleep(30)
        task.cancel()
        return crowded, keeper.resting()

    crowded, later = play(whole)
    assert crowded == [40_000, 40_001, 59_000]
    assert later == [40_001, 58_000, 59_000]


def _by_hand(order: Order, client_order_id: str) -> PlaceRequest:
    return PlaceRequest(
        client_order_id=client_order_id,
        symbol=order.symbol,
        side=order.side,
        type=order.type,
        send_by=0,
        recv_window=5_000,
        quantity=order.quantity,
        price=order.price,
    )


def test_a_fill_is_answered_with_the_next_order_of_the_rung() -> None:
    async def story(keeper: Keeper) -> tuple[list[Decimal], int]:
        keeper.fill(59_000)
        await asyncio.sleep(2)
        return keeper.resting(), len(keeper.office.venue.placed)

    assert keep(story, grid_of(59_000, 58_000)) == ([58_000, 59_000], 3)


def test_a_rung_is_given_all_parts_of_its_turn_as_one_order() -> None:
    turns: list[Order] = []
    grid = grid_of(59_000)

    def on_fill(rung: Rung, order: Order) -> Order | None:
        turns.append(order)
        return None

    async def story(keeper: Keeper) -> None:
        keeper.fill(59_000, "0.04")
        await asyncio.sleep(1)
        rung = keeper.grid.rungs[0]
        assert rung.order is not None
        rung.order.give_up = "withdrawn by the test"
        keeper.office.dealer.wake_given_up()
        await asyncio.sleep(2)
        keeper.fill(59_000, "0.06")
        await asyncio.sleep(2)

    keep(story, grid, on_fill)
    (turn,) = turns
    assert (turn.executed, len(turn.fills)) == (Decimal("0.1"), 2)
    assert grid.rungs[0].turnover.bought == Decimal("0.1")


@pytest.mark.slow
def test_a_thousand_fills_leave_the_context_as_small_as_ten() -> None:
    grid = Grid(symbol="BTCUSDT", rungs=[rung_at(59_000, "0.0001")], nearest=1)

    def on_fill(rung: Rung, order: Order) -> Order:
        return planned_anew(order, Decimal("0.0001"))

    async def story(keeper: Keeper) -> tuple[int, int]:
        for number in range(1_000):
            keeper.fill(59_000, "0.0001")
            await asyncio.sleep(0.5)
            if number == 10:
                early = keeper.sizes[-1]
        return early, keeper.sizes[-1]

    early, late = keep(story, grid, on_fill)
    assert grid.rungs[0].turnover.turns == 1_000
    assert late < early + 60


def test_a_refused_rung_is_told_and_tried_again_later() -> None:
    grid = grid_of(59_000)

    async def whole(office: Office) -> tuple[int, int, list[Kind]]:
        def refuse(request: Any) -> Any:
            raise Refused("-2010 Filter failure: MAX_NUM_ORDERS")

        office.venue.placings.append(refuse)
        keeper = Keeper(office, grid)
        task = office.loop.create_task(keeper.run())
        await asyncio.sleep(30)
        early = len(office.venue.placed)
        await asyncio.sleep(60)
        task.cancel()
        return early, len(office.venue.placed), [kind for kind, _ in office.news]

    early, late, kinds = play(whole)
    assert (early, late) == (1, 2)
    assert Kind.WARNING in kinds


def test_a_rung_whose_order_somebody_else_canceled_is_left_alone() -> None:
    grid = grid_of(59_000, 58_000)

    async def story(keeper: Keeper) -> list[Decimal]:
        (name, *_) = [k for k, r in keeper.office.venue.book.items() if r.price == 59_000]
        keeper.office.tell(keeper.office.venue.change(name, status=OrderStatus.CANCELED))
        await asyncio.sleep(20)
        return keeper.resting()

    assert keep(story, grid) == [58_000]
    assert grid.rungs[0].aside.startswith("canceled")


@pytest.mark.parametrize("executed", ["0", "0.004"])
def test_a_rung_whose_order_the_exchange_ended_is_placed_again_a_minute_later(
    executed: str,
) -> None:
    grid = grid_of(59_000, 58_000)

    async def story(keeper: Keeper) -> tuple[list[Decimal], list[Decimal], Decimal | None]:
        venue = keeper.office.venue
        (name, *_) = [k for k, r in venue.book.items() if r.price == 59_000]
        whole = venue.book[name].quantity
        if Decimal(executed):
            keeper.office.tell(venue.execute(name, Decimal(executed), price=Decimal(59_000)))
        keeper.office.tell(venue.change(name, status=OrderStatus.EXPIRED_IN_MATCH))
        await asyncio.sleep(20)
        early = keeper.resting()
        await asyncio.sleep(70)
        again = next(r.quantity for _, r in reversed(venue.placed) if r.price == 59_000)
        assert again is not None
        return early, keeper.resting(), whole - again

    early, late, less = keep(story, grid)
    assert early == [58_000]
    assert sorted(late) == [58_000, 59_000]
    assert less == Decimal(executed)
    assert grid.rungs[0].aside == ""


def test_a_stopped_grid_cancels_what_rests_and_abandons_its_plans() -> None:
    grid = grid_of(59_000, 58_000, 57_000, nearest=2)

    async def story(keeper: Keeper) -> list[Decimal]:
        stop_grid(keeper.grid, "the person said so")
        await keeper.save(keeper.grid)
        await asyncio.sleep(5)
        return keeper.resting()

    assert keep(story, grid) == []
    assert {rung.order.state for rung in grid.rungs if rung.order} == {OrderState.ABANDONED}


def test_a_grid_ends_at_the_price_that_stops_it() -> None:
    grid = grid_of(50_000, stop_below=Decimal(55_000))

    async def story(keeper: Keeper) -> list[Decimal]:
        keeper.office.quote("54999")
        await asyncio.sleep(5)
        return keeper.resting()

    assert keep(story, grid) == []
    assert grid.stop == "the price fell to 54999"


def test_a_stopped_grid_goes_on_with_new_rungs_and_keeps_the_sums_of_the_old() -> None:
    grid = grid_of(59_000, 58_000)
    for rung, bought in zip(grid.rungs, (1, 2), strict=True):
        assert rung.order is not None
        rung.order.state = OrderState.ABANDONED
        rung.turnover = Turnover(turns=1, bought=Decimal(bought))
    grid.stop = "a new lap"

    change_rungs(grid, {"58000": limit_buy("0.1", "58500"), "new": limit_buy("0.1", "57000")})

    assert (grid.stop, grid.retired.bought, grid.turnover.bought) == ("", Decimal(1), Decimal(3))
    assert [rung.turnover.bought for rung in grid.rungs] == [Decimal(2), Decimal(0)]


def test_rungs_do_not_change_while_an_order_of_theirs_lives() -> None:
    grid = grid_of(59_000)
    assert grid.rungs[0].order is not None
    grid.rungs[0].order.state = OrderState.OPEN

    with pytest.raises(AssertionError, match="has not ended"):
        change_rungs(grid, {})


def test_a_plan_that_would_end_by_itself_is_the_bots_mistake() -> None:
    grid = grid_of(59_000)
    assert grid.rungs[0].order is not None
    grid.rungs[0].order.give_up_at = 1

    async def story(keeper: Keeper) -> None:
        return

    with pytest.raises(ValueError, match="no end"):
        keep(story, grid)


def test_fills_slept_through_are_answered_in_the_order_of_their_trades() -> None:
    seen: list[str] = []

    def on_fill(rung: Rung, order: Order) -> Order | None:
        seen.append(rung.name)
        return planned_anew(order, Decimal("0.1"))

    async def whole(office: Office) -> int:
        keeper = Keeper(office, grid_of(59_000, 58_000, 57_000))
        task = office.loop.create_task(keeper.run())
        await asyncio.sleep(2)
        task.cancel()
        await asyncio.sleep(0.1)
        for price in (58_000, 57_000, 59_000):
            (record,) = [r for r in office.venue.book.values() if r.price == price]
            office.venue.execute(record.client_order_id, Decimal("0.1"), price=Decimal(price))
        office.begin_life()
        again = Keeper(office, Grid.model_validate_json(office.saved))
        task = office.loop.create_task(again.run(on_fill))
        await asyncio.sleep(5)
        task.cancel()
        return len(again.resting())

    assert play(whole) == 3
    assert seen == ["58000", "57000", "59000"]


# --- in the whole program


@pytest.mark.slow
def test_an_order_limit_of_the_exchange_is_weather_for_a_grid(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with_small_bots(monkeypatch)
    world = ShapedWorld(1, {"grid": GRID}, CALM, shape=swing(0.02, 60))
    body = '{"code":-1015,"msg":"Too many new orders."}'
    fault = Fault(kind=FaultKind.REFUSE, status=429, body=body)
    world.plan = FaultPlan(1, [Rule(fault=fault, method="POST", path="/api/v3/order", times=3)])

    live(world)

    world.check()
    assert world.standings == {"grid": Standing.FINISHED}
    assert sum(Decimal(o["executedQty"]) for o in world.orders() if o["side"] == "BUY") == Decimal(
        "0.03"
    )


def test_a_grid_that_the_price_left_ends_with_its_orders_canceled(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with_small_bots(monkeypatch)
    conf = {**GRID, "prices": ["50000", "49000"], "stop_below": "58000"}
    world = live(ShapedWorld(1, {"grid": conf}, CALM, shape=path((0, 1), (60, 0.9))))

    world.check()
    assert {order["status"] for order in world.orders()} == {"CANCELED"}
    assert contexts(world, "grid")["grid"]["stop"].startswith("the price fell to")


@pytest.mark.slow
def test_the_grid_bot_keeps_its_books_whenever_the_power_fails() -> None:
    for world in every_life(lambda: grid_world(BOT, ROUND_TRIP, luck=Luck()), stride=29):
        finished(world)
