"""What reaches the chat, however Telegram behaves."""

import asyncio
import logging
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from aiohttp import web

from lib.control.telegram.outbox import SMALL_MAX
from lib.news import Kind
from tests.control.telegram.bot_api import GROUP, ME, Answer, bad_gateway, bot_api, refusal
from tests.control.telegram.runner import AT, begin, news, runner

pytestmark = pytest.mark.asyncio

HOUR = 3_600_000


async def test_what_waits_goes_into_one_message_to_the_chat(tmp_path: Path) -> None:
    begin(tmp_path)
    async with bot_api() as api, runner(tmp_path, api) as life:
        life.tell("bought 0.5")
        life.tell("bad key", Kind.WARNING, bot="")
        life.tell("books disagree", Kind.PARKED)
        message = await api.message("bought")

    assert message.chat == str(ME)
    assert message.text == (
        "simulation, paper\n"
        "22:13:20 lisa: bought 0.5\n"
        "22:13:20 the runner, warning: bad key\n"
        "22:13:20 lisa needs you: books disagree"
    )


async def test_every_message_of_a_live_runner_says_so(tmp_path: Path) -> None:
    begin(tmp_path)
    async with bot_api() as api, runner(tmp_path, api, venue="live") as life:
        for turn in range(3):
            life.tell(f"sold {turn}")
            await api.message(f"sold {turn}")
        api.say("/bots")
        await api.message("bob: ")

    assert len(api.messages) == 4
    assert all(message.startswith("LIVE, real money\n") for message in api.messages)


@pytest.mark.parametrize("orders", [False, True])
async def test_plans_stay_at_home_and_orders_unless_they_are_wanted(
    tmp_path: Path, orders: bool
) -> None:
    begin(tmp_path)
    async with bot_api() as api, runner(tmp_path, api, orders=orders) as life:
        for kind in Kind:
            life.tell(f"kind {kind}.", kind)
        await api.message("kind parked.")

    told = {kind for kind in Kind if f"kind {kind}." in "\n".join(api.messages)}
    assert told == set(Kind) - {Kind.PLAN} - ({Kind.ORDER} if not orders else set())


async def test_times_are_those_of_the_zone_that_is_set(tmp_path: Path) -> None:
    begin(tmp_path)
    zone = ZoneInfo("Europe/Berlin")
    async with bot_api() as api, runner(tmp_path, api, zone=zone) as life:
        life.tell("bought")
        message = await api.message("bought")

    assert message.text.endswith("23:13:20 lisa: bought")


async def test_what_happened_a_day_before_the_newest_line_shows_its_day(tmp_path: Path) -> None:
    begin(tmp_path)
    async with bot_api() as api, runner(tmp_path, api) as life:
        life.telegram(news("bought"))
        life.telegram(news("sold", at=AT + 30 * HOUR))
        message = await api.message("sold")

    assert "14 Nov 22:13:20 lisa: bought\n04:13:20 lisa: sold" in message.text


async def test_another_chat_is_told_if_the_conf_says_so(tmp_path: Path) -> None:
    begin(tmp_path)
    chats = f"{ME},{GROUP}"
    async with bot_api() as api, runner(tmp_path, api, chats=chats, notify=GROUP) as life:
        life.tell("bought")
        message = await api.message("bought")

    assert message.chat == str(GROUP)


# --- Telegram in trouble


