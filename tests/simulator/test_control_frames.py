import json
from typing import Any

import pytest

from lib.simulator.server.control_frames import (
    BadFrame,
    check_property,
    is_stream,
    property_value,
    read_frame,
    stream_names,
)

EXPECTED = (
    "expected one of `SUBSCRIBE`, `UNSUBSCRIBE`, `LIST_SUBSCRIPTIONS`, "
    "`SET_PROPERTY`, `GET_PROPERTY`"
)
BAD_ID = "Invalid request: request ID must be an unsigned integer"
LISTING = {"method": "LIST_SUBSCRIPTIONS"}


def obeyed(text: str) -> object:
    """Read a frame as far as its method goes."""
    frame = read_frame(text)
    match frame.method:
        case "SET_PROPERTY":
            return property_value(frame)
        case "GET_PROPERTY":
            check_property(frame)
            return None
        case "LIST_SUBSCRIPTIONS":
            return frame.id
        case _:
            return stream_names(frame)


@pytest.mark.parametrize(
    ("frame", "code", "said"),
    [
        ({"method": "BUY", "id": 1}, 2, f"Invalid request: unknown variant `BUY`, {EXPECTED}"),
        ({"id": 1}, 2, "Invalid request: missing field `method` at line 1 column 9"),
        ({"method": "SUBSCRIBE", "params": ["a@trade"]}, 2, BAD_ID),
        ({**LISTING, "id": 1.5}, 2, BAD_ID),
        ({**LISTING, "id": True}, 2, BAD_ID),
        ({**LISTING, "id": 2**63}, 2, BAD_ID),
        ({**LISTING, "id": "a" * 37}, 2, BAD_ID),
        ({**LISTING, "id": "a b"}, 2, BAD_ID),
        ({**LISTING, "id": 1, "params": [1]}, 2, "Invalid request: too many parameters"),
        (
            {"method": "GET_PROPERTY", "id": 1, "params": ["combined", True]},
            2,
            "Invalid request: too many parameters",
        ),
        (
            {"method": "SET_PROPERTY", "id": 1, "params": ["combined", True, 1]},
            2,
            "Invalid request: too many parameters",
        ),
        (
            {"method": "GET_PROPERTY", "id": 1},
            2,
            "Invalid request: property name must be a string",
        ),
        (
            {"method": "SET_PROPERTY", "id": 1, "params": [7, True]},
            2,
            "Invalid request: property name must be a string",
        ),
        ({"method": "GET_PROPERTY", "id": 1, "params": ["other"]}, 0, "Unknown property"),
        ({"method": "SET_PROPERTY", "id": 1, "params": ["other", True]}, 0, "Unknown property"),
        (
            {"method": "SET_PROPERTY", "id": 1, "params": ["combined", "true"]},
            1,
            "Invalid value type: expected Boolean",
        ),
        (
            {"method": "SET_PROPERTY", "id": 1, "params": ["combined"]},
            1,
            "Invalid value type: expected Boolean",
        ),
        ({"method": "SUBSCRIBE", "id": 1, "params": ["@@@"]}, 2, "Invalid request: invalid stream"),
        ({"method": "UNSUBSCRIBE", "id": 1, "params": [3]}, 2, "Invalid request: invalid stream"),
    ],
)
def test_a_frame_that_cannot_be_meant_is_refused_in_binances_words(
    frame: dict[str, Any], code: int, said: str
) -> None:
    with pytest.raises(BadFrame) as refused:
        obeyed(json.dumps(frame))

    assert (refused.value.code, refused.value.text) == (code, said)
    assert refused.value.frame_id == (None if said == BAD_ID else 1)


@pytest.mark.parametrize(
    ("text", "place"), [("nonsense", "line 1 column 1"), ('{"id":\n x}', "line 2 column 2")]
)
def test_what_is_no_json_is_refused_with_the_place(text: str, place: str) -> None:
    with pytest.raises(BadFrame) as refused:
        read_frame(text)

    assert refused.value.code == 3
    assert refused.value.text == f"Invalid JSON: expected value at {place}"


@pytest.mark.parametrize("frame_id", [0, -5, 2**63 - 1, "a1", "9f-_", "x" * 36, None])
def test_an_id_is_a_number_a_word_or_nothing(frame_id: object) -> None:
    assert obeyed(json.dumps({**LISTING, "id": frame_id})) == frame_id


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("btcusdt@trade", True),
        ("btcusdt@kline_1d@+08:00", True),
        ("!miniTicker@arr", True),
        ("这是测试币456@trade", True),
        ("pqia91ma19a5s61cv6a81va65", True),
        ("", False),
        ("@trade", False),
        ("btcusdt@", False),
        ("btc usdt@trade", False),
        ("a@b@@c", False),
    ],
)
def test_the_name_of_a_stream_has_a_form_whether_it_exists_or_not(name: str, form: bool) -> None:
    assert is_stream(name) is form
