"""An algorithm as a bot: its feeds and its wishes, side by side.

async def bot(desk: Desk, conf: Conf, ctx: Ctx) -> Machine[Ctx]:
    async for ctx in run_algorithm(desk, conf, ctx, Cross):
        yield ctx
"""

from collections.abc import Iterator
from typing import Any, TypeVar

from lib.algorithm.algorithm import Algorithm
from lib.algorithm.candle_feed import follow_candles
from lib.algorithm.course import AlgorithmCtx, AlgorithmSettings, Course
from lib.algorithm.pursuit import pursue
from lib.algorithm.session import Session
from lib.algorithm.trade_feed import follow_trades
from lib.desk import Desk
from lib.machine import Machine, together

CtxT = TypeVar("CtxT", bound=AlgorithmCtx)


async def run_algorithm(
    desk: Desk, conf: AlgorithmSettings, ctx: CtxT, kind: type[Algorithm[Any, CtxT]]
) -> Machine[CtxT]:
    """Run an algorithm until it has finished and all it asked for is over."""
    session = Session(desk, conf, ctx, kind)
    if ctx.course.symbol != conf.symbol:
        _begin(session)
        yield ctx
    team = Team(session)
    async for _ in together(*team.feeds(), *team.joining(), joining=team.joining):
        yield ctx


class Team:
    """Who runs in this life: the feeds that the algorithm hears, and one machine per wish."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._pursued = 0  # the newest wish that has a machine

    def feeds(self) -> Iterator[Machine[Any]]:
        """Start telling what it wants to hear."""
        session = self._session
        if session.hears("on_candle") or session.hears("on_history"):
            yield follow_candles(session)
        if session.hears("on_trade"):
            yield follow_trades(session)

    def joining(self) -> Iterator[Machine[Any]]:
        """Start on the wishes that were added."""
        before, self._pursued = self._pursued, self._session.course.asked
        for wish in self._session.course.wishes:
            if wish.number > before:
                yield pursue(self._session, wish)


def _begin(session: Session) -> None:
    """Begin from nothing: at birth, or with another symbol once nothing of the former is held."""
    for name in type(session.ctx).model_fields:
        setattr(session.ctx, name, getattr(type(session.ctx)(), name))
    rules = session.desk.rules(session.conf.symbol)
    session.ctx.course = Course(
        symbol=rules.symbol,
        base_asset=rules.base_asset,
        quote_asset=rules.quote_asset,
        least=rules.lot.smallest,
    )
    session.tell(lambda voice: voice.on_start(), session.desk.now())
