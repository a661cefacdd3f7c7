"""The envelope around a context: made, read back, judged."""

from decimal import Decimal
from typing import Any

import pytest

from lib.context_file.generation import (
    Generation,
    Memory,
    check_identity,
    decode,
    decode_context,
    encode,
    encode_as_it_was,
    stamped,
    unstamped,
)
from lib.errors import CorruptContext, ForeignContext
from lib.machine import Context


class Ctx(Context):
    laps: int = 0
    earned: Decimal = Decimal(0)
    notes: list[str] = []


def generation(**given: Any) -> Generation:
    fields: dict[str, Any] = {
        "bot": "lisa",
        "venue": "paper",
        "account": "4711",
        "installation": "3fa2c1",
        "birth": 1,
        "saved_at": 5,
        "function": "dip_buyer.bot",
        "symbols": ["BTCUSDT"],
        "conf": {},
        "memory": Memory(net={"BTC": Decimal("0.10")}),
        "context": {},
    }
    return Generation.model_validate(fields | given)


def test_a_save_comes_back_as_it_was() -> None:
    context = Ctx(laps=3, earned=Decimal("-0.000000010"), notes=['"quoted", {braced}'])

    back = decode(stamped(encode(generation(), context), 77))

    assert decode_context(Ctx, back) == context
    assert (back.saved_at, back.memory.net) == (77, {"BTC": Decimal("0.10")})


def test_saves_that_differ_in_time_alone_are_the_same() -> None:
    fields = encode(generation(), Ctx())

    assert unstamped(stamped(fields, 1)) == unstamped(stamped(fields, 2)) == fields


def test_a_context_that_was_not_decoded_is_written_back_untouched() -> None:
    kept = decode(stamped(encode(generation(), Ctx(laps=2)), 1))

    again = decode(stamped(encode_as_it_was(kept), 2))

    assert again.context == kept.context


@pytest.mark.parametrize("wrong", [Decimal("NaN"), 0.5, "1"])
def test_a_context_that_would_not_come_back_is_refused_before_the_disk(wrong: Any) -> None:
    context = Ctx()
    context.earned = wrong

    with pytest.raises(Exception, match=r"come back|serializ|Expected|finite"):
        encode(generation(), context)


def test_a_stranger_is_no_generation() -> None:
    with pytest.raises(CorruptContext, match="venue"):
        decode(b'{"saved_at":1,"bot":"lisa"}')


@pytest.mark.parametrize(
    ("what", "other"),
    [("bot", "bart"), ("venue", "live"), ("account", "1"), ("installation", "000000")],
)
def test_a_context_of_another_is_refused(what: str, other: str) -> None:
    ours = {"bot": "lisa", "venue": "paper", "account": "4711", "installation": "3fa2c1"}

    with pytest.raises(ForeignContext, match=other):
        check_identity(generation(), **(ours | {what: other}))


def test_an_account_not_known_yet_is_not_compared() -> None:
    check_identity(generation(), bot="lisa", venue="paper", account="", installation="3fa2c1")
