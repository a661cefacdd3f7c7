import gc
import random

import pytest

from lib.simulator.tape import DAY, MINUTE, Print, Span, Tape
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
    gc.collect()
    before = sum(isinstance(kept, Span) for kept in gc.get_objects())

    for number in range(5000):
        tape.add(printed(number, UNIT, UNIT, START + number * MINUTE))

    kept = sum(isinstance(kept, Span) for kept in gc.get_objects()) - before
    assert kept < 25 * 60 + 2 * 60 + 10
    assert len(tape.day(START + 4999 * MINUTE)) == DAY // MINUTE
