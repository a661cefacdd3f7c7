"""Order lists, exactly once: what exchange and context must say of each other."""

import asyncio
from decimal import Decimal
from typing import Any

import pytest

from lib.errors import (
    BooksDisagree,
    DuplicateOrder,
    Halt,
    MissingBarrier,
    NotSent,
    OutcomeUnknown,
    Refused,
)
from lib.exchange import ListKind, OrderRecord, OrderStatus, PlaceListRequest
from lib.ids import intent_token, parse_id
from lib.order_lists import OrderList, add_list
from lib.orders import PROBED, Order, OrderState, is_order, orders_inside
from tests.scripted_venue import Office, limit_buy, play

HALF = Decimal("0.5")
KINDS: list[ListKind] = ["OCO", "OTO", "OTOCO"]


def leg(kind: str, side: str = "SELL", **more: Any) -> Order:
    fields = {"symbol": "BTCUSDT", "side": side, "type": kind, "quantity": HALF}
    return Order.model_validate({**fields, **more})


def taking(**more: Any) -> Order:
    return leg("LIMIT_MAKER", price=Decimal(61_000), **more)


def stopping(**more: Any) -> Order:
    return leg("STOP_LOSS", stop_price=Decimal(59_000), **more)


def order_list(kind: ListKind = "OCO", **more: Any) -> OrderList:
    entry = limit_buy(price="60000")
    legs = {"OCO": [taking(), stopping()], "OTO": [entry, stopping()]}
    legs["OTOCO"] = [entry, taking(), stopping()]
    return OrderList(kind=kind, symbol="BTCUSDT", legs=legs[kind], **more)


def ids(wanted: OrderList) -> list[str]:
    return [each.id for each in wanted.legs]


def settle(office: Office, wanted: OrderList, **statuses: OrderStatus) -> None:
    """Bring events that the orders of these types ended so; LIMIT_MAKER="FILLED" fills it."""
    for each in wanted.legs:
        status = statuses.get(each.type)
        if status is OrderStatus.FILLED:
            assert each.quantity is not None
            record = office.venue.execute(each.id, each.quantity)
            office.tell(office.venue.full(record))
        elif status is not None:
            reason = "OCO_TRIGGER" if status is OrderStatus.EXPIRED else ""
            office.tell(office.venue.change(each.id, status=status, reason=reason))


# --- the intent


@pytest.mark.parametrize("kind", KINDS)
def test_every_id_is_on_disk_with_its_token_before_the_list_leaves(kind: ListKind) -> None:
    async def story(office: Office) -> list[bool]:
        seen: list[bool] = []

        def look(request: PlaceListRequest) -> list[OrderRecord]:
            saved = OrderList.model_validate_json(office.saved)
            seen.append(saved.id == request.client_order_id)
            seen.append(saved.token == intent_token(saved.id, request.send_by))
            seen.append(ids(saved) == [each.client_order_id for each in request.legs])
            seen.append(all(each.state is OrderState.SUBMITTING for each in saved.legs))
            seen.append({each.send_by for each in saved.legs} == {request.send_by})
            return office.venue.accept_list(request)

        office.venue.list_placings = [look]
        await office.begin_list(order_list(kind))
        return seen

    assert play(story) == [True] * 5


def test_ids_of_list_and_legs_are_of_one_counter_and_all_different() -> None:
    async def story(office: Office) -> OrderList:
        wanted = order_list("OTOCO")
        await office.begin_list(wanted)
        return wanted

    wanted = play(story)

    own = [parse_id(name) for name in (wanted.id, *ids(wanted))]
    assert [(each.counter, each.leg) for each in own if each] == [
        (1, "b"),
        (2, "a"),
        (3, "a"),
        (4, "a"),
    ]


@pytest.mark.parametrize("forgotten", ["the list", "a leg"])
def test_a_list_of_which_any_id_is_not_on_disk_does_not_leave(forgotten: str) -> None:
    async def story(office: Office) -> int:
        async def forgetful() -> None:
            wanted = order_list()
            async for wanted in add_list(office.dealer, wanted):
                await office.save(wanted)
                lost = wanted.token if forgotten == "the list" else wanted.legs[1].token
                office.saved = office.saved.replace(lost.encode(), b"")

        with pytest.raises(MissingBarrier):
            await forgetful()
        return len(office.venue.placed_lists)

    assert play(story) == 0


def test_a_list_is_no_order_and_its_legs_are_found_as_orders() -> None:
    written = order_list("OTOCO").model_dump(mode="json")

    assert not is_order(written)
    assert [each.type for each in orders_inside(written)] == ["LIMIT", "LIMIT_MAKER", "STOP_LOSS"]


