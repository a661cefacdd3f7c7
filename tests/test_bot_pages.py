"""The page of each bot names every setting with its default, and its example runs as it stands."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from pydantic_core import PydanticUndefined

from lib.bot_kinds import find_bot
from lib.commented_json import parse
from lib.conf import read_conf
from tests.pictures.scenes import SCENES
from tests.test_documents import blocks, rows

ROOT = Path(__file__).parents[1]
PAGES = ROOT / "docs/bots"
BOTS = sorted(path.stem for path in (ROOT / "bots").glob("[a-z]*.py"))
MEANS_ITSELF = {"none", "off", "never", "at once", "as `away"}
LINK = re.compile(r"\]\(([^)#\s]+)")


def page(bot: str) -> str:
    return (PAGES / f"{bot}.md").read_text(encoding="utf-8")


def table(bot: str) -> dict[str, str]:
    """Answer the default of each setting as the page has it."""
    found: dict[str, str] = {}
    for cell, default, _ in rows(page(bot), "| setting | default | |"):
        names = re.findall(r"\w+", cell)
        defaults = (
            default.split(", ") if len(names) > 1 and ", " in default else [default] * len(names)
        )
        found |= dict(zip(names, defaults, strict=True))
    return found


@pytest.mark.parametrize("bot", BOTS)
def test_the_table_has_every_setting_and_no_other(bot: str) -> None:
    assert set(table(bot)) == set(find_bot(bot).conf_type.model_fields)


@pytest.mark.parametrize("bot", BOTS)
def test_the_table_has_the_defaults(bot: str) -> None:
    kind = find_bot(bot).conf_type
    for name, shown in table(bot).items():
        field: Any = kind.model_fields[name]
        if not shown:
            assert field.is_required() or field.default is None, name
        elif not MEANS_ITSELF & {shown, shown.strip("`")}:
            assert not field.is_required(), name
            assert (
                shown.strip('`"') == str(field.default) or read(bot, name, shown) == field.default
            )
        else:
            assert field.default is not PydanticUndefined, name


def read(bot: str, name: str, text: str) -> Any:
    """Read one value as conf.json would, in the page's example."""
    kind = find_bot(bot).conf_type
    sections: Any = parse(blocks(page(bot), "json")[0].encode()).value
    (example,) = sections[0].values()
    plain = text.strip('`"')
    written = int(plain) if re.fullmatch(r"[0-9]+", plain) else plain
    section = {key: value for key, value in example.items() if key in kind.model_fields}
    return getattr(kind.model_validate({**section, name: written}), name)


@pytest.mark.parametrize("bot", BOTS)
def test_the_example_is_a_conf_without_a_mistake(bot: str, tmp_path: Path) -> None:
    conf = tmp_path / "conf.json"
    conf.write_text(blocks(page(bot), "json")[0], encoding="utf-8")

    found = read_conf(conf)

    assert [each.module for each in found.bots] == [bot]
    assert found.held_back == ()


@pytest.mark.parametrize("bot", BOTS)
def test_each_page_says_what_follows_a_power_cut_and_what_the_worst_case_is(bot: str) -> None:
    assert "\n## After a power cut\n" in page(bot)
    assert "\n## The worst case\n" in page(bot)


@pytest.mark.parametrize("bot", BOTS)
def test_every_link_of_a_page_leads_somewhere(bot: str) -> None:
    for target in LINK.findall(page(bot)):
        assert (PAGES / target).exists(), target


@pytest.mark.parametrize("bot", BOTS)
def test_each_page_shows_a_run_and_the_section_that_was_run(bot: str) -> None:
    (ran,) = blocks(page(bot), "jsonc")

    assert json.loads(ran) == {bot: SCENES[bot].section}
    assert f"({bot}.svg)" in page(bot)
    assert "<polygon" in (PAGES / f"{bot}.svg").read_text(encoding="utf-8")


# --- from 3Commas


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


def test_the_grid_part_of_the_page_for_3commas_has_no_empty_cell_and_names_real_settings() -> None:
    part = page("from-3commas").split("## Grid bot is grid")[1].split("\n## ")[0]
    known = {*find_bot("grid").conf_type.model_fields, "then"}
    cells = [row for row in part.splitlines() if row.startswith("| ") and "| here |" not in row]

    assert len(cells) > 30
    for row in cells:
        _, theirs, ours, *_ = (each.strip() for each in row.split("|"))
        assert theirs
        assert ours
        named = set(re.findall(r"`([a-z_]{5,})`", ours)) - WORDS
        assert named <= known, named - known


WORDS = {"arithmetic", "infinity", "flatten", "start", "status", "comment"}
