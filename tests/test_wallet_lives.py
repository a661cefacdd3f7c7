"""Greedy bots beside each other: at no instant does one have another's coins, or the person's.

What each bot has is added up from the exchange's own reports, before anybody of ours hears them.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pytest

import tests.world
from lib.exchange import ZERO
from lib.ids import bot_tag, parse_id
from lib.life import Standing
from lib.simulator.options import Options
from lib.wallets import Wallets
from tests.swinging import ShapedWorld, with_small_bots
from tests.world import CALM, Luck, World, every_life, live

Patch = pytest.MonkeyPatch

HAD: Mapping[str, Decimal] = {
    "USDT": Decimal(2_000),
    "BTC": Decimal("0.05"),
    "BNB": Decimal(3),
    "ETH": ZERO,
}
GREEDY = {"function": "greedy", "symbol": "BTCUSDT", "more": "0.004"}
BOTS: Mapping[str, Mapping[str, Any]] = {
    "lisa": {**GREEDY, "budget": 600},
    "bart": {**GREEDY, "budget": {"USDT": 500, "BTC": "0.01"}},
    "homer": GREEDY,
    "maggie": {**GREEDY, "rest": "5s"},
}
SHARING = frozenset({"homer", "maggie"})
BUDGETS = {
    "lisa": {"USDT": Decimal(600)},
    "bart": {"USDT": Decimal(500), "BTC": Decimal("0.01")},
}
ROUGH = Luck(requests=10, events=5, stream_loss=150, query_lag_ms=500)


@dataclass
class Shown:
    """One order as the exchange reported it last."""

    bot: str
    side: str
    open_: Decimal  # of base
    price: Decimal
    executed: Decimal
    paid: Decimal


@dataclass
class Shared(ShapedWorld):
    """Adds up what each bot has, and what its open orders may still take."""

    shown: dict[int, Shown] = field(default_factory=dict)
    fees: dict[tuple[str, str], Decimal] = field(default_factory=dict)
    partly: int = 0
    wrongs: list[str] = field(default_factory=list)

    def heard(self, event: Mapping[str, Any]) -> None:
        own = parse_id(event["C"] or event["c"])
        assert own is not None
        [bot] = [name for name in self.bots if bot_tag(name) == own.bot]
        self.shown[event["i"]] = self._read(bot, event)
        if Decimal(event["n"] or 0):
            key = bot, event["N"]
            self.fees[key] = self.fees.get(key, ZERO) + Decimal(event["n"])
        self.partly += event["X"] == "PARTIALLY_FILLED"
        self.wrongs += self._overspent()

    @staticmethod
    def _read(bot: str, event: Mapping[str, Any]) -> Shown:
        executed = Decimal(event["z"])
        is_open = event["X"] in tests.world.OPEN
        left = Decimal(event["q"]) - executed if is_open else ZERO
        return Shown(bot, event["S"], left, Decimal(event["p"]), executed, Decimal(event["Z"]))

    def _overspent(self) -> Iterator[str]:
        for asset in ("USDT", "BTC"):
            for bot in self.bots.keys() - SHARING if asset == "USDT" else self.bots:
                left = BUDGETS.get(bot, {}).get(asset, ZERO) + self.moved(bot, asset)
                if left < 0:
                    yield f"{bot} has {left} {asset}"
        promised = sum((budget["USDT"] for budget in BUDGETS.values()), ZERO)
        shared = HAD["USDT"] - promised + sum(self.moved(bot, "USDT") for bot in SHARING)
        if shared < 0:
            yield f"what is shared has come to {shared} USDT"

    def moved(self, bot: str, asset: str) -> Decimal:
        """What trades and fees made of an asset, less what open orders may take."""
        moved = -self.fees.get((bot, asset), ZERO)
        for order in (each for each in self.shown.values() if each.bot == bot):
            buys = order.side == "BUY"
            if asset == "BTC":
                moved += order.executed if buys else -(order.executed + order.open_)
            else:
                moved += -(order.paid + order.open_ * order.price) if buys else order.paid
        return moved


@pytest.fixture(autouse=True)
def _small_account(monkeypatch: Patch) -> None:
    with_small_bots(monkeypatch)
    monkeypatch.setattr(tests.world, "START", HAD)


@pytest.fixture(params=[False, True], ids=["fees in kind", "fees in BNB"])
def in_bnb(request: pytest.FixtureRequest, monkeypatch: Patch) -> bool:
    def options(**more: Any) -> Options:
        return Options(**more, fees_in_bnb=bool(request.param))

    monkeypatch.setattr(tests.world, "Options", options)
    return bool(request.param)


def shared(seed: int, luck: Luck = CALM) -> Shared:
    wave = lambda seconds: 1 + 0.004 * ((seconds * (7 + seed) / 60) % 2 - 1)  # noqa: E731
    world = Shared(seed, BOTS, luck, shape=wave, depth=Decimal("0.002"))
    world.exchange.market_trade(
        "BNBUSDT", Decimal(500), Decimal(1), buyer_is_maker=True, time=world.clock()
    )
    return world


def verify(world: World) -> None:
    assert isinstance(world, Shared)
    assert world.wrongs == []
    assert set(world.standings.values()) == {Standing.FINISHED}
    world.check()
    assert world.locked() == {}


def test_greedy_bots_trade_and_are_refused_what_is_not_theirs(in_bnb: bool) -> None:
    world = live(shared(1))

    verify(world)
    assert isinstance(world, Shared)
    assert all(world.generation(bot).context["refused"] >= 3 for bot in BOTS)
    assert world.partly > 3
    assert {asset for _, asset in world.fees} == ({"BNB"} if in_bnb else {"USDT", "BTC"})


@pytest.mark.slow
@pytest.mark.usefixtures("in_bnb")
@pytest.mark.parametrize("seed", range(12))
def test_nobody_spends_what_is_another_s_in_bad_weather(seed: int) -> None:
    verify(live(shared(seed, ROUGH)))


@pytest.mark.slow
@pytest.mark.usefixtures("in_bnb")
@pytest.mark.parametrize("seed", range(2))
def test_nobody_spends_what_is_another_s_whenever_the_power_fails(seed: int) -> None:
    for world in every_life(lambda: shared(seed, ROUGH), stride=29):
        verify(world)


def test_bots_whose_wallets_nobody_asks_are_caught(monkeypatch: Patch) -> None:
    monkeypatch.setattr(Wallets, "shortage", lambda *_: "")
    monkeypatch.setattr(Wallets, "overdrawn", lambda *_: "")

    world = live(shared(1))

    assert any("BTC" in wrong for wrong in world.wrongs)
    assert any("USDT" in wrong for wrong in world.wrongs)
