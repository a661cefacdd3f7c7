"""An order of unknown outcome is looked for until it is found or proven absent, never repeated."""

import asyncio
from decimal import Decimal

import pytest

from lib.context_file.generation import Memory
from lib.dealing.doubt import dead_at
from lib.errors import BooksDisagree, DuplicateOrder, Halt, OutcomeUnknown, Unavailable
from lib.exchange import (
    Balance,
    CancelRequest,
    OrderRecord,
    OrderStatus,
    PlaceRequest,
    StreamLost,
    StreamReady,
)
from lib.ids import make_id
from lib.orders import Order, OrderState
from tests.scripted_venue import BIRTH, Office, limit_buy, market_buy, play

LONG = 86_400_000
MARKET_BUY = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.01"}
FOREIGN = "x-ABCDEF"


def waiting(order: Order) -> Order:
    """Let a plan be sent again much later."""
    return order.model_copy(update={"valid_for": LONG})


def fence_of(request: PlaceRequest) -> int:
    """Tell when a request can no longer be accepted."""
    return request.send_by + request.recv_window + 10_000


# --- found is certain


@pytest.mark.parametrize("lag", [0, 2_500, 20_000, 55_000])
def test_an_accepted_order_whose_reply_was_lost_is_adopted_however_long_questions_lag(
    lag: int,
) -> None:
    async def story(office: Office) -> Order:
        venue = office.venue
        office.venue.tell(StreamLost("gone"))

        def lose(request: PlaceRequest) -> OrderRecord:
            venue.hidden.add(request.client_order_id)
            office.loop.call_later(lag / 1000, venue.hidden.clear)
            return venue.lose_reply(request)

        venue.placings = [lose]
        return await office.run(waiting(market_buy()))

    order = play(story)

    assert (order.state, order.executed) == (OrderState.FILLED, Decimal("0.5"))


def test_an_event_settles_a_doubt_before_any_question_does() -> None:
    async def story(office: Office) -> tuple[Order, int]:
        venue = office.venue

        def lose(request: PlaceRequest) -> OrderRecord:
            venue.hidden.add(request.client_order_id)
            office.loop.call_later(0.3, office.tell, venue.full(venue.accept(request)))
            raise OutcomeUnknown("the reply was lost")

        venue.placings = [lose]
        order = await office.run(market_buy())
        return order, len(venue.placed)

    order, placed = play(story)

    assert order.state is OrderState.FILLED
    assert placed == 1


def test_a_crash_after_the_sending_is_the_same_as_a_lost_reply() -> None:
    async def story(office: Office) -> tuple[Order, int]:
        office.venue.placings = [office.venue.lose_reply]
        await office.crash_once_accepted(market_buy())
        order = await office.run(office.recovered())
        return order, len(office.venue.placed)

    order, placed = play(story)

    assert order.state is OrderState.FILLED
    assert placed == 1


# --- absent is a conclusion


def attempts(*, stream: bool) -> tuple[list[tuple[int, PlaceRequest]], list[int], Order]:
    async def story(office: Office) -> Order:
        if not stream:
            office.venue.tell(StreamLost("gone"))
        office.venue.placings = [office.venue.lose_request]
        order = await office.run(waiting(market_buy()))
        seen.extend(office.venue.placed)
        asked.extend(at for at, name in office.venue.asked if name == seen[0][1].client_order_id)
        return order

    seen: list[tuple[int, PlaceRequest]] = []
    asked: list[int] = []
    return seen, asked, play(story)


@pytest.mark.parametrize(("stream", "look"), [(False, 60_000), (True, 15_000)])
def test_an_order_is_sent_again_only_after_its_fence_and_a_long_enough_look(
    stream: bool, look: int
) -> None:
    placed, asked, order = attempts(stream=stream)

    fence = fence_of(placed[0][1])
    after_fence = [at for at in asked if at > fence]
    assert order.state is OrderState.FILLED
    assert len(placed) == 2
    assert placed[1][0] - fence >= look
    assert len(after_fence) >= 3
    assert after_fence[-1] - after_fence[0] >= look


def test_a_second_attempt_has_a_new_id_and_the_first_is_remembered() -> None:
    async def story(office: Office) -> tuple[Order, list[str], Memory]:
        office.venue.placings = [office.venue.lose_request]
        order = await office.run(waiting(market_buy()))
        return order, [r.client_order_id for _, r in office.venue.placed], office.memory

    order, ids, memory = play(story)

    assert len(set(ids)) == 2
    assert order.id == ids[1]
    assert [former.id for former in memory.former] == [ids[0]]


