"""One order, exactly once: what the exchange and the context must say of each other."""

import asyncio
from decimal import Decimal

import pytest

from lib.context_file.generation import Memory
from lib.errors import BooksDisagree, MissingBarrier, NotSent, OutcomeUnknown, Refused, Unavailable
from lib.exchange import Balance, CancelRequest, OrderRecord, OrderStatus, PlaceRequest
from lib.ids import intent_token, parse_id
from lib.machine import together
from lib.orders import FINAL, Order, OrderState, absorb, add_order, is_order, orders_inside
from tests.scripted_venue import BIRTH, Office, limit_buy, made_fill, market_buy, play

HALF = Decimal("0.5")
DAY = 86_400


def sell(quantity: str = "0.5", **more: object) -> Order:
    return limit_buy(quantity, "61000", **more).model_copy(update={"side": "SELL"})


def canceled_by_hand(office: Office, order: Order) -> OrderRecord:
    return office.venue.change(order.id, status=OrderStatus.CANCELED)


def on_disk(office: Office) -> Order:
    return Order.model_validate_json(office.saved)


# --- ids and intents


def test_the_id_is_made_with_the_intent_and_both_are_on_disk_before_anything_leaves() -> None:
    async def story(office: Office) -> list[bool]:
        seen: list[bool] = []

        def look(request: PlaceRequest) -> OrderRecord:
            saved = on_disk(office)
            seen.append(saved.id == request.client_order_id)
            seen.append(saved.state is OrderState.SUBMITTING)
            seen.append(saved.token == intent_token(request.client_order_id, request.send_by))
            seen.append((saved.send_by, saved.recv_window) == (request.send_by, 5_000))
            return office.venue.accept(request)

        office.venue.placings = [look]
        await office.begin(limit_buy())
        return seen

    assert play(story) == [True] * 4


def test_a_cancel_has_an_id_of_its_own_that_is_on_disk_before_it_leaves() -> None:
    async def story(office: Office) -> tuple[list[bool], Order]:
        seen: list[bool] = []

        def look(request: CancelRequest) -> OrderRecord:
            saved = on_disk(office)
            seen.append(saved.state is OrderState.CANCELING)
            seen.append(saved.cancel_id == request.client_order_id)
            seen.append(request.client_order_id != request.target_client_order_id)
            seen.append(request.target_order_id is not None)
            return office.venue.take_out(request)

        office.venue.cancelings = [look]
        return seen, await office.run(limit_buy(give_up_at=office.now() + 5_000))

    seen, order = play(story)

    assert seen == [True] * 4
    assert order.state is OrderState.CANCELED


@pytest.mark.parametrize("forgotten", ["place", "cancel"])
def test_a_request_that_was_not_announced_on_disk_does_not_leave(forgotten: str) -> None:
    async def story(office: Office) -> tuple[int, int]:
        async def forgetful() -> None:
            order = limit_buy(give_up_at=office.now() + 3_000)
            async for order in add_order(office.dealer, order):
                if forgotten == "cancel" and order.state is not OrderState.CANCELING:
                    await office.save(order)

        with pytest.raises(MissingBarrier):
            await forgetful()
        return len(office.venue.placed), len(office.venue.cancels)

    assert play(story) == ((0, 0) if forgotten == "place" else (1, 0))


def test_every_id_ever_given_counts_up_and_none_comes_back_after_a_crash() -> None:
    async def story(office: Office) -> list[str]:
        for _ in range(3):
            office.venue.placings = [office.venue.lose_request]
            await office.begin(limit_buy(valid_for=DAY * 1_000), seconds=100)
            office.begin_life()
        ids = [request.client_order_id for _, request in office.venue.placed]
        return ids + [request.client_order_id for _, request in office.venue.cancels]

    ids = play(story)

    counters = [own.counter for name in ids if (own := parse_id(name))]
    assert len(set(ids)) == len(ids)
    assert len(set(counters)) == len(ids)


# --- the fence


def test_a_process_that_was_stopped_before_sending_sends_nothing_old() -> None:
    async def story(office: Office) -> tuple[list[PlaceRequest], Order]:
        order = limit_buy()
        stopped = False
        async for order in add_order(office.dealer, order):
            await office.save(order)
            if order.state is OrderState.SUBMITTING and not stopped:
                office.jumped, stopped = 60_000, True
            if order.state is OrderState.OPEN:
                break
        return [request for _, request in office.venue.placed], order

    placed, order = play(story)

    assert len(placed) == 1
    assert order.sends == 2
    assert placed[0].client_order_id == order.id
    assert placed[0].send_by == order.send_by


