"""A world that survives power cuts: a disk, an exchange, a market, requests still in flight.

What runs in it is the program itself: the supervisor, its bots, the mirror, the venue with its
outcome table, the context files. Only the edges are the world's: the disk forgets what was not
flushed, the wire loses and delays, the user stream drops and repeats, time is virtual. Every call
to the disk and both ends of every request are instants at which the power can fail.

    for world in every_life(lambda: World(seed, {"dip": {...}})):
        world.check()
"""

import asyncio
import gc
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

import orjson

from lib.atomic_json import read_generations
from lib.binance.transport import Frame, Reply
from lib.binance.venue import BinanceVenue
from lib.bot_kinds import find_bot, split_function
from lib.budget import Terms, split_terms
from lib.clock import ExchangeClock
from lib.conf import BotConf, RunnerConf, RunnerSettings
from lib.errors import OutcomeUnknown
from lib.exchange import Limits
from lib.generation import Generation, decode
from lib.journal.order_journal import OrderJournal
from lib.life import Standing
from lib.news import News
from lib.orders import FINAL, Order, orders_inside
from lib.shelf import Shelf
from lib.simulator.books.books import Books
from lib.simulator.exchange import Exchange
from lib.simulator.options import Options
from lib.simulator.protocol import Request
from lib.simulator.server.faults import EventLane, Fault, FaultKind, FaultPlan, Rule
from lib.supervisor import Supervisor
from tests.disk import HOME, Crash, Cut, SimulatedDisk
from tests.virtual_time import VirtualLoop

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
LATENCY = 0.02


@dataclass(frozen=True, slots=True)
class Luck:
    """How bad the weather is: one in so many requests, one in so many events."""

    requests: int = 12
    events: int = 8
    stream_loss: int = 400  # market ticks between two losses of the user stream, on average
    query_lag_ms: int = 0


AnyWorld = TypeVar("AnyWorld", bound="World")

CALM = Luck(requests=0, events=0, stream_loss=0)


def storm(luck: Luck) -> list[Rule]:
    """Make the rules of a seeded bad day; asking again always helps in the end."""
    requests = [
        Fault(kind=FaultKind.LOSE_REQUEST, delay_ms=3_000),
        Fault(kind=FaultKind.LOSE_REPLY, delay_ms=3_000),
        Fault(kind=FaultKind.DELAY_REQUEST, delay_ms=2_500),
        Fault(kind=FaultKind.DELAY_REQUEST, delay_ms=9_000),
        Fault(kind=FaultKind.SPOIL_REPLY, status=502, body="<html>Bad Gateway</html>"),
        Fault(
            kind=FaultKind.SPOIL_REPLY,
            status=500,
            body='{"code":-1007,"msg":"Timeout waiting for response from backend server."}',
        ),
        Fault(kind=FaultKind.REFUSE, status=503, body="<html>Unavailable</html>"),
    ]
    events = [
        Fault(kind=FaultKind.DROP_EVENT),
        Fault(kind=FaultKind.REPEAT_EVENT),
        Fault(kind=FaultKind.SWAP_EVENT),
        Fault(kind=FaultKind.DELAY_EVENT, delay_ms=4_000),
    ]
    rules = []
    if luck.requests:
        each = luck.requests * len(requests)
        rules += [Rule(fault=f, path="/api/v3/order*", one_in=each) for f in requests]
        rules += [Rule(fault=requests[i], one_in=4 * each) for i in (1, 6)]
    if luck.events:
        rules += [Rule(fault=f, one_in=luck.events * len(events)) for f in events]
    return rules


