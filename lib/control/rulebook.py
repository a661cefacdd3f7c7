"""A venue's rules, prices and what a key may do, asked for once, for `check`."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from lib.clock import ExchangeClock
from lib.conf import RunnerConf
from lib.control.options import PAPER
from lib.control.paper_choice import paper_symbols
from lib.credentials import Credentials
from lib.errors import Unavailable
from lib.exchange import AccountState, OrderRecord
from lib.money import SymbolRules

PATIENCE: Final = 20.0  # seconds


@dataclass(frozen=True, slots=True)
class Rulebook:
    """What a venue said. Without an account nobody was asked: paper."""

    rules: Mapping[str, SymbolRules]
    prices: Mapping[str, Decimal]
    account: AccountState | None = None
    open_orders: Sequence[OrderRecord] = ()
    asked_at: int = 0  # exchange ms


def read_rulebook(venue: str, credentials: Credentials, symbols: Iterable[str]) -> Rulebook:
    """Ask the venue; for paper read what comes with the program.

    Raises BadCredentials, and Unavailable where the venue cannot be asked.
    """
    if venue == PAPER:
        return _recorded()
    return asyncio.run(_asked(venue, credentials, sorted(set(symbols))))


def _recorded() -> Rulebook:
    from lib.market.recordings import CandleTable
    from lib.simulator.paper.paper import CANDLES_START, DATA, FIVE_MINUTES, exchange_info

    found = [SymbolRules.parse(symbol) for symbol in exchange_info()["symbols"]]
    prices = {}
    for rules in found:
        for path in (DATA / "candles").glob(f"{rules.symbol}-5m-*.csv.gz"):
            table = CandleTable.load(path, interval=FIVE_MINUTES)
            prices[rules.symbol] = table[table.index_at(CANDLES_START)].open
    return Rulebook({rules.symbol: rules for rules in found}, prices)


def read_live_rulebook(conf: RunnerConf) -> Rulebook:
    """Ask the live market that paper trading shows. Raises Unavailable, and Halt if it is none."""
    return asyncio.run(_shown(conf))


async def _shown(conf: RunnerConf) -> Rulebook:
    from lib.control.venue_choice import open_public_market
    from lib.simulator.paper.live_rules import NoSuchSymbol, read_rules_of

    market, rules, prices = open_public_market(conf), {}, {}
    try:
        for symbol in paper_symbols(conf):
            try:
                info = await read_rules_of(market, [symbol])
            except NoSuchSymbol:
                continue
            status, told = await market.get("trades", {"symbol": symbol, "limit": "1"})
            rules[symbol] = SymbolRules.parse(info["symbols"][0])
            if status == 200 and isinstance(told, list) and told:
                prices[symbol] = Decimal(str(told[0]["price"]))
    finally:
        await market.close()
    return Rulebook(rules, prices)


async def _asked(venue: str, credentials: Credentials, symbols: Iterable[str]) -> Rulebook:
    from lib.control.venue_choice import opened_venue  # an exchange client costs half a second

    async with opened_venue(venue, credentials, ExchangeClock()) as exchange:
        try:
            async with asyncio.timeout(PATIENCE):
                asked_at = await exchange.server_time()
                rules = await exchange.rules()
                account = await exchange.account()
                open_orders = await exchange.open_orders()
                known = [symbol for symbol in symbols if symbol in rules]
                prices = {symbol: (await exchange.quote(symbol)).last for symbol in known}
        except TimeoutError as late:
            raise Unavailable(f"{venue} did not answer within {PATIENCE:.0f} s") from late
    return Rulebook(rules, prices, account, open_orders, asked_at)
