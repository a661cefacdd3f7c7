"""A section of the smart trade means what it says, and nonsense is refused with the reason."""

import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from bots.smart_trade import Conf
from lib.commented_json import parse
from lib.conf import read_conf

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs/bots/smart_trade.md").read_text(encoding="utf-8")
FROM_3COMMAS = (ROOT / "docs/bots/from-3commas.md").read_text(encoding="utf-8")
BASE: dict[str, Any] = {"symbol": "BTCUSDT", "unit": "0.1"}
TARGET, STOP = {"price": "2%"}, {"price": "-2%"}


def section(**more: Any) -> Conf:
    return Conf.model_validate({**BASE, **more})


def two(**second: Any) -> list[dict[str, Any]]:
    return [{"price": "2%", "share": "50%"}, {"price": "4%", **second}]


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "two sizes": ({"total": 50}, "one of unit, total and size"),
    "a size beyond all": ({"unit": None, "size": "101%"}, "at most 100%"),
    "a LIMIT without a price": ({"mode": "LIMIT"}, "LIMIT needs a price"),
    "a market order with a price": ({"price": 1}, "MARKET takes no price"),
    "a condition without its price": ({"mode": "COND_MARKET_ORDER"}, "cond_price belongs to"),
    "a condition's price without one": ({"cond_price": 1}, "cond_price belongs to"),
    "a trail of a LIMIT": ({"mode": "LIMIT", "price": 1, "trailing": "1%"}, "at market"),
    "a trail of nothing": ({"trailing": "0%"}, "between 0% and 100%"),
    "patience for a market order": ({"entry_timeout": "1m"}, "entry_timeout is for a LIMIT"),
    "a target below the entry": ({"take_profit": {"price": "-1%"}}, "beyond the entry"),
    "a target below a LIMIT": (
        {"mode": "LIMIT", "price": 100, "take_profit": {"price": 99}},
        "the take profit 99 is not above the entry 100",
    ),
    "a target above the LIMIT of a short": (
        {"type": "short", "mode": "LIMIT", "price": 100, "take_profit": {"price": 101}},
        "the take profit 101 is not below the entry 100",
    ),
    "a target that does not pay the fees": (
        {"take_profit": {"price": "0.2%"}},
        "does not cover the fees",
    ),
    "a trail that may sell below the entry": (
        {"take_profit": {**TARGET, "trailing": "-2%"}},
        "could sell below the entry",
    ),
    "a trail by more than all": ({"take_profit": {**TARGET, "trailing": "100%"}}, "0% and 100%"),
    "a time for what is no limit": (
        {"take_profit": {**TARGET, "sell_timeout": "1m"}},
        "sell_timeout is for a limit",
    ),
    "a smaller profit without a time": (
        {"take_profit": {**TARGET, "minimal": "1%"}},
        "minimal and timeout belong together",
    ),
    "a smaller profit that is not smaller": (
        {"take_profit": {**TARGET, "minimal": "2%", "timeout": "1m"}},
        "below the target",
    ),
    "a ratchet of nothing": (
        {"take_profit": {**TARGET, "minimal_trailing": True}},
        "minimal_trailing needs minimal",
    ),
    "shares beyond all": ({"take_profit": two(share="60%")}, "the shares make 110%"),
    "shares that leave something": ({"take_profit": two(share="40%")}, "the shares make 90%"),
    "two shares left out": (
        {"take_profit": [{"price": "2%"}, {"price": "4%"}]},
        "one target may leave it out",
    ),
    "a trail of the first target": (
        {"take_profit": [{**two()[0], "trailing": "-1%"}, two()[1]]},
        "for the last target",
    ),
    "six targets": (
        {"take_profit": [{"price": f"{n}%", "share": "16%"} for n in range(1, 7)]},
        "6 targets: Binance takes 5 stops",
    ),
    "a stop above the entry": ({"stop_loss": {"price": "2%"}}, "limits nothing"),
    "a stop beyond all": ({"stop_loss": {"price": "-100%"}}, "limits nothing"),
    "a stop above a LIMIT": (
        {"mode": "LIMIT", "price": 100, "stop_loss": {"price": 100}},
        "the stop 100 is not below the entry 100",
    ),
    "two ways of a stop": (
        {"stop_loss": {**STOP, "mode_sell": "LIMIT", "order_price": 1}},
        "order_price and mode_sell: one of them",
    ),
    "break-even without a first target": (
        {"take_profit": TARGET, "stop_loss": {**STOP, "break_even": "0%"}},
        "give two targets",
    ),
    "break-even of a stop that trails": (
        {"take_profit": two(), "stop_loss": {**STOP, "break_even": "0%", "trailing": True}},
        "break_even and trailing move the same stop",
    ),
    "one price for both": (
        {"take_profit": {"price": 100}, "stop_loss": {"price": 100}},
        "the same price",
    ),
    "a misspelt trail": ({"training": "1%"}, "Extra inputs are not permitted"),
    "a part without its sign": ({"trailing": "2"}, 'a part like "2%"'),
    "a price in words": ({"take_profit": {"price": "two"}}, "a price like 1020"),
    "a mode of selling in words": (
        {"take_profit": {**TARGET, "mode_sell": "SOON"}},
        "MARKET, LIMIT or how far",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_nonsense_is_refused_with_the_reason(name: str) -> None:
    wrong, reason = REFUSED[name]

    with pytest.raises(ValidationError) as raised:
        section(**wrong)

    assert reason in str(raised.value)


PLANS: dict[str, tuple[dict[str, Any], list[str]]] = {
    "all at the exchange": (
        {"take_profit": TARGET, "stop_loss": STOP},
        [
            "Buys 0.1 of BTCUSDT at market, once, and sells it: takes it out at 2% from the entry",
            "limits the loss at -2% from the entry",
            "all of that stands at the exchange and needs nobody here",
            "Worst case: the loss is -2%, plus fees and what the market moves while it is sold.",
        ],
    ),
    "no end at all": ({}, ["nothing ends it: that is all", "without a stop it keeps"]),
    "a LIMIT says what it spends": (
        {"mode": "LIMIT", "price": 900},
        ["at 900 or better", "Spends at most 90 of the quote asset."],
    ),
    "a short sells first": ({"type": "short"}, ["Sells 0.1 of BTCUSDT at market, once, and buys"]),
    "a condition": (
        {"mode": "COND_MARKET_ORDER", "cond_price": 1000},
        ["once the price reached 1000 at market"],
    ),
    "a trailing entry": (
        {"trailing": "-1%"},
        ["once the price turned by 1% after 1% against it"],
    ),
    "what is watched here alone": (
        {
            "take_profit": [*two(trailing="-1.005%")],
            "stop_loss": {**STOP, "timeout": "2m"},
        },
        ["only while this program runs: the trail of target 2, the stop; all else stands"],
    ),
    "targets beyond the stops that Binance takes": (
        {
            "take_profit": [
                {"price": "2%", "share": "30%"},
                {"price": "3%", "share": "30%"},
                {"price": "4%"},
            ],
            "stop_loss": STOP,
        },
        ["only while this program runs: target 3 (Binance takes 5 stops on a symbol)"],
    ),
    "a loss in money": (
        {"stop_loss": {"price": "-20"}},
        ["limits the loss at 20 of the quote asset", "the loss is 20 of the quote asset"],
    ),
    "a limit may be jumped over": (
        {"stop_loss": {**STOP, "mode_sell": "LIMIT"}},
        ["which may be jumped over and then rests", "unless the market jumps over its limit"],
    ),
}


@pytest.mark.parametrize("name", PLANS)
def test_the_plan_says_what_it_will_do_and_where_it_stands(name: str) -> None:
    more, words = PLANS[name]

    text = section(**more).plan_text

    assert [each for each in words if each not in text] == [], text


def test_the_template_is_without_a_mistake_as_shipped(tmp_path: Path) -> None:
    template = (ROOT / "bots/smart_trade_conf.json").read_text(encoding="utf-8")
    conf = tmp_path / "conf.json"
    conf.write_text(f"[{template.rstrip().rstrip(',')}]", encoding="utf-8")

    read = read_conf(conf)

    assert (len(read.bots), read.held_back) == (1, ())


def test_the_template_names_every_setting() -> None:
    template = (ROOT / "bots/smart_trade_conf.json").read_text(encoding="utf-8")

    assert [name for name in settings() if f'"{name}"' not in template] == []


def test_the_page_has_every_setting_in_its_tables() -> None:
    rows = " ".join(re.findall(r"^\| (`[^|]+) \|", PAGE, re.MULTILINE))

    assert [name for name in settings() if f"`{name}`" not in rows] == []


def test_the_example_of_the_page_is_without_a_mistake(tmp_path: Path) -> None:
    example = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)[0]
    conf = tmp_path / "conf.json"
    conf.write_text(example, encoding="utf-8")

    read = read_conf(conf)

    assert (len(read.bots), read.held_back) == (1, ())
    assert parse(example.encode()).value


def test_no_setting_of_the_other_service_is_left_without_an_answer() -> None:
    rows = [line for line in FROM_3COMMAS.splitlines() if line.startswith("| ")]
    answers = [row.strip("|").split("|")[:2] for row in rows]

    assert len(answers) > 30
    assert [row for row in answers if not all(cell.strip() for cell in row)] == []


def settings() -> set[str]:
    """Every name that a section may have."""
    from lib.exits.sections import StopLoss, TakeProfit

    return {name for kind in (Conf, TakeProfit, StopLoss) for name in kind.model_fields}
