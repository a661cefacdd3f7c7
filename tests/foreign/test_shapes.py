"""The comparison of shapes finds what it looks for."""

from typing import Any

from pydantic import BaseModel, Field

from tests.foreign.shapes import absent, unknown


class Leg(BaseModel):
    order_id: int | None = Field(default=None, alias="orderId")
    additional_properties: dict[str, Any] = {}


class Listed(BaseModel):
    legs: list[Leg] = []
    additional_properties: dict[str, Any] = {}


def test_a_field_that_the_client_does_not_know_is_named_with_its_path() -> None:
    leg = Leg(orderId=1, additional_properties={"mood": "good"})

    assert list(unknown([Listed(legs=[leg])])) == ["legs.mood"]


def test_a_field_that_did_not_come_is_named_as_binance_names_it() -> None:
    assert list(absent(Listed(legs=[Leg()]))) == ["legs.orderId"]


def test_an_answer_of_the_right_shape_has_nothing_to_name() -> None:
    whole = Listed(legs=[Leg(orderId=1)])

    assert [*unknown(whole), *absent(whole)] == []
