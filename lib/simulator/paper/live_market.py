"""The market of a real exchange shown to a simulated one: its book, its trades, its rules.

Only public questions are asked. A gap in the feed is a gap: while the feed is stale the book
stands still and nothing fills; then comes a snapshot, and what happened meanwhile is not made up.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from lib.clock import ExchangeClock
from lib.errors import Unavailable
from lib.simulator.engine.past import Past
from lib.simulator.paper.live_book import BookChange, Gap, LiveBook
from lib.simulator.paper.live_history import read_past
from lib.simulator.paper.live_rules import Asking, read_rules_of
from lib.simulator.server.server import watched

SNAPSHOT_LEVELS: Final = "5000"
SEED_TRADES: Final = "1000"
TIME_SAMPLES: Final = 3
SYMBOLS_MAX: Final = 300  # of three streams each, below Binance's 1024 per connection

log = logging.getLogger(__name__)


class Source(Asking, Protocol):
    """The public market, wherever it is."""

    def start(
        self,
        *,
        on_frame: Callable[[Mapping[str, Any]], None],
        on_ready: Callable[[], None],
        on_lost: Callable[[str], None],
    ) -> None:
        """Open the streams and keep them open; every loss is told, and every return."""
        ...

    def follow(self, symbol: str) -> None: ...

    async def close(self) -> None: ...


class Stage(Protocol):
    """The simulated exchange, as far as its market goes."""

    def set_book(self, symbol: str, bids: Any, asks: Any, time: int) -> None: ...

    def apply_depth(self, symbol: str, bids: Any, asks: Any, time: int) -> None: ...

    def market_trade(
        self, symbol: str, price: str, quantity: str, *, buyer_is_maker: bool, time: int
    ) -> None: ...

    def give_past(self, pasts: Mapping[str, Past]) -> None: ...

    def change_symbol(self, symbol: str, changes: Mapping[str, Any]) -> None: ...


@dataclass(frozen=True, slots=True)
class LivePatience:
    """How long a live market waits for what, in ms."""

    silence: int = 10_000  # the feed is stale when nothing came for so long
    opening: int = 20_000  # for the first book, before anyone is let in
    retry_first: int = 200
    retry_last: int = 30_000
    renewal: int = 600_000  # between two looks at rules and time


@dataclass(slots=True, eq=False)
class _Feed:
    """What is known of one symbol's feed."""

    symbol: str
    book: LiveBook = field(default_factory=LiveBook)
    since: int = 0  # exchange time: what was traded earlier is not ours to show
    last_trade: int = 0  # its id; the same trade may come over two connections
    stepping: asyncio.Task[None] | None = None
    lost: bool = False  # once in step, and told to be out of it


