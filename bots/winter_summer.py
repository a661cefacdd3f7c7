"""Buy deep falls in winter, sell above the old top in summer, never hold both coins."""

from lib.desk import Desk
from lib.machine import Machine
from lib.seasons.season import Terms, run_seasons
from lib.seasons.settings import Fraction, SeasonCtx, SeasonSettings, begin_seasons


class Conf(SeasonSettings):
    winter: Fraction  # 0.2: buy 20 % below the average of the newest candle
    summer: Fraction  # 0.05: sell 5 % above the top

    @property
    def terms(self) -> Terms:
        return Terms(
            symbol=self.symbol,
            mean="ohlc",
            interval=self.interval,
            interval_top=self.interval_top,
            history=self.history_top,
            top=self.top,
            drop=self.winter,
            rise=self.summer,
        )


class Ctx(SeasonCtx):
    """lib/seasons/settings.py says what it remembers."""


async def bot(desk: Desk, conf: Conf, ctx: Ctx) -> Machine[Ctx]:
    ctx.seasons = ctx.seasons or await begin_seasons(desk, conf)
    async for ctx.seasons in run_seasons(desk, ctx.seasons, conf.terms, laps=conf.laps):
        yield ctx