def test_an_attempt_that_never_left_keeps_its_id_under_a_new_limit() -> None:
    def unconnected(_: PlaceRequest) -> OrderRecord:
        raise NotSent("no connection")

    async def story(office: Office) -> list[PlaceRequest]:
        office.venue.placings = [unconnected, unconnected]
        await office.begin(limit_buy(), seconds=10)
        return [request for _, request in office.venue.placed]

    placed = play(story)

    assert len(placed) == 3
    assert len({request.client_order_id for request in placed}) == 1
    assert len({request.send_by for request in placed}) == 3


def test_an_attempt_that_never_left_is_not_made_any_more_after_its_best_before() -> None:
    def unconnected(_: PlaceRequest) -> OrderRecord:
        raise NotSent("no connection")

    async def story(office: Office) -> Order:
        office.venue.placings = [unconnected] * 1_000
        return await office.run(market_buy())

    assert play(story).state is OrderState.ABANDONED


@pytest.mark.parametrize("save_ms", [1_000, 3_000, 9_000])
def test_a_slow_disk_delays_an_order_and_does_not_prevent_it(save_ms: int) -> None:
    async def story(office: Office) -> tuple[Order, list[tuple[int, PlaceRequest]]]:
        order = limit_buy()
        async for order in add_order(office.dealer, order):
            await asyncio.sleep(save_ms / 1000)
            await office.save(order)
            office.dealer.slowest_save_ms = save_ms
            if order.state is OrderState.OPEN:
                break
        return order, office.venue.placed

    order, placed = play(story)

    assert order.state is OrderState.OPEN
    assert all(at <= request.send_by for at, request in placed)


@pytest.mark.parametrize("kind", ["MARKET", "LIMIT"])
def test_no_order_leaves_after_its_best_before(kind: str) -> None:
    async def story(office: Office) -> list[tuple[int, PlaceRequest]]:
        order = market_buy() if kind == "MARKET" else limit_buy()
        office.venue.placings = [office.venue.lose_request] * 50
        task = await office.begin(order, seconds=3 * 3_600)
        task.cancel()
        return office.venue.placed

    placed = play(story)

    best_before = 10_000 if kind == "MARKET" else 3_600_000
    assert all(request.send_by <= placed[0][0] + best_before for _, request in placed)


@pytest.mark.slow
def test_a_decision_that_slept_on_disk_for_days_is_not_acted_upon() -> None:
    async def story(office: Office) -> Order:
        await office.save(market_buy())
        await asyncio.sleep(5 * DAY)
        return await office.run(office.recovered())

    assert play(story).state is OrderState.ABANDONED


def test_an_order_that_would_have_to_be_canceled_at_once_is_not_sent() -> None:
    async def story(office: Office) -> tuple[Order, int]:
        office.venue.failing["account"] = Unavailable("the network is away")
        await asyncio.sleep(120)
        task = await office.begin(limit_buy(give_up_at=office.now() + 10_000), seconds=60)
        office.venue.failing.clear()
        return await task, len(office.venue.placed)

    order, placed = play(story)

    assert order.state is OrderState.ABANDONED
    assert placed == 0


def test_no_new_order_leaves_while_the_exchange_may_not_be_asked() -> None:
    async def story(office: Office) -> tuple[int, int]:
        for question in ("account", "open_orders"):
            office.venue.failing[question] = Unavailable("banned")
        await asyncio.sleep(120)
        await office.begin(limit_buy(), seconds=600)
        placed = len(office.venue.placed)
        office.venue.failing.clear()
        await asyncio.sleep(10)
        return placed, len(office.venue.placed)

    assert play(story) == (0, 1)


# --- outcomes


def test_a_refusal_is_final_and_leaves_the_money_free() -> None:
    def refuse(_: PlaceRequest) -> OrderRecord:
        raise Refused("-2010 Account has insufficient balance for requested action.")

    async def story(office: Office) -> tuple[Order, Decimal]:
        office.venue.placings = [refuse]
        return await office.run(limit_buy()), office.floor.funds.free("USDT")

    order, free = play(story)

    assert order.state is OrderState.REJECTED
    assert "insufficient balance" in order.reason
    assert free == 100_000


def test_a_market_order_that_expires_half_filled_keeps_what_it_bought() -> None:
    async def story(office: Office) -> tuple[Order, Memory]:
        def expire(request: PlaceRequest) -> OrderRecord:
            office.venue.accept(request, executed=Decimal("0.2"))
            return office.venue.full(
                office.venue.change(request.client_order_id, status=OrderStatus.EXPIRED)
            )

        office.venue.placings = [expire]
        return await office.run(market_buy()), office.memory

    order, memory = play(story)

    assert (order.state, order.executed) == (OrderState.EXPIRED, Decimal("0.2"))
    assert memory.net == {"BTC": Decimal("0.2"), "USDT": Decimal(-12_000)}


