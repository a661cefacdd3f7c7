"""What comes and goes without a trade: deposits, withdrawals, transfers, locks from elsewhere.

Locked money never moves. Each of these is durable with the books and told to the account as a
balanceUpdate (or externalLockUpdate), then an outboundAccountPosition.
"""

from lib.simulator.books.account import Account, Balance
from lib.simulator.books.books import Books
from lib.simulator.books.orders import Transfer
from lib.simulator.engine.events import Announcer, Event, account_position
from lib.simulator.units import write


class Treasury:
    """Moves what accounts own from outside of the markets."""

    def __init__(self, books: Books, announcer: Announcer) -> None:
        self._books = books
        self._announcer = announcer

    def transfer(self, name: str, asset: str, amount: int, now: int) -> None:
        """Deposit, or withdraw what is below zero.

        Raises KeyError for no such account, ValueError for more than is free or for nothing.
        """
        account = self._books.accounts[name]
        _check(account, asset, amount)
        self._book(account, asset, amount, now)

    def move(self, giver: str, taker: str, asset: str, amount: int, now: int) -> None:
        """Let one account give to another, both at once. Raises as `transfer` does."""
        giving, taking = self._books.accounts[giver], self._books.accounts[taker]
        if amount <= 0 or giving is taking:
            raise ValueError(f"cannot move {write(amount)} {asset} from {giver} to {taker}")
        _check(giving, asset, -amount)
        self._book(giving, asset, -amount, now)
        self._book(taking, asset, amount, now)

    def lock(self, name: str, asset: str, amount: int, now: int) -> None:
        """Lock for another system (as collateral, say), or release what is below zero.

        Raises KeyError for no such account, ValueError for more than is free, or was locked so.
        """
        account = self._books.accounts[name]
        held = account.balance(asset)
        if amount == 0 or held.free < amount or held.external < -amount:
            raise ValueError(f"cannot lock {write(amount)} {asset} of {name}")
        held.free -= amount
        held.locked += amount
        held.external += amount
        self._note(account, held, now)
        self._announcer.tell_user(name, _lock_update(asset, amount, now))
        self._tell(account, held, now)

    def _book(self, account: Account, asset: str, amount: int, now: int) -> None:
        held = account.balance(asset)
        held.free += amount
        transfer = Transfer(account, asset, amount, now)
        self._books.transfers.append(transfer)
        self._books.change.note_transfer(transfer)
        self._note(account, held, now)
        self._announcer.tell_user(account.name, _balance_update(transfer))
        self._tell(account, held, now)

    def _note(self, account: Account, held: Balance, now: int) -> None:
        account.updated_at = now
        change = self._books.change
        change.balances.append(held)
        change.told = len(change.balances)
        change.note_account(account)

    def _tell(self, account: Account, held: Balance, now: int) -> None:
        self._announcer.tell_user(account.name, account_position(account, [held], now))


def _balance_update(transfer: Transfer) -> Event:
    return {
        "e": "balanceUpdate",
        "E": transfer.time,
        "a": transfer.asset,
        "d": write(transfer.amount),
        "T": transfer.time,
    }


def _lock_update(asset: str, amount: int, now: int) -> Event:
    return {"e": "externalLockUpdate", "E": now, "a": asset, "d": write(amount), "T": now}


def _check(account: Account, asset: str, amount: int) -> None:
    """Raise ValueError for what cannot be transferred."""
    if amount == 0:
        raise ValueError(f"nothing to transfer: {write(amount)} {asset}")
    if amount < 0 and account.free(asset) < -amount:
        raise ValueError(
            f"{account.name} has {write(account.free(asset))} {asset} free, not {write(-amount)}"
        )
