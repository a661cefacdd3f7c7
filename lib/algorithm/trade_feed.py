"""What anybody traded, told to an algorithm each once and in order.

Trades have numbers without gaps, so it is known which comes next: the newest that was told is saved
with what the algorithm made of it. They are asked for once the market moves, no more often than
the settings say; after an outage those that were missed are told in order, a page at a time.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any, Final

from lib.algorithm.algorithm import Algorithm
from lib.algorithm.session import Session
from lib.closed_candles import LOOK
from lib.exchange import PublicTrade
from lib.machine import Machine
from lib.news import Kind

PAGE: Final = 1_000


async def follow_trades(session: Session) -> Machine[None]:
    """Tell each public trade from the beginning on."""
    desk, conf, course = session.desk, session.conf, session.course
    heed_count(session, await desk.trades(conf.symbol, 1))
    while not course.finished:
        while session.is_busy:
            await desk.until_save(desk.now() + LOOK)
        asked_at = desk.now()
        found = await _next_page(session)
        if course.trade is None and found:
            course.trade = found[-1].id
            yield
        elif found:
            tell_trades(session, found)
            yield
        else:
            await desk.news_of(conf.symbol)
        if len(found) < PAGE:
            await desk.until(asked_at + session.every)


def heed_count(session: Session, newest: Sequence[PublicTrade]) -> None:
    """Go on with the newest trade where the exchange counts anew: a test network was reset."""
    course = session.course
    if course.trade is not None and newest and newest[-1].id < course.trade:
        text = f"the exchange counts its trades anew, from {newest[-1].id}: those before are missed"
        session.desk.tell(Kind.WARNING, text)
        course.trade = newest[-1].id


async def _next_page(session: Session) -> Sequence[PublicTrade]:
    """Ask for the trades after the newest that was told; for the newest one at the beginning."""
    desk, symbol, newest = session.desk, session.conf.symbol, session.course.trade
    if newest is None:
        return await desk.trades(symbol, 1)
    found = await desk.trades(symbol, PAGE, since=newest + 1)
    return [trade for trade in found if trade.id > newest]


def tell_trades(session: Session, found: Sequence[PublicTrade]) -> int:
    """Tell trades up to the first that asked for something at market; answer how many."""
    for number, trade in enumerate(found, 1):
        if session.course.finished:
            return number - 1
        tell_gap(session, trade)
        session.course.trade = trade.id
        session.tell(partial(_call, trade=trade), trade.time)
        if session.is_busy:
            return number
    return len(found)


def tell_gap(session: Session, trade: PublicTrade) -> None:
    """Tell the person of trades that the exchange does not have any more."""
    assert session.course.trade is not None, "told after the beginning"
    missing = trade.id - session.course.trade - 1
    assert missing >= 0, "a trade is told once, in order"
    if missing:
        session.desk.tell(Kind.WARNING, f"the exchange does not have {missing} trades any more")


def _call(voice: Algorithm[Any, Any], trade: PublicTrade) -> None:
    voice.on_trade(trade)
