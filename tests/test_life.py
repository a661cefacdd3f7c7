"""What one bot does wrong stays its own affair, and what became of it outlives every cut."""

import asyncio
import errno
import gc
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import orjson
import pytest

from lib.atomic_json import ContextFile
from lib.binance.transport import Reply
from lib.binance.venue import BinanceVenue
from lib.bot_kinds import BotKind, find_bot
from lib.clock import ExchangeClock
from lib.conf import RunnerConf, read_conf
from lib.desk import Desk
from lib.errors import Halt, NotSent, Unavailable
from lib.exchange import Limits
from lib.life import Standing
from lib.machine import Context, Machine
from lib.news import Kind, News
from lib.orders import Order, add_order
from lib.roster import Held
from lib.settings import Milliseconds, Settings
from lib.shelf import Busy, Shelf
from lib.simulator.protocol import Request
from lib.simulator.server.faults import Fault, FaultKind, Rule
from lib.supervisor import Supervisor
from tests.disk import HOME, Crash, Cut
from tests.edges import UserFeed, Wire
from tests.world import ACCOUNT, CALM, EPOCH, PRICES, Life, Luck, World

HOUR = 3_600.0
DAY = 24 * HOUR

# --- bots of the tests' own


class Conf(Settings):
    symbol: str = "BTCUSDT"
    quantity: Decimal = Decimal("0.001")
    every: Milliseconds = 10_000
    times: int = 0  # 0: for ever
    price: Decimal | None = None  # absent: at market
    error: str = "bug"
    first_at: Milliseconds = 0  # after the start


class Ctx(Context):
    done: int = 0
    next_at: int = 0
    order: Order | None = None
    kept: list[Order] = []

    @property
    def holding(self) -> str:
        return f"{self.done} purchases" if self.kept else ""


class BriefCtx(Context):
    done: int = 0


class LaterCtx(Ctx):
    VERSION = 2


async def steady(desk: Desk, conf: Conf, ctx: Ctx) -> Machine[Ctx]:
    """Buy again and again; once `times` are done, wait for ever."""
    await asyncio.sleep(conf.first_at / 1000)
    while ctx.order or not conf.times or ctx.done < conf.times:
        await desk.until(ctx.next_at)
        ctx.order = ctx.order or Order(
            symbol=conf.symbol,
            side="BUY",
            type="MARKET" if conf.price is None else "LIMIT",
            time_in_force=None if conf.price is None else "GTC",
            price=conf.price,
            quantity=conf.quantity,
            valid_for=3_600_000,
        )
        async for ctx.order in add_order(desk.exchange, ctx.order):
            yield ctx
        if ctx.order.state == "rejected":
            raise Halt(f"refused: {ctx.order.reason}")
        ctx.done, ctx.order, ctx.next_at = ctx.done + 1, None, desk.now() + conf.every
        yield ctx
    await asyncio.Event().wait()


async def brief(desk: Desk, conf: Conf, ctx: BriefCtx) -> Machine[BriefCtx]:
    """Do nothing and be done."""
    ctx.done = 1
    yield ctx


async def hasty(desk: Desk, conf: Conf, ctx: Ctx) -> Machine[Ctx]:
    """End as soon as its order rests."""
    order = Order(
        symbol=conf.symbol,
        side="BUY",
        type="LIMIT",
        time_in_force="GTC",
        price=Decimal(30_000),
        quantity=conf.quantity,
    )
    async for ctx.order in add_order(desk.exchange, ctx.order or order):
        yield ctx
        if ctx.order.state == "open":
            return


async def troubled(desk: Desk, conf: Conf, ctx: Ctx) -> Machine[Ctx]:
    """Begin well, then go wrong in the way its conf says."""
    if conf.error == "weather":
        raise Unavailable("it rains")
    ctx.done += 1
    yield ctx
    await asyncio.sleep(5)
    match conf.error:
        case "bug":
            raise KeyError("price")
        case "halt":
            raise Halt("the moon is full")
        case "hang":
            await asyncio.Event().wait()
        case "cancel":
            raise asyncio.CancelledError
        case "float":
            ctx.done = 0.5  # type: ignore[assignment]
            yield ctx
        case "talk":
            while True:
                desk.tell(Kind.PLAN, "so much to say")
                await asyncio.sleep(0.01)
        case "save":
            while True:
                ctx.done += 1
                yield ctx
        case "order without a barrier":
            order = Order(symbol="BTCUSDT", side="BUY", type="MARKET", quantity=Decimal("0.001"))
            async for _ in add_order(desk.exchange, order):
                pass
        case "exit":
            raise SystemExit("enough")
        case "unknown symbol":
            order = Order(symbol="NOPEUSDT", side="BUY", type="MARKET", quantity=Decimal(1))
            async for ctx.order in add_order(desk.exchange, order):
                yield ctx
        case "secret":
            raise RuntimeError(f"GET /api/v3/account?timestamp=1&signature={SIGNATURE} failed")
        case other:
            raise AssertionError(other)


