"""What is said in the chat is asked about, done once, and outlives the runner."""

import asyncio
import weakref
from pathlib import Path

import pytest

from lib.context_file.generation import Parked
from lib.control.office_memory import OfficeMemory
from lib.control.telegram.crew import Crew
from lib.control.telegram.deeds import VALID, Turn
from lib.disk import REAL_DISK
from tests.control.folder import folder, generation, newest
from tests.control.telegram.bot_api import GROUP, ME, STRANGER, bot_api
from tests.control.telegram.runner import ACCOUNT, begin, runner

pytestmark = pytest.mark.asyncio


# --- what forbids


@pytest.mark.parametrize(
    ("said", "answer", "lisa", "bob"),
    [
        ("/pause lisa", "lisa: paused: no new entries", "pause", "trade"),
        ("/pause LISA bob", "bob, lisa: paused", "pause", "pause"),
        ("/pause", "bob, lisa: paused", "pause", "pause"),
        ("/stop all", "bob, lisa: stopped", "stop", "stop"),
        ("/stop@bots_bot bob", "bob: stopped", "trade", "stop"),
    ],
)
async def test_what_only_forbids_is_done_at_once_and_without_asking(
    tmp_path: Path, said: str, answer: str, lisa: str, bob: str
) -> None:
    begin(tmp_path)
    async with bot_api() as api, runner(tmp_path, api) as life:
        api.say(said)
        heard = await api.message(answer)

        assert heard.chat == str(ME)
        assert heard.buttons == {}
        assert (life.instruction("lisa"), life.instruction("bob")) == (lisa, bob)
    assert newest(tmp_path / "ctx", "lisa").told_by == (
        "Ann by Telegram" if lisa != "trade" else ""
    )


async def test_a_kill_is_in_force_and_on_disk_before_it_is_answered(tmp_path: Path) -> None:
    ctx = begin(tmp_path)
    async with bot_api() as api, runner(tmp_path, api) as life:
        api.say("/kill")
        await api.message("killed: no new order leaves")

        assert life.supervisor.floor.instructions.killed
    killed = OfficeMemory.open(ctx, disk=REAL_DISK).killed
    assert killed is not None
    assert not killed.flatten


@pytest.mark.parametrize("said", ["/pause lisa", "/stop lisa", "/kill"])
async def test_what_forbids_is_done_whatever_its_age(tmp_path: Path, said: str) -> None:
    begin(tmp_path)
    async with bot_api() as api:
        api.say(said)
        api.clock += 86_000
        async with runner(tmp_path, api) as life:
            await api.until(lambda: api.messages)

            forbidden = life.supervisor.floor.instructions.forbids("lisa")
    assert forbidden


# --- what asks


@pytest.mark.parametrize("said", ["/resume lisa", "/flatten lisa", "/unkill", "/kill flatten"])
async def test_what_waited_for_more_than_two_minutes_is_not_done_and_says_so(
    tmp_path: Path, said: str
) -> None:
    begin(tmp_path)
    async with bot_api() as api:
        api.say(said)
        api.clock += VALID + 1
        async with runner(tmp_path, api) as life:
            await api.message(f"too old, not done: {said}")

            assert [each.buttons for each in api.sent] == [{}]
            assert life.instruction("lisa") == "trade"


async def test_nothing_that_asks_is_done_before_the_button_is_pressed(tmp_path: Path) -> None:
    begin(tmp_path)
    async with bot_api() as api, runner(tmp_path, api) as life:
        api.say("/flatten lisa")
        question = await api.message("Flatten lisa?")
        assert "lisa: sell 0.01 BTC" in question.text
        assert life.instruction("lisa") == "trade"

        api.press("Yes, flatten")
        await api.message("lisa: it is being flattened")

        assert life.instruction("lisa") == "flatten"
        assert life.instruction("bob") == "trade"
        assert api.toasts == ["it is being done"]
        assert api.closed == [question.number]


async def test_a_button_pressed_twice_is_done_once_and_answered_as_before(tmp_path: Path) -> None:
    begin(tmp_path)
    async with bot_api() as api, runner(tmp_path, api) as life:
        api.say("/pause lisa")
        await api.message("paused")
        api.say("/resume lisa")
        question = await api.message("Resume lisa?")
        api.press("Yes, resume")
        await api.message("lisa: goes on")
        api.say("/pause lisa")
        await api.message("paused", after=3)

        api.press("Yes, resume", message=question)
        await api.message("again: lisa: goes on")

        assert life.instruction("lisa") == "pause"
        assert api.toasts == ["it is being done", "done already"]


