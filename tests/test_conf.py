"""conf.json: both forms, every mistake at once, and one bot's mistake stopping that bot alone."""

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import Field, model_validator

from lib.bot_kinds import BotKind, NoSuchBot
from lib.conf import ConfError, OnDoubt, OnWipe, RunnerConf, RunnerSettings, Settings, read_conf
from lib.machine import Context, Machine
from lib.mistakes import likely


class Target(Settings):
    price: Annotated[Decimal, Field(gt=0)]
    kind: Literal["market", "limit"] = "market"


class Conf(Settings):
    symbol: str
    quantity: Decimal
    dip: Decimal = Decimal("0.02")
    laps: Annotated[int, Field(ge=1, le=100)] = 1
    stop: Decimal | Literal["none"] = "none"
    take_profit: Target | None = None

    @model_validator(mode="after")
    def _dip_below_one(self) -> "Conf":
        if self.dip >= 1:
            raise ValueError(f"a dip of {self.dip} would need a price below zero")
        return self


class Ctx(Context):
    pass


async def bot(desk: object, conf: Conf, ctx: Ctx) -> Machine[Ctx]:
    yield ctx


KIND = BotKind(Conf, Ctx, bot)


def find_bot(module: str, function: str) -> BotKind:
    if (module, function) not in {("dip_buyer", "bot"), ("dip_buyer", "twice"), ("grid", "bot")}:
        raise NoSuchBot(
            found=f'"{module}"',
            expected="dip_buyer or grid",
            likely=likely(module, ["dip_buyer", "grid"]),
        )
    return KIND


@pytest.fixture
def conf_json(tmp_path: Path) -> Path:
    return tmp_path / "conf.json"


@pytest.fixture
def read(conf_json: Path) -> Callable[[str], RunnerConf]:
    def write_and_read(text: str) -> RunnerConf:
        conf_json.write_text(text, encoding="utf-8")
        return read_conf(conf_json, find_bot=find_bot)

    return write_and_read


@pytest.fixture
def mistakes_of(read: Callable[[str], RunnerConf], conf_json: Path) -> Callable[[str], list[str]]:
    """The lines a person sees, without the folder; of a whole file or of what is held back."""

    def lines(text: str) -> list[str]:
        try:
            held_back = read(text).held_back
        except ConfError as wrong:
            found = wrong.mistakes
        else:
            found = tuple(mistake for held in held_back for mistake in held.mistakes)
        return [str(mistake).removeprefix(f"{conf_json.parent}/") for mistake in found]

    return lines


Read = Callable[[str], RunnerConf]
MistakesOf = Callable[[str], list[str]]

GOOD = '{"symbol": "BTCUSDT", "quantity": 0.1}'


def test_the_short_form_is_a_list_of_bots(read: Read) -> None:
    found = read(f"""
    // two bots
    [
      {{"dip_buyer": {GOOD}}},
      {{"Lisa-2": {{"function": "dip_buyer.twice", "comment": "hers", # below
                   "symbol": "ETHUSDT", "quantity": "1",}}}},
    ]""")

    first, second = found.bots
    assert found.settings == RunnerSettings()
    assert found.held_back == ()
    assert (first.name, first.module, first.function, first.line) == (
        "dip_buyer",
        "dip_buyer",
        "bot",
        4,
    )
    assert first.conf == Conf(symbol="BTCUSDT", quantity=Decimal("0.1"))
    assert first.kind is KIND
    assert (second.name, second.module, second.function) == ("Lisa-2", "dip_buyer", "twice")
    assert second.conf.symbols == ("ETHUSDT",)
    assert second.raw["comment"] == "hers"


def test_the_long_form_has_bots_and_the_runners_own_settings(read: Read) -> None:
    found = read(f"""{{
      "$schema": "conf.schema.json",
      "comment": "mine",
      "on_doubt": "park", "on_wipe": "afresh", "poll": "1m", "doubt_look": "2m", "telegram": false,
      "bots": [{{"grid": {GOOD}}}],
    }}""")

    assert found.settings.on_doubt is OnDoubt.PARK
    assert found.settings.on_wipe is OnWipe.AFRESH
    assert (found.settings.poll, found.settings.doubt_look) == (60_000, 120_000)
    assert found.settings.telegram is False
    assert [each.name for each in found.bots] == ["grid"]


@pytest.mark.parametrize("text", ["[]", '{"bots": []}'])
def test_no_bots_at_all_is_no_mistake(read: Read, text: str) -> None:
    assert read(text) == RunnerConf(RunnerSettings(), (), ())