def test_a_gap_of_the_stream_after_the_sending_makes_the_look_long() -> None:
    async def story(office: Office) -> list[tuple[int, PlaceRequest]]:
        office.venue.placings = [office.venue.lose_request]
        task = await office.begin(waiting(market_buy()), seconds=5)
        office.venue.tell(StreamLost("reset"))
        office.venue.tell(StreamReady())
        await task
        return office.venue.placed

    placed = play(story)

    assert placed[1][0] - fence_of(placed[0][1]) >= 60_000


@pytest.mark.parametrize("silent", ["server_time", "find_order", "open_orders", "history"])
def test_what_cannot_be_asked_is_never_proof(silent: str) -> None:
    async def story(office: Office) -> tuple[int, OrderState]:
        office.venue.placings = [office.venue.lose_request]
        task = await office.begin(waiting(market_buy()))
        office.venue.failing[silent] = Unavailable("no answer")
        await asyncio.sleep(3_600)
        placed = len(office.venue.placed)
        office.venue.failing.clear()
        return placed, (await task).state

    placed, state = play(story)

    assert placed == 1
    assert state is OrderState.FILLED


def test_questions_that_were_asked_before_the_fence_do_not_count() -> None:
    async def story(office: Office) -> int:
        office.venue.ahead = -600_000  # the server's clock has not come as far as ours says
        office.venue.placings = [office.venue.lose_request]
        await office.begin(waiting(market_buy()), seconds=500)
        return len(office.venue.placed)

    assert play(story) == 1


def test_the_fence_is_the_saved_limit_and_window_and_a_margin_for_the_engine() -> None:
    async def story(office: Office) -> tuple[int, int]:
        await office.begin(limit_buy())
        order = Order.model_validate_json(office.saved)
        return dead_at(office.floor, order), order.send_by

    dead, send_by = play(story)

    assert dead - send_by >= 5_000 + 10_000


def test_a_market_order_past_its_best_before_is_resolved_first_and_then_not_sent_again() -> None:
    async def story(office: Office) -> tuple[Order, int]:
        office.venue.placings = [office.venue.lose_request]
        order = await office.run(market_buy())
        return order, len(office.venue.placed)

    order, placed = play(story)

    assert order.state is OrderState.ABANDONED
    assert placed == 1


@pytest.mark.slow
def test_an_accepted_order_is_found_even_if_its_plan_is_past_its_best_before() -> None:
    async def story(office: Office) -> Order:
        office.venue.placings = [office.venue.lose_reply]
        await office.crash_once_accepted(market_buy())
        await asyncio.sleep(7 * 86_400)
        return await office.run(office.recovered())

    assert play(story).state is OrderState.FILLED


def test_giving_up_while_in_doubt_looks_first_and_cancels_what_it_finds() -> None:
    async def story(office: Office) -> tuple[Order, list[OrderStatus]]:
        office.venue.placings = [office.venue.lose_reply]
        order = await office.run(limit_buy(give_up="changed my mind", state=OrderState.PLANNED))
        return order, [record.status for record in office.venue.book.values()]

    order, book = play(story)

    assert order.state is OrderState.ABANDONED
    assert book == []


def test_a_decision_to_give_up_does_not_forget_an_order_that_was_already_sent() -> None:
    async def story(office: Office) -> tuple[Order, list[OrderStatus]]:
        office.venue.placings = [office.venue.lose_reply]
        await office.crash_once_accepted(limit_buy())
        order = office.recovered()
        order.give_up = "changed my mind"
        ended = await office.run(order)
        return ended, [record.status for record in office.venue.book.values()]

    order, book = play(story)

    assert order.state is OrderState.CANCELED
    assert book == [OrderStatus.CANCELED]


# --- the last proof: a cancel by id


def test_what_could_rest_is_presumed_absent_only_after_the_matching_engine_said_so() -> None:
    async def story(office: Office) -> tuple[int, int, PlaceRequest]:
        office.venue.placings = [office.venue.lose_request]
        await office.begin(limit_buy(), seconds=300)
        (first_at, first), (second_at, _) = office.venue.placed
        (canceled_at, cancel) = office.venue.cancels[0]
        assert cancel.target_client_order_id == first.client_order_id
        return canceled_at - first_at, second_at - canceled_at, first

    looked, waited, _ = play(story)

    assert looked > 15_000
    assert waited >= 0


