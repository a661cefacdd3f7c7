"""The pages of the bots that trade lines say what the bots are."""

import json
import re
from pathlib import Path

import pytest

from lib.bot_kinds import find_bot
from lib.conf import read_conf

PAGES = Path(__file__).parents[1] / "docs/bots"
BOTS = ("grid", "winter_summer", "long_strategy", "ema_cross")
FENCED = re.compile(r"^```json\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)#\s]+)")


def page(name: str) -> str:
    return (PAGES / f"{name}.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("bot", BOTS)
def test_the_example_of_a_page_is_without_a_mistake(bot: str, tmp_path: Path) -> None:
    (example,) = FENCED.findall(page(bot))
    path = tmp_path / "conf.json"
    path.write_text(example, encoding="utf-8")

    read = read_conf(path)

    assert not read.held_back
    assert [each.module for each in read.bots] == [bot]


@pytest.mark.parametrize("bot", BOTS)
def test_the_table_of_a_page_has_every_setting_and_no_other(bot: str) -> None:
    table = page(bot).split("| setting | default | |")[1].split("\n\n")[0]
    named = {word for row in table.splitlines() for word in re.findall(r"`(\w+)`", cell(row))}

    assert named == set(find_bot(bot).conf_type.model_fields)


def cell(row: str) -> str:
    return row.split("|")[1] if row.startswith("|") else ""


@pytest.mark.parametrize("bot", BOTS)
def test_the_defaults_of_a_page_are_those_of_the_code(bot: str) -> None:
    fields = find_bot(bot).conf_type.model_fields
    table = page(bot).split("| setting | default | |")[1].split("\n\n")[0]
    for row in table.splitlines()[2:]:
        _, names, default, *_ = (each.strip() for each in row.split("|"))
        for name, written in zip(re.findall(r"`(\w+)`", names), default.split(", "), strict=False):
            known = fields[name].default
            if written and not written.startswith('`"'):
                assert written.strip("`") == str(known), name


@pytest.mark.parametrize("bot", BOTS)
def test_every_link_of_a_page_leads_somewhere(bot: str) -> None:
    for target in LINK.findall(page(bot)):
        assert (PAGES / target).exists(), target


def test_the_grid_part_of_the_page_for_3commas_has_no_empty_cell_and_names_real_settings() -> None:
    part = page("from-3commas").split("## Grid bot is grid")[1].split("\n## ")[0]
    known = {*find_bot("grid").conf_type.model_fields, "then"}
    rows = [row for row in part.splitlines() if row.startswith("| ") and "| here |" not in row]

    assert len(rows) > 30
    for row in rows:
        _, theirs, ours, *_ = (each.strip() for each in row.split("|"))
        assert theirs
        assert ours
        named = set(re.findall(r"`([a-z_]{5,})`", ours)) - set(json.loads(WORDS))
        assert named <= known, named - known


WORDS = """["arithmetic", "infinity", "flatten", "start", "status", "comment"]"""
