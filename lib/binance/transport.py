"""The seams between Binance's words and the wire that carries them.

`BinanceVenue` is built on these three; over sockets they are `RestTransport`, `UserStream` and
`MarketStream`, in process a simulated exchange that answers with the very same JSON.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

Frame: TypeAlias = Mapping[str, object]
"""One JSON object as it came: nothing in it has been looked at."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back over HTTP. `body` is the parsed JSON, None if it was none."""

    status: int
    body: object = None
    headers: Mapping[str, str] = field(default_factory=dict)  # looked up regardless of case
    text: str = ""  # the beginning of a body that is no JSON


class Transport(Protocol):
    """Carries one request and brings its answer, whatever that says."""

    async def request(
        self, method: str, path: str, params: Mapping[str, str], *, signed: bool
    ) -> Reply:
        """Send one request, once. `path` is the whole one, as in /api/v3/order.

        A signed request holds its own `timestamp` and `recvWindow`, which are signed as they
        are. Raises NotSent (for certain no byte left) or OutcomeUnknown.
        """
        ...

    async def close(self) -> None: ...


class UserSource(Protocol):
    """Brings the account's events, each as the `event` of a user data stream's frame."""

    def start(
        self,
        *,
        on_event: Callable[[Frame], None],
        on_ready: Callable[[], None],
        on_lost: Callable[[str], None],
    ) -> None:
        """Subscribe and stay subscribed. Every loss is told, and every return."""
        ...

    async def close(self) -> None: ...


class MarketSource(Protocol):
    """Brings <symbol>@bookTicker and <symbol>@trade of the symbols followed, as their `data`."""

    def start(self, on_frame: Callable[[Frame], None]) -> None: ...

    def follow(self, symbol: str) -> None: ...

    def leave(self, symbol: str) -> None: ...

    async def close(self) -> None: ...
