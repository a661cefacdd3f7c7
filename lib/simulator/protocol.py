"""What is said to the exchange and what it says back, whatever carried it."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final, NamedTuple

NO_HEADERS: Final[Mapping[str, str]] = MappingProxyType({})


class TimeUnit(StrEnum):
    """In which unit a client wants its times told."""

    MILLISECOND = "MILLISECOND"
    MICROSECOND = "MICROSECOND"


@dataclass(frozen=True, slots=True)
class Request:
    """One call of the REST or WebSocket API, its signature already checked."""

    method: str  # GET, POST, DELETE
    path: str  # "/api/v3/order"
    params: Mapping[str, str]
    account: str | None  # whom the verified key belongs to; None = a public call
    received_at: int | None = None  # exchange ms; None = now
    address: str = ""  # where it came from: request weight is counted by address
    time_unit: TimeUnit = TimeUnit.MILLISECOND  # of the times in the answer


class Answer(NamedTuple):
    """Binance's shape: a body that JSON can carry, an error as {"code": .., "msg": ..}."""

    status: int
    body: Any
    headers: Mapping[str, str] = NO_HEADERS
