"""What conf.json says of limits: read exactly, every mistake at its place, in plain words."""

import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
import pytest

from lib.budget import Terms, split_terms
from lib.conf import RunnerConf, read_conf
from lib.control.exits import Exit
from lib.control.limit_words import limits_of_all, limits_of_bot
from lib.limits import AllLimits, BotLimits, Bound, Then
from lib.mistakes import ConfError
from lib.risk.rules import RULES
from tests.control.folder import DIPS, command

ROOT = Path(__file__).parents[2]
LISA = {"function": "dip_buyer", **DIPS}
EVERY = {
    "funds": 1000,
    "at_work": "60%",
    "exposure": 900,
    "exposure_per_asset": {"BTC": "50%", "ETH": 100},
    "order_value": "0.5%",
    "price_distance": "5%",
    "open_orders": 4,
    "orders_per_minute": 10,
    "risk_per_trade": "1%",
    "allowed_symbols": ["BTCUSDT"],
    "daily_loss": "5%",
    "daily_loss_then": "flatten",
    "drawdown": 100,
    "drawdown_then": "refuse",
    "cool_down": "90m",
    "cool_down_after": 3,
}


def conf(tmp_path: Path, of_all: Any = None, of_lisa: Any = None) -> RunnerConf:
    path, section = tmp_path / "conf.json", dict(LISA)
    section |= {} if of_lisa is None else {"limits": of_lisa}
    top = {} if of_all is None else {"limits": of_all}
    path.write_bytes(orjson.dumps({**top, "bots": [{"lisa": section}]}))
    return read_conf(path)


def test_every_limit_is_read_as_it_is_written(tmp_path: Path) -> None:
    limits = conf(tmp_path, EVERY).settings.limits

    assert limits is not None
    assert limits.valued_in == "USDT"
    assert limits.at_work == Bound(Decimal(60), is_part=True)
    assert limits.at_work.of(limits.funds) == Decimal(600)
    assert limits.exposure_per_asset == {
        "BTC": Bound(Decimal(50), is_part=True),
        "ETH": Bound(Decimal(100)),
    }
    assert (limits.daily_loss_then, limits.drawdown_then) == (Then.FLATTEN, Then.REFUSE)
    assert limits.cool_down == 5_400_000


def test_without_the_key_nothing_is_limited(tmp_path: Path) -> None:
    read = conf(tmp_path)

    assert read.settings.limits is None
    assert read.bots[0].terms.limits is None
    assert "limits" not in read.bots[0].settled


def test_what_a_bot_remembers_of_its_limits_reads_back_as_the_same(tmp_path: Path) -> None:
    [bot] = conf(tmp_path, of_lisa=EVERY).bots
    money, own = split_terms(bot.settled)

    assert Terms.model_validate(orjson.loads(orjson.dumps(money))) == bot.terms
    assert "limits" not in own


@pytest.mark.parametrize(
    ("limits", "place", "words"),
    [
        ({"order_valu": 5}, "order_valu", 'did you mean "order_value"?'),
        ({"order_value": 0}, "order_value", "more than 0"),
        (
            {"order_value": "ten"},
            "order_value",
            'an amount like 50, or a part of the funds like "5%"',
        ),
        ({"order_value": True}, "order_value", "an amount like 50"),
        ({"order_value": "5%"}, "order_value", 'say "funds" in these limits'),
        ({"exposure_per_asset": {"BTC": "5%"}}, "exposure_per_asset", 'say "funds"'),
        ({"price_distance": 5}, "price_distance", 'a distance is a percentage, like "5%"'),
        ({"open_orders": 0}, "open_orders", "1 or more"),
        ({"orders_per_minute": "3"}, "orders_per_minute", "an integer"),
        ({"allowed_symbols": "BTCUSDT"}, "allowed_symbols", "a list"),
        ({"daily_loss": 5, "daily_loss_then": "paus"}, "daily_loss_then", 'did you mean "pause"?'),
        ({"cool_down": "soon"}, "cool_down", "a duration like"),
        ({"funds": -1}, "funds", "more than 0"),
        (5, "", "an object"),
    ],
)
def test_a_mistake_is_named_at_its_place_in_a_section_and_at_the_top(
    tmp_path: Path, limits: Any, place: str, words: str
) -> None:
    [held_back] = conf(tmp_path, of_lisa=limits).held_back
    inside = str(held_back.mistakes[0])
    with pytest.raises(ConfError) as wrong:
        conf(tmp_path, limits)

    where = f"limits.{place}".removesuffix(".")
    assert "conf.json:1:" in inside
    assert f"bots[0].lisa.{where}" in inside
    assert words in inside
    assert f" {where}: " in str(wrong.value)
    assert words in str(wrong.value)


