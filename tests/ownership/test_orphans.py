"""An open order of ours that no context knows is canceled where a person wants that, and told."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
import pytest

import tests.world
from lib.atomic_json import atomic_save_json, read_generations
from lib.binance.transport import Reply
from lib.errors import DiskFailed
from lib.ids import OwnId, bot_tag, make_id
from lib.life import Standing
from lib.ownership.orphans import FILE, OPEN_FOR_MS, UNKNOWN_MAX, Canceler, Orphans
from lib.simulator.protocol import Request
from lib.simulator.server.faults import Fault, FaultKind, Rule, lose_reply
from tests.disk import HOME, Cut
from tests.edges import Wire
from tests.test_exactly_once import durable_files
from tests.test_life import Story, bot
from tests.world import ACCOUNT, CALM, OPEN, Luck, World, every_life, live, pairs_of_cuts

Patch = pytest.MonkeyPatch
CANCEL = {"orphans": "cancel"}
ROUGH = Luck(requests=2, events=3, stream_loss=60, query_lag_ms=2_000)
MARKET_BUY = {
    "function": "add_order",
    "order": {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.01"},
}
RESTING = bot("steady", price="30000")
GOOD = bot("steady")


# --- whenever the power fails


class ObservantWire(Wire):
    """Writes down every cancel that the medium does not know as it leaves."""

    async def request(
        self, method: str, path: str, params: Mapping[str, str], *, signed: bool
    ) -> Reply:
        world = self._world
        assert isinstance(world, OrphanWorld)
        if method == "DELETE":
            token = f'"{params["newClientOrderId"]}#'.encode()
            world.cancels.append(params["newClientOrderId"])
            if token not in b"".join(durable_files(world.disk.root)):
                world.unannounced.append(params["newClientOrderId"])
        return await super().request(method, path, params, signed=signed)


@dataclass
class OrphanWorld(World):
    """Two orders were left behind by bots that are gone; it rests once they are gone as well."""

    settings: Mapping[str, Any] = field(default_factory=lambda: CANCEL)
    cancels: list[str] = field(default_factory=list)
    unannounced: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)

    def leave_orphans(self) -> None:
        """Live once, then leave two orders behind, and stay away for a while."""
        rules, self.plan._rules = self.plan._rules, []
        assert self.live()
        self.disk = self.disk.after(Cut.KILL)
        installation = self.generation("one").installation
        self.left = [
            make_id(installation=installation, bot=name, birth=5, counter=3, leg="a")
            for name in ("gone", "one")
        ]
        for client_order_id in self.left:
            self._place(client_order_id)
        self.pass_time(2 * OPEN_FOR_MS / 1000)
        self.plan._rules = rules

    def _place(self, client_order_id: str) -> None:
        params = {
            "symbol": "BTCUSDT",
            "side": "BUY",
            "type": "LIMIT",
            "timeInForce": "GTC",
            "quantity": "0.01",
            "price": "30000",
            "newClientOrderId": client_order_id,
            "timestamp": str(self.clock()),
        }
        answer = self.exchange.answer(Request("POST", "/api/v3/order", params, ACCOUNT))
        assert answer.status == 200, answer.body

    @property
    def journaled(self) -> bool:
        """Say whether no order was left, and none is waited for."""
        if not self.left or not super().journaled:
            return not self.left and super().journaled
        try:
            fields = read_generations(HOME / "ctx" / FILE, disk=self.disk)
        except FileNotFoundError:
            return False
        placed = self.books.orders["BTCUSDT"].values()
        return not fields["waiting"] and not any(order.status in OPEN for order in placed)


def abandoned(seed: int, luck: Luck = CALM, *rules: Rule) -> Callable[[], OrphanWorld]:
    def make() -> OrphanWorld:
        world = OrphanWorld(seed, {"one": MARKET_BUY}, luck)
        if rules:
            world.plan.set(rules)
        world.leave_orphans()
        return world

    return make


@pytest.fixture
def _observed(monkeypatch: Patch) -> None:
    monkeypatch.setattr(tests.world, "Wire", ObservantWire)


def verify(world: OrphanWorld) -> None:
    world.check()
    assert world.cancels
    assert world.unannounced == []
    assert len(set(world.cancels)) == len(world.cancels), "the id of a cancel was used twice"
    ended = {order["clientOrderId"]: order["status"] for order in world.orders()}
    assert [ended[left] for left in world.left] == ["CANCELED", "CANCELED"]
    assert set(world.standings.values()) == {Standing.FINISHED}
    for left in world.left:
        assert any(left in news.text for news in world.news)


@pytest.mark.slow
@pytest.mark.usefixtures("_observed")
def test_orphans_are_canceled_by_announced_cancels_whenever_the_power_fails() -> None:
    for world in every_life(abandoned(1)):
        verify(world)


@pytest.mark.slow
@pytest.mark.usefixtures("_observed")
@pytest.mark.parametrize("seed", range(2))
def test_orphans_are_canceled_in_bad_weather_and_after_two_cuts(seed: int) -> None:
    for world in pairs_of_cuts(abandoned(seed, ROUGH), seed, many=12):
        verify(world)


@pytest.mark.usefixtures("_observed")
@pytest.mark.parametrize(
    "fault",
    [
        lose_reply(3_000),
        Fault(kind=FaultKind.LOSE_REQUEST, delay_ms=3_000),
        Fault(kind=FaultKind.DELAY_REQUEST, delay_ms=2_500),
        Fault(kind=FaultKind.DELAY_REQUEST, delay_ms=30_000),
        Fault(kind=FaultKind.REFUSE, status=503, body="<html>Unavailable</html>"),
        Fault(kind=FaultKind.REFUSE, status=400, body='{"code":-2011,"msg":"Not now."}'),
    ],
    ids=lambda fault: f"{fault.kind} {fault.delay_ms}",
)
def test_orphans_are_canceled_whatever_becomes_of_the_first_cancels(fault: Fault) -> None:
    verify(live(abandoned(3, CALM, Rule(fault=fault, method="DELETE", times=2))()))


def nothing_is_saved_before_a_cancel_leaves(patch: Patch) -> None:
    async def save(canceler: Canceler, ctx: Orphans) -> None:
        if canceler._file is None:
            await real(canceler, ctx.model_copy(update={"waiting": []}))

    real = Canceler._save
    patch.setattr(Canceler, "_save", save)
    patch.setattr("lib.ownership.orphans.intent_token", lambda *_: "waiting")


@pytest.mark.usefixtures("_observed")
def test_a_cancel_that_is_not_saved_first_is_caught(monkeypatch: Patch) -> None:
    nothing_is_saved_before_a_cancel_leaves(monkeypatch)

    world = live(abandoned(1)())

    assert world.unannounced
    with pytest.raises(AssertionError):
        verify(world)


# --- which orders are orphans


def own(
    story: Story, name: str = "gone", *, birth: int = 5, counter: int = 3, place: str = ""
) -> str:
    installation = place or story.generation("good").installation
    return str(OwnId(installation, bot_tag(name), birth, counter, "a"))


def begun(seed: int, **settings: Any) -> Story:
    story = Story(seed, {"good": GOOD}, settings=settings or CANCEL)
    story.live_for(30)
    return story


def test_only_a_person_who_says_so_has_orphans_canceled() -> None:
    story = begun(10, orphans="tell")
    orphan = own(story)
    story.place(orphan)

    story.live_for(300)

    assert story.open_now() == [orphan]
    assert len(story.told(orphan)) == 1
    assert FILE not in story.disk.listdir(HOME / "ctx")


def test_an_orphan_is_left_alone_for_a_minute_then_canceled_and_told_with_its_end() -> None:
    story = begun(11)
    orphan = own(story)
    story.place(orphan)

    story.live_for(50)
    young = story.open_now()
    story.live_for(120)

    assert young == [orphan]
    assert story.open_now() == []
    assert len(story.told(orphan, "is being canceled")) == 1
    assert len(story.told("canceled, 0 of 0.007 executed")) == 1


def test_orders_of_others_are_not_touched() -> None:
    story = begun(12)
    strangers = ["web_1234567890", own(story, place="0f0f0f"), own(story, "good", place="0f0f0f")]
    for strange in strangers:
        story.place(strange, symbol="ETHUSDT", price="1500")

    story.live_for(300)

    assert story.open_now() == strangers
    assert not story.told("is being canceled")


def test_an_order_of_an_earlier_life_of_a_bot_is_an_orphan_and_one_of_this_life_is_told() -> None:
    story = begun(13)
    good = story.generation("good")
    given = good.memory.ids_given + 7
    story.rewrite("good", lambda fields: fields["memory"].update(ids_given=given))
    earlier = own(story, "good")
    present = own(story, "good", birth=good.birth, counter=given)
    story.place(earlier)
    story.place(present)

    story.live_for(200)

    assert story.open_now() == [present]
    assert len(story.told(present, "no bot knows it")) == 1
    assert story.generation("good").context["done"] > 5


def test_an_order_of_a_later_life_is_for_a_person_to_judge() -> None:
    story = begun(14)
    later = own(story, "good", birth=story.generation("good").birth + 1)
    story.place(later)

    story.live_for(200)

    assert story.open_now() == [later]
    parked = story.generation("good").parked
    assert parked is not None
    assert "later life" in parked.reason


@pytest.mark.parametrize("how", ["parked", "removed", "held"])
def test_the_orders_of_bots_that_do_not_run_are_no_orphans(how: str) -> None:
    story = Story(15, {"good": GOOD, "one": RESTING}, settings=CANCEL)
    story.live_for(30)
    resting = story.open_now()
    if how == "parked":
        reason = {"kind": "Halt", "reason": "look", "at": 1}
        story.rewrite("one", lambda fields: fields.update(parked=reason))
    elif how == "held":
        story.rewrite("one", lambda fields: fields.update(memory=7))
    if how != "parked":
        story.bots = {"good": GOOD} if how == "removed" else story.bots

    story.live_for(300)

    assert len(resting) == 1
    assert story.open_now() == resting


def test_an_id_that_was_given_up_is_for_a_person_to_judge() -> None:
    story = begun(16)
    given_up = own(story, "good")
    former = {"id": given_up, "symbol": "BTCUSDT", "since": 1, "healthy_ms": 0}
    story.rewrite("good", lambda fields: fields["memory"].update(former=[former]))
    story.place(given_up)

    story.live_for(200)

    assert story.open_now() == [given_up]


def test_a_file_that_cannot_be_read_has_orphans_told_and_disturbs_no_bot() -> None:
    story = begun(17)
    first, second = own(story), own(story, "gone_too")
    story.place(first)
    story.live_for(150)
    path = HOME / "ctx" / FILE
    content = story.disk.content(path)
    spoil(story, bytes(len(content)))
    story.place(second)

    story.live_for(200)

    assert story.open_now() == [second]
    assert len(story.told(second, "no bot knows it")) == 1
    assert story.told("orphans are told only", "CorruptContext")
    assert story.generation("good").context["done"] > 20
    assert story.disk.content(path) == bytes(len(content))


def spoil(story: Story, content: bytes) -> None:
    """Overwrite the file, durably."""
    fd = story.disk.open(HOME / "ctx" / FILE, os.O_RDWR)
    story.disk.pwrite(fd, content, 0)
    story.disk.fsync(fd)
    story.disk.close(fd)


def test_a_disk_that_refuses_the_intent_lets_no_cancel_leave(monkeypatch: Patch) -> None:
    story = begun(18)
    orphan = own(story)
    story.place(orphan)

    async def refuse(canceler: Canceler, ctx: Orphans) -> None:
        raise DiskFailed("the disk is gone")

    monkeypatch.setattr(Canceler, "_save", refuse)
    story.live_for(200)

    assert story.open_now() == [orphan]
    assert story.told("orphans are told only", "the disk is gone")
    assert story.generation("good").context["done"] > 5


def test_what_another_account_left_in_the_file_is_not_canceled_here() -> None:
    story = begun(19)
    orphan = own(story)
    story.place(orphan)
    story.live_for(150, Cut.POWER)
    path = HOME / "ctx" / FILE
    before = orjson.loads(orjson.dumps(read_generations(path, disk=story.disk)))
    second = own(story, "gone_too")
    story.place(second)
    story.venue_name = "testnet"
    story.rewrite("good", lambda fields: fields.update(venue="testnet"))

    story.live_for(150)

    after = read_generations(path, disk=story.disk)
    assert (before["venue"], after["venue"]) == ("paper", "testnet")
    assert after["birth"] > before["birth"]
    assert story.open_now() == []


def test_an_order_made_while_we_ran_is_no_orphan_of_ours_but_that_of_a_copy_of_our_folder() -> None:
    story = begun(20)
    late = own(story)
    story.after(60, lambda: story.place(late))

    story.live_for(300)

    assert story.open_now() == [late]
    assert not story.told("is being canceled")
    assert len(story.told("another runner", "with a copy of this ctx folder")) == 1


def waiting_for(story: Story, orphan: str, order_id: int, age_ms: int) -> None:
    """Leave the intent of a cancel behind, as if its end had not been seen."""
    cancel_id = own(story, "canceler", counter=9)
    send_by = story.clock() - age_ms
    waiting = {
        "symbol": "BTCUSDT",
        "order_id": order_id,
        "client_order_id": orphan,
        "cancel_id": cancel_id,
        "send_by": send_by,
        "token": f"{cancel_id}#{send_by}",
    }
    ctx = {"venue": "paper", "account": "4711", "birth": 5, "ids_given": 9, "waiting": [waiting]}
    atomic_save_json(ctx, HOME / "ctx" / FILE, disk=story.disk)


@pytest.mark.parametrize(("age", "waits"), [(60_000, True), (2 * UNKNOWN_MAX, False)])
def test_an_order_that_the_exchange_knows_no_longer_is_forgotten_after_an_hour(
    age: int, waits: bool
) -> None:
    story = begun(21)
    waiting_for(story, own(story), 987_654, age)

    story.live_for(120)

    left = read_generations(HOME / "ctx" / FILE, disk=story.disk)["waiting"]
    assert bool(left) is waits
    assert bool(story.told("order 987654 is unknown")) is not waits


def test_the_order_of_another_under_the_same_order_id_is_not_taken_for_the_end_of_ours() -> None:
    story = begun(22)
    stranger = story.place("web_1")
    story.cancel_all()
    waiting_for(story, own(story), stranger, 60_000)

    story.live_for(120)

    assert read_generations(HOME / "ctx" / FILE, disk=story.disk)["waiting"]
    assert not story.told(f"order {stranger}: canceled")
