"""A Bot API on loopback for the unmodified library: keeps what is said until it is confirmed, takes
messages, counts, and fails as it is told to. It outlives the runners that talk to it.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Any

from aiohttp import web

TOKEN = "123456789:AAF-abcdefghijklmnopqrstuvwxyz01234"
ME, STRANGER, GROUP = 4711, 666, -100
POLL_MAX = 0.2  # seconds, whatever is asked for

Answer = Callable[[], Awaitable[web.StreamResponse]]


def refusal(status: int, description: str, **parameters: int) -> Answer:
    """Answer as Telegram does when it does not do something."""

    async def answer() -> web.Response:
        body: dict[str, Any] = {"ok": False, "error_code": status, "description": description}
        if parameters:
            body["parameters"] = parameters
        return web.json_response(body, status=status)

    return answer


async def bad_gateway() -> web.Response:
    return web.Response(status=502, text="<html>502</html>")


@dataclass
class Sent:
    """One message as it arrived."""

    chat: str
    text: str
    number: int
    at: int
    buttons: dict[str, str] = field(default_factory=dict)  # what a press of each word says


@dataclass
class BotApi:
    """Telegram. `prepared` answers come first, by method, one call each."""

    token: str = TOKEN
    port: int = 0
    clock: int = 1_790_000_000  # s, moved by the test
    prepared: dict[str, list[Answer]] = field(default_factory=dict)
    lose_replies: int = 0  # of so many sendMessage calls: done, and the connection breaks
    repeat: int = 0  # so many times what is confirmed is delivered all the same
    sent: list[Sent] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    toasts: list[str] = field(default_factory=list)
    closed: list[int] = field(default_factory=list)  # questions whose buttons were taken away
    offered: list[dict[str, str]] = field(default_factory=list)
    asked_for: list[dict[str, str]] = field(default_factory=list)  # the parameters of getUpdates
    dated: bool = True
    patience: float = 10  # seconds
    _updates: list[dict[str, Any]] = field(default_factory=list)
    _number: int = 700
    _news: asyncio.Event = field(default_factory=asyncio.Event)
    _runner: web.AppRunner | None = None

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def messages(self) -> list[str]:
        return [each.text for each in self.sent]

    @property
    def unconfirmed(self) -> list[int]:
        return [update["update_id"] for update in self._updates]

    async def start(self) -> None:
        app = web.Application()
        app.router.add_post("/bot{token}/{method}", self._answer)
        app.on_response_prepare.append(self._date)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.01)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port).start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        assert self._runner is not None
        await self._runner.cleanup()

    # --- what people do

    def say(self, text: str, *, chat: int = ME, sender: int = ME, name: str = "Ann") -> int:
        """Say something to the bot."""
        message = self._message(chat, text) | {"from": _person(sender, name)}
        if text.startswith("/"):
            length = len(text.split()[0])
            message["entities"] = [{"type": "bot_command", "offset": 0, "length": length}]
        return self._put({"message": message})

    def press(self, word: str, *, sender: int = ME, message: Sent | None = None) -> int:
        """Press a button of the newest message that has it."""
        shown = message or next(each for each in reversed(self.sent) if word in each.buttons)
        query = {
            "id": str(len(self.calls) + 9_000),
            "from": _person(sender, "Ann"),
            "chat_instance": "1",
            "data": shown.buttons[word],
            "message": {
                "message_id": shown.number,
                "date": shown.at,
                "chat": _chat(int(shown.chat)),
                "text": shown.text,
            },
        }
        return self._put({"callback_query": query})

    def _put(self, update: dict[str, Any]) -> int:
        self._number += 1
        self._updates.append({"update_id": self._number, **update})
        self._news.set()
        return self._number

    def _message(self, chat: int, text: str) -> dict[str, Any]:
        number = 10_000 + self._number
        return {"message_id": number, "date": self.clock, "chat": _chat(chat), "text": text}

    # --- what the test waits for

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait until something is so."""
        async with asyncio.timeout(self.patience):
            while not condition():
                await asyncio.sleep(0.005)

    async def message(self, part: str, after: int = 0) -> Sent:
        """Wait for a message with these words that comes after so many."""
        try:
            await self.until(lambda: any(part in each.text for each in self.sent[after:]))
        except TimeoutError:
            raise AssertionError(f"no {part!r} among {self.messages[after:]}") from None
        return next(each for each in self.sent[after:] if part in each.text)

    # --- what the library asks

    async def _date(self, _: web.Request, response: web.StreamResponse) -> None:
        response.headers["Date"] = formatdate(self.clock, usegmt=True) if self.dated else "never"

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        method = request.match_info["method"]
        self.calls.append(method)
        if request.match_info["token"] != self.token:
            return await refusal(401, "Unauthorized")()
        if self.prepared.get(method):
            return await self.prepared[method].pop(0)()
        given = {name: str(value) for name, value in (await request.post()).items()}
        match method:
            case "getMe":
                return _done({"id": 1, "is_bot": True, "first_name": "b", "username": "bots_bot"})
            case "getUpdates":
                return await self._get_updates(given)
            case "sendMessage":
                return self._send(request, given)
            case "answerCallbackQuery":
                self.toasts.append(given.get("text", ""))
            case "editMessageReplyMarkup":
                self.closed.append(int(given["message_id"]))
                return _done(self._message(int(given["chat_id"]), "closed"))
            case "setMyCommands":
                self.offered = json.loads(given["commands"])
            case other:
                raise AssertionError(f"nobody expected {other}")
        return _done(True)

    async def _get_updates(self, given: dict[str, str]) -> web.Response:
        self.asked_for.append(given)
        offset = int(given.get("offset", 0))
        if self.repeat:
            self.repeat -= 1
        else:
            self._updates = [each for each in self._updates if each["update_id"] >= offset]
        if not self._updates and int(given.get("timeout", 0)):
            self._news.clear()
            try:
                async with asyncio.timeout(POLL_MAX):
                    await self._news.wait()
            except TimeoutError:
                pass
        return _done(self._updates[:100])

    def _send(self, request: web.Request, given: dict[str, str]) -> web.Response:
        shown = json.loads(given.get("reply_markup", '{"inline_keyboard": []}'))
        buttons = {
            button["text"]: button["callback_data"]
            for row in shown["inline_keyboard"]
            for button in row
        }
        assert all(1 <= len(said.encode()) <= 64 for said in buttons.values())
        assert len(given["text"].encode("utf-16-le")) // 2 <= 4096
        number = 1 + len(self.sent)
        self.sent.append(Sent(given["chat_id"], given["text"], number, self.clock, buttons))
        if self.lose_replies:
            self.lose_replies -= 1
            assert request.transport is not None
            request.transport.abort()
        return _done(self._message(ME, given["text"]))


def _done(result: object) -> web.Response:
    return web.json_response({"ok": True, "result": result})


def _chat(number: int) -> dict[str, Any]:
    if number < 0:
        return {"id": number, "type": "supergroup", "title": "us"}
    return {"id": number, "type": "private", "first_name": "Ann"}


def _person(number: int, name: str) -> dict[str, Any]:
    return {"id": number, "is_bot": False, "first_name": name}


@asynccontextmanager
async def bot_api() -> AsyncIterator[BotApi]:
    api = BotApi()
    await api.start()
    try:
        yield api
    finally:
        await api.stop()