def test_a_mistake_in_one_section_holds_back_that_bot_alone(read: Read) -> None:
    found = read(f'[{{"dip_buyer": {GOOD}}}, {{"grid": {{"symbol": 1}}}}]')

    assert [each.name for each in found.bots] == ["dip_buyer"]
    assert [held.name for held in found.held_back] == ["grid"]
    assert len(found.held_back[0].mistakes) == 2


SECTION = [
    (
        '{"symbol": "A", "quantity": "ten"}',
        'conf.json:2:29: bots[0].grid.quantity: found "ten", '
        'expected an amount like 1, 0.1 or "0.1"',
    ),
    (
        '{"symbol": "A", "quantity": true}',
        "conf.json:2:29: bots[0].grid.quantity: found true, "
        'expected an amount like 1, 0.1 or "0.1"',
    ),
    (
        '{"symbol": "A"}',
        'conf.json:2:1: bots[0].grid: found nothing, expected a value for "quantity"',
    ),
    (
        '{"symbol": "A", "quantitiy": 1}',
        'conf.json:2:17: bots[0].grid.quantitiy: found the unknown key "quantitiy", expected '
        'one of symbol, quantity, dip, laps, stop, take_profit; did you mean "quantity"?',
    ),
    (
        '{"symbol": "A", "quantity": 1, "colour": 1}',
        'conf.json:2:32: bots[0].grid.colour: found the unknown key "colour", expected '
        "one of symbol, quantity, dip, laps, stop, take_profit",
    ),
    (
        '{"symbol": 5, "quantity": 1}',
        "conf.json:2:12: bots[0].grid.symbol: found 5, expected a text in double quotes",
    ),
    (
        '{"symbol": "A", "quantity": 1, "laps": "3"}',
        'conf.json:2:40: bots[0].grid.laps: found "3", expected an integer',
    ),
    (
        '{"symbol": "A", "quantity": 1, "laps": 0}',
        "conf.json:2:40: bots[0].grid.laps: found 0, expected 1 or more",
    ),
    (
        '{"symbol": "A", "quantity": 1, "dip": 1.5}',
        "conf.json:2:1: bots[0].grid: a dip of 1.5 would need a price below zero",
    ),
    (
        '{"symbol": "A", "quantity": 1, "stop": "non"}',
        'conf.json:2:40: bots[0].grid.stop: found "non", expected '
        'an amount like 1, 0.1 or "0.1" or "none"; did you mean "none"?',
    ),
    (
        '{"symbol": "A", "quantity": 1, "take_profit": {"price": 0, "kind": "makret"}}',
        "conf.json:2:57: bots[0].grid.take_profit.price: found 0, expected more than 0\n"
        'conf.json:2:68: bots[0].grid.take_profit.kind: found "makret", '
        'expected "market" or "limit"; did you mean "market"?',
    ),
    (
        '{"symbol": "A", "quantity": 1, "take_profit": {"prise": 1}}',
        'conf.json:2:48: bots[0].grid.take_profit.prise: found the unknown key "prise", '
        'expected one of price, kind; did you mean "price"?',
    ),
    (
        '{"symbol": "A", "quantity": 1, "take_profit": 7}',
        "conf.json:2:47: bots[0].grid.take_profit: found 7, expected an object: {…}",
    ),
    (
        '{"symbol": "A", "quantity": 1, "quantity": 2}',
        'conf.json:2:32: bots[0].grid.quantity: found the key "quantity" again, '
        "expected it once, as in line 2",
    ),
    (
        '{"symbol": "A", "quantity": 1, "api_key": "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zv"}',
        'conf.json:2:32: bots[0].grid.api_key: found the key "api_key", '
        "expected no secrets in this file: they belong in .env",
    ),
    (
        "7",
        "conf.json:2:1: bots[0].grid: found 7, expected an object with what the bot is set by: {…}",
    ),
    (
        '{"function": "gird"}',
        'conf.json:2:14: bots[0].grid.function: found "gird", expected dip_buyer or grid; '
        "did you mean grid?",
    ),
    (
        '{"function": "../secrets"}',
        'conf.json:2:14: bots[0].grid.function: found "../secrets", expected "module" or '
        '"module.function", a module being a file in bots/',
    ),
    (
        '{"function": 5}',
        'conf.json:2:14: bots[0].grid.function: found 5, expected a text: "module" or '
        '"module.function"',
    ),
]


@pytest.mark.parametrize(("section", "expected"), SECTION)
def test_a_mistake_is_told_with_its_place_what_was_found_and_what_was_expected(
    mistakes_of: MistakesOf, section: str, expected: str
) -> None:
    lines = mistakes_of(f'[{{"grid":\n{section}}}]')

    assert "\n".join(lines) == expected


