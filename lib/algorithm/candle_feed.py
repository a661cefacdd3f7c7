"""Candles that have closed, told to an algorithm each once and in order.

How far it has seen is saved with what it made of it, before any order leaves. After an outage the
candles that were missed are asked for and told in order, one page after the other; behind one that
asked for something at market the next is told once that is done, so that what an algorithm knows
of its position is true at each candle.
"""

from collections import deque
from collections.abc import Sequence
from functools import partial
from typing import Any

from lib.algorithm.algorithm import Algorithm
from lib.algorithm.session import Session
from lib.closed_candles import (
    LOOK,
    PAGE,
    closed_after,
    closed_until,
    length_of,
    missing_before,
    newest_closed,
    next_look,
)
from lib.exchange import Candle
from lib.machine import Machine
from lib.news import Kind


async def follow_candles(session: Session) -> Machine[None]:
    """Tell each candle that closes; first, once, the history that is wanted."""
    desk, conf, course = session.desk, session.conf, session.course
    if not course.evaluated:
        asked_at = desk.now()
        begin(session, await newest_closed(desk, conf.symbol, session.interval), asked_at)
        yield
    else:
        await look_back(session)
    while not course.finished:
        while session.is_busy:
            await desk.until_save(desk.now() + LOOK)
        found = await closed_after(desk, conf.symbol, session.interval, course.evaluated)
        told = tell_candles(session, found)
        if told:
            yield
        if told == len(found) and told < PAGE - 1:
            await await_candle(session)


async def await_candle(session: Session) -> None:
    """Wait until the next candle has closed, or nothing more is to be told."""
    desk, course = session.desk, session.course
    at = next_look(session.interval, course.evaluated, desk.now())
    while desk.now() < at and not course.finished:
        await desk.until_save(at)


def begin(session: Session, past: Sequence[Candle], asked_at: int) -> None:
    """Hand over the history that is wanted; what closes after it was asked for counts."""
    wanted = session.history
    session.candles = deque(maxlen=wanted)
    for candle in past[-wanted:] if wanted else ():
        take(session, candle)
        session.tell_history(candle)
    before = asked_at - length_of(session.interval)  # open then, with no trade yet
    session.course.evaluated = past[-1].open_time if past else before


async def look_back(session: Session) -> None:
    """Ask again for the candles that a former life looked back on."""
    wanted, conf = session.history, session.conf
    known: Sequence[Candle] = ()
    if wanted:
        known = await closed_until(
            session.desk, conf.symbol, session.interval, session.course.evaluated, reach=2 * wanted
        )
    session.candles = deque(known, maxlen=wanted)


def tell_candles(session: Session, found: Sequence[Candle]) -> int:
    """Tell candles up to the first that asked for something at market; answer how many."""
    for number, candle in enumerate(found, 1):
        if session.course.finished:
            return number - 1
        tell_gap(session, candle)
        take(session, candle)
        session.tell(partial(_call, candle=candle), candle.close_time + 1)
        if session.is_busy:
            return number
    return len(found)


def take(session: Session, candle: Candle) -> None:
    """Note a candle as seen; the algorithm looks back no further than twice what it wanted.

    So it looks back on the same candles after a restart, also where the exchange has gaps.
    """
    course, candles = session.course, session.candles
    assert candle.open_time > course.evaluated, "a candle is evaluated once, in order"
    course.evaluated = candle.open_time
    candles.append(candle)
    reach = 2 * (candles.maxlen or 0) * length_of(session.interval)
    while candles and candles[0].open_time <= candle.open_time - reach:
        candles.popleft()


def tell_gap(session: Session, candle: Candle) -> None:
    """Tell the person of candles that the exchange does not have."""
    interval = session.interval
    missing = missing_before(interval, session.course.evaluated, candle)
    if missing > 0:
        text = f"the exchange has no candle for {missing} times {interval}"
        session.desk.tell(Kind.WARNING, text)


def _call(voice: Algorithm[Any, Any], candle: Candle) -> None:
    voice.on_candle(candle)
