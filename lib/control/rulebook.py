"""A venue's rules, prices and what a key may do, asked for once, for `check`."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from lib.clock import ExchangeClock
from lib.control.options import PAPER
from lib.credentials import Credentials
from lib.errors import Unavailable
from lib.exchange import AccountState
from lib.money import SymbolRules

PATIENCE: Final = 20.0  # seconds


@dataclass(frozen=True, slots=True)
class Rulebook:
    """What a venue said. Without an account nobody was asked: paper."""

    rules: Mapping[str, SymbolRules]
    prices: Mapping[str, Decimal]
    account: AccountState | None = None


def read_rulebook(venue: str, credentials: Credentials, symbols: Iterable[str]) -> Rulebook:
    """Ask the venue; for paper read what comes with the program.

    Raises BadCredentials, and Unavailable where the venue cannot be asked.
    """
    if venue == PAPER:
        return _recorded()
    return asyncio.run(_asked(venue, credentials, sorted(set(symbols))))


def _recorded() -> Rulebook:
    from lib.market.recordings import CandleTable
    from lib.simulator.paper import CANDLES_START, DATA, FIVE_MINUTES, exchange_info

    found = [SymbolRules.parse(symbol) for symbol in exchange_info()["symbols"]]
    prices = {}
    for rules in found:
        for path in (DATA / "candles").glob(f"{rules.symbol}-5m-*.csv.gz"):
            table = CandleTable.load(path, interval=FIVE_MINUTES)
            prices[rules.symbol] = table[table.index_at(CANDLES_START)].open
    return Rulebook({rules.symbol: rules for rules in found}, prices)


async def _asked(venue: str, credentials: Credentials, symbols: Iterable[str]) -> Rulebook:
    from lib.control.venue_choice import opened_venue  # an exchange client costs half a second

    async with opened_venue(venue, credentials, ExchangeClock()) as exchange:
        try:
            async with asyncio.timeout(PATIENCE):
                await exchange.server_time()
                rules = await exchange.rules()
                account = await exchange.account()
                known = [symbol for symbol in symbols if symbol in rules]
                prices = {symbol: (await exchange.quote(symbol)).last for symbol in known}
        except TimeoutError as late:
            raise Unavailable(f"{venue} did not answer within {PATIENCE:.0f} s") from late
    return Rulebook(rules, prices, account)
