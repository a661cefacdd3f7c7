"""Binance as the core's `Venue`.

Every request passes the same gates in the same order: exchange time known, limits, then one time
stamp, which is compared with the request's `send_by` and signed as it is. After `send_by` plus
`recv_window` no request of ours can be forwarded to the matching engine any more.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Final, TypeVar

from lib.binance import list_payloads, payloads
from lib.binance.budget import Budget
from lib.binance.payloads import Unreadable
from lib.binance.quotes import Quotes
from lib.binance.refusals import Verdict, error_of_change, error_of_question, judge
from lib.binance.traffic import CountedTransport, Traffic
from lib.binance.transport import Frame, MarketSource, Reply, Transport, UserSource
from lib.clock import ExchangeClock
from lib.errors import NotSent, OutcomeUnknown, Refused, Unavailable
from lib.exchange import (
    AccountEvent,
    AccountState,
    AmendRequest,
    CancelRequest,
    Candle,
    Fill,
    ListRecord,
    OrderEvent,
    OrderRecord,
    PlaceListRequest,
    PlaceRequest,
    PublicTrade,
    Quote,
    Rulebook,
    StreamLost,
    StreamReady,
    Urgency,
    UserEvent,
)
from lib.ids import parse_id

log = logging.getLogger(__name__)

Answer = TypeVar("Answer")

RECV_WINDOW: Final = 5_000
CLOCK_AGE_MAX: Final = 600_000
SAMPLES: Final = 3
DAY: Final = 86_400_000
AHEAD: Final = 1_000
"""How far (ms) past our own now history is asked for: our time may be behind."""
PAGE: Final = 1_000

WEIGHTS: Final[Mapping[str, int]] = {
    "time": 1,
    "exchangeInfo": 20,
    "account": 20,
    "order": 4,
    "orderList": 4,
    "openOrders": 80,
    "openOrders of a symbol": 6,
    "allOrders": 20,
    "myTrades": 5,
    "klines": 2,
    "aggTrades": 4,
    "ticker/24hr": 2,
    "change": 1,
    "amend": 4,
}
"""Request weights, per call as we make it (Binance Spot API, rest-api.md)."""


class BinanceVenue:
    """An account at Binance, or at anything that speaks as Binance does."""

    def __init__(
        self,
        name: str,
        transport: Transport,
        clock: ExchangeClock,
        *,
        user: UserSource,
        market: MarketSource,
        budget: Budget | None = None,
    ) -> None:
        self._name = name
        self.traffic = Traffic()
        self._transport = CountedTransport(transport, self.traffic)
        self._clock = clock
        self._user = user
        self._quotes = Quotes(market, clock)
        self._budget = budget or Budget(clock)
        self._measuring = asyncio.Lock()
        self._left_out: set[str] = set()  # why, of symbols whose rules could not be read

    @property
    def name(self) -> str:
        return self._name

    @property
    def weight_used(self) -> tuple[int, int]:
        """How much request weight this minute has seen, and how much it may see."""
        return self._budget.weight_used

    # --- questions

    async def server_time(self) -> int:
        """Ask for the exchange's time, ms; feeds the clock as well."""
        await self._budget.admit(WEIGHTS["time"], Urgency.POLL)
        sent = self._clock.ticks()
        reply = await self._fetch("time", {}, signed=False)
        self._hear(reply, WEIGHTS["time"])
        found = self._read("time", reply, payloads.server_time)
        self._clock.expect(found)
        self._clock.measured(found, sent, self._clock.ticks())
        return found

    async def rules(self) -> Rulebook:
        reply = await self._ask("exchangeInfo", {}, Urgency.POLL)
        found = self._read("exchangeInfo", reply, payloads.rules)
        for complaint in set(found.unread.values()) - self._left_out:
            log.warning("a symbol is left out: %s", complaint)
        self._left_out = set(found.unread.values())
        self._budget.adopt(self._read("exchangeInfo", reply, payloads.rate_limits))
        return found

    async def account(self) -> AccountState:
        reply = await self._ask_signed("account", {}, Urgency.POLL)
        return self._read("account", reply, payloads.account)

    async def find_order(
        self, symbol: str, *, order_id: int | None = None, client_order_id: str = ""
    ) -> OrderRecord | None:
        """Ask for one order, by its order id once that is known; `client_order_id` is then
        the one it was placed under, for where the exchange shows its cancel's instead.

        None is "does not exist" at this moment, which is not proof that it never will.
        """
        assert order_id is not None or client_order_id, "one of the two ids is needed"
        by_order_id = {"orderId": str(order_id)}
        by_client_order_id = {"origClientOrderId": client_order_id}
        ids = by_order_id if order_id is not None else by_client_order_id
        reply = await self._ask_signed("order", {"symbol": symbol, **ids}, Urgency.ORDER)
        if judge(reply) is Verdict.NO_SUCH_ORDER:
            return None
        found = self._read(f"order {symbol} {order_id or client_order_id}", reply, payloads.order)
        if order_id is None or _is_own_cancel(found.client_order_id, of=client_order_id):
            # found by an id means placed under it, even if a cancel's id is shown since
            return replace(found, client_order_id=client_order_id)
        return found

    async def find_list(self, client_order_id: str) -> ListRecord | None:
        """Ask for a list by its client order id. None, for "does not exist", proves nothing."""
        asked = {"origClientOrderId": client_order_id}
        reply = await self._ask_signed("orderList", asked, Urgency.ORDER)
        if judge(reply) is Verdict.NO_SUCH_ORDER:
            return None
        return self._read(f"order list {client_order_id}", reply, list_payloads.listed)

    async def open_orders(self, symbol: str | None = None) -> Sequence[OrderRecord]:
        params = {"symbol": symbol} if symbol else {}
        weight = WEIGHTS["openOrders of a symbol" if symbol else "openOrders"]
        reply = await self._ask_signed("openOrders", params, Urgency.POLL, weight)
        return self._read("openOrders", reply, payloads.orders)

    async def history(self, symbol: str, *, since: int) -> Sequence[OrderRecord]:
        """Answer all orders of a symbol last updated at or after `since`, oldest order first.

        Binance takes windows of 24 h at most; a window with more than a page is halved.
        """
        await self._know_time()
        until = self._clock.now() + AHEAD
        found: dict[int, OrderRecord] = {}
        for start in range(since, until + 1, DAY):
            await self._collect(found, symbol, start, min(start + DAY - 1, until))
        return [found[order_id] for order_id in sorted(found)]

    async def fills(self, symbol: str, order_id: int) -> Sequence[Fill]:
        found: dict[int, Fill] = {}
        params = {"symbol": symbol, "orderId": str(order_id), "limit": str(PAGE)}
        while True:
            reply = await self._ask_signed("myTrades", params, Urgency.POLL)
            page = self._read(f"myTrades {symbol} {order_id}", reply, payloads.fills)
            found |= {fill.trade_id: fill for fill in page}
            if len(page) < PAGE:
                return [found[trade_id] for trade_id in sorted(found)]
            params = {**params, "fromId": str(max(found) + 1)}

    async def candles(
        self, symbol: str, interval: str, limit: int, *, since: int | None = None
    ) -> Sequence[Candle]:
        params = {"symbol": symbol, "interval": interval, "limit": str(limit)}
        if since is not None:
            params["startTime"] = str(since)
        reply = await self._ask("klines", params, Urgency.HISTORY)
        return self._read("klines", reply, payloads.candles)

    async def public_trades(
        self, symbol: str, limit: int, *, since: int | None = None
    ) -> Sequence[PublicTrade]:
        params = {"symbol": symbol, "limit": str(limit)}
        if since is not None:
            params["fromId"] = str(since)
        reply = await self._ask("aggTrades", params, Urgency.HISTORY)
        return self._read("aggTrades", reply, payloads.public_trades)

    async def quote(self, symbol: str) -> Quote:
        reply = await self._ask("ticker/24hr", {"symbol": symbol}, Urgency.POLL)
        found = self._read("ticker/24hr", reply, payloads.ticker)
        return replace(found, time=self._clock.now() if self._clock.known else found.time)

    # --- changes

    async def place(self, request: PlaceRequest) -> OrderRecord:
        """Place one order. Raises Refused, DuplicateOrder, NotSent or OutcomeUnknown."""
        asked = f"place {request.client_order_id}"
        params = payloads.placing(request)
        reply = await self._change(
            asked, "POST", params, request.send_by, request.recv_window, orders=1
        )
        return _accepted(asked, reply, lambda body: payloads.placed(body, request))

    async def place_list(self, request: PlaceListRequest) -> Sequence[OrderRecord]:
        """Place an order list. Raises Refused, DuplicateOrder, NotSent or OutcomeUnknown.

        Each of its orders counts against the limits of orders.
        """
        asked = f"place {request.kind} {request.client_order_id}"
        reply = await self._change(
            asked,
            "POST",
            list_payloads.placing(request),
            request.send_by,
            request.recv_window,
            orders=len(request.legs),
            path=list_payloads.path(request),
        )
        return _accepted(asked, reply, lambda body: list_payloads.placed(body, request))

    async def cancel(self, request: CancelRequest) -> OrderRecord:
        """Cancel one order. Raises UnknownOrder, Refused, NotSent or OutcomeUnknown."""
        asked = f"cancel {request.target_client_order_id}"
        params = payloads.canceling(request)
        reply = await self._change(
            asked, "DELETE", params, request.send_by, request.recv_window, orders=0
        )
        return _accepted(asked, reply, lambda body: payloads.canceled(body, request))

    async def amend(self, request: AmendRequest) -> OrderRecord:
        """Make one order smaller. Raises UnknownOrder, Refused, NotSent or OutcomeUnknown."""
        asked = f"amend {request.client_order_id}"
        reply = await self._change(
            asked,
            "PUT",
            payloads.amending(request),
            request.send_by,
            request.recv_window,
            orders=0,
            path="order/amend/keepPriority",
            weight=WEIGHTS["amend"],
        )
        return _accepted(asked, reply, lambda body: payloads.amended(body, request))

    # --- streams

    def watch_user(self, on_event: Callable[[UserEvent], None]) -> None:
        """Keep the user stream subscribed from now on; tell of every loss and return."""
        self._user.start(
            on_event=lambda frame: _tell_user(frame, on_event),
            on_ready=lambda: on_event(StreamReady()),
            on_lost=lambda reason: on_event(StreamLost(reason)),
        )

    def watch_quotes(self, symbol: str, on_quote: Callable[[Quote], None]) -> Callable[[], None]:
        """Follow a symbol's market; the answer ends it. Shared by reference count."""
        return self._quotes.watch(symbol, on_quote)

    async def close(self) -> None:
        await self._quotes.close()
        await self._user.close()
        await self._transport.close()

    # --- the gates

    async def _change(
        self,
        asked: str,
        method: str,
        params: Mapping[str, str],
        send_by: int,
        recv_window: int,
        *,
        orders: int,
        path: str = "order",
        weight: int = WEIGHTS["change"],
    ) -> Reply:
        """Send a changing request within its fence, once."""
        await self._admit_change(asked, weight, orders, send_by)
        stamp = self._clock.now()
        if stamp > send_by:
            self._budget.forget(weight, orders=orders)
            raise NotSent(f"{asked}: it is {stamp}, and it had to leave by {send_by}")
        signed = {**params, "recvWindow": str(recv_window), "timestamp": str(stamp)}
        try:
            reply = await self._transport.request(method, f"/api/v3/{path}", signed, signed=True)
        except NotSent:
            self._budget.forget(weight, orders=orders)
            raise
        self._hear(reply, weight, orders)
        return reply

    async def _admit_change(self, asked: str, weight: int, orders: int, send_by: int) -> None:
        try:
            await self._know_time()
            await self._budget.admit(weight, Urgency.ORDER, orders=orders, until=send_by)
        except NotSent:
            raise
        except (Unavailable, Refused) as weather:
            raise NotSent(f"{asked}: {weather}") from weather

    async def _ask(self, path: str, params: Mapping[str, str], urgency: Urgency) -> Reply:
        weight = WEIGHTS[path]
        await self._budget.admit(weight, urgency)
        reply = await self._fetch(path, params, signed=False)
        self._hear(reply, weight)
        return reply

    async def _ask_signed(
        self, path: str, params: Mapping[str, str], urgency: Urgency, weight: int = 0
    ) -> Reply:
        await self._know_time()
        weight = weight or WEIGHTS[path]
        await self._budget.admit(weight, urgency)
        stamp = {"recvWindow": str(RECV_WINDOW), "timestamp": str(self._clock.now())}
        reply = await self._fetch(path, {**params, **stamp}, signed=True)
        self._hear(reply, weight)
        return reply

    async def _fetch(self, path: str, params: Mapping[str, str], *, signed: bool) -> Reply:
        """Ask, for what changes nothing: without an answer nothing is in doubt."""
        try:
            return await self._transport.request("GET", f"/api/v3/{path}", params, signed=signed)
        except OutcomeUnknown as weather:
            raise Unavailable(str(weather)) from None

    def _hear(self, reply: Reply, weight: int, orders: int = 0) -> None:
        self._budget.hear(reply, weight=weight, orders=orders)
        if judge(reply) is Verdict.CLOCK_OFF:
            self._clock.doubt()

    async def _know_time(self) -> None:
        """Measure the exchange's time where it is unknown, called wrong, or old.

        An old time does not hold up anything if it cannot be had: it drifts by milliseconds.
        """
        if self._time_is_void:
            async with self._measuring:
                for _ in range(SAMPLES if self._time_is_void else 0):
                    await self.server_time()
        elif self._clock.age > CLOCK_AGE_MAX:
            with suppress(Unavailable):
                await self.server_time()

    @property
    def _time_is_void(self) -> bool:
        return not self._clock.known or self._clock.doubted

    def _read(self, asked: str, reply: Reply, parse: Callable[[object], Answer]) -> Answer:
        """Parse what answers a question. Raises Unavailable and the like for what does not."""
        if judge(reply) is not Verdict.ANSWERED:
            raise error_of_question(asked, reply)
        try:
            return parse(reply.body)
        except Unreadable as wrong:
            raise Unavailable(f"{asked}: {wrong}") from None

    async def _collect(
        self, found: dict[int, OrderRecord], symbol: str, start: int, end: int
    ) -> None:
        span = {"startTime": str(start), "endTime": str(end)}
        params = {"symbol": symbol, **span, "limit": str(PAGE)}
        reply = await self._ask_signed("allOrders", params, Urgency.ORDER)
        page = self._read(f"allOrders {symbol}", reply, payloads.orders)
        if len(page) >= PAGE:
            if start == end:
                raise Unavailable(f"allOrders {symbol}: more than {PAGE} orders within 1 ms")
            middle = (start + end) // 2
            await self._collect(found, symbol, start, middle)
            await self._collect(found, symbol, middle + 1, end)
        for record in page:
            known = found.get(record.order_id)
            if known is None or record.updated_at >= known.updated_at:
                found[record.order_id] = record


def _is_own_cancel(shown: str, *, of: str) -> bool:
    """Say whether an id is that of a cancel by the same bot and birth."""
    cancel, order = parse_id(shown), parse_id(of)
    return (
        cancel is not None
        and order is not None
        and cancel.leg == "c"
        and (cancel.installation, cancel.bot, cancel.birth)
        == (order.installation, order.bot, order.birth)
    )


def _accepted(asked: str, reply: Reply, parse: Callable[[object], Answer]) -> Answer:
    """Read an acceptance; raise what anything else means."""
    if judge(reply) is not Verdict.ANSWERED:
        raise error_of_change(asked, reply)
    try:
        return parse(reply.body)
    except Unreadable as wrong:
        raise OutcomeUnknown(f"{asked}: {wrong}") from None


def _tell_user(frame: Frame, on_event: Callable[[UserEvent], None]) -> None:
    """Translate one event; kinds that change neither orders nor balances are left out."""
    try:
        match frame.get("e"):
            case "executionReport":
                on_event(OrderEvent(payloads.execution(frame)))
            case "outboundAccountPosition":
                on_event(AccountEvent(payloads.position(frame)))
    except Unreadable as wrong:
        log.warning("user stream: an event cannot be read: %s", wrong)