SIGNATURE = "0123456789abcdef" * 4
BOTS = {
    "steady": BotKind(Conf, Ctx, steady),
    "brief": BotKind(Conf, BriefCtx, brief),
    "steady_too": BotKind(Conf, Ctx, steady),
    "troubled": BotKind(Conf, Ctx, troubled),
    "hasty": BotKind(Conf, Ctx, hasty),
    "grown": BotKind(Conf, LaterCtx, steady),
}


def find_story_bot(module: str, function: str) -> BotKind:
    return BOTS.get(module) or find_bot(module, function)


def bot(function: str, **more: Any) -> dict[str, Any]:
    return {"function": function, **more}


# --- a world that follows a script


@dataclass
class Story(World):
    """A world whose lives end when the script says so; the network can be away."""

    luck: Luck = field(default_factory=lambda: CALM)
    venue_name: str = "paper"  # newborn bots begin at once
    away: bool = False
    slow: dict[str, float] = field(default_factory=dict)  # how late answers of a path arrive
    dark: set[str] = field(default_factory=set)  # symbols about which nothing can be asked
    after_order: Callable[[], object] | None = None  # once the exchange has the next order
    script: list[tuple[float, Callable[[], object]]] = field(default_factory=list)
    vital_signs: list[tuple[float, str]] = field(default_factory=list)
    held: dict[str, Held] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.prices = dict(PRICES)
        self.move_market()

    def after(self, seconds: float, act: Callable[[], object]) -> None:
        self.script.append((self.now + seconds, act))

    def set_away(self) -> None:
        self.away = True
        if self.life is not None:
            self.life.user.lose()

    def set_back(self) -> None:
        self.away = False

    def move_market(self) -> None:
        super().move_market()
        now = self.clock() / 1000
        due = [act for at, act in self.script if at <= now]
        self.script = [entry for entry in self.script if entry[0] > now]
        for act in due:
            act()

    def live_for(self, seconds: float, cut: Cut = Cut.KILL) -> None:
        """Let the program run for a while, then lose it."""
        self.after(seconds, self._end)
        self.life = life = ScriptedLife(self)
        self.lives += 1
        gc.disable()
        try:
            life.run()
        except Crash:
            pass
        finally:
            if life.supervisor is not None:
                self.standings, self.held = life.supervisor.standings, dict(life.supervisor.held)
            self.now = life.loop.time()
            self.life, self.disk.on_call = None, None
            life.loop.abandon()
            gc.enable()
        self.script = [entry for entry in self.script if entry[1] != self._end]
        self.disk = self.disk.after(cut)

    def _end(self) -> None:
        self.disk.die()
        raise Crash

    # --- what the program says while it lives

    def hear(self, news: News) -> None:
        if not self.disk.dead:
            self.news.append(news)

    def ready(self) -> None:
        self.vital_signs.append((self.clock() / 1000, "READY"))

    def status(self, text: str) -> None:
        self.vital_signs.append((self.clock() / 1000, text))

    # --- what a person does

    def path(self, name: str) -> Path:
        return HOME / "ctx" / f"{name}.json"

    def rewrite(self, name: str, change: Callable[[dict[str, Any]], object]) -> None:
        """Save a changed generation, whole."""
        file = ContextFile.open(self.path(name), disk=self.disk)
        fields = orjson.loads(file.fields)
        change(fields)
        file.save(orjson.dumps(fields))
        file.close()

    def ask(self, method: str, path: str, **params: str) -> Any:
        """Ask the exchange by hand."""
        made = {**params, "timestamp": str(self.clock())}
        answer = self.exchange.answer(Request(method, f"/api/v3/{path}", made, ACCOUNT))
        assert answer.status == 200, answer.body
        return answer.body

    def cancel_all(self, symbol: str = "BTCUSDT") -> None:
        """Cancel every order by hand."""
        for order in self.ask("GET", "openOrders", symbol=symbol):
            self.ask("DELETE", "order", symbol=symbol, orderId=str(order["orderId"]))

    def place(self, client_order_id: str, symbol: str = "BTCUSDT", price: str = "30000") -> int:
        """Place a resting order by hand, or as another program."""
        placed = self.ask(
            "POST",
            "order",
            symbol=symbol,
            side="BUY",
            type="LIMIT",
            timeInForce="GTC",
            quantity="0.007",
            price=price,
            newClientOrderId=client_order_id,
        )
        return int(placed["orderId"])

    def shown(self, symbol: str = "BTCUSDT") -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.ask("GET", "allOrders", symbol=symbol, limit="1000")
        return found

    def open_now(self) -> list[str]:
        return [order["clientOrderId"] for order in self.ask("GET", "openOrders")]

    def told(self, *words: str, bot: str | None = None) -> list[str]:
        """What the person heard that holds all these words."""
        return [
            news.text
            for news in self.news
            if all(word in news.text for word in words) and bot in {None, news.bot}
        ]


