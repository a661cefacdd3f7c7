"""What Binance leaves undocumented: how to find out, and which option of the simulator says so."""

from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Final, TypeAlias

from tests.contract.trader import Trader

OTHER_SYMBOL: Final = "ETHUSDT"

Answers: TypeAlias = frozenset[object]
"""The values of an option that agree with what was seen."""


async def reused_id(trader: Trader) -> Answers:
    """Which order a client order id means that two closed orders have had."""
    name = trader.fresh_id()
    first = await trader.resting(newClientOrderId=name)
    await trader.cancel(orderId=first["orderId"])
    second = await trader.resting(newClientOrderId=name)
    await trader.cancel(orderId=second["orderId"])
    found = (await trader.find(origClientOrderId=name)).accepted["orderId"]
    return frozenset({"oldest"} if found == first["orderId"] else {"open", "newest"})


async def id_scope(trader: Trader) -> Answers:
    """Whether an open order's id is taken on other symbols too."""
    placed = await trader.resting()
    best = (await trader.ask("GET ticker/bookTicker", symbol=OTHER_SYMBOL)).accepted
    price = int(Decimal(best["bidPrice"]) * Decimal("0.9"))
    order = {"symbol": OTHER_SYMBOL, "side": "BUY", "type": "LIMIT", "timeInForce": "GTC"}
    order |= {"price": str(price), "quantity": "0.1"}
    tried = await trader.ask("POST order", **order, newClientOrderId=placed["clientOrderId"])
    if tried.status != 200:
        assert tried.refusal == (400, -2010, "Duplicate order sent.")
        return frozenset({"account"})
    await trader.ask("DELETE order", symbol=OTHER_SYMBOL, orderId=tried.body["orderId"])
    return frozenset({"symbol"})


async def waiting_stop_holds_id(trader: Trader) -> Answers:
    """Whether a stop that has not fired keeps its id to itself."""
    name = trader.fresh_id()
    under = trader.price(Decimal(trader.low) * Decimal("0.99"))
    stop = {"timeInForce": "GTC", "price": under, "stopPrice": trader.low}
    await trader.place("STOP_LOSS_LIMIT", "SELL", newClientOrderId=name, **stop)
    second = await trader.limit(newClientOrderId=name)
    return frozenset({second.status != 200})


async def canceled_id(trader: Trader) -> Answers:
    """Under which id a canceled order is found."""
    placed = await trader.resting()
    cancel_id = trader.fresh_id()
    await trader.cancel(orderId=placed["orderId"], newClientOrderId=cancel_id)
    found = await trader.find(origClientOrderId=placed["clientOrderId"])
    return frozenset({"original" if found.status == 200 else "cancel"})


async def announce_refusals(trader: Trader) -> Answers:
    """Whether the account is told of an order that the matching engine refused."""
    refused = await trader.place("LIMIT_MAKER", "BUY", price=trader.price(trader.ask_price))
    assert refused.refusal[1] == -2010
    return frozenset({not await trader.client.quiet()})


async def filter_order(trader: Trader) -> Answers:
    """Which filter is named when quantity and worth are both wrong."""
    refused = await trader.limit(quantity=trader.lot / 2)
    first = refused.refusal[2].rpartition(" ")[2]
    return frozenset({"fixed", "listed"} if first == "LOT_SIZE" else {first})


QUESTIONS: Final[dict[str, Callable[[Trader], Awaitable[Answers]]]] = {
    question.__name__: question
    for question in (
        reused_id,
        id_scope,
        waiting_stop_holds_id,
        canceled_id,
        announce_refusals,
        filter_order,
    )
}
