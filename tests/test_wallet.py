"""A wallet is its budget and its bot's own trades, whatever happens, whenever the power fails."""

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest

import lib.wallet
from lib.context_file.generation import Generation
from lib.ids import bot_tag, parse_id
from lib.life import Standing
from lib.news import Kind
from lib.orders import orders_inside
from lib.wallet import moved, positions
from lib.wallets import Wallets
from tests.disk import Cut
from tests.test_life import Story
from tests.test_life import bot as section
from tests.world import CALM, Luck, World, every_life, live, pairs_of_cuts

Patch = pytest.MonkeyPatch
Amounts = dict[str, Decimal]
ZERO = Decimal(0)
ROUGH = Luck(requests=4, events=3, stream_loss=80)
DIPS: dict[str, Any] = {
    "function": "dip_buyer",
    "symbol": "BTCUSDT",
    "quantity": "50%",
    "dip": "0.001",
    "rebound": "0.001",
    "stop": "0.002",
    "patience": "5s",
    "laps": 2,
}
BUYS: dict[str, Any] = {
    "function": "infinite",
    "bot": "add_order",
    "conf": {"order": {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.002"}},
    "loop": 2,
}
BUDGETS = {"dip": Decimal(1_000), "soak": None}
BOTS = {"dip": {**DIPS, "budget": 1_000}, "soak": BUYS}


def trades(world: World) -> dict[str, Amounts]:
    """Add up the exchange's own trades by the bot whose id they carry, fees included."""
    found: dict[str, Amounts] = {}
    for order in world.orders():
        own = parse_id(order["clientOrderId"])
        assert own is not None
        amounts = found.setdefault(own.bot, {})
        asked = world._asked("myTrades", symbol=order["symbol"], orderId=str(order["orderId"]))
        for trade in asked:
            sign = 1 if trade["isBuyer"] else -1
            base = order["symbol"].removesuffix("USDT")
            for asset, amount in (
                (base, sign * Decimal(trade["qty"])),
                ("USDT", -sign * Decimal(trade["quoteQty"])),
                (trade["commissionAsset"], -Decimal(trade["commission"])),
            ):
                amounts[asset] = amounts.get(asset, ZERO) + amount
    return found


def without_zeros(amounts: Amounts) -> Amounts:
    return {asset: amount for asset, amount in amounts.items() if amount}


def wallet_on_disk(generation: Generation) -> Amounts:
    return without_zeros(moved(generation.memory, orders_inside(generation.context)))


def disagreements(world: World) -> Iterator[str]:
    """Say where a wallet is not what the exchange's trades make of it."""
    by_tag = trades(world)
    for name in world.standings:
        generation = world.generation(name)
        ours, theirs = wallet_on_disk(generation), without_zeros(by_tag.get(bot_tag(name), {}))
        if ours != theirs:
            yield f"{name} has {ours}, its trades make {theirs}"
        for symbol, position in positions(
            generation.memory, orders_inside(generation.context)
        ).items():
            base, quote = generation.memory.assets[symbol]
            if position.quantity != ours.get(base, ZERO):
                yield f"{name} holds {ours}, its position is {position}"
            if position.realised - position.cost != ours.get(quote, ZERO):
                yield f"{name} realised {position}, its wallet moved by {ours}"


def campaign(seed: int, *, stride: int, many: int) -> Iterator[World]:
    make: Callable[[], World] = lambda: World(seed, BOTS, ROUGH)  # noqa: E731
    yield from every_life(make, stride=stride)
    yield from pairs_of_cuts(make, seed, many=many)


def breach(worlds: Iterator[World]) -> str:
    """Answer the first thing that is wrong with a wallet; empty if nothing is."""
    for world in worlds:
        for wrong in disagreements(world):
            return wrong
        for name, standing in world.standings.items():
            if standing is not Standing.FINISHED:
                return f"{name} is {standing}: {world.generation(name).parked}"
    return ""


def test_the_wallets_of_two_bots_are_what_their_own_trades_make_of_them() -> None:
    world = live(World(1, BOTS, CALM))

    assert list(disagreements(world)) == []
    assert {trade["BTC"] for trade in trades(world).values()} != {ZERO}


@pytest.mark.slow
@pytest.mark.parametrize(
    "seed", [0, *(pytest.param(each, marks=pytest.mark.long) for each in (1, 2))]
)
def test_a_wallet_is_the_budget_and_the_bots_own_trades_whenever_the_power_fails(
    seed: int,
) -> None:
    assert breach(campaign(seed, stride=3, many=12)) == ""


# --- in a life that is cut in the middle of a fill


def wallet_of(story: Story, name: str) -> Amounts:
    """Look at a wallet of the program that lives now."""
    assert story.life is not None
    assert story.life.supervisor is not None
    return story.life.supervisor.floor.wallets.of(name).totals


def partly_filled(story: Story) -> None:
    """Let somebody sell a little to a buy that rests at 60000."""
    at, size = Decimal(59_990), Decimal("0.0004")
    story.exchange.market_trade("BTCUSDT", at, size, buyer_is_maker=True, time=story.clock())


def wallets_around_a_cut() -> tuple[Story, list[Amounts]]:
    """Fill a part of a resting buy, cut the power, look again in the next life."""
    story = Story(3, {"rests": section("steady", price=60_000, quantity="0.002", budget=500)})
    story.volatility = 0.0
    seen: list[Amounts] = []
    story.after(20, lambda: partly_filled(story))
    story.after(25, lambda: seen.append(wallet_of(story, "rests")))
    story.live_for(30, Cut.POWER)
    story.after(20, lambda: seen.append(wallet_of(story, "rests")))
    story.live_for(25)
    return story, seen


def test_a_part_that_was_filled_is_in_the_wallet_before_and_after_a_power_cut() -> None:
    story, seen = wallets_around_a_cut()

    moved_there = trades(story)[bot_tag("rests")]
    assert moved_there["BTC"] > 0
    expected = without_zeros({**moved_there, "USDT": moved_there["USDT"] + 500})
    assert seen == [expected, expected]


# --- more is wanted than there is


def test_a_bot_whose_order_is_beyond_its_budget_is_refused_and_nothing_is_bought() -> None:
    poor = {**BUYS, "conf": {"order": {**BUYS["conf"]["order"], "quantity": "0.01"}}}

    world = live(World(5, {"soak": {**poor, "budget": 300}}, CALM))

    parked = world.generation("soak").parked
    assert parked is not None
    assert "its wallet has 300 free (budget 300)" in parked.reason
    assert world.orders() == []


def test_a_bot_without_a_budget_leaves_what_budgets_reserve() -> None:
    rich = {"laps": 1, **DIPS, "quantity": "0.01", "budget": 99_900}

    world = live(World(6, {"dip": rich, "soak": BUYS}, CALM))

    parked = world.generation("soak").parked
    assert parked is not None
    assert "belong to no other bot" in parked.reason
    assert bot_tag("soak") not in trades(world)
    assert world.standings["dip"] is Standing.FINISHED


def test_coins_of_the_person_stay_theirs_unless_the_section_says_otherwise() -> None:
    selling = {**BUYS["conf"]["order"], "side": "SELL"}
    bots = {
        name: {"function": "add_order", "order": selling, "may_sell_your_coins": told}
        for name, told in (("asked", True), ("unasked", False))
    }

    world = live(World(7, bots, CALM))

    parked = world.generation("unasked").parked
    assert parked is not None
    assert "may not sell your own coins" in parked.reason
    assert trades(world).keys() == {bot_tag("asked")}


def test_more_promised_than_the_account_has_is_told_once_at_the_start() -> None:
    world = live(World(8, {"dip": {**DIPS, "budget": 150_000}, "soak": BUYS}, CALM))

    told = [news.text for news in world.news if news.kind is Kind.WARNING]
    assert [text for text in told if "promise 150000 USDT (dip 150000)" in text] == told[:1]
    assert "the account has 100000" in told[0]


def test_a_budget_of_no_clear_asset_holds_its_bot_back_alone(monkeypatch: Patch) -> None:
    from bots.infinite import Conf

    monkeypatch.setattr(Conf, "symbols", ("BTCUSDT", "NOPE"))
    both = {"dip": {**DIPS, "laps": 1}, "soak": {**BUYS, "budget": 5}}
    monkeypatch.setattr("lib.floor.Floor.quote_assets", {"BTCUSDT": "USDT", "NOPE": "EUR"})

    world = live(World(9, both, CALM))

    assert world.standings == {"dip": Standing.FINISHED}
    assert any("of which asset" in news.text for news in world.news if news.bot == "soak")


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(20, 23))
def test_no_budget_is_overspent_whenever_the_power_fails(seed: int) -> None:
    poor = {"soak": {**BUYS, "loop": 5, "budget": 300}}

    for world in every_life(lambda: World(seed, poor, ROUGH), stride=4):
        (amounts,) = trades(world).values()
        assert 0 < -amounts["USDT"] <= 300
        assert world.standings == {"soak": Standing.PARKED}


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(30, 33))
def test_what_budgets_reserve_is_left_alone_whenever_the_power_fails(seed: int) -> None:
    rich = {**DIPS, "quantity": "0.01", "laps": 1, "budget": 99_700}
    both = {"dip": rich, "soak": {**BUYS, "loop": 5}}

    for world in every_life(lambda: World(seed, both, ROUGH), stride=9):
        spent = -trades(world).get(bot_tag("soak"), {"USDT": ZERO})["USDT"]
        assert spent <= 300
        assert world.standings["dip"] is Standing.FINISHED


