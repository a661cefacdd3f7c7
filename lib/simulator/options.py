"""What Binance leaves undocumented, or what differs between its venues, by name."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal


@dataclass(frozen=True, slots=True)
class Options:
    """Each field is one open question; its default is the likeliest answer."""

    # commissions
    maker_fee: Decimal = Decimal("0.001")
    taker_fee: Decimal = Decimal("0.001")
    fees_in_bnb: bool = False
    bnb_multiplier: Decimal = Decimal("0.75")  # what is left of the rate after the discount

    # ids
    reused_id: Literal["open", "newest", "oldest"] = "open"  # which order a reused id means
    id_scope: Literal["symbol", "account"] = "symbol"  # where an open order's id is unique
    waiting_stop_holds_id: bool = True  # whether an untriggered stop blocks its id
    canceled_id: Literal["original", "cancel"] = "original"  # found and shown under
    first_order_id: int = 1

    # how far the answers of Memory and Database lag behind the matching engine
    query_lag_ms: int = 0
    list_lag_ms: int = 0  # openOrders, allOrders; the larger of the two counts

    # the user stream
    announce_refusals: bool = False  # an executionReport REJECTED for a plain -2010
    announce_trigger: bool = True  # a second NEW with w = true when a stop begins to work
    position_after: Literal["request", "fill"] = "request"  # outboundAccountPosition

    # refusals
    key_refusal_status: int = 401  # HTTP status of -2015
    unsupported_type_code: int = -1013
    filter_order: Literal["fixed", "listed"] = "fixed"  # when several filters fail
    symbol_range: str = "^[A-Z0-9-_.]{1,20}$"
    market_order_before_first_trade: Literal["refuse", "allow"] = "refuse"  # notional filters

    # limits
    enforce_limits: bool = True  # off: counted and told in headers, never refused
    ban_after: int = 10  # requests while refused with 429 until 418
    ban_ms: int = 120_000
    orders_weigh_nothing: bool = True  # successful orders and cancels, since 2026-04-02
    maker_fill_relief: int = 5  # taken off the unfilled order count at a maker's first fill
