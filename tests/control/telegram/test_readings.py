"""What the chat is asked is answered at once, in lines that fit a phone."""

import re
from pathlib import Path

import pytest

from lib.control.census import Census
from lib.control.telegram.words import ACTING, HELP, READING, help_text, offered
from lib.journal.file import JournalFile
from lib.journal.rows import Row
from lib.news import Kind, News
from tests.control.folder import ROOT
from tests.control.telegram.bot_api import BotApi, bot_api
from tests.control.telegram.runner import AT, Runner, begin, runner

pytestmark = pytest.mark.asyncio

PHONE = 36  # signs in a line
PAGE = ROOT / "docs/telegram.md"


def fill(number: int, **more: object) -> Row:
    facts: dict[str, object] = {
        "event": "fill", "at": AT, "local_time": "", "learned": 0, "bot": "lisa",
        "algorithm": "", "timeframe": "", "venue": "paper", "account": "4711", "reason": "",
        "comment": "", "state_before": "", "state_after": "", "symbol": "BTCUSDT",
        "base_asset": "BTC", "quote_asset": "USDT", "side": "BUY", "fill_quantity": "0.01",
        "fill_price": "60000", "fill_quote": "600", "fee": "0.002", "fee_asset": "BNB",
        "trade_id": number, "order_id": number, "key": str(number),
    }  # fmt: skip
    return Row(**{**facts, **more})  # type: ignore[arg-type]


async def asked(api: BotApi, text: str) -> str:
    """Say something; answer what comes back."""
    before = len(api.sent)
    api.say(text)
    await api.until(lambda: len(api.sent) > before)
    return api.sent[before].text


async def settle(api: BotApi, life: Runner) -> None:
    """Wait until each bot has its order in the book, and nothing is on its way."""
    floor, census = life.supervisor.floor, Census(life.supervisor)
    await api.until(lambda: floor.mirror.account is not None and not floor.mirror.stale)
    await api.until(lambda: census.count().orders_out == len(life.supervisor.lives))
    await api.until(lambda: not census.count().orders_in_doubt)


async def test_every_question_is_answered_in_short_lines(tmp_path: Path) -> None:
    begin(tmp_path)
    journal = JournalFile(tmp_path / "journal.sqlite")
    journal.append([fill(1), fill(2, side="SELL", bot="bob")])
    journal.close()
    async with bot_api() as api, runner(tmp_path, api) as life:
        await settle(api, life)
        answers = {word: await asked(api, f"/{word}") for word in READING}
        answers["bot lisa"] = await asked(api, "/bot lisa")
        answers["trades bob"] = await asked(api, "/trades bob")
        answers[HELP] = await asked(api, "/help")

    assert answers["bots"] == "bob: running\nlisa: running"
    assert answers["status"].startswith("simulation, paper: no real money\n2 running\n")
    assert "100000 USDT" in answers["balance"]
    assert answers["profit"].startswith("lisa: +7 USDT\nall bots:\nrealised +7 USDT")
    assert "realised +7 USDT" in answers["bot lisa"]
    assert answers["trades"].count("14 Nov 22:13") == 2
    assert answers["trades bob"] == ("14 Nov 22:13 bob\n  sold 0.01 BTC\n  at 60000, fee 0.002 BNB")
    assert answers["mode"] == "simulation, paper: no real money"
    assert answers["bot"] == "which one? /bot NAME"
    long = [
        line
        for word, text in answers.items()
        for line in text.splitlines()
        if len(line) > PHONE and word not in {"log", "bot lisa", "balance"}
    ]
    assert long == []


async def test_a_killed_program_says_so_to_whoever_asks(tmp_path: Path) -> None:
    begin(tmp_path)
    async with bot_api() as api, runner(tmp_path, api):
        await asked(api, "/kill")

        assert (
            await asked(api, "/mode") == "simulation, paper: no real money\nkilled: no order leaves"
        )


async def test_before_the_exchange_was_reached_questions_are_answered_all_the_same(
    tmp_path: Path,
) -> None:
    begin(tmp_path)
    async with bot_api() as api, runner(tmp_path, api) as life:
        life.supervisor.floor.mirror.account = None
        for word in READING:
            assert await asked(api, f"/{word}")


async def test_a_bot_that_is_asked_about_must_exist(tmp_path: Path) -> None:
    begin(tmp_path)
    async with bot_api() as api, runner(tmp_path, api):
        for word in ("bot", "orders", "trades", "log"):
            assert await asked(api, f"/{word} lise") == "there is no bot lise: lisa?"


async def test_the_app_is_offered_every_command_that_is_understood(tmp_path: Path) -> None:
    begin(tmp_path)
    async with bot_api() as api, runner(tmp_path, api):
        await api.until(lambda: api.offered)

    names = [each["command"] for each in api.offered]
    assert names == [*READING, *ACTING, HELP]
    assert all(re.fullmatch("[a-z0-9_]{1,32}", name) for name in names)
    assert all(1 <= len(words) <= 256 for _, words in offered())
    assert all(f"/{name} " in help_text() for name in names if name != HELP)


async def test_the_chat_in_the_documents_is_one_that_took_place(tmp_path: Path) -> None:
    begin(tmp_path)
    shown: list[str] = []

    async with bot_api() as api, runner(tmp_path, api) as life:
        await settle(api, life)

        async def say(text: str) -> None:
            shown.append(f"you: {text}")
            shown.append(_told(await asked(api, text)))

        async def press(word: str, answer: str) -> None:
            before = len(api.sent)
            shown.append(f"[{'] ['.join(api.sent[-1].buttons)}]")
            shown.append(f"you press: {word}")
            api.press(word)
            shown.append(_told((await api.message(answer, after=before)).text))

        life.telegram(News(AT, "lisa", Kind.FILL, "bought 0.01 BTC at 60000 for 600 USDT"))
        shown.append(_told((await api.message("bought")).text))
        await say("/bots")
        await say("/profit")
        await say("/pause lisa")
        await say("/flatten lisa")
        await press("Yes, flatten", "lisa: ")
        await say("/mode")

    transcript = "\n".join(shown)
    page = PAGE.read_text(encoding="utf-8")
    assert f"```\n{transcript}\n```" in page, transcript


def _told(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.splitlines())
