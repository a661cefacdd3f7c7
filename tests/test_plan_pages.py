"""The pages of the bots that follow a plan name every setting, with its default, and run."""

import re
from pathlib import Path
from typing import Any

import pytest
from pydantic_core import PydanticUndefined

from lib.bot_kinds import find_bot
from lib.commented_json import parse
from lib.conf import read_conf
from tests.test_documents import blocks, rows

PAGES = Path(__file__).parents[1] / "docs/bots"
PLANS = ("dca", "recurring", "twap", "rebalance", "range")
MEANS_ITSELF = {"none", "off", "never", "at once", "as `away"}


def page(bot: str) -> str:
    return (PAGES / f"{bot}.md").read_text(encoding="utf-8")


def table(bot: str) -> dict[str, str]:
    """Answer the default of each setting as the page has it."""
    return {
        name: default
        for names, default, _ in rows(page(bot), "| setting | default | |")
        for name in re.findall(r"\w+", names)
    }


@pytest.mark.parametrize("bot", PLANS)
def test_the_table_has_every_setting_and_no_other(bot: str) -> None:
    assert list(table(bot)) == list(find_bot(bot).conf_type.model_fields)


@pytest.mark.parametrize("bot", PLANS)
def test_the_table_has_the_defaults(bot: str) -> None:
    kind = find_bot(bot).conf_type
    for name, shown in table(bot).items():
        field: Any = kind.model_fields[name]
        if not shown:
            assert field.is_required(), name
        elif shown not in MEANS_ITSELF:
            assert not field.is_required(), name
            assert read(bot, name, shown.strip('"')) == field.default, name
        else:
            assert field.default is not PydanticUndefined, name


def read(bot: str, name: str, text: str) -> Any:
    """Read one value as conf.json would, beside what the page's example has of those needed."""
    kind = find_bot(bot).conf_type
    example: Any = parse(blocks(page(bot), "json")[0].encode()).value
    needed = [key for key, field in kind.model_fields.items() if field.is_required()]
    section = {key: example[0][bot][key] for key in needed}
    written = int(text) if re.fullmatch(r"[0-9]+", text) else text
    return getattr(kind.model_validate({**section, name: written}), name)


@pytest.mark.parametrize("bot", PLANS)
def test_the_example_is_a_conf_without_a_mistake(bot: str, tmp_path: Path) -> None:
    conf = tmp_path / "conf.json"
    conf.write_text(blocks(page(bot), "json")[0], encoding="utf-8")

    found = read_conf(conf)

    assert [each.module for each in found.bots] == [bot]
    assert found.held_back == ()


@pytest.mark.parametrize("bot", PLANS)
def test_each_page_says_what_follows_a_power_cut_and_what_the_worst_case_is(bot: str) -> None:
    assert "\n## After a power cut\n" in page(bot)
    assert "\n## The worst case\n" in page(bot)


def test_no_cell_that_names_a_setting_of_3commas_is_left_empty() -> None:
    for there, here, _ in rows(page("from-3commas").split("## DCA bot")[1], "| 3Commas | here | |"):
        assert there
        assert here


def test_the_settings_named_beside_those_of_3commas_exist() -> None:
    known = {*find_bot("dca").conf_type.model_fields, "deviation", "size"}
    known |= {"start", "at", "below", "above", "flatten", "stop", "comment", "break_even", "short"}
    for line in page("from-3commas").split("## DCA bot")[1].splitlines():
        if line.startswith("| ") and not line.startswith("| 3Commas"):
            for name in re.findall(r"`([a-z_.]+)`", line.split("|")[2]):
                assert set(name.split(".")) <= known, name
