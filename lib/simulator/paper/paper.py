"""A paper exchange: books, engine, a market and sockets, put together.

Its market is a recorded one (recorded_market.py) or a real one that everybody may see
(live_market.py); its orders stay inside. With a path the books survive.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from functools import partial
from hashlib import blake2b
from typing import Any, Final, Protocol

import orjson

from lib.errors import Halt
from lib.market.player import Player
from lib.simulator.books.audit import state_of
from lib.simulator.books.books import Books, last_price_counter
from lib.simulator.exchange import Exchange
from lib.simulator.paper.accounts_file import AccountGrant
from lib.simulator.paper.books_file import BooksFile
from lib.simulator.paper.live_gate import LiveGate
from lib.simulator.paper.live_market import LiveMarket, LivePatience, Source, find_live_market
from lib.simulator.paper.paper_settings import (
    BALANCES,
    CANDLES_START,
    DATA,
    MarketKind,
    PaperSettings,
)
from lib.simulator.paper.recorded_market import FIVE_MINUTES, SYMBOLS, RecordedMarket, exchange_info
from lib.simulator.server.clock import ShiftedClock
from lib.simulator.server.control import Control
from lib.simulator.server.faults import FaultPlan
from lib.simulator.server.gate import Gate
from lib.simulator.server.server import Server
from lib.simulator.server.signatures import Account, Keyring

__all__ = [
    "BALANCES",
    "CANDLES_START",
    "DATA",
    "FIVE_MINUTES",
    "SYMBOLS",
    "MarketKind",
    "Paper",
    "PaperSettings",
    "exchange_info",
    "machine_time",
    "open_paper",
]

RULES_NOTE: Final = "live rules"
LOOK_EVERY: Final = 0.2  # seconds


class ShownMarket(Protocol):
    """What a paper exchange needs of its market, recorded or live."""

    @property
    def info(self) -> Mapping[str, Any]: ...

    def begin_anew(self) -> None:
        """Show the market again to an exchange that has forgotten it."""
        ...

    async def close(self) -> None: ...


class Paper:
    """A running paper exchange. Made by `open_paper`."""

    def __init__(
        self, settings: PaperSettings, plan: FaultPlan, file: BooksFile, live: LiveMarket | None
    ) -> None:
        books = file.books
        self.plan = plan
        self.clock = ShiftedClock(live.now if live else machine_time)
        self.address = ""
        self._settings = settings
        self._file = file
        self._books = books
        self._live = live
        self._recorded = None if live else RecordedMarket(settings, books, clock=self.clock)
        self._grants = settings.accounts or (_only_account(settings),)
        for grant in self._grants:
            books.open_account(grant.name, _uid(grant.name, settings), grant.balances)
        self.exchange = Exchange(
            self._market.info, clock=self.clock, books=books, options=settings.options
        )
        if self._recorded is not None:
            self.exchange.give_past(self._recorded.pasts)
        self._server = self._assemble_server()

    @property
    def state(self) -> dict[str, Any]:
        """All orders, trades and balances."""
        return state_of(self._books)

    @property
    def symbols(self) -> tuple[str, ...]:
        return tuple(entry["symbol"] for entry in self._market.info["symbols"])

    @property
    def control_address(self) -> str:
        """Where commands are taken: this machine alone, whoever may trade. Empty = nowhere."""
        return self._server.control_address

    @property
    def player(self) -> Player | None:
        """The recording on its way, if there is one."""
        return self._recorded.player if self._recorded else None

    async def start(self) -> None:
        """Show a market, then listen."""
        if self._live is not None:
            self._live.on_rules = self._remember_rules
            await self._live.begin(self.exchange, priced=self._priced)
        if self._recorded is not None:
            await self._recorded.begin(self.exchange)
        self.address = await self._server.start(self._settings.host, self._settings.port)

    async def serve(self) -> None:
        """Go on until that is not possible any more. Raises Halt, which says why."""
        while True:
            await asyncio.sleep(LOOK_EVERY)
            if self._books.failed:
                raise Halt(f"the books {self._settings.books} could not be written")
            if self._recorded is not None and self._recorded.has_stopped:
                raise Halt("the recorded market has stopped")

    def wipe(self) -> None:
        """Forget all orders and trades, as the testnet does once a month, and cut everybody off."""
        self._forget()
        self._server.follow_wipe()

    async def close(self) -> None:
        """Stop within half a second. Nothing depends on it: a killed venue resumes as well."""
        await self._server.close()
        await self._market.close()
        self.exchange.note()
        self._file.close()

    @property
    def _market(self) -> ShownMarket:
        market = self._live or self._recorded
        assert market is not None, "a paper exchange has a market"
        return market

    def _forget(self) -> None:
        self.exchange.wipe()
        self._market.begin_anew()

    def _priced(self, symbol: str) -> bool:
        return last_price_counter(symbol) in self._books.counters

    def _remember_rules(self, info: Mapping[str, Any]) -> None:
        self._books.remember(RULES_NOTE, orjson.dumps(info).decode())

    def _assemble_server(self) -> Server:
        control = Control(
            market=self.exchange,
            plan=self.plan,
            clock=self.clock,
            state=lambda: self.state,
            wipe=self._forget,
        )
        return Server(
            self.exchange,
            keyring=Keyring(*(key for grant in self._grants for key in grant.keys)),
            clock=self.clock,
            plan=self.plan,
            options=self._settings.options,
            control=control if self._settings.control else None,
            gate=self._gate(),
            stands_still=lambda: self._live is not None and self._live.stands_still,
        )

    def _gate(self) -> Callable[..., Gate]:
        if self._live is None:
            return Gate
        return partial(LiveGate, market=self._live, options=self._settings.options)


async def open_paper(
    settings: PaperSettings | None = None,
    *,
    plan: FaultPlan | None = None,
    source: Source | None = None,
    patience: LivePatience | None = None,
) -> Paper:
    """Start a paper exchange; its `address` is where clients find it.

    A live market comes from `source`, which it owns from then on. Raises NoSuchMarket or
    NoSuchSymbol, Unavailable where a live market cannot be asked, and Halt for a file of books
    that is none or another exchange's.
    """
    settings = settings or PaperSettings()
    live: LiveMarket | None = None
    file: BooksFile | None = None
    try:
        file = BooksFile(settings.books)
        live = await _find_live(settings, file.books, source, patience)
        paper = Paper(settings, plan or FaultPlan(), file, live)
        await paper.start()
    except BaseException:
        await _let_go(live, source)
        if file is not None:
            file.close()
        raise
    return paper


async def _let_go(live: LiveMarket | None, source: Source | None) -> None:
    if live is not None:
        await live.close()
    elif source is not None:
        await source.close()


async def _find_live(
    settings: PaperSettings, books: Books, source: Source | None, patience: LivePatience | None
) -> LiveMarket | None:
    assert (source is not None) == (settings.market == "live"), "a live market has a source"
    if source is None:
        return None
    noted = orjson.loads(books.recall(RULES_NOTE) or "null")
    live = await find_live_market(
        source, settings.followed, remembered=noted, now=machine_time(), patience=patience
    )
    books.remember(RULES_NOTE, orjson.dumps(live.info).decode())
    return live


def machine_time() -> int:
    """Tell the machine's time, ms since 1970: the clock of an exchange behind a socket."""
    return time.time_ns() // 1_000_000


def _only_account(settings: PaperSettings) -> AccountGrant:
    """Make the account of `balances` and `key`, as long as no file tells of others."""
    name = f"paper-{_uid_of(settings.key)}"  # never the key itself: it may be a real one
    return AccountGrant(name, settings.balances, (Account(name, settings.key, settings.secret),))


def _uid(name: str, settings: PaperSettings) -> int:
    return _uid_of(name if settings.accounts else settings.key)


def _uid_of(text: str) -> int:
    """Give an account the same number in every life, also after its books were lost."""
    return int.from_bytes(blake2b(text.encode(), digest_size=4).digest())
