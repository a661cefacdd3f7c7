"""One bot's way to the exchange: ids, the fence, the tripwire, the search in doubt.

`Dealer` is the `Exchange` that lib/orders.py asks for, over any venue. It decides nothing about
an order's state; it writes intents, sends what is on disk, and answers questions with proof. May
an order leave is admission.py's question, what happens to a live one lookout.py's.
"""

import asyncio
from collections.abc import Callable
from decimal import Decimal
from typing import Final

from lib.context_file.generation import FormerId, Memory
from lib.dealing.admission import Admission
from lib.dealing.doubt import look_for
from lib.dealing.gate import Gate
from lib.dealing.lookout import Lookout, completed, news_of
from lib.dealing.room import Plan
from lib.dealing.voice import Voice
from lib.errors import (
    BooksDisagree,
    DuplicateOrder,
    Halt,
    MissingBarrier,
    NotSent,
    OutcomeUnknown,
    Refused,
    Unavailable,
    UnknownOrder,
)
from lib.exchange import CancelRequest, OrderRecord, PlaceRequest
from lib.floor import Floor
from lib.ids import Leg, intent_token, make_id
from lib.inbox import Inbox
from lib.journal.rows import Happening
from lib.last_prices import LastPrices
from lib.money import SymbolRules
from lib.news import Tell
from lib.order_words import describe as describe
from lib.order_words import set_free
from lib.orders import Order, OrderState
from lib.wallet import book
from lib.wallets import Purse

SEND_WINDOW_MIN: Final = 2_000  # ms between announcing an intent and the last moment to send it


