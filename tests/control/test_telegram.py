"""What reaches the chat, against a Bot API of our own on loopback."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from aiohttp import web

from lib.control.telegram import LENGTH_MAX, LINES_MAX, SENT, Outbox, Telegram
from lib.news import Kind, News
from lib.redaction import Redactor, Secret

TOKEN = "123456789:AAF-abcdefghijklmnopqrstuvwxyz01234"
CHAT_ID = "4711"
AT = 1_700_000_000_000  # 22:13:20 UTC

Answer = Callable[[], Awaitable[web.Response]]


def refusal(status: int, description: str, **parameters: int) -> Answer:
    async def answer() -> web.Response:
        body = {"ok": False, "error_code": status, "description": description}
        if parameters:
            body["parameters"] = parameters
        return web.json_response(body, status=status)

    return answer


async def bad_gateway() -> web.Response:
    return web.Response(status=502, text="<html>502</html>")


@dataclass
class BotApi:
    """Telegram: takes messages, or answers what the test prepared first."""

    prepared: list[Answer] = field(default_factory=list)
    chats: list[str] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)
    attempts: int = 0
    port: int = 0
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    _runner: web.AppRunner | None = None

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/bot"

    async def start(self) -> None:
        app = web.Application()
        app.router.add_post("/bot{token}/sendMessage", self._take)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        assert self._runner is not None
        await self._runner.cleanup()

    async def _take(self, request: web.Request) -> web.Response:
        self.attempts += 1
        if self.prepared:
            return await self.prepared.pop(0)()
        if request.match_info["token"] != TOKEN:
            return await refusal(401, "Unauthorized")()
        form = await request.post()
        self.chats.append(str(form["chat_id"]))
        self.messages.append(str(form["text"]))
        self.arrived.set()
        chat = {"id": 4711, "type": "private"}
        return web.json_response({
            "ok": True,
            "result": {"message_id": len(self.messages), "date": 1, "chat": chat},
        })

    async def next_message(self) -> str:
        await self.arrived.wait()
        self.arrived.clear()
        return self.messages[-1]


@dataclass
class Pauses:
    """A sleep that only notes how long it was asked for."""

    taken: list[float] = field(default_factory=list)

    async def __call__(self, seconds: float) -> None:
        self.taken.append(seconds)
        await asyncio.sleep(0)


@pytest.fixture
def pauses() -> Pauses:
    return Pauses()


@asynccontextmanager
async def bot_api() -> AsyncIterator[BotApi]:
    api = BotApi()
    await api.start()
    try:
        yield api
    finally:
        await api.stop()


def telegram(api: BotApi, pauses: Pauses, *, token: str = TOKEN, venue: str = "paper") -> Telegram:
    secret = Secret(token)
    return Telegram(
        secret,
        CHAT_ID,
        venue=venue,
        redactor=Redactor([secret]),
        base_url=api.base_url,
        sleep=pauses,
        weather_pause=0.05,
    )


@asynccontextmanager
async def running(sink: Telegram) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(sink.run())
    try:
        async with asyncio.timeout(20):
            yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def news(text: str, kind: Kind = Kind.FILL, bot: str = "lisa") -> News:
    return News(AT, bot, kind, text)


@pytest.mark.asyncio
async def test_what_waits_goes_into_one_message_to_the_chat(pauses: Pauses) -> None:
    async with bot_api() as api:
        sink = telegram(api, pauses)
        sink(news("bought 0.5"))
        sink(news("bad key", Kind.WARNING, bot=""))
        sink(news("books disagree", Kind.PARKED))
        async with running(sink):
            message = await api.next_message()

    assert message == (
        "paper\n"
        "22:13:20 lisa: bought 0.5\n"
        "22:13:20 the runner, warning: bad key\n"
        "22:13:20 lisa needs you: books disagree"
    )
    assert api.chats == [CHAT_ID]


@pytest.mark.asyncio
async def test_every_message_of_a_live_runner_says_so(pauses: Pauses) -> None:
    async with bot_api() as api:
        sink = telegram(api, pauses, venue="live")
        async with running(sink):
            for turn in range(3):
                sink(news(f"sold {turn}"))
                await api.next_message()

    assert len(api.messages) == 3
    assert all(message.startswith("LIVE, real money\n") for message in api.messages)


@pytest.mark.asyncio
async def test_plans_and_orders_stay_at_home(pauses: Pauses) -> None:
    async with bot_api() as api:
        sink = telegram(api, pauses)
        for kind in Kind:
            sink(news(f"kind {kind}", kind))
        async with running(sink):
            message = await api.next_message()

    told = {kind for kind in Kind if f"kind {kind}" in message}
    assert told == SENT == set(Kind) - {Kind.PLAN, Kind.ORDER}


@pytest.mark.asyncio
async def test_what_happened_while_telegram_was_down_is_sent_when_it_is_back(
    pauses: Pauses, caplog: pytest.LogCaptureFixture
) -> None:
    async with bot_api() as api:
        await api.stop()
        sink = telegram(api, pauses)
        sink(news("bought"))
        async with running(sink):
            while len(pauses.taken) < 8:
                await asyncio.sleep(0.01)
            sink(news("sold"))
            await api.start()
            messages = [await api.next_message(), await api.next_message()]

    assert ["bought" in messages[0], "sold" in messages[1]] == [True, True]
    assert pauses.taken[:8] == [1, 2, 5, 10, 30, 60, 60, 60]
    assert len([record for record in caplog.records if "cannot be reached" in record.message]) == 1
    assert len([record for record in caplog.records if "is back" in record.message]) == 1


@pytest.mark.asyncio
async def test_a_gateway_in_trouble_costs_no_message_and_repeats_none(pauses: Pauses) -> None:
    async with bot_api() as api:
        api.prepared = [bad_gateway, bad_gateway, bad_gateway]
        sink = telegram(api, pauses)
        sink(news("bought"))
        async with running(sink):
            await api.next_message()
            await asyncio.sleep(0.02)

    assert len(api.messages) == 1
    assert api.attempts == 4


@pytest.mark.asyncio
async def test_waits_as_long_as_telegram_demands(pauses: Pauses) -> None:
    async with bot_api() as api:
        api.prepared = [refusal(429, "Too Many Requests: retry after 17", retry_after=17)]
        sink = telegram(api, pauses)
        sink(news("bought"))
        async with running(sink):
            await api.next_message()

    assert pauses.taken[0] == 17


@pytest.mark.asyncio
async def test_a_wrong_token_switches_telegram_off_with_one_warning(
    pauses: Pauses, caplog: pytest.LogCaptureFixture
) -> None:
    async with bot_api() as api:
        sink = telegram(api, pauses, token=TOKEN[:-1] + "x")
        sink(news("bought"))
        async with running(sink) as task:
            await task
            sink(news("sold"))

    assert sink.off
    assert api.attempts == 1
    assert [record.message for record in caplog.records] == [
        "Telegram is off, the bots go on: it does not know TELEGRAM_TOKEN"
    ]


@pytest.mark.parametrize(
    "answer",
    [
        refusal(400, "Bad Request: chat not found"),
        refusal(403, "Forbidden: bot was blocked by the user"),
    ],
    ids=["not found", "blocked"],
)
@pytest.mark.asyncio
async def test_a_chat_that_refuses_us_switches_telegram_off(answer: Answer, pauses: Pauses) -> None:
    async with bot_api() as api:
        api.prepared = [answer]
        sink = telegram(api, pauses)
        sink(news("bought"))
        async with running(sink) as task:
            await task

    assert sink.off
    assert api.messages == []


@pytest.mark.parametrize("status", [401, 403, 404])
@pytest.mark.asyncio
async def test_a_proxy_that_refuses_us_is_not_taken_for_telegram(
    status: int, pauses: Pauses
) -> None:
    async def login_page() -> web.Response:
        return web.Response(status=status, text="<html>please log in</html>")

    async with bot_api() as api:
        api.prepared = [login_page]
        sink = telegram(api, pauses)
        sink(news("bought"))
        async with running(sink):
            await api.next_message()

    assert not sink.off
    assert len(api.messages) == 1


@pytest.mark.asyncio
async def test_a_message_refused_for_its_content_does_not_block_the_next(pauses: Pauses) -> None:
    async with bot_api() as api:
        api.prepared = [refusal(400, "Bad Request: message text is empty")]
        sink = telegram(api, pauses)
        sink(news("odd"))
        async with running(sink):
            while not api.attempts:
                await asyncio.sleep(0.01)
            sink(news("even"))
            message = await api.next_message()

    assert "even" in message
    assert "odd" not in message


@pytest.mark.asyncio
async def test_follows_a_group_that_became_a_supergroup(pauses: Pauses) -> None:
    async with bot_api() as api:
        api.prepared = [refusal(400, "upgraded", migrate_to_chat_id=-100_500)]
        sink = telegram(api, pauses)
        sink(news("bought"))
        async with running(sink):
            await api.next_message()

    assert api.chats == ["-100500"]


@pytest.mark.asyncio
async def test_the_sink_returns_at_once_while_telegram_hangs(pauses: Pauses) -> None:
    released = asyncio.Event()

    async def hang() -> web.Response:
        await released.wait()
        return await bad_gateway()

    async with bot_api() as api:
        api.prepared = [hang]
        sink = telegram(api, pauses)
        sink(news("first"))
        async with running(sink):
            while not api.attempts:
                await asyncio.sleep(0.01)
            began = asyncio.get_running_loop().time()
            for turn in range(LINES_MAX + 50):
                sink(news(f"trade {turn}"))
            took = asyncio.get_running_loop().time() - began
            released.set()
            messages = [await api.next_message(), await api.next_message()]

    assert took < 0.2
    assert "first" in messages[0]
    assert messages[1].startswith("paper\n(50 older lines were dropped)\n22:13:20 lisa: trade 50\n")


@pytest.mark.asyncio
async def test_a_storm_is_told_by_its_first_and_its_last_line(pauses: Pauses) -> None:
    async with bot_api() as api:
        sink = telegram(api, pauses)
        for turn in range(30):
            sink(news(f"lost {turn}", Kind.WEATHER))
        async with running(sink):
            told = await api.next_message()
            while "lost 29" not in told:  # in one message, or in two: that is the network's pace
                told = f"{told}\n{await api.next_message()}"

    lines = [line for line in told.splitlines() if "lost" in line]
    assert [line.partition("lost")[2] for line in lines] == [
        " 0",
        " 29 (the last of 29 such lines)",
    ]


@pytest.mark.asyncio
async def test_neither_logs_nor_messages_ever_show_the_token(
    pauses: Pauses, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    for name in ("httpx", "httpcore", "telegram"):
        logging.getLogger(name).setLevel(logging.DEBUG)

    async with bot_api() as api:
        api.prepared = [bad_gateway, refusal(429, f"slow down {TOKEN}", retry_after=1)]
        sink = telegram(api, pauses)
        sink(news(f"cannot reach {api.base_url}{TOKEN}/getMe"))
        async with running(sink):
            message = await api.next_message()
        api.prepared = [refusal(403, f"Forbidden for {TOKEN}")]
        sink(news("bought"))
        async with running(sink) as task:
            await task

    assert TOKEN not in message
    assert TOKEN not in caplog.text
    assert "Telegram is off" in caplog.text


@pytest.mark.parametrize("line", ["x" * 9000, "😀" * 5000, "a\ud800b" * 3000])
def test_no_message_is_longer_than_telegram_takes(line: str) -> None:
    outbox = Outbox()
    for text in ("short", line.encode("utf-8", "replace").decode(), "short"):
        outbox.put(text)

    messages = [outbox.message("paper") for _ in range(3)]

    assert [len(text.encode("utf-16-le")) // 2 <= LENGTH_MAX for text in messages] == [True] * 3
    assert [text.startswith("paper\n") for text in messages] == [True] * 3


def test_a_text_that_is_no_valid_unicode_is_still_told() -> None:
    sink = Telegram(Secret(TOKEN), CHAT_ID, venue="paper", redactor=Redactor())

    sink(news("lone \ud800 surrogate"))

    assert "lone ? surrogate" in sink._outbox.message("paper")
