"""One account as last heard: it only moves forward, in whatever order the messages come."""

import asyncio
from dataclasses import replace
from decimal import Decimal
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.errors import BadCredentials, NotSent, Refused, Unavailable
from lib.exchange import (
    ZERO,
    AccountEvent,
    AccountState,
    Balance,
    OrderEvent,
    OrderRecord,
    OrderStatus,
    StreamLost,
    StreamReady,
)
from lib.mirror import advance, settled
from tests.scripted_venue import BIRTH, Office, limit_buy, made_fill, play

PRICE = Decimal(60_000)
NAME = "a7"
OPEN = OrderStatus.PARTIALLY_FILLED


@st.composite
def histories(draw: st.DrawFn) -> list[OrderRecord]:
    """What an exchange truthfully says of one order, from its acceptance to its end."""
    parts = draw(st.lists(st.integers(1, 9), max_size=5))
    end = draw(st.sampled_from([None, OrderStatus.CANCELED, OrderStatus.EXPIRED]))
    fills = [made_fill(n, Decimal(part), PRICE, BIRTH + n) for n, part in enumerate(parts, 1)]
    whole = sum(parts) + (1 if end or not parts else 0)
    told = [record(whole, 0, OrderStatus.NEW)]
    for n, executed in enumerate(accumulate(parts)):
        status = OrderStatus.FILLED if executed == whole else OPEN
        event = replace(record(whole, executed, status), updated_at=BIRTH + n, fills=(fills[n],))
        told += [event, replace(event, fills=())]  # an event, and a poll, which has no trades
    if end is not None:
        told.append(replace(record(whole, sum(parts), end), updated_at=BIRTH + 99))
    elif parts:
        told.append(replace(told[-1], fills=tuple(fills)))
    return told


def record(whole: int, executed: int, status: OrderStatus) -> OrderRecord:
    return OrderRecord(
        symbol="BTCUSDT",
        order_id=1,
        client_order_id=NAME,
        side="BUY",
        type="LIMIT",
        status=status,
        price=PRICE,
        quantity=Decimal(whole),
        executed=Decimal(executed),
        executed_quote=executed * PRICE,
        created_at=BIRTH,
        updated_at=BIRTH,
    )


def heard(messages: list[OrderRecord]) -> OrderRecord:
    known: OrderRecord | None = None
    for message in messages:
        known = advance(known, message)
    assert known is not None
    return known


@given(histories(), st.randoms(use_true_random=False))
def test_any_order_and_any_repetition_of_the_same_messages_ends_the_same(
    told: list[OrderRecord], chance: st.DataObject
) -> None:
    shuffled = [*told, *told, *told[:2]]
    chance.shuffle(shuffled)  # type: ignore[attr-defined]

    assert heard(shuffled) == heard(told)


@given(histories(), st.data())
def test_final_stays_final_and_no_quantity_ever_shrinks(
    told: list[OrderRecord], data: st.DataObject
) -> None:
    messages = data.draw(st.lists(st.sampled_from(told), min_size=1, max_size=20))
    known: OrderRecord | None = None

    for message in messages:
        newer = advance(known, message)
        if known is not None:
            assert newer.executed >= known.executed
            assert newer.executed_quote >= known.executed_quote
            assert newer.updated_at >= known.updated_at
            assert {f.trade_id for f in newer.fills} >= {f.trade_id for f in known.fills}
            assert newer.status.final or not known.status.final
            assert newer.status is known.status or not known.status.final
        known = newer


@given(histories())
def test_the_end_holds_everything_that_was_ever_told(told: list[OrderRecord]) -> None:
    end = heard(told)

    assert end.executed == max(message.executed for message in told)
    assert len(end.fills) == len({f.trade_id for message in told for f in message.fills})
    assert end.status == told[-1].status


def test_an_order_is_settled_only_once_its_trades_add_up() -> None:
    done = record(5, 5, OrderStatus.FILLED)

    assert not settled(done)
    assert settled(replace(done, fills=(made_fill(1, Decimal(5), PRICE, BIRTH),)))
    assert not settled(replace(done, status=OPEN, fills=(made_fill(1, Decimal(5), PRICE, BIRTH),)))


