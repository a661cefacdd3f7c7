"""A closed trade is what a person would write down; together they are what the bot realised."""

from decimal import Decimal
from random import Random

import pytest

from lib.amounts import ZERO
from lib.backtest.ledger import FillLine
from lib.backtest.result import fill_of, side_of
from lib.report.round_trips import RoundTrips, Trade
from lib.results import Position, booked
from tests.report.scenes import facts

ASSETS = ("BTC", "USDT")
PRICES = {"USDT": Decimal(1), "BNB": Decimal(500), "BTC": Decimal(100)}


def fill(
    time: int, side: str, quantity: str, price: str, *, fee: str = "0 USDT", order: int = 0
) -> FillLine:
    amount, _, asset = fee.partition(" ")
    quote = str(Decimal(quantity) * Decimal(price))
    return FillLine(*(
        time,
        "lisa",
        "BTCUSDT",
        order or time,
        side,
        quantity,
        price,
        quote,
        amount,
        asset,
        True,
    ))


def trades_of(*fills: FillLine) -> list[Trade]:
    trips = RoundTrips("lisa", "BTCUSDT", ASSETS)
    for line in fills:
        trips.book(line, PRICES.get)
    return trips.trades


def test_bought_at_100_sold_at_110_brings_10_less_both_fees() -> None:
    (trade,) = trades_of(
        fill(1_000, "BUY", "1", "100", fee="0.1 USDT"),
        fill(5_000, "SELL", "1", "110", fee="0.11 USDT"),
    )

    assert facts(trade.direction, trade.quantity) == ("long", 1)
    assert facts(trade.entry_price, trade.exit_price) == (100, 110)
    assert facts(trade.entered_at, trade.exited_at) == (1_000, 5_000)
    assert trade.profit == Decimal("9.79")
    assert trade.fees == Decimal("0.21")


def test_fees_in_bnb_come_off_at_the_price_of_their_time() -> None:
    (trade,) = trades_of(
        fill(1, "BUY", "1", "100", fee="0.0002 BNB"), fill(2, "SELL", "1", "110", fee="0.0004 BNB")
    )

    assert trade.profit == Decimal("9.7")
    assert trade.fees == Decimal("0.3")


def test_fees_in_the_coin_lessen_what_can_be_sold() -> None:
    (trade,) = trades_of(
        fill(1, "BUY", "1", "100", fee="0.001 BTC"), fill(2, "SELL", "0.999", "110")
    )

    assert trade.profit == Decimal("0.999") * 110 - 100
    assert round(trade.fees, 6) == Decimal("0.0999")


def test_a_sale_in_parts_is_one_trade_and_two_sales_are_two() -> None:
    bought = fill(1, "BUY", "2", "100")

    together = trades_of(
        bought, fill(2, "SELL", "1", "110", order=7), fill(3, "SELL", "1", "120", order=7)
    )
    apart = trades_of(
        bought, fill(2, "SELL", "1", "110", order=7), fill(3, "SELL", "1", "120", order=8)
    )

    assert [facts(each.quantity, each.exit_price, each.profit) for each in together] == [
        (2, 115, 30)
    ]
    assert [each.profit for each in apart] == [10, 20]


def test_two_sales_that_fill_by_turns_are_two_trades() -> None:
    first, second = trades_of(
        fill(1, "BUY", "4", "100"),
        *(fill(time, "SELL", "1", "110", order=7 + time % 2) for time in range(2, 6)),
    )

    assert facts(first.order, first.quantity, first.exited_at) == (7, 2, 4)
    assert facts(second.order, second.quantity, second.exited_at) == (8, 2, 5)


def test_what_was_bought_twice_is_sold_at_the_average_price_and_age() -> None:
    (trade,) = trades_of(
        fill(1_000, "BUY", "1", "100"),
        fill(4_000, "BUY", "2", "130"),
        fill(9_000, "SELL", "1.5", "120"),
    )

    assert trade.entry_price == 120
    assert trade.entered_at == 3_000
    assert trade.profit == 0


def test_what_was_sold_first_is_a_short_trade_once_it_is_bought_back() -> None:
    (trade,) = trades_of(fill(1, "SELL", "1", "110"), fill(2, "BUY", "1", "100"))

    assert facts(trade.direction, trade.profit) == ("short", 10)
    assert facts(trade.entry_price, trade.exit_price) == (110, 100)


def test_an_order_that_sells_more_than_is_held_closes_and_opens() -> None:
    first, second = trades_of(
        fill(1, "BUY", "1", "100"), fill(2, "SELL", "3", "110"), fill(3, "BUY", "2", "105")
    )

    assert facts(first.direction, first.quantity, first.profit) == ("long", 1, 10)
    assert facts(second.direction, second.quantity, second.profit) == ("short", 2, 10)


def test_nothing_is_closed_while_it_is_only_bought() -> None:
    assert trades_of(fill(1, "BUY", "1", "100"), fill(2, "BUY", "1", "90")) == []


@pytest.mark.parametrize("seed", range(20))
def test_the_profits_of_all_trades_are_what_the_bot_realised(seed: int) -> None:
    chance = Random(seed)
    fees = ("0.01 USDT", "0.0001 BTC", "0 USDT")
    fills = [
        fill(
            time,
            chance.choice(["BUY", "SELL"]),
            f"{chance.randint(1, 300) / 100}",
            f"{chance.randint(9_000, 11_000) / 100}",
            fee=chance.choice(fees),
            order=time // 2,
        )
        for time in range(1, 60)
    ]
    position = Position()
    for line in fills:
        position = booked(position, [fill_of(line, 0)], side_of(line), ASSETS)

    profits = sum((trade.profit for trade in trades_of(*fills)), ZERO)

    assert abs(profits - position.realised) < Decimal("1e-15")
