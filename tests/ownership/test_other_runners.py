"""Who else runs this program on the account is named, never touched, and waited for if asked."""

import asyncio
from decimal import Decimal

import pytest

from lib.exchange import Limits, OrderRecord, OrderStatus
from lib.ids import OwnId, bot_tag, make_id
from lib.life import Standing
from lib.news import Kind
from lib.ownership.other_runners import QUIET_AFTER, OtherRunners
from lib.ownership.others_page import FILE, read_others
from tests.disk import HOME, Cut, SimulatedDisk
from tests.test_life import Story, bot
from tests.virtual_time import VirtualLoop

OURS, THEIRS = "3fa2c1", "0f0f0f"
BEGAN = 1_722_470_400_000
POLL = 30_000
LIMITS = Limits()
GOOD = bot("steady")
RESTING = bot("steady", price="30000")


class Street:
    """What one runner sees of its neighbours, and what the person hears of it."""

    def __init__(self, *, stops_bots: bool = False) -> None:
        self.told: list[str] = []
        self.changes = 0
        self.others = OtherRunners(OURS, self._tell, stops_bots=stops_bots)
        self.others.on_change = self._change
        self.others.is_ours = lambda own: own.bot == bot_tag("lisa")
        self.others.begin(BEGAN, LIMITS)

    def _tell(self, bot: str, kind: Kind, text: str) -> None:
        assert (bot, kind) == ("", Kind.WARNING)
        self.told.append(text)

    def _change(self) -> None:
        self.changes += 1


def record(
    made: int, place: str = THEIRS, *, name: str = "lisa", counter: int = 3, status: str = "NEW"
) -> OrderRecord:
    own = make_id(installation=place, bot=name, birth=5, counter=counter, leg="a")
    return OrderRecord(
        symbol="BTCUSDT",
        order_id=counter,
        client_order_id=own,
        side="BUY",
        type="LIMIT",
        status=OrderStatus(status),
        quantity=Decimal(1),
        created_at=made,
    )


# --- who is named


def test_a_runner_that_trades_beside_us_is_named_once_with_its_beginning() -> None:
    street = Street()

    for counter in range(5):
        street.others.on_record(record(BEGAN + 1_000 * counter + 1, counter=counter + 1))
        street.others.on_poll([], BEGAN + POLL * counter)

    (text,) = street.told
    assert "installation 0f0f0f" in text
    assert "trades on this account since 2024-08-01 00:00:00 UTC" in text


def test_each_other_runner_is_named() -> None:
    street = Street()

    for place in ("0f0f0f", "1e1e1e", "0f0f0f"):
        street.others.on_record(record(BEGAN + 1, place))

    assert len(street.told) == 2


@pytest.mark.parametrize("status", ["FILLED", "CANCELED", "NEW"])
def test_the_orders_of_a_time_before_us_prove_nobody_at_work(status: str) -> None:
    street = Street()

    street.others.on_record(record(BEGAN - 1, status=status))

    assert street.told == []


def test_what_is_heard_before_the_exchange_told_the_time_names_nobody() -> None:
    street = Street()
    street.others = OtherRunners(OURS, street._tell)

    street.others.on_record(record(BEGAN + 1))

    assert street.told == []


def test_orders_left_open_are_told_as_such_and_again_once_their_runner_trades() -> None:
    street = Street()

    for turn in range(3):
        street.others.on_poll([record(BEGAN - 90_000)], BEGAN + turn * POLL)
    street.others.on_record(record(BEGAN + POLL, counter=4))
    street.others.on_record(record(BEGAN + POLL + 1, counter=5))

    left, trades = street.told
    assert "has open orders on this account, made since 2024-07-31 23:58:30 UTC" in left
    assert "gone for good" in left
    assert "trades on this account since 2024-07-31 23:58:30 UTC" in trades


@pytest.mark.parametrize("name", ["web_1234567890", "", "a7" + "z" * 30])
def test_an_order_of_another_program_names_nobody(name: str) -> None:
    street = Street()
    foreign = record(BEGAN + 1)
    object.__setattr__(foreign, "client_order_id", name)

    street.others.on_record(foreign)
    street.others.on_poll([foreign], BEGAN + POLL)

    assert street.told == []


# --- a copy of our own ctx folder


def test_our_own_orders_name_nobody() -> None:
    street = Street()
    late = BEGAN + 10 * POLL

    street.others.on_record(record(late, OURS))
    street.others.on_poll([record(late, OURS)], late)

    assert street.told == []


def test_what_a_former_life_sent_may_be_accepted_for_some_seconds_after_we_began() -> None:
    street = Street()
    last = BEGAN + LIMITS.recv_window + LIMITS.engine_margin + LIMITS.slack

    street.others.on_poll([record(last, OURS, name="bart")], BEGAN + POLL)
    assert street.told == []
    street.others.on_poll([record(last + 1, OURS, name="bart")], BEGAN + POLL)

    (text,) = street.told
    assert "with a copy of this ctx folder" in text


# --- who must wait


def test_nobody_waits_unless_a_person_wants_that() -> None:
    street = Street()

    street.others.on_record(record(BEGAN + 1))

    assert not street.others.stopping
    assert "opens anything new" not in street.told[0]