# --- money


@pytest.mark.parametrize(
    ("kind", "free"),
    [("OCO", ("0.5", "100000")), ("OTO", ("1", "70000")), ("OTOCO", ("1", "70000"))],
)
def test_the_worst_case_of_a_list_counts_once(kind: ListKind, free: tuple[str, str]) -> None:
    async def story(office: Office) -> tuple[Decimal, Decimal]:
        wanted = order_list(kind)
        office.venue.list_placings = [office.venue.lose_list_request]
        await office.begin_list(wanted)
        assert [each.spends_at_most > 0 for each in wanted.legs] == [
            True,
            *[False] * (len(wanted.legs) - 1),
        ]
        return office.floor.funds.free("BTC"), office.floor.funds.free("USDT")

    assert play(story) == (Decimal(free[0]), Decimal(free[1]))


def test_a_buying_pair_counts_its_dearer_leg() -> None:
    async def story(office: Office) -> Decimal:
        cheap = leg("LIMIT_MAKER", "BUY", price=Decimal(58_000))
        dear = leg(
            "STOP_LOSS_LIMIT",
            "BUY",
            stop_price=Decimal(61_000),
            price=Decimal(62_000),
            time_in_force="GTC",
        )
        wanted = OrderList(kind="OCO", symbol="BTCUSDT", legs=[dear, cheap])
        await office.begin_list(wanted)
        return wanted.legs[0].spends_at_most

    assert play(story) == HALF * 62_000


def test_a_list_that_cannot_be_paid_is_rejected_and_nothing_leaves() -> None:
    async def story(office: Office) -> tuple[OrderList, int]:
        wanted = order_list()
        for each in wanted.legs:
            each.quantity = Decimal(2)
        done = await office.run_list(wanted)
        return done, len(office.venue.placed_lists)

    done, placed = play(story)

    assert (done.state, placed) == (OrderState.REJECTED, 0)
    assert "needs 2 BTC" in done.reason
    assert {each.state for each in done.legs} == {OrderState.REJECTED}
    assert (done.unprotected, done.unprotected_because) == (
        Decimal(2),
        f"the STOP_LOSS order was rejected: {done.reason}",
    )


def test_a_symbol_without_lists_gets_none() -> None:
    async def story(office: Office) -> OrderList:
        wanted = order_list()
        wanted.symbol = "ETHUSDT"
        wanted.legs = [each.model_copy(update={"symbol": "ETHUSDT"}) for each in wanted.legs]
        return await office.run_list(wanted)

    assert play(story).reason == "ETHUSDT takes no OCO lists"


# --- refused, not sent, too late


def test_a_refused_list_is_rejected_whole_with_the_reason() -> None:
    async def story(office: Office) -> OrderList:
        def refuse(_: PlaceListRequest) -> list[OrderRecord]:
            raise Refused("-2010 the relationship of the prices")

        office.venue.list_placings = [refuse]
        return await office.run_list(order_list())

    done = play(story)

    assert (done.state, done.reason) == (
        OrderState.REJECTED,
        "-2010 the relationship of the prices",
    )
    assert all(each.booked for each in done.legs)


def test_a_list_that_never_left_keeps_its_ids_under_a_new_fence() -> None:
    async def story(office: Office) -> tuple[list[str], list[int]]:
        def unreachable(request: PlaceListRequest) -> list[OrderRecord]:
            raise NotSent("no route")

        office.venue.list_placings = [unreachable]
        await office.begin_list(order_list(), seconds=5)
        sent = [request for _, request in office.venue.placed_lists]
        return [request.client_order_id for request in sent], [each.send_by for each in sent]

    names, fences = play(story)

    assert len(names) == 2
    assert len(set(names)) == 1
    assert fences[0] < fences[1]


def test_a_plan_that_grew_old_is_abandoned() -> None:
    async def story(office: Office) -> OrderList:
        wanted = order_list(valid_for=1_000)
        for each in wanted.legs:
            each.planned_at = office.now() - 2_000
        return await office.run_list(wanted)

    done = play(story)

    assert done.state is OrderState.ABANDONED
    assert {each.state for each in done.legs} == {OrderState.ABANDONED}


def test_a_duplicate_of_a_list_never_sent_before_halts() -> None:
    async def story(office: Office) -> None:
        def duplicate(_: PlaceListRequest) -> list[OrderRecord]:
            raise DuplicateOrder("-2010 Duplicate order sent.")

        office.venue.list_placings = [duplicate]
        with pytest.raises(BooksDisagree):
            await office.run_list(order_list())

    play(story)


