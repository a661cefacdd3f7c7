"""Where each venue lives, and the guard that keeps a rehearsal away from the real exchange.

python-binance's own `testnet` flag is not used: with it, /sapi still reaches the real exchange.
Every address its client knows is overwritten instead, and looked at once more at start.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from lib.errors import Halt

NOWHERE: Final = "https://unused.invalid"
"""Replaces the addresses we never use; .invalid never resolves (RFC 2606)."""

REHEARSALS: Final = (
    "testnet.binance.vision",
    "demo-api.binance.com",
    "demo-ws-api.binance.com",
    "demo-stream.binance.com",
    "data-api.binance.vision",  # public market data: no account, no orders
    "data-stream.binance.vision",
)


@dataclass(frozen=True, slots=True)
class Addresses:
    """A venue's three doors: REST up to /api, streams up to /stream, the WebSocket API whole."""

    name: str
    rest: str
    streams: str
    ws_api: str


LIVE: Final = Addresses(
    name="live",
    rest="https://api.binance.com/api",
    streams="wss://stream.binance.com:9443",
    ws_api="wss://ws-api.binance.com/ws-api/v3",
)
TESTNET: Final = Addresses(
    name="testnet",
    rest="https://testnet.binance.vision/api",
    streams="wss://stream.testnet.binance.vision",
    ws_api="wss://ws-api.testnet.binance.vision/ws-api/v3",
)
DEMO: Final = Addresses(
    name="demo",
    rest="https://demo-api.binance.com/api",
    streams="wss://demo-stream.binance.com",
    ws_api="wss://demo-ws-api.binance.com/ws-api/v3",
)
MARKET_DATA: Final = Addresses(
    name="market data",
    rest="https://data-api.binance.vision/api",
    streams="wss://data-stream.binance.vision",
    ws_api=NOWHERE,
)
"""The real market without an account, for paper trading on it: no order can be placed there."""


def resolve(venue: str) -> Addresses:
    """Find the addresses of live, testnet, demo or http://HOST:PORT (a simulator).

    Raises Halt for anything else, and for the real exchange under another name than live.
    """
    for known in (LIVE, TESTNET, DEMO):
        if venue == known.name:
            return known
    parts = urlsplit(venue)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.path.strip("/"):
        raise Halt(f"{venue!r} is no venue: live, testnet, demo or http://HOST:PORT")
    sockets = "wss" if parts.scheme == "https" else "ws"
    addresses = Addresses(
        name=venue.rstrip("/"),
        rest=f"{parts.scheme}://{parts.netloc}/api",
        streams=f"{sockets}://{parts.netloc}",
        ws_api=f"{sockets}://{parts.netloc}/ws-api/v3",
    )
    refuse_real(addresses.name, (addresses.rest,))
    return addresses


def refuse_real(venue: str, urls: Iterable[str]) -> None:
    """Raise Halt if a venue other than live would reach the real exchange by any of these."""
    if venue == LIVE.name:
        return
    for url in urls:
        if is_real(url):
            raise Halt(f"venue {venue} would reach the real exchange at {url}: nothing was sent")


def is_real(url: str) -> bool:
    """Say whether an address belongs to an exchange where money is real."""
    host = (urlsplit(url).hostname or "").rstrip(".").lower()
    if any(host == known or host.endswith(f".{known}") for known in REHEARSALS):
        return False
    return any(label.startswith("binance") for label in host.split(".")[-3:-1])
