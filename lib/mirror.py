"""The account as far as we know it: one record per order, one balance per asset, for all bots.

The user stream brings events, a poll corrects them: react fast by event, be right by timer. Both
feed one reducer that only moves forward, for a poll can be older than an event. Bots are woken
by a bell and read the record; no bot has a queue of events to drown in.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

from lib.clock import Clock
from lib.errors import BadCredentials, NotSent, Refused, Unavailable
from lib.exchange import (
    ZERO,
    AccountEvent,
    AccountState,
    Balance,
    Fill,
    Limits,
    OrderEvent,
    OrderRecord,
    OrderStatus,
    StreamLost,
    StreamReady,
    UserEvent,
    Venue,
)
from lib.money import plain
from lib.open_orders import OpenOrders
from lib.orders import all_trades_known, union

TROUBLED: Final = 2_000  # ms between polls at most, while the exchange gives no answer,
UNREACHED: Final = 500  # and while there is not even a connection, which costs nobody anything
UNKNOWN_MAX: Final = 3  # polls in a row after which an acknowledged order has vanished
SHORT_MAX: Final = 5  # questions in a row whose trades do not add up to what was heard


@dataclass(slots=True)
class Followed:
    """One order that some context is interested in."""

    symbol: str
    bell: asyncio.Event
    order_id: int | None = None
    record: OrderRecord | None = None
    refused: bool = False  # asking for it was refused, and that was told
    unknown: int = 0  # polls in a row that did not know its order id,
    unknown_since: int = 0  # and the exchange ms of the first: queries may lag behind for seconds
    short: int = 0  # questions in a row whose trades did not add up,
    short_since: int = 0  # and the exchange ms of the first


class Mirror:
    """One user stream and one poll for all bots."""

    def __init__(self, venue: Venue, clock: Clock, limits: Limits) -> None:
        self._venue = venue
        self._clock = clock
        self._limits = limits
        self._followed: dict[str, Followed] = {}
        self._balances: dict[str, tuple[int, Balance]] = {}
        self._due = asyncio.Event()
        self._awaiting_poll: list[asyncio.Future[None]] = []
        self._troubled = False
        self._was_lost = False
        self._back = asyncio.Event()  # rings, and is never left set
        self.open_orders = OpenOrders()
        self.account: AccountState | None = None
        self.polled_at = 0  # exchange ms of the last complete poll
        self.answers = 0  # polls that came back, complete or refused: silence is neither
        self.trouble: Exception | None = None  # why the exchange gives no answer
        self.streaming_since: int | None = None  # no gap since then
        self.events = 0  # of the user stream,
        self.gaps = 0  # and how often it was lost
        self.on_record: Callable[[OrderRecord], None] = lambda _: None
        self.on_poll: Callable[[Iterable[OrderRecord]], None] = lambda _: None  # followed by nobody
        self.on_vanished: Callable[[str, str, int], None] = lambda *_: None
        self.on_weather: Callable[[str], None] = lambda _: None

    # --- what bots and desks ask

    def follow(self, symbol: str, client_order_id: str, order_id: int | None = None) -> None:
        """Keep a record of this order from now on. One with an order id is polled by it."""
        followed = self._followed.setdefault(client_order_id, Followed(symbol, asyncio.Event()))
        followed.order_id = order_id or followed.order_id

    def unfollow(self, client_order_id: str) -> None:
        """Forget an order that no context needs any more."""
        self._followed.pop(client_order_id, None)

    def follows(self, client_order_id: str) -> bool:
        """Say whether a context is interested in this order."""
        return client_order_id in self._followed

    def record(self, client_order_id: str) -> OrderRecord | None:
        """Answer the newest that is known of a followed order."""
        followed = self._followed.get(client_order_id)
        return followed.record if followed else None

    def bell(self, client_order_id: str) -> asyncio.Event:
        """Answer the event that rings with each news of a followed order."""
        return self._followed[client_order_id].bell

    def balance(self, asset: str) -> Balance:
        """Answer what the account holds of an asset, as last heard."""
        return self._balances.get(asset, (0, Balance(ZERO, ZERO)))[1]

    def balance_time(self, asset: str) -> int:
        """Answer the exchange ms that an asset's balance is known to include."""
        return max(self._balances.get(asset, (0,))[0], self.account.time if self.account else 0)

    @property
    def stale(self) -> bool:
        """Say whether the exchange could not be asked for two polls: no new order may leave."""
        return not self.polled_at or self._clock.now() - self.polled_at > 2 * self._limits.poll

    async def fresh(self) -> None:
        """Wait until the account is known and not stale."""
        while self.stale:
            await self.poll_again()

    async def poll_again(self) -> None:
        """Wait for a poll that begins after this call."""
        asked_at = self._clock.now()
        while True:
            polled: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._awaiting_poll.append(polled)
            self._due.set()
            await polled
            if self.polled_at >= asked_at:
                return

    async def sit_out(self, seconds: float) -> None:
        """Wait so long, or until the exchange is there again after it was not."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._back.wait()

    def ask_soon(self) -> None:
        """Have the next poll begin at once."""
        self._due.set()

    # --- what comes in

    def merge(self, record: OrderRecord) -> OrderRecord:
        """Take one answer or event in; answer the newest that is known."""
        self.on_record(record)
        self.open_orders.hear(record)
        followed = self._followed.get(record.client_order_id)
        if followed is None:
            return record
        newest = advance(followed.record, record)
        if newest != followed.record:
            followed.record = newest
            followed.bell.set()
        return newest

    def take_account(self, account: AccountState) -> None:
        """Take balances in, unless newer ones are known already."""
        for asset, balance in account.balances.items():
            if account.time >= self._balances.get(asset, (0, balance))[0]:
                self._balances[asset] = (account.time, balance)

    def on_user_event(self, event: UserEvent) -> None:
        """Take the user stream in."""
        self.events += 1
        match event:
            case OrderEvent(record):
                self.merge(record)
            case AccountEvent(account):
                self.take_account(account)
            case StreamLost(reason):
                if self.streaming_since is not None:
                    self.gaps += 1
                    self.on_weather(f"the user stream is lost ({reason}); polling meanwhile")
                    self._was_lost = True
                self.streaming_since = None
                self._due.set()
            case StreamReady():
                if self._was_lost:
                    self.on_weather("the user stream is back")
                    self._ring_back()
                self._was_lost = False
                self.streaming_since = self._clock.now()
                self._due.set()

    # --- the poll

    async def keep_current(self) -> None:
        """Subscribe, then poll for ever; at once after every change of the stream."""
        self._venue.watch_user(self.on_user_event)
        while True:
            self._due.clear()
            try:
                await self.poll()
            except (Unavailable, BadCredentials) as weather:  # a key may be allowed again
                self.answers += 1
                self.trouble = weather
                self._tell_trouble(f"the exchange does not answer: {weather}")
                pause = UNREACHED if isinstance(weather, NotSent) else TROUBLED
                await self._sleep(min(self._limits.poll, pause))
                continue
            self.answers += 1
            self.trouble = None
            self._tell_trouble("")
            await self._sleep(self._limits.poll)

    def _tell_trouble(self, trouble: str) -> None:
        """Say it once when it is lost and once when it is back."""
        if bool(trouble) != self._troubled:
            self.on_weather(trouble or "the exchange answers again")
        if self._troubled and not trouble:
            self._ring_back()
        self._troubled = bool(trouble)

    def _ring_back(self) -> None:
        """Wake whoever sits bad weather out."""
        self._back.set()
        self._back.clear()

    async def _sleep(self, ms: int) -> None:
        timer = asyncio.get_running_loop().call_later(ms / 1000, self._due.set)
        await self._due.wait()
        timer.cancel()

    async def poll(self) -> None:
        """Ask for the account, the open orders, and each followed one that is not among them."""
        began, known = self._clock.now(), set(self._followed)
        account = await self._venue.account()
        self.take_account(account)
        open_orders = await self._venue.open_orders()
        self.open_orders.polled(open_orders, began=began)
        for record in open_orders:
            self.merge(record)
        await self._ask_missing({record.client_order_id for record in open_orders})
        self.account = account
        self.polled_at = began
        self.on_poll([r for r in open_orders if r.client_order_id not in known | {*self._followed}])
        waiting, self._awaiting_poll = self._awaiting_poll, []
        for polled in waiting:
            if not polled.done():
                polled.set_result(None)

    async def _ask_missing(self, present: set[str]) -> None:
        """Missing from the open orders is a reason to ask, never an outcome."""
        for client_order_id, followed in list(self._followed.items()):
            known = followed.record
            order_id = known.order_id if known else followed.order_id
            if client_order_id in present or order_id is None or (known and settled(known)):
                continue
            await self._ask_one(client_order_id, followed, order_id)

    async def _ask_one(self, client_order_id: str, followed: Followed, order_id: int) -> None:
        try:
            asked = await self._venue.find_order(
                followed.symbol, order_id=order_id, client_order_id=client_order_id
            )
        except Refused as refused:  # archived, or of a symbol that is no longer traded
            if not followed.refused:
                self.on_weather(
                    f"order {order_id} ({followed.symbol}) cannot be asked for: {refused}"
                )
            followed.refused = True
            return
        if asked is not None:
            followed.unknown = 0
            self.merge(await self.complete(asked))
            return
        now = self._clock.now()
        followed.unknown_since = followed.unknown_since if followed.unknown else now
        followed.unknown += 1
        long_enough = now - followed.unknown_since >= self._limits.poll
        if followed.unknown >= UNKNOWN_MAX and long_enough:
            followed.unknown = 0
            self.on_vanished(client_order_id, followed.symbol, order_id)

    async def complete(self, record: OrderRecord) -> OrderRecord:
        """Ask for the trades of an order that are not known yet."""
        merged = self.merge(record)
        if all_trades_known(merged.fills, merged.executed):
            return merged
        fills = await self._venue.fills(record.symbol, record.order_id)
        merged = self.merge(replace(merged, fills=tuple(fills)))
        followed = self._followed.get(record.client_order_id)
        if followed is None:
            return merged
        if all_trades_known(merged.fills, merged.executed):
            followed.short = 0
            return merged
        return await self._correct(followed, merged, fills)

    async def _correct(
        self, followed: Followed, heard: OrderRecord, fills: Sequence[Fill]
    ) -> OrderRecord:
        """Go back to what the exchange answers where an event said what no trade ever showed.

        Only once order and trades, asked for, agree with each other and have disagreed with what
        was heard for as long as an order in doubt is looked for.
        """
        now = self._clock.now()
        followed.short_since = followed.short_since if followed.short else now
        followed.short += 1
        long_enough = now - followed.short_since >= self._limits.doubt_look
        if followed.short < SHORT_MAX or not long_enough:
            return heard
        asked = await self._venue.find_order(
            heard.symbol, order_id=heard.order_id, client_order_id=heard.client_order_id
        )
        if asked is None or not all_trades_known(fills, asked.executed):
            return heard
        self.on_weather(
            f"order {heard.order_id} ({heard.symbol}): an event said that {plain(heard.executed)} "
            f"was executed, its trades are {plain(asked.executed)}: going on with these"
        )
        followed.record, followed.short = replace(asked, fills=tuple(fills)), 0
        followed.bell.set()
        return followed.record


def settled(record: OrderRecord) -> bool:
    """Say whether nothing more can come: final, and every trade known."""
    return record.status.final and all_trades_known(record.fills, record.executed)


_RANK = {OrderStatus.PENDING_NEW: 0, OrderStatus.NEW: 1, OrderStatus.PARTIALLY_FILLED: 2}


def advance(known: OrderRecord | None, heard: OrderRecord) -> OrderRecord:
    """Put what was heard onto what is known: final stays final, quantity never shrinks."""
    if known is None:
        return heard
    later = heard if _progress(heard) >= _progress(known) else known
    return replace(
        later,
        quantity=_smallest(known, heard),
        executed=max(known.executed, heard.executed),
        executed_quote=max(known.executed_quote, heard.executed_quote),
        updated_at=max(known.updated_at, heard.updated_at),
        created_at=known.created_at or heard.created_at,
        reason=later.reason or known.reason or heard.reason,
        fills=tuple(union(known.fills, heard.fills)),
    )


def _smallest(known: OrderRecord, heard: OrderRecord) -> Decimal:
    """Answer the newest quantity: an amend makes it smaller, and a poll can be older than that."""
    if known.quote_quantity or not known.quantity:
        return heard.quantity or known.quantity
    return min(known.quantity, heard.quantity or known.quantity)


def _progress(record: OrderRecord) -> tuple[int, Decimal]:
    return (_RANK.get(record.status, 3), record.executed)
