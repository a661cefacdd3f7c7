"""What market paper trading shows: the command line's word, else conf.json's."""

from lib.conf import PaperMarket, RunnerConf
from lib.control.options import Options


def paper_market(options: Options, conf: RunnerConf) -> PaperMarket:
    """Say whose prices paper trading shows."""
    return PaperMarket(options.market) if options.market else conf.settings.paper.market


def paper_symbols(conf: RunnerConf) -> tuple[str, ...]:
    """List what a live market must show: what the bots trade, and what else is wanted."""
    traded = (symbol for bot in conf.bots for symbol in bot.conf.symbols)
    return tuple(dict.fromkeys((*traded, *conf.settings.paper.live_symbols)))
