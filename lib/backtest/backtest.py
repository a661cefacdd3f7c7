"""A back-test: the runner itself on recorded prices, an exchange in process and a clock that jumps.

Nothing of the program is played by something else: supervisor, lives, dealers, contexts and the
matching engine are those of every other venue. Only the edges differ: a wire without sockets, a
disk in memory, a loop that does not wait. So a bot cannot tell, and what it does here it would do.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Final

from lib.backtest.cuts import Fuse, drawn_instants
from lib.backtest.latency import Ways
from lib.backtest.ledger import Ledger
from lib.backtest.life import Home, Life, PowerCut
from lib.backtest.memory_disk import MemoryDisk
from lib.backtest.own_model import blamed
from lib.backtest.recordings import Recordings, open_recordings
from lib.backtest.settings import BacktestSettings
from lib.backtest.stage import ACCOUNT, Stage
from lib.conf import RunnerConf
from lib.disk import REAL_DISK
from lib.life import Standing
from lib.news import Sink
from lib.simulator.books.books import Books
from lib.simulator.exchange import Exchange
from lib.simulator.units import write

UID: Final = 1
AWAY_SECONDS: Final = 1  # how long the power is gone
MEMORY: Final = Path("/memory")


@dataclass(frozen=True, slots=True)
class Period:
    """What was played, exchange ms."""

    begins: int
    ends: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a back-test came to."""

    period: Period
    ledger: Ledger
    standings: Mapping[str, Standing]
    opening: Mapping[str, Decimal]  # the price of each symbol when it began
    closing: Mapping[str, Decimal]  # and when it ended
    assets: Mapping[str, tuple[str, str]]  # base and quote of each symbol
    balances: Mapping[str, Decimal]  # with which the account began
    left: Mapping[str, Decimal]  # and what it has, free and locked together
    lives: int
    instants: int  # at which the power could have failed, in the last life
    played: int  # bars, or moments of a capture
    stood_for: int  # bars of the period, played or passed over


class Backtest:
    """One run. Made anew for each: nothing of an earlier one is left in it."""

    def __init__(
        self,
        settings: BacktestSettings,
        conf: RunnerConf,
        *,
        recordings: Recordings | None = None,
        tell: Sink | None = None,
    ) -> None:
        """Raises ValueError for what was not recorded, or has no rules, and for a bad model."""
        self._settings = settings
        self._conf = conf
        self._recordings = recordings or open_recordings(settings, symbols_of(conf, settings))
        self.ledger = Ledger(bot.name for bot in conf.bots)
        self._fuse = Fuse()
        self._tell = tell or (lambda _: None)
        self.disk = MemoryDisk(MEMORY)
        self.disk.on_call = self._on_instant
        with blamed():
            own = self._recordings.own.latency
            self._ways = Ways(settings.latency, seed=settings.seed, own=own)
            self.stage = self._set_stage()

    def run(self, gaps: tuple[int, ...] = ()) -> Outcome:
        """Play it to its end; the power fails so many instants into each life but the last.

        Raises BadModel for what a model of one's own did wrong.
        """
        try:
            with blamed():
                return self._run(gaps)
        finally:
            self._recordings.close()

    def _run(self, gaps: tuple[int, ...]) -> Outcome:
        life = self._begin_life()
        lives = 1
        for gap in gaps:
            if not self._dies(life, gap):
                break
            self.disk = self.disk.after_cut()
            self.stage.wait(AWAY_SECONDS)
            life, lives = self._begin_life(), lives + 1
        else:
            self._dies(life, None)
        return self._outcome(life, lives)

    # --- how it is set up

    def _set_stage(self) -> Stage:
        settings, recordings = self._settings, self._recordings
        stage = Stage(recordings.begins, self.ledger, thorough=settings.thorough)
        self._books = books = Books.in_memory()
        books.open_account(ACCOUNT, UID, settings.balances)
        options = recordings.own.options(settings.options, recordings.symbols)
        exchange = Exchange(recordings.info, clock=stage.now, books=books, options=options)
        playback = recordings.playback(
            *(exchange, self.ledger), on_step=stage.moved, waited_for=stage.waited_for
        )
        stage.on_instant = self._on_instant
        stage.attach(exchange, playback)
        return stage

    def _begin_life(self) -> Life:
        return Life(
            self.stage,
            self._home,
            self._conf,
            ways=self._ways,
            tell=self._tell,
        )

    @property
    def _home(self) -> Home:
        installation = f"{self._settings.seed % 0x1000000:06x}"
        ctx = self._settings.ctx
        if ctx is not None:
            return Home(ctx, REAL_DISK, installation)
        return Home(MEMORY / "ctx", self.disk, installation)

    # --- how it goes

    def _dies(self, life: Life, after: int | None) -> bool:
        """Let the runner live; say whether the power failed before the end."""
        self._fuse = Fuse(after)
        try:
            life.run(self._recordings.ends)
        except PowerCut:
            return True
        return False

    def _on_instant(self, _where: str) -> None:
        if self._fuse.burns:
            raise PowerCut

    # --- what came of it

    def _outcome(self, life: Life, lives: int) -> Outcome:
        recordings = self._recordings
        opening, closing = recordings.bounds()
        return Outcome(
            period=Period(recordings.begins, recordings.ends),
            ledger=self.ledger,
            standings=life.standings,
            opening=opening,
            closing=closing,
            assets={
                entry["symbol"]: (entry["baseAsset"], entry["quoteAsset"])
                for entry in recordings.info["symbols"]
            },
            balances=self._settings.balances,
            left=self._left(),
            lives=lives,
            instants=self._fuse.passed,
            played=self.stage.playback.played,
            stood_for=recordings.length,
        )

    def _left(self) -> dict[str, Decimal]:
        """Answer what the account has, free and locked together."""
        held = self._books.accounts[ACCOUNT].balances
        return {
            asset: Decimal(write(held[asset].free + held[asset].locked)) for asset in sorted(held)
        }


def run_backtest(
    settings: BacktestSettings, conf: RunnerConf, *, tell: Sink | None = None
) -> Outcome:
    """Run a back-test; with `cuts` the power fails so often, at instants drawn by the seed."""
    if not settings.cuts:
        return Backtest(settings, conf, tell=tell).run()
    calm = Backtest(replace(settings, ctx=None), conf).run()
    instants = drawn_instants(settings.seed, settings.cuts, calm.instants)
    return Backtest(settings, conf, tell=tell).run(gaps_between(instants))


def gaps_between(instants: Iterable[int]) -> tuple[int, ...]:
    """Answer how far apart instants are, the first from the beginning."""
    found, before = [], 0
    for instant in instants:
        found.append(instant - before)
        before = instant
    return tuple(found)


def symbols_of(conf: RunnerConf, settings: BacktestSettings) -> tuple[str, ...]:
    """Answer what the bots trade, and what prices the fees."""
    traded = [symbol for bot in conf.bots for symbol in bot.conf.symbols]
    priced = ["BNBUSDT"] if settings.options.fees_in_bnb else []
    return tuple(dict.fromkeys([*traded, *priced]))
