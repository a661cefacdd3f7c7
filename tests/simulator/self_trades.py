"""Two orders of one owner, or of one trade group, about to meet."""

from typing import Any

from tests.simulator.venue import Venue, exchange_info, symbol_entry

MODES = ["NONE", "EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH", "DECREMENT", "TRANSFER"]
INFO = exchange_info(symbol_entry(allowedSelfTradePreventionModes=MODES))


def empty_venue(*, trade_group: int = -1) -> Venue:
    """Make a venue without liquidity of others, its accounts in a trade group if one is given."""
    venue = Venue(info=INFO)
    venue.last(100)
    for account in venue.books.accounts.values():
        account.trade_group = trade_group
    return venue.deaf()


def meet(
    venue: Venue,
    mode: str,
    *,
    made: object = 1,
    taken: object = 1,
    makers_mode: str = "NONE",
    maker: str = "alice",
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Let a buy rest and a sell of alice come; give the buy as queried and the sell's answer."""
    rested = venue.limit("BUY", made, 100, maker, selfTradePreventionMode=makers_mode).body
    venue.deaf()
    venue.now += 1
    answer = venue.limit("SELL", taken, 100, selfTradePreventionMode=mode)
    assert answer.status == 200, answer.body
    return venue.order(rested["orderId"], maker), answer.body
