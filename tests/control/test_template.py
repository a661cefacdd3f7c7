"""Every bot has a template, and every template is a section that may be used as it is."""

from pathlib import Path

import pytest

from lib.bot_kinds import bot_modules
from lib.conf import read_conf
from lib.control.exits import Exit
from lib.control.plans import complaints
from lib.control.rulebook import read_rulebook
from lib.control.sample import SAMPLE, fingerprint, is_sample
from lib.control.template import purpose, template_path
from lib.credentials import Credentials
from tests.control.folder import ROOT, command


@pytest.mark.parametrize("module", bot_modules())
def test_a_template_is_a_section_of_conf_json_without_a_mistake(
    tmp_path: Path, module: str
) -> None:
    path = tmp_path / "conf.json"
    path.write_text(f"[{template_path(module).read_text()}]")

    conf = read_conf(path)

    assert [(bot.name, bot.module) for bot in conf.bots] == [(module, module)]
    assert not conf.held_back


@pytest.mark.parametrize("module", bot_modules())
def test_a_template_is_shown_as_it_lies_in_the_folder(tmp_path: Path, module: str) -> None:
    shown = command(tmp_path, "template", module)

    assert shown.stdout == template_path(module).read_text()
    assert "//" in shown.stdout


@pytest.mark.parametrize("module", bot_modules())
def test_every_bot_is_listed_with_what_it_does(tmp_path: Path, module: str) -> None:
    listed = command(tmp_path, "template").stdout

    assert purpose(module)
    assert any(line.split() == [module, *purpose(module).split()] for line in listed.split("\n"))


def test_a_misspelt_name_is_told_the_likely_one(tmp_path: Path) -> None:
    result = command(tmp_path, "template", "dip_byer")

    assert result.exit_code == Exit.ATTENTION
    assert "did you mean dip_buyer?" in result.stderr


def test_a_name_cannot_lead_out_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "evil_conf.json").write_text("{}")

    assert command(tmp_path, "template", f"{tmp_path}/evil").exit_code == Exit.ATTENTION


def test_the_sample_has_no_mistake_and_breaks_no_rule() -> None:
    conf = read_conf(ROOT / "conf.json")
    rulebook = read_rulebook("paper", Credentials(), [])

    assert not conf.held_back
    for bot in conf.bots:
        assert not list(complaints(bot.conf, rulebook.rules, rulebook.prices))


def test_the_sample_is_recognised_as_shipped() -> None:
    assert fingerprint(ROOT / "conf.json") == SAMPLE


def test_comments_spaces_and_the_runners_settings_do_not_hide_the_sample(tmp_path: Path) -> None:
    text = (ROOT / "conf.json").read_text()
    path = tmp_path / "conf.json"
    path.write_text("# mine\n" + text.replace('"30s"', '"20s"').replace("\n    ", "\n"))

    assert is_sample(path)


def test_any_other_amount_makes_it_the_persons_own(tmp_path: Path) -> None:
    text = (ROOT / "conf.json").read_text()
    path = tmp_path / "conf.json"
    path.write_text(text.replace('"quoteOrderQty": 20', '"quoteOrderQty": 21'))

    assert not is_sample(path)
