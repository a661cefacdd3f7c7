"""How much: coins, money, a part of the wallet, and what each means in whole lots."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from lib.errors import Halt
from lib.exchange import Side
from lib.filters import Lot
from lib.money import SymbolRules
from lib.settings import Settings
from lib.sizes import Size, quantity_of

LOT = Lot("LOT_SIZE", step=Decimal("0.00001"))
BTC = SymbolRules("BTCUSDT", "BTC", "USDT", lot=LOT)


class Conf(Settings):
    quantity: Size


def size(value: object) -> Size:
    return Conf.model_validate({"quantity": value}).quantity


def quantity(value: object, side: str = "BUY", price: str = "60000", free: str = "500") -> Decimal:
    chosen: Side = "BUY" if side == "BUY" else "SELL"
    found = size(value)
    return quantity_of(found, BTC, side=chosen, price=Decimal(price), free=Decimal(free))


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (Decimal("0.01"), Size(Decimal("0.01"))),
        (1, Size(Decimal(1))),
        ("0.01", Size(Decimal("0.01"))),
        ("0.5 BTC", Size(Decimal("0.5"), "BTC")),
        ("50 USDT", Size(Decimal(50), "USDT")),
        ("50 quote", Size(Decimal(50), "quote")),
        ("25%", Size(Decimal(25), "%")),
        ("2.5 %", Size(Decimal("2.5"), "%")),
        ({"quote": 50}, Size(Decimal(50), "quote")),
        ({"percent": "25"}, Size(Decimal(25), "%")),
        ({"coins": "0.01"}, Size(Decimal("0.01"))),
    ],
)
def test_a_size_is_read_as_people_write_it_and_comes_back_from_disk(
    written: object, expected: Size
) -> None:
    found = size(written)

    assert found == expected
    dumped = Conf(quantity=found).model_dump(mode="json")
    assert Conf.model_validate(dumped).quantity == expected


@pytest.mark.parametrize(
    "written",
    [
        *(0, -1, "ten", True, 0.5, "0%", "101%", "50 usdt", "50USDT", "%", "", None, [], {}, "NaN"),
        *({"quote": 0}, {"quote": 1, "coins": 1}, {"lots": 1}, {"percent": 200}),
        *("-5 USDT", "1e400"),
    ],
)
def test_what_is_no_size_is_refused(written: object) -> None:
    with pytest.raises(ValidationError):
        size(written)


@pytest.mark.parametrize(
    ("written", "side", "expected"),
    [
        ("0.0123456", "BUY", "0.01234"),
        ("0.5 BTC", "SELL", "0.5"),
        ("50 USDT", "BUY", "0.00083"),
        ({"quote": 60}, "SELL", "0.001"),
        ("25%", "BUY", "0.00208"),
        ("100%", "SELL", "500"),
    ],
)
def test_a_size_means_whole_lots_at_a_price(written: object, side: str, expected: str) -> None:
    assert quantity(written, side) == Decimal(expected)


def test_a_part_of_an_empty_or_overdrawn_wallet_is_nothing() -> None:
    assert quantity("50%", free="0") == quantity("50%", free="-3") == 0


def test_an_asset_that_the_symbol_does_not_have_stops_the_bot() -> None:
    with pytest.raises(Halt, match="BTCUSDT: it trades BTC for USDT"):
        quantity("50 EUR")


@given(
    st.decimals("0.01", "100000", places=8),
    st.decimals("0.01", "200000", places=2),
    st.decimals("0.01", "100", places=2),
)
def test_money_buys_the_most_lots_that_it_pays_for(
    free: Decimal, price: Decimal, percent: Decimal
) -> None:
    found = quantity(f"{percent}%", price=str(price), free=str(free))
    budget = free * percent / 100

    assert found * price <= budget < (found + LOT.step) * price
