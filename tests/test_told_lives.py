"""What a person says counts at once, outlives every cut, and leaves the books exact."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from decimal import Decimal
from typing import Any

import pytest

from lib.atomic_json import ContextFile
from lib.control.office import Verb
from lib.control.office_memory import OfficeMemory, Page
from lib.dealing.gate import Gate
from lib.instructions import Instruction
from lib.life import Standing
from tests.disk import HOME
from tests.oco_trade import at_hand
from tests.swinging import swing, with_small_bots
from tests.told_world import Said, ToldWorld
from tests.world import CALM, START, Luck, every_life, live, pairs_of_cuts

Patch = pytest.MonkeyPatch

DUST = Decimal("0.0001")  # of BTC at 61000: about the least that can be sold
ROUGH = Luck(query_lag_ms=500)
SWING = swing(0.01, 120)
HOLDER = {"function": "holder", "symbol": "BTCUSDT", "quantity": "0.01", "close_after": "400s"}
BOTS: Mapping[str, Mapping[str, Any]] = {
    "dips": {
        "function": "dip_buyer",
        "symbol": "BTCUSDT",
        "quantity": "0.01",
        "dip": "0.002",
        "rebound": "0.002",
        "stop": "0.01",
        "patience": "60s",
        "laps": 2,
    },
    "grid": {
        "function": "ladder",
        "symbol": "BTCUSDT",
        "quantity": "0.01",
        "step": "0.001",
        "rungs": 3,
        "fills": 2,
    },
    "holder": {**HOLDER, "by": "LIMIT", "away": "0.001", "trail": "0.003", "on_trail": "move"},
    "bracket": {**HOLDER, "by": "OTOCO", "away": "0.001"},
    "lists": {"function": "list_trader", "symbol": "BTCUSDT", "laps": 2, "patience": "120s"},
}
WORDS: Mapping[str, tuple[Verb, Verb | None, bool]] = {
    "pause": (Verb.PAUSE, Verb.RESUME, False),
    "stop": (Verb.STOP, Verb.START, False),
    "kill": (Verb.KILL, Verb.UNKILL, False),
    "cancel": (Verb.CANCEL, None, False),
    "flatten": (Verb.FLATTEN, None, False),
    "kill and sell": (Verb.KILL, None, True),
}
FORBIDDING = ("pause", "stop", "kill")
SELLING = ("flatten", "kill and sell")


@pytest.fixture(autouse=True)
def _small_bots(monkeypatch: Patch) -> None:
    with_small_bots(monkeypatch)


def told(bot: str, word: str, seed: int, luck: Luck = CALM) -> ToldWorld:
    """Make a world in which the person says a word at some time, and later takes it back."""
    verb, back, flatten = WORDS[word]
    at = 19 + (seed * 37) % 60
    said = [Said(at, verb, flatten=flatten)]
    if back is not None:
        said.append(Said(at + 400, back))
    depth = Decimal("0.004") if seed % 2 else Decimal(1)
    return ToldWorld(seed, {"bot": BOTS[bot]}, luck, said=said, shape=SWING, depth=depth)


def verify(world: ToldWorld, word: str) -> None:
    world.check()
    assert world.standings["bot"] in {Standing.FINISHED, Standing.IDLE}, world.news
    if word in SELLING:
        assert world.locked() == {}
        assert all(abs(held) < DUST for held in world.held("bot").values()), world.held("bot")


def verify_silence(world: ToldWorld, word: str) -> None:
    """Nothing came in that the word forbids, from its answer until it was taken back."""
    came = world.orders_between(world.answered_at(0), world.answered_at(1))
    assert [order for order in came if word == "kill" or order.is_entry] == []


@pytest.mark.parametrize("bot", BOTS)
@pytest.mark.parametrize("word", WORDS)
def test_a_word_in_fair_weather_is_kept_and_the_books_agree(bot: str, word: str) -> None:
    with at_hand_if(bot):
        world = live(told(bot, word, 1))

    verify(world, word)
    if word in FORBIDDING:
        verify_silence(world, word)


@pytest.mark.slow
@pytest.mark.parametrize("bot", BOTS)
@pytest.mark.parametrize("word", FORBIDDING)
def test_nothing_forbidden_comes_in_whenever_the_power_fails(bot: str, word: str) -> None:
    with at_hand_if(bot):
        for world in every_life(lambda: told(bot, word, 2), stride=17):
            verify(world, word)
            verify_silence(world, word)


@pytest.mark.slow
@pytest.mark.parametrize("bot", BOTS)
@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize("seed", range(2))
def test_the_books_agree_in_bad_weather_whenever_the_power_fails(
    bot: str, word: str, seed: int
) -> None:
    with at_hand_if(bot):
        for world in every_life(lambda: told(bot, word, seed, ROUGH), stride=29):
            verify(world, word)


@pytest.mark.slow
@pytest.mark.parametrize("bot", BOTS)
@pytest.mark.parametrize("word", WORDS)
def test_a_word_at_any_instant_is_kept_and_the_books_agree(bot: str, word: str) -> None:
    verb, back, flatten = WORDS[word]
    begins = 12  # the instants before are of a start without a bot

    def spoken(cue: int) -> ToldWorld:
        said = [Said(cue, verb, flatten=flatten, on_cue=True)]
        said += [Said(500, back)] if back is not None else []
        return ToldWorld(4, {"bot": BOTS[bot]}, ROUGH, said=said, shape=SWING)

    with at_hand_if(bot):
        length = min(live(spoken(begins)).instants, 250)
        for cue in range(begins, length, 9):
            verify(live(spoken(cue)), word)


@pytest.mark.slow
@pytest.mark.parametrize("bot", ["dips", "grid", "bracket"])
@pytest.mark.parametrize("word", SELLING)
def test_all_is_sold_after_two_cuts(bot: str, word: str) -> None:
    for world in pairs_of_cuts(lambda: told(bot, word, 3, ROUGH), 3, many=12):
        verify(world, word)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_all_bots_of_an_account_are_sold_and_nothing_of_the_persons(seed: int) -> None:
    ether = {**BOTS["dips"], "symbol": "ETHUSDT", "quantity": "0.1"}
    bots = {"grid": BOTS["grid"], "holder": BOTS["holder"], "ether": ether}

    def made() -> ToldWorld:
        said = [Said(30 + 11 * seed, Verb.KILL, flatten=True)]
        return ToldWorld(seed, bots, ROUGH, said=said, shape=SWING, depth=Decimal("0.02"))

    for world in every_life(made, stride=37):
        world.check()
        assert world.locked() == {}
        left = [held for bot in bots for held in world.held(bot).values()]
        assert all(abs(held) < DUST * 20 for held in left), left
        assert abs(world.balances()["BTC"] - START["BTC"]) < DUST * 2
        assert abs(world.balances()["ETH"] - START["ETH"]) < DUST * 20


def test_a_flattened_bot_begins_anew_and_its_results_are_kept() -> None:
    said = [Said(60, Verb.FLATTEN), Said(100, Verb.START)]
    world = live(ToldWorld(1, {"bot": BOTS["dips"]}, CALM, said=said, shape=SWING))

    world.check()
    births = {client_order_id[14:25] for client_order_id in _ids(world)}
    assert len(births) == 2
    assert world.answer(1) == "bot: begins anew, its results are kept"
    assert world.generation("bot").memory.orders_done == len(world.orders())


def _ids(world: ToldWorld) -> list[str]:
    return [order["clientOrderId"] for order in world.orders()]


@pytest.mark.slow
def test_a_paused_bot_is_quiet_and_plans_anew_when_it_may(monkeypatch: Patch) -> None:
    world = ToldWorld(
        1,
        {"bot": BOTS["dips"]},
        CALM,
        said=[Said(31, Verb.PAUSE, ("bot",)), Said(31 + 3_600, Verb.RESUME, ("bot",))],
        shape=SWING,
    )
    saves: list[int] = []
    save = ContextFile.save

    def noted(file: ContextFile, fields: bytes) -> bool:
        saves.append(world.clock())
        return save(file, fields)

    monkeypatch.setattr(ContextFile, "save", noted)
    live(world)

    pause, resume = world.answered_at(0), world.answered_at(1)
    assert [at for at in saves if pause + 120_000 < at < resume - 1_000] == []
    assert world.standings == {"bot": Standing.FINISHED}
    verify_silence(world, "pause")


def test_a_stopped_bot_keeps_what_protects_it() -> None:
    world = dips(Said(60, Verb.STOP), Said(400, Verb.START))

    buy, sell, *_ = world.orders()
    assert (buy["side"], buy["status"]) == ("BUY", "FILLED")
    assert (sell["side"], sell["status"], sell["type"]) == ("SELL", "FILLED", "LIMIT")
    assert world.answered_at(0) < sell["updateTime"] < world.answered_at(1)


@pytest.mark.slow
def test_a_killed_bot_does_not_cancel_its_own_protection() -> None:
    said = [Said(60, Verb.KILL), Said(2_000, Verb.UNKILL)]
    conf = {**BOTS["holder"], "by": "MARKET", "profit": "0.2", "loss": "0.2", "close_after": "300s"}
    world = ToldWorld(1, {"bot": conf}, CALM, said=said, shape=lambda _: 1.0)
    live(world)

    canceled = [o["updateTime"] for o in world.orders() if o["status"] == "CANCELED"]
    assert canceled
    assert all(at > world.answered_at(1) for at in canceled)
    world.check()


def test_a_word_to_a_bot_not_yet_born_counts_from_its_birth() -> None:
    said = [Said(1, Verb.PAUSE, ("bot",)), Said(300, Verb.RESUME, ("bot",))]
    world = live(ToldWorld(1, {"bot": BOTS["dips"]}, CALM, said=said, shape=SWING))

    assert world.answer(0) == "bot: paused: no new entries, exits and protection go on"
    assert min(order.at for order in world.accepted.values()) > world.answered_at(1)
    office = OfficeMemory.open(HOME / "ctx", disk=world.disk)
    assert office.page.unborn == {}  # a later life under this name is told nothing of it
    world.check()


def test_a_bot_added_while_all_are_killed_does_not_trade() -> None:
    said = [Said(1, Verb.KILL), Said(300, Verb.UNKILL)]
    world = live(ToldWorld(1, {"bot": BOTS["dips"]}, CALM, said=said, shape=SWING))

    assert min(order.at for order in world.accepted.values()) > world.answered_at(1)
    world.check()


# --- a check that is dropped is noticed


def dips(*said: Said) -> ToldWorld:
    """Make a world whose bot has a buy open from 21 to 29 s, and sells at 99 s."""
    return live(ToldWorld(1, {"bot": BOTS["dips"]}, CALM, said=said, shape=SWING))


@pytest.mark.slow
def test_a_gate_that_is_left_open_is_caught(monkeypatch: Patch) -> None:
    async def open_gate(*_: object) -> None:
        return

    said = Said(60, Verb.PAUSE), Said(400, Verb.RESUME)
    verify_silence(dips(*said), "pause")
    monkeypatch.setattr(Gate, "wait", open_gate)
    monkeypatch.setattr(Gate, "refusal", lambda *_: "")

    with pytest.raises(AssertionError):
        verify_silence(dips(*said), "pause")


@pytest.mark.slow
def test_a_stopped_bot_has_its_entry_canceled_at_once(monkeypatch: Patch) -> None:
    said = Said(25, Verb.STOP), Said(400, Verb.START)

    first, *_ = dips(*said).orders()
    assert (first["status"], first["executedQty"]) == ("CANCELED", "0.00000000")
    monkeypatch.setattr(Gate, "why_end", lambda *_: "")
    first, *_ = dips(*said).orders()
    assert first["status"] == "FILLED"


def test_an_answer_that_comes_before_the_save_is_caught(monkeypatch: Patch) -> None:
    async def hasty(memory: OfficeMemory, changed: Callable[[Page], dict[str, Any]]) -> None:
        memory.page = memory.page.model_copy(update=changed(memory.page))

    monkeypatch.setattr(OfficeMemory, "change", hasty)

    with pytest.raises(AssertionError, match="answered before it was saved"):
        dips(Said(60, Verb.KILL), Said(400, Verb.UNKILL)).check()


def test_the_instruction_is_in_the_file_of_the_bot() -> None:
    world = told("dips", "flatten", 1)
    live(world)

    generation = world.generation("bot")
    assert generation.instruction is Instruction.FLATTEN
    assert generation.told_by == "a person"
    assert generation.context["before"].startswith("{")


def at_hand_if(bot: str) -> AbstractContextManager[None]:
    """Have the list trader be found where it is the one that is told."""
    return at_hand() if bot == "lists" else nullcontext()