def test_a_duplicate_of_a_list_that_may_have_left_before_is_adopted() -> None:
    async def story(office: Office) -> tuple[OrderList, int]:
        def pretend(request: PlaceListRequest) -> list[OrderRecord]:
            office.venue.accept_list(request)
            raise NotSent("it left all the same")

        def duplicate(_: PlaceListRequest) -> list[OrderRecord]:
            raise DuplicateOrder("-2010 Duplicate order sent.")

        wanted = order_list()
        office.venue.list_placings = [pretend, duplicate]
        await office.begin_list(wanted, seconds=10)
        return wanted, len(office.venue.book)

    wanted, many = play(story)

    assert (wanted.state, many) == (OrderState.OPEN, 2)
    assert {each.state for each in wanted.legs} == {OrderState.OPEN}


def test_a_leg_that_is_otherwise_at_the_exchange_halts() -> None:
    async def story(office: Office) -> None:
        def accept_another(request: PlaceListRequest) -> list[OrderRecord]:
            office.venue.accept_list(request)
            office.venue.change(request.legs[1].client_order_id, quantity=Decimal("0.7"))
            raise OutcomeUnknown("the reply was lost")

        office.venue.list_placings = [accept_another]
        with pytest.raises(BooksDisagree):
            await office.run_list(order_list())

    play(story)


# --- in doubt


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seen", [0, 1])
def test_any_id_that_is_seen_means_that_the_whole_list_was_accepted(
    kind: ListKind, seen: int
) -> None:
    async def story(office: Office) -> tuple[OrderList, int, int]:
        wanted = order_list(kind)
        office.venue.list_placings = [office.venue.lose_list_reply]
        task = await office.begin_list(wanted, seconds=0.02)
        office.venue.hidden = {*ids(wanted), wanted.id} - {wanted.legs[seen].id}
        await asyncio.sleep(120)
        waiting = len([each for each in wanted.legs if each.state is OrderState.IN_DOUBT])
        office.venue.hidden = set()
        await asyncio.sleep(30)
        task.cancel()
        return wanted, waiting, len(office.venue.placed_lists)

    wanted, waiting, placed = play(story)

    assert placed == 1
    assert waiting == len(wanted.legs)
    assert {each.state for each in wanted.legs} == {OrderState.OPEN}


@pytest.mark.parametrize("kind", KINDS)
def test_a_list_is_presumed_absent_only_after_every_leg_was_asked_and_probed(
    kind: ListKind,
) -> None:
    async def story(office: Office) -> tuple[OrderList, list[str], list[str], list[str]]:
        wanted = order_list(kind, valid_for=10_000)
        office.venue.list_placings = [office.venue.lose_list_request]
        task = await office.begin_list(wanted, seconds=0.1)
        names = [wanted.id, *ids(wanted)]
        await task
        asked = [name for _, name in office.venue.asked]
        probed = [request.target_client_order_id for _, request in office.venue.cancels]
        return wanted, names, asked, probed

    wanted, names, asked, probed = play(story)

    assert min(asked.count(name) for name in names) >= 3
    assert probed == names[1:]
    assert wanted.state is OrderState.ABANDONED


def test_a_list_found_by_the_cancel_of_its_second_leg_is_canceled_and_nobody_decided_it() -> None:
    async def story(office: Office) -> tuple[OrderList, int]:
        wanted = order_list()
        office.venue.list_placings = [office.venue.lose_list_reply]
        task = await office.begin_list(wanted, seconds=0.02)
        office.venue.hidden = {*ids(wanted), wanted.id}
        office.venue.book.pop(wanted.legs[0].id)
        while not office.venue.cancels:
            await asyncio.sleep(1)
        office.venue.hidden = set()
        await asyncio.sleep(1)
        first = office.venue.placed_lists[0][1].legs[0]
        office.venue.accept(first)
        office.venue.change(first.client_order_id, status=OrderStatus.EXPIRED)
        await task
        return wanted, len(office.venue.placed_lists)

    wanted, placed = play(story)

    assert placed == 1
    assert (wanted.state, wanted.reason) == (OrderState.CANCELED, PROBED)


def test_a_list_whose_ids_were_given_up_is_sent_again_under_new_ones() -> None:
    async def story(office: Office) -> tuple[list[str], list[str]]:
        office.venue.list_placings = [office.venue.lose_list_request]
        await office.begin_list(order_list(), seconds=100)
        sent = [
            [request.client_order_id, *(each.client_order_id for each in request.legs)]
            for _, request in office.venue.placed_lists
        ]
        assert len(sent) == 2
        return [*sent[0], *sent[1]], [former.id for former in office.memory.former]

    names, former = play(story)

    assert len(set(names)) == len(names)
    assert former == names[1:3]


