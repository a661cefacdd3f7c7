"""What `reload` takes over, what it refuses, and what it says of either."""

import asyncio
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from lib.control.office import Verb
from lib.control.reload_words import PARTLY, SAME, TAKEN, UNCHANGED
from lib.control.request import Removed, Request
from lib.instructions import RESTING, Instructions
from lib.life import Standing
from lib.mistakes import ConfError, Mistake
from lib.news import Kind
from lib.simulator.server.faults import Fault, FaultKind, Rule
from tests.control.folder import ROOT
from tests.reloaded_world import Bots, Edited, ReloadedLife, ReloadedWorld
from tests.swinging import swing, with_small_bots
from tests.told_world import Said, ToldWorld
from tests.world import CALM, PRICES, every_life, live

DIPS = {
    "function": "dip_buyer",
    "symbol": "BTCUSDT",
    "quantity": "0.01",
    "dip": "0.002",
    "rebound": "0.002",
    "stop": "0.01",
    "patience": "60s",
    "laps": 2,
}
ETHER = {**DIPS, "symbol": "ETHUSDT", "quantity": "0.1"}
ONE: Bots = {"dips": DIPS}
OTHER: Bots = {"ether": ETHER}
BOTH: Bots = {"dips": DIPS, "ether": ETHER}
DEAD: Bots = {"dips": {**DIPS, "symbol": "DEADUSDT"}}
CANCEL = Removed.CANCEL

Deeds = list[tuple[float, Callable[[ToldWorld], object]]]


@pytest.fixture(autouse=True)
def _small_bots(monkeypatch: pytest.MonkeyPatch) -> None:
    with_small_bots(monkeypatch)


def edit(after: float, conf: Bots | None = None, removed: Removed = Removed.KEEP) -> Edited:
    return Edited(after, Verb.RELOAD, conf=conf, removed=removed)


def world_of(*said: Said, bots: Bots = ONE, deeds: Deeds | None = None) -> ReloadedWorld:
    """Make a world whose bot is born at 20 s, has a buy open from 21 to 29 s, sells at 99 s."""
    return ReloadedWorld(1, bots, CALM, said=said, shape=swing(0.01, 120), deeds=deeds or [])


def lived(*said: Said, **more: Any) -> ReloadedWorld:
    world = live(world_of(*said, **more))
    world.check()
    return world


def only(world: ReloadedWorld, number: int = 0) -> str:
    """Answer the one line below the first of an answer."""
    first, line = world.answer(number).split("\n")
    assert first in {f"{TAKEN}:", f"{PARTLY}:"}
    return line


def office_life(world: ToldWorld) -> ReloadedLife:
    assert isinstance(world.life, ReloadedLife)
    return world.life


# --- nothing changes


def test_the_same_conf_changes_nothing_and_says_so() -> None:
    world = lived(edit(60))

    assert world.answer(0) == SAME
    assert world.signs == ["RELOADING", "READY"]
    assert len(world.orders()) == 4


def test_a_conf_that_cannot_be_read_changes_nothing_and_names_every_mistake() -> None:
    world = world_of(edit(60, {"dips": {**DIPS, "laps": 1}}))
    world.unreadable = ConfError([Mistake("conf.json", n, 1, "", "", f"no {n}") for n in (1, 2)])

    live(world)

    assert world.answer(0) == f"{UNCHANGED}:\nconf.json:1:1: no 1\nconf.json:2:1: no 2"
    assert len(world.orders()) == 4
    assert world.signs == ["RELOADING", "READY"]
    warnings = [news.text for news in world.news if news.kind is Kind.WARNING]
    assert warnings == [f"conf.json was read again (by a person): {world.answer(0)}"]


def test_a_bot_that_would_not_run_keeps_everything_as_it_was() -> None:
    world = lived(edit(60, {"dips": {**DIPS, "symbol": "DEAD", "laps": 1}}))

    stop = "    does not run: the venue does not trade DEAD"
    assert world.answer(0) == f"{UNCHANGED}:\ndips\n{stop}"
    assert len(world.orders()) == 4


