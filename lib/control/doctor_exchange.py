"""Looks at the way to the exchange: network, names, the clocks, and what the key may do."""

import asyncio
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from lib.binance.addresses import Addresses
from lib.binance.key_trial import KeyTrial, read_time, try_key
from lib.control.doctor_findings import Finding
from lib.control.doctor_machine import clock_is_kept
from lib.control.exits import Exit
from lib.control.venue_choice import keys_for
from lib.credentials import Credentials
from lib.errors import BotError, Halt

PATIENCE: Final = 20.0  # seconds
CLOCK_OFF_MAX: Final = 5_000
"""How wrong (ms) this machine's clock may be. Orders take the exchange's time; certificates, the
journal and the news take ours."""
ROUTES: Final = (Path("/proc/net/route"), Path("/proc/net/ipv6_route"))


def examine_exchange(
    addresses: Addresses,
    credentials: Credentials | None,
    *,
    symbol: str,
    machine_time: Callable[[], int],
) -> Iterator[Finding]:
    """Go the way to an exchange step by step, up to the first that cannot be gone.

    Without credentials the exchange is asked for its time alone: a public market.
    """
    lost = list(_lost(urlsplit(addresses.rest).hostname or ""))
    if lost:
        yield from lost
        yield _clock_unasked()
        return
    try:
        trial = asyncio.run(_tried(addresses, credentials, symbol))
    except (Halt, BotError, TimeoutError) as wrong:
        yield _unheard(addresses, wrong)
        yield _clock_unasked()
        return
    yield Finding("network", f"{addresses.name} answers")
    yield clock_finding(trial.asked_at - machine_time())
    if credentials is not None:
        yield from _key(trial, addresses.name)


async def _tried(addresses: Addresses, credentials: Credentials | None, symbol: str) -> KeyTrial:
    async with asyncio.timeout(PATIENCE):
        if credentials is None:
            return KeyTrial("", can_withdraw=False, asked_at=await read_time(addresses))
        keys = keys_for(addresses.name, credentials)
        return await try_key(addresses, keys.key, keys.secret, symbol=symbol)


def _lost(host: str) -> Iterator[Finding]:
    """Find out where the way ends before it begins."""
    try:
        socket.getaddrinfo(host, 443, type=socket.SOCK_STREAM)
    except OSError as wrong:
        if not _has_route():
            cure = "see to the cable, the Wi-Fi and the router: `ip route` shows no way out"
            yield Finding("network", "this machine is in no network", cure, Exit.ATTENTION)
        words = f"the name {host} cannot be resolved: {wrong.strerror or wrong}"
        cure = "see to name resolution: /etc/resolv.conf, `getent hosts {host}`, the router"
        yield Finding("names", words, cure.format(host=host), Exit.ATTENTION)


def _has_route() -> bool:
    """Say whether there is a way out of this machine."""
    try:
        texts = [path.read_text(encoding="ascii") for path in ROUTES if path.exists()]
    except OSError:
        return True
    lines = [line.split() for text in texts for line in text.splitlines()]
    ways = {(words[0], words[-1]) for words in lines}
    return any("lo" not in way and "Iface" not in way for way in ways)


def _unheard(addresses: Addresses, wrong: BaseException) -> Finding:
    name = type(wrong).__name__
    if isinstance(wrong, Halt):
        cure = (
            "make the key anew at Binance and put it into .env: `python auto_trading.py keys`; see "
            "that it is bound to this address and that BINANCE_API_TEST says what it is for"
        )
        words = f"{addresses.name} does not take it: {wrong}"
        return Finding("key", words, cure, Exit.NOTHING_STARTS)
    words = f"{addresses.name} does not answer: {wrong or name}"
    cure = "wait, or see to firewall and proxy; the runner waits as well and goes on by itself"
    return Finding("network", words, cure, Exit.ATTENTION)


def clock_finding(behind_ms: int) -> Finding:
    """Judge by how much this machine's clock is behind the exchange's, ms."""
    if abs(behind_ms) <= CLOCK_OFF_MAX:
        return Finding("clock", "within 5 s of the exchange's")
    way = "behind" if behind_ms > 0 else "ahead of"
    seconds = abs(behind_ms) // 1000
    words = f"this machine's clock is {seconds} s {way} the exchange's; orders take the exchange's"
    cure = "sudo timedatectl set-ntp true, then `timedatectl` until it says synchronized: yes"
    return Finding("clock", words, cure, Exit.ATTENTION)


def _clock_unasked() -> Finding:
    kept = "a time service keeps it" if clock_is_kept() else "no time service vouches for it"
    return Finding("clock", f"could not be compared with the exchange's; {kept}")


def _key(trial: KeyTrial, venue: str) -> Iterator[Finding]:
    if trial.refusal:
        words = f"this key may not trade: {trial.refusal}"
        cure = "allow spot trading for it in Binance's API management, and bind it to your address"
        yield Finding("key", words, cure, Exit.NOTHING_STARTS)
    elif trial.can_withdraw and venue == "live":
        cure = "make one that may only trade, and bind it to your address"
        yield Finding("key", "this key may withdraw", cure, Exit.ATTENTION)
    else:
        yield Finding("key", "it may trade")
