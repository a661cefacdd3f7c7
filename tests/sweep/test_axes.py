"""What a person writes behind `--sweep`, read exactly."""

from decimal import Decimal

import pytest

from lib.sweep.axes import check_axes, read_axis, value_text


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("0.001,0.002", ["0.001", "0.002"]),
        ("1, 2 ,3", ["1", "2", "3"]),
        ("0.001..0.004/0.001", ["0.001", "0.002", "0.003", "0.004"]),
        ("0.1..0.35/0.1", ["0.1", "0.2", "0.3"]),
        ("-0.02..0/0.01", ["-0.02", "-0.01", "0"]),
        ("3..9/3", ["3", "6", "9"]),
        ("1h..4h/1h", ["1h", "2h", "3h", "4h"]),
        ("30..90/30m", ["30m", "60m", "90m"]),
        ("100 USDT..300 USDT/100 USDT", ["100 USDT", "200 USDT", "300 USDT"]),
        ("true,false,null", ["true", "false", "null"]),
        ('5m,"1h",BUY', ["5m", "1h", "BUY"]),
        ("[[1, 2], [3]]", ["[1, 2]", "[3]"]),
        ('[{"price": 0.01}, null]', ["{price: 0.01}", "null"]),
    ],
)
def test_values_are_the_ones_that_were_written(text: str, values: list[str]) -> None:
    axis = read_axis(f"bot.setting={text}")

    assert [value_text(value) for value in axis.values] == values


def test_a_range_is_exact_where_floats_would_not_be() -> None:
    axis = read_axis("grid.step=0.1..0.7/0.1")

    assert axis.values == tuple(Decimal(each) / 10 for each in range(1, 8))
    assert all(isinstance(value, Decimal) for value in axis.values)


def test_whole_numbers_stay_whole() -> None:
    assert read_axis("ema.fast=3..5/1").values == (3, 4, 5)
    assert read_axis("ema.fast=3,5").values == (3, 5)


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("smart.take_profit.price=1", ("take_profit", "price")),
        ("smart.targets[1].price=1", ("targets", 1, "price")),
        ("smart.targets.1.price=1", ("targets", "1", "price")),
        ("smart.budget.USDT=1", ("budget", "USDT")),
    ],
)
def test_a_setting_is_found_by_its_path(text: str, path: tuple[str | int, ...]) -> None:
    assert read_axis(text).path == path


def test_values_that_grow_are_an_order_and_others_are_not() -> None:
    assert read_axis("a.b=1,2,3").ordered
    assert read_axis("a.b=1h..3h/1h").ordered
    assert not read_axis("a.b=3,1,2").ordered
    assert not read_axis("a.b=5m,15m").ordered
    assert not read_axis("a.b=false,true").ordered


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("dip", "is not like"),
        ("dip_buyer=1", "is not like"),
        ("dip_buyer.dip=", "is not like"),
        ("bot.a=1,,2", "empty value"),
        ("bot.a=1,1.0", "the value 1 twice"),
        ("bot.a=1..2", "is no range"),
        ("bot.a=2..1/1", "leads nowhere"),
        ("bot.a=1..2/0", "leads nowhere"),
        ("bot.a=1h..2d/1h", "more than one unit"),
        ("bot.a=0..1/0.00001", "at most 10000"),
        ("bot.a=[1,", "no JSON list"),
        ("bot.a=[]", "empty list"),
    ],
)
def test_what_cannot_be_read_is_said(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        read_axis(text)


def test_a_setting_is_varied_once_and_nothing_inside_it() -> None:
    with pytest.raises(ValueError, match="the same setting"):
        check_axes([read_axis("a.b=1"), read_axis("a.b=2")])
    with pytest.raises(ValueError, match="the same setting"):
        check_axes([read_axis("a.b.c=1"), read_axis('a.b=[{"c": 2}]')])
    check_axes([read_axis("a.b=1"), read_axis("a.bc=2"), read_axis("b.b=2")])
