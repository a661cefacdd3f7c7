"""JSON as people write it, and where everything in it stands."""

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib.commented_json import DEPTH_MAX, NotJson, Position, parse


def value_of(text: str) -> Any:
    return parse(text.encode()).value


def refusal_of(text: str | bytes) -> NotJson:
    with pytest.raises(NotJson) as refused:
        parse(text if isinstance(text, bytes) else text.encode())
    return refused.value


def test_comments_of_all_three_kinds_and_trailing_commas_are_skipped() -> None:
    text = """// first
    { # a hash
      "a": [1, /* two
      lines, "with": quotes */ 2,], // and // again
      "b": {"c": "// no comment # here /* nor */ here",},
    } # the end without a line break"""

    assert value_of(text) == {
        "a": [1, 2],
        "b": {"c": "// no comment # here /* nor */ here"},
    }


def test_a_byte_order_mark_and_other_line_ends_are_skipped() -> None:
    document = parse(b'\xef\xbb\xbf{\r\n\t"a": 1\r\n}\r\n')

    assert document.value == {"a": 1}
    assert document.values["a",] == Position(2, 7)


def test_numbers_with_a_point_or_an_exponent_are_exact_and_others_stay_integers() -> None:
    text = "[0.1000000000000000000001, 1e-8, 1, -0, -2.50, 1E+3, 123456789012345678901234567890]"

    values = value_of(text)

    assert [str(value) for value in values] == [
        "0.1000000000000000000001",
        "1E-8",
        "1",
        "0",
        "-2.50",
        "1E+3",
        "123456789012345678901234567890",
    ]
    assert [type(value) for value in values] == [Decimal, Decimal, int, int, Decimal, Decimal, int]


def test_every_key_and_value_keeps_its_place() -> None:
    document = parse(b'[\n  {"lisa": {"price": 0.1,\n    "steps": [1, 22]}}\n]')

    assert document.values[()] == Position(1, 1)
    assert document.keys[0, "lisa"] == Position(2, 4)
    assert document.values[0, "lisa"] == Position(2, 12)
    assert document.keys[0, "lisa", "price"] == Position(2, 13)
    assert document.values[0, "lisa", "price"] == Position(2, 22)
    assert document.values[0, "lisa", "steps", 1] == Position(3, 18)


def test_a_key_given_twice_is_noted_with_both_places_and_the_first_counts() -> None:
    document = parse(b'{"a": {"b": 1,\n "b": {"b": 2, "b": 3}}, "a": 4}')

    assert document.value == {"a": {"b": 1}}
    assert [(twice.path, twice.first, twice.second) for twice in document.duplicates] == [
        (("a", "b"), Position(1, 8), Position(2, 2)),
        (("a",), Position(1, 2), Position(2, 26)),
    ]
    assert document.values["a", "b"] == Position(1, 13)


REFUSED = [
    ("", (1, 1), "the end", "a value"),
    ("// only a comment", (1, 18), "the end", "a value"),
    ("[1, 2", (1, 6), "the end", '"," or "]"'),
    ('{"a": 1', (1, 8), "the end", '"," or "}"'),
    ('{"a" 1}', (1, 6), "1", '":" after the key "a"'),
    ("{a: 1}", (1, 2), '"a"', 'a key in double quotes, or "}"'),
    ("{1: 1}", (1, 2), '"1"', 'a key in double quotes, or "}"'),
    ('{"a": 1,, }', (1, 9), '","', 'a key in double quotes, or "}"'),
    ("[,]", (1, 2), '","', "a value"),
    ("[1,,]", (1, 4), '","', "a value"),
    ("[1 2]", (1, 4), '"2"', '"," or "]"'),
    ("[1\n2]", (2, 1), '"2"', '"," or "]"'),
    ("[1]\n[2]", (2, 1), '"["', "the end of the file"),
    ("[True]", (1, 2), '"True"', "true, in small letters"),
    ("[None]", (1, 2), '"None"', "null"),
    ("[NaN]", (1, 2), '"NaN"', "a number, which NaN and Infinity are not"),
    ("[-Infinity]", (1, 2), '"-Infinity"', "a number, which NaN and Infinity are not"),
    ("[.5]", (1, 2), '".5"', "a number like 1, -0.5 or 1e-8"),
    ("[5.]", (1, 2), '"5."', "a number like 1, -0.5 or 1e-8"),
    ("[+5]", (1, 2), '"+5"', "a number like 1, -0.5 or 1e-8"),
    ("[007]", (1, 2), '"007"', "a number like 1, -0.5 or 1e-8"),
    ("[1_000]", (1, 2), '"1_000"', "a number like 1, -0.5 or 1e-8"),
    ("[0x10]", (1, 2), '"0x10"', "a number like 1, -0.5 or 1e-8"),
    ("[٣]", (1, 2), '"٣"', "a value"),
    ("['a']", (1, 2), "\"'a'\"", 'a value; strings stand in straight double quotes ("…")'),
    ("[1e999]", (1, 2), '"1e999"', "a number of a sensible size"),
    ("[" + "9" * 65 + "]", (1, 2), f'"{"9" * 58}…', "a number of a sensible size"),
    ('["a\nb"]', (1, 4), '"\\n"', "a double quote at the end of the string"),
    ('["a', (1, 4), "the end", "a double quote at the end of the string"),
    (
        r'["C:\temp\x"]',
        (1, 10),
        '"\\\\x"',
        r"an escape that JSON knows; a backslash itself is written \\",
    ),
    (r'["\ud800"]', (1, 2), '"\\""', "characters, not halves of surrogate pairs"),
    ("[1 /* never closed", (1, 4), '"/"', '"*/" at the end of the comment'),
]


