"""What a change notes is told and written once, and forgotten when it is durable."""

from collections.abc import Callable

import pytest

from lib.simulator.books.account import Account, Balance
from lib.simulator.books.change import Change
from lib.simulator.books.orders import Amendment, Fill, Order, OrderList, Prevention, Transfer

ACCOUNT = Account("alice", 1)
ORDER = Order("BTCUSDT", ACCOUNT, "a", True, "LIMIT", "GTC", 1, 1, 0, 0, "NONE", 1)
LIST = OrderList(1, "BTCUSDT", ACCOUNT, "l", "OCO", 1)


def balances(change: Change) -> list[str]:
    return [held.asset for held in change.untold_balances()]


def test_a_balance_is_told_once_however_often_it_was_touched() -> None:
    change, btc, usdt = Change(), Balance("alice", "BTC"), Balance("alice", "USDT")

    change.balances += [btc, usdt, btc]

    assert balances(change) == ["BTC", "USDT"]
    assert balances(change) == []


def test_a_balance_touched_after_it_was_told_is_told_again() -> None:
    change, btc, usdt = Change(), Balance("alice", "BTC"), Balance("alice", "USDT")
    change.balances += [btc, usdt]
    assert balances(change) == ["BTC", "USDT"]

    change.balances.append(usdt)

    assert balances(change) == ["USDT"]
    assert list(change.touched_balances()) == [btc, usdt]


def test_the_next_change_tells_from_its_own_beginning() -> None:
    change, btc = Change(), Balance("alice", "BTC")
    change.balances += [btc, btc]
    assert balances(change) == ["BTC"]

    change.clear()
    change.balances.append(btc)

    assert balances(change) == ["BTC"]


def test_an_order_is_written_once_in_the_place_of_its_first_touch() -> None:
    other = Order("BTCUSDT", ACCOUNT, "b", True, "LIMIT", "GTC", 1, 1, 0, 0, "NONE", 1)
    change = Change()

    change.orders += [ORDER, other, ORDER]

    assert list(change.touched_orders()) == [ORDER, other]


NOTES: dict[str, Callable[[Change], None]] = {
    "an order": lambda change: change.orders.append(ORDER),
    "a balance": lambda change: change.balances.append(Balance("alice", "BTC")),
    "a fill": lambda change: change.fills.append(
        Fill(1, ORDER, 1, 1, 1, 0, "BTC", 1, is_maker=False)
    ),
    "a prevention": lambda change: change.note_prevention(
        Prevention(1, ORDER, ORDER, 1, 1, 1, "DECREMENT", -1, 1)
    ),
    "a list": lambda change: change.note_list(LIST),
    "an amendment": lambda change: change.note_amendment(Amendment(1, ORDER, "a", "b", 2, 1, 1)),
    "a transfer": lambda change: change.note_transfer(Transfer(ACCOUNT, "BTC", 1, 1)),
    "an account": lambda change: change.note_account(ACCOUNT),
    "a drift": lambda change: change.note_drift(ORDER),
    "a count": lambda change: change.note_count(),
}


@pytest.mark.parametrize("noted", NOTES)
def test_nothing_noted_outlives_the_change(noted: str) -> None:
    change = Change()
    NOTES[noted](change)
    assert change != Change()

    change.clear()

    assert change == Change()


@pytest.mark.parametrize("noted", NOTES)
def test_only_what_cannot_wait_is_worth_a_commit(noted: str) -> None:
    change = Change()

    NOTES[noted](change)

    alone = {"an order", "a balance", "a fill", "a list", "a count"}
    assert bool(change) == (noted in alone)