@dataclass
class World:
    """Chance comes from the seed, time from the loop: every history can be replayed."""

    seed: int
    bots: Mapping[str, Mapping[str, Any]]
    luck: Luck = field(default_factory=Luck)
    settings: Mapping[str, Any] = field(default_factory=dict)
    later_bots: Mapping[str, Mapping[str, Any]] | None = None  # what later lives find in conf.json
    volatility: float = 0.0012

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
        self.plan = FaultPlan(self.seed, storm(self.luck))
        wanted = repr((self.bots, self.later_bots))
        self.prices = {symbol: price for symbol, price in PRICES.items() if symbol in wanted}
        self.in_flight: list[tuple[float, Request]] = []
        self.life: Life | None = None
        self.lives = 0
        self.instants = 0
        self.cut_at: int | None = None
        self.news: list[News] = []
        self.standings: dict[str, Standing] = {}
        self.move_market()

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
            self.exchange.answer(replace(request, received_at=None))

    def pass_time(self, seconds: float) -> None:
        """Let time pass while nothing of ours runs."""
        assert self.life is None
        end = self.now + seconds
        while self.now < end:
            self.now += TICK
            self.deliver_late()
            self.move_market()

    # --- events

    def _on_user_event(self, account: str, event: dict[str, Any]) -> None:
        if account == ACCOUNT and self.life is not None:
            self.life.user.push(event)

    def _on_market_event(self, symbol: str, kind: str, payload: dict[str, Any]) -> None:
        if self.life is not None:
            self.life.market.push(symbol, kind, payload)

    # --- lives

    def instant(self, *_: object) -> None:
        """A moment at which the power may fail."""
        self.instants += 1
        if self.cut_at == self.instants:
            self.disk.die()
            raise Crash

    def live(self) -> bool:
        """Run the program until every bot rests, or the power fails. True: it came to rest."""
        self.life = life = Life(self)
        self.lives += 1
        try:
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
        self.pass_time(self.chance.choice((0.5, 2.0, 20.0, 90.0)))

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
        accepted = self.orders()
        ids = [order["clientOrderId"] for order in accepted]
        assert len(ids) == len(set(ids)), "an id was accepted twice"
        generations = [self.generation(name) for name in self.standings]
        contexts = [orders_inside(generation.context) for generation in generations]
        known = {order.id for orders in contexts for order in orders if order.state not in FINAL}
        still_open = {o["clientOrderId"] for o in accepted if o["status"] in OPEN}
        assert still_open <= known, f"forgotten at the exchange: {still_open - known}"
        assert self._explained(generations) == self._moved()

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
                    _add_fills(moved, order)
        return {asset: amount for asset, amount in moved.items() if amount}


OPEN = {"NEW", "PARTIALLY_FILLED", "PENDING_NEW"}


def _add_fills(moved: dict[str, Decimal], order: Order) -> None:
    base, quote = order.symbol.removesuffix("USDT"), "USDT"
    sign = 1 if order.side == "BUY" else -1
    for fill in order.fills:
        moved[base] = moved.get(base, Decimal(0)) + sign * fill.quantity
        moved[quote] = moved.get(quote, Decimal(0)) - sign * fill.quote
        asset = fill.commission_asset
        moved[asset] = moved.get(asset, Decimal(0)) - fill.commission


# --- the edges of one life