def test_a_resting_order_that_no_question_shows_is_canceled_and_not_placed_again() -> None:
    async def story(office: Office) -> tuple[Order, int, list[OrderStatus]]:
        venue = office.venue

        def lose(request: PlaceRequest) -> OrderRecord:
            venue.hidden.add(request.client_order_id)
            return venue.lose_reply(request)

        venue.placings = [lose]
        order = await office.run(limit_buy())
        return order, len(venue.placed), [record.status for record in venue.book.values()]

    order, placed, book = play(story)

    assert order.state is OrderState.CANCELED
    assert placed == 1
    assert book == [OrderStatus.CANCELED]


def test_a_cancel_in_doubt_whose_own_reply_is_lost_proves_nothing() -> None:
    async def story(office: Office) -> tuple[Order, int]:
        venue = office.venue

        def lose(request: PlaceRequest) -> OrderRecord:
            venue.hidden.add(request.client_order_id)
            return venue.lose_reply(request)

        def cancel_unheard(request: CancelRequest) -> OrderRecord:
            venue.take_out(request)
            venue.hidden.clear()
            raise OutcomeUnknown("the reply was lost")

        venue.placings, venue.cancelings = [lose], [cancel_unheard]
        order = await office.run(limit_buy())
        return order, len(venue.placed)

    order, placed = play(story)

    assert order.state is OrderState.CANCELED
    assert placed == 1


@pytest.mark.parametrize("type_", ["STOP_LOSS_LIMIT", "TAKE_PROFIT_LIMIT"])
def test_an_untriggered_stop_can_rest_whatever_its_time_in_force(type_: str) -> None:
    order = limit_buy().model_copy(update={"type": type_, "time_in_force": "IOC"})

    assert order.can_rest


@pytest.mark.parametrize("question", ["open_orders", "history"])
def test_an_event_that_comes_while_the_last_questions_are_asked_is_not_overlooked(
    question: str,
) -> None:
    async def story(office: Office) -> list[OrderState]:
        venue = office.venue
        late: list[OrderRecord] = []

        def lose(request: PlaceRequest) -> OrderRecord:
            venue.hidden.add(request.client_order_id)
            late.append(venue.full(venue.accept(request)))
            raise OutcomeUnknown("the reply was lost")

        def arrive() -> None:
            while late and venue.asked and office.now() > fence_of(venue.placed[0][1]):
                office.tell(late.pop())

        venue.placings = [lose]
        if question == "open_orders":
            venue.failing["account"] = Unavailable("so that no poll brings the event earlier")
        await asyncio.sleep(0)
        task = await office.begin(waiting(market_buy()), seconds=0)
        venue.before[question] = arrive
        await task
        return [OrderState(record.status.lower()) for record in venue.book.values()]

    assert play(story) == [OrderState.FILLED]


def test_an_order_that_fills_under_the_probing_cancel_is_adopted() -> None:
    async def story(office: Office) -> int:
        venue = office.venue

        def lose(request: PlaceRequest) -> OrderRecord:
            venue.hidden.add(request.client_order_id)
            return venue.lose_reply(request)

        def fill_first(request: CancelRequest) -> OrderRecord:
            venue.execute(request.target_client_order_id, Decimal("0.5"))
            office.tell(venue.full(venue.book[request.target_client_order_id]))
            return venue.take_out(request)

        venue.placings, venue.cancelings = [lose], [fill_first]
        await office.begin(limit_buy(), seconds=600)
        return len(venue.placed)

    assert play(story) == 1


def test_a_plan_that_is_sent_anew_has_no_cancel_of_its_former_life() -> None:
    async def story(office: Office) -> Order:
        office.venue.placings = [office.venue.lose_request]
        await office.begin(limit_buy(), seconds=300)
        return Order.model_validate_json(office.saved)

    order = play(story)

    assert order.state is OrderState.OPEN
    assert order.cancel_id == ""


# --- twins, duplicates, and people


def same_shape(request: PlaceRequest, client_order_id: str, at: int) -> OrderRecord:
    return OrderRecord(
        symbol=request.symbol,
        order_id=7,
        client_order_id=client_order_id,
        side=request.side,
        type=request.type,
        status=OrderStatus.NEW,
        price=request.price or Decimal(0),
        quantity=request.quantity or Decimal(0),
        created_at=at,
        updated_at=at,
    )


def test_an_order_of_the_same_shape_under_a_foreign_id_stops_the_bot() -> None:
    async def story(office: Office) -> None:
        venue = office.venue

        def lose(request: PlaceRequest) -> OrderRecord:
            venue.book[FOREIGN] = same_shape(request, FOREIGN, office.now())
            return venue.lose_request(request)

        venue.placings = [lose]
        await office.run(limit_buy())

    with pytest.raises(BooksDisagree, match=FOREIGN):
        play(story)