def test_pydantic_is_never_heard_of(mistakes_of: MistakesOf) -> None:
    nonsense = ["1", '"x"', "null", "[]", "{}", "0.5", "true", "[[]]", '{"a": {}}']
    for value in nonsense:
        for key in (*Conf.model_fields, "x"):
            for line in mistakes_of(f'[{{"grid": {{"{key}": {value}}}}}]'):
                lower = line.lower()
                assert "pydantic" not in lower
                assert "http" not in lower
                assert "input" not in lower
                assert "function-" not in lower


def test_a_bot_without_a_module_of_its_name_needs_a_function(mistakes_of: MistakesOf) -> None:
    assert mistakes_of('[{"dip_byer": {}}]') == [
        'conf.json:1:3: bots[0].dip_byer: found "dip_byer", expected dip_buyer or grid, '
        "or the key function to name one; did you mean dip_buyer?"
    ]


@pytest.mark.parametrize("name", ["", "a b", "é", "a" * 33, "a/b", "..", "a.b", "a\\n"])
def test_a_name_that_cannot_be_a_files_is_held_back(read: Read, name: str) -> None:
    found = read(f'[{{"{name}": {{"function": "grid", "symbol": "A", "quantity": 1}}}}]')

    assert found.bots == ()
    assert found.held_back[0].mistakes[0].expected == "1 to 32 letters, digits, _ and -"


@pytest.mark.parametrize("name", ["installation", "all", "All", "runner"])
def test_a_name_that_means_something_else_already_is_held_back(read: Read, name: str) -> None:
    found = read(f'[{{"{name}": {{"function": "grid", "symbol": "A", "quantity": 1}}}}]')

    assert found.bots == ()
    assert found.held_back[0].mistakes[0].expected == "another one"


def test_all_mistakes_of_all_sections_are_found_in_one_reading(mistakes_of: MistakesOf) -> None:
    lines = mistakes_of("""[
      {"grid": {"symbol": 1, "laps": "x", "colour": 1}},
      {"dip_buyer": {"quantity": [], "take_profit": {"kind": 1}}},
      {"ghost": {}}
    ]""")

    assert [line.split(": ")[1] for line in lines] == [
        "bots[0].grid",
        "bots[0].grid.symbol",
        "bots[0].grid.laps",
        "bots[0].grid.colour",
        "bots[1].dip_buyer",
        "bots[1].dip_buyer.quantity",
        "bots[1].dip_buyer.take_profit",
        "bots[1].dip_buyer.take_profit.kind",
        "bots[2].ghost",
    ]


# --- what starts nothing


WHOLE_FILE = [
    ("7", "conf.json:1:1: found 7, expected a list of bots, or an object with the key bots"),
    ("{}", "conf.json:1:1: found an object without bots, expected the key bots, "
     "or a list of bots instead of the object"),
    ('{"bosts": []}', 'conf.json:1:2: bosts: found the key "bosts", expected the key bots; '
     "did you mean bots?"),
    ('{"bots": {"grid": {}}}', "conf.json:1:10: bots: found "
     '{"grid": {}}, expected a list of bots: [{"name": {…}}]'),
    ('{"bots": [], "on_doupt": "park"}', "conf.json:1:14: on_doupt: found the unknown key "
     f'"on_doupt", expected one of {", ".join(RunnerSettings.model_fields)}; '
     'did you mean "on_doubt"?'),
    ('{"bots": [], "on_doubt": "prak"}', 'conf.json:1:26: on_doubt: found "prak", '
     'expected "resend" or "park"; did you mean "park"?'),
    ('{"bots": [], "poll": "1ms"}', 'conf.json:1:22: poll: found "1ms", expected 1000 or more ms'),
    ('{"bots": [], "poll": "1s", "poll": "2s"}', 'conf.json:1:28: poll: found the key "poll" '
     "again, expected it once, as in line 1"),
    ('[{"grid": {}, "dip_buyer": {}}]', 'conf.json:1:2: bots[0]: found '
     '{"grid": {}, "dip_buyer": {}}, expected an object with one key, the name of the bot: '
     '{"name": {…}}'),
    ('["grid"]', 'conf.json:1:2: bots[0]: found "grid", expected an object with one key, '
     'the name of the bot: {"name": {…}}'),
    ("[{}]", 'conf.json:1:2: bots[0]: found {}, expected an object with one key, '
     'the name of the bot: {"name": {…}}'),
]  # fmt: skip


@pytest.mark.parametrize(("text", "line"), WHOLE_FILE)
def test_a_mistake_outside_the_sections_starts_nothing(
    mistakes_of: MistakesOf, read: Read, text: str, line: str
) -> None:
    with pytest.raises(ConfError):
        read(text)

    assert line in mistakes_of(text)


