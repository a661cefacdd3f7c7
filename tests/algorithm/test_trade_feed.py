"""What anybody traded is told to an algorithm once and in order, whatever fails."""

from decimal import Decimal
from typing import Any

import pytest

from lib.algorithm.algorithm import Algorithm
from lib.algorithm.course import AlgorithmCtx, TradeSettings
from lib.algorithm.session import Session
from lib.algorithm.trade_feed import heed_count
from lib.exchange import PublicTrade
from lib.news import Kind
from lib.simulator.protocol import Request
from tests.algorithm.worlds import SWING, told, trades
from tests.bots_of_lines import finished
from tests.scripted_venue import Office, play
from tests.swinging import ShapedWorld, with_small_bots
from tests.world import CALM, Luck, every_life, live, pairs_of_cuts

ONE = Decimal(1)


@pytest.fixture(autouse=True)
def _small_bots(monkeypatch: pytest.MonkeyPatch) -> None:
    with_small_bots(monkeypatch)


def reading(seed: int = 1, luck: Luck = CALM, **more: Any) -> ShapedWorld:
    section = {"function": "tape_reader", "symbol": "BTCUSDT", "entries_within": "1h", **more}
    return ShapedWorld(seed, {"bot": section}, luck, shape=SWING)


def heard_truly(world: ShapedWorld) -> None:
    finished(world)
    heard, rows = told(world), {str(row["a"]): row for row in tape(world)}
    numbers = [each.split()[0] for each in heard["seen"]]
    assert numbers == [str(number) for number in range(int(numbers[0]), int(numbers[-1]) + 1)]
    assert [each.split()[1:4] for each in heard["seen"]] == [
        [rows[number]["p"], rows[number]["q"], str(rows[number]["T"])] for number in numbers
    ]
    assert sorted(heard["fills"]) == sorted(
        f"{'bought' if side == 'BUY' else 'sold'} {quantity} {price}"
        for side, quantity, price, _ in trades(world)
    )


def tape(world: ShapedWorld) -> list[dict[str, Any]]:
    params = {"symbol": "BTCUSDT", "limit": "1000", "fromId": "0"}
    rows: list[dict[str, Any]] = world.exchange.answer(
        Request("GET", "/api/v3/aggTrades", params, None)
    ).body
    return rows


def test_hears_each_trade_once_and_in_order() -> None:
    heard_truly(live(reading()))


@pytest.mark.slow
def test_each_trade_is_told_once_whenever_the_power_fails() -> None:
    for world in every_life(lambda: reading(luck=Luck()), stride=13):
        heard_truly(world)


@pytest.mark.slow
def test_each_trade_is_told_once_after_two_cuts() -> None:
    for world in pairs_of_cuts(lambda: reading(2, Luck(query_lag_ms=1_500)), 2, many=8):
        heard_truly(world)


@pytest.mark.parametrize(("known", "newest", "after"), [(900, 20, 20), (900, 950, 900)])
def test_an_exchange_that_counts_anew_is_told_and_followed(
    known: int, newest: int, after: int
) -> None:
    async def story(office: Office) -> tuple[int | None, int]:
        session = Session(office.desk, TradeSettings(symbol="BTCUSDT"), AlgorithmCtx(), Algorithm)
        session.course.trade = known
        heed_count(session, [PublicTrade(newest, ONE, ONE, 0, buyer_is_maker=True)])
        warned = [text for kind, text in office.news if kind is Kind.WARNING]
        return session.course.trade, len(warned)

    assert play(story) == (after, int(newest < known))
