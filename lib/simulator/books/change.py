"""What one request or market event has changed so far, and not yet made durable.

An order or a balance is noted as often as it is touched, which is cheaper than to look whether it
stands there already: who reads them takes each once. What few changes have is behind one flag.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from lib.simulator.books.account import Account, Balance
from lib.simulator.books.orders import Amendment, Fill, Order, OrderList, Prevention, Transfer


@dataclass(slots=True)
class Change:
    """Noted by whoever changes it, written and cleared by `Books.commit`."""

    orders: list[Order] = field(default_factory=list)  # each time one was touched
    balances: list[Balance] = field(default_factory=list)  # each time one was touched
    fills: list[Fill] = field(default_factory=list)
    told: int = 0  # how many of the balances were told to the user
    has_rare: bool = False  # any of what follows
    preventions: list[Prevention] = field(default_factory=list)
    lists: dict[OrderList, None] = field(default_factory=dict)
    amendments: list[Amendment] = field(default_factory=list)
    transfers: list[Transfer] = field(default_factory=list)
    accounts: dict[Account, None] = field(default_factory=dict)  # touched without an order
    drifted: dict[Order, None] = field(default_factory=dict)  # not worth a write of their own
    counted: bool = False  # a number was told that no order carries

    def __bool__(self) -> bool:
        return bool(self.orders or self.fills or self.balances or self.lists or self.counted)

    def touched_orders(self) -> dict[Order, None]:
        """Give the orders that were touched, each once, in the order of their first time."""
        return dict.fromkeys(self.orders)

    def touched_balances(self) -> Iterable[Balance]:
        return dict.fromkeys(self.balances)

    def untold_balances(self) -> Iterable[Balance]:
        """Give the balances touched since this was last asked, each once: now they are told."""
        untold = dict.fromkeys(self.balances[self.told :])
        self.told = len(self.balances)
        return untold

    # --- what is rare

    def note_prevention(self, prevention: Prevention) -> None:
        self.preventions.append(prevention)
        self.has_rare = True

    def note_list(self, order_list: OrderList) -> None:
        self.lists[order_list] = None
        self.has_rare = True

    def note_amendment(self, amendment: Amendment) -> None:
        self.amendments.append(amendment)
        self.has_rare = True

    def note_transfer(self, transfer: Transfer) -> None:
        self.transfers.append(transfer)
        self.has_rare = True

    def note_account(self, account: Account) -> None:
        self.accounts[account] = None
        self.has_rare = True

    def note_drift(self, order: Order) -> None:
        self.drifted[order] = None
        self.has_rare = True

    def note_count(self) -> None:
        self.counted = self.has_rare = True

    # --- when all of it is durable

    def clear(self) -> None:
        self.orders.clear()
        self.balances.clear()
        self.told = 0
        if self.fills:
            self.fills.clear()
        if self.has_rare:
            self._clear_rare()

    def _clear_rare(self) -> None:
        for rare in (self.preventions, self.amendments, self.transfers):
            rare.clear()
        for noted in (self.lists, self.accounts, self.drifted):
            noted.clear()
        self.counted = self.has_rare = False
