"""What a person may write into a conf, and what is refused."""

from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Literal

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import Field, ValidationError

from lib.amounts import sensible
from lib.machine import Context
from lib.settings import Milliseconds, Settings


class Direction(StrEnum):
    LONG = "long"
    SHORT = "short"


class Target(Settings):
    price: Decimal
    share: Annotated[Decimal, Field(gt=0, le=1)] = Decimal(1)


class Conf(Settings):
    symbol: str = "BTCUSDT"
    quantity: Decimal = Decimal(1)
    direction: Direction = Direction.LONG
    kind: Literal["market", "limit"] = "market"
    laps: int = 1
    eager: bool = False
    steps: tuple[Decimal, ...] = ()
    target: Target | None = None
    targets: list[Target] = []
    by_name: dict[str, Target] = {}
    stop: Decimal | Literal["none"] = "none"
    patience: Milliseconds = 0


@pytest.mark.parametrize(
    "written", [1, Decimal("0.1"), "0.1", "1", "-2.5", "1e-8", Decimal("1E+2")]
)
def test_an_amount_may_be_written_in_every_exact_way(written: Any) -> None:
    assert Conf(quantity=written).quantity == Decimal(str(written))


def test_an_amount_keeps_every_digit() -> None:
    text = "0.1000000000000000000000000000000001"

    assert str(Conf(quantity=Decimal(text)).quantity) == text
    assert str(Conf.model_validate({"quantity": text}).quantity) == text


@pytest.mark.parametrize(
    "written",
    ["ten", "", " 1", "1 ", "1\n", "1_000", "1,5", "٣", "NaN", "Infinity", "0x10", True, None, 0.1,
     Decimal("NaN"), Decimal("Infinity"), Decimal("1e80"), "1e80", [], {}],
)  # fmt: skip
@pytest.mark.parametrize("field", ["quantity", "steps", "stop", "target"])
def test_what_is_no_amount_is_refused_wherever_one_is_expected(field: str, written: Any) -> None:
    value = {"steps": [written], "target": {"price": written}}.get(field, written)

    with pytest.raises(ValidationError):
        Conf.model_validate({field: value})


@pytest.mark.parametrize(
    ("field", "written"),
    [
        ("laps", "10"),
        ("laps", True),
        ("laps", Decimal(1)),
        ("laps", Decimal("1.5")),
        ("eager", 1),
        ("eager", "true"),
        ("eager", "yes"),
        ("symbol", 1),
        ("symbol", None),
        ("direction", "LONG"),
        ("direction", 0),
        ("kind", "Market"),
        ("steps", "1"),
        ("steps", 1),
        ("target", []),
        ("target", {"price": 1, "share": 0}),
        ("target", {"price": 1, "laps": 1}),
        ("targets", {}),
        ("unknown", 1),
    ],
)
def test_a_value_of_another_kind_is_refused(field: str, written: Any) -> None:
    with pytest.raises(ValidationError):
        Conf.model_validate({field: written})


def test_an_enum_is_its_word_and_a_tuple_a_list() -> None:
    conf = Conf.model_validate({"direction": "short", "kind": "limit", "steps": [1, "0.5"]})

    assert conf.direction is Direction.SHORT
    assert conf.steps == (Decimal(1), Decimal("0.5"))


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("500ms", 500),
        ("90s", 90_000),
        ("10m", 600_000),
        ("2h", 7_200_000),
        ("1d", 86_400_000),
        ("1.5h", 5_400_000),
        ("0.001s", 1),
        (250, 250),
        (0, 0),
    ],
)
def test_a_duration_becomes_milliseconds(written: Any, expected: int) -> None:
    assert Conf(patience=written).patience == expected


@pytest.mark.parametrize(
    "written", ["90", "s", "-1s", "1w", "1 s", "1s ", "0.5ms", "1e3s", True, None, -1, 1.5, "1d2h",
                Decimal(1), "999999999999d", 10**30],
)  # fmt: skip
def test_what_is_no_duration_is_refused(written: Any) -> None:
    with pytest.raises(ValidationError):
        Conf.model_validate({"patience": written})


class Bounded(Settings):
    beside: Milliseconds = Field(default=5_000, ge=1_000, le=60_000)
    within: Annotated[Milliseconds, Field(ge=1_000, le=60_000)] = 5_000


@pytest.mark.parametrize("field", Bounded.model_fields)
def test_a_duration_can_be_bounded_in_both_ways_of_pydantic(field: str) -> None:
    assert getattr(Bounded.model_validate({field: "1s"}), field) == 1_000
    assert getattr(Bounded.model_validate({field: "1m"}), field) == 60_000
    for written in ("999ms", "61s", 999, 60_001):
        with pytest.raises(ValidationError, match="000"):
            Bounded.model_validate({field: written})