def test_before_the_exchange_is_reached_nothing_changes() -> None:
    world = world_of(edit(1, {"dips": {**DIPS, "laps": 1}}), edit(35))
    away = Fault(kind=FaultKind.REFUSE, status=503, body="<html>away</html>")
    world.plan.set([Rule(fault=away, path="/api/v3/account")])
    world.waiting = [(30.0, lambda world: world.plan.clear())]

    live(world)

    assert world.answer(0).startswith(f"{UNCHANGED}: the exchange was not reached yet")
    assert only(world, 1).startswith("dips: laps: 2 → 1")
    assert world.generation("dips").context["lap"] == 2


def test_two_reloads_at_once_are_done_one_after_the_other() -> None:
    asked: list[asyncio.Task[str]] = []

    def ask_twice(world: ToldWorld) -> None:
        life, world.bots = office_life(world), BOTH
        requests = [Request(name, Verb.RELOAD, (), "others", 1) for name in ("a", "b")]
        asked.extend(life.loop.create_task(life.office.obey(request)) for request in requests)

    world = world_of(Said(500, Verb.PAUSE), deeds=[(60.0, ask_twice)])
    world.all_bots, world.prices = dict.fromkeys(BOTH), dict(PRICES)
    live(world)

    assert asked[0].result().startswith(f"{TAKEN}:\nether: new")
    assert asked[1].result() == SAME
    assert set(world.standings.values()) == {Standing.FINISHED}


# --- a bot changes


def test_changed_parameters_count_from_the_next_lap() -> None:
    world = lived(edit(60, {"dips": {**DIPS, "laps": 1, "rebound": "0.02"}}))

    assert only(world) == (
        'dips: laps: 2 → 1, rebound: "0.002" → "0.02"; counts from the next lap; the one that is '
        "running ends as it began"
    )
    assert [order["side"] for order in world.orders()] == ["BUY", "SELL"]
    assert world.orders()[1]["price"] == "60840.30000000"
    assert world.generation("dips").conf["rebound"] == "0.02"


def test_a_budget_counts_at_once() -> None:
    budgets: list[Any] = []

    def look(world: ToldWorld) -> None:
        supervisor = office_life(world).supervisor
        assert supervisor is not None
        budgets.append(supervisor.floor.wallets.of("dips").budget)

    deeds: Deeds = [(50.0, look), (65.0, look)]
    world = lived(edit(60, {"dips": {**DIPS, "budget": 900}}), deeds=deeds)

    assert only(world) == 'dips: budget: nothing → "900"; counts from now on'
    assert budgets == [None, {"USDT": Decimal(900)}]


def test_another_symbol_is_refused_while_something_is_held_and_taken_once_nothing_is() -> None:
    world = lived(edit(60, {"dips": ETHER}), edit(500))

    assert world.answer(0).startswith(f"{PARTLY}:")
    assert only(world, 0).startswith(
        "dips: goes on as it was: its symbol was changed from BTCUSDT to ETHUSDT while it has 1 "
    )
    assert "changes count once `afresh` lets it begin anew" in only(world, 1)
    assert {order["symbol"] for order in world.orders()} == {"BTCUSDT"}


def test_another_function_is_refused_while_the_bot_lives() -> None:
    ladder = {"function": "ladder", "symbol": "BTCUSDT", "quantity": "0.01", "step": "0.001"}
    world = lived(edit(60, {"dips": {**ladder, "rungs": 3, "fills": 2}}))

    assert "its function was changed from dip_buyer.bot to ladder.bot" in only(world)
    assert world.generation("dips").function == "dip_buyer.bot"
    assert world.standings == {"dips": Standing.FINISHED}


def test_a_parked_bot_stays_parked_and_goes_on_with_the_new_conf_when_it_is_released() -> None:
    world = lived(
        edit(70, {"dips": {**DIPS, "laps": 3}}),
        Said(80, Verb.RELEASE),
        deeds=[(60, ToldWorld.cancel_sells)],
    )

    assert only(world).endswith("; it had stopped itself: `release` lets it go on")
    assert world.generation("dips").memory.releases == 1


