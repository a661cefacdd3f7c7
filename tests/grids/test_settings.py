"""A grid that makes no sense is refused with the reason; one that does says what it will do."""

from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from bots.grid import Conf
from lib.errors import Halt
from lib.filters import Lot, PriceRange
from lib.grids.cells import money_needed, quantity_in, stock_needed
from lib.grids.lines import cell_at, line
from lib.grids.settings import cells_of
from lib.money import SymbolRules
from tests.bots_of_lines import ENDLESS, FOLLOWING, GRID

RULES = SymbolRules(
    "BTCUSDT",
    "BTC",
    "USDT",
    prices=PriceRange(tick=Decimal("0.01")),
    lot=Lot("LOT_SIZE", smallest=Decimal("0.00001"), step=Decimal("0.00001")),
)


def conf_of(section: Any, **changes: Any) -> Conf:
    fields = {**section, **changes}
    known = {key: value for key, value in fields.items() if value is not None}
    return Conf.model_validate({key: known[key] for key in known if key != "function"})


@pytest.mark.parametrize(
    ("section", "changes", "reason"),
    [
        (GRID, {"upper": "59000"}, "above lower"),
        (GRID, {"lines": 7}, "either intervals or lines"),
        (GRID, {"intervals": None}, "either intervals or lines"),
        (GRID, {"investment": 500}, "either quantity"),
        (GRID, {"quantity": None}, "either quantity"),
        (GRID, {"quantity": "10%"}, "no part"),
        (GRID, {"step": "0.01"}, "step is for infinity"),
        (GRID, {"intervals": 30}, "a turn would bring -0.12 % after two fees of 0.1 %"),
        (GRID, {"fee_rate": "0.0021"}, "after two fees of 0.21 %"),
        (GRID, {"stop_loss": {"price": 60000}}, "stop_loss must be below every line"),
        (GRID, {"take_profit": {"price": 61500}}, "take_profit must be above every line"),
        (GRID, {"trailing_up_until": 63000}, "needs a quantity in money"),
        (FOLLOWING, {"quantity": "0.003 BTC"}, "needs a quantity in money"),
        (FOLLOWING, {"profit_in": "base"}, "needs its profit in quote"),
        (FOLLOWING, {"trailing_up_until": 61000}, "must be above upper"),
        (FOLLOWING, {"take_profit": {"price": 62000}}, "above trailing_up_until"),
        (FOLLOWING, {"trailing_down_until": 60500}, "must be below lower"),
        (FOLLOWING, {"stop_loss": {"price": 59000}}, "below trailing_down_until"),
        (FOLLOWING, {"kind": "arithmetic", "trailing_up_until": 160000}, "near trailing_up_until"),
        (ENDLESS, {"upper": 90000}, "takes no upper"),
        (ENDLESS, {"quantity": "0.01"}, "takes no quantity"),
        (ENDLESS, {"trailing_up_until": 90000}, "takes no trailing_up_until"),
        (ENDLESS, {"step": None}, "needs step and investment"),
        (ENDLESS, {"step": "1.5"}, "less than 1"),
        (ENDLESS, {"step": "0.002"}, "a turn would bring"),
        (ENDLESS, {"profit_in": "base"}, "profit in quote"),
        (ENDLESS, {"nearest": 4}, "at least 6"),
    ],
)
def test_nonsense_is_refused_with_its_reason(section: Any, changes: Any, reason: str) -> None:
    with pytest.raises(ValidationError) as refused:
        conf_of(section, **changes)

    assert reason in str(refused.value)


@pytest.mark.parametrize(
    ("changes", "price", "reason"),
    [
        ({"lower": "60000", "upper": "60000.5", "intervals": 60, "fee_rate": 0}, 60_000, "tick"),
        ({"quantity": "0.00001"}, 60_000, "less than the exchange takes"),
        ({}, 58_000, "beyond the stop loss already"),
        ({"take_profit": {"price": 62000}}, 62_000, "beyond the take profit already"),
        ({"quantity": "50 EUR"}, 60_000, "it trades BTC"),
    ],
)
def test_what_the_symbol_or_the_market_makes_impossible_stops_the_bot(
    changes: Any, price: int, reason: str
) -> None:
    conf = conf_of(GRID, **changes)
    rules = SymbolRules(
        "BTCUSDT",
        "BTC",
        "USDT",
        prices=PriceRange(tick=Decimal("0.01")),
        lot=Lot("LOT_SIZE", smallest=Decimal("0.0001"), step=Decimal("0.00001")),
    )

    with pytest.raises(Halt, match=reason):
        cells_of(conf, rules, Decimal(price))


def test_the_plan_says_what_a_turn_brings_what_it_spends_and_the_worst_case() -> None:
    text = conf_of(GRID).plan_text

    assert "6 arithmetic intervals (7 lines)" in text
    assert "a turn brings 0.21 % to 0.22 % after two fees of 0.1 %" in text
    prices = (60_000 + 250 * number for number in range(1, 7))
    spends = sum((Decimal("0.01") * price for price in prices), Decimal(0))
    assert f"Spends at most {spends.normalize():f} of the quote asset" in text
    assert "If it falls to 59000 the grid ends and sells all its coins at market" in text
    assert "Worst case: the price falls to 59000" in text


def test_the_plan_of_an_endless_grid_names_its_step_and_its_investment() -> None:
    text = conf_of(ENDLESS).plan_text

    assert "from 58000 up, a line every 0.5 %" in text
    assert "Spends at most 20000" in text


@pytest.mark.parametrize("price", [55_000, 60_010, 60_700, 61_499, 70_000])
@pytest.mark.parametrize("section", [GRID, FOLLOWING, {**FOLLOWING, "quantity": None}, ENDLESS])
def test_no_grid_begins_with_more_than_it_said_it_would_spend(section: Any, price: int) -> None:
    given = {"investment": 700} if section.get("quantity", "") is None else {}
    conf = conf_of(section, stop_loss=None, take_profit=None, **given)
    if conf.kind == "infinity" and price <= conf.lower:
        return
    said = Decimal(conf.plan_text.split("Spends at most ")[1].split()[0])

    cells = cells_of(conf, RULES, Decimal(price))

    stock = stock_needed(RULES, cells, Decimal(price)) * price
    assert stock + money_needed(RULES, cells, Decimal(price)) <= said


def test_an_endless_grid_holds_the_same_worth_at_every_line() -> None:
    conf = conf_of(ENDLESS, stop_loss=None, take_profit=None)
    worths = []
    for price in (60_000, 61_000, 65_000):
        cells = cells_of(conf, RULES, Decimal(61_000))
        number = cell_at(cells.lines, Decimal(price))
        at = line(cells.lines, number)
        worths.append(stock_needed(RULES, cells, at) * at)
        sold = quantity_in(RULES, cells, number) * line(cells.lines, number + 1)
        assert abs(sold - worths[-1] * Decimal("0.005")) < 1

    assert max(worths) - min(worths) < 1
