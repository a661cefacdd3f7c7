"""docs/venue.md says what the simulator does, and leaves nothing out."""

import re
from pathlib import Path

import pytest

from lib.simulator.server.api_methods import REST_CALLS
from tests.contract import coverage
from tests.contract.filter_breakers import BREAKERS
from tests.contract.venue_page import PAGE, TITLES, write
from tests.simulator.venue import Venue

REFUSALS = Path(coverage.SOURCES / "refusals.py")


@pytest.mark.slow
@pytest.mark.asyncio
async def test_the_page_says_what_the_simulator_does() -> None:
    found = await coverage.everything()

    assert PAGE.read_text(encoding="utf-8") == write(found), (
        "write it anew with: python -m tests.contract.venue_page"
    )


def test_no_documented_call_is_unknown_to_the_venue() -> None:
    states = coverage.endpoints() | coverage.retired()

    assert [call for call, state in states.items() if state.startswith("unknown")] == []


def test_a_path_that_binance_does_not_have_is_not_found() -> None:
    assert Venue().ask("GET order/guess").status == 404


def test_the_venue_has_no_call_that_binance_has_not() -> None:
    routes = {f"{method} {path[8:]}" for method, path in Venue().exchange._routes}

    assert routes <= set(coverage.DOCUMENTED["rest"])


def test_the_websocket_api_has_no_method_that_binance_has_not() -> None:
    assert set(REST_CALLS) <= set(coverage.DOCUMENTED["socket_methods"])


def test_every_code_that_is_sent_is_documented_and_on_the_page() -> None:
    sent = set(re.findall(r"(?<![\w.])-[12][0-9]{3}(?![0-9])", REFUSALS.read_text()))

    assert sent
    assert sent <= set(coverage.DOCUMENTED["codes"]) | set(coverage.DOCUMENTED["codes_seen"])
    assert all(f"`{code}`" in PAGE.read_text(encoding="utf-8") for code in sent)


def test_every_filter_but_those_without_an_example_is_broken_by_one_order() -> None:
    states = coverage.filters()

    assert set(BREAKERS) <= set(states)
    assert [name for name, state in states.items() if state != "simulated"] == ["MAX_ASSET"]


def test_every_section_of_the_page_is_documented_or_tried() -> None:
    tried = {"order_words"}
    assert set(TITLES) - tried <= set(coverage.DOCUMENTED)
