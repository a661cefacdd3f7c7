"""A world that survives power cuts: a disk, an exchange, a market, requests still in flight.

What runs in it is the program itself: the supervisor, its bots, the mirror, the venue with its
outcome table, the context files. Only the edges are the world's: the disk forgets what was not
flushed, the wire loses and delays, the user stream drops and repeats, time is virtual. Every call
to the disk, both ends of every request and every event are instants at which the power can fail;
if luck says so, turns of the event loop are too: timers, and steps of machines side by side.

    for world in every_life(lambda: World(seed, {"dip": {...}})):
        world.check()

Whatever is found wrong carries the story of that world: what was saved, sent and told, and where
the power failed.
"""

import asyncio
import errno
import gc
import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar, TypeVar
from unittest.mock import patch

import orjson

from lib.atomic_json import read_generations
from lib.binance.venue import BinanceVenue
from lib.bot_kinds import find_bot, split_function
from lib.budget import Terms, split_terms
from lib.clock import ExchangeClock
from lib.conf import BotConf, RunnerConf, RunnerSettings
from lib.context_file.generation import Generation, decode
from lib.context_file.slots import Unwritten, judge_all
from lib.exchange import Limits
from lib.journal.order_journal import OrderJournal
from lib.life import Standing
from lib.news import News
from lib.orders import FINAL, orders_inside
from lib.shelf import Shelf
from lib.simulator.books.books import Books
from lib.simulator.exchange import Exchange
from lib.simulator.options import Options
from lib.simulator.protocol import Request
from lib.simulator.server.faults import FaultPlan, Rule
from lib.supervisor import Supervisor
from tests.announcement import announced
from tests.disk import HOME, Crash, Cut, SimulatedDisk
from tests.edges import LATENCY as LATENCY
from tests.edges import MarketFeed, Quiet, UserFeed, Wire
from tests.sparing_plan import SparingPlan
from tests.sums import add_fees, add_fills, executed_of, is_of, net_of, shown
from tests.transcript import Transcript, content_words, request_words
from tests.virtual_time import VirtualLoop
from tests.weather import CALM as CALM
from tests.weather import Luck as Luck
from tests.weather import storm

EPOCH = 1_722_470_400_000  # 2024-08-01, exchange ms
ACCOUNT = "trader"
UID = 4711
START: Mapping[str, Decimal] = {
    "USDT": Decimal(100_000),
    "BTC": Decimal(2),
    "ETH": Decimal(20),
    "BNB": Decimal(0),
}
PRICES = {"BTCUSDT": 61_000.0, "ETHUSDT": 3_100.0}
RULES = orjson.loads(Path("data/exchange_info.json").read_bytes())
TICK = 0.5  # seconds between two movements of the market
PATIENCE = 6 * 3_600.0  # virtual seconds after which a life that does not end is a failure
ACCOUNT_ERRORS = frozenset({"pwrite", "fdatasync"})  # the calls of a save
CALLS_BETWEEN = 40  # at least, between two failures of one disk: a save is tried twice


AnyWorld = TypeVar("AnyWorld", bound="World")


