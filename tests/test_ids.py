"""Client order ids are unique, readable by us, and harmless."""

import re

from hypothesis import given
from hypothesis import strategies as st

from lib.ids import OwnId, bot_tag, intent_token, make_id, parse_id

NAMES = st.from_regex(r"[A-Za-z0-9_-]{1,32}", fullmatch=True)


@given(NAMES, st.integers(0, 16**11 - 1), st.integers(1, 0xFFFFFF), st.sampled_from("ac"))
def test_an_id_tells_whose_it_is_and_fits_the_exchange(
    bot: str, birth: int, counter: int, leg: str
) -> None:
    made = make_id(installation="3fa2c1", bot=bot, birth=birth, counter=counter, leg=leg)  # type: ignore[arg-type]

    assert re.fullmatch(r"^[a-zA-Z0-9-_]{1,36}$", made)
    assert parse_id(made) == OwnId("3fa2c1", bot_tag(bot), birth, counter, leg)


@given(st.integers(0, 16**11 - 1), st.integers(1, 0xFFFFFF))
def test_an_id_is_made_of_hex_digits_only_so_that_it_cannot_spell_sql(
    birth: int, counter: int
) -> None:
    made = make_id(installation="3fa2c1", bot="Drop", birth=birth, counter=counter, leg="a")

    assert set(made) <= set("0123456789abcdef")


@given(st.text(max_size=40))
def test_ids_of_others_are_not_taken_for_ours(text: str) -> None:
    own = parse_id(text)

    assert own is None or str(own) == text


def test_names_that_differ_in_case_alone_have_one_tag() -> None:
    assert bot_tag("Lisa") == bot_tag("lisa")


def test_a_new_fence_makes_a_new_token() -> None:
    assert intent_token("a7", 1) != intent_token("a7", 2)
