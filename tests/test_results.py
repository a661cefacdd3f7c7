"""Realised and unrealised, by average cost, to the last digit."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.exchange import Fill, Side
from lib.results import Position, booked, opening

BTC = ("BTC", "USDT")
ZERO = Decimal(0)


def fill(quantity: str, price: str, fee: str = "0", asset: str = "BNB", time: int = 1) -> Fill:
    return Fill(
        trade_id=1,
        price=Decimal(price),
        quantity=Decimal(quantity),
        quote=Decimal(quantity) * Decimal(price),
        commission=Decimal(fee),
        commission_asset=asset,
        time=time,
    )


def exact(*numbers: str | int) -> tuple[Decimal, ...]:
    return tuple(map(Decimal, numbers))


def after(*trades: tuple[Side, Fill], position: Position | None = None) -> Position:
    position = position or Position()
    for side, each in trades:
        position = booked(position, [each], side, BTC)
    return position


def test_a_sale_realises_the_proceeds_less_the_average_cost_of_what_was_sold() -> None:
    position = after(
        ("BUY", fill("1", "100")), ("BUY", fill("1", "200")), ("SELL", fill("1", "170"))
    )

    assert (position.quantity, position.cost, position.realised) == exact(1, 150, 20)
    assert position.unrealised(Decimal(160)) == 10


def test_a_fee_taken_in_coins_makes_the_rest_dearer() -> None:
    position = after(("BUY", fill("1", "100", "0.2", "BTC")), ("SELL", fill("0.4", "150")))

    assert (position.quantity, position.cost, position.realised) == exact("0.4", 50, 10)


def test_a_fee_taken_in_money_lessens_what_is_realised() -> None:
    position = after(("BUY", fill("1", "100")), ("SELL", fill("1", "110", "3", "USDT")))

    assert (position.quantity, position.cost, position.realised) == exact(0, 0, 7)


def test_a_fee_taken_in_another_asset_stands_beside() -> None:
    assert after(("BUY", fill("1", "100", "0.5", "BNB"))).cost == 100


def test_coins_sold_that_were_not_bought_are_compared_with_having_kept_them() -> None:
    short = after(("SELL", fill("1", "60000")))
    closed = after(("BUY", fill("1", "59000")), position=short)

    assert short.unrealised(Decimal(61_000)) == -1000
    assert (closed.quantity, closed.cost, closed.realised) == exact(0, 0, 1000)


def test_a_trade_beyond_zero_closes_what_was_held_and_opens_the_rest() -> None:
    position = after(("BUY", fill("1", "100")), ("SELL", fill("3", "110")))

    assert (position.quantity, position.cost, position.realised) == exact(-2, -220, 10)


def test_the_price_is_that_of_the_newest_fill() -> None:
    position = after(("BUY", fill("1", "100", time=9)), ("BUY", fill("1", "90", time=5)))

    assert (position.price, position.priced_at) == (Decimal(100), 9)


@pytest.mark.parametrize(
    ("moved", "expected"),
    [
        ({"BTC": Decimal("0.5"), "USDT": Decimal(-300)}, (Decimal("0.5"), 300, 0)),
        ({"BTC": ZERO, "USDT": Decimal(12)}, (0, 0, 12)),
        ({}, (0, 0, 0)),
    ],
)
def test_sums_without_a_history_open_a_position_of_the_same_worth(
    moved: dict[str, Decimal], expected: tuple[Decimal, Decimal, Decimal]
) -> None:
    position = opening(moved, BTC)

    assert (position.quantity, position.cost, position.realised) == expected


amounts = st.decimals("0.00001", "9000", places=5)
prices = st.decimals("0.01", "99999.99", places=2)
trades = st.lists(
    st.tuples(
        st.sampled_from(("BUY", "SELL")),
        amounts,
        prices,
        st.decimals("0", "0.00001", places=8),
        st.sampled_from(("BTC", "USDT", "BNB")),
    ),
    max_size=30,
)


@given(trades)
def test_no_digit_is_lost_however_often_an_average_is_rounded(
    history: list[tuple[Side, Decimal, Decimal, Decimal, str]],
) -> None:
    position, coins, money = Position(), ZERO, ZERO
    for side, quantity, price, fee, asset in history:
        each = fill(str(quantity), str(price), str(fee), asset)
        position = booked(position, [each], side, BTC)
        sign = 1 if side == "BUY" else -1
        coins += sign * quantity - (fee if asset == "BTC" else 0)
        money -= sign * each.quote + (fee if asset == "USDT" else 0)

    assert position.quantity == coins
    assert position.realised - position.cost == money
    if not coins:
        assert position.cost == 0
