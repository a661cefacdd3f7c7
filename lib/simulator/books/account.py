"""An account and what it owns."""

from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

Trading: TypeAlias = Literal["allowed", "cancel_only", "forbidden"]

SPOT: Final = frozenset({"SPOT"})


@dataclass(frozen=True, slots=True)
class Standing:
    """What an account may do."""

    trading: Trading = "allowed"
    can_withdraw: bool = False
    can_deposit: bool = False
    requires_stp: bool = False  # shown, nothing else
    permissions: frozenset[str] = SPOT


USUAL: Final = Standing()


@dataclass(slots=True, eq=False)
class Balance:
    """One asset of one account, in units."""

    account: str
    asset: str
    free: int = 0
    locked: int = 0
    external: int = 0  # of what is locked: by another system than this venue's orders


@dataclass(slots=True, eq=False)
class Account:
    name: str
    uid: int
    balances: dict[str, Balance] = field(default_factory=dict)
    updated_at: int = 0
    trade_group: int = -1  # accounts of one group do not trade with each other; -1 = of none
    standing: Standing = USUAL

    def balance(self, asset: str) -> Balance:
        """Give the balance of an asset, opening an empty one if need be."""
        found = self.balances.get(asset)
        if found is None:
            found = self.balances[asset] = Balance(self.name, asset)
        return found

    def free(self, asset: str) -> int:
        held = self.balances.get(asset)
        return held.free if held is not None else 0