async def test_a_button_pressed_late_does_nothing_and_says_so(tmp_path: Path) -> None:
    begin(tmp_path)
    async with bot_api() as api, runner(tmp_path, api) as life:
        api.say("/flatten lisa")
        await api.message("Flatten lisa?")
        api.clock += VALID + 1
        api.press("Yes, flatten")
        await api.message("too old, not done: /flatten")

        assert life.instruction("lisa") == "trade"


async def test_a_no_is_final_even_if_somebody_says_yes_after_it(tmp_path: Path) -> None:
    begin(tmp_path)
    async with bot_api() as api, runner(tmp_path, api) as life:
        api.say("/kill flatten")
        question = await api.message("Kill all bots?")
        assert "lisa: sell 0.01 BTC" in question.text
        api.press("No")
        await api.message("not done: /kill")
        api.press("Yes, kill", message=question)
        await api.message("not done: /kill", after=2)

        assert not life.supervisor.floor.instructions.killed
        assert life.instruction("lisa") == "trade"


async def test_a_no_that_comes_while_a_yes_is_being_done_says_so_and_changes_nothing(
    tmp_path: Path,
) -> None:
    begin(tmp_path)
    async with bot_api() as api, runner(tmp_path, api, pace={"gather": 0.2}) as life:
        api.say("/flatten lisa")
        question = await api.message("Flatten lisa?")
        api.press("Yes, flatten", message=question)
        api.press("No", message=question)
        await api.message("too late, it is being done: /flatten")
        await api.message("lisa: it is being flattened")

        assert life.instruction("lisa") == "flatten"


async def test_kill_and_flatten_sells_what_every_bot_holds(tmp_path: Path) -> None:
    begin(tmp_path)
    async with bot_api() as api, runner(tmp_path, api) as life:
        api.say("/kill --flatten")
        await api.message("Kill all bots?")
        api.press("Yes, kill")
        await api.message("killed: everything is canceled and sold")

        assert life.supervisor.floor.instructions.killed
        assert life.instruction("lisa") == "flatten"


async def test_without_a_name_the_bot_is_chosen_by_a_button(tmp_path: Path) -> None:
    begin(tmp_path)
    async with bot_api() as api, runner(tmp_path, api) as life:
        api.say("/stop")
        await api.message("stopped")
        api.say("/start")
        question = await api.message("Start which bot?")
        assert list(question.buttons) == ["bob", "lisa", "all", "none"]
        api.press("bob")
        await api.message("bob: goes on")

        assert (life.instruction("lisa"), life.instruction("bob")) == ("stop", "trade")


async def test_a_bot_chosen_to_be_flattened_is_asked_about_with_what_will_be_sold(
    tmp_path: Path,
) -> None:
    begin(tmp_path)
    async with bot_api() as api, runner(tmp_path, api) as life:
        api.say("/flatten")
        await api.message("Flatten which bot?")
        api.press("lisa")
        question = await api.message("Flatten lisa?")
        assert "lisa: sell 0.01 BTC" in question.text
        assert life.instruction("lisa") == "trade"
        api.press("Yes, flatten")
        await api.message("lisa: it is being flattened")

        assert (life.instruction("lisa"), life.instruction("bob")) == ("flatten", "trade")


