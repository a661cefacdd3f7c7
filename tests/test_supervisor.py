"""The start: contexts first, then the network, then whose account it is, then what rests there."""

from decimal import Decimal
from typing import Any

import pytest

from lib.context_file.slots import SLOT_UNIT
from lib.errors import BadCredentials
from lib.ids import make_id, parse_id
from lib.life import Standing
from lib.news import Kind
from lib.roster import twins
from lib.simulator.server.faults import Fault, FaultKind, Rule
from tests.disk import Cut
from tests.test_life import HOUR, SIGNATURE, Story, bot
from tests.world import Luck

RESTING = bot("steady", price="30000")
GOOD = bot("steady")
ETH = bot("steady", symbol="ETHUSDT", quantity="0.01")


def order_ids(story: Story, symbol: str = "BTCUSDT") -> list[str]:
    return [order["clientOrderId"] for order in story.shown(symbol)]


def edit_order(**changes: Any) -> Any:
    def change(fields: dict[str, Any]) -> None:
        fields["context"]["order"].update(changes)

    return change


# --- the network comes later


@pytest.mark.slow
def test_is_ready_without_the_exchange_and_trades_once_it_is_there() -> None:
    story = Story(1, {"good": GOOD}, away=True)
    story.after(2 * HOUR, story.set_back)

    story.live_for(2 * HOUR + 120)

    assert story.vital_signs[0][1] == "READY"
    assert any("no exchange" in news.text for news in story.news)
    assert all(text.isascii() for _, text in story.vital_signs)
    assert len(story.told("no exchange")) == 1
    assert story.generation("good").context["done"] >= 5


@pytest.mark.parametrize("path", ["time", "exchangeInfo", "account", "openOrders", "allOrders"])
def test_a_start_that_no_question_of_is_answered_for_a_minute_ends_in_trading(path: str) -> None:
    story = Story(2, {"good": GOOD})
    story.live_for(30)
    broken = Fault(kind=FaultKind.REFUSE, status=503, body="<html>away</html>")
    story.plan.set([Rule(fault=broken, path=f"/api/v3/{path}")])
    story.after(60, story.plan.clear)
    done = story.generation("good").context["done"]

    story.live_for(240)

    assert story.generation("good").context["done"] > done + 3


def test_a_lost_answer_to_the_question_after_a_reset_is_asked_again() -> None:
    story = Story(3, {"good": bot("steady", times=1)})
    story.live_for(30)
    story.now += 2 * HOUR
    lost = Fault(kind=FaultKind.LOSE_REQUEST)
    story.plan.set([Rule(fault=lost, method="GET", path="/api/v3/order", times=3)])

    story.live_for(60)

    assert story.standings == {"good": Standing.RUNNING}


# --- whose context, whose account


@pytest.mark.parametrize(
    ("field", "value"),
    [("venue", "demo"), ("account", "9"), ("installation", "ffffff"), ("bot", "another")],
)
def test_a_context_of_another_world_never_runs_and_stays_as_it_is(field: str, value: str) -> None:
    story = Story(4, {"one": bot("steady", first_at="1m"), "good": GOOD})
    story.live_for(30)
    story.rewrite("one", lambda fields: fields.update({field: value}))
    before = story.disk.content(story.path("one"))

    story.live_for(120)

    assert story.disk.content(story.path("one")) == before
    assert set(story.held) == {"one"}
    assert story.told("belongs to", value, bot="one")
    assert story.generation("good").context["done"] >= 10


def test_a_foreign_context_with_an_order_in_a_symbol_unknown_here_disturbs_no_other() -> None:
    story = Story(5, {"one": RESTING, "good": GOOD})
    story.live_for(30)
    story.rewrite("one", lambda fields: fields.update(venue="demo"))
    story.rewrite("one", edit_order(symbol="OLDUSDT"))
    story.cancel_all()
    done = story.generation("good").context["done"]

    story.live_for(120)

    assert story.generation("good").context["done"] > done + 5


def test_money_in_doubt_on_another_venue_is_not_missing_on_this_one() -> None:
    story = Story(6, {"one": bot("steady", price="30000", quantity="3")})
    story.live_for(30)
    story.rewrite("one", edit_order(state="in doubt", order_id=None))
    story.rewrite("one", lambda fields: fields.update(venue="demo"))
    story.cancel_all()
    story.bots = {"good": bot("steady", price="20000", quantity="4", times=1)}

    story.live_for(60)

    assert story.standings == {"good": Standing.RUNNING}


def test_an_account_that_may_not_trade_starts_no_bot() -> None:
    story = Story(7, {"good": GOOD})
    denied = '{"code":-2015,"msg":"Invalid API-key, IP, or permissions for action."}'
    refuse = Fault(kind=FaultKind.REFUSE, status=401, body=denied)
    story.plan.set([Rule(fault=refuse, path="/api/v3/account")])

    with pytest.raises(BadCredentials):
        story.live_for(60)


