from decimal import Decimal
from typing import Any

import pytest

from lib.simulator.option_words import NoSuchOption, list_options, read_option, with_options
from lib.simulator.options import Options, Rates


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("maker_fee=0.0005", ("maker_fee", Decimal("0.0005"))),
        ("fees_in_bnb=true", ("fees_in_bnb", True)),
        ("query_lag_ms=500", ("query_lag_ms", 500)),
        ("unsupported_type_code=-2010", ("unsupported_type_code", -2010)),
        ("reused_id=newest", ("reused_id", "newest")),
        ("symbol_range=^[A-Z]=$", ("symbol_range", "^[A-Z]=$")),
        ('tax_commission={"maker": "0.1"}', ("tax_commission", Rates(maker=Decimal("0.1")))),
    ],
)
def test_an_option_is_read_by_its_type(text: str, expected: tuple[str, Any]) -> None:
    assert read_option(text) == expected
    assert getattr(with_options(Options(), dict([read_option(text)])), expected[0]) == expected[1]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("maker_fe=1", "there is no option 'maker_fe'; did you mean maker_fee?"),
        ("maker_fee", "is not like NAME=VALUE"),
        ("maker_fee=ten", "maker_fee is an amount like 0.001, not 'ten'"),
        ("maker_fee=NaN", "maker_fee is an amount"),
        ("maker_fee=-1", "maker_fee is an amount"),
        ("fees_in_bnb=yes", "fees_in_bnb is true or false, not 'yes'"),
        ("query_lag_ms=1.5", "query_lag_ms is a whole number"),
        ("query_lag_ms=-1", "query_lag_ms is a whole number"),
        ("reused_id=last", "reused_id is open or newest or oldest, not 'last'"),
        ("symbol_range=[", "symbol_range is a text"),
        ("tax_commission=1", "tax_commission is JSON of its own shape"),
        ("=1", "there is no option ''"),
    ],
)
def test_what_is_no_option_is_said_with_what_there_is(text: str, said: str) -> None:
    with pytest.raises(NoSuchOption) as wrong:
        read_option(text)

    assert said in str(wrong.value)


def test_every_option_is_listed_and_most_can_be_read_back() -> None:
    lines = list_options().splitlines()
    plain = [line for line in lines if "(" not in line and "{" not in line]

    assert len(lines) > len(plain) > 20
    for line in plain:
        name, value = read_option(line)
        assert getattr(Options(), name) == value
