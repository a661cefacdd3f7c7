"""A venue that does what a test tells it, and one bot's way to it.

For stories the world cannot tell.

Time is the virtual loop's. `Office` keeps what would be on disk and can begin a new life from it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any, TypeVar

from lib.context_file.generation import Memory
from lib.dealing.list_dealer import ListDealer
from lib.desk import Desk
from lib.errors import NotSent, OutcomeUnknown, Refused, UnknownOrder
from lib.exchange import (
    ZERO,
    AccountState,
    AmendRequest,
    Balance,
    CancelRequest,
    Candle,
    Fill,
    Limits,
    ListRecord,
    OrderEvent,
    OrderRecord,
    OrderStatus,
    PlaceListRequest,
    PlaceRequest,
    PublicTrade,
    Quote,
    Rulebook,
    StreamReady,
    UserEvent,
)
from lib.floor import Floor
from lib.funds import Funds
from lib.machine import Context, drive
from lib.mirror import Mirror
from lib.money import SymbolRules
from lib.news import Kind
from lib.order_lists import OrderList, add_list
from lib.orders import Order, add_order, date_plans
from lib.quotes import Quotes
from tests.virtual_time import VirtualLoop

BIRTH = 1_722_470_400_000
LATENCY = 0.01
INSTALLATION = "3fa2c1"
Answer = TypeVar("Answer")
Placing = Callable[[PlaceRequest], OrderRecord]
ListPlacing = Callable[[PlaceListRequest], list[OrderRecord]]
Canceling = Callable[[CancelRequest], OrderRecord]
Amending = Callable[[AmendRequest], OrderRecord]


class ScriptedVenue:
    """Accepts everything unless `placings` or `cancelings` say otherwise, one after the other."""

    name = "scripted"

    def __init__(self, now: Callable[[], int]) -> None:
        self.now = now
        self.ahead = 0  # ms that the server's clock is ahead of `now`
        self.placed: list[tuple[int, PlaceRequest]] = []
        self.cancels: list[tuple[int, CancelRequest]] = []
        self.asked: list[tuple[int, str]] = []  # when, and by which id, an order was asked for
        self.book: dict[str, OrderRecord] = {}
        self.trades: dict[int, list[Fill]] = {}
        self.hidden: set[str] = set()  # ids no question shows
        self.placings: list[Placing] = []
        self.placed_lists: list[tuple[int, PlaceListRequest]] = []
        self.list_placings: list[ListPlacing] = []
        self.lists: dict[str, ListRecord] = {}
        self.cancelings: list[Canceling] = []
        self.amends: list[tuple[int, AmendRequest]] = []
        self.amendings: list[Amending] = []
        self.failing: dict[str, Exception] = {}  # by the name of the question
        self.before: dict[str, Callable[[], object]] = {}  # what happens as a question is asked
        self.balances = {"USDT": Balance(Decimal(100_000), ZERO), "BTC": Balance(Decimal(1), ZERO)}
        self.account_time = BIRTH
        self.last = Decimal(60_000)
        self.tell: Callable[[UserEvent], None] = lambda _: None
        self.streams = True
        self.watched: dict[str, Callable[[Quote], None]] = {}

    # --- what the test does

    def accept(self, request: PlaceRequest, executed: Decimal | None = None) -> OrderRecord:
        """Take an order in, filled at once if it is a market order."""
        if executed is None:
            executed = (request.quantity or ZERO) if request.type == "MARKET" else ZERO
        record = record_of(request, 100 + len(self.book), self.now())
        self.book[request.client_order_id] = record
        return self.execute(request.client_order_id, executed) if executed else record

    def accept_list(self, request: PlaceListRequest) -> list[OrderRecord]:
        """Take a list in: what is pending waits."""
        waiting = request.legs[1:] if request.kind != "OCO" else ()
        for leg in request.legs:
            self.accept(leg, ZERO)
        for leg in waiting:
            self.change(leg.client_order_id, status=OrderStatus.PENDING_NEW)
        records = [self.book[leg.client_order_id] for leg in request.legs]
        order_ids = tuple(record.order_id for record in records)
        listed = ListRecord(request.client_order_id, request.symbol, order_ids)
        self.lists[request.client_order_id] = listed
        return records

    def lose_list_reply(self, request: PlaceListRequest) -> list[OrderRecord]:
        self.accept_list(request)
        raise OutcomeUnknown("the reply was lost")

    @staticmethod
    def lose_list_request(request: PlaceListRequest) -> list[OrderRecord]:
        raise OutcomeUnknown(f"{request.client_order_id} was lost")

    def execute(
        self, client_order_id: str, quantity: Decimal, *, price: Decimal = Decimal(60_000)
    ) -> OrderRecord:
        """Fill a part of an order."""
        known = self.book[client_order_id]
        fill = made_fill(1 + sum(map(len, self.trades.values())), quantity, price, self.now())
        self.trades.setdefault(known.order_id, []).append(fill)
        executed = known.executed + quantity
        whole = executed == known.quantity
        status = OrderStatus.FILLED if whole else OrderStatus.PARTIALLY_FILLED
        return self.change(
            client_order_id,
            status=status,
            executed=executed,
            executed_quote=known.executed_quote + fill.quote,
        )

    def change(self, client_order_id: str, /, **changes: Any) -> OrderRecord:
        """Change what the exchange knows of an order; answers do not carry its trades."""
        known = self.book[client_order_id]
        changed = replace(known, updated_at=self.now(), **changes)
        self.book[client_order_id] = changed
        return changed

    def full(self, record: OrderRecord) -> OrderRecord:
        """Show a record with all its trades."""
        return replace(record, fills=tuple(self.trades.get(record.order_id, ())))

    def lose_reply(self, request: PlaceRequest) -> OrderRecord:
        self.accept(request)
        raise OutcomeUnknown("the reply was lost")

    @staticmethod
    def lose_request(request: PlaceRequest) -> OrderRecord:
        raise OutcomeUnknown(f"{request.client_order_id} was lost")

    # --- what the core asks

    async def _question(self, name: str) -> None:
        await asyncio.sleep(LATENCY)
        self.before.get(name, lambda: None)()
        if name in self.failing:
            raise self.failing[name]

    async def server_time(self) -> int:
        await self._question("server_time")
        return self.now() + self.ahead

    async def rules(self) -> Rulebook:
        return Rulebook(RULES)

    async def account(self) -> AccountState:
        await self._question("account")
        return AccountState(dict(self.balances), self.account_time, "4711")

    async def place(self, request: PlaceRequest) -> OrderRecord:
        if self.now() > request.send_by:
            raise NotSent(f"{request.client_order_id} had to leave earlier")
        self.placed.append((self.now(), request))
        await asyncio.sleep(LATENCY)
        if self.placings:
            return self.placings.pop(0)(request)
        return self.full(self.accept(request))

    async def place_list(self, request: PlaceListRequest) -> Sequence[OrderRecord]:
        if self.now() > request.send_by:
            raise NotSent(f"{request.client_order_id} had to leave earlier")
        self.placed_lists.append((self.now(), request))
        await asyncio.sleep(LATENCY)
        if self.list_placings:
            return self.list_placings.pop(0)(request)
        return [self.full(record) for record in self.accept_list(request)]

    async def cancel(self, request: CancelRequest) -> OrderRecord:
        if self.now() > request.send_by:
            raise NotSent(f"{request.client_order_id} had to leave earlier")
        self.cancels.append((self.now(), request))
        await asyncio.sleep(LATENCY)
        if self.cancelings:
            return self.cancelings.pop(0)(request)
        return self.take_out(request)

    def take_out(self, request: CancelRequest) -> OrderRecord:
        """Cancel as the matching engine does."""
        known = self.book.get(request.target_client_order_id)
        if known is None or known.status.final:
            raise UnknownOrder("-2011 Unknown order sent.")
        for sibling in self._listed_with(known):
            if not sibling.status.final:
                self.change(sibling.client_order_id, status=OrderStatus.CANCELED)
        return self.change(request.target_client_order_id, status=OrderStatus.CANCELED)

    def _listed_with(self, known: OrderRecord) -> list[OrderRecord]:
        """The orders of the same list, itself included."""
        mates = [set(each.order_ids) for each in self.lists.values()]
        ids = set().union(*(each for each in mates if known.order_id in each))
        return [record for record in self.book.values() if record.order_id in ids]

    async def amend(self, request: AmendRequest) -> OrderRecord:
        if self.now() > request.send_by:
            raise NotSent(f"the amend of {request.client_order_id} had to leave earlier")
        self.amends.append((self.now(), request))
        await asyncio.sleep(LATENCY)
        if self.amendings:
            return self.amendings.pop(0)(request)
        return self.shrink(request)

    def shrink(self, request: AmendRequest) -> OrderRecord:
        """Make an order smaller as the matching engine does."""
        known = self.book.get(request.client_order_id)
        if known is None or known.status.final:
            raise UnknownOrder("-2038 Unknown order sent.")
        if request.quantity >= known.quantity:
            raise Refused("-2038 Order amend (quantity increase) is not supported.")
        return self.change(request.client_order_id, quantity=request.quantity)

    async def find_order(
        self, symbol: str, *, order_id: int | None = None, client_order_id: str = ""
    ) -> OrderRecord | None:
        self.asked.append((self.now(), client_order_id or str(order_id)))
        await self._question("find_order")
        for record in self._shown():
            if record.symbol == symbol and (
                record.order_id == order_id
                if order_id is not None
                else record.client_order_id == client_order_id
            ):
                return record
        return None

    async def find_list(self, client_order_id: str) -> ListRecord | None:
        self.asked.append((self.now(), client_order_id))
        await self._question("find_list")
        return None if client_order_id in self.hidden else self.lists.get(client_order_id)

    async def open_orders(self, symbol: str | None = None) -> Sequence[OrderRecord]:
        await self._question("open_orders")
        return [
            record
            for record in self._shown()
            if not record.status.final and symbol in {None, record.symbol}
        ]

    async def history(self, symbol: str, *, since: int) -> Sequence[OrderRecord]:
        await self._question("history")
        return [r for r in self._shown() if r.symbol == symbol and r.updated_at >= since]

    async def fills(self, symbol: str, order_id: int) -> Sequence[Fill]:
        await self._question("fills")
        return list(self.trades.get(order_id, ()))

    async def candles(
        self, symbol: str, interval: str, limit: int, *, since: int | None = None
    ) -> Sequence[Candle]:
        return []

    async def public_trades(
        self, symbol: str, limit: int, *, since: int | None = None
    ) -> Sequence[PublicTrade]:
        return []

    async def quote(self, symbol: str) -> Quote:
        await self._question("quote")
        return Quote(symbol, last=self.last, time=self.now())

    def watch_user(self, on_event: Callable[[UserEvent], None]) -> None:
        self.tell = on_event
        if self.streams:
            on_event(StreamReady())

    def watch_quotes(self, symbol: str, on_quote: Callable[[Quote], None]) -> Callable[[], None]:
        self.watched[symbol] = on_quote

        def end() -> None:
            del self.watched[symbol]

        return end

    async def close(self) -> None:
        return

    def _shown(self) -> list[OrderRecord]:
        return [r for name, r in self.book.items() if name not in self.hidden]


RULES = {
    "BTCUSDT": SymbolRules(
        "BTCUSDT", "BTC", "USDT", quote_quantity_allowed=True, oco_allowed=True, oto_allowed=True
    ),
    "ETHUSDT": SymbolRules("ETHUSDT", "ETH", "USDT", quote_quantity_allowed=True),
}


def record_of(request: PlaceRequest, order_id: int, at: int) -> OrderRecord:
    return OrderRecord(
        symbol=request.symbol,
        order_id=order_id,
        client_order_id=request.client_order_id,
        side=request.side,
        type=request.type,
        status=OrderStatus.NEW,
        price=request.price or ZERO,
        stop_price=request.stop_price or ZERO,
        quantity=request.quantity or ZERO,
        created_at=at,
        updated_at=at,
    )


def made_fill(trade_id: int, quantity: Decimal, price: Decimal, at: int) -> Fill:
    return Fill(
        trade_id=trade_id,
        price=price,
        quantity=quantity,
        quote=price * quantity,
        commission=quantity / 1000,
        commission_asset="BTC",
        time=at,
    )


class Office:
    """One bot's dealer on a floor of its own."""

    def __init__(self, loop: VirtualLoop, *, park_on_doubt: bool = False) -> None:
        self.loop = loop
        self.jumped = 0  # ms that the exchange's time ran on while the loop's stood still
        self.venue = ScriptedVenue(self.now)
        self.news: list[tuple[Kind, str]] = []
        self.saved = b""
        self.saved_memory = Memory().model_dump_json()
        self.park_on_doubt = park_on_doubt
        self._keeping: asyncio.Task[None] | None = None
        self.begin_life()

    def now(self) -> int:
        return int(self.loop.time() * 1000) + self.jumped

    def begin_life(self) -> None:
        """Forget everything but the disk and the exchange."""
        if self._keeping is not None:
            self._keeping.cancel()
        self.mirror = Mirror(self.venue, self, Limits())
        self.floor = Floor(
            venue=self.venue,
            clock=self,
            mirror=self.mirror,
            funds=Funds(self.mirror.balance, self.mirror.balance_time),
            quotes=Quotes(self.venue),
            rules=dict(RULES),
            limits=Limits(),
            installation=INSTALLATION,
        )
        self.memory = Memory.model_validate_json(self.saved_memory)
        self.floor.wallets.open("bot", None, sells_your_coins=True)
        self.dealer = self.dealer_of("bot", self.memory)
        self.desk = Desk(self.floor, self.dealer, self.hear)
        self._keeping = self.loop.create_task(self.mirror.keep_current())

    def dealer_of(self, name: str, memory: Memory) -> ListDealer:
        return ListDealer(
            self.floor,
            bot=name,
            birth=BIRTH,
            memory=memory,
            acknowledged=lambda: self.saved,
            tell=self.hear,
            park_on_doubt=self.park_on_doubt,
        )

    def hear(self, kind: Kind, text: str, order: str = "") -> None:
        self.news.append((kind, text))

    def tell(self, record: OrderRecord) -> None:
        """Bring an event of the user stream."""
        self.venue.tell(OrderEvent(record))

    def quote(self, last: str, symbol: str = "BTCUSDT") -> None:
        """Bring a price of the market stream."""
        self.floor.quotes.take(Quote(symbol, last=Decimal(last), time=self.now()))

    async def save(self, context: Context) -> None:
        await asyncio.sleep(0.005)
        date_plans(context, self.now())
        self.saved = context.model_dump_json().encode()
        self.saved_memory = self.memory.model_dump_json()

    async def run(self, order: Order) -> Order:
        """Drive an order to its end."""
        async for order in add_order(self.dealer, order):
            await self.save(order)
        return order

    async def begin(self, order: Order, seconds: float = 1) -> "asyncio.Task[Order]":
        """Let an order live for a while beside the test."""
        task = self.loop.create_task(self.run(order))
        await asyncio.sleep(seconds)
        return task

    async def run_list(self, order_list: OrderList) -> OrderList:
        """Drive a list to its end."""
        machine = add_list(self.dealer, order_list)
        await drive(machine, self.save)
        return order_list

    async def begin_list(self, order_list: OrderList, seconds: float = 1) -> "asyncio.Task[Any]":
        """Let a list live for a while beside the test."""
        task = self.loop.create_task(self.run_list(order_list))
        await asyncio.sleep(seconds)
        return task

    def recovered_list(self) -> OrderList:
        """Begin a new life with the list that is on disk, followed as the roster does it."""
        self.begin_life()
        order_list = OrderList.model_validate_json(self.saved)
        for leg in order_list.legs:
            if leg.id and not leg.final:
                self.mirror.follow(leg.symbol, leg.id, leg.order_id)
        return order_list

    async def crash_once_accepted(self, order: Order) -> None:
        """Lose everything in memory as soon as the exchange has the order."""
        task = await self.begin(order, seconds=0)
        while not self.venue.book:
            await asyncio.sleep(0.001)
        task.cancel()

    def recovered(self) -> Order:
        """Begin a new life with what is on disk."""
        self.begin_life()
        return Order.model_validate_json(self.saved)


def play(story: Callable[[Office], Awaitable[Answer]], *, park_on_doubt: bool = False) -> Answer:
    """Play a story in virtual time."""
    loop = VirtualLoop(BIRTH / 1000 + 3_600)
    asyncio.set_event_loop(loop)
    try:
        office = Office(loop, park_on_doubt=park_on_doubt)

        async def whole() -> Answer:
            await asyncio.sleep(0.5)
            return await story(office)

        return loop.run_until_complete(whole())
    finally:
        asyncio.set_event_loop(None)
        loop.abandon()


def limit_buy(quantity: str = "0.5", price: str = "59000", **more: Any) -> Order:
    return Order(
        symbol="BTCUSDT",
        side="BUY",
        type="LIMIT",
        time_in_force="GTC",
        quantity=Decimal(quantity),
        price=Decimal(price),
        **more,
    )


def market_buy(quantity: str = "0.5", **more: Any) -> Order:
    return Order(
        symbol="BTCUSDT",
        side="BUY",
        type="MARKET",
        quantity=Decimal(quantity),
        **more,
    )
