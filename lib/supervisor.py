"""All bots of one installation on one venue: from the files on disk to bots that trade.

The order of the start is the order of trust: contexts, then the network, then whose account it
is, then what the exchange has of ours, and only then bots, each of which settles its own doubts
first. There is no shutdown: a stop is a crash, and every start is a recovery.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from itertools import chain, repeat
from typing import Final, Protocol, TypeVar

from lib.changeover import Changeover
from lib.clock import Clock
from lib.conf import OnOrphan, OnOtherRunner, RunnerConf
from lib.context_file.generation import Generation, decode
from lib.disk import REAL_DISK, Disk
from lib.errors import BadCredentials, BooksDisagree, NotSent, Unavailable
from lib.exchange import AccountState, Limits, OrderRecord, Venue
from lib.floor import Floor
from lib.funds import Funds
from lib.journal.order_journal import OrderJournal, no_journal
from lib.life import BACK_OFF, Life, Standing
from lib.mirror import Mirror
from lib.news import Kind, News, Sink
from lib.ownership.orphans import Canceler, may_be_known
from lib.ownership.other_runners import OtherRunners
from lib.ownership.others_page import OthersPage
from lib.ownership.witness import Witness
from lib.quotes import Quotes
from lib.redaction import Redactor
from lib.resumption import Resumption
from lib.roster import Held, Roster
from lib.shelf import Shelf
from lib.wipe import find_wipe

Answer = TypeVar("Answer")

UNREACHED: Final = 0.5  # seconds; to knock where nobody is costs nothing
BY_PATTERN: Final = Redactor().redact  # without knowing the secrets: by what they look like


class Vitals(Protocol):
    """Who wants to know how the program is: systemd, or nobody."""

    def ready(self) -> None: ...

    def status(self, text: str) -> None: ...


async def _nothing() -> None:
    return


class Supervisor:
    """Starts and watches everything that the bots of an account share."""

    before_bots: Callable[[], Awaitable[None]] = staticmethod(_nothing)  # awaited before any lives

    def __init__(
        self,
        conf: RunnerConf,
        shelf: Shelf,
        venue: Venue,
        clock: Clock,
        *,
        tell: Sink,
        vitals: Vitals,
        disk: Disk = REAL_DISK,
        limits: Limits | None = None,
        away_ms: int | None = None,
        redact: Callable[[str], str] = BY_PATTERN,
        journal: OrderJournal | None = None,
    ) -> None:
        self._sink = tell
        self._redact = redact
        self._vitals = vitals
        said = conf.settings
        limits = replace(limits or Limits(), poll=said.poll, doubt_look=said.doubt_look)
        mirror = Mirror(venue, clock, limits)
        self.floor = Floor(
            venue=venue,
            clock=clock,
            mirror=mirror,
            funds=Funds(mirror.balance, mirror.balance_time),
            quotes=Quotes(venue),
            rules={},
            limits=limits,
            installation=shelf.installation(),
            journal=journal or no_journal(),
            others=self._neighbours(conf, shelf),
        )
        self._others_page = OthersPage(self.floor.others, shelf.folder, disk=disk)
        self._roster = Roster(conf, shelf, self.floor, self._tell, disk=disk, redact=redact)
        self._witness = Witness(self.floor.installation, self._tell, gap_max=2 * limits.poll)
        self.changeover = Changeover(self._roster, self._witness)
        self._canceler = Canceler(self.floor, shelf.folder, self._known, self._tell, disk=disk)
        self._cancels_orphans = conf.settings.orphans is OnOrphan.CANCEL
        self._resumption = Resumption(away_ms)

    def _neighbours(self, conf: RunnerConf, shelf: Shelf) -> OtherRunners:
        stops_bots = conf.settings.other_runner is OnOtherRunner.STOP
        return OtherRunners(shelf.installation(), self._tell, stops_bots=stops_bots)

    @property
    def lives(self) -> dict[str, Life]:
        """The bots that may run, by name."""
        return self._roster.lives

    @property
    def held(self) -> dict[str, Held]:
        """The bots that do not run, by name."""
        return self._roster.held

    @property
    def unborn(self) -> list[str]:
        """The bots that have no context yet, by name."""
        known = self.lives.keys() | self.held.keys()
        return [bot.name for bot in self._roster.newborn if bot.name not in known]

    async def loaded(self) -> None:
        """Wait until it is known which bots there are."""
        await self._roster.loaded.wait()

    @property
    def standings(self) -> dict[str, Standing]:
        """Say where each bot stands."""
        return {name: life.standing for name, life in self.lives.items()}

    # --- the start

    async def run(self) -> None:
        """Start everything and never end. Raises BadCredentials for a key that may not trade."""
        self._roster.on_read = lambda done, of: self._vitals.status(f"read {done} of {of} contexts")
        self._roster.load()
        self._resumption.remember(self.lives.values(), asyncio.get_running_loop().time())
        self._vitals.ready()
        account = await self._connect()
        self._roster.take_account(account)
        self._open_journal(account)
        self.floor.others.is_ours = lambda own: may_be_known(own, self._known())
        self._witness.is_of_a_copy = self.floor.others.is_of_a_copy
        self.floor.others.begin(self.floor.clock.now(), self.floor.limits)
        await self._check_wipe()
        beside = [self._cancel_orphans(account)] if self._cancels_orphans else []
        beside.append(self._others_page.keep())
        await asyncio.gather(self._watch(), self._keep_rules(), self._begin(account), *beside)

    def _open_journal(self, account: AccountState) -> None:
        """Keep for the journal what contexts know, before bots go on and forget it."""
        floor = self.floor
        floor.journal.connect(
            venue=floor.venue.name,
            account=account.uid,
            installation=floor.installation,
            rules=floor.rules,
        )
        floor.journal.remembered = self.generations()

    def generations(self) -> list[Generation]:
        """Answer the newest generation on disk of every bot that can be read and is ours."""
        held = [held.generation for held in self.held.values() if held.generation is not None]
        return [*(decode(life.file.fields) for life in self.lives.values()), *held]

    async def _begin(self, account: AccountState) -> None:
        """Let the bots live; the new ones after a look at the exchange, each on its own."""
        await self.floor.mirror.fresh()
        self._roster.hold_changed()
        self._roster.open_wallets()
        for excess in self.floor.wallets.overpromised():
            self._tell("", Kind.WARNING, excess)
        await self.before_bots()
        self.changeover.begin(account.uid)
        await self._report()

    async def _connect(self) -> AccountState:
        """Learn the exchange's time, rules and account."""
        await self._patiently(self.floor.venue.server_time)
        self.floor.market_rules.take(await self._patiently(self.floor.venue.rules))
        account = await self._patiently(self.floor.venue.account)
        if not account.can_trade:
            raise BadCredentials("this key may not trade: allow spot trading for it at Binance")
        if account.can_withdraw and self.floor.venue.name == "live":
            text = "this account may withdraw: make sure that the key may not"
            self._tell("", Kind.WARNING, text)
        return account

    async def _patiently(self, ask: Callable[[], Awaitable[Answer]]) -> Answer:
        """Ask until there is an answer; told when it begins to fail, and when it is over."""
        told = False
        for delay in chain(BACK_OFF, repeat(BACK_OFF[-1])):
            try:
                answer = await ask()
            except Unavailable as weather:
                self.floor.mirror.answers += 1
                self.floor.mirror.trouble = weather
                if not told:
                    self._tell("", Kind.WEATHER, f"no exchange: {weather}; asking again for ever")
                told = True
                await asyncio.sleep(UNREACHED if isinstance(weather, NotSent) else delay)
            else:
                self.floor.mirror.trouble = None
                if told:
                    self._tell("", Kind.WEATHER, "the exchange is back")
                return answer
        raise AssertionError("repeated for ever")

    async def _check_wipe(self) -> None:
        """Before any doubt is resolved: does the exchange still have the books we remember?"""
        generations = [life.generation for life in self.lives.values()]
        facts = await self._patiently(lambda: find_wipe(self.floor, generations))
        if not facts:
            return
        if self.floor.venue.name == "live":
            for name, fact in facts.items():
                self._roster.drop(name, f"BooksDisagree: {fact}")
            return
        self._tell("", Kind.WARNING, f"the test exchange was reset: {next(iter(facts.values()))}")
        self._roster.begin_anew(facts)

    # --- while it runs

    async def _watch(self) -> None:
        mirror = self.floor.mirror
        mirror.on_record = self._on_record
        mirror.on_poll = self._on_poll
        mirror.on_vanished = self._on_vanished
        mirror.on_weather = lambda text: self._tell("", Kind.WEATHER, text)
        await mirror.keep_current()

    async def _keep_rules(self) -> None:
        rules = self.floor.market_rules
        rules.on_weather = lambda text: self._tell("", Kind.WEATHER, text)
        await rules.keep()

    async def _cancel_orphans(self, account: AccountState) -> None:
        self._witness.is_cared_for = self._canceler.cares_for
        await self._canceler.keep(account.uid)

    def _known(self) -> Iterable[tuple[str, Generation | None]]:
        """Answer every context there is by its bot's name; None is one that cannot be read."""
        yield from ((name, life.generation) for name, life in self.lives.items())
        yield from ((name, held.generation) for name, held in self.held.items())

    def _on_record(self, record: OrderRecord) -> None:
        self.floor.journal.heard(record)
        self._witness.on_record(record)
        if not self.floor.mirror.follows(record.client_order_id):
            self.floor.others.on_record(record)
        self._resumption.on_record(record)
        self.floor.funds.accepted(record.client_order_id, record.updated_at)

    def _on_poll(self, strangers: Iterable[OrderRecord]) -> None:
        now = self.floor.clock.now()
        self.floor.others.on_poll(strangers, now)
        self._witness.on_poll(strangers, now)
        self._canceler.on_poll(strangers, now)

    def _on_vanished(self, client_order_id: str, symbol: str, order_id: int) -> None:
        """An acknowledged order is unknown: its bot halts; a reset is settled at the next start."""
        text = (
            f"order {order_id} ({symbol}, ours under {client_order_id}) is unknown at the exchange"
        )
        for life in self.lives.values():
            if any(order.id == client_order_id for order in life.orders):
                life.halt(BooksDisagree(f"{text}: was it reset? restart to find out"))

    async def _report(self) -> None:
        """Say once what was found after the restart."""
        text = await self._resumption.report(self.floor, self.lives.values())
        if text:
            self._tell("", Kind.START, text)

    def _tell(self, bot: str, kind: Kind, text: str, order: str = "") -> None:
        try:
            at = self.floor.clock.now()
        except Unavailable:  # nobody has told us the time yet
            at = 0
        self._sink(News(at, bot, kind, self._redact(text), order))
