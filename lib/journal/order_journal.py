"""The order journal: what became of every order, row by row, for people and their tools.

It is a witness, never a party. The contexts and the exchange are the truth; losing the journal
loses no trading state, and nothing here waits for a disk: a note is a copy and an append. What a
crash took from the journal is learned again from the contexts and from the exchange
(lib/journal/completion.py), and rows that are known already are not added twice.
"""

import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from decimal import Decimal
from functools import wraps
from typing import Concatenate, Final, ParamSpec, TypeAlias

from lib.context_file.generation import Generation
from lib.errors import BotError, NotSent, OutcomeUnknown, Unavailable
from lib.exchange import Fill, OrderRecord
from lib.ids import bot_tag, parse_id
from lib.journal.amends import Amend, PendingAmends
from lib.journal.known import Known, onward, step_of
from lib.journal.rows import Author, Entry, Happening, Place, author_of, state_of
from lib.journal.scribe import Nobody, Scribe
from lib.money import SymbolRules
from lib.orders import Order, OrderState, all_trades_known, orders_inside

ENDED_MAX: Final = 1_000  # orders that are remembered after their end

Intent: TypeAlias = tuple[Happening, Order]


def no_journal() -> "OrderJournal":
    """Make one whose notes go nowhere."""
    return OrderJournal(Nobody(), lambda: 0)


Given = ParamSpec("Given")
Step: TypeAlias = Callable[Concatenate["OrderJournal", Given], None]


def harmless(step: Step[Given]) -> Step[Given]:
    """Make a step that whoever trades may take: one that breaks is a note lost, and no more."""

    @wraps(step)
    def taken(journal: "OrderJournal", /, *args: Given.args, **kwargs: Given.kwargs) -> None:
        try:
            step(journal, *args, **kwargs)
        except Exception as wrong:  # noqa: BLE001 - a witness must not bring down what it watches
            journal.lose(f"{type(wrong).__name__}: {wrong}")

    return taken


