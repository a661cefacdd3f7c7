"""The bot of tests/oco_trade.py, where conf finds it."""

from lib.desk import Desk
from lib.machine import Machine
from tests import oco_trade


class Conf(oco_trade.Conf):
    pass


class Ctx(oco_trade.Ctx):
    pass


async def bot(desk: Desk, conf: Conf, ctx: Ctx) -> Machine[Ctx]:
    async for _ in oco_trade.bot(desk, conf, ctx):
        yield ctx
