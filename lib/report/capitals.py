"""What each bot has to work with: its budget, in the account's asset at the first prices."""

from decimal import Decimal

from lib.backtest.backtest import Outcome
from lib.backtest.result import account_asset
from lib.backtest.valuation import Valuation
from lib.conf import BotConf, RunnerConf


def capitals_of(conf: RunnerConf, outcome: Outcome) -> dict[str, Decimal]:
    """Answer the budget of each bot that has one; the others share the account."""
    if not outcome.closing:
        return {}
    values = Valuation(account_asset(outcome), outcome.assets, outcome.opening)
    found = {bot.name: _budget(bot, outcome, values) for bot in conf.bots}
    return {name: budget for name, budget in found.items() if budget}


def _budget(bot: BotConf, outcome: Outcome, values: Valuation) -> Decimal | None:
    quotes = {symbol: quote for symbol, (_, quote) in outcome.assets.items()}
    try:
        amounts = bot.terms.amounts(bot.conf.symbols, quotes)
    except ValueError:  # of no clear asset: such a bot was held back, it traded nothing
        return None
    if amounts is None or values.unpriced(amounts):
        return None
    return values.worth(amounts)
