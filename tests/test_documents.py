"""What the documents say is so: their examples run, their names, commands and links exist."""

import importlib
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
import pytest

import bots
from auto_trading import main
from lib.commented_json import parse
from lib.conf import RunnerSettings, read_conf
from lib.control.exits import Exit
from lib.life import Standing
from lib.settings import Settings, milliseconds
from tests.world import World, every_life

ROOT = Path(__file__).parents[1]
DOCUMENTS = (
    *(ROOT / name for name in ("README.md", "ARCHITECTURE.md", "CHANGELOG.md")),
    *sorted((ROOT / "docs").glob("*.md")),
)
README = (ROOT / "README.md").read_text(encoding="utf-8")
GUIDE = (ROOT / "docs/write_a_bot.md").read_text(encoding="utf-8")
ARCHITECTURE = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")

FENCED = re.compile(r"^ *```(\w*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"python auto_trading\.py((?: [^\s`;|&>)]+)*)")
LINK = re.compile(r"\]\(([^)\s]+)\)")
PROOF = re.compile(r"`(tests/[\w/]+\.py)(?:::(\w+))?`")
GLOSSARY = re.compile(r"^\| [^|]+ \| [^|]+ \| `([\w/.]+)`: `(\w+)` \|$", re.MULTILINE)
PLACE = re.compile(r"`((?:lib|bots|tests|docs|data)/[\w/.]+\.(?:py|md|json))`")
MAKE = re.compile(r"\bmake ([a-z0-9-]+)(?=[`\s;])")

TO_BE_MADE = {"bots/savings_plan.py", "tests/test_savings_plan.py"}  # by whoever reads the README

Install = Callable[[str, str], None]


def blocks(text: str, language: str) -> list[str]:
    return [body for found, body in FENCED.findall(text) if found == language]


def rows(text: str, heading: str) -> list[list[str]]:
    """Answer the cells of a table below its heading row."""
    lines = text[text.index(heading) :].splitlines()[2:]
    table = []
    for line in lines:
        if not line.startswith("|"):
            break
        table.append([cell.strip().strip("`") for cell in line.strip("|").split("|")])
    return table


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Put the text of a bot where the runner looks for bots."""
    monkeypatch.setattr(bots, "__path__", [*bots.__path__, str(tmp_path)])
    added: list[str] = []

    def put(name: str, text: str) -> None:
        (tmp_path / f"{name}.py").write_text(text, encoding="utf-8")
        importlib.invalidate_caches()
        added.append(name)

    yield put
    for name in added:
        bots.__dict__.pop(name, None)
        sys.modules.pop(f"bots.{name}", None)


@pytest.mark.slow
def test_the_bot_in_the_readme_passes_the_test_beside_it(install: Install) -> None:
    bot, test = blocks(README, "python")
    install("savings_plan", bot)
    names: dict[str, Any] = {}
    exec(compile(test, "README.md", "exec"), names)

    tests = [value for name, value in names.items() if name.startswith("test_")]

    assert tests
    for run in tests:
        run()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "section"),
    [
        (0, {"basket": ["BTCUSDT", "ETHUSDT"], "spend": "20"}),
        (1, {"symbol": "BTCUSDT", "quantity": "0.01", "below": "0.0003", "patience": "30m"}),
    ],
    ids=["side by side", "states"],
)
def test_each_bot_in_the_guide_keeps_its_books_whenever_the_power_fails(
    install: Install, number: int, section: dict[str, Any]
) -> None:
    install("example", blocks(GUIDE, "python")[number])

    for world in every_life(lambda: World(1, {"example": section}), stride=2):
        world.check()
        assert world.standings == {"example": Standing.FINISHED}
        assert [order for order in world.orders() if float(order["executedQty"])]


@pytest.mark.parametrize("number", range(len(blocks(README, "json"))))
def test_each_conf_in_the_readme_is_without_a_mistake(
    install: Install, tmp_path: Path, number: int
) -> None:
    install("savings_plan", blocks(README, "python")[0])
    conf = tmp_path / "conf.json"
    conf.write_text(blocks(README, "json")[number], encoding="utf-8")

    read = read_conf(conf)

    assert read.bots
    assert read.held_back == ()


def test_every_promise_names_tests_that_exist() -> None:
    promises = {row[0]: row[2] for row in rows(README, "| | promise | proven by |")}

    assert list(promises) == [f"P{number}" for number in range(1, 11)]
    for promise, proof in promises.items():
        named = PROOF.findall(f"`{proof}`".replace("``", "`"))
        assert named, promise
        for path, function in named:
            assert (ROOT / path).is_file(), f"{promise}: {path}"
            if function:
                assert f"def {function}(" in (ROOT / path).read_text(encoding="utf-8"), function


@pytest.mark.parametrize("page", DOCUMENTS, ids=lambda page: page.name)
def test_every_command_and_option_shown_is_one_that_help_knows(page: Path) -> None:
    for shown in COMMAND.findall(page.read_text(encoding="utf-8")):
        words = shown.split()
        with click.Context(main) as context:
            known = options_of(main)
            if words and not words[0].startswith("-"):
                found = main.get_command(context, words[0])
                assert found is not None, f"{page.name}: {shown}"
                known = options_of(found)
        assert {word for word in words if word.startswith("-")} <= known, shown


def options_of(command: click.Command) -> set[str]:
    named = (parameter.opts + parameter.secondary_opts for parameter in command.params)
    return {option for options in named for option in options} | {"--help"}


def test_the_options_named_in_the_table_of_commands_exist() -> None:
    with click.Context(main) as context:
        for usage, words in rows(README, "| command | |"):
            name = usage.removeprefix("python auto_trading.py").split()[:1]
            command = main.get_command(context, name[0]) if name else main
            assert command is not None, usage
            assert set(re.findall(r"`(--\w+)", words)) <= options_of(command), usage


def test_the_table_of_commands_leaves_none_out() -> None:
    shown = [
        usage.split()[2] for usage, _ in rows(README, "| command | |") if len(usage.split()) > 2
    ]

    assert shown == main.list_commands(click.Context(main))


def test_the_table_of_exit_codes_is_complete() -> None:
    assert [int(row[0]) for row in rows(README, "| exit code | |")] == [int(code) for code in Exit]


def test_the_table_of_settings_has_every_setting_with_its_default() -> None:
    table = {row[0]: row[1] for row in rows(README, "| setting | default | |")}

    assert set(table) == set(RunnerSettings.model_fields)
    for name, field in RunnerSettings.model_fields.items():
        default = field.default
        written: Any = table[name]
        if isinstance(default, bool):
            assert written == str(default).lower()
        elif isinstance(default, int):
            assert milliseconds(written) == default
        elif isinstance(default, Settings):
            assert type(default).model_validate_json(written) == default
        else:
            assert written == ("null" if default is None else str(default))


@pytest.mark.parametrize("page", DOCUMENTS, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    for target in LINK.findall(page.read_text(encoding="utf-8")):
        if not target.startswith("http"):
            assert (page.parent / target.partition("#")[0]).exists(), target


@pytest.mark.parametrize("page", DOCUMENTS, ids=lambda page: page.name)
def test_every_file_and_every_target_of_make_that_is_named_exists(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")

    named = set(PLACE.findall(text)) - TO_BE_MADE
    assert {path for path in named if not (ROOT / path).is_file()} == set()
    targets = set(
        MAKE.findall("\n".join(re.findall(r"`make [^`]*`|^make .*$", text, re.MULTILINE)))
    )
    assert {name for name in targets if f"\n{name}:" not in makefile} == set()


def test_every_word_of_the_glossary_names_something_that_exists() -> None:
    table = rows(ARCHITECTURE, "| word | meaning | where |")
    entries = GLOSSARY.findall(ARCHITECTURE)

    assert len(entries) == len(table) > 20
    for path, name in entries:
        source = (ROOT / path).read_text(encoding="utf-8")
        assert re.search(rf"\b(?:class|def) {name}\b|\b{name}\b *[:=]", source), f"{path}: {name}"


def test_the_rules_of_faults_shown_are_ones_the_simulator_takes() -> None:
    from lib.simulator.server.control import RULES

    pages = (README, (ROOT / "docs/simulator.md").read_text(encoding="utf-8"))
    shown = [rules for page in pages for rules in re.findall(r"-d '(\[.*?\])'", page, re.DOTALL)]

    assert len(shown) == 2
    for rules in shown:
        assert parse(rules.encode()).value
        assert RULES.validate_json(rules)


@pytest.mark.parametrize("page", DOCUMENTS, ids=lambda page: page.name)
def test_no_page_leaves_a_place_to_be_filled(page: Path) -> None:
    assert re.findall(r"BENCH_|\bTBD\b|\?\?\?|lorem", page.read_text(encoding="utf-8")) == []