def test_a_bot_that_is_paused_stays_so_with_the_new_conf() -> None:
    world = lived(
        Said(60, Verb.PAUSE), edit(65, {"dips": {**DIPS, "laps": 3}}), Said(300, Verb.RESUME)
    )

    assert only(world, 1).endswith("; it is paused by you")
    assert world.answer(2) == "dips: goes on"
    came = world.orders_between(world.answered_at(0), world.answered_at(2))
    assert [order for order in came if order.is_entry] == []
    assert world.generation("dips").context["lap"] == 4


def test_a_bot_that_is_being_flattened_is_flattened_to_its_end() -> None:
    world = lived(Said(60, Verb.FLATTEN), edit(60.01, {"dips": {**DIPS, "laps": 3}}))

    assert "changes count once `start` lets it begin anew" in only(world, 1)
    assert world.standings == {"dips": Standing.IDLE}
    assert world.held("dips") == {}


def test_a_bot_that_is_not_born_yet_is_born_with_the_new_conf() -> None:
    world = lived(edit(10, {"dips": {**DIPS, "laps": 1}}))

    assert only(world).startswith("dips: laps: 2 → 1; new; it begins once")
    assert len(world.orders()) == 2


def test_nothing_of_a_resting_bot_leaves_and_nobody_else_waits() -> None:
    instructions = Instructions()

    with instructions.resting("dips"):
        assert [instructions.why_not("dips", entry=entry) for entry in (True, False)] == [
            RESTING,
            RESTING,
        ]
        assert instructions.forbids("dips")
        assert not instructions.forbids("ether")
    assert not instructions.forbids("dips")


@pytest.mark.slow
def test_a_reload_while_orders_are_on_their_way_leaves_none_in_doubt() -> None:
    for cue in range(45, 100):
        said = Edited(cue, Verb.RELOAD, on_cue=True, conf={"dips": {**DIPS, "patience": "50s"}})
        world = lived(said)

        assert only(world).startswith("dips: patience: 60000 → 50000")
        assert [news.text for news in world.news if news.kind is Kind.DOUBT] == []


# --- a bot comes


def test_a_new_bot_begins_while_the_others_trade_on() -> None:
    world = lived(edit(60, BOTH))

    assert only(world) == (
        "ether: new; it begins once it is known that the exchange has nothing of it"
    )
    assert set(world.standings.values()) == {Standing.FINISHED}
    assert {order["symbol"] for order in world.orders()} == {"BTCUSDT", "ETHUSDT"}


def test_a_bot_that_comes_while_all_are_killed_waits_for_the_unkill() -> None:
    world = lived(Said(40, Verb.KILL), edit(60, BOTH), Said(200, Verb.UNKILL))

    assert world.answer(1).endswith("\nall bots are killed until `unkill`")
    assert world.orders_between(world.answered_at(0), world.answered_at(2)) == []
    assert set(world.standings.values()) == {Standing.FINISHED}


# --- a bot goes


def test_a_bot_that_is_taken_out_leaves_its_orders_and_finds_them_when_it_is_back() -> None:
    world = lived(edit(60, OTHER), edit(150, BOTH))  # its sale is filled at 99 s

    assert world.answer(0) == (
        f"{TAKEN}:\nether: new; it begins once it is known that the exchange has nothing of it\n"
        "dips: taken out; rests at the exchange, to be found when it is back: "
        "SELL 0.00999 BTCUSDT at 60840.3; it keeps 0.00999 of BTCUSDT"
    )
    assert only(world, 1) == "dips: is back"
    assert len([order for order in world.orders() if order["symbol"] == "BTCUSDT"]) == 4
    assert set(world.standings.values()) == {Standing.FINISHED}


def test_a_bot_that_is_taken_out_sends_nothing_more() -> None:
    world = live(world_of(edit(25, OTHER), edit(400, BOTH)))

    came = world.orders_between(world.answered_at(0), world.answered_at(1))
    assert {order.bot for order in came} == {"ether"}
    assert [news.text for news in world.news if news.kind is Kind.WEATHER] == []
    world.check()


