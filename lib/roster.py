"""Which bots there are: those that live, those that are held back, those yet to be born.

The roster opens and makes context files and keeps the orders of every context known, also of bots
that do not run: their orders rest at the exchange and their intents count against the money.
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain, repeat
from pathlib import Path
from typing import Final

from lib.atomic_json import ContextFile, read_generations
from lib.budget import Terms, split_terms
from lib.conf import BotConf, OnDoubt, OnWipe, RunnerConf
from lib.conf_fit import changed_while_busy, is_being_ended, leaving
from lib.context_file.generation import (
    Generation,
    Parked,
    check_identity,
    decode,
    encode_as_it_was,
    stamped,
)
from lib.disk import Disk
from lib.errors import BotError, DiskFailed, ForeignContext, Halt, Unavailable
from lib.exchange import AccountState
from lib.floor import Floor
from lib.ids import bot_tag
from lib.life import BACK_OFF, Life, first_generation
from lib.news import Kind, TellOf
from lib.orders import FINAL, Order, OrderState, orders_inside
from lib.ownership.rollback import Past, prove_new
from lib.shelf import Shelf
from lib.wipe import after_wipe

GONE: Final = "it is not in conf.json"


@dataclass(frozen=True, slots=True)
class Held:
    """A bot that does not run, and why; its file, if it has one, stays as it is."""

    name: str
    reason: str
    generation: Generation | None = None  # if it can be read and is ours
    orders: tuple[Order, ...] = ()


class Roster:
    """Owns the lives of all bots, and what is known of those that do not live."""

    def __init__(
        self,
        conf: RunnerConf,
        shelf: Shelf,
        floor: Floor,
        tell: TellOf,
        *,
        disk: Disk,
        redact: Callable[[str], str],
    ) -> None:
        self.lives: dict[str, Life] = {}
        self.held: dict[str, Held] = {}
        self.newborn: list[BotConf] = []
        self._conf = conf
        self._shelf = shelf
        self._floor = floor
        self._tell = tell
        self._disk = disk
        self._redact = redact
        self._past = Past(floor)
        self.loaded = asyncio.Event()
        self.on_read: Callable[[int, int], None] = lambda *_: None  # so many contexts of so many

    # --- from the disk

    def load(self) -> None:
        """Read every context before any bot starts; the network is not needed for it."""
        wanted = {bot.name: bot for bot in self._conf.bots}
        for name, other in twins(wanted):
            self.hold(name, f"its orders could not be told from those of {other}: rename it")
            del wanted[name]
        for mistaken in self._conf.held_back:
            text = "; ".join(str(mistake) for mistake in mistaken.mistakes)
            self.hold(mistaken.name, f"its conf is wrong: {text}")
        names = self._shelf.names()
        for read, name in enumerate(names, 1):
            if name in wanted:
                self._open(wanted[name])
            elif name not in self.held:
                self._open_removed(name)
            self.on_read(read, len(names))
        self.newborn = [bot for name, bot in wanted.items() if name not in names]
        for order in self.orders():
            self._floor.mirror.follow(order.symbol, order.id, order.order_id)
        self.loaded.set()

    def _open_removed(self, name: str) -> None:
        """Hold a bot back that conf.json does not have, unless its end was begun."""
        generation = self._generation(name)
        if generation is not None and is_being_ended(generation):
            self._open(leaving(generation))
        else:
            self.hold(name, GONE)

    def _generation(self, name: str) -> Generation | None:
        with suppress(BotError, OSError, ValueError):
            return decode(read_generations(self._path(name), disk=self._disk))
        return None

    def _open(self, bot: BotConf) -> None:
        try:
            path, lock = self._shelf.path(bot.name), self._shelf.lock
            file = ContextFile.open(path, disk=self._disk, folder=lock)
            life = Life(
                bot,
                file,
                self._floor,
                self._tell,
                past=self._past,
                redact=self._redact,
                park_on_doubt=self._conf.settings.on_doubt is OnDoubt.PARK,
            )
            self._check_identity(bot.name, life.generation, account="")
            tuple(life.orders)  # readable, or this bot does not run
        except Halt as wrong:
            self.hold(bot.name, f"{type(wrong).__name__}: {wrong}{_advice(bot.name, wrong)}")
        else:
            self.lives[bot.name] = life

    def hold(self, name: str, reason: str) -> None:
        """Keep a bot from running; its orders are still followed and named."""
        self.held[name] = Held(name, reason)
        with suppress(BotError, OSError):
            self.held[name] = self._read(name, reason)
        left = "".join(
            f"; {_whereabouts(order)}: cancel it there, or put the bot back"
            for order in self.held[name].orders
            if order.id and order.state not in FINAL
        )
        self._tell(name, Kind.WARNING, f"does not run: {reason}{left}")

    def _read(self, name: str, reason: str) -> Held:
        """Read a file that is not to be run; one of another account or venue is not ours."""
        if name not in self._shelf.names():
            return Held(name, reason)
        generation = decode(read_generations(self._path(name), disk=self._disk))
        self._check_identity(name, generation, account="")
        return Held(name, reason, generation, tuple(orders_inside(generation.context)))

    def drop(self, name: str, reason: str) -> None:
        """Hold a bot back that was loaded already."""
        self.lives.pop(name).file.close()
        self.hold(name, reason)

    # --- while the others live

    def has_file(self, name: str) -> bool:
        """Say whether a bot ever lived here."""
        return name in self._shelf.names()

    def readmit(self, bot: BotConf, account: str) -> Life | None:
        """Have a bot live whose file was held back; None, and held still, if it cannot."""
        self.held.pop(bot.name, None)
        self._past = Past(self._floor)  # what was asked at the start has grown old
        self._open(bot)
        life = self._made_known(bot.name, account)
        wrong = changed_while_busy(life, bot) if life else ""
        if wrong:
            self.drop(bot.name, wrong)
        return self.lives.get(bot.name)

    def recall(self, name: str, account: str) -> Life | None:
        """Have a bot live until it is ended that conf.json has no more; None if it cannot."""
        generation = self._generation(name)
        return self.readmit(leaving(generation), account) if generation else None

    def dismiss(self, name: str) -> tuple[Order, ...]:
        """Have a bot live no more, for conf.json has it no more; answer the orders it leaves."""
        self.newborn = [bot for bot in self.newborn if bot.name != name]
        self.held.pop(name, None)
        self._floor.wallets.open(name, None, sells_your_coins=False)
        life = self.lives.pop(name, None)
        if life is not None:
            life.file.close()
        if not self.has_file(name):
            return ()
        self.hold(name, GONE)
        held = self.held[name]
        if held.generation is not None:
            self._floor.wallets.begin(name, held.generation.memory, held.orders)
        return tuple(order for order in held.orders if order.id and order.state not in FINAL)

    def _made_known(self, name: str, account: str) -> Life | None:
        """Have the orders of an opened bot followed and its money counted, as at the start."""
        life = self.lives.get(name)
        if life is None or self._is_of_another(life, account):
            return None
        for order in life.orders:
            if order.id and order.state not in FINAL:
                self._floor.mirror.follow(order.symbol, order.id, order.order_id)
        self.open_wallet(life.bot)
        self._floor.wallets.begin(name, life.generation.memory, life.orders)
        return life

    def orders(self) -> Iterator[Order]:
        """The unfinished orders of every context: of parked, held and removed bots too."""
        known = [life.orders for life in self.lives.values()]
        known += [held.orders for held in self.held.values()]
        for orders in known:
            yield from (o for o in orders if o.id and o.state not in FINAL)

    # --- once the account is known

    def take_account(self, account: AccountState) -> None:
        """Hold back every bot whose context belongs to another account; count all intents."""
        for life in list(self.lives.values()):
            self._is_of_another(life, account.uid)
        for order in self.orders():
            rules = self._floor.rules.get(order.symbol)
            announced = order.state in {OrderState.SUBMITTING, OrderState.IN_DOUBT}
            if announced and rules is not None:
                asset = rules.base_asset if order.side == "SELL" else rules.quote_asset
                self._floor.funds.commit(order.id, asset, order.spends_at_most)

    def _is_of_another(self, life: Life, account: str) -> bool:
        """Hold a bot back whose context belongs to another account; say whether it does."""
        name, life.account = life.bot.name, account
        try:
            self._check_identity(name, life.generation, account=account)
        except ForeignContext as wrong:
            self.drop(name, f"ForeignContext: {wrong}")
            self.held[name] = Held(name, str(wrong))  # nothing of it is ours
            return True
        return False

    def open_wallets(self) -> None:
        """Open every bot's wallet before any bot spends; an unclear budget holds its bot back."""
        for bot in self._conf.bots:
            try:
                self.open_wallet(bot)
            except ValueError as wrong:
                self._refuse(bot, str(wrong))
        for name, life in self.lives.items():
            self._floor.wallets.begin(name, life.generation.memory, life.orders)
        for held in self.held.values():
            self._open_held(held)

    def open_wallet(self, bot: BotConf) -> None:
        """Set the terms of a bot's wallet. Raises ValueError for an unclear budget."""
        budget = bot.terms.amounts(bot.conf.symbols, self._floor.quote_assets)
        sells = bot.may_sell_your_coins
        self._floor.wallets.open(bot.name, budget, sells_your_coins=sells)

    def _refuse(self, bot: BotConf, reason: str) -> None:
        """Hold back a bot that was to live, or to be born."""
        if bot in self.newborn:
            self.newborn.remove(bot)
            self.hold(bot.name, reason)
        elif bot.name in self.lives:
            self.drop(bot.name, reason)

    def _open_held(self, held: Held) -> None:
        """Keep what a bot has that does not run: its coins, and its budget while conf.json has it.

        Where its section is wrong now, the budget counts that it last ran with.
        """
        if held.generation is None:
            return
        if any(held.name == mistaken.name for mistaken in self._conf.held_back):
            money, _ = split_terms(held.generation.conf)
            with suppress(ValueError):
                budget = Terms.model_validate(money).amounts(
                    held.generation.symbols, self._floor.quote_assets
                )
                self._floor.wallets.open(held.name, budget, sells_your_coins=False)
        self._floor.wallets.begin(held.name, held.generation.memory, held.orders)

    def hold_changed(self) -> None:
        """A changed symbol or function is refused while something is held or open."""
        for name, life in list(self.lives.items()):
            wrong = changed_while_busy(life, life.bot)
            if wrong:
                self.drop(name, wrong)

    def begin_anew(self, facts: dict[str, str]) -> None:
        """After a reset of a test exchange: new births; orders are lost, not canceled.

        The bots whose orders prove the reset come last, so that a cut in between finds the proof.
        """
        for name in sorted(self.lives, key=lambda name: name in facts):
            self._begin_anew(self.lives[name], next(iter(facts.values())))

    def _begin_anew(self, life: Life, facts: str) -> None:
        name, birth = life.bot.name, self._floor.clock.now()
        afresh = self._conf.settings.on_wipe is OnWipe.AFRESH
        parked = None if afresh else Parked(kind="VenueReset", reason=facts, at=birth)
        generation = after_wipe(life.generation, birth=birth, parked=parked)
        for order in life.orders:
            self._floor.mirror.unfollow(order.id)
            self._floor.funds.release(order.id)
        life.file.close()
        del self.lives[name]
        fields = stamped(encode_as_it_was(generation), birth)
        aside = self._shelf.aside(name, life.generation.birth)
        try:
            ContextFile.replace(self._path(name), fields, aside=aside, disk=self._disk).close()
        except (Halt, OSError) as wrong:
            self.hold(name, str(wrong))
        else:
            self._open(life.bot)

    async def bear(self, bot: BotConf, account: str) -> Life | None:
        """Give a new bot its first context; parked if the exchange knows it, or cannot say."""
        parked = await self._why_not(bot)
        birth = self._floor.clock.now()
        generation = first_generation(
            bot,
            venue=self._floor.venue.name,
            account=account,
            installation=self._floor.installation,
            birth=birth,
        )
        generation.parked = parked
        generation.instruction = self._floor.instructions.of(bot.name)  # said before its birth
        fields = stamped(encode_as_it_was(generation), birth)
        if not await self._create_patiently(bot.name, fields):
            return None
        self._open(bot)
        if parked:
            self._tell(bot.name, Kind.PARKED, parked.reason)
        return self.lives.get(bot.name)

    async def _create_patiently(self, name: str, fields: bytes) -> bool:
        """Put a first context on disk, however long the disk has no room; False: it never will."""
        for delay in chain(BACK_OFF, repeat(BACK_OFF[-1])):
            try:
                ContextFile.create(self._path(name), fields, disk=self._disk).close()
            except DiskFailed as sick:
                if name not in self.held:
                    self.hold(name, f"{sick}; it begins as soon as that can be done")
                await asyncio.sleep(delay)
            except (Halt, OSError) as wrong:
                self.hold(name, str(wrong))
                return False
            else:
                self.held.pop(name, None)
                return True
        raise AssertionError("repeated for ever")

    async def _why_not(self, bot: BotConf) -> Parked | None:
        """Say why a new bot must not begin: its orders are known, or cannot be asked for."""
        wrong: BotError | None = None
        for delay in BACK_OFF:
            try:
                await prove_new(self._floor, bot.name, bot.conf.symbols)
            except Unavailable as weather:
                wrong = weather
                await asyncio.sleep(delay)
            except BotError as known:
                wrong = known
                break
            else:
                return None
        assert wrong is not None
        return Parked(kind=type(wrong).__name__, reason=str(wrong), at=self._floor.clock.now())

    def _check_identity(self, name: str, generation: Generation, *, account: str) -> None:
        check_identity(
            generation,
            bot=name,
            venue=self._floor.venue.name,
            account=account,
            installation=self._floor.installation,
        )

    def _path(self, name: str) -> Path:
        return self._shelf.path(name)


def _whereabouts(order: Order) -> str:
    what = f"({order.side} {order.quantity or order.quote_quantity} {order.symbol})"
    if order.order_id is not None:
        return f"it leaves order {order.order_id} {what} at the exchange"
    return f"an order {what} under id {order.id} may be at the exchange"


def _advice(name: str, wrong: Halt) -> str:
    """Say what a person can do about a context that cannot be used."""
    if isinstance(wrong, ForeignContext):
        return f"; run it where it belongs, or `afresh {name}` to begin anew here"
    return f"; `bot {name}` shows what is left, `afresh {name}` begins anew"


def twins(names: Iterable[str]) -> list[tuple[str, str]]:
    """Find names whose tags in ids are the same, each with the one that came first."""
    first: dict[str, str] = {}
    return [
        (name, first[bot_tag(name)])
        for name in names
        if first.setdefault(bot_tag(name), name) != name
    ]
