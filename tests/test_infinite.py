"""The soak test runs another bot's machine again and again, through every cut."""

from pathlib import Path
from typing import Any

import orjson
import pytest
from pydantic import ValidationError

from bots.infinite import Conf
from lib.conf import read_conf
from lib.life import Standing
from tests.world import Luck, World, every_life, pairs_of_cuts

INNER = {"order": {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.001"}}
CONF = {
    "soak": {
        "function": "infinite",
        "bot": "add_order",
        "conf": {**INNER, "valid_for": "1h"},
        "loop": 3,
    }
}


@pytest.mark.slow
@pytest.mark.parametrize(
    "seed", [0, *(pytest.param(seed, marks=pytest.mark.long) for seed in range(1, 3))]
)
def test_each_turn_orders_once_whenever_the_power_fails(seed: int) -> None:
    for world in every_life(lambda: World(seed, CONF, Luck(requests=6))):
        assert len([o for o in world.orders() if float(o["executedQty"])]) == 3
        assert world.standings == {"soak": Standing.FINISHED}
        world.check()


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2))
def test_each_turn_orders_once_after_two_cuts(seed: int) -> None:
    for world in pairs_of_cuts(lambda: World(seed, CONF, Luck(requests=6)), seed, many=40):
        assert len([o for o in world.orders() if float(o["executedQty"])]) == 3
        world.check()


def test_a_misspelt_inner_bot_is_refused_with_the_likely_one() -> None:
    with pytest.raises(ValidationError, match="add_order"):
        Conf.model_validate({"bot": "add_oder", "conf": INNER})


def test_a_mistake_in_the_inner_conf_is_a_mistake_of_the_outer() -> None:
    with pytest.raises(ValidationError, match="quantity"):
        Conf.model_validate({
            "bot": "add_order",
            "conf": {"order": {**INNER["order"], "quantity": "x"}},
        })


DIPS: dict[str, Any] = {"symbol": "ETHUSDT", "quantity": 0.1, "dip": 0.1, "rebound": 0.1}


@pytest.mark.parametrize(
    ("section", "where", "words"),
    [
        ({"conf": {**DIPS, "rebund": 1}}, "conf.rebund", 'did you mean "rebound"?'),
        ({"conf": {**DIPS, "dip": "x"}}, "conf.dip", 'found "x"'),
        ({"conf": {"symbol": "ETHUSDT"}}, "conf", 'a value for "quantity"'),
        ({"bot": "dip_buyr", "conf": DIPS}, "bot", "a module in bots/"),
        (
            {"bot": "infinite", "conf": {"bot": "dip_buyer", "conf": {**DIPS, "dyp": 1}}},
            "conf.conf.dyp",
            'did you mean "dip"?',
        ),
    ],
)
def test_a_mistake_in_the_inner_conf_is_told_at_its_place(
    tmp_path: Path, section: dict[str, Any], where: str, words: str
) -> None:
    path = tmp_path / "conf.json"
    soak = {"function": "infinite", "bot": "dip_buyer", **section}
    path.write_bytes(orjson.dumps([{"soak": soak}]))

    mistakes = [mistake for held in read_conf(path).held_back for mistake in held.mistakes]

    told = [str(mistake) for mistake in mistakes]
    assert any(f"soak.{where}: " in each and words in each for each in told), told