def test_everything_of_a_bot_is_canceled_and_its_coins_stay() -> None:
    world = lived(edit(60, OTHER, CANCEL))

    assert "dips: taken out; being canceled, and nothing sold: SELL 0.00999" in world.answer(0)
    assert world.locked() == {}
    assert world.held("dips") == {"BTCUSDT": Decimal("0.00999")}
    told = [news.text for news in world.news if news.kind is Kind.RESULT and news.bot == "dips"]
    assert told[-1].endswith("nothing was sold; it keeps 0.00999 BTC, which nothing protects")


def test_a_kill_does_not_keep_the_orders_of_a_bot_that_goes() -> None:
    world = lived(Said(50, Verb.KILL), edit(60, OTHER, CANCEL), Said(300, Verb.UNKILL))

    assert world.locked() == {}
    assert world.held("dips") == {"BTCUSDT": Decimal("0.00999")}


def test_orders_that_were_kept_at_first_are_canceled_when_that_is_wanted_later() -> None:
    world = lived(edit(60, OTHER), edit(80, removed=CANCEL), edit(85, removed=CANCEL))

    assert only(world, 1).startswith("dips: taken out; being canceled, and nothing sold: SELL")
    assert world.answer(2) == SAME
    assert world.locked() == {}


def test_a_bot_whose_orders_were_canceled_begins_anew_when_it_is_told_to() -> None:
    world = lived(edit(60, OTHER, CANCEL), edit(150, BOTH), Said(160, Verb.START, ("dips",)))

    assert only(world, 1).startswith("dips: is back; its orders were canceled as it was taken out")
    assert world.answer(2) == "dips: begins anew, its results are kept"
    assert set(world.standings.values()) == {Standing.FINISHED}
    assert len([order for order in world.orders() if order["symbol"] == "BTCUSDT"]) > 2


def test_a_bot_whose_orders_were_canceled_sells_what_it_kept_when_it_is_told_to() -> None:
    world = lived(edit(60, OTHER, CANCEL), edit(150, BOTH), Said(160, Verb.FLATTEN, ("dips",)))

    assert world.answer(2) == "dips: it is being flattened: everything is canceled and sold"
    assert world.held("dips") == {}
    assert world.standings["dips"] is Standing.IDLE


def test_a_bot_that_is_taken_out_while_it_is_flattened_is_sold_all_the_same() -> None:
    world = lived(Said(60, Verb.FLATTEN), edit(60.01, OTHER))

    assert "dips: taken out; what was begun is ended first" in world.answer(1)
    assert world.held("dips") == {}
    assert world.living == {"ether"}


@pytest.mark.slow
def test_what_is_being_flattened_is_sold_after_a_power_cut_though_conf_has_it_no_more() -> None:
    for world in every_life(
        lambda: world_of(Said(60, Verb.FLATTEN), edit(60.01, OTHER), edit(300)), stride=5
    ):
        world.check()
        told = world.answer(0)
        if world.is_born("dips") and "flattened" in told and "not born" not in told:
            assert world.held("dips") == {}


def test_a_bot_that_is_taken_out_before_its_birth_is_never_born() -> None:
    world = lived(edit(10, OTHER))

    assert "dips: taken out" in world.answer(0)
    assert not world.is_born("dips")


def test_a_parked_bot_that_comes_back_is_still_parked() -> None:
    world = lived(edit(70, OTHER), edit(90, BOTH), deeds=[(60, ToldWorld.cancel_sells)])

    assert only(world, 1) == "dips: is back; it had stopped itself: `release` lets it go on"
    assert world.standings["dips"] is Standing.PARKED


# --- by systemd


def test_the_unit_reloads_by_the_command_that_fails_when_nothing_was_taken_over() -> None:
    unit = (ROOT / "auto_trading.service").read_text()

    assert (
        "ExecReload=%h/auto_trading/.venv/bin/python %h/auto_trading/auto_trading.py reload\n"
        in unit
    )
