"""Canceling open orders of ours that no context knows, where the person wants that.

No bot owns such a cancel, but it is an intent like any other: on disk, in a file of its own beside
the contexts, before it leaves. Whether an order is an orphan is asked anew at every poll, and so is
what became of it: a cancel whose outcome is unknown is announced again under another id, which is
harmless, for it names the order by its order id.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Final

import orjson
from pydantic import ValidationError

from lib.atomic_json import ContextFile
from lib.context_file.generation import Generation
from lib.disk import Disk
from lib.errors import (
    BadCredentials,
    CorruptContext,
    MissingBarrier,
    OutcomeUnknown,
    Refused,
    Unavailable,
)
from lib.exchange import CancelRequest, OrderRecord
from lib.floor import Floor
from lib.ids import OwnId, bot_tag, intent_token, make_id, parse_id
from lib.journal.rows import Happening, state_of
from lib.machine import Context, Machine, drive
from lib.money import plain
from lib.news import Kind
from lib.orders import OrderState

FILE: Final = "installation.orphans.json"  # no bot can have this name
CANCELER: Final = "orphans of this installation"  # nor this one, by which ids are made
OPEN_FOR_MS: Final = 60_000  # an order must be open for so long before it is taken for an orphan
SEND_WINDOW: Final = 10_000  # ms between announcing a cancel and the last moment to send it
UNKNOWN_MAX: Final = 3_600_000  # ms after a cancel at which an order that is unknown is forgotten
WHY: Final = "no bot knows it"
NO_END: Final = (BadCredentials, Unavailable, Refused, OutcomeUnknown)  # for the next poll to show


class Orphan(Context):
    """One order that is to be gone, and the newest intent to cancel it."""

    symbol: str
    order_id: int
    client_order_id: str
    cancel_id: str
    send_by: int
    token: str  # the intent on disk without which no request leaves


class Orphans(Context):
    """What is remembered of them: the ids given, and the orders whose end was not seen yet."""

    venue: str
    account: str
    birth: int
    ids_given: int = 0
    waiting: list[Orphan] = []


async def cancel_orphans(canceler: "Canceler", ctx: Orphans) -> Machine[Orphans]:
    """Cancel whatever polls show to be an orphan, for ever."""
    while True:
        shown = await canceler.next_poll()
        ended = await canceler.ended(ctx, shown)
        ctx.waiting = [orphan for orphan in ctx.waiting if orphan.order_id not in ended]
        due = [record for record in shown if canceler.is_due(ctx, record)]
        announced = [canceler.announce(ctx, record) for record in due]
        if ended or announced:
            yield ctx
        for orphan in announced:
            await canceler.cancel(orphan)
        if announced:
            canceler.poll_soon()


class Canceler:
    """The hand for orders that no bot owns. `known` answers the contexts there are, by bot's name.

    A name without a generation is that of a context which cannot be read: it may know anything.
    """

    def __init__(
        self,
        floor: Floor,
        folder: Path,
        known: Callable[[], Iterable[tuple[str, Generation | None]]],
        tell: Callable[[str, Kind, str], None],
        *,
        disk: Disk,
    ) -> None:
        self._floor = floor
        self._path = folder / FILE
        self._known = known
        self._tell_all = tell
        self._disk = disk
        self._file: ContextFile | None = None
        self._shown: list[OrderRecord] = []
        self._polled_at = 0  # exchange ms at which the poll that showed them began
        self._announced: list[tuple[Orphan, OrderRecord]] = []  # not on disk yet
        self._records: dict[int, OrderRecord] = {}  # as last shown, by order id, of those waiting
        self._polled = asyncio.Event()
        self._broken = False

    def cares_for(self, own: OwnId) -> bool:
        """Say whether an order under this id is to be canceled: no context can know it."""
        return not self._broken and not may_be_known(own, self._known())

    def on_poll(self, strangers: Iterable[OrderRecord], now: int) -> None:
        """Take in the open orders that nobody follows, as a poll showed them."""
        self._shown = [
            record
            for record in strangers
            if (own := parse_id(record.client_order_id)) is not None
            and own.installation == self._floor.installation
            and open_for_long(record, now)
            and not self._floor.others.is_of_a_copy(record)
            and self.cares_for(own)
        ]
        self._polled_at = self._floor.mirror.polled_at
        self._polled.set()

    async def keep(self, account: str) -> None:
        """Cancel orphans for ever; whatever goes wrong here disturbs no bot."""
        try:
            await drive(cancel_orphans(self, self._load(account)), self._save)
        except Exception as wrong:  # noqa: BLE001 - a broken hand is no reason to stop trading
            self._broken = True
            self._tell(Kind.WARNING, f"orphans are told only: {type(wrong).__name__}: {wrong}")

    # --- what the machine asks

    async def next_poll(self) -> Sequence[OrderRecord]:
        """Wait for a poll; answer the orphans it showed."""
        await self._polled.wait()
        self._polled.clear()
        return self._shown

    async def ended(self, ctx: Orphans, shown: Sequence[OrderRecord]) -> set[int]:
        """Answer the order ids of those that are open no longer; say how they ended."""
        still_open = {record.order_id for record in shown}
        ended = set()
        for orphan in ctx.waiting:
            if orphan.order_id not in still_open and await self._has_ended(orphan):
                ended.add(orphan.order_id)
                self._records.pop(orphan.order_id, None)
        return ended

    def is_due(self, ctx: Orphans, record: OrderRecord) -> bool:
        """Say whether an order was open still after the newest cancel of it."""
        canceled_at = [
            orphan.send_by - SEND_WINDOW
            for orphan in ctx.waiting
            if orphan.order_id == record.order_id
        ]
        return all(at < self._polled_at for at in canceled_at)

    def announce(self, ctx: Orphans, record: OrderRecord) -> Orphan:
        """Write the intent of a cancel into the context, under an id of its own."""
        ctx.ids_given += 1
        cancel_id = make_id(
            installation=self._floor.installation,
            bot=CANCELER,
            birth=ctx.birth,
            counter=ctx.ids_given,
            leg="c",
        )
        send_by = self._floor.clock.now() + SEND_WINDOW
        orphan = Orphan(
            symbol=record.symbol,
            order_id=record.order_id,
            client_order_id=record.client_order_id,
            cancel_id=cancel_id,
            send_by=send_by,
            token=intent_token(cancel_id, send_by),
        )
        others = [each for each in ctx.waiting if each.order_id != record.order_id]
        if len(others) == len(ctx.waiting):
            self._tell(Kind.WARNING, f"{describe_orphan(record)}: it is being canceled")
        for known in ctx.waiting:
            if known.order_id == record.order_id:  # the journal may have lost it to a crash
                self._note_intent(known, record, learned=True)
        ctx.waiting = [*others, orphan]
        self._announced.append((orphan, record))
        self._records[orphan.order_id] = record
        return orphan

    async def cancel(self, orphan: Orphan) -> None:
        """Send an announced cancel; the next poll shows what came of it."""
        file = self._file
        if file is None or f'"{orphan.token}"'.encode() not in file.acknowledged:
            raise MissingBarrier(f"the cancel {orphan.token} is not on disk")
        request = CancelRequest(
            client_order_id=orphan.cancel_id,
            symbol=orphan.symbol,
            target_client_order_id=orphan.client_order_id,
            send_by=orphan.send_by,
            recv_window=self._floor.limits.recv_window,
            target_order_id=orphan.order_id,
        )
        record = self._records[orphan.order_id]
        self._note(Happening.CANCEL_SENT, orphan, record, WHY)
        try:
            answer = await self._floor.venue.cancel(request)
        except NO_END as wrong:
            told = f"{type(wrong).__name__}: {wrong}"
            self._note(Happening.CANCEL_REPLY, orphan, record, told)
            return
        self._note(Happening.CANCEL_REPLY, orphan, answer, answer.reason)

    def poll_soon(self) -> None:
        """Have a poll show what came of the cancels."""
        self._floor.mirror.ask_soon()

    # --- the steps of the above

    async def _has_ended(self, orphan: Orphan) -> bool:
        try:
            found = await self._floor.venue.find_order(
                orphan.symbol, order_id=orphan.order_id, client_order_id=orphan.client_order_id
            )
        except (Unavailable, BadCredentials):
            return False
        except Refused:  # archived, or of a symbol that is no longer traded
            return True
        if found is None or found.client_order_id != orphan.client_order_id:
            return self._is_forgotten(orphan)
        if not found.status.final:
            return False
        self._note_intent(orphan, found, learned=True)
        self._note(Happening.RESULT, orphan, found, found.reason or WHY)
        done = f"{plain(found.executed)} of {plain(found.quantity)} executed"
        self._tell(Kind.ORDER, f"order {orphan.order_id}: {found.status.lower()}, {done}")
        return True

    def _is_forgotten(self, orphan: Orphan) -> bool:
        """Say whether the exchange has no such order any more, as after a reset of a test venue."""
        gone = self._floor.clock.now() - orphan.send_by > UNKNOWN_MAX
        if gone:
            self._tell(Kind.WARNING, f"order {orphan.order_id} is unknown at the exchange")
        return gone

    def _load(self, account: str) -> Orphans:
        """Go on with what is on disk; what belongs to another account is not ours to cancel."""
        venue, birth = self._floor.venue.name, self._floor.clock.now()
        afresh = Orphans(venue=venue, account=account, birth=birth)
        try:
            self._file = ContextFile.open(self._path, disk=self._disk)
        except FileNotFoundError:
            return afresh
        try:
            found = Orphans.model_validate_json(self._file.fields)
        except ValidationError as wrong:
            raise CorruptContext(f"{self._path} cannot be read: {wrong.title}") from None
        return found if (found.venue, found.account) == (venue, account) else afresh

    async def _save(self, ctx: Orphans) -> None:
        fields = orjson.dumps(ctx.model_dump(mode="json"))
        if self._file is None:
            self._file = ContextFile.create(self._path, fields, disk=self._disk)
        else:
            await self._file.saved(fields)
        announced, self._announced = self._announced, []
        for orphan, record in announced:
            self._note_intent(orphan, record)

    # --- what the journal is told

    def _note_intent(self, orphan: Orphan, record: OrderRecord, *, learned: bool = False) -> None:
        at = orphan.send_by - SEND_WINDOW
        self._note(Happening.CANCEL_INTENT, orphan, record, WHY, at=at, learned=learned)

    def _note(
        self,
        happening: Happening,
        orphan: Orphan,
        record: OrderRecord,
        reason: str,
        *,
        at: int = 0,
        learned: bool = False,
    ) -> None:
        after = state_of(record.status) if record.status.final else OrderState.CANCELING
        self._floor.journal.note_orphan(
            happening,
            record,
            cancel_id=orphan.cancel_id,
            after=after,
            reason=reason,
            at=at,
            learned=learned,
        )

    def _tell(self, kind: Kind, text: str) -> None:
        self._tell_all("", kind, text)


def may_be_known(own: OwnId, contexts: Iterable[tuple[str, Generation | None]]) -> bool:
    """Say whether an order of ours belongs to a bot's present life, or is for a person to judge.

    A birth before that of the bot's context is an earlier life, which no context knows; one after
    it means that the context is an old one. An id that was given up and shows up stops its bot.
    """
    for name, generation in contexts:
        if bot_tag(name) == own.bot and (generation is None or own.birth >= generation.birth):
            return True
        if generation is not None and str(own) in {each.id for each in generation.memory.former}:
            return True
    return False


def open_for_long(record: OrderRecord, now: int) -> bool:
    """Say whether an order is open for so long that its bot would have to know it by now."""
    return now - record.created_at > OPEN_FOR_MS


def describe_orphan(record: OrderRecord) -> str:
    """Name an open order of ours that no bot knows."""
    return (
        f"open order {record.order_id} ({record.side} {plain(record.quantity)} {record.symbol}, id "
        f"{record.client_order_id}) is ours, but no bot knows it"
    )