class OrderJournal:
    """Takes notes where the bots live, and offers them to whoever writes them down."""

    def __init__(
        self,
        scribe: Scribe,
        now: Callable[[], int],
        wall_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        self._scribe = scribe
        self._offer = scribe.offer
        self._now = now
        self._wall_ms = wall_ms
        self._known: dict[str, Known] = {}
        self._ended: dict[str, None] = {}  # the ids in `_known` that may go, oldest first
        self._authors: dict[str, Author] = {}  # by the bot's tag in ids
        self._by_name: dict[str, Author] = {}
        self._intents: dict[str, list[Intent]] = {}  # by bot, not on disk yet
        self._amends = PendingAmends()
        self.place = Place()
        self.remembered: Sequence[Generation] = ()  # the contexts of the start, yet to be learned

    def lose(self, why: str) -> None:
        """Count a note that could not be made."""
        self._scribe.lose(self._time(), why)

    # --- whose orders they are

    def connect(
        self, *, venue: str, account: str, installation: str, rules: Mapping[str, SymbolRules]
    ) -> None:
        """Say where the orders of this run are."""
        self.place = Place(venue, account, installation, rules)

    @harmless
    def introduce(self, generation: Generation) -> None:
        """Say who a bot is: its code, and the timeframe its conf names."""
        author = author_of(generation)
        self._authors[bot_tag(generation.bot)] = self._by_name[generation.bot] = author

    # --- what a desk does

    @harmless
    def note(
        self,
        happening: Happening,
        bot: str,
        order: Order,
        *,
        after: str = "",
        reason: str = "",
        record: OrderRecord | None = None,
        fill: Fill | None = None,
        at: int = 0,
        learned: bool = False,
        asked: Decimal | None = None,
    ) -> None:
        """Note one step of an order: its state before is as last noted, after as it is now."""
        known = self._known_of(order)
        before, known.state = known.state, after or order.state
        known.take_order(order)
        self._offer(
            Entry(
                happening,
                at or self._time(),
                self._wall_ms(),
                self.place,
                self._author(bot),
                order=order.model_copy(),
                record=record,
                fill=fill,
                before=before,
                after=known.state,
                reason=reason or order.reason,
                comment=order.comment,
                learned=learned,
                asked=asked,
            )
        )
        if record is not None:
            known.heard = step_of(record)
            self._take_fills(record, known)

    @harmless
    def found(self, bot: str, order: Order, record: OrderRecord) -> None:
        """Note that an order in doubt is at the exchange."""
        after = state_of(record.status)
        self.note(Happening.FOUND, bot, order, after=after, record=record)

    @harmless
    def given_up(self, bot: str, order: Order) -> None:
        """Note that an id is presumed never to have arrived."""
        self.note(Happening.GIVEN_UP, bot, order, after=OrderState.ABANDONED)
        self._retire(order.id)

    @harmless
    def expect(self, happening: Happening, bot: str, order: Order) -> None:
        """Await the save of an intent, of an order or of its cancel: until then it is none."""
        self._intents.setdefault(bot, []).append((happening, order))

    def expected(self, bot: str) -> list[Intent]:
        """Answer the intents that a save which begins now will hold."""
        return self._intents.pop(bot, [])

    @harmless
    def announced(self, bot: str, intents: Iterable[Intent]) -> None:
        """Note intents that are on disk now, and what became of amends."""
        for happening, order in intents:
            at = order.sent_at if happening is Happening.INTENT else 0
            self.note(happening, bot, order, at=at)
            if happening is Happening.AMEND_INTENT:
                self._amends.watch(bot, order)
        for amend in self._amends.settled(bot):
            self._settle(bot, amend)

    async def placing(self, bot: str, order: Order, answer: Awaitable[OrderRecord]) -> OrderRecord:
        """Note that an order was sent, then what came of it. Raises what the answer raises."""
        self.note(Happening.SENT, bot, order)
        return await self._answered(Happening.REPLY, bot, order, answer, after=_after)

    async def canceling(
        self, bot: str, order: Order, answer: Awaitable[OrderRecord]
    ) -> OrderRecord:
        """Note that a cancel was sent, then what came of it. Raises what the answer raises."""
        self.note(Happening.CANCEL_SENT, bot, order)
        return await self._answered(Happening.CANCEL_REPLY, bot, order, answer)

    async def amending(self, bot: str, order: Order, answer: Awaitable[OrderRecord]) -> OrderRecord:
        """Note that an amend was sent, then what came of it. Raises what the answer raises."""
        self.note(Happening.AMEND_SENT, bot, order)
        try:
            return await self._answered(Happening.AMEND_REPLY, bot, order, answer)
        except NotSent:  # there will be another
            self._amends.drop(bot, order)
            raise

    async def _answered(
        self,
        happening: Happening,
        bot: str,
        order: Order,
        answer: Awaitable[OrderRecord],
        *,
        after: Callable[[BotError], str] = lambda _: "",
    ) -> OrderRecord:
        try:
            record = await answer
        except BotError as wrong:
            self.note(happening, bot, order, after=after(wrong), reason=_told(wrong))
            raise
        self.note(happening, bot, order, after=state_of(record.status), record=record)
        return record

    @harmless
    def amend_doubted(self, bot: str, order: Order) -> None:
        """Note once that nobody knows what became of an amend; its end is noted when it is."""
        self._amends.watch(bot, order)
        known = self._known_of(order)
        if not order.amend_refused and known.amend_in_doubt != order.amend_id:
            known.amend_in_doubt = order.amend_id
            self.note(Happening.AMEND_DOUBT, bot, order)

    def _settle(self, bot: str, amend: Amend, *, learned: bool = False) -> None:
        self.note(
            Happening.AMEND_SETTLED,
            bot,
            amend.order,
            reason=amend.outcome,
            asked=amend.asked,
            learned=learned,
        )

    @harmless
    def ended(self, bot: str, order: Order, *, learned: bool = False) -> None:
        """Note an order's end, and those of its fills that nobody told of."""
        for amend in self._amends.settled(bot, order):
            self._settle(bot, amend)
        self._take_own_fills(bot, order, learned=learned)
        at = order.ended_at or (order.sent_at or order.planned_at if learned else 0)
        self.note(Happening.RESULT, bot, order, at=at, learned=learned)
        if order.id:
            self._retire(order.id)

    # --- what is done about an order that no bot knows

    @harmless
    def note_orphan(
        self,
        happening: Happening,
        record: OrderRecord,
        *,
        cancel_id: str,
        after: str,
        reason: str = "",
        at: int = 0,
        learned: bool = False,
    ) -> None:
        """Note one step of canceling an order of ours that no context knows."""
        known = self._known.setdefault(record.client_order_id, Known(state=OrderState.OPEN))
        before, known.state = known.state, after
        entry = self._entry_of(happening, record, known, before)
        self._offer(
            entry._replace(
                at=at or self._time(), reason=reason, cancel_id=cancel_id, learned=learned
            )
        )
        self._take_fills(record, known)
        if record.status.final:
            known.heard = step_of(record)
            self._retire(record.client_order_id)

    # --- what the exchange tells

    @harmless
    def heard(self, record: OrderRecord) -> None:
        """Note what is new in a record of ours. Others' orders are not our business."""
        known = self._known.get(record.client_order_id)
        if known is None:
            if not self._is_ours(record):
                return
            known = self._known[record.client_order_id] = Known(state="")
        news = step_of(record)
        if known.heard is None or news.is_beyond(known.heard):
            before, known.state, known.heard = known.state, onward(known.state, record), news
            self._offer(self._entry_of(Happening.HEARD, record, known, before))
        self._take_fills(record, known)
        if record.status.final and all_trades_known(record.fills, record.executed):
            self._retire(record.client_order_id)

    def _retire(self, client_order_id: str) -> None:
        """Let what ended be forgotten a while later: events repeat what was told."""
        if client_order_id not in self._ended:
            self._ended[client_order_id] = None
        if len(self._ended) > ENDED_MAX:
            oldest = next(iter(self._ended))
            del self._ended[oldest]
            self._known.pop(oldest, None)

    @harmless
    def relearn(self, record: OrderRecord, journaled: Known | None = None) -> None:
        """Note all that a record of ours says, also what was noted before and may be lost.

        `journaled` is what the journal itself has of the order, for one that is done with.
        """
        known = self._known.get(record.client_order_id)
        said = replace(known or journaled or Known(), state=state_of(record.status))
        news = step_of(record)
        if (
            known is None
            or known.heard is None
            or news == known.heard
            or news.is_beyond(known.heard)
        ):
            self._offer(self._entry_of(Happening.HEARD, record, said, "")._replace(learned=True))
        for fill in record.fills:
            entry = self._entry_of(Happening.FILL, record, said, said.state)
            self._offer(entry._replace(at=fill.time, fill=fill, learned=True))

    def _is_ours(self, record: OrderRecord) -> bool:
        own = parse_id(record.client_order_id)
        return own is not None and own.installation == self.place.installation

    def _take_fills(self, record: OrderRecord, known: Known) -> None:
        for fill in record.fills:
            if fill.trade_id not in known.trades:
                known.trades.add(fill.trade_id)
                entry = self._entry_of(Happening.FILL, record, known, known.state)
                self._offer(entry._replace(at=fill.time, fill=fill))

    def _entry_of(
        self,
        happening: Happening,
        record: OrderRecord,
        known: Known,
        before: str,
    ) -> Entry:
        own = parse_id(record.client_order_id)
        return Entry(
            happening,
            record.updated_at or self._time(),
            self._wall_ms(),
            self.place,
            self._authors.get(own.bot, Author()) if own else Author(),
            record=record,
            before=before,
            after=known.state,
            reason=record.reason,
            comment=known.comment,
            list_id=known.list_id,
            ordered=known.ordered,
        )

    # --- what contexts remember

    @harmless
    def learn(self, generation: Generation) -> None:
        """Note what a context knows of orders: what is in the journal already is not added."""
        self.introduce(generation)
        with suppress(BotError):  # one that cannot be read is told of elsewhere
            for order in orders_inside(generation.context):
                self._learn(generation.bot, order)

    def _learn(self, bot: str, order: Order) -> None:
        if order.sends:
            at, after = order.sent_at, OrderState.SUBMITTING
            self.note(Happening.INTENT, bot, order, at=at, after=after, learned=True)
        if order.cancel_id:
            at = order.cancel_send_by
            self.note(Happening.CANCEL_INTENT, bot, order, at=at, learned=True)
        self._learn_amend(bot, order)
        if order.final:
            self.ended(bot, order, learned=True)
        elif order.id:
            self._take_own_fills(bot, order, learned=True)
            self._known[order.id].state = order.state

    def _learn_amend(self, bot: str, order: Order) -> None:
        if order.amend_id:
            at = order.amend_send_by
            self.note(Happening.AMEND_INTENT, bot, order, at=at, learned=True)
            if order.state is not OrderState.AMENDING:
                self._settle(bot, Amend.of(order), learned=True)

    def _take_own_fills(self, bot: str, order: Order, *, learned: bool) -> None:
        """Note the fills an order carries: those that nobody told of, or all to be learned."""
        known = self._known_of(order)
        for fill in order.fills:
            if learned or fill.trade_id not in known.trades:
                known.trades.add(fill.trade_id)
                self.note(Happening.FILL, bot, order, at=fill.time, fill=fill, learned=learned)

    def _known_of(self, order: Order) -> Known:
        """Answer what was noted of an order; of a plan without an id nothing was."""
        return self._known.setdefault(order.id, Known()) if order.id else Known()

    def _author(self, bot: str) -> Author:
        return self._by_name.get(bot) or Author(bot)

    def _time(self) -> int:
        try:
            return self._now()
        except Unavailable:  # nobody has told us the time yet
            return 0


def _after(wrong: BotError) -> str:
    """Say what a failed request leaves an order in."""
    if isinstance(wrong, NotSent):
        return OrderState.PLANNED
    return OrderState.IN_DOUBT if isinstance(wrong, OutcomeUnknown) else OrderState.REJECTED


def _told(wrong: BotError) -> str:
    return f"{type(wrong).__name__}: {wrong}"