def test_trades_missing_from_an_answer_are_asked_for_before_the_order_is_final() -> None:
    async def story(office: Office) -> tuple[Order, Memory]:
        office.venue.placings = [office.venue.accept]
        task = await office.begin(market_buy(), seconds=0)
        office.venue.failing["fills"] = Unavailable("later")
        await asyncio.sleep(20)
        assert on_disk(office).state not in FINAL
        office.venue.failing.clear()
        return await task, office.memory

    order, memory = play(story)

    assert order.state is OrderState.FILLED
    assert sum(fill.quantity for fill in order.fills) == order.executed
    assert memory.fees == {"BTC": Decimal("0.0005")}


def test_fees_are_booked_in_whichever_asset_they_were_taken() -> None:
    async def story(office: Office) -> tuple[Order, Memory]:
        def two_assets(request: PlaceRequest) -> OrderRecord:
            record = office.venue.accept(request, executed=Decimal("0.2"))
            office.venue.execute(request.client_order_id, Decimal("0.3"))
            first, second = office.venue.trades[record.order_id]
            office.venue.trades[record.order_id] = [
                first.model_copy(update={"commission_asset": "BNB", "commission": Decimal("0.01")}),
                second,
            ]
            return office.venue.full(office.venue.book[request.client_order_id])

        office.venue.placings = [two_assets]
        return await office.run(market_buy()), office.memory

    order, memory = play(story)

    assert memory.fees == {"BNB": Decimal("0.01"), "BTC": Decimal("0.0003")}
    assert order.commission("BNB") == Decimal("0.01")


def test_a_final_order_is_booked_once_however_often_its_bot_starts_again() -> None:
    async def story(office: Office) -> tuple[Memory, Memory]:
        order = await office.run(market_buy())
        first = office.memory.model_copy(deep=True)
        for _ in range(3):
            order = await office.run(office.recovered())
        assert order.final
        return first, office.memory

    first, last = play(story)

    assert last.net == first.net
    assert last.orders_done == 1


# --- money


def test_two_plans_written_in_the_same_moment_do_not_spend_the_same_coin() -> None:
    async def story(office: Office) -> list[OrderState]:
        office.venue.balances["USDT"] = Balance(Decimal(40_000), Decimal(0))
        await asyncio.sleep(31)
        orders = [limit_buy(), limit_buy()]
        dealers = [office.dealer_of(name, Memory()) for name in ("one", "two")]
        for dealer, order in zip(dealers, orders, strict=True):
            await dealer.ready(order)
        for dealer, order in zip(dealers, orders, strict=True):
            dealer.announce(order)
        return [order.state for order in orders]

    assert play(story) == [OrderState.SUBMITTING, OrderState.REJECTED]


def test_an_order_whose_lock_was_heard_before_its_reply_does_not_count_twice() -> None:
    from lib.exchange import AccountEvent, AccountState

    async def story(office: Office) -> OrderState:
        def slow(request: PlaceRequest) -> OrderRecord:
            record = office.venue.accept(request)
            office.tell(record)
            left = Balance(Decimal(70_500), Decimal(29_500))
            office.venue.tell(AccountEvent(AccountState({"USDT": left}, office.now())))
            raise OutcomeUnknown("the reply is late")

        office.venue.placings = [slow]
        task = await office.begin(limit_buy(), seconds=0)
        while not office.venue.book:
            await asyncio.sleep(0.001)
        second = limit_buy("1", "60000")
        other = office.dealer_of("other", Memory())
        await other.ready(second)
        other.announce(second)
        task.cancel()
        return second.state

    assert play(story) is OrderState.SUBMITTING


def test_what_was_just_bought_can_be_sold_although_the_balance_event_was_lost() -> None:
    async def story(office: Office) -> Order:
        office.venue.balances["BTC"] = Balance(Decimal(0), Decimal(0))
        await asyncio.sleep(31)
        await office.run(market_buy())
        office.venue.balances["BTC"] = Balance(HALF, Decimal(0))
        office.venue.account_time = office.now()
        await office.begin(sell(), seconds=60)
        return on_disk(office)

    assert play(story).state is OrderState.OPEN


