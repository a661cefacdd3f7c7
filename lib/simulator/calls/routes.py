"""Which calls the exchange knows, what they weigh and who answers them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, TypeAlias

from lib.simulator.books.account import Account
from lib.simulator.calls.parameters import SIGNING

ORDER_NAMED: Final = ("symbol", "orderId", "origClientOrderId")


@dataclass(slots=True)
class Call:
    """One request on its way through the exchange."""

    params: Mapping[str, str]
    names: tuple[str, ...]  # of the parameters, as sent
    now: int
    account: Account | None = None
    good_until: int | Decimal = 0  # the last moment to reach the matching engine

    @property
    def owner(self) -> Account:
        assert self.account is not None, "a public call has no owner"
        return self.account


Respond: TypeAlias = Callable[[Call], Any]
Weight: TypeAlias = Callable[[Mapping[str, str]], int]
Routes: TypeAlias = Mapping[str, "Route"]  # by "GET order"


@dataclass(frozen=True, slots=True)
class Route:
    respond: Respond
    weight: int | Weight
    known: frozenset[str]
    private: bool = False  # needs a key and a timestamp
    trades: bool = False  # answered by the matching engine
    places: bool = False  # its answer tells how many orders were placed
    gratis: Callable[[Any], bool] | None = None  # for which answers it weighs nothing

    def is_free(self, body: Any) -> bool:
        """Tell whether a call that succeeded with this answer weighs nothing."""
        return self.trades or (self.gratis is not None and self.gratis(body))

    def weigh(self, params: Mapping[str, str]) -> int:
        return self.weight if isinstance(self.weight, int) else self.weight(params)


def public(respond: Respond, weight: int | Weight, *names: str) -> Route:
    return Route(respond, weight, frozenset(names))


def private(
    respond: Respond,
    weight: int | Weight,
    *names: str,
    gratis: Callable[[Any], bool] | None = None,
) -> Route:
    return Route(respond, weight, SIGNING | frozenset(names), private=True, gratis=gratis)


def trading(respond: Respond, *names: str) -> Route:
    return Route(respond, 1, SIGNING | frozenset(names), private=True, trades=True, places=True)


def canceling(respond: Respond, *names: str) -> Route:
    return Route(respond, 1, SIGNING | frozenset(names), private=True, trades=True)
