"""What the office is asked is done once, is on disk before it is answered, and outlives all."""

import asyncio
import errno
from decimal import Decimal
from pathlib import Path

import pytest

from lib.atomic_json import ContextFile
from lib.context_file.generation import decode
from lib.control.office import Verb
from lib.control.office_memory import FILE, Killed, OfficeMemory, read_killed
from lib.disk import REAL_DISK
from lib.instructions import Instruction
from lib.life import Standing
from lib.news import Kind
from lib.obedience import cancel_entries
from tests.swinging import swing
from tests.told_world import Said, ToldLife, ToldWorld
from tests.world import ACCOUNT, CALM, START, live

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


def world_of(*said: Said, **more: object) -> ToldWorld:
    """Make a world whose bot has a buy open from 21 to 29 s, and sells at 99 s."""
    facts: dict[str, object] = {"said": said, "shape": swing(0.01, 120), **more}
    return ToldWorld(1, {"dips": DIPS}, CALM, **facts)  # type: ignore[arg-type]


def births(world: ToldWorld) -> set[str]:
    return {order["clientOrderId"][14:25] for order in world.orders()}


# --- once


def test_a_request_that_is_repeated_is_answered_as_before_and_done_once() -> None:
    world = live(world_of(Said(60, Verb.FLATTEN), Said(100, Verb.START, times=3)))

    assert world.answer(1) == "dips: begins anew, its results are kept"
    assert len(births(world)) == 2
    world.check()


def test_an_answer_is_remembered_beyond_a_restart(tmp_path: Path) -> None:
    first = OfficeMemory.open(tmp_path, disk=REAL_DISK)
    asyncio.run(first.remember("7", "done"))

    assert OfficeMemory.open(tmp_path, disk=REAL_DISK).answer_to("7") == "done"


def test_only_the_newest_answers_are_kept(tmp_path: Path) -> None:
    memory = OfficeMemory.open(tmp_path, disk=REAL_DISK)

    async def ask_often() -> None:
        for number in range(210):
            await memory.remember(str(number), "done")

    asyncio.run(ask_often())
    assert memory.answer_to("9") == ""
    assert memory.answer_to("10") == "done"


# --- what cannot be done says so


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        (Said(60, Verb.PAUSE, ("lisa",)), "there is no bot lisa: there are dips"),
        (Said(60, Verb.RESUME), "dips: it was not paused"),
        (Said(60, Verb.START), "dips: it is running already"),
        (Said(60, Verb.RELEASE), "dips: it did not stop itself"),
        (Said(60, Verb.CANCEL), "dips: it has no open entry; `flatten` ends everything"),
        (Said(60, Verb.UNKILL), "it was not killed"),
        (Said(60, Verb.RELOAD), "nothing can be reloaded here"),
        (Said(1, Verb.RELEASE), "dips: not born yet: ask again in a minute"),
        (Said(500, Verb.PAUSE), "dips: finished already"),
        (Said(500, Verb.FLATTEN), "dips: finished and holds nothing"),
    ],
)
def test_what_cannot_be_done_is_answered_and_changes_nothing(said: Said, answer: str) -> None:
    world = live(world_of(said))

    assert world.answer(0) == answer
    assert world.standings == {"dips": Standing.FINISHED}
    world.check()


def test_canceled_entries_are_named_and_the_bot_plans_anew() -> None:
    world = live(world_of(Said(25, Verb.CANCEL, ("dips",))))

    assert world.answer(0).startswith("dips: is being canceled: BUY 0.01 BTCUSDT at 607")
    assert next(o["status"] for o in world.orders() if o["side"] == "BUY") == "CANCELED"
    assert world.standings == {"dips": Standing.FINISHED}
    assert world.generation("dips").memory.orders_done >= 5
    world.check()


def cancel_again(world: ToldWorld) -> None:
    """Say the first request to the bot once more, as after a crash that lost its answer."""
    life = world.life
    assert isinstance(life, ToldLife)
    supervisor = life.office._supervisor
    again = cancel_entries(supervisor.lives["dips"], supervisor.floor, request="0")
    world.extra = life.loop.create_task(again)


def test_a_cancel_that_is_repeated_later_cancels_nothing_that_was_planned_since() -> None:
    once = live(world_of(Said(25, Verb.CANCEL, ("dips",))))
    twice = live(world_of(Said(25, Verb.CANCEL, ("dips",)), deeds=[(27, cancel_again)]))

    assert twice.extra is not None
    assert twice.extra.result() == []
    assert [o["status"] for o in twice.orders()] == [o["status"] for o in once.orders()]
    assert once.generation("dips").cancels_done == ["0"]
    twice.check()


def test_a_flattened_bot_takes_no_other_word_than_start() -> None:
    said = [Said(60, Verb.FLATTEN), Said(100, Verb.PAUSE), Said(101, Verb.RESUME)]
    world = live(world_of(*said, Said(102, Verb.FLATTEN), Said(103, Verb.CANCEL)))

    assert {world.answer(number) for number in (1, 2, 3, 4)} == {
        "dips: flattened, `start` begins it anew"
    }
    assert world.standings == {"dips": Standing.IDLE}


def test_a_finished_bot_begins_anew_when_it_is_started() -> None:
    world = live(world_of(Said(500, Verb.START)))

    assert len(births(world)) == 2
    assert world.standings == {"dips": Standing.FINISHED}
    world.check()


# --- a kill


def test_a_kill_reaches_a_paused_bot_and_a_resume_does_not_undo_it() -> None:
    world = live(
        world_of(
            Said(30, Verb.PAUSE),
            Said(40, Verb.KILL),
            Said(50, Verb.RESUME),
            Said(600, Verb.UNKILL),
        )
    )

    assert world.answer(2) == "dips: goes on, but all are killed until `unkill`"
    assert world.orders_between(world.answered_at(1), world.answered_at(3)) == []
    world.check()


