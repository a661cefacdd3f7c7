"""What is prevented when two orders of one owner meet, by their self-trade prevention modes.

One owner is one account, or the accounts of one trade group. The taker's mode decides; only
TRANSFER needs both, and is a DECREMENT otherwise.
"""

from typing import Final

from lib.simulator.books.orders import Order

NO_GROUP: Final = -1
DECREASING: Final = frozenset({"DECREMENT", "TRANSFER"})


def prevented(taker: Order, maker: Order) -> bool:
    """Tell whether these two may not trade."""
    if taker.stp_mode == "NONE":
        return False
    mine, other = taker.account, maker.account
    return mine is other or NO_GROUP != mine.trade_group == other.trade_group


def mode_between(taker: Order, maker: Order) -> str:
    """Give the mode that takes effect."""
    if taker.stp_mode == "TRANSFER" != maker.stp_mode:
        return "DECREMENT"
    return taker.stp_mode


def transfers(taker: Order, maker: Order) -> bool:
    """Tell whether assets move although no trade happens."""
    both = taker.stp_mode == maker.stp_mode == "TRANSFER"
    return both and taker.account is not maker.account


def losses(mode: str, taker: Order, maker: Order) -> tuple[int, int]:
    """Work out how much the taker and the maker lose of what they could still trade."""
    if mode in DECREASING:
        matched = min(taker.remaining, maker.visible)
        return matched, matched
    return (
        taker.remaining if mode != "EXPIRE_MAKER" else 0,
        maker.remaining if mode != "EXPIRE_TAKER" else 0,
    )
