"""A price is read as it was written, and means one thing for a long and its mirror for a short."""

from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from lib.exits.holding import apportion
from lib.exits.levels import Level, Part
from lib.settings import Settings
from tests.exits.lot_office import planned
from tests.held_office import LOTS
from tests.scripted_venue import market_buy


class Section(Settings):
    level: Level | None = None
    part: Part | None = None


@pytest.mark.parametrize(
    ("written", "sign", "price"),
    [
        ("2%", 1, "1020"),
        ("-2%", 1, "980"),
        ("2%", -1, "980"),
        ("-2%", -1, "1020"),
        (1020, 1, "1020"),
        ("1020.5", -1, "1020.5"),
        (-20, 1, "800"),
        ("-20", -1, "1200"),
    ],
)
def test_a_level_means_a_price_beside_an_entry_at_1000(written: Any, sign: int, price: str) -> None:
    level = Section(level=written).level

    assert level is not None
    assert level.price(sign, Decimal(1000), Decimal("0.1")) == Decimal(price)
    assert Level.read(str(level)) == level


@pytest.mark.parametrize("wrong", ["two", "2 percent", 0, "0", True, "1e9%", None, "%"])
def test_what_is_no_level_is_refused(wrong: Any) -> None:
    with pytest.raises(ValidationError):
        Section.model_validate({"level": {"price": wrong}})


@pytest.mark.parametrize("wrong", [2, "2", "0.02", Decimal("0.02"), "--2%"])
def test_a_part_is_written_with_its_sign_of_percent(wrong: Any) -> None:
    with pytest.raises(ValidationError):
        Section.model_validate({"part": wrong})


@pytest.mark.parametrize(
    ("net", "shares", "wanted"),
    [
        ("0.1", ("50%", None), ("0.05", "0.05")),
        ("0.0999", ("30%", "30%", None), ("0.0299", "0.0299", "0.0401")),
        ("0.0003", ("20%", None), ("0", "0.0003")),  # 5 USDT are the least, at 60000
        ("0.0003", ("90%", None), ("0.0002", "0.0001")),
        ("0.00025", ("90%", None), ("0.00025", "0")),
        ("0.00001", ("50%", None), ("0", "0.00001")),
    ],
)
def test_shares_are_whole_lots_that_can_be_sold_and_make_all_of_it(
    net: str, shares: tuple[str | None, ...], wanted: tuple[str, ...]
) -> None:
    targets = [
        {"price": f"{2 * number}%"} | ({} if share is None else {"share": share})
        for number, share in enumerate(shares, 1)
    ]
    entry = market_buy("0.1")
    entry.executed, entry.executed_quote = Decimal(1), Decimal(60_000)

    found = apportion(LOTS, planned(entry, *targets), Decimal(net))

    assert found == [Decimal(each) for each in wanted]
    assert sum(found) == Decimal(net)