def test_an_unkill_names_the_bots_that_wait_for_another_word() -> None:
    paused = live(
        world_of(
            Said(30, Verb.PAUSE), Said(40, Verb.KILL), Said(50, Verb.UNKILL), Said(60, Verb.RESUME)
        )
    )
    sold = live(world_of(Said(40, Verb.KILL, flatten=True), Said(80, Verb.UNKILL)))

    assert paused.answer(2) == "the bots go on; `resume` lets go on: dips"
    assert sold.answer(1) == "the bots go on; `start` begins anew: dips"


def test_a_kill_that_sells_names_the_bots_it_cannot_sell_for() -> None:
    more = {**DIPS, "symbol": "ETHUSDT", "quantity": "0.1"}
    world = ToldWorld(
        1,
        {"dips": DIPS, "more": more},
        CALM,
        later_bots={"more": more},
        said=[Said(300, Verb.KILL, flatten=True)],
        shape=swing(0.01, 120),
    )

    live(world, 140)

    assert world.answer(0).endswith("; not sold, as they do not run: dips")


def test_an_office_that_cannot_read_what_was_said_lets_no_order_leave(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"rubbish")

    memory = OfficeMemory.open(tmp_path, disk=REAL_DISK)

    assert memory.killed is not None
    assert "a copy is" in memory.problem
    assert read_killed(tmp_path) is not None


def test_an_unkill_begins_a_new_file_and_keeps_the_one_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"rubbish")

    asyncio.run(OfficeMemory.open(tmp_path, disk=REAL_DISK).kill(None))

    assert OfficeMemory.open(tmp_path, disk=REAL_DISK).killed is None
    assert (tmp_path / "installation.office.broken-1.json").read_bytes() == b"rubbish"


def test_a_kill_is_read_back_with_who_said_it(tmp_path: Path) -> None:
    killed = Killed(by="a person", at=5, flatten=True)

    asyncio.run(OfficeMemory.open(tmp_path, disk=REAL_DISK).kill(killed))

    assert OfficeMemory.open(tmp_path, disk=REAL_DISK).killed == killed
    assert read_killed(tmp_path) == killed


def test_without_a_file_nothing_is_killed(tmp_path: Path) -> None:
    assert read_killed(tmp_path) is None
    assert OfficeMemory.open(tmp_path, disk=REAL_DISK).killed is None


# --- a bot that stopped itself


def test_a_bot_that_stopped_itself_is_released_while_the_runner_runs() -> None:
    world = live(
        world_of(
            Said(70, Verb.RELEASE), Said(80, Verb.FLATTEN), deeds=[(60, ToldWorld.cancel_sells)]
        )
    )

    assert world.answer(0).startswith(
        "dips: goes on; it had stopped for Halt: bought, but the sell"
    )
    assert world.generation("dips").memory.releases == 1


def test_a_bot_that_stopped_itself_is_flattened_all_the_same() -> None:
    world = live(world_of(Said(70, Verb.FLATTEN), deeds=[(60, ToldWorld.cancel_sells)]))

    assert [news for news in world.news if news.kind is Kind.PARKED]
    assert world.standings == {"dips": Standing.IDLE}
    assert world.held("dips") == {}
    world.check()


def test_what_somebody_else_took_away_is_named_and_a_release_sells_the_rest() -> None:
    def withdraw(world: ToldWorld) -> None:
        world.exchange.transfer(ACCOUNT, "BTC", -START["BTC"] - Decimal("0.004"))

    deeds = [(55.0, ToldWorld.cancel_sells), (56.0, withdraw)]
    world = world_of(Said(70, Verb.FLATTEN), Said(200, Verb.RELEASE), deeds=deeds)

    live(world)

    stops = [news.text for news in world.news if news.kind is Kind.PARKED]
    assert "flattened by you, but SELL 0.00999 BTCUSDT at market was rejected" in stops[-1]
    assert world.standings == {"dips": Standing.IDLE}
    assert world.balances().get("BTC", Decimal(0)) < Decimal("0.0001")
    assert any("left is 0.004" in news.text for news in world.news)


# --- a disk that refuses


def test_a_word_that_forbids_counts_while_the_disk_refuses_it() -> None:
    sick = [
        (55.0, lambda world: setattr(world.disk, "refuses", errno.EIO)),
        (300.0, lambda world: setattr(world.disk, "refuses", 0)),
    ]
    world = world_of(Said(60, Verb.PAUSE), Said(700, Verb.RESUME), deeds=sick)

    live(world)

    said_at = int((world.begun + 60) * 1000)
    assert world.answered_at(0) >= said_at + 240_000
    came = world.orders_between(said_at, world.answered_at(1))
    assert [order for order in came if order.is_entry] == []
    assert world.standings == {"dips": Standing.FINISHED}
    world.check()


def test_a_word_is_not_lost_behind_a_save_that_is_tried_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sick = [
        (98.0, lambda world: setattr(world.disk, "refuses", errno.EIO)),  # as the sale comes
        (160.0, lambda world: setattr(world.disk, "refuses", 0)),
    ]
    world = world_of(Said(120, Verb.PAUSE), Said(700, Verb.RESUME), deeds=sick)
    written: list[Instruction] = []
    save = ContextFile.save

    def noted(file: ContextFile, fields: bytes) -> bool:
        saved = save(file, fields)
        if file.path.stem == "dips" and "1" not in world.answered:
            written.append(decode(fields).instruction)
        return saved

    monkeypatch.setattr(ContextFile, "save", noted)
    live(world)

    since = written[written.index(Instruction.PAUSE) :]
    assert Instruction.TRADE not in since[:-1]  # the last is the resume itself
    world.check()