# --- polls and events


def test_a_poll_that_is_older_than_an_event_takes_nothing_back() -> None:
    async def story(office: Office) -> tuple[OrderStatus, Decimal]:
        task = await office.begin(limit_buy())
        [name] = office.venue.book
        stale = office.venue.book[name]
        office.venue.execute(name, Decimal("0.2"))
        office.tell(office.venue.full(office.venue.book[name]))
        office.venue.book[name] = stale
        await asyncio.sleep(90)
        known = office.mirror.record(name)
        assert known is not None
        task.cancel()
        return known.status, known.executed

    assert play(story) == (OPEN, Decimal("0.2"))


def test_a_lost_event_delays_by_one_poll_at_most() -> None:
    async def story(office: Office) -> int:
        task = await office.begin(limit_buy())
        [name] = office.venue.book
        began = office.now()
        office.venue.execute(name, Decimal("0.5"))
        await task
        return office.now() - began

    assert play(story) <= 30_000 + 1_000


def test_missing_from_the_open_orders_is_asked_about_and_never_an_outcome() -> None:
    async def story(office: Office) -> tuple[OrderStatus, int]:
        await office.begin(limit_buy())
        [name] = office.venue.book
        office.venue.hidden.add(name)
        asked = len(office.venue.asked)
        await asyncio.sleep(300)
        known = office.mirror.record(name)
        assert known is not None
        return known.status, len(office.venue.asked) - asked

    status, asked = play(story)

    assert status is OrderStatus.NEW
    assert asked >= 9


@pytest.mark.parametrize("event", [StreamLost("reset"), StreamReady()])
def test_every_change_of_the_stream_is_followed_by_a_poll_at_once(
    event: StreamLost | StreamReady,
) -> None:
    async def story(office: Office) -> int:
        await asyncio.sleep(5)
        at = office.now()
        office.venue.tell(event)
        await asyncio.sleep(0.2)
        return office.mirror.polled_at - at

    assert 0 <= play(story) < 100


def test_the_desk_is_stale_once_two_polls_brought_nothing_and_fresh_after_the_next() -> None:
    async def story(office: Office) -> list[bool]:
        seen = [office.mirror.stale]
        office.venue.failing["open_orders"] = Unavailable("banned")
        await asyncio.sleep(40)
        seen.append(office.mirror.stale)
        await asyncio.sleep(50)
        seen.append(office.mirror.stale)
        office.venue.failing.clear()
        await office.mirror.fresh()
        seen.append(office.mirror.stale)
        return seen

    assert play(story) == [False, False, True, False]


def test_a_key_that_is_refused_for_a_while_does_not_end_the_polls() -> None:
    async def story(office: Office) -> bool:
        office.venue.failing["account"] = BadCredentials("-2015")
        await asyncio.sleep(120)
        office.venue.failing.clear()
        await asyncio.sleep(10)
        return office.mirror.stale

    assert not play(story)


def test_where_nobody_is_reached_the_next_try_comes_within_half_a_second() -> None:
    async def story(office: Office) -> int:
        office.venue.failing["account"] = NotSent("no connection")
        await asyncio.sleep(120)
        office.venue.failing.clear()
        at = office.now()
        await office.mirror.fresh()
        return office.mirror.polled_at - at

    assert play(story) <= 500


@pytest.mark.parametrize("returns", ["the answers", "the stream"])
def test_who_sits_bad_weather_out_goes_on_as_soon_as_it_is_over(returns: str) -> None:
    async def story(office: Office) -> int:
        mirror = office.mirror
        mirror.on_user_event(StreamReady())
        await mirror.fresh()
        if returns == "the stream":
            mirror.on_user_event(StreamLost("gone"))
        else:
            office.venue.failing["account"] = Unavailable("down")
            await asyncio.sleep(60)
        waiting = asyncio.create_task(mirror.sit_out(30))
        await asyncio.sleep(5)
        assert not waiting.done()
        at = office.now()
        if returns == "the stream":
            mirror.on_user_event(StreamReady())
        office.venue.failing.clear()
        await waiting
        return office.now() - at

    assert play(story) <= 2_000