class Dealer:
    """The desk's hand at the exchange, for one bot and one birth."""

    def __init__(
        self,
        floor: Floor,
        *,
        bot: str,
        birth: int,
        memory: Memory,
        acknowledged: Callable[[], bytes],
        tell: Tell,
        park_on_doubt: bool,
    ) -> None:
        self._floor = floor
        self._venue, self._clock, self._mirror = floor.venue, floor.clock, floor.mirror
        self._limits, self._journal = floor.limits, floor.journal
        self._bot, self._birth = bot, birth
        self._wallets = floor.wallets
        self._wallets.begin(bot, memory)
        self._prices = LastPrices(floor)
        self._admission = Admission(floor, bot, self._prices)
        self._gate = Gate(floor, bot, self._prices)
        self._lookout = Lookout(floor, self._prices)
        self._lookout.told, self._lookout.holds = self._why_end, self._gate.holds
        self._voice = Voice(tell, self.rules)
        self.purse = Purse(bot, floor.wallets, self.rules)
        self._memory = memory
        self._acknowledged = acknowledged
        self._park_on_doubt = park_on_doubt
        self._pauses: dict[str, int] = {}
        self._announced: set[str] = set()
        self.slowest_save_ms = 0

    def now(self) -> int:
        """Answer the exchange's time, ms."""
        return self._clock.now()

    @property
    def releases(self) -> int:
        """How often a person let the bot go on after it had stopped itself."""
        return self._memory.releases

    @property
    def inbox(self) -> Inbox:
        """What the bot was signaled and has not taken yet."""
        return self._memory.inbox

    # --- intents: await-free, on disk with the next save

    async def ready(self, order: Order) -> None:
        """Wait until a new order may leave: its symbol trades, the desk is not stale."""
        order.planned_at = order.planned_at or self.now()
        await self._gate.wait(order, lambda: order.give_up)
        await self._floor.alone(self._bot, order, lambda: self._too_late(order, self.now()))
        await self._floor.ready(order.symbol, lambda: self._too_late(order, self.now()))
        self._floor.funds.release(order.id)  # an announcement before this one, never sent
        await self._admission.learn(order)
        await self._gate.learn(order)

    def announce(self, order: Order) -> bool:
        """Write the intent into the order; or its end, if the plan cannot or may not be sent."""
        now = self.now()
        too_late = self._too_late(order, now)
        if too_late:
            order.state, order.reason = OrderState.ABANDONED, too_late
            return False
        if self._must_wait(order):  # since it was ready
            return False
        if not order.id:
            self._admission.round(order)
        self._gate.mark(order)
        complaints = self._admission.complaints(order) or self._gate.objections(order)
        if complaints:
            order.state, order.reason = OrderState.REJECTED, "; ".join(complaints)
            return False
        order.id = order.id or self._next_id("a")
        order.sends += 1
        order.sent_at = now
        deadlines = (order.best_before, order.give_up_at or order.best_before)
        order.send_by = min(self._send_by(now), *deadlines)
        order.recv_window = self._limits.recv_window
        order.token = intent_token(order.id, order.send_by)
        order.state = OrderState.SUBMITTING
        asset, order.spends_at_most = self._admission.worst_case(order)
        self._mirror.follow(order.symbol, order.id)
        self._wallets.follow(self._bot, order)
        self._floor.funds.commit(order.id, asset, order.spends_at_most)
        self._announced.add(order.id)
        self._journal.expect(Happening.INTENT, self._bot, order)
        return True

    def announce_cancel(self, order: Order) -> None:
        """Write the intent of a cancel into the order."""
        order.cancel_id = self._next_id("c")
        order.cancel_send_by = self._send_by(self.now())
        order.cancel_token = intent_token(order.cancel_id, order.cancel_send_by)
        self._journal.expect(Happening.CANCEL_INTENT, self._bot, order)

    async def last_look(self, order: Order) -> OrderRecord | None:
        """Ask once more by id, after the matching engine knew of no open order."""
        while True:
            try:
                found = await self._venue.find_order(order.symbol, client_order_id=order.id)
            except Unavailable:
                await news_of(self._floor, order, self._limits.intervals[-1])
                continue
            record = found or self._mirror.record(order.id)
            if record is not None:
                self._journal.found(self._bot, order, record)
            return None if record is None else await self._settled(order, record)

    def give_id_up(self, order: Order) -> None:
        """Remember the id as never accepted. One that shows up later stops the bot."""
        self._memory.former.append(FormerId(id=order.id, symbol=order.symbol, since=self.now()))
        self._floor.funds.release(order.id)
        self._wallets.forget(self._bot, order.id)
        self._mirror.unfollow(order.id)
        self._voice.never_arrived(order.id)
        self._announced.discard(order.id)
        self._journal.given_up(self._bot, order)
        order.id, order.token, order.sends, order.reason = "", "", 0, ""
        order.cancel_id, order.cancel_token, order.cancel_send_by = "", "", 0
        order.state = OrderState.PLANNED

    def close(self, order: Order) -> None:
        """Book a final order: what it brought and what it cost, by asset."""
        memory, rules = self._memory, self.rules(order.symbol)
        book(memory, order, (rules.base_asset, rules.quote_asset))
        self._wallets.forget(self._bot, order.id)
        memory.orders_done += 1
        if order.order_id is not None:
            memory.newest_order = (order.symbol, order.order_id, order.id, order.ended_at)
        if order.id:
            self._announced.discard(order.id)
            self._pauses.pop(order.id, None)
            self._mirror.unfollow(order.id)
            self._floor.funds.accepted(order.id, order.ended_at)
            self._take_back(order)
        self._journal.ended(self._bot, order)
        self._voice.ended(order)

    def withdraw_unsaved(self, saved: set[str]) -> None:
        """Forget intents that never reached the disk, hence never the exchange."""
        self._journal.expected(self._bot)
        for client_order_id in self._announced - saved:
            self._floor.funds.release(client_order_id)
            self._wallets.forget(self._bot, client_order_id)
            self._mirror.unfollow(client_order_id)

    # --- requests: only what the disk has acknowledged

    async def place(self, order: Order) -> OrderRecord:
        """Send an announced order. Raises Refused, NotSent, OutcomeUnknown or BooksDisagree."""
        self._tripwire(order.token)
        request = PlaceRequest(
            client_order_id=order.id,
            symbol=order.symbol,
            side=order.side,
            type=order.type,
            send_by=order.send_by,
            recv_window=order.recv_window,
            quantity=order.quantity,
            quote_quantity=order.quote_quantity,
            price=order.price,
            stop_price=order.stop_price,
            time_in_force=order.time_in_force,
            trailing_delta=order.trailing_delta,
        )
        try:
            async with self._gate.passing(order):
                record = await self._journal.placing(self._bot, order, self._floor.place(request))
        except DuplicateOrder as duplicate:
            if order.sends < 2:
                raise BooksDisagree(
                    f"the exchange has an order {order.id} that was never sent before"
                ) from duplicate
            raise OutcomeUnknown(f"{order.id} may have arrived before") from duplicate
        except NotSent:
            self._floor.funds.release(order.id)
            raise
        except Refused as refused:
            self._floor.funds.release(order.id)
            self._voice.refused(order, refused)
            raise
        except OutcomeUnknown as unknown:
            self._voice.doubted(describe(order), unknown, order.id)
            raise
        self._pauses.pop(order.id, None)
        self._voice.placed(order, record)
        return self._accept(order, record)

    async def cancel(self, order: Order) -> OrderRecord:
        """Send an announced cancel. Raises UnknownOrder, Refused, NotSent or OutcomeUnknown."""
        self._tripwire(order.cancel_token)
        request = CancelRequest(
            client_order_id=order.cancel_id,
            symbol=order.symbol,
            target_client_order_id=order.id,
            send_by=order.cancel_send_by,
            recv_window=self._limits.recv_window,
            target_order_id=order.order_id,
        )
        try:
            record = await self._journal.canceling(self._bot, order, self._venue.cancel(request))
        except (UnknownOrder, OutcomeUnknown):
            self._mirror.ask_soon()
            raise
        return await self._settled(order, record)

    # --- questions

    async def look_for(self, order: Order) -> OrderRecord | None:
        """Find an order in doubt; None once it is presumed absent but for a cancel.

        Raises BooksDisagree for an order of the same shape under an id we do not know, and Halt
        where a person wants to decide.
        """
        self._mirror.follow(order.symbol, order.id)
        self._wallets.follow(self._bot, order)
        self._journal.note(Happening.DOUBT, self._bot, order, after=OrderState.IN_DOUBT)
        record = await look_for(self._floor, order)
        if record is not None:
            self._journal.found(self._bot, order, record)
            self._voice.found(describe(order), record.status.lower(), order.id)
            record = await self._settled(order, record)
            self._voice.filled(order, record)
            return record
        if self._park_on_doubt and order.sent_at > self._memory.doubts_accepted_until:
            raise Halt(
                f"{describe(order)}, id {order.id}, was sent and is nowhere to be found; "
                "release the bot to have it presumed absent"
            )
        await self._gate.unheld(order)
        return None

    async def next_report(self, order: Order) -> OrderRecord | str | Decimal:
        """Wait for news of a live order; or answer why it is to be canceled, or to be how small."""
        self._mirror.follow(order.symbol, order.id, order.order_id)
        self._wallets.follow(self._bot, order)
        report = await self._lookout.next_report(order)
        if isinstance(report, OrderRecord):
            self._voice.filled(order, report)
        return report

    async def why_give_up(self, order: Order) -> str:
        """Answer why an order is to be canceled now; empty if it is not."""
        return await self._lookout.why_give_up(order)

    def wake_given_up(self) -> None:
        """Wake the machines whose order the bot has decided about, and who waits for a save."""
        self._lookout.wake_decided()

    def wake_all(self) -> None:
        """Wake the machines of all live orders: the person told the bot something."""
        self._lookout.wake_all()

    async def next_save(self, bell: asyncio.Event) -> None:
        """Wait until something of this bot was saved, or the bell rings for another reason."""
        await self._lookout.next_save(bell)

    async def ask(self, order: Order) -> OrderRecord:
        """Ask how a live order stands, again and again until there is an answer."""
        self._mirror.follow(order.symbol, order.id, order.order_id)
        self._wallets.follow(self._bot, order)
        while True:
            try:
                found = await self._venue.find_order(
                    order.symbol, order_id=order.order_id, client_order_id=order.id
                )
            except Unavailable:
                found = None
            if found is not None:
                return await completed(self._floor, self._mirror.merge(found))
            await news_of(self._floor, order, self._limits.intervals[-1])

    async def pause(self, order: Order) -> None:
        """Wait a little before trying again, longer each time."""
        turn = self._pauses.get(order.id, 0)
        self._pauses[order.id] = turn + 1
        intervals = self._limits.intervals
        await asyncio.sleep(intervals[min(turn, len(intervals) - 1)] / 1000)

    async def reference_price(self, symbol: str) -> Decimal:
        """Answer the last price, asked for if no stream brought it lately."""
        return await self._prices.ask(symbol)

    def rules(self, symbol: str) -> SymbolRules:
        """Answer a symbol's rules. Raises Halt for one the venue does not have."""
        return self._admission.rules(symbol)

    # --- the steps of the above

    def _next_id(self, leg: Leg) -> str:
        self._memory.ids_given += 1
        return make_id(
            installation=self._floor.installation,
            bot=self._bot,
            birth=self._birth,
            counter=self._memory.ids_given,
            leg=leg,
        )

    def _send_by(self, now: int) -> int:
        return now + max(SEND_WINDOW_MIN, 4 * self.slowest_save_ms)

    def _must_wait(self, plan: Plan) -> str:
        closed = self._floor.market_rules.closed(plan.symbol)
        return closed or self._gate.refusal(plan) or self._gate.delay(plan)

    def _why_end(self, order: Order) -> str:
        return self._gate.why_end(order)

    def _too_late(self, order: Order, now: int) -> str:
        if order.give_up:
            return order.give_up
        if now >= order.best_before:
            return "the plan was past its best-before"
        if order.give_up_at is not None and now >= order.give_up_at:
            return "it would have to be canceled at once"
        return ""

    def _take_back(self, order: Order) -> None:
        """Have what a cancel set free be spent at once: news of the balance come later."""
        asset, amount = set_free(order, self.rules(order.symbol))
        if amount:
            self._floor.funds.freed(order.id, asset, amount, order.ended_at)

    def _tripwire(self, token: str) -> None:
        if f'"{token}"'.encode() not in self._acknowledged():
            raise MissingBarrier(
                f"{self._bot} wants to send {token}, which is not on disk: "
                "a machine must `yield` between deciding and acting"
            )

    def _accept(self, order: Order, record: OrderRecord) -> OrderRecord:
        """Take an answer into the mirror and the purse."""
        self._mirror.follow(order.symbol, order.id, record.order_id)
        self._floor.funds.accepted(order.id, record.updated_at or self.now())
        return self._mirror.merge(record)

    async def _settled(self, order: Order, record: OrderRecord) -> OrderRecord:
        """Take an answer in, once every trade of what was executed is known."""
        return await completed(self._floor, self._accept(order, record))