def test_bots_go_on_once_the_other_was_quiet_for_ten_minutes_with_nothing_open() -> None:
    street = Street(stops_bots=True)
    open_order = record(BEGAN + 1)

    street.others.on_record(open_order)
    street.others.on_poll([open_order], BEGAN + 2 * QUIET_AFTER)
    waiting = street.others.stopping
    street.others.on_poll([], BEGAN + 2 * QUIET_AFTER)
    after = street.others.stopping
    street.others.on_record(record(BEGAN + 3 * QUIET_AFTER, counter=9))
    street.others.on_poll([], BEGAN + 3 * QUIET_AFTER)

    assert (waiting, after, street.others.stopping) == (True, False, True)
    assert "no bot opens anything new" in street.told[0]
    assert "bots open what they plan" in street.told[1]
    assert "at work again" in street.told[2]
    assert len(street.told) == street.changes == 3


def test_who_waits_goes_on_as_soon_as_waiting_is_over_for_another_reason() -> None:
    loop = VirtualLoop(BEGAN / 1000)
    street = Street(stops_bots=True)
    street.others.on_record(record(BEGAN + 1))
    until = loop.time() + 60

    async def wait() -> float:
        await street.others.gone(lambda: loop.time() >= until)
        return loop.time()

    ended = loop.run_until_complete(asyncio.wait_for(wait(), 600))

    loop.close()
    assert until <= ended < until + 10


# --- in the program


def theirs(story: Story, counter: int = 1, name: str = "good") -> str:
    return str(OwnId(THEIRS, bot_tag(name), 5, counter, "a"))


def running(seed: int, **settings: object) -> Story:
    return Story(seed, {"good": GOOD}, settings=settings)


@pytest.mark.slow
def test_orders_of_another_runner_are_named_never_touched_and_halt_nobody() -> None:
    story = running(1, orphans="cancel")
    story.place(theirs(story), symbol="ETHUSDT", price="1500")
    story.after(40, lambda: story.place(theirs(story, 2), symbol="ETHUSDT", price="1400"))

    story.live_for(300)

    assert story.open_now() == [theirs(story), theirs(story, 2)]
    assert len(story.told("has open orders on this account", THEIRS)) == 1
    assert len(story.told("trades on this account", THEIRS)) == 1
    assert story.standings == {"good": Standing.RUNNING}
    assert story.generation("good").context["done"] > 20


def test_a_market_order_that_only_an_event_shows_is_enough() -> None:
    story = running(2)

    def trade() -> None:
        story.ask(
            "POST",
            "order",
            symbol="ETHUSDT",
            side="BUY",
            type="MARKET",
            quantity="0.01",
            newClientOrderId=theirs(story),
        )

    story.after(45, trade)
    story.live_for(60)

    assert len(story.told("trades on this account", THEIRS)) == 1


@pytest.mark.slow
def test_what_a_removed_ctx_folder_did_yesterday_is_no_other_runner() -> None:
    story = running(3)
    story.live_for(60)
    before = story.generation("good").installation
    story.disk, story.seed = SimulatedDisk(33), 33
    story.bots = {"other": GOOD}
    story.pass_time(3_600)

    story.live_for(60)

    assert story.generation("other").installation != before
    assert not story.told("another runner")


@pytest.mark.slow
def test_status_is_told_of_others_and_a_new_life_begins_without_them() -> None:
    story = running(4)
    story.after(40, lambda: story.place(theirs(story), symbol="ETHUSDT", price="1500"))
    story.live_for(120, Cut.POWER)
    (seen,) = read_others(HOME / "ctx", disk=story.disk)
    story.cancel_all("ETHUSDT")

    story.live_for(60)

    assert (seen.installation, seen.at_work, seen.active) == (THEIRS, True, True)
    assert read_others(HOME / "ctx", disk=story.disk) == ()


def test_no_file_is_made_where_nobody_else_was_seen() -> None:
    story = running(5)

    story.live_for(60)

    assert FILE not in story.disk.listdir(HOME / "ctx")
    assert read_others(HOME / "ctx", disk=story.disk) == ()


@pytest.mark.slow
@pytest.mark.parametrize("setting", ["tell", "stop"])
def test_no_bot_buys_while_another_runner_is_at_work_if_a_person_wants_that(setting: str) -> None:
    story = running(6, other_runner=setting)
    story.after(60, lambda: story.place(theirs(story), symbol="ETHUSDT", price="1500"))
    story.after(300, lambda: story.cancel_all("ETHUSDT"))
    bought: list[int] = []
    for at in (70, 290, 1_200):
        story.after(at, lambda: bought.append(len(story.shown())))

    story.live_for(1_210)

    began, during, after = bought
    assert (during == began) is (setting == "stop")
    assert after > during + 10
    assert bool(story.told("bots open what they plan")) is (setting == "stop")


@pytest.mark.slow
def test_an_order_that_waited_too_long_for_another_runner_is_given_up() -> None:
    story = running(7, other_runner="stop")
    story.place(theirs(story), symbol="ETHUSDT", price="1500")

    story.live_for(3_700)

    assert story.shown() == []
    assert story.told("past its best-before", bot="good")
