"""The sums over many orders: what was realised, what is still held, what it cost."""

from decimal import Decimal

from lib.exchange import Fill, Side
from lib.money import SymbolRules
from lib.orders import Order
from lib.turnover import Turnover, add_up, book

RULES = SymbolRules("BTCUSDT", "BTC", "USDT")


def ended(side: Side, quantity: str, price: int, fee: str = "0", asset: str = "BTC") -> Order:
    amount = Decimal(quantity)
    fill = Fill(
        trade_id=1,
        price=Decimal(price),
        quantity=amount,
        quote=amount * price,
        commission=Decimal(fee),
        commission_asset=asset,
        time=0,
    )
    return Order(
        symbol="BTCUSDT",
        side=side,
        type="LIMIT",
        quantity=amount,
        executed=amount,
        executed_quote=amount * price,
        fills=[fill],
    )


def booked(*orders: Order) -> Turnover:
    turnover = Turnover()
    for order in orders:
        book(turnover, order, RULES)
    return turnover


def test_what_was_sold_dearer_than_bought_is_realised() -> None:
    found = booked(ended("BUY", "1", 100), ended("SELL", "1", 110))

    assert found.realised == 10
    assert found.position == found.cost == 0


def test_what_was_sold_first_is_realised_when_it_was_bought_back() -> None:
    found = booked(ended("SELL", "1", 110), ended("BUY", "1", 100))

    assert found.realised == 10
    assert found.position == 0


def test_fees_make_less_of_what_is_realised() -> None:
    bought = ended("BUY", "1", 100, fee="0.1", asset="BTC")
    sold = ended("SELL", "0.9", 200, fee="5", asset="USDT")

    found = booked(bought, sold)

    assert found.realised == 180 - 5 - 100
    assert found.position == 0
    assert found.fees == {"BTC": Decimal("0.1"), "USDT": Decimal(5)}


def test_a_part_sold_realises_its_part_of_the_cost() -> None:
    found = booked(ended("BUY", "2", 100), ended("SELL", "1", 130))

    assert found.realised == 30
    assert found.cost == 100


def test_a_sale_beyond_the_position_opens_the_other_way() -> None:
    found = booked(ended("BUY", "1", 100), ended("SELL", "2", 130))

    assert found.realised == 30
    assert found.position == -1
    assert found.cost == -130


def test_sums_of_several_are_added_up() -> None:
    one = booked(ended("BUY", "1", 100, fee="0.1"))
    other = booked(ended("SELL", "1", 110, fee="0.2"))

    total = add_up([one, other])

    assert (total.turns, total.bought, total.sold) == (2, Decimal(1), Decimal(1))
    assert total.fees == {"BTC": Decimal("0.3")}