async def test_what_happened_while_telegram_was_down_is_sent_when_it_is_back(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    begin(tmp_path)
    async with bot_api() as api:
        await api.stop()
        async with runner(tmp_path, api) as life:
            life.tell("bought")
            await api.until(lambda: life.pauses.taken.count(60) > 4)
            await api.until(lambda: "what is news waits" in caplog.text)
            life.tell("sold")
            await api.start()
            await api.message("bought")
            await api.message("sold")
            await api.until(lambda: "is back (what" in caplog.text)

    assert not any(text.startswith("again") for text in api.messages)
    said = [record.message for record in caplog.records]
    assert len([line for line in said if "cannot be reached, what is news waits" in line]) == 1
    assert len([line for line in said if "is back (what is news waits)" in line]) == 1


async def test_a_gateway_in_trouble_costs_no_message(tmp_path: Path) -> None:
    begin(tmp_path)
    async with bot_api() as api, runner(tmp_path, api) as life:
        api.prepared["sendMessage"] = [bad_gateway, bad_gateway, bad_gateway]
        life.tell("bought")
        await api.message("bought")

    assert len(api.messages) == 1
    assert api.calls.count("sendMessage") == 4


async def test_a_message_whose_confirmation_was_lost_is_repeated_and_marked(
    tmp_path: Path,
) -> None:
    begin(tmp_path)
    async with bot_api() as api, runner(tmp_path, api) as life:
        api.lose_replies = 2
        life.tell("bought")
        await api.until(lambda: len(api.sent) == 3)
        life.tell("sold")
        await api.message("sold")

    line = "22:13:20 lisa: bought"
    assert api.messages == [
        f"simulation, paper\n{line}",
        f"again: simulation, paper\n{line}",
        f"again: simulation, paper\n{line}",
        "simulation, paper\n22:13:20 lisa: sold",
    ]


async def test_waits_as_long_as_telegram_demands(tmp_path: Path) -> None:
    begin(tmp_path)
    async with bot_api() as api, runner(tmp_path, api) as life:
        slow = refusal(429, "Too Many Requests: retry after 17", retry_after=17)
        api.prepared["sendMessage"] = [slow]
        life.tell("bought")
        await api.message("bought")
        api.prepared["getUpdates"] = [
            refusal(429, "Too Many Requests: retry after 19", retry_after=19)
        ]
        await api.until(lambda: 19 in life.pauses.taken)

    assert 17 in life.pauses.taken
    assert api.messages == ["simulation, paper\n22:13:20 lisa: bought"]


async def test_a_wrong_token_is_said_once_and_tried_again_every_ten_minutes(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    begin(tmp_path)
    async with bot_api() as api:
        api.token = "the right one"
        async with runner(tmp_path, api) as life:
            life.tell("bought")
            await api.until(lambda: life.pauses.taken.count(600) > 5)
            api.token = "123456789:AAF-abcdefghijklmnopqrstuvwxyz01234"
            await api.message("bought")

    said = [record.message for record in caplog.records if "is off" in record.message]
    assert set(said) == {
        "Telegram is off, the bots go on: it does not know TELEGRAM_TOKEN; "
        "it is tried again every ten minutes"
    }
    assert len(said) <= 2  # by whoever sends, and by whoever fetches


@pytest.mark.parametrize(
    "answer",
    [
        refusal(400, "Bad Request: chat not found"),
        refusal(403, "Forbidden: bot was blocked by the user"),
    ],
    ids=["not found", "blocked"],
)
async def test_a_chat_that_refuses_us_loses_nothing_and_commands_are_heard(
    tmp_path: Path, answer: Answer
) -> None:
    begin(tmp_path)
    async with bot_api() as api, runner(tmp_path, api) as life:
        api.prepared["sendMessage"] = [answer]
        life.tell("bought")
        await api.until(lambda: 600 in life.pauses.taken)
        api.say("/pause lisa")
        await api.message("lisa: paused")
        await api.message("bought")


@pytest.mark.parametrize("status", [401, 403, 404])
async def test_a_proxy_that_refuses_us_is_not_taken_for_telegram(
    tmp_path: Path, status: int
) -> None:
    async def login_page() -> web.Response:
        return web.Response(status=status, text="<html>please log in</html>")

    begin(tmp_path)
    async with bot_api() as api, runner(tmp_path, api) as life:
        api.prepared["sendMessage"] = [login_page]
        life.tell("bought")
        await api.message("bought")

    assert 600 not in life.pauses.taken


async def test_a_message_refused_for_its_content_does_not_block_the_next(tmp_path: Path) -> None:
    begin(tmp_path)
    async with bot_api() as api, runner(tmp_path, api) as life:
        api.prepared["sendMessage"] = [refusal(400, "Bad Request: message text is empty")]
        life.tell("odd")
        await api.until(lambda: "sendMessage" in api.calls)
        life.tell("even")
        message = await api.message("even")

    assert "odd" not in message.text


async def test_follows_a_group_that_became_a_supergroup(tmp_path: Path) -> None:
    begin(tmp_path)
    chats = f"{GROUP},{ME}"
    async with bot_api() as api, runner(tmp_path, api, chats=chats) as life:
        api.prepared["sendMessage"] = [refusal(400, "upgraded", migrate_to_chat_id=-100_500)]
        life.tell("bought")
        message = await api.message("bought")
        api.say("/bots", chat=-100_500)
        await api.message("bob: ")

    assert message.chat == "-100500"


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (
            refusal(
                409, "Conflict: terminated by other getUpdates request; make sure that only one"
            ),
            "somebody else fetches what you say to this Telegram bot",
        ),
        (
            refusal(409, "Conflict: can't use getUpdates method while webhook is active"),
            "Telegram sends what you say to a webhook",
        ),
    ],
    ids=["another", "webhook"],
)
async def test_whoever_else_takes_our_commands_is_told_once_and_outlasted(
    tmp_path: Path, answer: Answer, said: str, caplog: pytest.LogCaptureFixture
) -> None:
    begin(tmp_path)
    async with bot_api() as api:
        api.prepared["getUpdates"] = [answer] * 4
        async with runner(tmp_path, api) as life:
            api.say("/pause lisa")
            await api.message("lisa: paused")
            await api.until(lambda: "Telegram is back (commands wait)" in caplog.messages)

    assert life.pauses.taken.count(30) == 4
    assert len([line for line in caplog.messages if line.startswith(said)]) == 1


