"""How a bot of bots/ is found, and what is said of one that cannot be used."""

from pathlib import Path

import pytest

import bots
from lib.bot_kinds import NoSuchBot, bot_modules, find_bot, split_function
from lib.conf import read_conf

GOOD = """
from lib.conf import Settings
from lib.machine import Context, Machine

class Conf(Settings):
    symbol: str

class Ctx(Context):
    lap: int = 1

async def bot(desk: object, conf: Conf, ctx: Ctx) -> Machine[Ctx]:
    yield ctx

async def twice(desk: object, conf: Conf, ctx: Ctx) -> Machine[Ctx]:
    yield ctx

async def plan(desk: object, conf: Conf, ctx: Ctx) -> None:
    pass

async def short(desk: object) -> Machine[Ctx]:
    yield Ctx()
"""


class Shelf:
    """A folder of bot modules that stands in for bots/."""

    def __init__(self, folder: Path, prefix: str) -> None:
        self.folder = folder
        self.prefix = prefix

    def put(self, name: str, source: str) -> str:
        """Write a module; answer its name, which no other test's module has."""
        module = f"{self.prefix}_{name}"
        (self.folder / f"{module}.py").write_text(source)
        return module


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Shelf:
    monkeypatch.setattr(bots, "__path__", [str(tmp_path)])
    return Shelf(tmp_path, f"m{abs(hash(request.node.name))}")


def refusal_of(module: str, function: str = "bot") -> NoSuchBot:
    with pytest.raises(NoSuchBot) as refused:
        find_bot(module, function)
    return refused.value


def test_a_module_of_bots_with_its_three_parts_is_a_bot(shelf: Shelf) -> None:
    module = shelf.put("good", GOOD)

    kind = find_bot(module)

    assert kind.conf_type.model_validate({"symbol": "A"}).symbols == ("A",)
    assert kind.ctx_type().model_dump()["lap"] == 1
    assert kind.entry.__name__ == "bot"
    assert find_bot(module, "twice").entry.__name__ == "twice"
    assert bot_modules() == (module,)


def test_a_misspelt_module_is_answered_with_the_likely_one(shelf: Shelf) -> None:
    module = shelf.put("smart_trade", GOOD)

    refused = refusal_of(f"{shelf.prefix}_smart_trad")

    assert refused.likely == f'"{module}"'
    assert module in refused.expected


@pytest.mark.parametrize("module", ["os", "lib", "conf", "lib.conf", "__init__", ""])
def test_nothing_outside_of_bots_is_found(shelf: Shelf, module: str) -> None:
    shelf.put("good", GOOD)

    assert "a module in bots/" in refusal_of(module).expected


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("import nothing_of_that_name", "ModuleNotFoundError: No module named"),
        ("def broken(:", "SyntaxError"),
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("raise SystemExit(3)", "SystemExit: 3"),
    ],
)
def test_a_module_that_cannot_be_imported_is_told_with_the_reason(
    shelf: Shelf, source: str, reason: str
) -> None:
    module = shelf.put("broken", source)

    refused = refusal_of(module)

    assert refused.expected.startswith(f"bots/{module}.py cannot be imported: {reason}")
    assert f"{module}.py, line 1" in refused.expected


def test_the_place_of_an_import_error_is_the_innermost_one(shelf: Shelf) -> None:
    module = shelf.put("broken", "def fail():\n    return {}['x']\n\nfail()\n")

    assert refusal_of(module).expected.endswith(f"{module}.py, line 2)")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (("class Conf(Settings)", "class Config(Settings)"), "needs a class Conf(Settings)"),
        (("class Conf(Settings)", "class Conf"), "needs a class Conf(Settings)"),
        (("class Ctx(Context)", "class Ctx(Settings)"), "needs a class Ctx(Context)"),
    ],
)
def test_a_module_without_its_parts_is_no_bot(
    shelf: Shelf, change: tuple[str, str], expected: str
) -> None:
    source = GOOD.replace(*change).replace(": Conf", "").replace("[Ctx]", "")

    assert expected in refusal_of(shelf.put("partial", source)).expected


@pytest.mark.parametrize("function", ["plan", "Conf", "bots", "missing"])
def test_only_an_async_generator_function_is_an_entry(shelf: Shelf, function: str) -> None:
    module = shelf.put("good", GOOD)

    refused = refusal_of(module, function)

    assert f'no async generator function "{function}"' in refused.found
    assert refused.expected == "one of bot, twice, short"


def test_a_machine_imported_from_elsewhere_is_no_entry(shelf: Shelf) -> None:
    source = f"{GOOD}\nfrom lib.machine import together\n"

    assert "together" in refusal_of(shelf.put("good", source), "together").found


def test_an_entry_takes_a_desk_a_conf_and_a_context(shelf: Shelf) -> None:
    module = shelf.put("good", GOOD)

    assert "must take a desk, a conf and a context" in refusal_of(module, "short").expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("grid", ("grid", "bot")),
        ("grid.short", ("grid", "short")),
        ("Grid2.a_b", ("Grid2", "a_b")),
    ],
)
def test_a_function_is_a_module_or_a_module_and_a_function(
    text: str, expected: tuple[str, str]
) -> None:
    assert split_function(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "a.",
        ".b",
        "a.b.c",
        "../a",
        "a/b",
        "_a",
        "a._b",
        "__init__",
        "a b",
        "a\n",
        "é",
        "1a",
    ],
)
def test_a_function_with_dots_or_paths_beyond_that_is_refused(text: str) -> None:
    with pytest.raises(NoSuchBot):
        split_function(text)


def test_one_broken_module_holds_back_its_bots_alone(shelf: Shelf, tmp_path: Path) -> None:
    good, broken = shelf.put("good", GOOD), shelf.put("broken", "1 / 0")
    conf_json = tmp_path / "conf.json"
    conf_json.write_text(
        f'[{{"a": {{"function": "{good}", "symbol": "A"}}}},\n {{"b": {{"function": "{broken}"}}}}]'
    )

    found = read_conf(conf_json, find_bot=find_bot)

    assert [bot.name for bot in found.bots] == ["a"]
    assert [held.name for held in found.held_back] == ["b"]
    assert "ZeroDivisionError" in str(found.held_back[0].mistakes[0])