def test_who_sits_out_what_is_no_weather_waits_the_whole_time() -> None:
    async def story(office: Office) -> int:
        await office.mirror.fresh()
        at = office.now()
        await office.mirror.sit_out(30)
        return office.now() - at

    assert play(story) == 30_000


@pytest.mark.parametrize(
    "refusal",
    ["-1121 Invalid symbol.", "-2026 Order was archived."],
    ids=["delisted", "archived"],
)
def test_a_question_about_one_order_that_is_refused_does_not_end_the_polls(refusal: str) -> None:
    async def story(office: Office) -> bool:
        office.mirror.follow("GONEUSDT", "a7", 17)
        office.venue.failing["find_order"] = Refused(refusal)
        await asyncio.sleep(300)
        return office.mirror.stale

    assert not play(story)


def test_a_bot_is_woken_by_news_of_its_order_and_by_none_else() -> None:
    async def story(office: Office) -> list[bool]:
        mirror = office.mirror
        mirror.follow("BTCUSDT", "mine")
        mirror.follow("BTCUSDT", "other")
        news = replace(record(5, 0, OrderStatus.NEW), client_order_id="other")
        mirror.on_user_event(OrderEvent(news))
        first = [mirror.bell("mine").is_set(), mirror.bell("other").is_set()]
        mirror.bell("other").clear()
        mirror.on_user_event(OrderEvent(news))
        return [*first, mirror.bell("other").is_set()]

    assert play(story) == [False, True, False]


def test_an_order_nobody_follows_is_shown_to_the_witness_and_kept_nowhere() -> None:
    async def story(office: Office) -> tuple[list[OrderRecord], OrderRecord | None]:
        seen: list[OrderRecord] = []
        office.mirror.on_record = seen.append
        office.mirror.merge(record(5, 0, OrderStatus.NEW))
        return seen, office.mirror.record(NAME)

    seen, kept = play(story)

    assert [each.client_order_id for each in seen] == [NAME]
    assert kept is None


# --- balances


@given(st.permutations([(3, 30), (1, 10), (2, 20), (2, 20)]))
def test_the_newest_balance_wins_in_whatever_order_they_come(order: list[tuple[int, int]]) -> None:
    async def story(office: Office) -> Balance:
        for at, free in order:
            state = AccountState({"ETH": Balance(Decimal(free), ZERO)}, BIRTH + at)
            office.mirror.on_user_event(AccountEvent(state))
        return office.mirror.balance("ETH")

    assert play(story) == Balance(Decimal(30), ZERO)


def test_an_asset_nobody_spoke_of_is_zero() -> None:
    async def story(office: Office) -> Balance:
        return office.mirror.balance("DOGE")

    assert play(story) == Balance(ZERO, ZERO)


def test_a_poll_by_order_id_finds_what_ended_while_nobody_listened() -> None:
    async def story(office: Office) -> OrderStatus | None:
        task = await office.begin(limit_buy())
        [name] = office.venue.book
        task.cancel()
        office.venue.execute(name, Decimal("0.5"))
        office.begin_life()
        office.mirror.follow("BTCUSDT", name, office.venue.book[name].order_id)
        await asyncio.sleep(1)
        known = office.mirror.record(name)
        return known.status if known and settled(known) else None

    assert play(story) is OrderStatus.FILLED


def test_an_order_that_could_not_be_asked_for_once_is_still_followed() -> None:
    async def story(office: Office) -> bool:
        task = await office.begin(limit_buy())
        [name] = office.venue.book
        office.venue.hidden.add(name)
        office.venue.failing["find_order"] = Refused("-1100 Illegal characters found.")
        await asyncio.sleep(40)
        office.venue.failing.clear()
        office.venue.hidden.clear()
        office.venue.execute(name, Decimal("0.5"))
        office.tell(office.venue.full(office.venue.book[name]))
        await asyncio.sleep(120)
        return task.done()

    assert play(story)