@dataclass
class World:
    """Chance comes from the seed, time from the loop: every history can be replayed."""

    seed: int
    bots: Mapping[str, Mapping[str, Any]]
    luck: Luck = field(default_factory=Luck)
    settings: Mapping[str, Any] = field(default_factory=dict)
    later_bots: Mapping[str, Mapping[str, Any]] | None = None  # what later lives find in conf.json
    volatility: float = 0.0012
    spared: frozenset[int] = frozenset()  # faults that do not strike, by their number

    TICK: ClassVar[float] = TICK
    PATIENCE: ClassVar[float] = PATIENCE

    def __post_init__(self) -> None:
        self.chance = random.Random(f"world {self.seed}")
        self.now = float(EPOCH) / 1000
        self.disk = SimulatedDisk(self.seed)
        self.books = Books.in_memory()
        self.books.open_account(ACCOUNT, UID, START)
        options = Options(query_lag_ms=self.luck.query_lag_ms, enforce_limits=False)
        self.exchange = Exchange(RULES, clock=self.clock, books=self.books, options=options)
        self.exchange.on_user_event = self._on_user_event
        self.exchange.on_market_event = self._on_market_event
        self.plan = self.fault_plan(storm(self.luck))
        wanted = repr((self.bots, self.later_bots))
        self.prices = {symbol: price for symbol, price in PRICES.items() if symbol in wanted}
        self.in_flight: list[tuple[float, Request]] = []
        self.life: Life | None = None
        self.lives = 0
        self.instants = 0
        self.cut_at: int | None = None
        self.deaths: list[str] = []  # where each life ended
        self.fate = random.Random(f"fate {self.seed}")  # what a cut, and a sick disk, decide
        self.under_way: dict[int, Request] = {}  # sent, and not yet with the exchange
        self.transcript = Transcript()
        self.breaches: list[str] = []  # what was wrong on the way
        self.turns = 0  # of the event loop, in all lives
        self._last_failure = 0
        self.news: list[News] = []
        self.standings: dict[str, Standing] = {}
        self.begin_life: Callable[[World], Life] = Life
        self.move_market()

    def fault_plan(self, rules: list[Rule]) -> FaultPlan:
        """Answer a plan of these rules that spares what this world is to be spared."""
        return SparingPlan(self.seed, rules, spared=self.spared)

    # --- time and the market

    def clock(self) -> int:
        """Tell the exchange's time, ms."""
        return int((self.life.loop.time() if self.life else self.now) * 1000)

    def move_market(self) -> None:
        """Let prices walk a step, and let the rest of the market trade around them."""
        for symbol, price in self.prices.items():
            price *= 1 + self.chance.gauss(0, self.volatility)
            self.prices[symbol] = price
            at = Decimal(f"{price:.2f}")
            tick, now = Decimal("0.01"), self.clock()
            depth = [(Decimal(i) * tick * 100, Decimal(1)) for i in range(2)]
            bids = [(at - tick - away, size) for away, size in depth]
            asks = [(at + tick + away, size) for away, size in depth]
            self.exchange.set_book(symbol, bids, asks, now)
            size = Decimal(self.chance.randrange(1, 40)) / 1000
            self.exchange.market_trade(
                symbol, at, size, buyer_is_maker=self.chance.random() < 0.5, time=now
            )

    def deliver_late(self) -> None:
        """Hand over what was still on its way, also to an exchange whose client is dead."""
        now = self.clock() / 1000
        due = [entry for entry in self.in_flight if entry[0] <= now]
        self.in_flight = [entry for entry in self.in_flight if entry[0] > now]
        for _, request in due:
            answer = self.exchange.answer(replace(request, received_at=None))
            self.note("wire", f"arrives late: {request.method} {request.path}, {answer.status}")

    def pass_time(self, seconds: float) -> None:
        """Let time pass while nothing of ours runs."""
        assert self.life is None
        end = self.now + seconds
        while self.now < end:
            self.now += self.TICK
            self.deliver_late()
            self.move_market()

    # --- events

    def _on_user_event(self, account: str, event: dict[str, Any]) -> None:
        if account != ACCOUNT:
            return
        self.note("exchange", event)
        if self.life is not None:
            self.life.user.push(event)

    def _on_market_event(self, symbol: str, kind: str, payload: dict[str, Any]) -> None:
        if self.life is not None:
            self.life.market.push(symbol, kind, payload)

    # --- lives

    def instant(self, where: str = "") -> None:
        """A moment at which the power may fail."""
        self.instants += 1
        if self.cut_at == self.instants:
            self.deaths.append(where)
            self.note("power", f"FAILS at instant {self.instants}, {where}")
            self.disk.die()
            raise Crash

    def on_disk_call(self, name: str) -> None:
        """Note what the disk is asked, let the power fail there, or the disk."""
        self.note("disk", content_words(self.disk.writing) if name == "pwrite" else name)
        self.instant(f"disk: {name}")
        if not self.luck.flushes or name not in ACCOUNT_ERRORS:
            return
        rested = self.disk.calls - self._last_failure >= CALLS_BETWEEN
        if rested and not self.fate.randrange(self.luck.flushes):
            self._last_failure = self.disk.calls
            self.disk.faults[self.disk.calls] = errno.EIO
            self.note("disk", f"{name} fails")

    def on_turn(self, waits: float) -> None:
        """Count the turns of the event loop; one in so many is an instant."""
        self.turns += 1
        if (self.turns + self.seed) % self.luck.turns == 0:
            self.instant("loop: a timer" if waits else "loop: between two steps")

    def live(self) -> bool:
        """Run the program until every bot rests, or the power fails. True: it came to rest."""
        self.life = life = self.begin_life(self)
        self.lives += 1
        self._last_failure = CALLS_BETWEEN  # the start is spared
        self.note("program", "starts")
        try:
            with self.narrated():
                life.run()
        except Crash:
            return False
        else:
            return True
        finally:
            self.now = life.loop.time()
            self.life, self.cut_at, self.disk.on_call = None, None, None
            life.loop.abandon()

    def cut(self) -> None:
        """Lose the power, or the process, and find what is left."""
        kind = Cut.POWER if self.chance.random() < 0.5 else Cut.KILL
        self.disk = self.disk.after(kind)
        away = self.chance.choice((0.5, 2.0, 20.0, 90.0))
        self.note("power", f"was lost by {kind}; comes back after {away} s")
        for request in self.under_way.values():
            if self.luck.stragglers and not self.fate.randrange(self.luck.stragglers):
                self.in_flight.append((self.now + self.fate.uniform(0.1, 9), request))
        self.under_way.clear()
        self._look_at_slots()
        self.pass_time(away)

    def _look_at_slots(self) -> None:
        """Note which contexts the cut left with one whole slot: the next life suspects them."""
        for name in self._names():
            try:
                content = self.disk.content(HOME / "ctx" / f"{name}.json")
            except (KeyError, OSError):  # it was not born yet
                continue
            _, slots = judge_all(content, HOME)
            if Unwritten.BROKEN in slots:
                self.note("power", f"left {name}.json with one whole slot")

    # --- the story

    def leaves(self, request: Request) -> None:
        """See a changing request off: a power cut now must leave a disk that knows of it."""
        self.note("wire", request_words(request.method, request.path, request.params))
        if not announced(self.disk, request):
            self.breaches.append(f"left unannounced: {request.method} {dict(request.params)}")

    def note(self, who: str, what: Any) -> None:
        """Write a line of the story; the dead say nothing."""
        if self.disk.dead and who != "power":
            return
        self.transcript.note(self.clock(), self.lives, who, what)

    def hear(self, news: News) -> None:
        """Take in what the program tells the person."""
        self.news.append(news)
        self.note("program", f"{news.bot or 'runner'}: {news.text}")

    @contextmanager
    def narrated(self) -> Iterator[None]:
        """Have whatever is found wrong carry the story of this world."""
        try:
            yield
        except AssertionError as wrong:
            if not getattr(wrong, "__notes__", None):
                wrong.add_note(self.transcript.text(self._names()))
            raise

    def _names(self) -> set[str]:
        return {*self.bots, *(self.later_bots or {})}

    # --- who writes the orders down

    @property
    def journaled(self) -> bool:
        """Say whether nothing is left to be written down."""
        return True

    def journal_for(self, life: "Life", clock: ExchangeClock) -> OrderJournal | None:
        """Answer the order journal of a life, if one is kept."""
        return None

    # --- what is true afterwards

    def orders(self) -> list[dict[str, Any]]:
        """Every order that the exchange ever accepted."""
        return [order for symbol in self.prices for order in self._ask_all(symbol)]

    def _ask_all(self, symbol: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        while True:
            first = str(found[-1]["orderId"] + 1) if found else "0"
            page = self._asked("allOrders", symbol=symbol, orderId=first, limit="1000")
            found += page
            if len(page) < 1000:
                return found

    def _asked(self, path: str, **params: str) -> Any:
        self.now += 3_600  # beyond every lag of the exchange's own questions
        now = str(self.clock())
        answer = self.exchange.answer(
            Request("GET", f"/api/v3/{path}", {**params, "timestamp": now}, ACCOUNT)
        )
        assert answer.status == 200, answer.body
        return answer.body

    def balances(self) -> dict[str, Decimal]:
        """What the account holds, free and locked together."""
        account = self._asked("account")
        return {
            entry["asset"]: Decimal(entry["free"]) + Decimal(entry["locked"])
            for entry in account["balances"]
        }

    def locked(self) -> dict[str, Decimal]:
        """What is locked in open orders."""
        entries = self._asked("account")["balances"]
        return {e["asset"]: Decimal(e["locked"]) for e in entries if Decimal(e["locked"])}

    def generation(self, bot: str) -> Generation:
        """The newest generation on the disk."""
        return decode(read_generations(HOME / "ctx" / f"{bot}.json", disk=self.disk))

    def check(self) -> None:
        """Hold the exchange's books against the contexts, to the last digit."""
        with self.narrated():
            self._check()

    def _check(self) -> None:
        assert not self.breaches, self.breaches[0]
        accepted = self.orders()
        ids = [order["clientOrderId"] for order in accepted]
        twice = {each for each in ids if ids.count(each) > 1} if len(ids) > len(set(ids)) else set()
        assert not twice, f"an id was accepted twice: {twice}"
        generations = {name: self.generation(name) for name in self.standings}
        contexts = [orders_inside(generation.context) for generation in generations.values()]
        known = {order.id for orders in contexts for order in orders if order.state not in FINAL}
        still_open = {o["clientOrderId"] for o in accepted if o["status"] in OPEN}
        assert still_open <= known, f"forgotten at the exchange: {still_open - known}"
        for name, generation in generations.items():
            self._check_bot(name, generation, accepted)
        explained, moved = self._explained(list(generations.values())), self._moved()
        assert explained == moved, f"contexts explain {shown(explained)}, moved was {shown(moved)}"

    def _check_bot(self, name: str, generation: Generation, accepted: list[dict[str, Any]]) -> None:
        """Hold one bot's books against the orders that carry its tag."""
        own = [order for order in accepted if is_of(name, order["clientOrderId"])]
        if generation.parked is None:
            former = {former.id for former in generation.memory.former}
            back = former & {order["clientOrderId"] for order in own}
            assert not back, f"{name} gave up {back}, which the exchange has"
        booked, executed = net_of(generation), executed_of(own)
        assert booked == executed, f"{name} knows {shown(booked)}, executed was {shown(executed)}"

    def _moved(self) -> dict[str, Decimal]:
        now = self.balances()
        moved = {asset: now.get(asset, Decimal(0)) - had for asset, had in START.items()}
        return {asset: amount for asset, amount in moved.items() if amount}

    def _explained(self, generations: list[Generation]) -> dict[str, Decimal]:
        """Add up what the contexts say happened: booked orders, and fills not booked yet."""
        moved: dict[str, Decimal] = {}
        for generation in generations:
            for asset, amount in generation.memory.net.items():
                moved[asset] = moved.get(asset, Decimal(0)) + amount
            for asset, amount in generation.memory.fees.items():
                moved[asset] = moved.get(asset, Decimal(0)) - amount
            for order in orders_inside(generation.context):
                if not order.booked:
                    add_fills(moved, order)
                    add_fees(moved, order)
        return {asset: amount for asset, amount in moved.items() if amount}


OPEN = {"NEW", "PARTIALLY_FILLED", "PENDING_NEW"}


# --- one life


class Life:
    """One run of the program, from its start to its end or to the cut."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.loop = VirtualLoop(world.now)
        self.wire = Wire(world)
        self.user = UserFeed(self)
        self.market = MarketFeed(self)
        self.supervisor: Supervisor | None = None
        self._ended = 0.0

    def run(self) -> None:
        asyncio.set_event_loop(self.loop)
        self.world.disk.on_call = self.world.on_disk_call
        if self.world.luck.turns:
            self.loop.on_turn = self.world.on_turn
        tag = f"{self.world.seed % 0x1000000:06x}"  # what the program would draw
        try:
            with patch("lib.shelf.secrets.token_hex", lambda _: tag):
                self.loop.run_until_complete(self._run())
        finally:
            asyncio.set_event_loop(None)

    async def _run(self) -> None:
        world = self.world
        clock = ExchangeClock(boottime=lambda: int(self.loop.time() * 1000) - EPOCH // 2)
        venue = BinanceVenue("world", self.wire, clock, user=self.user, market=self.market)
        shelf = Shelf.open(HOME / "ctx", disk=world.disk)
        self.supervisor = Supervisor(
            world_conf(world),
            shelf,
            venue,
            clock,
            tell=world.hear,
            vitals=Quiet(),
            disk=world.disk,
            limits=Limits(),
            journal=world.journal_for(self, clock),
        )
        self.furnish(self.supervisor, shelf)
        self._tick()
        running = self.loop.create_task(self.supervisor.run())
        deadline = self.loop.time() + world.PATIENCE
        while not self._at_rest():
            await asyncio.sleep(1)
            if running.done():
                running.result()
            assert self.loop.time() < deadline, "the bots never come to rest"
        running.cancel()

    def furnish(self, supervisor: Supervisor, shelf: Shelf) -> None:
        """Set up what stands beside the bots; for lives in which more does."""

    def _tick(self) -> None:
        world = self.world
        world.deliver_late()
        world.move_market()
        loss = world.luck.stream_loss
        if loss and world.chance.randrange(loss) == 0:
            self.user.lose()
        self.loop.call_later(world.TICK, self._tick)

    def _at_rest(self) -> bool:
        assert self.supervisor is not None
        standings = self.supervisor.standings
        self.world.standings = standings
        resting = {Standing.FINISHED, Standing.PARKED, Standing.IDLE}
        names = set(_current_bots(self.world))
        return (
            names <= standings.keys() | self.supervisor.held.keys()
            and all(standing in resting for standing in standings.values())
            and self.world.journaled
        )


def _current_bots(world: World) -> Mapping[str, Mapping[str, Any]]:
    later = world.later_bots
    return later if later is not None and world.lives > 1 else world.bots


def world_conf(world: World) -> RunnerConf:
    """Make the conf as conf.json would: validated sections."""
    parts = []
    for name, section in _current_bots(world).items():
        module, function = split_function(str(section.get("function", name)))
        kind = find_bot(module, function)
        money, own = split_terms({k: v for k, v in section.items() if k != "function"})
        conf, terms = kind.conf_type.model_validate(own), Terms.model_validate(money)
        parts.append(BotConf(name, module, function, kind, conf, own, 1, terms))
    settings = RunnerSettings.model_validate(dict(world.settings))
    return RunnerConf(settings, tuple(parts), ())


def live(world: AnyWorld, *cuts: int) -> AnyWorld:
    """Run to the end, cutting the power at each of these instants, counted in each life anew."""
    gc.disable()
    try:
        for cut in cuts:
            world.instants, world.cut_at = 0, cut
            if world.live():
                break
            world.cut()
        else:
            world.instants, world.cut_at = 0, None
            assert world.live()
    finally:
        gc.enable()
    return world


def every_life(make: Callable[[], AnyWorld], *, stride: int = 1) -> Iterator[AnyWorld]:
    """The life without a cut, then one life per instant at which the power can fail."""
    calm = live(make())
    length = calm.instants
    yield calm
    for cut in range(1, length + 1, stride):
        yield live(make(), cut)


def pairs_of_cuts(make: Callable[[], AnyWorld], seed: int, many: int) -> Iterator[AnyWorld]:
    """Lives with two cuts each, at instants drawn by the seed."""
    chance = random.Random(f"pairs {seed}")
    length = live(make()).instants
    for _ in range(many):
        yield live(make(), chance.randint(1, length), chance.randint(1, length))
