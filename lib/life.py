"""The life of one bot: drive it from the disk, save it, restart it, park it.

Every life begins from the disk, never from what a dead machine left in memory. Weather is
retried; everything else, bugs included, parks the bot: a bug is not weather. A disk that refuses a
save is weather of its own: the bot stands still at its barrier until the disk took it.
"""

import asyncio
import traceback
from collections.abc import Callable, Iterable
from enum import StrEnum
from itertools import chain, repeat
from typing import Final

from lib.atomic_json import ContextFile
from lib.bot_kinds import BotKind, find_bot, split_function
from lib.conf import BotConf
from lib.context_file.generation import (
    Generation,
    Memory,
    Parked,
    decode,
    decode_context,
    encode,
    encode_as_it_was,
    stamped,
    unstamped,
)
from lib.dealing.dealer import Dealer
from lib.dealing.list_dealer import ListDealer
from lib.desk import Desk
from lib.errors import CorruptContext, DiskFailed, Halt, LaterContext, Unavailable
from lib.flatten import Flatten, flatten
from lib.floor import Floor
from lib.instructions import Instruction
from lib.machine import Context, drive
from lib.news import Kind, TellOf
from lib.orders import FINAL, Order, OrderState, date_plans, orders_inside
from lib.ownership.rollback import Past, prove_current
from lib.settings import Settings

BACK_OFF: Final = (1, 2, 5, 10, 30)  # seconds; the last one for ever
FAIR_WEATHER: Final = 60_000  # ms after which bad weather counts as new
REST_SECONDS: Final = 10  # after which a bot is ended whatever it is about
GLANCE: Final = 0.02  # seconds between two looks whether it has come to rest
ANNOUNCED: Final = frozenset({OrderState.SUBMITTING, OrderState.AMENDING, OrderState.CANCELING})
FLATTENER: Final = BotKind(Settings, Flatten, flatten)


class Standing(StrEnum):
    """Where a bot stands, as a program reads it."""

    WAITING = "waiting"  # not started yet, or between two tries in bad weather
    RUNNING = "running"
    FINISHED = "finished"
    PARKED = "parked"
    IDLE = "idle"  # flattened: nothing is left to be done


