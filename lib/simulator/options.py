"""What Binance leaves undocumented, or what differs between its venues, by name."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from types import MappingProxyType
from typing import Literal

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Rates:
    """Shares of what a trade brings: by the order's part in it, and by its side."""

    maker: Decimal = ZERO
    taker: Decimal = ZERO
    buyer: Decimal = ZERO
    seller: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class Commission:
    """What one symbol takes of a trade."""

    standard: Rates
    special: Rates = Rates()
    tax: Rates = Rates()
    discounted: bool = True  # whether paying in BNB makes the standard rates cheaper here


NO_COMMISSIONS: Mapping[str, Commission] = MappingProxyType({})
NO_LIMITS: Mapping[str, Decimal] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Options:
    """Each field is one open question; its default is the likeliest answer."""

    # commissions
    maker_fee: Decimal = Decimal("0.001")
    taker_fee: Decimal = Decimal("0.001")
    fees_in_bnb: bool = False
    bnb_multiplier: Decimal = Decimal("0.75")  # what is left of the rate after the discount
    buyer_commission: Decimal = ZERO  # on top of maker and taker
    seller_commission: Decimal = ZERO
    special_commission: Rates = Rates()
    tax_commission: Rates = Rates()
    symbol_commissions: Mapping[str, Commission] = field(default_factory=lambda: NO_COMMISSIONS)
    commission_rounding: Literal["down", "half_up"] = "down"  # to what can be booked

    # ids
    reused_id: Literal["open", "newest", "oldest"] = "open"  # which order a reused id means
    id_scope: Literal["symbol", "account"] = "symbol"  # where an open order's id is unique
    waiting_stop_holds_id: bool = True  # whether an untriggered stop blocks its id
    canceled_id: Literal["original", "cancel"] = "original"  # found and shown under
    first_order_id: int = 1

    # how far the answers of Memory and Database lag behind the matching engine
    query_lag_ms: int = 0
    list_lag_ms: int = 0  # openOrders, allOrders; the larger of the two counts
    trades_lag_ms: int | None = None  # myTrades; None = as long as the query of an order

    # accounts
    max_assets: Mapping[str, Decimal] = field(default_factory=lambda: NO_LIMITS)  # MAX_ASSET

    # canceling and replacing
    leg_cancel_answer: Literal["list", "order"] = "list"  # to a cancel of one leg of a list
    cancel_while_closed: Literal["allow", "refuse"] = "allow"  # while a symbol does not trade
    replace_filter_answer: Literal["plain", "whole"] = "plain"  # -2010 itself, or in a -2022

    # the user stream
    announce_refusals: bool = False  # an executionReport REJECTED for a plain -2010
    announce_trigger: bool = True  # a second NEW with w = true when a stop begins to work
    position_after: Literal["request", "fill"] = "request"  # outboundAccountPosition
    list_status: Literal["last", "first"] = "last"  # where it stands among a new list's reports

    # order lists
    list_response: Literal["ACK", "RESULT", "FULL"] = "FULL"  # of a list that asks for none
    list_history: Literal["newest", "oldest"] = "newest"  # the first of the most recent lists
    list_ends: Literal["last", "decided"] = "last"  # with its last order, or with a pair's choice

    # refusals
    key_refusal_status: int = 401  # HTTP status of -2015
    unsupported_type_code: int = -1013
    trigger_refusal: str = "Stop price would trigger immediately."  # documented as "Order would…"
    filter_order: Literal["fixed", "listed"] = "fixed"  # when several filters fail
    symbol_range: str = "^[A-Z0-9-_.]{1,20}$"
    market_order_before_first_trade: Literal["refuse", "allow"] = "refuse"  # notional filters

    # keys
    logon_refusal_code: int = -4056  # of session.logon with a key that is not Ed25519
    revoked_key_ends_streams: bool = True  # whether a user stream dies with its key

    # market data
    empty_window: Literal["flat", "refuse"] = "flat"  # a rolling window in which nobody traded

    # orders of special kinds
    trailing_begins: Literal["placement", "trade"] = "placement"  # without a stop price
    whole_iceberg: Literal["allow", "refuse"] = "allow"  # an icebergQty that is the quantity
    iceberg_not_gtc_code: Literal[-1014, -1106] = -1106
    unknown_amended_code: Literal[-2011, -2038] = -2038
    amended_id: Literal["current", "any"] = "current"  # by which a query finds an amended order

    # limits
    enforce_limits: bool = True  # off: counted and told in headers, never refused
    ban_after: int = 10  # requests while refused with 429 until 418
    ban_ms: int = 120_000  # the first time; then twice as long each time, up to three days
    firewall: Literal["off", "sql"] = "off"  # words of SQL in a request are answered with 403
    orders_weigh_nothing: bool = True  # successful orders and cancels, since 2026-04-02
    maker_fill_relief: int = 5  # taken off the unfilled order count at a maker's first fill

    # a live market whose feed is stale: orders are turned away, or the symbol takes a break
    stale_market: Literal["busy", "break"] = "busy"
