"""Four words for what a run is, the same ones everywhere."""

import re
from datetime import UTC
from pathlib import Path

import orjson
import pytest

from lib.conf import RunnerConf, RunnerSettings
from lib.control.check import head
from lib.control.intake import Intake
from lib.control.log_lines import json_line
from lib.control.metrics import Build
from lib.control.options import Options
from lib.control.run import first_line
from lib.control.telegram.chat import Setup
from lib.control.telegram.chats import Chats
from lib.credentials import VENUES, Credentials
from lib.modes import OF_VENUES, Mode, mode_and_venue, mode_of
from lib.news import Kind, News
from lib.redaction import Secret

DOCS = Path(__file__).parents[1] / "docs"
SIMULATOR = "http://127.0.0.1:9090"
SAID = {
    "live": "live",
    "testnet": "sandbox, testnet",
    "demo": "sandbox, demo",
    "paper": "simulation, paper",
    SIMULATOR: f"simulation, {SIMULATOR}",
    "backtest": "backtest",
}


def intake(venue: str) -> Intake:
    return Intake(Options(), Credentials(), venue, RunnerConf(RunnerSettings(), (), ()))


def test_every_venue_has_its_mode_and_every_mode_a_venue() -> None:
    assert set(OF_VENUES) == set(VENUES)
    assert {mode_of(venue) for venue in VENUES} == set(Mode)


@pytest.mark.parametrize(("venue", "said"), SAID.items())
def test_a_venue_is_named_behind_its_mode(venue: str, said: str) -> None:
    assert mode_and_venue(venue) == said


def test_only_live_is_about_real_money() -> None:
    assert [mode for mode in Mode if mode.is_real] == [Mode.LIVE]


@pytest.mark.parametrize("venue", [venue for venue in SAID if venue not in {"live", "backtest"}])
def test_the_first_line_and_check_and_the_chat_say_the_same_mode(venue: str) -> None:
    mode, setup = mode_of(venue), Setup(Secret("1:abc"), Chats.parse("42"), venue, UTC)

    assert first_line(intake(venue)).startswith(f"{SAID[venue]}: no real money")
    assert head(intake(venue)).startswith(f"mode {mode}, venue {venue}: no real money")
    assert setup.heading == SAID[venue]


def test_live_is_said_in_capitals() -> None:
    assert first_line(intake("live")).startswith("LIVE: real money at Binance")
    assert head(intake("live")).startswith("mode live, venue live: REAL MONEY")


@pytest.mark.parametrize("mode", Mode)
def test_a_line_of_json_says_the_mode(mode: Mode) -> None:
    news = News(1_732_184_000_123, "lisa", Kind.FILL, "bought")

    assert orjson.loads(json_line(news, mode=mode))["mode"] == str(mode)


def test_metrics_carry_the_mode() -> None:
    assert Build("1", "3.11", "testnet").labels["mode"] == "sandbox"


def test_the_documents_table_has_every_venue_under_its_mode() -> None:
    text = (DOCS / "commands.md").read_text(encoding="utf-8")
    table = text[text.index("| mode |") :].partition("\n\n")[0]

    found = {}
    for line in table.splitlines()[2:]:
        mode, venues = line.strip("|").split("|")[:2]
        for venue in re.findall(r"`--venue (\w+)`", venues):
            found[venue] = mode.strip().strip("`")
    assert found == {venue: str(mode) for venue, mode in OF_VENUES.items() if venue != "backtest"}