class Wire:
    """Carries requests to the exchange in process; the world's plan says what goes wrong."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def request(
        self, method: str, path: str, params: Mapping[str, str], *, signed: bool
    ) -> Reply:
        world = self._world
        world.instant()
        fault = world.plan.for_request(method, path)
        await asyncio.sleep(LATENCY)
        account = ACCOUNT if signed else None
        request = Request(method, path, params, account)
        if fault is not None:
            return await self._fail(request, fault)
        reply = self._answered(request)
        world.instant()
        await asyncio.sleep(LATENCY)
        return reply

    def _answered(self, request: Request) -> Reply:
        answer = self._world.exchange.answer(request)
        body = orjson.loads(orjson.dumps(answer.body))
        return Reply(answer.status, body, answer.headers)

    async def _fail(self, request: Request, fault: Fault) -> Reply:
        world = self._world
        if fault.kind is FaultKind.DELAY_REQUEST:
            world.in_flight.append((world.clock() / 1000 + fault.delay_ms / 1000, request))
        elif fault.accepted:
            self._answered(request)
            world.instant()
        await asyncio.sleep(fault.delay_ms / 1000)
        if fault.status:
            body = orjson.loads(fault.body) if fault.body.startswith("{") else None
            return Reply(fault.status, body, fault.headers, fault.body)
        raise OutcomeUnknown(f"{request.method} {request.path}: the connection was lost")

    async def close(self) -> None:
        return


class UserFeed:
    """The user stream: subscribed, lost now and then, and never complete."""

    def __init__(self, life: "Life") -> None:
        self._life = life
        self._lane = EventLane(life.world.plan)
        self._up = False
        self._on_event: Callable[[Frame], None] = lambda _: None
        self._on_ready: Callable[[], None] = lambda: None
        self._on_lost: Callable[[str], None] = lambda _: None

    def start(
        self,
        *,
        on_event: Callable[[Frame], None],
        on_ready: Callable[[], None],
        on_lost: Callable[[str], None],
    ) -> None:
        self._on_event, self._on_ready, self._on_lost = on_event, on_ready, on_lost
        self._life.loop.call_later(0.1, self._subscribe)

    def _subscribe(self) -> None:
        self._up = True
        self._on_ready()

    def lose(self) -> None:
        if self._up:
            self._up = False
            self._on_lost("connection reset")
            self._life.loop.call_later(self._life.world.chance.uniform(0.5, 20), self._subscribe)

    def push(self, event: dict[str, Any]) -> None:
        if not self._up:
            return
        for delay_ms, copy in self._lane.pass_on(event):
            self._life.loop.call_later(LATENCY + delay_ms / 1000, self._arrive, copy)

    def _arrive(self, event: dict[str, Any]) -> None:
        if self._up:
            self._life.world.instant()
            self._on_event(event)

    async def close(self) -> None:
        self._up = False


class MarketFeed:
    def __init__(self, life: "Life") -> None:
        self._life = life
        self._followed: set[str] = set()
        self._on_frame: Callable[[Frame], None] = lambda _: None

    def start(self, on_frame: Callable[[Frame], None]) -> None:
        self._on_frame = on_frame

    def follow(self, symbol: str) -> None:
        self._followed.add(symbol)

    def leave(self, symbol: str) -> None:
        self._followed.discard(symbol)

    def push(self, symbol: str, kind: str, payload: dict[str, Any]) -> None:
        if symbol in self._followed and kind in {"trade", "bookTicker"}:
            self._life.loop.call_soon(self._on_frame, payload)

    async def close(self) -> None:
        self._followed.clear()


class Quiet:
    def ready(self) -> None:
        return

    def status(self, text: str) -> None:
        return


class Life:
    """One run of the program, from its start to its end or to the cut."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.loop = VirtualLoop(world.now)
        self.user = UserFeed(self)
        self.market = MarketFeed(self)
        self.supervisor: Supervisor | None = None
        self._ended = 0.0

    def run(self) -> None:
        asyncio.set_event_loop(self.loop)
        self.world.disk.on_call = self.world.instant
        try:
            self.loop.run_until_complete(self._run())
        finally:
            asyncio.set_event_loop(None)

    async def _run(self) -> None:
        world = self.world
        clock = ExchangeClock(boottime=lambda: int(self.loop.time() * 1000) - EPOCH // 2)
        venue = BinanceVenue("world", Wire(world), clock, user=self.user, market=self.market)
        shelf = Shelf.open(HOME / "ctx", disk=world.disk)
        self.supervisor = Supervisor(
            world_conf(world),
            shelf,
            venue,
            clock,
            tell=world.news.append,
            vitals=Quiet(),
            disk=world.disk,
            limits=Limits(),
            journal=world.journal_for(self, clock),
        )
        self._tick()
        running = self.loop.create_task(self.supervisor.run())
        deadline = self.loop.time() + PATIENCE
        while not self._at_rest():
            await asyncio.sleep(1)
            if running.done():
                running.result()
            assert self.loop.time() < deadline, "the bots never come to rest"
        running.cancel()

    def _tick(self) -> None:
        world = self.world
        world.deliver_late()
        world.move_market()
        loss = world.luck.stream_loss
        if loss and world.chance.randrange(loss) == 0:
            self.user.lose()
        self.loop.call_later(TICK, self._tick)

    def _at_rest(self) -> bool:
        assert self.supervisor is not None
        standings = self.supervisor.standings
        self.world.standings = standings
        resting = {Standing.FINISHED, Standing.PARKED}
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
