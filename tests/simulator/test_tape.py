import random

import pytest

from lib.simulator.books.spans import MINUTE, Print, Spans
from lib.simulator.books.tape import KEPT, MINUTES_KEPT, Tape
from lib.simulator.units import UNIT, quote_of

START = 1_700_000_000_000


def printed(number: int, price: int, quantity: int, time: int) -> Print:
    return Print(number, price, quantity, quote_of(price, quantity), time, buyer_is_maker=False)


@pytest.mark.parametrize("seed", range(10))
def test_the_average_is_that_of_the_seconds_that_reach_into_its_minutes(seed: int) -> None:
    chance = random.Random(seed)
    tape, trades, now = Tape(5, before=None), list[Print](), START
    for number in range(1, 400):
        now += chance.choice([0, 0, 10, 900, 20_000, 400_000])
        if chance.random() < 0.5:
            price, quantity = chance.randint(1, 900) * UNIT, chance.randint(1, 50) * UNIT
            trades.append(printed(number, price, quantity, now))
            tape.add(trades[-1])

        lasts = {trade.time // 1000: trade.time for trade in trades}
        kept = [trade for trade in trades if lasts[trade.time // 1000] >= now - 5 * MINUTE]
        if kept:
            volume = sum(trade.quantity for trade in kept)
            assert tape.average(now) == sum(trade.quote for trade in kept) * UNIT // volume
        else:
            assert tape.average(now) == (trades[-1].price if trades else None)


def test_a_tape_that_nobody_asks_forgets_what_nobody_can_ask_for() -> None:
    tape = Tape(5, before=None)

    for number in range(1, 20_001):
        tape.add(printed(number, UNIT, UNIT, START + number * MINUTE))

    assert len(tape.trades) == KEPT
    assert len(tape.seconds.all) <= 65 + 2
    assert len(tape.minutes.all) <= MINUTES_KEPT // MINUTE + 2
    assert sum(span.count for span in tape.quarters.all) == 20_000 - 1  # all but the newest minute


def test_a_trade_later_than_the_average_reaches_is_counted_once() -> None:
    tape = Tape(5, before=None)
    tape.add(printed(1, 10 * UNIT, UNIT, START))
    assert tape.average(START + 6 * MINUTE) == 10 * UNIT

    tape.add(printed(2, 20 * UNIT, UNIT, START))  # by a clock that went back

    assert tape.average(START + MINUTE) == 15 * UNIT
    assert tape.average(START + 6 * MINUTE) == 20 * UNIT


def test_spans_keep_every_trade_once_whatever_is_asked_of_them() -> None:
    chance, tape, now = random.Random(3), Tape(5, before=None), START - START % MINUTE
    begins, times = now, list[int]()
    for number in range(1, 2_000):
        now += chance.choice([0, 500, 9_000, 61_000, 20 * MINUTE])
        times.append(now)
        tape.add(printed(number, UNIT, UNIT, now))

    for _ in range(200):
        first = begins + chance.randrange((now - begins) // MINUTE) * MINUTE
        last = first + chance.randrange(1, 2_000) * MINUTE
        first = max(first, now - MINUTES_KEPT + MINUTE)
        inside = sum(first <= time < last for time in times)
        assert sum(piece.count for piece in tape.pieces(first, last)) == inside


def test_spans_that_forgot_all_begin_anew_at_any_time() -> None:
    spans = Spans(MINUTE)
    spans.add(printed(1, UNIT, UNIT, START))
    assert not spans.add(printed(2, UNIT, UNIT, START - MINUTE))  # time does not go back here

    spans.forget_before(START + 1)

    assert spans.add(printed(3, UNIT, UNIT, START - MINUTE))
    assert [span.count for span in spans.all] == [1]