# --- files that are not as they should be


def rot(story: Story, name: str, *slots: int) -> None:
    size = len(story.disk.content(story.path(name))) // 2
    assert size % SLOT_UNIT == 0
    for slot in slots:
        story.disk.overwrite(story.path(name), b"rot" * 40, slot * size + 200)


def test_a_corrupt_context_holds_back_its_bot_alone_at_every_start() -> None:
    story = Story(8, {"one": RESTING, "good": GOOD})
    story.live_for(30)
    rot(story, "one", 0, 1)
    before = story.disk.content(story.path("one"))

    for _ in range(2):
        story.live_for(60)

    assert story.disk.content(story.path("one")) == before
    assert set(story.held) == {"one"}
    assert any("one.json.corrupt" in name for name in story.disk.names(story.path("one").parent))
    assert len(story.told("is ours, but no bot knows it")) == 2
    assert len(story.open_now()) == 1
    assert story.generation("good").context["done"] >= 10


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"[null,null]", b"\0" * 2 * SLOT_UNIT, b"[" + b"x" * 2 * SLOT_UNIT]
)
def test_a_file_that_is_no_context_holds_back_its_bot_alone(content: bytes) -> None:
    story = Story(9, {"one": GOOD, "good": ETH})
    story.live_for(1)
    story.disk.put(story.path("one"), content)
    before = len(story.shown())

    story.live_for(60)

    assert set(story.held) == {"one"}
    assert story.disk.content(story.path("one")) == content
    assert len(story.shown("ETHUSDT")) > 2
    assert len(story.shown()) == before


def test_an_order_written_by_a_later_version_holds_back_its_bot_alone() -> None:
    story = Story(10, {"one": RESTING, "good": GOOD})
    story.live_for(30)
    story.rewrite("one", edit_order(version=99))
    before = story.disk.content(story.path("one"))
    done = story.generation("good").context["done"]

    story.live_for(60)

    assert story.generation("good").context["done"] > done
    assert story.disk.content(story.path("one")) == before


def test_an_order_with_a_field_of_a_later_version_holds_back_its_bot_alone() -> None:
    story = Story(11, {"one": RESTING, "good": GOOD})
    story.live_for(30)
    story.rewrite("one", edit_order(iceberg="1"))
    done = story.generation("good").context["done"]

    story.live_for(60)

    assert story.generation("good").context["done"] > done


def test_an_order_archived_by_the_exchange_disturbs_no_other_bot() -> None:
    archived = '{"code":-2026,"msg":"Order was canceled or expired with no executed qty."}'
    story = Story(12, {"one": RESTING, "good": GOOD})
    story.live_for(30)
    story.cancel_all()
    story.bots = {"good": GOOD}
    refuse = Fault(kind=FaultKind.REFUSE, status=400, body=archived)
    story.plan.set([Rule(fault=refuse, method="GET", path="/api/v3/order")])
    done = story.generation("good").context["done"]

    story.live_for(60)

    assert story.generation("good").context["done"] > done + 2


def test_a_finished_bots_last_order_in_a_symbol_no_longer_traded_stops_nobody() -> None:
    story = Story(30, {"one": bot("brief"), "good": GOOD})
    story.live_for(30)
    last = ["OLDUSDT", 5, "gone", int(story.now * 1000)]
    story.rewrite("one", lambda fields: fields["memory"].update(newest_order=last))
    story.now += 2 * HOUR
    done = story.generation("good").context["done"]

    story.live_for(60)

    assert story.generation("good").context["done"] > done


# --- conf changes and restart


def test_a_broken_section_holds_back_its_bot_alone_and_names_what_rests() -> None:
    story = Story(13, {"one": RESTING, "good": GOOD})
    story.live_for(30)
    story.bots = {"one": {**RESTING, "prize": "1"}, "good": GOOD}
    done = story.generation("good").context["done"]

    story.live_for(60)

    assert set(story.held) == {"one"}
    assert len(story.told("prize", "leaves order", bot="one")) == 1
    assert len(story.open_now()) == 1
    assert story.generation("good").context["done"] > done


def test_what_is_wrong_with_a_section_is_told_once() -> None:
    story = Story(14, {"one": RESTING})
    story.live_for(30)
    story.bots = {"one": {**RESTING, "prize": "1"}}

    story.live_for(60)

    assert len(story.told("prize", bot="one")) == 1