# --- mutants: each safeguard taken away must show


def spent_beyond_a_budget() -> str:
    """Answer what a bot bought that its budget could not pay; empty if it was refused."""
    poor = {**BUYS, "loop": 5, "budget": 300}
    world = live(World(11, {"soak": poor}, CALM))
    spent = -sum((amounts["USDT"] for amounts in trades(world).values()), ZERO)
    return f"spent {spent} of 300" if spent > 300 else ""


def wallet_differs() -> str:
    return breach(iter([live(World(1, BOTS, CALM))]))


def wallet_forgets_a_part() -> str:
    story, seen = wallets_around_a_cut()
    there = trades(story)[bot_tag("rests")]
    return "" if seen[-1].get("BTC") == there["BTC"] else f"{seen[-1]} instead of {there}"


def the_wallet_is_not_asked(patch: Patch) -> None:
    patch.setattr(Wallets, "shortage", lambda *_: "")


def only_the_account_is_asked(patch: Patch) -> None:
    patch.setattr(Wallets, "overdrawn", lambda *_: "")
    patch.setattr(Wallets, "spendable", lambda wallets, _bot, _side, a: wallets._funds.free(a))


def fees_are_not_booked(patch: Patch) -> None:
    patch.setattr(lib.wallet, "_take_fees", lambda *_: None)