def test_a_crash_after_the_announcement_looks_for_the_list_and_sends_it_no_second_time() -> None:
    async def story(office: Office) -> tuple[OrderList, int]:
        await office.begin_list(order_list("OTOCO"), seconds=0.02)
        recovered = office.recovered_list()
        await office.begin_list(recovered, seconds=60)
        return recovered, len(office.venue.placed_lists)

    recovered, placed = play(story)

    assert (recovered.state, placed) == (OrderState.OPEN, 1)


def test_a_person_who_wants_to_decide_is_asked_before_the_probe() -> None:
    async def story(office: Office) -> int:
        office.venue.list_placings = [office.venue.lose_list_request]
        with pytest.raises(Halt, match="nowhere to be found"):
            await office.run_list(order_list())
        return len(office.venue.cancels)

    assert play(story, park_on_doubt=True) == 0


def test_a_leg_canceled_under_another_id_is_found_by_the_order_id_its_list_names() -> None:
    async def story(office: Office) -> OrderList:
        wanted = order_list()
        office.venue.list_placings = [office.venue.lose_list_reply]
        task = await office.begin_list(wanted, seconds=0.02)
        for each in wanted.legs:
            record = office.venue.change(each.id, status=OrderStatus.CANCELED)
            office.venue.book[each.id] = record.__class__(**{
                **{name: getattr(record, name) for name in record.__slots__},
                "client_order_id": "by-hand",
            })
        done: OrderList = await task
        return done

    assert play(story).state is OrderState.CANCELED


# --- followed


@pytest.mark.parametrize("kind", KINDS)
def test_giving_a_list_up_cancels_it_with_one_request(kind: ListKind) -> None:
    async def story(office: Office) -> tuple[OrderList, int]:
        wanted = order_list(kind)
        task = await office.begin_list(wanted)
        wanted.give_up = "enough"
        await office.save(wanted)
        office.dealer.wake_given_up()
        await task
        return wanted, len(office.venue.cancels)

    wanted, cancels = play(story)

    assert (wanted.state, wanted.reason, cancels) == (OrderState.CANCELED, "enough", 1)
    assert {each.state for each in wanted.legs} == {OrderState.CANCELED}


def test_a_list_is_followed_by_events_alone_to_its_end() -> None:
    async def story(office: Office) -> OrderList:
        wanted = order_list()
        task = await office.begin_list(wanted)
        settle(office, wanted, LIMIT_MAKER=OrderStatus.FILLED, STOP_LOSS=OrderStatus.EXPIRED)
        done: OrderList = await task
        return done

    done = play(story)

    assert done.state is OrderState.FILLED
    assert done.done_by is done.legs[0]
    assert (done.sold, done.proceeds, done.average_sold) == (HALF, Decimal(30_000), Decimal(60_000))
    assert done.unprotected == 0


def test_an_exit_filled_in_part_is_without_its_stop_at_once() -> None:
    async def story(office: Office) -> OrderList:
        wanted = order_list()
        await office.begin_list(wanted)
        office.tell(office.venue.full(office.venue.execute(wanted.legs[0].id, Decimal("0.2"))))
        settle(office, wanted, STOP_LOSS=OrderStatus.EXPIRED)
        await asyncio.sleep(1)
        return wanted

    wanted = play(story)

    assert wanted.unprotected == Decimal("0.3")
    assert "the stop ended with the first fill of the LIMIT_MAKER" in wanted.unprotected_because


def test_a_working_order_filled_in_part_is_unprotected_until_all_of_it_is() -> None:
    async def story(office: Office) -> list[tuple[Decimal, str]]:
        wanted = order_list("OTOCO")
        await office.begin_list(wanted)
        found = []
        for part in ("0.2", "0.3"):
            record = office.venue.execute(wanted.legs[0].id, Decimal(part))
            office.tell(office.venue.full(record))
            await asyncio.sleep(1)
            found.append((wanted.unprotected, wanted.unprotected_because))
        return found

    (part, why), (whole, nothing) = play(story)

    assert part == Decimal("0.1998")
    assert why.startswith("the working order is filled in part")
    assert (whole, nothing) == (Decimal(0), "")


def test_a_list_that_came_back_from_disk_is_the_list_that_was_saved() -> None:
    wanted = order_list("OTOCO", give_up="x", comment="y")

    assert OrderList.model_validate_json(wanted.model_dump_json()) == wanted


def test_a_finished_list_is_skipped() -> None:
    async def story(office: Office) -> int:
        done = order_list()
        done.state = OrderState.FILLED
        await office.run_list(done)
        return len(office.venue.placed_lists)

    assert play(story) == 0
