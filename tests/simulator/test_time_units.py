from typing import Any

import pytest

from lib.simulator.protocol import TimeUnit
from lib.simulator.refusals import Refusal
from lib.simulator.server.time_units import answer_in, event_in, read_time_unit

US = TimeUnit.MICROSECOND


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        (None, TimeUnit.MILLISECOND),
        ("MILLISECOND", TimeUnit.MILLISECOND),
        ("microsecond", TimeUnit.MICROSECOND),
        ("MICROSECOND", TimeUnit.MICROSECOND),
    ],
)
def test_a_unit_is_read_in_either_case(text: str | None, unit: TimeUnit) -> None:
    assert read_time_unit(text) is unit


@pytest.mark.parametrize("text", ["", "SECOND", "Microsecond"])
def test_any_other_unit_is_refused(text: str) -> None:
    with pytest.raises(Refusal) as refusal:
        read_time_unit(text)

    assert refusal.value.code == -1194


def test_times_become_a_thousand_times_larger_and_nothing_else_does() -> None:
    order = {"orderId": 7, "time": 5, "workingTime": -1, "price": "1", "fills": [{"tradeId": 9}]}

    told = answer_in(US, "/api/v3/allOrders", [order])

    assert told == [{**order, "time": 5_000}]
    assert answer_in(TimeUnit.MILLISECOND, "/api/v3/allOrders", [order]) == [order]


@pytest.mark.parametrize("path", ["/api/v3/klines", "/api/v3/uiKlines"])
def test_a_candle_ends_with_its_last_microsecond(path: str) -> None:
    row = [60_000, "1", "1", "1", "1", "2", 119_999, "2", 4, "1", "1", "0"]

    (told,) = answer_in(US, path, [row])

    assert (told[0], told[6], told[8]) == (60_000_000, 119_999_999, 4)
    assert row[0] == 60_000


@pytest.mark.parametrize(
    ("event", "times"),
    [
        ({"e": "executionReport", "E": 1, "T": 2, "W": 3, "O": 4, "u": 5, "t": 6, "C": ""}, "ETWO"),
        ({"e": "executionReport", "E": 1, "T": 2, "W": -1, "I": 5}, "ET"),
        ({"e": "outboundAccountPosition", "E": 1, "u": 2, "B": []}, "Eu"),
        ({"e": "trade", "E": 1, "T": 2, "t": 3, "p": "4"}, "ET"),
        ({"e": "depthUpdate", "E": 1, "U": 2, "u": 3}, "E"),
        ({"e": "24hrTicker", "E": 1, "O": 2, "C": 3, "F": 4, "L": 5, "n": 6, "Q": "7"}, "EOC"),
        ({"e": "24hrMiniTicker", "E": 1, "o": "2", "c": "3"}, "E"),
        ({"u": 1, "s": "BTCUSDT", "b": "1", "B": "1", "a": "2", "A": "1"}, ""),
    ],
)
def test_each_kind_of_event_tells_its_own_times(event: dict[str, Any], times: str) -> None:
    told = event_in(US, event)

    assert {name for name in event if told[name] != event[name]} == set(times)
    assert all(told[name] == event[name] * 1_000 for name in times)


def test_the_candle_within_an_event_is_told_in_the_same_unit() -> None:
    event = {"e": "kline", "E": 7, "k": {"t": 60_000, "T": 119_999, "f": 1, "L": 2}}

    told = event_in(US, event)

    assert (told["E"], told["k"]) == (
        7_000,
        {"t": 60_000_000, "T": 119_999_999, "f": 1, "L": 2},
    )
