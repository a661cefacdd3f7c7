"""An account and what it owns."""

from dataclasses import dataclass, field


@dataclass(slots=True, eq=False)
class Balance:
    """One asset of one account, in units."""

    account: str
    asset: str
    free: int = 0
    locked: int = 0


@dataclass(slots=True, eq=False)
class Account:
    name: str
    uid: int
    balances: dict[str, Balance] = field(default_factory=dict)
    updated_at: int = 0

    def balance(self, asset: str) -> Balance:
        """Give the balance of an asset, opening an empty one if need be."""
        found = self.balances.get(asset)
        if found is None:
            found = self.balances[asset] = Balance(self.name, asset)
        return found

    def free(self, asset: str) -> int:
        held = self.balances.get(asset)
        return held.free if held is not None else 0