def test_a_plan_that_never_left_does_not_compete_with_itself_after_a_restart() -> None:
    async def story(office: Office) -> Order:
        def turned_away(_: PlaceRequest) -> OrderRecord:
            raise NotSent("429")

        office.venue.balances["USDT"] = Balance(Decimal(40_000), Decimal(0))
        await asyncio.sleep(31)
        office.venue.placings = [turned_away]
        async for order in add_order(office.dealer, limit_buy()):
            await office.save(order)
            if order.state is OrderState.PLANNED:
                break
        order = office.recovered()
        office.floor.funds.commit(order.id, "USDT", order.spends_at_most)  # as the supervisor does
        await asyncio.sleep(1)
        await office.begin(order)
        return on_disk(office)

    assert play(story).state is OrderState.OPEN


# --- books that disagree


@pytest.mark.parametrize(
    ("what", "changed"),
    [
        ("side", {"side": "SELL"}),
        ("symbol", {"symbol": "ETHUSDT"}),
        ("type", {"type": "LIMIT_MAKER"}),
        ("quantity", {"quantity": Decimal(2)}),
        ("price", {"price": Decimal(2)}),
        ("order id", {"order_id": 999}),
        ("client order id", {"client_order_id": "another"}),
    ],
)
def test_an_answer_about_another_order_stops_the_bot(what: str, changed: dict[str, object]) -> None:
    async def story(office: Office) -> tuple[Order, OrderRecord]:
        await office.begin(limit_buy())
        return on_disk(office), office.venue.change(on_disk(office).id, **changed)

    order, record = play(story)

    with pytest.raises(BooksDisagree, match=what):
        absorb(order, record)


def test_amounts_that_are_equal_agree_however_they_are_written() -> None:
    async def story(office: Office) -> tuple[Order, OrderRecord]:
        await office.begin(limit_buy("0.500", "59000.00"))
        return on_disk(office), office.venue.change(
            on_disk(office).id, quantity=Decimal("0.50000000"), price=Decimal("5.9E+4")
        )

    order, record = play(story)
    absorb(order, record)

    assert order.state is OrderState.OPEN


def test_a_final_answer_with_trades_missing_does_not_end_the_order() -> None:
    async def story(office: Office) -> tuple[Order, OrderRecord]:
        await office.begin(limit_buy())
        name = on_disk(office).id
        return on_disk(office), office.venue.execute(name, HALF)

    order, record = play(story)
    absorb(order, record)

    assert order.state is OrderState.OPEN
    assert order.executed == HALF


def test_a_trade_that_is_told_twice_counts_once() -> None:
    order = market_buy(id="a7", state=OrderState.OPEN)
    fill = made_fill(1, HALF, Decimal(60_000), BIRTH)
    record = OrderRecord(
        symbol="BTCUSDT",
        order_id=1,
        client_order_id="a7",
        side="BUY",
        type="MARKET",
        status=OrderStatus.FILLED,
        quantity=HALF,
        executed=HALF,
        executed_quote=Decimal(30_000),
        fills=(fill, fill),
    )

    absorb(order, record)
    absorb(order, record)

    assert order.fills == [fill]
    assert order.state is OrderState.FILLED


# --- the idiom


def test_a_finished_order_is_skipped_without_asking_anybody() -> None:
    async def story(office: Office) -> tuple[int, int]:
        await office.run(market_buy())
        order = office.recovered()
        before = len(office.venue.asked)
        await office.run(order)
        return len(office.venue.placed), len(office.venue.asked) - before

    assert play(story) == (1, 0)


def test_orders_side_by_side_share_one_barrier_and_are_each_placed_once() -> None:
    async def story(office: Office) -> list[str]:
        orders = [limit_buy("0.1", str(50_000 + i)) for i in range(8)]

        async def save_all() -> None:
            await asyncio.sleep(0.005)
            office.saved = b"[%b]" % b",".join(o.model_dump_json().encode() for o in orders)

        from lib.machine import drive

        async def rungs() -> object:
            async for _ in together(*(add_order(office.dealer, order) for order in orders)):
                yield orders[0]

        task = office.loop.create_task(drive(rungs(), lambda _: save_all()))  # type: ignore[arg-type]
        await asyncio.sleep(5)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return [request.client_order_id for _, request in office.venue.placed]

    ids = play(story)

    assert len(ids) == len(set(ids)) == 8


def test_orders_are_found_wherever_a_context_keeps_them() -> None:
    order = limit_buy(id="a7").model_dump(mode="json")
    context = {"buy": order, "sells": [order, {"deep": {"er": order}}], "n": 1, "s": "symbol"}

    assert len(list(orders_inside(context))) == 3
    assert is_order(order)
    assert not is_order(context)
