"""From the word on the command line to an exchange one can talk to."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from typing import Final

from lib.binance.addresses import Addresses, resolve
from lib.binance.venue import BinanceVenue
from lib.binance.wiring import open_venue
from lib.clock import ExchangeClock
from lib.control.options import PAPER, Options
from lib.credentials import Credentials

BOOKS: Final = "paper.sqlite"  # in the ctx folder: the books survive kills as the bots do
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


async def open_paper_venue(options: Options, books: Path, clock: ExchangeClock) -> BinanceVenue:
    """Start the paper exchange in this process and reach it by sockets, as any other."""
    from lib.simulator.paper import PaperSettings, open_paper

    paper = await open_paper(
        PaperSettings(
            books=books,
            market=options.market,
            speed=options.speed,
            seed=options.seed,
            balances=BALANCES,
            key=PAPER_KEYS.key,
            secret=PAPER_KEYS.secret,
        )
    )
    return await _open(replace(resolve(paper.address), name=PAPER), PAPER_KEYS, clock)


async def _open(addresses: Addresses, keys: Keys, clock: ExchangeClock) -> BinanceVenue:
    return await open_venue(addresses, key=keys.key, secret=keys.secret, clock=clock)