def test_valued_in_is_said_once_for_all_and_not_in_a_section(tmp_path: Path) -> None:
    [held] = conf(tmp_path, of_lisa={"valued_in": "EUR"}).held_back

    assert 'the unknown key "valued_in"' in str(held.mistakes[0])
    assert conf(tmp_path, {"valued_in": "EUR"}).settings.limits == AllLimits(valued_in="EUR")


def test_limits_that_limit_nothing_are_off() -> None:
    assert not AllLimits(valued_in="EUR").is_on
    assert not BotLimits().is_on
    assert BotLimits.model_validate({"open_orders": 3}).is_on


def test_check_says_every_limit_in_plain_words(tmp_path: Path) -> None:
    said = "\n".join(limits_of_all(conf(tmp_path, EVERY)))

    assert said.count("limits of all bots together: ") == len(EVERY) - 2
    for words in (
        "no more than 1000 USDT at work, at cost",
        "no more than 600 USDT (60% of the funds) in trades at the same time",
        "no more than 900 USDT in the market",
        "no more than 500 USDT (50% of the funds) in BTC",
        "no entry of more than 5 USDT (0.5% of the funds)",
        "no trade that may lose more than 10 USDT (1% of the funds) down to its stop",
        "no entry further than 5% from the last price",
        "no entry that would make more than 4 open orders",
        "no more than 10 entries a minute",
        "nothing is opened but in BTCUSDT",
        "no entry for 90m after 3 losses of a bot in a row",
        "once 50 USDT (5% of the funds) are lost on a day (UTC): flattened, until `start`",
        "once 100 USDT are below the best result: entries are refused",
    ):
        assert words in said


def test_the_page_of_limits_has_a_conf_without_a_mistake_and_every_key(tmp_path: Path) -> None:
    page = (ROOT / "docs/limits.md").read_text(encoding="utf-8")
    example = page[page.index("```jsonc") + len("```jsonc") : page.index("```\n\nThe keys")]
    (tmp_path / "conf.json").write_text(example)

    read = read_conf(tmp_path / "conf.json")

    assert read.held_back == ()
    assert [bot.terms.limits is not None for bot in read.bots] == [True]
    assert [key for key in AllLimits.model_fields if f"`{key}`" not in page] == []
    table = page[page.index("| key |") : page.index("*Held* counts")]
    assert [key for key in RULES if f"| `{key}` |" not in table] == []


def test_check_names_a_symbol_that_limits_shut_out(tmp_path: Path) -> None:
    read = conf(tmp_path, {"allowed_symbols": ["ETHUSDT"]})

    [said] = limits_of_bot(read.bots[0], read)

    assert said == "it can open nothing in BTCUSDT: all bots' limits.allowed_symbols lack it"


@pytest.mark.slow
def test_the_command_check_shows_limits(tmp_path: Path) -> None:
    conf(tmp_path, {"order_value": 50}, {"open_orders": 3})

    result = command(tmp_path, "--venue", "paper", "check")

    assert result.exit_code == Exit.FINE, result.output
    assert "limits of all bots together: no entry of more than 50 USDT" in result.output
    assert "    limit: no entry that would make more than 3 open orders" in result.output


@pytest.mark.slow
def test_nothing_of_the_limits_is_loaded_before_there_are_any() -> None:
    code = (
        "import lib.control.run, sys; print([m for m in sys.modules if m.startswith('lib.risk')])"
    )

    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert done.stdout.strip() == "[]"
