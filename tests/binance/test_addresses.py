"""Where venues live, and that a rehearsal never reaches the real exchange."""

import pytest
from binance.async_client import AsyncClient

from lib.binance.addresses import (
    DEMO,
    LIVE,
    MARKET_DATA,
    NOWHERE,
    TESTNET,
    Addresses,
    is_real,
    refuse_real,
    resolve,
)
from lib.binance.client import known_urls
from lib.errors import Halt


@pytest.mark.parametrize("known", [LIVE, TESTNET, DEMO], ids=lambda each: each.name)
def test_finds_a_venue_by_its_name(known: Addresses) -> None:
    assert resolve(known.name) is known


@pytest.mark.parametrize(
    ("venue", "rest", "streams", "ws_api"),
    [
        (
            "http://127.0.0.1:8080",
            "http://127.0.0.1:8080/api",
            "ws://127.0.0.1:8080",
            "ws://127.0.0.1:8080/ws-api/v3",
        ),
        (
            "https://simulator.local/",
            "https://simulator.local/api",
            "wss://simulator.local",
            "wss://simulator.local/ws-api/v3",
        ),
    ],
)
def test_finds_a_simulator_by_its_address(venue: str, rest: str, streams: str, ws_api: str) -> None:
    found = resolve(venue)

    assert (found.rest, found.streams, found.ws_api) == (rest, streams, ws_api)


@pytest.mark.parametrize(
    "venue",
    ["", "Live", "paper", "127.0.0.1:80", "ftp://host", "http://", "http://host/path", "tesnet"],
)
def test_knows_no_other_venue(venue: str) -> None:
    with pytest.raises(Halt, match="no venue"):
        resolve(venue)


@pytest.mark.parametrize(
    "venue",
    [
        "https://api.binance.com",
        "http://api4.binance.com:443",
        "https://API.Binance.US",
        "https://api.binance.com.",
        "https://fapi.binance.com",
        "https://testnet.binance.vision.binance.com",
    ],
)
def test_the_real_exchange_is_reached_under_its_own_name_alone(venue: str) -> None:
    with pytest.raises(Halt, match="real exchange"):
        resolve(venue)


def test_no_rehearsal_is_real_and_live_is() -> None:
    rehearsals = [
        url
        for each in (TESTNET, DEMO, MARKET_DATA)
        for url in (each.rest, each.streams, each.ws_api)
    ]

    assert not any(is_real(url) for url in [*rehearsals, NOWHERE, "http://binance-simulator:80"])
    assert all(is_real(url) for url in (LIVE.rest, LIVE.streams, LIVE.ws_api))


def test_every_real_address_python_binance_knows_is_recognized() -> None:
    urls = set(known_urls(AsyncClient))
    rehearsals = {url for url in urls if "testnet" in url or "demo-" in url}

    assert len(urls) > 20
    assert {url for url in urls if not is_real(url)} <= rehearsals
    assert {
        "https://api.binance.com/api",
        "https://api.binance.com/sapi",
        "https://fapi.binance.com/fapi",
        "https://papi.binance.com/papi",
    } <= urls


def test_live_alone_may_reach_what_is_real() -> None:
    refuse_real("live", [LIVE.rest])

    with pytest.raises(Halt, match="testnet would reach the real exchange"):
        refuse_real("testnet", [TESTNET.rest, "https://api.binance.com/sapi"])
