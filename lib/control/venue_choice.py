"""From the word on the command line to an exchange one can talk to."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from typing import Final

from lib.binance.addresses import Addresses, resolve
from lib.binance.public_market import PublicMarket, market_addresses
from lib.binance.venue import BinanceVenue
from lib.binance.wiring import open_venue
from lib.clock import ExchangeClock
from lib.conf import PaperMarket, RunnerConf
from lib.control.options import PAPER, Options
from lib.control.paper_choice import paper_market, paper_symbols
from lib.credentials import Credentials
from lib.errors import Halt

BOOKS: Final = "paper.sqlite"  # in the ctx folder: the books survive kills as the bots do
LIVE_SYMBOLS: Final = ("BTCUSDT",)  # where no bot names one
BALANCES: Final = MappingProxyType({
    "USDT": Decimal(10_000),
    "BTC": Decimal(1),
    "ETH": Decimal(10),
    "BNB": Decimal(1),
})


@dataclass(frozen=True, slots=True)
class Keys:
    """What an exchange knows us by."""

    key: str
    secret: str

    def __repr__(self) -> str:
        return "<keys>"


PAPER_KEYS: Final = Keys("paper", "paper")


def keys_for(venue: str, credentials: Credentials) -> Keys:
    """Answer the keys for a venue; a simulator without keys of its own takes paper's."""
    if venue == PAPER or credentials.api_key is None or credentials.api_secret is None:
        return PAPER_KEYS
    return Keys(credentials.api_key.reveal(), credentials.api_secret.reveal())


def is_play_money(venue: str) -> bool:
    """Say whether the venue is a simulator, in this process or elsewhere."""
    return venue == PAPER or venue.startswith("http")


@asynccontextmanager
async def opened_venue(
    venue: str, credentials: Credentials, clock: ExchangeClock
) -> AsyncIterator[BinanceVenue]:
    """Open a venue that is somewhere else; `paper` is opened by `open_paper_venue`."""
    opened = await _open(resolve(venue), keys_for(venue, credentials), clock)
    try:
        yield opened
    finally:
        await opened.close()


async def open_far_venue(
    venue: str, credentials: Credentials, clock: ExchangeClock
) -> BinanceVenue:
    """Open a venue behind the network. Nothing is sent yet. Raises Halt for what is none."""
    return await _open(resolve(venue), keys_for(venue, credentials), clock)


def open_public_market(conf: RunnerConf) -> PublicMarket:
    """Reach the live market for paper trading: public, read only, without a key. Raises Halt."""
    paper = conf.settings.paper
    return PublicMarket(market_addresses(paper.live_rest, paper.live_streams))


async def open_paper_venue(
    options: Options, conf: RunnerConf, books: Path, clock: ExchangeClock
) -> BinanceVenue:
    """Start the paper exchange in this process and reach it by sockets, as any other.

    Raises Halt for a market that is none, Unavailable for a live one that never could be asked.
    """
    from lib.simulator.options import Options as Answers
    from lib.simulator.paper.paper import PaperSettings, open_paper

    market = paper_market(options, conf)
    live = market is PaperMarket.LIVE
    try:
        settings = PaperSettings(
            books=books,
            market=market.value,
            symbols=(paper_symbols(conf) or LIVE_SYMBOLS) if live else (),
            speed=options.speed,
            seed=options.seed,
            balances=BALANCES,
            key=PAPER_KEYS.key,
            secret=PAPER_KEYS.secret,
            options=Answers(fees_in_bnb=conf.settings.paper.fees_in_bnb),
        )
        paper = await open_paper(settings, source=open_public_market(conf) if live else None)
    except ValueError as wrong:
        raise Halt(str(wrong)) from wrong
    return await _open(replace(resolve(paper.address), name=PAPER), PAPER_KEYS, clock)


async def _open(addresses: Addresses, keys: Keys, clock: ExchangeClock) -> BinanceVenue:
    return await open_venue(addresses, key=keys.key, secret=keys.secret, clock=clock)
