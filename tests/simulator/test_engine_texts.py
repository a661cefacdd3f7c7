"""Every text of the matching engine that this venue can say, and how to make it say so."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from lib.simulator.books.account import Standing
from lib.simulator.exchange import Answer, Options
from tests.simulator.venue import EVERY_TYPE, SYMBOL, Venue, exchange_info, refusal, symbol_entry

Act = Callable[[Venue], Answer]


@dataclass(frozen=True)
class Said:
    """A text, and the request that it answers; before it, the venue is made ready."""

    code: int
    text: str
    act: Act
    entry: dict[str, Any] = field(default_factory=dict)
    before: tuple[Act, ...] = ()
    options: Options = field(default_factory=Options)
    standing: Standing | None = None

    def __str__(self) -> str:
        return self.text


def limit(quantity: object = 1, price: object = 90, **params: Any) -> Act:
    return lambda venue: venue.limit("BUY", quantity, price, **params)


def place(kind: str, side: str = "SELL", **params: Any) -> Act:
    return lambda venue: venue.place(kind, side, **params)


def cancel(**params: Any) -> Act:
    return lambda venue: venue.cancel(**params)


def amend(quantity: object, **params: Any) -> Act:
    sent: dict[str, Any] = {"symbol": SYMBOL, "newQty": quantity, **params}
    return lambda venue: venue.ask("PUT order/amend/keepPriority", **sent)


def replace(**params: Any) -> Act:
    sent: dict[str, Any] = {
        "symbol": SYMBOL,
        "side": "BUY",
        "type": "LIMIT",
        "timeInForce": "GTC",
        "quantity": 1,
        "price": 90,
        "cancelReplaceMode": "STOP_ON_FAILURE",
        "cancelOrderId": 1,
        **params,
    }
    return lambda venue: venue.ask("POST order/cancelReplace", **sent)


def pair(**params: Any) -> Act:
    sent: dict[str, Any] = {
        "symbol": SYMBOL,
        "side": "SELL",
        "quantity": 1,
        "aboveType": "LIMIT_MAKER",
        "abovePrice": 110,
        "belowType": "STOP_LOSS",
        "belowStopPrice": 90,
        **params,
    }
    return lambda venue: venue.ask("POST orderList/oco", **sent)


def paid(**params: Any) -> Act:
    sent: dict[str, Any] = {
        "symbol": SYMBOL,
        "workingType": "LIMIT",
        "workingSide": "BUY",
        "workingPrice": 90,
        "workingQuantity": 1,
        "workingTimeInForce": "GTC",
        "pendingType": "MARKET",
        "pendingSide": "SELL",
        **params,
    }
    return lambda venue: venue.ask("POST orderList/opo", **sent)


def without(kind: str) -> dict[str, Any]:
    return {"orderTypes": [other for other in EVERY_TYPE if other != kind]}


LIMITED: dict[str, Any] = {"quantity": 1, "price": 90, "stopPrice": 95, "timeInForce": "GTC"}
LOTS = {"filterType": "LOT_SIZE", "minQty": "10", "maxQty": "100", "stepSize": "0.1"}
ENGINE = Options(unsupported_type_code=-2010)
LIQUIDITY = "Order book liquidity is less than"

SAID = [
    Said(-2011, "Unknown order sent.", cancel(orderId=7)),
    Said(-2038, "Unknown order sent.", amend(1, orderId=7)),
    Said(
        -2010,
        "Duplicate order sent.",
        limit(newClientOrderId="a"),
        before=(limit(newClientOrderId="a"),),
    ),
    Said(-1013, "Market is closed.", limit(), {"status": "HALT"}),
    Said(-2038, "Market is closed.", amend(1, orderId=1), {"status": "HALT"}),
    Said(-2010, "Account has insufficient balance for requested action.", limit(2000)),
    Said(
        -1013,
        "Market orders are not supported for this symbol.",
        place("MARKET", quantity=1),
        without("MARKET"),
    ),
    Said(
        -2010,
        "Iceberg orders are not supported for this symbol.",
        limit(2, icebergQty=1),
        {"icebergAllowed": False},
    ),
    Said(
        -2010,
        "Stop loss orders are not supported for this symbol.",
        place("STOP_LOSS", quantity=1, stopPrice=95),
        without("STOP_LOSS"),
        options=ENGINE,
    ),
    Said(
        -1013,
        "Stop loss limit orders are not supported for this symbol.",
        place("STOP_LOSS_LIMIT", **LIMITED),
        without("STOP_LOSS_LIMIT"),
    ),
    Said(
        -1013,
        "Take profit orders are not supported for this symbol.",
        place("TAKE_PROFIT", quantity=1, stopPrice=105),
        without("TAKE_PROFIT"),
    ),
    Said(
        -1013,
        "Take profit limit orders are not supported for this symbol.",
        place("TAKE_PROFIT_LIMIT", **LIMITED),
        without("TAKE_PROFIT_LIMIT"),
    ),
    Said(
        -2038,
        "Order amend is not supported for this symbol.",
        amend("0.5", orderId=1),
        {"amendAllowed": False},
        before=(limit(),),
    ),
    Said(
        -2010,
        "Price * QTY is zero or less.",
        limit("0.00000001", "0.1"),
        {"filters": []},
    ),
    Said(-2010, "IcebergQty exceeds QTY.", limit(1, icebergQty=2)),
    Said(
        -2010,
        "This action is disabled on this account.",
        limit(),
        standing=Standing("cancel_only"),
    ),
    Said(
        -2010,
        "This account may not place or cancel orders.",
        limit(),
        standing=Standing("forbidden"),
    ),
    Said(
        -2011,
        "This account may not place or cancel orders.",
        cancel(orderId=1),
        standing=Standing("forbidden"),
    ),
    Said(
        -2038,
        "This account may not place or cancel orders.",
        amend(1, orderId=1),
        standing=Standing("forbidden"),
    ),
    Said(
        -1014,
        "Unsupported order combination.",
        limit(2, icebergQty=1, timeInForce="IOC"),
        options=Options(iceberg_not_gtc_code=-1014),
    ),
    Said(
        -2010,
        "Stop price would trigger immediately.",
        place("STOP_LOSS", quantity=1, stopPrice=100),
    ),
    Said(
        -2010,
        "Order would trigger immediately.",
        place("STOP_LOSS", quantity=1, stopPrice=100),
        options=Options(trigger_refusal="Order would trigger immediately."),
    ),
    Said(
        -2010,
        "Order would immediately match and take.",
        place("LIMIT_MAKER", quantity=1, price=99),
    ),
    Said(
        -2010,
        "The relationship of the prices for the orders is not correct.",
        pair(abovePrice=95),
    ),
    Said(-2010, "OCO orders are not supported for this symbol", pair(), {"ocoAllowed": False}),
    Said(
        -2010,
        "Quote order qty market orders are not support for this symbol.",
        place("MARKET", quoteOrderQty=50),
        {"quoteOrderQtyMarketAllowed": False},
    ),
    Said(
        -2010,
        "Trailing stop orders are not supported for this symbol.",
        place("STOP_LOSS", quantity=1, trailingDelta=100),
        {"allowTrailingStop": False},
    ),
    Said(
        -2010,
        "Order cancel-replace is not supported for this symbol.",
        replace(),
        {"cancelReplaceAllowed": False},
    ),
    Said(
        -2010,
        "This symbol is not permitted for this account.",
        limit(),
        {"permissionSets": [["TRD_GRP_004"]]},
    ),
    Said(
        -2011,
        "Order was not canceled due to cancel restrictions.",
        cancel(orderId=1, cancelRestrictions="ONLY_PARTIALLY_FILLED"),
        before=(limit(),),
    ),
    Said(
        -2010,
        f"{LIQUIDITY} `LOT_SIZE` filter minimum quantity.",
        place("MARKET", "BUY", quoteOrderQty=2000),
        {"filters": [LOTS]},
    ),
    Said(
        -2010,
        f"{LIQUIDITY} `MARKET_LOT_SIZE` filter minimum quantity.",
        place("MARKET", "BUY", quoteOrderQty=2000),
        {"filters": [{**LOTS, "filterType": "MARKET_LOT_SIZE"}]},
    ),
    Said(
        -2010,
        f"{LIQUIDITY} symbol minimum quantity.",
        place("MARKET", "BUY", quoteOrderQty=2000),
        before=(place("MARKET", "BUY", quantity=6),),
    ),
    Said(
        -2038,
        "Order amend (quantity increase) is not supported.",
        amend(2, orderId=1),
        before=(limit(),),
    ),
    Said(
        -2038,
        "The requested action would change no state; rejecting",
        amend(1, orderId=1),
        before=(limit(),),
    ),
    Said(
        -2010,
        "Pegged orders are not supported for this symbol.",
        limit(pegPriceType="PRIMARY_PEG"),
    ),
    Said(-2010, "OPO orders are not supported for this symbol.", paid(), {"opoAllowed": False}),
    Said(
        -2038,
        "Order amend (pending OPO order) is not supported.",
        amend("0.5", origClientOrderId="later"),
        before=(paid(pendingClientOrderId="later"),),
    ),
]


@pytest.mark.parametrize("said", SAID, ids=str)
def test_the_engine_refuses_in_binances_words(said: Said) -> None:
    venue = Venue(said.options, exchange_info({**symbol_entry(), **said.entry})).with_market()
    for act in said.before:
        assert act(venue).status == 200
    if said.standing is not None:
        venue.exchange.set_standing("alice", said.standing)

    answer = said.act(venue)

    assert refusal(answer) == (400, said.code, said.text)
