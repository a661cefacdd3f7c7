"""What one request or market event has changed so far, and not yet made durable."""

from dataclasses import dataclass, field

from lib.simulator.books.account import Account, Balance
from lib.simulator.books.orders import Amendment, Fill, Order, OrderList, Prevention, Transfer


@dataclass(slots=True)
class Change:
    """Noted by whoever changes it, written and cleared by `Books.commit`."""

    orders: dict[Order, None] = field(default_factory=dict)
    fills: list[Fill] = field(default_factory=list)
    balances: dict[Balance, bool] = field(default_factory=dict)  # whether told to the user
    preventions: list[Prevention] = field(default_factory=list)
    lists: dict[OrderList, None] = field(default_factory=dict)
    amendments: list[Amendment] = field(default_factory=list)
    transfers: list[Transfer] = field(default_factory=list)
    accounts: dict[Account, None] = field(default_factory=dict)  # touched without an order
    drifted: dict[Order, None] = field(default_factory=dict)  # not worth a write of their own
    counted: bool = False  # a number was told that no order carries

    def __bool__(self) -> bool:
        return bool(self.orders or self.fills or self.balances or self.lists or self.counted)

    def clear(self) -> None:
        self.orders.clear()
        self.balances.clear()
        if self.fills:
            self.fills.clear()
        if self.lists:
            self.lists.clear()
        if self.preventions or self.amendments or self.transfers or self.drifted:
            for rare in (self.preventions, self.amendments, self.transfers, self.drifted):
                rare.clear()
        if self.accounts:
            self.accounts.clear()
        self.counted = False