class StoryWire(Wire):
    async def request(
        self, method: str, path: str, params: Mapping[str, str], *, signed: bool
    ) -> Reply:
        world = self._world
        assert isinstance(world, Story)
        if world.away or params.get("symbol") in world.dark:
            await asyncio.sleep(1)
            raise NotSent(f"{method} {path}: cannot connect")
        reply = await super().request(method, path, params, signed=signed)
        await asyncio.sleep(world.slow.get(path, 0))
        if method == "POST" and world.after_order is not None:
            act, world.after_order = world.after_order, None
            act()
        return reply


class PatientFeed(UserFeed):
    def _subscribe(self) -> None:
        world = self._life.world
        assert isinstance(world, Story)
        if world.away:
            self._life.loop.call_later(5, self._subscribe)
        else:
            super()._subscribe()


class ScriptedLife(Life):
    def __init__(self, world: Story) -> None:
        super().__init__(world)
        self.story = world
        self.user = PatientFeed(self)

    async def _run(self) -> None:
        story = self.story
        clock = ExchangeClock(boottime=lambda: int(self.loop.time() * 1000) - EPOCH // 2)
        self.supervisor = Supervisor(
            story_conf(story),
            Shelf.open(HOME / "ctx", disk=story.disk),
            BinanceVenue(
                story.venue_name, StoryWire(story), clock, user=self.user, market=self.market
            ),
            clock,
            tell=story.hear,
            vitals=story,
            disk=story.disk,
            limits=Limits(),
        )
        self._tick()
        await self.supervisor.run()


def story_conf(story: Story) -> RunnerConf:
    """Read conf.json, the long form."""
    sections = [{name: dict(section)} for name, section in story.bots.items()]
    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        file.write(orjson.dumps({**story.settings, "bots": sections}))
        file.flush()
        return read_conf(Path(file.name), find_bot=find_story_bot)


# --- isolation: P6

FAILURES = ["bug", "halt", "float", "order without a barrier", "unknown symbol"]
TROUBLES = [
    *FAILURES,
    "weather",
    "hang",
    pytest.param("talk", marks=pytest.mark.slow),
    pytest.param("save", marks=pytest.mark.slow),
]


@pytest.mark.parametrize("error", TROUBLES)
def test_a_bot_in_trouble_disturbs_no_other(error: str) -> None:
    story = Story(1, {"bad": bot("troubled", error=error), "good": bot("steady")})

    story.live_for(120)

    assert story.generation("good").context["done"] >= 10
    assert story.standings["good"] is Standing.RUNNING
    assert len(story.shown()) >= 10


@pytest.mark.parametrize("error", FAILURES)
def test_a_bot_that_fails_is_parked_with_its_reason_and_the_person_is_told(error: str) -> None:
    story = Story(2, {"bad": bot("troubled", error=error)})

    story.live_for(30)

    parked = story.generation("bad").parked
    assert parked is not None
    assert parked.reason
    assert parked.traceback
    assert [news for news in story.news if news.kind is Kind.PARKED and news.bot == "bad"]
    assert story.shown() == []


def test_a_bot_that_ends_while_its_order_rests_is_parked_and_names_it() -> None:
    story = Story(31, {"hasty": bot("hasty")})

    story.live_for(30)

    parked = story.generation("hasty").parked
    (resting,) = story.open_now()
    assert parked is not None
    assert resting in parked.reason
    assert story.standings["hasty"] is Standing.PARKED


def test_a_bot_that_calls_for_the_exit_disturbs_no_other() -> None:
    story = Story(30, {"bad": bot("troubled", error="exit"), "good": bot("steady")})

    story.live_for(60)

    assert story.generation("good").context["done"] >= 4


def test_a_machine_that_ends_by_a_cancellation_of_its_own_is_parked_and_told() -> None:
    story = Story(3, {"bad": bot("troubled", error="cancel"), "good": bot("steady")})

    story.live_for(60)

    assert story.generation("good").context["done"] >= 4
    assert story.standings["bad"] is Standing.PARKED
    assert story.told("see `bot bad`")


def test_a_bot_that_yields_without_end_and_without_change_lets_the_others_live() -> None:
    heard: list[int] = []

    async def flooding(desk: Desk, conf: Conf, ctx: Ctx) -> Machine[Ctx]:
        yield ctx
        asyncio.get_running_loop().call_soon(heard.append, 1)
        for _ in range(20_000):
            if heard:
                break
            yield ctx
        ctx.done = 1 if heard else 2
        yield ctx

    BOTS["flooding"] = BotKind(Conf, Ctx, flooding)
    story = Story(4, {"bad": bot("flooding")})

    story.live_for(10)

    assert story.generation("bad").context["done"] == 1


def test_weather_is_told_once_when_it_begins_and_once_when_it_ends() -> None:
    story = Story(5, {"bad": bot("troubled", error="weather")})

    story.live_for(600)

    assert len(story.told("it rains")) == 1


@pytest.mark.slow
def test_the_back_off_begins_anew_after_a_long_good_spell() -> None:
    began: list[int] = []

    async def moody(desk: Desk, conf: Conf, ctx: Ctx) -> Machine[Ctx]:
        began.append(desk.now())
        yield ctx
        await desk.until(began[-1] + 600_000)
        raise Unavailable("a cloud")

    BOTS["moody"] = BotKind(Conf, Ctx, moody)
    story = Story(6, {"bad": bot("moody")})

    story.live_for(4_500)

    gaps = [later - earlier for earlier, later in pairwise(began)]
    assert len(gaps) >= 6
    assert max(gaps) < 603_000


# --- every end is a crash: P8


@pytest.mark.parametrize("cut", list(Cut))
def test_a_parked_bot_stays_parked_through_every_kind_of_end(cut: Cut) -> None:
    story = Story(7, {"bad": bot("troubled", error="halt")})
    story.live_for(30, cut)
    first = story.generation("bad")

    for _ in range(3):
        story.live_for(60, cut)

    assert first.parked is not None
    assert story.generation("bad") == first
    assert story.standings == {"bad": Standing.PARKED}


@pytest.mark.parametrize("cut", list(Cut))
def test_a_finished_bot_stays_finished_through_every_kind_of_end(cut: Cut) -> None:
    story = Story(8, {"one": bot("brief")})
    story.live_for(30, cut)
    first = story.generation("one")

    for _ in range(3):
        story.live_for(60, cut)

    assert first.finished
    assert story.generation("one") == first
    assert story.standings == {"one": Standing.FINISHED}


@pytest.mark.slow
def test_a_bot_parks_durably_or_comes_back_as_it_was_whenever_the_power_fails() -> None:
    calm = Story(9, {"bad": bot("troubled", error="halt")})
    calm.live_for(30)
    length = calm.instants

    for instant in range(1, length + 1, 3):
        story = Story(9, {"bad": bot("troubled", error="halt")})
        story.cut_at = instant
        story.live_for(30, Cut.POWER)
        story.cut_at = None
        story.live_for(60, Cut.POWER)
        assert story.generation("bad").parked is not None, instant


# --- the disk: P1, P7


def test_no_request_leaves_when_the_intent_cannot_be_saved() -> None:
    story = Story(10, {"one": bot("steady")})
    story.after(25, lambda: setattr(story.disk, "refuses", errno.EIO))
    before: list[int] = []
    story.after(26, lambda: before.append(len(story.shown())))

    story.live_for(120)

    assert before[0] >= 2
    assert len(story.shown()) == before[0]
    assert story.standings == {"one": Standing.WAITING}
    assert len(story.told("cannot be saved: the disk fails", bot="one")) == 1


@pytest.mark.parametrize("sickness", [errno.EIO, errno.ENOSPC, errno.EROFS])
def test_a_bot_goes_on_by_itself_when_the_disk_is_well_again(sickness: int) -> None:
    story = Story(
        10, {"one": bot("steady"), "two": bot("steady", symbol="ETHUSDT", quantity="0.01")}
    )
    story.after(25, lambda: setattr(story.disk, "refuses", sickness))
    before: list[int] = []
    story.after(85, lambda: before.append(len(story.shown())))
    story.after(86, lambda: setattr(story.disk, "refuses", 0))

    story.live_for(240)

    assert len(story.shown()) > before[0] + 5
    assert story.standings == {"one": Standing.RUNNING, "two": Standing.RUNNING}
    assert len(story.told("saved; goes on", bot="one")) == 1
    story.check()


def test_a_flush_that_took_long_to_succeed_does_not_widen_the_time_to_send() -> None:
    story = Story(10, {"one": bot("steady", price="30000")})
    story.after(25, lambda: setattr(story.disk, "refuses", errno.EIO))
    story.after(325, lambda: setattr(story.disk, "refuses", 0))

    story.live_for(400)

    order = story.generation("one").context["order"]
    assert order["send_by"] - order["sent_at"] <= 10_000
    story.check()


def test_a_halt_met_while_the_disk_refuses_is_on_disk_once_it_does_not() -> None:
    story = Story(12, {"rich": bot("steady", price="30000", quantity="3", first_at="30s")})
    free: list[Decimal] = []

    def halt() -> None:
        assert story.life is not None
        assert story.life.supervisor is not None
        story.life.supervisor.lives["rich"].halt(Halt("a person must look"))

    def note() -> None:
        assert story.life is not None
        assert story.life.supervisor is not None
        free.append(story.life.supervisor.floor.funds.free("USDT"))

    story.after(20, lambda: setattr(story.disk, "refuses", errno.EIO))
    story.after(70, note)
    story.after(80, halt)
    story.after(90, note)
    story.after(100, lambda: setattr(story.disk, "refuses", 0))

    story.live_for(200, Cut.POWER)
    story.live_for(10)

    assert story.shown() == []
    assert free == [10_000, 100_000]
    assert story.standings == {"rich": Standing.PARKED}
    assert story.generation("rich").parked is not None


def test_a_disk_that_came_back_finds_the_bot_where_it_was_saved_last() -> None:
    story = Story(11, {"one": bot("steady")})
    story.after(25, lambda: setattr(story.disk, "refuses", errno.EIO))
    story.live_for(60, Cut.POWER)
    stopped = len(story.shown())

    story.live_for(60)

    assert len(story.shown()) > stopped
    assert story.generation("one").context["done"] == len(story.shown())
    story.check()


@pytest.mark.parametrize("price", [None, "30000"], ids=["market", "resting"])
@pytest.mark.parametrize("cut", list(Cut))
def test_an_order_accepted_while_the_disk_failed_is_found_again_and_not_repeated(
    price: str | None, cut: Cut
) -> None:
    story = Story(31, {"one": bot("steady", times=1, price=price)})
    story.after_order = lambda: setattr(story.disk, "refuses", errno.EIO)
    story.live_for(60, cut)
    assert story.standings == {"one": Standing.WAITING}

    story.live_for(120, cut)

    assert len(story.shown()) == 1
    story.check()


def test_a_full_disk_keeps_the_bots_trading_that_have_a_context() -> None:
    story = Story(13, {"one": bot("steady")})
    story.live_for(30)
    story.disk.full = True
    story.bots = {**story.bots, "two": bot("steady")}

    story.live_for(60)

    assert story.generation("one").context["done"] >= 6
    assert set(story.held) == {"two"}
    assert story.told("does not run", bot="two")


def test_a_bot_that_finds_no_room_is_born_in_the_same_life_once_there_is_room() -> None:
    story = Story(14, {"one": bot("steady")})
    story.live_for(30)
    story.bots = {"one": bot("steady"), "two": bot("steady", symbol="ETHUSDT", quantity="0.01")}
    story.disk.full = True
    story.after(60, lambda: setattr(story.disk, "full", False))

    story.live_for(150)

    assert len(story.told("does not run", "the disk is full", bot="two")) == 1
    assert story.standings == {"one": Standing.RUNNING, "two": Standing.RUNNING}
    assert story.held == {}
    assert story.shown("ETHUSDT")


def test_a_bot_that_found_no_room_is_born_once_there_is_room() -> None:
    story = Story(14, {"one": bot("steady")})
    story.live_for(30)
    story.bots = {"one": bot("steady"), "two": bot("steady", symbol="ETHUSDT", quantity="0.01")}
    story.disk.full = True
    story.live_for(30)
    story.disk.full = False

    story.live_for(30)

    assert story.standings == {"one": Standing.RUNNING, "two": Standing.RUNNING}
    assert story.shown("ETHUSDT")


# --- contexts of other versions


def test_a_context_of_a_later_version_is_refused_untouched() -> None:
    story = Story(15, {"one": bot("grown")})
    story.live_for(30)
    story.rewrite("one", lambda fields: fields.update(function="steady.bot"))
    story.bots = {"one": bot("steady")}
    before = story.disk.content(story.path("one"))

    story.live_for(30)

    assert story.disk.content(story.path("one")) == before
    assert story.told("version 2", bot="one")


# --- secrets: P10


def test_a_signature_in_a_bots_error_reaches_no_context_and_no_news() -> None:
    story = Story(16, {"bad": bot("troubled", error="secret")})

    story.live_for(30)

    assert story.standings == {"bad": Standing.PARKED}
    assert SIGNATURE.encode() not in story.disk.content(story.path("bad"))
    assert not story.told(SIGNATURE)


# --- while the exchange is away: P5 and P7


@pytest.mark.slow
def test_an_hour_without_the_exchange_changes_nothing_but_the_time() -> None:
    story = Story(17, {"one": bot("steady", every="60s")})
    story.after(150, story.set_away)
    story.after(150 + HOUR, story.set_back)

    story.live_for(HOUR + 600)

    assert story.standings == {"one": Standing.RUNNING}
    assert len(story.shown()) >= 10
    story.check()


@pytest.mark.slow
def test_the_person_hears_once_that_the_exchange_is_away_and_once_that_it_is_back() -> None:
    story = Story(18, {"one": bot("steady", every="60s")})
    story.after(150, story.set_away)
    story.after(150 + HOUR, story.set_back)

    story.live_for(HOUR + 600)

    weather = [news.text for news in story.news if news.kind is Kind.WEATHER]
    assert len(weather) <= 4, weather[:12]
    assert [text for text in weather if "back" in text]


@pytest.mark.slow
def test_no_new_order_leaves_while_the_account_could_not_be_polled() -> None:
    story = Story(19, {"one": bot("steady", every="20s")})
    broken = Fault(kind=FaultKind.REFUSE, status=503, body="<html>away</html>")
    count: list[int] = []
    story.after(60, lambda: story.plan.set([Rule(fault=broken, path="/api/v3/account")]))
    story.after(130, lambda: count.append(len(story.shown())))
    story.after(600, lambda: count.append(len(story.shown())))
    story.after(600, story.plan.clear)

    story.live_for(700)

    assert count[0] == count[1]
    assert len(story.shown()) > count[1]


def test_a_fill_missed_while_the_stream_was_lost_is_taken_over_when_it_is_back() -> None:
    story = Story(32, {"one": bot("steady", price="30000", times=1)}, settings={"poll": "10m"})

    def lose_and_fill() -> None:
        assert story.life is not None
        story.life.user.lose()
        story.prices["BTCUSDT"] = 29_000.0

    story.after(40, lose_and_fill)
    story.live_for(70)

    assert story.generation("one").context["done"] == 1
    weather = [news.text for news in story.news if news.kind is Kind.WEATHER]
    assert len(weather) == 2
    assert "lost" in weather[0]
    assert "back" in weather[1]


def test_a_second_runner_finds_the_folder_in_use() -> None:
    story = Story(33, {"one": bot("brief")})
    story.live_for(5)
    shelf = Shelf.open(HOME / "ctx", disk=story.disk)

    with pytest.raises(Busy):
        story.live_for(5)

    shelf.close()
