"""A side of the book that is replaced as a whole is what it would be level by level."""

import random

import pytest

from lib.simulator.books.account import Account
from lib.simulator.books.orders import Order
from lib.simulator.engine.book import BookSide

OWNER = Account("owner", 1)


def order(number: int, price: int, *, is_buy: bool) -> Order:
    return Order(
        *("BTCUSDT", OWNER, f"order-{number}", is_buy, "LIMIT", "GTC", 10, price, 0, 0, "NONE", 0),
        id=number,
    )


def as_it_stands(side: BookSide) -> list[object]:
    levels = [
        (price, level.foreign, level.own, [(own.id, own.ahead) for own in level.orders.values()])
        for price, level in side.best_first()
    ]
    return [side.keys, sorted(side.changed), levels]


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("seed", range(20))
def test_replacing_what_others_have_is_clearing_and_setting_each(seed: int, sign: int) -> None:
    chance, sides = random.Random(seed), [BookSide(sign, set()) for _ in range(2)]
    whole, one_by_one = sides
    for number in range(1, 25):
        levels = [(price, chance.randrange(3)) for price in chance.sample(range(90, 110), 5)]
        if number % 3 == 0:
            price = chance.randrange(90, 110)
            for side in sides:
                side.rest(order(number, price, is_buy=sign > 0))

        whole.replace_foreign(levels)
        one_by_one.clear_foreign(price for price, _ in levels)
        for price, quantity in levels:
            one_by_one.set_foreign(price, quantity)

        assert as_it_stands(whole) == as_it_stands(one_by_one)
