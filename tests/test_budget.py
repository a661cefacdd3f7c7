"""What a section says of a bot's money: read at its place, described to editors, remembered."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
import pytest

from lib.bot_kinds import find_all_bots
from lib.budget import Terms
from lib.conf import BotConf, RunnerConf, read_conf
from lib.conf_schema import schema

DIPS = {"function": "dip_buyer", "symbol": "BTCUSDT", "quantity": "25%", "dip": "0.02"}
SELL = {"symbol": "BTCUSDT", "side": "SELL", "type": "MARKET", "quantity": "1"}


def conf(tmp_path: Path, **more: Any) -> RunnerConf:
    path = tmp_path / "conf.json"
    path.write_bytes(orjson.dumps([{"lisa": {**DIPS, "rebound": "0.03", **more}}]))
    return read_conf(path)


def lisa(tmp_path: Path, **more: Any) -> BotConf:
    (bot,) = conf(tmp_path, **more).bots
    return bot


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (500, {"USDT": Decimal(500)}),
        ("0.50", {"USDT": Decimal("0.5")}),
        (0, {"USDT": Decimal(0)}),
        ({"USDT": 500, "BTC": "0.1"}, {"USDT": Decimal(500), "BTC": Decimal("0.1")}),
        ({}, {}),
    ],
)
def test_a_budget_is_an_amount_of_the_quote_asset_or_amounts_by_asset(
    tmp_path: Path, written: Any, expected: dict[str, Decimal]
) -> None:
    bot = lisa(tmp_path, budget=written)

    assert bot.terms.amounts(bot.conf.symbols, {"BTCUSDT": "USDT"}) == expected


def test_without_the_key_there_is_no_budget(tmp_path: Path) -> None:
    bot = lisa(tmp_path)

    assert bot.terms.amounts(bot.conf.symbols, {"BTCUSDT": "USDT"}) is None
    assert "budget" not in bot.settled


@pytest.mark.parametrize("quotes", [{}, {"BTCUSDT": "USDT", "BTCEUR": "EUR"}])
def test_an_amount_of_no_clear_asset_is_a_sentence(quotes: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="its budget is 500, of which asset"):
        Terms.model_validate({"budget": 500}).amounts(("BTCUSDT", "BTCEUR"), quotes)


@pytest.mark.parametrize("written", [-1, "ten", True, {"usdt": 5}, {"USDT": -5}, [500]])
def test_what_is_no_budget_holds_its_bot_back_at_its_place(tmp_path: Path, written: Any) -> None:
    (held,) = conf(tmp_path, budget=written).held_back

    assert held.name == "lisa"
    assert any("budget" in mistake.path and mistake.line for mistake in held.mistakes)


def test_a_misspelt_budget_is_guessed(tmp_path: Path) -> None:
    (held,) = conf(tmp_path, budgett=5).held_back

    assert 'did you mean "budget"' in str(held.mistakes[0])


def test_what_was_set_comes_back_from_the_context_that_remembers_it(tmp_path: Path) -> None:
    bot = lisa(tmp_path, budget={"USDT": "500.5"}, may_sell_your_coins=True)
    money = {key: bot.settled[key] for key in ("budget", "may_sell_your_coins")}

    assert Terms.model_validate(orjson.loads(orjson.dumps(money))) == bot.terms


@pytest.mark.parametrize(
    ("section", "expected"),
    [
        ({"function": "add_order", "order": SELL}, True),
        ({"function": "add_order", "order": SELL, "may_sell_your_coins": False}, False),
        ({"function": "infinite", "bot": "add_order", "conf": {"order": SELL}}, True),
        ({**DIPS, "rebound": "0.03"}, False),
        ({**DIPS, "rebound": "0.03", "may_sell_your_coins": True}, True),
    ],
)
def test_only_an_order_written_by_a_person_sells_their_coins_unless_the_section_says_so(
    tmp_path: Path, section: dict[str, Any], expected: bool
) -> None:
    path = tmp_path / "conf.json"
    path.write_bytes(orjson.dumps([{"lisa": section}]))

    (bot,) = read_conf(path).bots

    assert bot.may_sell_your_coins is expected


def test_editors_are_told_of_the_keys_that_every_section_may_have() -> None:
    definitions = schema(find_all_bots())["$defs"]

    for name, section in definitions.items():
        if name.startswith("section "):
            assert section["properties"].keys() >= {"budget", "may_sell_your_coins"}