async def test_a_bot_that_stopped_itself_is_released_from_the_chat(tmp_path: Path) -> None:
    begin(tmp_path)
    why = Parked(kind="Halt", reason="the books differ", at=9)
    (tmp_path / "ctx" / "lisa.json").unlink()
    folder(tmp_path, generation("lisa", account=ACCOUNT, parked=why))
    async with bot_api() as api, runner(tmp_path, api) as life:
        api.say("/bot lisa")
        await api.message("lisa: needs you\nBTCUSDT\nHalt: the books differ")
        api.say("/release lisa")
        await api.message("Release lisa?")
        api.press("Yes, release")
        await api.message("lisa: goes on; it had stopped for Halt: the books differ")

        assert life.supervisor.lives["lisa"].generation.parked is None


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        ("/pause lise", "not done: there is no bot lise: lisa?"),
        ("/flatten nobody", "not done: there is no bot nobody; /bots names them"),
        ("/resume lisa bob", "one at a time, or all: /resume lisa"),
        ("/sell lisa", "I do not know that; /help shows what I do"),
        ("hello", "I do not know that; /help shows what I do"),
    ],
)
async def test_what_cannot_be_done_says_so(tmp_path: Path, said: str, answer: str) -> None:
    begin(tmp_path)
    async with bot_api() as api, runner(tmp_path, api) as life:
        api.say(said)
        await api.message(answer)

        assert (life.instruction("lisa"), life.instruction("bob")) == ("trade", "trade")


async def test_the_last_word_counts_however_long_the_one_before_takes(tmp_path: Path) -> None:
    begin(tmp_path)
    async with bot_api() as api, runner(tmp_path, api, pace={"gather": 0.2}) as life:
        api.say("/pause lisa")
        await api.message("paused")
        api.say("/resume lisa")
        await api.message("Resume lisa?")
        api.press("Yes, resume")
        api.say("/pause lisa")
        await api.message("lisa: goes on")
        await api.message("lisa: paused", after=3)

        assert life.instruction("lisa") == "pause"


async def test_a_kill_after_an_unkill_is_the_one_that_counts(tmp_path: Path) -> None:
    begin(tmp_path)
    async with bot_api() as api, runner(tmp_path, api, pace={"gather": 0.2}) as life:
        api.say("/kill")
        await api.message("killed")
        api.say("/unkill")
        await api.message("Unkill all bots?")
        api.press("Yes, unkill")
        api.say("/kill")
        await api.message("the bots go on")
        await api.message("killed", after=3)

        assert life.supervisor.floor.instructions.killed


async def test_a_word_comes_to_its_turn_after_any_number_that_never_came_to_the_office() -> None:
    turns = [Turn(None)]
    for _ in range(5_000):
        turns.append(Turn(turns[-1]))
    *before, last = turns
    for turn in before:
        turn.over()

    async with asyncio.timeout(1):
        await last.comes()


async def test_a_word_waits_for_one_before_it_whatever_was_said_in_between() -> None:
    slow = Turn(None)
    asked = Turn(slow)
    asked.over()
    coming = asyncio.create_task(Turn(asked).comes())
    await asyncio.sleep(0)
    waited = not coming.done()
    slow.over()
    await coming

    assert waited


async def test_a_word_that_is_over_is_forgotten_with_the_next() -> None:
    first = Turn(None)
    first.over()
    known = weakref.ref(first)
    second = Turn(first)
    del first

    assert known() is None
    await second.comes()


# --- who may speak


@pytest.mark.parametrize(
    ("chat", "sender"), [(STRANGER, STRANGER), (GROUP, STRANGER), (-200, ME), (STRANGER, ME)]
)
async def test_a_stranger_is_ignored_and_counted_in_one_line_a_minute(
    tmp_path: Path, chat: int, sender: int, caplog: pytest.LogCaptureFixture
) -> None:
    begin(tmp_path)
    async with bot_api() as api, runner(tmp_path, api, chats=f"{ME}, {GROUP}") as life:
        for _ in range(5):
            api.say("/kill", chat=chat, sender=sender)
        last = api.say("/bots")
        await api.message("lisa: ")

        assert last
        assert len(api.sent) == 1
        assert not life.supervisor.floor.instructions.killed
    lines = [record.message for record in caplog.records if "stranger" in record.message]
    assert lines == [
        f"Telegram: a message of a stranger was ignored, the last by user {sender} in chat {chat}"
    ]


async def test_in_a_group_the_sender_must_be_one_of_those_that_are_allowed(tmp_path: Path) -> None:
    begin(tmp_path)
    chats = f"{ME}, {GROUP}"
    async with bot_api() as api, runner(tmp_path, api, chats=chats, senders=(99,)) as life:
        api.say("/pause lisa", chat=GROUP, sender=99)
        heard = await api.message("lisa: paused")
        api.say("/flatten bob", chat=GROUP)
        await api.message("Flatten bob?")
        api.press("Yes, flatten", sender=STRANGER)
        api.say("/bots", chat=GROUP)
        await api.message("bob: ", after=2)

        assert heard.chat == str(GROUP)
        assert life.instruction("bob") == "trade"