def fills_that_are_not_booked_yet_are_forgotten(patch: Patch) -> None:
    patch.setattr(lib.wallet, "_unbooked", lambda *_: iter(()))


def a_life_begins_without_the_orders_of_the_last(patch: Patch) -> None:
    real = Wallets.begin

    def begin(wallets: Wallets, bot: str, memory: Any, *_: Any, **__: Any) -> Any:
        return real(wallets, bot, memory)

    patch.setattr(Wallets, "begin", begin)
    patch.setattr(Wallets, "follow", lambda *_: None)


CHECKS = (spent_beyond_a_budget, wallet_differs, wallet_forgets_a_part)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_the_real_program_passes_each_check(check: Callable[[], str]) -> None:
    assert check() == ""


@pytest.mark.parametrize(
    ("mutant", "check"),
    [
        (the_wallet_is_not_asked, spent_beyond_a_budget),
        (only_the_account_is_asked, spent_beyond_a_budget),
        (fees_are_not_booked, wallet_differs),
        (fills_that_are_not_booked_yet_are_forgotten, wallet_forgets_a_part),
        (a_life_begins_without_the_orders_of_the_last, wallet_forgets_a_part),
    ],
    ids=lambda part: part.__name__,
)
def test_a_safeguard_taken_away_shows(
    mutant: Callable[[Patch], None], check: Callable[[], str], monkeypatch: Patch
) -> None:
    mutant(monkeypatch)

    assert check() != ""
