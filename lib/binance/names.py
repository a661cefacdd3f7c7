"""Where the exchange's hosts are, also while no name server answers.

The system's own resolver waits many seconds for a silent name server, in threads that it shares
with everybody; in an outage these would be the threads that save. So names are looked up in
threads of their own, asked again beside a lookup that hangs, and if no answer comes in a second
the addresses of last time are good enough: TLS tells whether the exchange is still there.
"""

import asyncio
import socket
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from aiohttp.abc import AbstractResolver, ResolveResult

Look: TypeAlias = Callable[[str, int], Sequence[Any]]
Key: TypeAlias = tuple[str, int]  # host, family

PATIENCE: Final = 1.0  # seconds, before the last known addresses are taken or another lookup begins
ADDRESS_AGE_MAX: Final = 1  # seconds for which aiohttp need not ask us again
AT_ONCE: Final = 4  # lookups of one name: a silent name server holds each for long
NUMERIC: Final = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV


@dataclass(slots=True)
class Known:
    """What is known of one name, and who asks for it."""

    addresses: tuple[str, ...] = ()
    families: tuple[int, ...] = ()
    running: int = 0
    news: asyncio.Event = field(default_factory=asyncio.Event)
    failure: OSError | None = None


def look_up(host: str, family: int) -> Sequence[Any]:
    """Ask the system, for as long as it takes. Raises OSError."""
    return socket.getaddrinfo(
        host, 0, family=family, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG
    )


class PatientResolver(AbstractResolver):
    """Resolves names for aiohttp; whoever shares it shares what is known."""

    def __init__(self, look: Look = look_up, patience: float = PATIENCE) -> None:
        self._look = look
        self._patience = patience
        self._known: dict[Key, Known] = {}

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Answer the addresses of a host. Raises OSError if there never were any."""
        known = self._known.setdefault((host, family), Known())
        await self._refresh(host, family, known)
        return [
            ResolveResult(
                hostname=host, host=address, port=port, family=found, proto=0, flags=NUMERIC
            )
            for address, found in zip(known.addresses, known.families, strict=True)
        ]

    async def close(self) -> None:
        """Leave the lookups to themselves: their threads end with the process."""

    async def _refresh(self, host: str, family: int, known: Known) -> None:
        """Ask until there is an answer, or until patience ends where something is known."""
        known.news.clear()
        known.failure = None
        while True:
            self._ask(host, family, known)
            with suppress(TimeoutError):
                async with asyncio.timeout(self._patience):
                    await known.news.wait()
            if known.addresses:
                return
            if known.failure is not None:
                raise known.failure

    def _ask(self, host: str, family: int, known: Known) -> None:
        """Begin a lookup in a thread that nobody waits for, unless enough are hanging."""
        if known.running >= AT_ONCE:
            return
        known.running += 1
        loop = asyncio.get_running_loop()

        def ask() -> None:
            found: Sequence[Any] = ()
            failure: OSError | None = None
            try:
                found = self._look(host, family)
            except OSError as wrong:
                failure = wrong
            with suppress(RuntimeError):  # the loop is closed: nobody wants to know any more
                loop.call_soon_threadsafe(_learn, known, found, failure)

        threading.Thread(target=ask, name=f"look up {host}", daemon=True).start()


def _learn(known: Known, found: Sequence[Any], failure: OSError | None) -> None:
    """Take in what one lookup brought."""
    known.running -= 1
    if found:
        known.addresses = tuple(_address(each[4]) for each in found)
        known.families = tuple(each[0] for each in found)
    else:
        known.failure = failure or OSError("no address")
    known.news.set()


def _address(place: Sequence[Any]) -> str:
    """Write a socket address' host; a link-local one of IPv6 names its interface."""
    scope = place[3] if len(place) > 3 else 0
    return f"{place[0]}%{scope}" if scope and "%" not in place[0] else str(place[0])