async def test_in_a_group_what_is_meant_for_others_is_left_alone(tmp_path: Path) -> None:
    begin(tmp_path)
    async with bot_api() as api, runner(tmp_path, api, chats=f"{ME}, {GROUP}") as life:
        api.say("lovely weather", chat=GROUP)
        api.say("/kill@another_bot", chat=GROUP)
        api.say("/bots", chat=GROUP)
        await api.message("lisa: ")

        assert len(api.sent) == 1
        assert not life.supervisor.floor.instructions.killed


# --- a runner that dies in between


async def test_what_was_said_while_the_program_was_off_is_done_by_the_next_one(
    tmp_path: Path,
) -> None:
    begin(tmp_path)
    async with bot_api() as api:
        api.say("/pause lisa")
        api.say("/kill")
        async with runner(tmp_path, api) as life:
            await api.message("killed")

            assert life.instruction("lisa") == "pause"
            await api.until(lambda: api.unconfirmed == [])


async def test_a_command_delivered_again_after_a_restart_is_not_done_again(tmp_path: Path) -> None:
    ctx = begin(tmp_path)
    async with bot_api() as api:
        api.say("/stop lisa")
        async with runner(tmp_path, api):
            await api.message("lisa: stopped")
            api.say("/resume lisa")
            await api.message("Resume lisa?")
            api.press("Yes, resume")
            await api.message("lisa: goes on")
            await api.until(lambda: api.unconfirmed == [])
        told_at = newest(ctx, "lisa").told_at
        api._updates = [{**_stop_of(api, 701)}]
        async with runner(tmp_path, api) as life:
            await api.message("again: lisa: stopped")

            assert life.instruction("lisa") == "trade"
            assert life.supervisor.lives["lisa"].generation.told_at == told_at


def _stop_of(api: object, number: int) -> dict[str, object]:
    person = {"id": ME, "is_bot": False, "first_name": "Ann"}
    chat = {"id": ME, "type": "private", "first_name": "Ann"}
    message = {"message_id": 1, "date": 1, "chat": chat, "from": person, "text": "/stop lisa"}
    return {"update_id": number, "message": message}


async def test_a_press_that_was_accepted_in_time_is_done_however_late_the_restart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin(tmp_path)
    async with bot_api() as api:
        async with runner(tmp_path, api) as life:

            async def dies(_: object) -> str:
                raise OSError("as if the power went")

            monkeypatch.setattr(life.office, "obey", dies)
            api.say("/flatten lisa")
            await api.message("Flatten lisa?")
            api.press("Yes, flatten")
            kept = list(api._updates)
            await api.message("that went wrong")
        api.clock += 5_000
        api._updates = kept
        async with runner(tmp_path, api) as life:
            await api.message("lisa: it is being flattened")

            assert life.instruction("lisa") == "flatten"


async def test_a_kill_waits_for_no_command_that_is_still_being_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin(tmp_path)
    async with bot_api() as api, runner(tmp_path, api) as life:
        never = asyncio.Event()
        write = life.office.memory.remember

        async def refuse(request_id: str, answer: str) -> None:
            if "paused" in answer:
                await never.wait()  # a disk that refuses
            await write(request_id, answer)

        monkeypatch.setattr(life.office.memory, "remember", refuse)
        monkeypatch.setattr("lib.control.telegram.listener.LOOK_AGAIN", 0.05)
        first = api.say("/pause lisa")
        await api.until(lambda: life.instruction("lisa") == "pause")
        api.say("/kill")
        await api.until(lambda: life.supervisor.floor.instructions.killed)

        assert first in api.unconfirmed
        never.set()
        await api.message("lisa: paused")
        await api.message("killed")
        await api.until(lambda: api.unconfirmed == [])


async def test_a_command_that_breaks_keeps_no_later_one_from_being_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin(tmp_path)
    async with bot_api() as api, runner(tmp_path, api):
        monkeypatch.setattr(Crew, "generations", lambda *_: 1 // 0)
        api.say("/profit")
        await api.message("that went wrong: ZeroDivisionError")
        api.say("/pause lisa")
        await api.message("lisa: paused")