@pytest.mark.parametrize(("text", "place", "found", "expected"), REFUSED)
def test_what_is_no_json_is_refused_at_its_place_in_plain_words(
    text: str, place: tuple[int, int], found: str, expected: str
) -> None:
    refused = refusal_of(text)

    assert (refused.position.line, refused.position.column) == place
    assert refused.expected == expected
    assert refused.found.strip('"') == found.strip('"')


def test_a_text_in_another_encoding_is_refused_at_the_first_strange_byte() -> None:
    latin = refusal_of('{\n"né": 1}'.encode("latin-1"))
    wide = refusal_of("[]".encode("utf-16"))

    assert (latin.position, latin.found) == (Position(2, 3), "byte 0xe9")
    assert wide.position == Position(1, 1)
    assert wide.expected == "a text saved as UTF-8"


def test_nesting_has_a_limit_that_no_stack_overflow_precedes() -> None:
    deep = "[" * DEPTH_MAX + "]" * DEPTH_MAX

    assert value_of(deep)
    assert refusal_of(f"[{deep}]").expected == "at most 64 levels of nesting"
    assert refusal_of("[" * 100_000).expected == "at most 64 levels of nesting"
    assert refusal_of('{"a":' * 100_000).expected == "at most 64 levels of nesting"


documents = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.decimals(
        allow_nan=False, allow_infinity=False, min_value=-(10**9), max_value=10**9
    ).filter(lambda number: len(str(number)) < 60 and number.adjusted() > -60)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inside: (
        st.lists(inside)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inside)
    ),
    max_leaves=20,
)
gaps = st.sampled_from(["", " ", "\n", "\t", '// x "y\n', "# {\n", "/* ] */", "/**/"])


def write(value: Any, gap: Any) -> str:
    """Write a value as a person might: gaps anywhere, a comma after the last element."""
    if isinstance(value, dict):
        parts = [f"{gap()}{json.dumps(key)}{gap()}:{write(value[key], gap)}" for key in value]
        return f"{{{','.join(parts)}{',' if parts else ''}{gap()}}}"
    if isinstance(value, list):
        parts = [f"{gap()}{write(each, gap)}{gap()}" for each in value]
        return f"[{','.join(parts)}{',' if parts else ''}{gap()}]"
    if isinstance(value, Decimal):
        text = str(value)
        return f"{gap()}{text if '.' in text or 'E' in text else text + '.0'}{gap()}"
    return f"{gap()}{json.dumps(value, ensure_ascii=False)}{gap()}"


@pytest.mark.slow
@settings(deadline=None)
@given(value=documents, chance=st.data())
def test_any_document_reads_back_whatever_comments_stand_between(
    value: Any, chance: st.DataObject
) -> None:
    text = write(value, lambda: chance.draw(gaps))

    assert value_of(text) == value


@settings(deadline=None)
@given(st.binary() | st.text().map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_any_bytes_are_a_document_or_refused_with_a_place(content: bytes) -> None:
    assert place_of(content) >= Position(1, 1)


def place_of(content: bytes) -> Position:
    try:
        return parse(content).values[()]
    except NotJson as refused:
        return refused.position


@settings(deadline=None)
@given(st.text(alphabet="{}[]\",:/*#\\\n 1.-eEtruNn'u"))
def test_any_heap_of_json_signs_is_read_as_json_reads_it_or_refused(text: str) -> None:
    try:
        value = value_of(text)
    except NotJson:
        with pytest.raises(ValueError, match=r"char|word"):
            json.loads(text, parse_constant=_refuse)
    else:
        assert value is not NotImplemented


def _refuse(word: str) -> None:
    raise ValueError(f"the word {word}")