class Life:
    """One bot and its file."""

    def __init__(
        self,
        bot: BotConf,
        file: ContextFile,
        floor: Floor,
        tell: TellOf,
        *,
        past: Past,
        park_on_doubt: bool,
        redact: Callable[[str], str],
    ) -> None:
        self.bot = bot
        self.file = file
        self.standing = Standing.WAITING
        self.weather = ""
        self.account = ""  # known once connected
        self._floor = floor
        self._past = past
        self._redact = redact
        self._tell_all = tell
        self._park_on_doubt = park_on_doubt
        self._proven = False
        self._task: asyncio.Task[None] | None = None
        self._pen = asyncio.Lock()  # one hand writes at a time
        self._dealer: ListDealer | None = None
        self._may_live = False
        self.on_idle: Callable[[], object] = lambda: None  # once everything of the bot was ended
        self.generation = decode(file.fields)
        self.take_word()

    @property
    def orders(self) -> Iterable[Order]:
        """The orders in the context as last saved."""
        return orders_inside(self.file.newest_object["context"])

    def holding(self) -> str:
        """Say what the bot has bought and not yet sold, as the function that saved it knows."""
        try:
            return decode_context(self._kind_of_context().ctx_type, self.generation).holding
        except (Exception, SystemExit) as wrong:  # noqa: BLE001 - one bot's code, whatever it does
            return f"a context that its function cannot read ({type(wrong).__name__}: {wrong})"

    def _kind_of_context(self) -> BotKind:
        if self.generation.instruction is Instruction.FLATTEN:
            return FLATTENER
        if self.generation.function == function_path(self.bot):
            return self.bot.kind
        return find_bot(*split_function(self.generation.function))

    def tell(self, kind: Kind, text: str, order: str = "") -> None:
        """Say something in the bot's name."""
        text = self._redact(text)
        self.generation.memory.said = text
        self._tell_all(self.bot.name, kind, text, order)

    # --- from start to end

    def start(self) -> None:
        """Begin to live, unless the bot is parked or finished."""
        self._may_live = True
        if self.generation.parked is not None:
            self.standing = Standing.PARKED
        elif self._is_flat():
            self.standing = Standing.IDLE
        elif self.generation.finished:
            self.standing = Standing.FINISHED
        elif self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(
                self._keep_alive(), name=self.bot.name
            )

    def halt(self, wrong: Exception) -> None:
        """Stop the bot from outside: what was seen concerns its books."""
        if self._task is not None:
            self._task.cancel()
        self.standing = Standing.PARKED
        self._task = asyncio.get_running_loop().create_task(self._park(wrong))

    async def end(self) -> None:
        """Stop driving the bot, as a crash would; a bot that is being parked gets there first."""
        task = self._task
        if task is not None and not task.done():
            if self.standing is not Standing.PARKED:
                task.cancel()
            await asyncio.wait({task})

    async def rest(self) -> None:
        """Stop driving the bot at a safe point: nothing is on its way, what it knows is on disk.

        Nothing new leaves meanwhile. A bot that does not come to rest is ended as by a crash.
        """
        loop = asyncio.get_running_loop()
        quiet, until = 0, loop.time() + REST_SECONDS
        with self._floor.instructions.resting(self.bot.name):
            while quiet < 2 and self._task and not self._task.done() and loop.time() < until:
                await asyncio.sleep(GLANCE)
                quiet = 0 if self._is_at_work() else quiet + 1
            await self.end()
        await self.file.idle()
        self.generation = self._on_disk()
        if self.standing is Standing.RUNNING:
            self.standing = Standing.WAITING

    def _is_at_work(self) -> bool:
        """Say whether something is being saved, or was announced and its outcome is not on disk."""
        return self._pen.locked() or any(order.state in ANNOUNCED for order in self.orders)

    async def _keep_alive(self) -> None:
        tries = 0
        while True:
            began = self._floor.clock.now()
            try:
                await self._live()
            except Unavailable as weather:
                tries = 0 if self._floor.clock.now() - began > FAIR_WEATHER else tries
                await self._wait_out(weather, BACK_OFF[min(tries, len(BACK_OFF) - 1)])
                tries += 1
            except asyncio.CancelledError:
                if _canceled_from_outside():
                    raise
                await self._park(RuntimeError("the bot canceled itself"))
                return
            except (Exception, SystemExit) as wrong:  # noqa: BLE001 - Halt and bugs alike
                await self._park(wrong)
                return
            else:
                await self._finish()
                return

    async def _wait_out(self, weather: Unavailable, delay: int) -> None:
        """Wait before the next try, not longer than until the exchange is back.

        Told when it begins; `_save` tells the end.
        """
        if not self.weather:
            self._tell_all(self.bot.name, Kind.WEATHER, f"{weather}; trying again")
        self.standing, self.weather = Standing.WAITING, str(weather)
        await self._floor.mirror.sit_out(delay)

    async def _live(self) -> None:
        await self.file.idle()
        self.generation = decode(self.file.fields)
        if not self._proven:
            await prove_current(
                self._floor,
                self._past,
                self.generation,
                self.bot.conf.symbols,
                suspect=self.file.suspect,
            )
            self._proven = True
        kind = FLATTENER if self._flattens else self.bot.kind
        context = decode_context(kind.ctx_type, self.generation)
        self._fill_wallet()
        dealer = self._dealer = ListDealer(
            self._floor,
            bot=self.bot.name,
            birth=self.generation.birth,
            memory=self.generation.memory,
            acknowledged=lambda: self.file.acknowledged,
            tell=self.tell,
            park_on_doubt=self._park_on_doubt,
        )
        desk = Desk(self._floor, dealer, self.tell)
        self.standing = Standing.RUNNING
        self._take_conf()
        self._floor.journal.introduce(self.generation)
        quotes, symbols = self._floor.quotes, self.bot.conf.symbols
        for symbol in symbols:
            quotes.open(symbol)
        try:
            machine = kind.entry(desk, self.bot.conf, context)
            await drive(machine, lambda ctx: self._save(dealer, ctx))
        finally:
            dealer.withdraw_unsaved({order.id for order in self.orders})
            for symbol in symbols:
                quotes.close(symbol)

    def _fill_wallet(self) -> None:
        """Begin with the money as the file has it, whatever a former life left in memory."""
        memory, symbols = self.generation.memory, self.bot.conf.symbols
        self._floor.wallets.begin(self.bot.name, memory, self.orders, symbols=symbols)

    def _take_conf(self) -> None:
        """Have the conf of this life go to disk with the next save."""
        self.generation.account = self.generation.account or self.account
        if self._flattens:  # what it ends is of the conf before
            return
        self.generation.function = function_path(self.bot)
        self.generation.symbols = list(self.bot.conf.symbols)
        self.generation.conf = self.bot.settled

    # --- what the person tells it

    @property
    def _flattens(self) -> bool:
        return self.generation.instruction is Instruction.FLATTEN

    @property
    def is_being_ended(self) -> bool:
        """Say whether the end of everything of the bot was begun and is not over."""
        return self._flattens and not self._is_flat()

    @property
    def keeps_coins(self) -> bool:
        """Say whether its orders alone were ended: it was taken out of conf.json."""
        return self._flattens and not self.file.newest_object["context"].get("sells", True)

    def _is_flat(self) -> bool:
        return self._flattens and bool(self.file.newest_object["context"].get("over"))

    def take_word(self) -> None:
        """Have what the bot was told, as its file has it, count from now on."""
        told = self.generation
        self._floor.instructions.give(self.bot.name, told.instruction, told.canceled)
        self.wake()

    def forbid(self, instruction: Instruction) -> None:
        """Have a word that forbids count at once, before it is on disk."""
        self._floor.instructions.give(self.bot.name, instruction, self.generation.canceled)
        self.wake()

    def wake(self) -> None:
        """Have every live order looked at again."""
        if self._dealer is not None:
            self._dealer.wake_all()

    async def note(self, change: Callable[[Generation], None]) -> None:
        """Change the envelope, in force at once, while the bot lives on; then it is on disk."""
        change(self.generation)
        async with self._pen:
            await self.file.idle()
            on_disk = decode(self.file.fields)
            change(on_disk)
            await self._store(encode_as_it_was(on_disk))
            change(self.generation)  # it may have been read anew meanwhile

    async def begin(self, anew: Callable[[Generation], Generation]) -> None:
        """Let the bot go on from another generation than its own last one, once it is on disk.

        Raises what `anew` raises.
        """
        await self.end()
        self._proven = self._proven and self.generation.parked is None
        try:
            async with self._pen:
                await self.file.idle()
                self.generation = anew(self._on_disk())
                await self._persist(stamped(encode_as_it_was(self.generation), self._saved_at()))
        finally:  # what cannot be made anew goes on as it was
            self.take_word()
            self._fill_wallet()
            self.standing = Standing.WAITING
            if self._may_live:
                self.start()

    def _saved_at(self) -> int:
        """Answer the time of a save, also before the exchange told the time."""
        try:
            return self._floor.clock.now()
        except Unavailable:
            return self.generation.saved_at

    # --- what goes to disk

    async def _save(self, dealer: Dealer, context: Context) -> None:
        if self.weather:
            self._tell_all(self.bot.name, Kind.WEATHER, "goes on")
            self.weather = ""
        date_plans(context, self._floor.clock.now())
        journal = self._floor.journal
        async with self._pen:
            fields, intents = encode(self.generation, context), journal.expected(self.bot.name)
            took = await self._store(fields)
        journal.announced(self.bot.name, intents)
        dealer.wake_given_up()
        dealer.slowest_save_ms = max(took, dealer.slowest_save_ms * 9 // 10)

    async def _store(self, fields: bytes) -> int:
        """Put this on disk if it is not there; answer how long (ms) the disk needed."""
        if fields == unstamped(self.file.fields):
            await asyncio.sleep(0)  # a bot that only yields lets the others live
            return 0
        return await self._persist(stamped(fields, self._saved_at()))

    async def _persist(self, fields: bytes) -> int:
        """Save, however long the disk refuses: the bot waits at its barrier, and nothing leaves.

        A disk that fails is weather. The same bytes are written again, all over the slot that is
        not the newest, until a flush after them succeeded.
        """
        for delay in chain(BACK_OFF, repeat(BACK_OFF[-1])):
            began = self._saved_at()
            try:
                await self.file.saved(fields)
            except DiskFailed as failed:
                self._fall_ill(failed)
                await asyncio.sleep(delay)
            else:
                self._recover()
                return self._saved_at() - began
        raise AssertionError("repeated for ever")

    def _fall_ill(self, failed: DiskFailed) -> None:
        """Say once, and again when the reason changes, why the bot cannot go on."""
        if self.weather != str(failed):
            text = f"{failed}; no order leaves until it is saved, trying again"
            self._tell_all(self.bot.name, Kind.WEATHER, text)
        self.weather = str(failed)
        if self.standing is Standing.RUNNING:
            self.standing = Standing.WAITING

    def _recover(self) -> None:
        if self.weather:
            self._tell_all(self.bot.name, Kind.WEATHER, "saved; goes on")
            self.weather = ""
        if self.standing is Standing.WAITING and self._task is not None:
            self.standing = Standing.RUNNING
        if self.file.mended:
            self._tell_all(self.bot.name, Kind.WARNING, self.file.mended)
            self.file.mended = ""

    async def _finish(self) -> None:
        left = [order.id for order in self.orders if order.state not in FINAL]
        if left:
            await self._park(Halt(f"the bot ended, but left orders unfinished: {', '.join(left)}"))
            return
        if self._flattens:
            self.standing = Standing.IDLE
            self.on_idle()
            return
        self.standing = Standing.FINISHED
        await self._rewrite(finished=True)
        self._tell_all(self.bot.name, Kind.RESULT, "finished")

    async def _park(self, wrong: BaseException) -> None:
        """Put the bot aside with its reason, around the last context that was saved.

        A context that this program cannot read stays untouched: it is refused at every start.
        """
        self.standing = Standing.PARKED
        parked = Parked(
            kind=type(wrong).__name__,
            reason=self._redact(str(wrong) or type(wrong).__name__),
            at=self._floor.clock.now(),
            traceback=self._redact("".join(traceback.format_exception(wrong))),
        )
        self._tell_all(
            self.bot.name, Kind.PARKED, f"{parked.kind}: {parked.reason}; see `bot {self.bot.name}`"
        )
        if not isinstance(wrong, LaterContext | CorruptContext):
            await self._rewrite(parked=parked)

    async def _rewrite(self, *, parked: Parked | None = None, finished: bool = False) -> None:
        """Change the envelope and nothing else. While the disk refuses the old one stays good."""
        async with self._pen:
            await self.file.idle()
            on_disk = self._on_disk()
            on_disk.parked, on_disk.finished = parked, finished
            self.generation = on_disk
            await self._persist(stamped(encode_as_it_was(on_disk), self._floor.clock.now()))

    def _on_disk(self) -> Generation:
        """Read what was saved last; ids that were given out since are not given again."""
        on_disk, given = decode(self.file.fields), self.generation.memory.ids_given
        on_disk.memory.ids_given = max(on_disk.memory.ids_given, given)
        return on_disk


def _canceled_from_outside() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def function_path(bot: BotConf) -> str:
    """Name the code of a bot: module.function."""
    return f"{bot.module}.{bot.function}"


def first_generation(
    bot: BotConf, *, venue: str, account: str, installation: str, birth: int
) -> Generation:
    """Make the generation of a bot's birth."""
    return Generation(
        bot=bot.name,
        venue=venue,
        account=account,
        installation=installation,
        birth=birth,
        saved_at=birth,
        function=function_path(bot),
        symbols=list(bot.conf.symbols),
        conf=bot.settled,
        memory=Memory(),
        context={},
    )
