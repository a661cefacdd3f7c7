"""The older words for winter and summer run on the same machine."""

from decimal import Decimal

import pytest

from bots.long_strategy import Conf
from lib.exchange import Candle
from lib.seasons.season import mean_of
from tests.bots_of_lines import STRATEGY, finished, slow_world
from tests.world import Luck, every_life, live, pairs_of_cuts

CANDLE = Candle(0, Decimal(90), Decimal(120), Decimal(80), Decimal(110), Decimal(1), 1)


def conf() -> Conf:
    return Conf.model_validate({key: STRATEGY[key] for key in STRATEGY if key != "function"})


def test_it_measures_from_the_middle_between_high_and_low() -> None:
    assert mean_of(CANDLE, conf().terms) == 100


def test_lower_and_upper_are_its_words_for_winter_and_summer() -> None:
    terms = conf().terms

    assert (terms.drop, terms.rise) == (Decimal("0.01"), Decimal("0.004"))


def test_its_top_is_looked_for_in_months() -> None:
    assert conf().interval_top == "1M"


def test_buys_below_the_middle_and_sells_above_the_top() -> None:
    world = live(slow_world(STRATEGY))

    finished(world)
    buy, sell = [o for o in world.orders() if o["status"] == "FILLED"]
    assert (buy["side"], sell["side"]) == ("BUY", "SELL")
    assert Decimal(sell["price"]) == Decimal(61_500) * Decimal("1.004")


@pytest.mark.slow
def test_the_books_agree_whenever_the_power_fails() -> None:
    for world in every_life(lambda: slow_world(STRATEGY, luck=Luck()), stride=11):
        finished(world)


@pytest.mark.slow
def test_the_books_agree_after_two_cuts() -> None:
    for world in pairs_of_cuts(lambda: slow_world(STRATEGY, seed=2, luck=Luck()), 2, many=8):
        finished(world)