def test_a_file_that_is_no_json_starts_nothing(read: Read, mistakes_of: MistakesOf) -> None:
    with pytest.raises(ConfError):
        read('[{"grid": {}')

    assert mistakes_of('[{"grid":\n {"a": tru}}]') == [
        'conf.json:2:8: found "tru", expected a value'
    ]


@pytest.mark.parametrize(("first", "second"), [("grid", "grid"), ("grid", "GRID")])
def test_a_name_given_twice_starts_nothing_whatever_its_case(
    read: Read, mistakes_of: MistakesOf, first: str, second: str
) -> None:
    rest = '{"function": "grid", "symbol": "A", "quantity": 1}'
    text = f'[{{"{first}": {rest}}},\n {{"{second}": {rest}}}]'

    with pytest.raises(ConfError):
        read(text)

    assert mistakes_of(text) == [
        f'conf.json:2:3: bots[1].{second}: found the name "{second}" again, '
        "expected another one than in line 1; names differ by more than case"
    ]


def test_a_name_given_twice_in_one_object_starts_nothing(read: Read) -> None:
    with pytest.raises(ConfError, match='found the key "grid" again'):
        read(f'[{{"grid": {GOOD}, "grid": {GOOD}}}]')


def test_what_starts_nothing_still_tells_the_mistakes_inside_the_sections(
    mistakes_of: MistakesOf,
) -> None:
    lines = mistakes_of('{"poll": "x",\n "bots": [{"grid": {"symbol": 1, "quantity": 1}}, 5]}')

    assert [line.split(": ")[1] for line in lines] == ["poll", "bots[0].grid.symbol", "bots[1]"]


def test_a_file_that_cannot_be_read_is_told_like_any_mistake(tmp_path: Path) -> None:
    with pytest.raises(ConfError, match="cannot be read: No such file"):
        read_conf(tmp_path / "conf.json", find_bot=find_bot)
    with pytest.raises(ConfError, match="cannot be read: Is a directory"):
        read_conf(tmp_path, find_bot=find_bot)


def test_a_long_or_strange_value_is_shown_cut_and_printable(mistakes_of: MistakesOf) -> None:
    (line,) = mistakes_of(f'[{{"grid": {{"symbol": "A", "quantity": "{"x" * 500}\\u001b[31m"}}}}]')
    (other,) = mistakes_of('[{"grid": {"symbol": "A", "quantity": "\\u202e\\u001b[31m"}}]')

    assert len(line) < 160
    assert line.isprintable()
    assert other.isprintable()


# --- arbitrary files


parts = st.sampled_from([
    "[", "]", "{", "}", ",", ":", '"', "//", "#", "/*", "*/", "\n", " ", "1", "0.5", "-", "1e9",
    "true", "null", "NaN", '"bots"', '"grid"', '"Grid"', '"function"', '"symbol"', '"quantity"',
    '"laps"',
    '"take_profit"', '"price"', '"poll"', '"$schema"', '"comment"', '"dip_buyer.twice"', "\\u0000",
    '[{"grid": {"symbol": "A", "quantity": 1', '{"bots": [', "}}]", "é", "\ufeff",
])  # fmt: skip
values = st.recursive(
    st.none() | st.booleans() | st.integers(0, 9) | st.sampled_from(["A", "ten", "grid", "1s"]),
    lambda inside: st.lists(inside, max_size=3)
    | st.dictionaries(
        st.sampled_from([
            "bots", "grid", "dip_buyer", "function", "symbol", "quantity", "take_profit", "price",
            "poll", "on_doubt", "stop", "laps",
        ]),
        inside,
        max_size=4,
    ),
    max_leaves=20,
)  # fmt: skip


def outcome_of(conf_json: Path, content: bytes) -> Any:
    conf_json.write_bytes(content)
    try:
        found = read_conf(conf_json, find_bot=find_bot)
    except ConfError as wrong:
        return wrong.mistakes
    return found.held_back or found.bots or found


@pytest.mark.slow
@settings(
    deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300
)
@given(content=st.binary() | st.lists(parts).map(lambda found: "".join(found).encode()))
def test_any_bytes_are_a_conf_or_mistakes(conf_json: Path, content: bytes) -> None:
    assert outcome_of(conf_json, content)


@pytest.mark.slow
@settings(
    deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300
)
@given(value=values)
def test_any_values_are_a_conf_or_mistakes_with_a_place(conf_json: Path, value: Any) -> None:
    outcome = outcome_of(conf_json, json.dumps([{"grid": value}]).encode())

    assert outcome
    for held in outcome:
        for mistake in getattr(held, "mistakes", ()):
            assert mistake.line == 1
            assert mistake.path.startswith("bots[0].grid")
    assert outcome_of(conf_json, json.dumps(value).encode())
