"""How a story speaks to a venue, whichever it is."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back from one call."""

    status: int
    body: Any
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def refusal(self) -> tuple[int, int, str]:
        """HTTP status, code and text of a call that was refused."""
        assert self.status != 200, self.body
        return self.status, self.body["code"], self.body["msg"]

    @property
    def accepted(self) -> Any:
        """The body of a call that was not refused."""
        assert self.status == 200, self.body
        return self.body


class Client(Protocol):
    """One account at one venue."""

    async def ask(self, call: str, params: Mapping[str, str], *, signed: bool) -> Reply:
        """Make a call such as "GET order"; a signed one gets a timestamp if it has none."""

    async def next_event(self) -> Mapping[str, Any]:
        """Wait for the next event of the account."""

    async def quiet(self) -> bool:
        """Say whether no event is on its way."""