def test_a_removed_bots_resting_order_is_named_and_left_alone() -> None:
    story = Story(15, {"one": RESTING, "good": GOOD})
    story.live_for(30)
    resting = story.open_now()
    before = story.disk.content(story.path("one"))
    story.bots = {"good": GOOD}

    story.live_for(120)

    assert story.open_now() == resting
    assert story.disk.content(story.path("one")) == before
    assert story.told("not in conf.json", "leaves order", bot="one")
    assert not story.told("no bot knows it")


def test_a_removed_bots_intent_in_doubt_still_counts_against_the_money() -> None:
    story = Story(16, {"one": bot("steady", price="30000", quantity="3", times=1)})
    story.live_for(30)
    story.cancel_all()
    story.rewrite("one", edit_order(state="in doubt", order_id=None, id="never-seen"))
    story.bots = {"good": bot("steady", price="20000", quantity="4", times=1)}

    story.live_for(60)

    assert story.standings == {"good": Standing.PARKED}
    assert story.told("needs 80000 USDT, free are 10000", bot="good")
    assert story.open_now() == []


def test_money_of_a_removed_bots_order_is_counted_once_when_the_exchange_shows_the_order() -> None:
    story = Story(17, {"one": bot("steady", price="30000", quantity="1.5", times=1)})
    story.live_for(30)
    story.rewrite("one", edit_order(state="in doubt", order_id=None))
    story.bots = {"good": bot("steady", price="20000", quantity="2", times=1)}

    story.live_for(60)

    assert story.standings == {"good": Standing.RUNNING}
    assert len(story.open_now()) == 2


def test_a_bot_put_back_resumes_where_it_was() -> None:
    story = Story(18, {"one": RESTING, "good": GOOD})
    story.live_for(30)
    birth, resting = story.generation("one").birth, story.open_now()
    story.bots = {"good": GOOD}
    story.live_for(30)
    story.bots = {"one": RESTING, "good": GOOD}

    story.live_for(60)

    assert story.generation("one").birth == birth
    assert story.open_now() == resting
    assert story.standings["one"] is Standing.RUNNING


def test_a_bot_put_back_learns_what_filled_while_it_was_removed() -> None:
    story = Story(31, {"one": {**RESTING, "times": 1}, "good": ETH})
    story.live_for(30)
    story.bots = {"good": ETH}
    story.after(30, lambda: story.prices.update(BTCUSDT=29_000.0))
    story.live_for(60)
    story.bots = {"one": {**RESTING, "times": 1}, "good": {**ETH, "times": 1}}

    story.live_for(60)

    assert story.generation("one").context["done"] == 1
    assert len(story.shown()) == 1
    story.check()


def test_a_new_bot_beside_running_ones_is_born_and_trades() -> None:
    story = Story(19, {"good": GOOD})
    story.live_for(30)
    story.bots = {"good": GOOD, "new": ETH}

    story.live_for(60)

    assert story.shown("ETHUSDT")
    story.check()


@pytest.mark.parametrize("change", [ETH, {**RESTING, "function": "steady_too"}])
def test_a_changed_symbol_or_function_is_refused_while_an_order_is_open(change: Any) -> None:
    story = Story(20, {"one": RESTING, "good": GOOD})
    story.live_for(30)
    resting, before = story.open_now(), story.disk.content(story.path("one"))
    story.bots = {"one": change, "good": GOOD}

    story.live_for(60)

    assert story.open_now() == resting
    assert story.disk.content(story.path("one")) == before
    assert story.told("was changed from", bot="one")
    assert set(story.held) == {"one"}


def test_a_changed_symbol_is_taken_when_nothing_is_held_or_open() -> None:
    story = Story(21, {"one": bot("steady", every="1m")})
    story.live_for(30)
    story.bots = {"one": {**ETH, "every": "1m"}}

    story.live_for(90)

    assert story.shown("ETHUSDT")


def test_another_function_with_another_context_disturbs_no_other_bot() -> None:
    buy = {"symbol": "ETHUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.01"}
    story = Story(22, {"one": bot("add_order", order=buy), "good": GOOD})
    story.live_for(30)
    assert story.standings["one"] is Standing.FINISHED
    story.bots = {"one": bot("brief"), "good": GOOD}
    done = story.generation("good").context["done"]

    story.live_for(60)

    assert story.generation("good").context["done"] > done


@pytest.mark.slow
def test_what_is_held_is_asked_of_the_bot_that_holds_it_when_the_function_changes() -> None:
    story = Story(23, {"one": bot("add_order", order={}), "good": GOOD})
    dip = bot(
        "dip_buyer",
        symbol="BTCUSDT",
        quantity="0.01",
        dip="0.0001",
        rebound="0.5",
        patience="10m",
    )
    story.bots = {"one": dip, "good": ETH}
    story.live_for(300)
    story.bots = {"one": bot("brief"), "good": ETH}
    done = story.generation("good").context["done"]

    story.live_for(60)

    assert story.generation("good").context["done"] > done
    assert set(story.held) == {"one"}


