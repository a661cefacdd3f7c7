"""How long an order of ours waits behind what the recording shows at its price."""

from decimal import Decimal

import pytest

from lib.market.candle_path import Grid
from lib.market.ladder import Ladder
from tests.simulator.venue import SYMBOL, Venue


def resting(side: str = "BUY", price: int = 99, quantity: int = 2) -> tuple[Venue, int]:
    """Rest behind the 1 that others have at 99 and at 101."""
    venue = Venue().with_market()
    return venue, venue.limit(side, quantity, price).body["orderId"]


def filled(venue: Venue, order_id: int, who: str = "alice") -> Decimal:
    return Decimal(venue.order(order_id, who)["executedQty"])


@pytest.mark.parametrize(("side", "price"), [("BUY", 99), ("SELL", 101)])
def test_what_stood_there_first_trades_first(side: str, price: int) -> None:
    venue, order_id = resting(side, price)

    venue.last(price, "0.6", seller=side == "BUY")
    assert filled(venue, order_id) == 0
    venue.last(price, "0.6", seller=side == "BUY")
    assert filled(venue, order_id) == Decimal("0.2")
    venue.last(price, "0.3", seller=side == "BUY")

    assert filled(venue, order_id) == Decimal("0.5")


def test_a_trade_beyond_our_price_has_passed_everybody_there() -> None:
    venue, order_id = resting()

    venue.last("98.99", "0.5", seller=True)
    assert filled(venue, order_id) == Decimal("0.5")
    venue.last(99, "0.5", seller=True)

    assert filled(venue, order_id) == 1


def test_the_recorded_trade_keeps_its_volume_and_is_one_aggregate() -> None:
    venue, _ = resting()
    venue.deaf()

    venue.last(99, 5, seller=True)

    told = [(kind, event["q"]) for _, kind, event in venue.market_events if "rade" in kind]
    assert told == [
        ("trade", "1.00000000"),  # the queue
        ("trade", "2.00000000"),  # ours
        ("trade", "2.00000000"),  # whoever stood behind us
        ("aggTrade", "5.00000000"),
    ]


def test_who_leaves_the_queue_shortens_it_and_who_joins_does_not_lengthen_it() -> None:
    venue, order_id = resting()

    venue.exchange.apply_depth(SYMBOL, [("99", "0.4")], [], venue.now)
    venue.exchange.apply_depth(SYMBOL, [("99", "7")], [], venue.now)
    venue.last(99, "0.5", seller=True)

    assert filled(venue, order_id) == Decimal("0.1")


def test_a_later_order_of_ours_waits_for_what_came_in_between() -> None:
    venue, early = resting(quantity=1)
    venue.exchange.apply_depth(SYMBOL, [("99", "4")], [], venue.now)
    late = venue.limit("BUY", 1, 99, "bob").body["orderId"]

    venue.last(99, 2, seller=True)
    assert filled(venue, early) == 1
    assert filled(venue, late, "bob") == 0
    venue.last(99, "3.5", seller=True)

    assert filled(venue, late, "bob") == Decimal("0.5")


def test_at_a_price_that_is_better_than_all_we_are_the_first() -> None:
    venue = Venue().with_market()
    order_id = venue.limit("BUY", 1, "99.5").body["orderId"]
    venue.exchange.apply_depth(SYMBOL, [("99.5", "9")], [], venue.now)

    venue.last("99.5", "0.5", seller=True)

    assert filled(venue, order_id) == Decimal("0.5")


def test_at_a_price_the_recording_did_not_show_what_it_shows_first_stands_before_us() -> None:
    venue = Venue().with_market()
    order_id = venue.limit("BUY", 1, "98.5").body["orderId"]
    venue.exchange.set_book(SYMBOL, [("98.5", "3")], [("98.6", "3")], venue.now)

    venue.last("98.5", "3.5", seller=True)

    assert filled(venue, order_id) == Decimal("0.5")


def test_a_price_that_a_whole_new_book_leaves_out_is_queued_at_anew() -> None:
    venue, order_id = resting()
    venue.exchange.set_book(SYMBOL, [("103", "1")], [("104", "1")], venue.now)
    venue.exchange.set_book(SYMBOL, [("99", "2")], [("100", "1")], venue.now)

    venue.last(99, 2, seller=True)
    assert filled(venue, order_id) == 0
    venue.last(99, 1, seller=True)

    assert filled(venue, order_id) == 1


def test_a_whole_new_book_that_shows_the_price_again_moves_nobody_back() -> None:
    venue, order_id = resting()
    venue.exchange.set_book(SYMBOL, [("99", "8")], [("101", "1")], venue.now)

    venue.last(99, "1.5", seller=True)

    assert filled(venue, order_id) == Decimal("0.5")


def test_in_replayed_candles_a_touched_order_waits_for_the_best_level_of_the_made_up_book() -> None:
    grid = Grid(Decimal("0.01"), Decimal("0.00001"))
    ladder = Ladder(grid, price=Decimal(100), volume=Decimal(2_100))
    venue = Venue()
    order_id = venue.limit("BUY", 5, 99).body["orderId"]
    bids, asks = ladder.below(Decimal(99)), ladder.above(Decimal("99.01"))
    best = bids[0][1]
    assert best == 10

    for _ in range(2):  # the price comes, goes and comes again
        venue.exchange.set_book(SYMBOL, bids, asks, venue.now)
        venue.last(99, best, seller=True)
        assert filled(venue, order_id) == 0
        higher = ladder.below(Decimal(103)), ladder.above(Decimal("103.01"))
        venue.exchange.set_book(SYMBOL, *higher, venue.now)
    venue.exchange.set_book(SYMBOL, bids, asks, venue.now)
    venue.last(99, best + 3, seller=True)

    assert filled(venue, order_id) == 3


def test_what_our_own_taker_took_stands_before_nobody_any_more() -> None:
    venue, order_id = resting()
    venue.market("SELL", "0.7", "bob")

    venue.last(99, "0.5", seller=True)

    assert filled(venue, order_id) == Decimal("0.2")