class LiveMarket:
    """Keeps a simulated exchange's market in step with a real one. Owns its tasks."""

    def __init__(
        self, source: Source, info: Mapping[str, Any], *, patience: LivePatience | None = None
    ) -> None:
        """Show the symbols of `info`, which is their exchangeInfo."""
        self.info = info
        self._source = source
        self._patience = patience or LivePatience()
        self._clock = ExchangeClock()
        self._feeds = {entry["symbol"]: _Feed(entry["symbol"]) for entry in info["symbols"]}
        self._stage: Stage | None = None
        self._priced: Callable[[str], bool] = lambda _symbol: True
        self._up = asyncio.Event()
        self._heard_at = 0
        self._renewing: asyncio.Task[None] | None = None
        self.on_rules: Callable[[Mapping[str, Any]], None] = lambda _info: None

    @property
    def now(self) -> Callable[[], int]:
        """The real exchange's time as measured, ms."""
        return self._clock.now

    def set_time(self, now: int) -> None:
        """Take another clock's word until the real exchange can be asked."""
        ticks = self._clock.ticks()
        self._clock.measured(now, ticks, ticks)

    def stale(self, symbol: str) -> bool:
        """Say whether the symbol's book is not to be believed now."""
        feed = self._feeds.get(symbol)
        if feed is None or not feed.book.in_step:
            return True
        return self._silent()

    @property
    def stands_still(self) -> bool:
        """Say whether no symbol's market is known now."""
        return all(self.stale(symbol) for symbol in self._feeds)

    async def ask(self, path: str, params: Mapping[str, str]) -> tuple[int, object]:
        """Ask the real market one public question. Raises Unavailable."""
        return await self._source.get(path, params)

    async def begin(self, stage: Stage, *, priced: Callable[[str], bool]) -> None:
        """Show the market from now on; return when every book is in step, or patience ends.

        `priced` says whether the exchange knows a symbol's last price already.
        """
        self._stage, self._priced = stage, priced
        self._heard_at = self._clock.ticks()
        self._source.start(on_frame=self._hear, on_ready=self._ready, on_lost=self._lost)
        for symbol in self._feeds:
            self._source.follow(symbol)
        try:
            async with asyncio.timeout(self._patience.opening / 1000):
                while any(not feed.book.in_step for feed in self._feeds.values()):
                    await asyncio.sleep(self._patience.retry_first / 4000)
        except TimeoutError:
            log.warning("the live market is not in step yet; until it is nothing is traded")
        self._renewing = watched(self._keep_renewed(), "the look at the live market's rules")

    def begin_anew(self) -> None:
        """Show the market again to an exchange that has forgotten it."""
        self._lose_all("the exchange was wiped")

    async def close(self) -> None:
        tasks = [self._renewing, *(feed.stepping for feed in self._feeds.values())]
        alive = [task for task in tasks if task is not None]
        for task in alive:
            task.cancel()
        await asyncio.gather(*alive, return_exceptions=True)
        await self._source.close()

    # --- the feed comes, goes and returns

    def _ready(self) -> None:
        self._heard_at = self._clock.ticks()
        self._up.set()
        for feed in self._feeds.values():
            self._step(feed)

    def _lost(self, reason: str) -> None:
        self._up.clear()
        self._lose_all(reason)

    def _lose_all(self, reason: str) -> None:
        for feed in self._feeds.values():
            self._lose(feed, reason)

    def _lose(self, feed: _Feed, reason: str) -> None:
        """Note, and say once, that the symbol's market is not known any more."""
        if feed.book.in_step or not feed.lost:
            log.warning("%s: the live market is stale: %s", feed.symbol, reason)
        feed.lost = True
        feed.book.lose_step()
        self._step(feed)

    def _silent(self) -> bool:
        return self._clock.ticks() - self._heard_at > self._patience.silence

    def _hear(self, frame: Mapping[str, Any]) -> None:
        """Take one frame of any stream."""
        if self._silent():
            self._lose_all("nothing had come for a while")
        self._heard_at = self._clock.ticks()
        feed = self._feeds.get(frame.get("s", ""))
        if feed is None:
            return
        try:
            if frame.get("e") == "depthUpdate":
                self._hear_depth(feed, frame)
            elif frame.get("e") == "trade":
                self._hear_trade(feed, frame)
        except Gap as gap:
            self._lose(feed, str(gap))
        except (ValueError, ArithmeticError, LookupError, TypeError) as wrong:
            self._lose(feed, f"a frame cannot be read: {wrong!r}")

    def _hear_depth(self, feed: _Feed, frame: Mapping[str, Any]) -> None:
        change = feed.book.take(frame)
        if change is not None:
            assert self._stage is not None
            self._stage.apply_depth(feed.symbol, change.bids, change.asks, self._clock.now())

    def _hear_trade(self, feed: _Feed, frame: Mapping[str, Any]) -> None:
        if not feed.book.in_step or frame["T"] < feed.since or frame["t"] <= feed.last_trade:
            return
        feed.last_trade = frame["t"]
        self._print(feed.symbol, frame["p"], frame["q"], frame["T"], buyer_is_maker=frame["m"])

    def _print(
        self, symbol: str, price: str, quantity: str, time: int, *, buyer_is_maker: bool
    ) -> None:
        assert self._stage is not None
        self._stage.market_trade(
            symbol, price, quantity, buyer_is_maker=bool(buyer_is_maker), time=time
        )

    # --- getting in step

    def _step(self, feed: _Feed) -> None:
        if self._stage is not None and (feed.stepping is None or feed.stepping.done()):
            name = f"the way into step with {feed.symbol}"
            feed.stepping = watched(self._keep_stepping(feed), name)

    async def _keep_stepping(self, feed: _Feed) -> None:
        delay = self._patience.retry_first
        while not feed.book.in_step:
            await self._up.wait()
            try:
                await self._settle(feed)
            except (Unavailable, Gap) as weather:
                log.debug("%s: not in step yet: %s", feed.symbol, weather)
                await asyncio.sleep(delay / 1000)
                delay = min(2 * delay, self._patience.retry_last)

    async def _settle(self, feed: _Feed) -> None:
        """Learn the past, then join a snapshot to what comes. Raises Unavailable and Gap."""
        since = self._clock.now()
        await self._learn_past(feed)
        snapshot = await self._answer("depth", {"symbol": feed.symbol, "limit": SNAPSHOT_LEVELS})
        if not self._up.is_set():
            raise Unavailable("the feed went away meanwhile")
        try:
            changes = feed.book.settle(snapshot)
            feed.since = since
            self._show(feed.symbol, changes)
        except (ValueError, ArithmeticError, LookupError, TypeError) as wrong:
            feed.book.lose_step()
            raise Unavailable(f"a snapshot cannot be read: {wrong!r}") from wrong
        level = logging.WARNING if feed.lost else logging.INFO
        log.log(level, "%s: in step with the live market", feed.symbol)

    def _show(self, symbol: str, changes: Sequence[BookChange]) -> None:
        assert self._stage is not None
        whole, *later = changes
        now = self._clock.now()
        self._stage.set_book(symbol, whole.bids, whole.asks, now)
        for change in later:
            self._stage.apply_depth(symbol, change.bids, change.asks, now)

    async def _learn_past(self, feed: _Feed) -> None:
        """Give a symbol its last price, if it never had one, and its candles."""
        symbol = feed.symbol
        feed.last_trade = 0  # a venue that began anew counts anew
        if not self._priced(symbol):
            params = {"symbol": symbol, "limit": SEED_TRADES}
            for row in await self._answer("trades", params):
                buyer_is_maker = bool(row["isBuyerMaker"])
                self._print(
                    symbol, row["price"], row["qty"], row["time"], buyer_is_maker=buyer_is_maker
                )
                feed.last_trade = row["id"]

        async def ask(params: Mapping[str, str]) -> Sequence[Sequence[Any]]:
            rows = await self._answer("klines", {"symbol": symbol, "interval": "1m", **params})
            return list(rows)

        past = await read_past(ask, now=self._clock.now())
        assert self._stage is not None
        self._stage.give_past({symbol: past})

    async def _answer(self, path: str, params: Mapping[str, str]) -> Any:
        """Ask a question that must be answered well. Raises Unavailable."""
        status, body = await self._source.get(path, params)
        if status != 200:
            raise Unavailable(f"{path} was answered with {status}")
        return body

    # --- rules and time

    async def _keep_renewed(self) -> None:
        while True:
            await asyncio.sleep(self._patience.renewal / 1000)
            try:
                await self.measure_time()
                await self.renew_rules()
            except (Unavailable, ValueError) as weather:
                log.debug("the live market's rules could not be asked: %s", weather)

    async def measure_time(self) -> None:
        """Compare clocks with the real exchange. Raises Unavailable."""
        for _ in range(TIME_SAMPLES):
            sent = self._clock.ticks()
            body = await self._answer("time", {})
            self._clock.measured(int(body["serverTime"]), sent, self._clock.ticks())

    async def renew_rules(self) -> None:
        """Take over what has changed in the rules of a symbol; its orders and book stay."""
        info = await read_rules_of(self._source, self._feeds)
        assert self._stage is not None
        known = {entry["symbol"]: entry for entry in self.info["symbols"]}
        for entry in info["symbols"]:
            if entry != known[entry["symbol"]]:
                log.warning("%s: the live market's rules have changed", entry["symbol"])
                self._stage.change_symbol(entry["symbol"], entry)
        self.info = info
        self.on_rules(info)


async def find_live_market(
    source: Source,
    symbols: Iterable[str],
    *,
    remembered: Mapping[str, Any] | None = None,
    now: int,
    patience: LivePatience | None = None,
) -> LiveMarket:
    """Ask a real market for the rules of these symbols, or take those of an earlier life.

    Raises NoSuchSymbol, and Unavailable if it cannot be asked and never was.
    """
    wanted = tuple(dict.fromkeys(symbols))
    if not 0 < len(wanted) <= SYMBOLS_MAX:
        raise ValueError(f"{len(wanted)} symbols of a live market: 1 to {SYMBOLS_MAX} are possible")
    try:
        market = LiveMarket(source, await read_rules_of(source, wanted), patience=patience)
        await market.measure_time()
    except Unavailable:
        known = {entry["symbol"] for entry in (remembered or {}).get("symbols", ())}
        if remembered is None or known != set(wanted):
            raise
        log.warning("the live market cannot be asked: its rules are those of last time")
        market = LiveMarket(source, remembered, patience=patience)
        market.set_time(now)
    return market