# --- floods


async def test_the_sink_returns_at_once_while_telegram_hangs(tmp_path: Path) -> None:
    released = asyncio.Event()

    async def hang() -> web.StreamResponse:
        await released.wait()
        return await refusal(500, "no")()

    begin(tmp_path)
    async with bot_api() as api, runner(tmp_path, api) as life:
        api.prepared["sendMessage"] = [hang]
        life.tell("first")
        await api.until(lambda: "sendMessage" in api.calls)
        began = asyncio.get_running_loop().time()
        for turn in range(SMALL_MAX + 50):
            life.tell(f"trade {turn}.")
        took = asyncio.get_running_loop().time() - began
        life.tell("the stop is gone", Kind.PARKED)
        released.set()
        await api.message("the stop is gone")

    assert took < 0.5
    assert "first" in api.messages[0]
    flood = "\n".join(api.messages[1:])
    assert flood.startswith(
        "simulation, paper\n(50 older lines were dropped)\n22:13:20 lisa: trade 50.\n"
    )
    assert "trade 49." not in flood


async def test_a_flood_is_told_in_fewer_and_longer_messages_but_nothing_grave_waits(
    tmp_path: Path,
) -> None:
    begin(tmp_path)
    slept: list[float] = []
    open_ended = asyncio.Event()

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        if seconds > 20:
            await open_ended.wait()
        await asyncio.sleep(0.01)

    async with bot_api() as api, runner(tmp_path, api, pace={"sleep": sleep}) as life:
        turn = 0
        while not any(seconds > 20 for seconds in slept):
            life.tell(f"trade {turn}")
            turn += 1
            await asyncio.sleep(0.002)
        life.tell("the stop is gone", Kind.PARKED)
        await api.message("the stop is gone")

    assert not open_ended.is_set()
    assert [seconds for seconds in slept if seconds > 3][:2] == [9, 21]


async def test_a_storm_is_told_by_its_first_and_its_last_line(tmp_path: Path) -> None:
    begin(tmp_path)
    async with bot_api() as api, runner(tmp_path, api) as life:
        for turn in range(30):
            life.tell(f"lost {turn}", Kind.WEATHER)
        await api.message("lost 29")

    lines = [line for line in "\n".join(api.messages).splitlines() if "lost" in line]
    assert [line.partition("lost")[2] for line in lines] == [
        " 0",
        " 29 (the last of 29 such lines)",
    ]


async def test_neither_logs_nor_messages_ever_show_the_token(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    for name in ("httpx", "httpcore", "telegram"):
        logging.getLogger(name).setLevel(logging.DEBUG)

    begin(tmp_path)
    async with bot_api() as api:
        token = api.token
        api.prepared["sendMessage"] = [
            bad_gateway,
            refusal(429, f"slow down {token}", retry_after=1),
            refusal(403, f"Forbidden for {token}"),
        ]
        api.prepared["getUpdates"] = [bad_gateway, refusal(409, f"Conflict with {token}")]
        async with runner(tmp_path, api) as life:
            life.tell(f"cannot reach {api.address}/bot{token}/getMe")
            message = await api.message("cannot reach")
            api.say(f"/pause {token}")
            answer = await api.message("not done")

    assert token not in message.text + answer.text
    assert token not in caplog.text
    assert "Telegram is off" in caplog.text
    assert token.encode() not in (tmp_path / "ctx/installation.telegram.json").read_bytes()