def test_names_whose_orders_could_not_be_told_apart_do_not_run_both() -> None:
    assert twins(["One", "two", "ONE"]) == [("ONE", "One")]


# --- orphans and strangers: P3


def test_an_open_order_of_our_tag_that_no_context_knows_is_told_once() -> None:
    story = Story(24, {"good": GOOD})
    story.live_for(30)
    installation = story.generation("good").installation
    orphan = make_id(installation=installation, bot="gone", birth=5, counter=3, leg="a")
    story.place(orphan)

    story.live_for(150)

    assert len(story.told(orphan)) == 1
    assert story.open_now() == [orphan]


def test_an_orphan_that_appears_while_the_program_runs_is_told_at_the_next_poll() -> None:
    story = Story(25, {"good": GOOD})
    story.live_for(30)
    installation = story.generation("good").installation
    orphan = make_id(installation=installation, bot="gone", birth=5, counter=3, leg="a")
    story.after(100, lambda: story.place(orphan))

    story.live_for(200)

    assert len(story.told(orphan)) == 1


def test_orders_of_others_are_neither_touched_nor_told() -> None:
    story = Story(26, {"good": GOOD})
    foreign = make_id(installation="0f0f0f", bot="good", birth=5, counter=3, leg="a")
    by_hand = ["web_1234567890", "x-HNA2TXFJ01", "android-abc"]
    for strange in [*by_hand, foreign]:
        story.place(strange, symbol="ETHUSDT", price="1500")

    story.live_for(300)

    assert story.open_now() == [*by_hand, foreign]
    assert not story.told("no bot knows it")
    assert story.generation("good").context["done"] >= 20


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_no_order_of_a_living_bot_is_ever_called_an_orphan(seed: int) -> None:
    bots = {f"b{i}": bot("steady", every="1s") for i in range(4)}
    luck = Luck(requests=6, events=3, stream_loss=40)
    story = Story(seed, bots, luck, settings={"poll": "1s"})

    story.live_for(900)

    assert not story.told("no bot knows it")


def test_an_order_that_closed_while_a_poll_was_under_way_is_no_orphan() -> None:
    story = Story(32, {"one": {**RESTING, "times": 1}}, settings={"poll": "1s"})
    story.after(20, lambda: story.slow.update({"/api/v3/openOrders": 5.0}))
    story.after(42, lambda: story.prices.update(BTCUSDT=29_000.0))
    story.after(60, story.slow.clear)

    story.live_for(120)

    assert story.generation("one").context["done"] == 1
    assert not story.told("no bot knows it")


# --- one bot's start holds up no other


def test_a_new_bot_that_cannot_be_searched_for_holds_up_no_other() -> None:
    story = Story(27, {"good": GOOD})
    story.live_for(30)
    story.dark = {"ETHUSDT"}
    story.bots = {"new": ETH, "good": GOOD}
    done = story.generation("good").context["done"]

    story.live_for(300)

    assert story.generation("good").context["done"] > done + 10


def test_a_bot_that_cannot_be_proven_current_holds_up_no_other() -> None:
    story = Story(28, {"one": ETH, "good": GOOD})
    story.live_for(30)
    story.dark = {"ETHUSDT"}
    done = story.generation("good").context["done"]

    story.live_for(150)

    assert story.generation("good").context["done"] > done + 10


# --- every kind of end


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_two_bots_go_on_as_if_nothing_had_happened_through_many_ends(seed: int) -> None:
    bots = {"one": bot("steady", every="3s"), "two": {**ETH, "every": "5s"}}
    story = Story(seed, bots, Luck(requests=8))

    for turn in range(25):
        story.live_for(story.chance.uniform(0.2, 60), list(Cut)[turn % 2])
        story.pass_time(story.chance.choice((0.5, 20.0, 90.0)))
    story.bots = {name: {**section, "times": 1} for name, section in bots.items()}
    story.live_for(400)

    story.check()
    done = [story.generation(name).context["done"] for name in ("one", "two")]
    assert done == [len(story.shown()), len(story.shown("ETHUSDT"))]


def test_no_news_and_no_file_hold_a_signature() -> None:
    story = Story(29, {"good": GOOD})

    story.live_for(30)

    texts = [news.text for news in story.news]
    assert not [text for text in texts if "signature" in text or SIGNATURE in text]
    assert b"signature" not in story.disk.content(story.path("good"))
    assert parse_id(order_ids(story)[0]) is not None
    assert [news.text for news in story.news if news.kind is Kind.PARKED] == []
    assert story.balances()["BTC"] > Decimal(2)