def test_an_order_of_another_bot_of_ours_is_no_twin() -> None:
    async def story(office: Office) -> int:
        venue = office.venue
        other = make_id(installation="3fa2c1", bot="other", birth=BIRTH, counter=1, leg="a")

        def lose(request: PlaceRequest) -> OrderRecord:
            venue.book[other] = same_shape(request, other, office.now())
            return venue.lose_request(request)

        venue.placings = [lose]
        await office.begin(limit_buy(), seconds=300)
        return len(venue.placed)

    assert play(story) == 2


def test_a_duplicate_of_an_id_that_never_left_stops_the_bot() -> None:
    def duplicate(_: PlaceRequest) -> OrderRecord:
        raise DuplicateOrder("-2010 Duplicate order sent.")

    async def story(office: Office) -> None:
        office.venue.placings = [duplicate]
        await office.run(limit_buy())

    with pytest.raises(BooksDisagree, match="never sent before"):
        play(story)


def sent_twice(office: Office, first: PlaceRequest, **change: object) -> None:
    """Have an id that was said not to have left accepted all the same."""
    office.venue.accept(first)
    office.venue.change(first.client_order_id, **change)


def duplicate_story(**change: object) -> tuple[Order, int]:
    from lib.errors import NotSent

    async def story(office: Office) -> tuple[Order, int]:
        def turn_away(request: PlaceRequest) -> OrderRecord:
            sent_twice(office, request, **change)
            raise NotSent("HTTP 403")

        def duplicate(_: PlaceRequest) -> OrderRecord:
            raise DuplicateOrder("-2010 Duplicate order sent.")

        office.venue.placings = [turn_away, duplicate]
        await office.begin(limit_buy(), seconds=30)
        return Order.model_validate_json(office.saved), len(office.venue.book)

    return play(story)


def test_a_duplicate_of_an_id_that_may_have_left_is_adopted() -> None:
    order, orders = duplicate_story()

    assert order.state is OrderState.OPEN
    assert order.order_id is not None
    assert orders == 1


def test_a_duplicate_that_differs_from_what_was_announced_stops_the_bot() -> None:
    async def story(office: Office) -> None:
        from lib.errors import NotSent

        def turn_away(request: PlaceRequest) -> OrderRecord:
            sent_twice(office, request, quantity=Decimal(3))
            raise NotSent("HTTP 403")

        def duplicate(_: PlaceRequest) -> OrderRecord:
            raise DuplicateOrder("-2010 Duplicate order sent.")

        office.venue.placings = [turn_away, duplicate]
        await office.run(limit_buy())

    with pytest.raises(BooksDisagree, match="quantity is 3"):
        play(story)


def test_a_person_who_wants_to_decide_is_asked_before_anything_is_presumed() -> None:
    async def story(office: Office) -> None:
        office.venue.placings = [office.venue.lose_request]
        await office.run(waiting(market_buy()))

    with pytest.raises(Halt, match="nowhere to be found"):
        play(story, park_on_doubt=True)


def test_a_person_who_decided_lets_the_order_be_sent_anew() -> None:
    async def story(office: Office) -> tuple[Order, int]:
        office.venue.placings = [office.venue.lose_request]
        with pytest.raises(Halt):
            await office.run(waiting(market_buy()))
        office.memory.doubts_accepted_until = office.now()
        office.saved_memory = office.memory.model_dump_json()
        order = await office.run(office.recovered())
        return order, len(office.venue.placed)

    order, placed = play(story, park_on_doubt=True)

    assert order.state is OrderState.FILLED
    assert placed == 2


def test_what_an_order_in_doubt_may_have_spent_is_promised_to_nobody_else() -> None:
    async def story(office: Office) -> tuple[Order, Decimal]:
        office.venue.balances["USDT"] = Balance(Decimal(40_000), Decimal(0))
        await asyncio.sleep(31)
        office.venue.placings = [office.venue.lose_request]
        await office.begin(limit_buy("0.5"), seconds=5)
        free = office.floor.funds.free("USDT")
        other = office.dealer_of("other", Memory())
        second = limit_buy("0.5")
        await other.ready(second)
        other.announce(second)
        return second, free

    second, free = play(story)

    assert free == 40_000 - 29_500
    assert second.state is OrderState.REJECTED
