"""The arithmetic of averaging is the documented one, and what contradicts itself is named."""

from decimal import Decimal

import pytest

from lib.deals.averaging import (
    Purchase,
    average,
    contradictions,
    first_part,
    profit_price,
    scaled,
    spent_at_most,
)
from lib.sizes import Size

BASE = Purchase(Decimal(0), Size(Decimal(15), "USDT"))


def orders(many: int = 4, step: str = "0.01", step_scale: int = 4) -> tuple[Purchase, ...]:
    return scaled(
        step=Decimal(step),
        step_scale=Decimal(step_scale),
        size=Size(Decimal(30), "USDT"),
        volume_scale=Decimal(2),
        many=many,
    )


def test_steps_and_volumes_grow_as_the_peers_document_it() -> None:
    plan = orders()

    assert [each.deviation * 100 for each in plan] == [1, 5, 21, 85]
    assert [each.size.amount for each in plan] == [30, 60, 120, 240]
    assert spent_at_most([BASE, *plan]) == "465 USDT"


def test_without_a_scale_every_step_is_alike() -> None:
    assert [each.deviation * 100 for each in orders(step_scale=1)] == [1, 2, 3, 4]


def test_no_averaging_orders_are_none() -> None:
    assert orders(0) == ()
    assert list(contradictions(())) == []


def test_the_average_is_what_was_paid_by_what_was_bought() -> None:
    half = Purchase(Decimal("0.5"), Size(Decimal(15), "USDT"))

    assert average([BASE]) == 1
    assert average([BASE, half]) == Decimal(30) / Decimal(45)


def test_coins_below_cost_less_than_the_same_coins_above() -> None:
    one, half = (Purchase(Decimal(d), Size(Decimal(1))) for d in ("0", "0.5"))

    assert average([one, half]) == Decimal("0.75")
    assert first_part([one, half]) == 1 / Decimal("1.5")
    assert spent_at_most([one, half]) == "2 coins"


def test_a_profit_of_the_whole_and_one_of_the_base_order_differ() -> None:
    held, paid, fraction = Decimal(2), Decimal(100), Decimal("0.1")

    assert profit_price(held=held, paid=paid, fraction=fraction) == 55
    assert profit_price(held=held, paid=paid, fraction=fraction, of=Decimal(20)) == 51


@pytest.mark.parametrize(
    ("plan", "words"),
    [
        (orders(5), "averaging order 5 would stand 341 % below"),
        ((*orders(2), *orders(1)), "must be further below than the one before"),
        ((Purchase(Decimal("0.1"), Size(Decimal(5), "%")),), "coins or money"),
    ],
)
def test_what_contradicts_itself_is_named(plan: tuple[Purchase, ...], words: str) -> None:
    assert any(words in text for text in contradictions(plan))
