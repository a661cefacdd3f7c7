"""What conf.json promises the bots, compared with what a venue says of the account."""

from collections.abc import Iterable, Mapping
from decimal import Decimal

from lib.conf import BotConf
from lib.control.ctx_folder import Page
from lib.control.results import money_of
from lib.exchange import ZERO, AccountState
from lib.money import SymbolRules
from lib.wallets import excess


def unclear_budget(bot: BotConf, rules: Mapping[str, SymbolRules]) -> list[str]:
    """Say why a budget cannot be meant as it is written; empty if it can."""
    try:
        bot.terms.amounts(bot.conf.symbols, _quote_assets(rules))
    except ValueError as wrong:
        return [str(wrong)]
    return []


def excesses(
    bots: Iterable[BotConf],
    pages: Mapping[str, Page],
    rules: Mapping[str, SymbolRules],
    account: AccountState,
) -> list[str]:
    """Say of each asset that more of it is promised than the account has, naming the sums."""
    promised: dict[str, dict[str, Decimal]] = {}
    for bot in bots:
        for asset, amount in _promised(bot, pages.get(bot.name), rules).items():
            promised.setdefault(asset, {})[bot.name] = amount
    found = (excess(asset, owed, _has(account, asset)) for asset, owed in sorted(promised.items()))
    return [text for text in found if text]


def _promised(
    bot: BotConf, page: Page | None, rules: Mapping[str, SymbolRules]
) -> dict[str, Decimal]:
    """Answer a bot's budget and what its fills have made of it, in the assets of the budget."""
    try:
        budget = bot.terms.amounts(bot.conf.symbols, _quote_assets(rules)) or {}
    except ValueError:
        return {}
    if page is None or page.generation is None:
        return budget
    wallet = money_of(page.generation, page.orders).wallet
    wallet.budget = budget
    return {asset: wallet.total(asset) for asset in budget}


def _quote_assets(rules: Mapping[str, SymbolRules]) -> dict[str, str]:
    return {symbol: each.quote_asset for symbol, each in rules.items()}


def _has(account: AccountState, asset: str) -> Decimal:
    balance = account.balances.get(asset)
    return balance.free + balance.locked if balance else ZERO