class BoundedAmount(Settings):
    beside: Decimal = Field(default=Decimal(1), gt=0)
    within: Annotated[Decimal, Field(gt=0)] = Decimal(1)


@pytest.mark.parametrize("field", BoundedAmount.model_fields)
def test_an_amount_can_be_bounded_in_both_ways_of_pydantic(field: str) -> None:
    assert getattr(BoundedAmount.model_validate({field: "0.1"}), field) == Decimal("0.1")
    for written in ("0", 0, Decimal("-0.1")):
        with pytest.raises(ValidationError, match="greater than 0"):
            BoundedAmount.model_validate({field: written})


def test_a_comment_is_ignored_at_every_level() -> None:
    written = {"comment": "hi", "target": {"price": 1, "comment": ["any", "thing"]}}

    assert Conf.model_validate(written) == Conf(target=Target(price=Decimal(1)))


def test_a_field_called_comment_is_no_comment() -> None:
    class Commented(Settings):
        comment: str

    assert Commented.model_validate({"comment": "kept"}).comment == "kept"
    with pytest.raises(ValidationError):
        Commented.model_validate({"comment": 1})


def test_a_field_may_have_a_name_that_pydantic_uses_itself() -> None:
    class Named(Settings):
        type: Decimal
        default: int
        metadata: bool
        fields_: Decimal = Field(alias="fields")

    written = {"type": "0.1", "default": 1, "metadata": True, "fields": 2}

    assert Named.model_validate(written).type == Decimal("0.1")
    for field, value in {"type": True, "default": "1", "metadata": 1, "fields": "two"}.items():
        with pytest.raises(ValidationError):
            Named.model_validate({**written, field: value})


def test_the_members_of_a_tagged_union_are_as_strict() -> None:
    class Market(Settings):
        kind: Literal["market"]
        laps: int

    class Limit(Settings):
        kind: Literal["limit"]
        price: Decimal

    class Either(Settings):
        order: Annotated[Market | Limit, Field(discriminator="kind")]

    assert Either.model_validate({"order": {"kind": "limit", "price": "0.1"}})
    for order in ({"kind": "limit", "price": True}, {"kind": "market", "laps": "1"}):
        with pytest.raises(ValidationError):
            Either.model_validate({"order": order})


def test_settings_cannot_be_changed() -> None:
    conf = Conf()

    with pytest.raises(ValidationError, match="frozen"):
        conf.laps = 2  # type: ignore[misc]


def test_symbols_are_the_symbol_unless_a_conf_says_otherwise() -> None:
    class Pair(Settings):
        first: str
        second: str

        @property
        def symbols(self) -> tuple[str, ...]:
            return self.first, self.second

    assert Conf().symbols == ("BTCUSDT",)
    assert Target(price=Decimal(1)).symbols == ()
    assert Pair(first="A", second="B").symbols == ("A", "B")


def test_a_default_is_checked_like_any_value() -> None:
    class Wrong(Settings):
        laps: Annotated[int, Field(gt=0)] = 0

    with pytest.raises(ValidationError):
        Wrong()


class Lap(Context):
    """A context with a copy of the parameters its lap began with."""

    conf: Conf


exact = st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**12), max_value=10**12)


@pytest.mark.slow
@settings(deadline=None)
@given(
    quantity=exact.filter(lambda amount: sensible(amount.copy_abs())),
    patience=st.integers(0, 10**9),
    direction=st.sampled_from(Direction),
)
def test_settings_copied_into_a_context_come_back_from_disk_exactly(
    quantity: Decimal, patience: int, direction: Direction
) -> None:
    target = Target(price=quantity)
    conf = Conf(
        quantity=quantity,
        patience=patience,
        direction=direction,
        steps=(quantity,),
        target=target,
        by_name={"a": target},
    )

    on_disk = orjson.dumps(Lap(conf=conf).model_dump(mode="json"))

    assert isinstance(orjson.loads(on_disk)["conf"]["quantity"], str)
    assert Lap.model_validate(orjson.loads(on_disk)).conf == conf
    assert Lap.model_validate_json(on_disk).conf == conf


@pytest.mark.slow
@settings(deadline=None)
@given(st.recursive(
    st.none() | st.booleans() | st.integers() | st.decimals() | st.text(),
    lambda inside: st.lists(inside) | st.dictionaries(
        st.sampled_from([*Conf.model_fields, *Target.model_fields, "comment", "x"]), inside
    ),
    max_leaves=12,
))  # fmt: skip
def test_any_values_make_settings_or_a_validation_error(values: Any) -> None:
    try:
        conf = Conf.model_validate(values)
    except ValidationError:
        return
    assert Conf.model_validate(conf.model_dump()) == conf
