"""Watching every order of ours that the exchange shows, whoever asked.

Ids carry the bot's counter, so the exchange is a witness of what was sent. An order with a
counter beyond the one on disk, or under an id given up as never accepted, means that the disk
went back, or that somebody else uses our tag: the bot halts. An open order that no context knows
is told to the person, unless somebody cares for it.
"""

from collections.abc import Callable, Iterable
from typing import Final, Protocol

from lib.context_file.generation import FormerId, Generation
from lib.errors import BooksDisagree
from lib.exchange import OrderRecord
from lib.ids import OwnId, bot_tag, parse_id
from lib.news import Kind
from lib.ownership.orphans import describe_orphan

HEALTHY_ENOUGH: Final = 86_400_000  # ms of polls after which a former id is forgotten
ACCEPTED_MAX: Final = 10_000  # ids whose order ids are remembered
BY_HAND: Final = "cancel it at the exchange if you do not want it"
BY_A_COPY: Final = "a runner with a copy of this ctx folder must have made it"


class Witnessed(Protocol):
    """A bot as the witness sees it."""

    @property
    def generation(self) -> Generation: ...

    def halt(self, wrong: Exception) -> None: ...


class Witness:
    """One for all bots of an installation."""

    def __init__(
        self, installation: str, tell: Callable[[str, Kind, str], None], *, gap_max: int
    ) -> None:
        self._installation = installation
        self._gap_max = gap_max  # ms between two polls that still count as healthy
        self._tell = tell
        self._bots: dict[str, Witnessed] = {}
        self._orphans: set[str] = set()
        self.is_cared_for: Callable[[OwnId], bool] = lambda _: False  # whoever cancels it tells it
        self.is_of_a_copy: Callable[[OrderRecord], bool] = lambda _: False
        self._accepted: dict[str, int] = {}  # order ids by ours
        self._polled_at: int | None = None

    def watch(self, bot: Witnessed) -> None:
        """Compare what the exchange shows with this bot's memory from now on."""
        self._bots[bot_tag(bot.generation.bot)] = bot

    def forget(self, name: str) -> None:
        """Compare nothing with a bot that does not live any more."""
        self._bots.pop(bot_tag(name), None)

    def on_record(self, record: OrderRecord) -> None:
        """Look at one order, whatever brought it."""
        own = parse_id(record.client_order_id)
        if own is None or own.installation != self._installation:
            return
        twin = self._remember(record)
        bot = self._bots.get(own.bot)
        if bot is not None and bot.generation.parked is None:
            wrong = _described_twin(record, twin) or _contradiction(own, record, bot.generation)
            if wrong:
                bot.halt(BooksDisagree(wrong))

    def _remember(self, record: OrderRecord) -> int:
        """Answer the order that the exchange showed under this id first."""
        first = self._accepted.setdefault(record.client_order_id, record.order_id)
        if len(self._accepted) > ACCEPTED_MAX:
            del self._accepted[next(iter(self._accepted))]
        return first

    def on_poll(self, strangers: Iterable[OrderRecord], now: int) -> None:
        """Look at the open orders that nobody follows: orphans are told, former ids grow old."""
        for record in strangers:
            own = parse_id(record.client_order_id)
            if own is not None and own.installation == self._installation:
                self._check_orphan(own, record)
        self._age_former_ids(now)

    def _check_orphan(self, own: OwnId, record: OrderRecord) -> None:
        if record.client_order_id in self._orphans or self.is_cared_for(own):
            return
        self._orphans.add(record.client_order_id)
        advice = BY_A_COPY if self.is_of_a_copy(record) else BY_HAND
        self._tell("", Kind.WARNING, f"{describe_orphan(record)}: {advice}")

    def _age_former_ids(self, now: int) -> None:
        gap = 0 if self._polled_at is None else now - self._polled_at
        healthy = gap if gap <= self._gap_max else 0
        self._polled_at = now
        for bot in self._bots.values():
            memory = bot.generation.memory
            memory.former = [
                aged
                for former in memory.former
                if (aged := _older(former, healthy)).healthy_ms < HEALTHY_ENOUGH
            ]


def _older(former: FormerId, ms: int) -> FormerId:
    return former.model_copy(update={"healthy_ms": former.healthy_ms + ms})


def _described_twin(record: OrderRecord, first: int) -> str:
    """Say that two orders carry one id, which only two runners can have given out."""
    if record.order_id == first:
        return ""
    return (
        f"the exchange shows orders {first} and {record.order_id} under our id "
        f"{record.client_order_id}: a runner with a copy of this ctx folder is at work"
    )


def _contradiction(own: OwnId, record: OrderRecord, generation: Generation) -> str:
    shown = f"the exchange shows order {record.order_id} under our id {record.client_order_id}"
    memory = generation.memory
    if any(former.id == record.client_order_id for former in memory.former):
        return f"{shown}, which was given up as never accepted"
    if own.birth > generation.birth:
        return f"{shown}, of a later life of this bot: its context is an old one"
    if own.birth == generation.birth and own.counter > memory.ids_given:
        return (
            f"{shown}, the bot's intent {own.counter}; its context knows {memory.ids_given}: the "
            "disk went back behind a state that was acted on, or a second runner is at work"
        )
    return ""
