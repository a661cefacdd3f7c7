"""Bots that come, go and change while the others live: what a changed conf.json means to each.

Whatever is done here a restart does as well, so a crash in between costs nothing: a bot is what its
file says. It is ended between two steps, everything on disk, and driven anew from its file.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from functools import partial

from lib.conf import BotConf
from lib.conf_fit import Leaving, changed_while_busy, leaving
from lib.instructions import Instruction
from lib.life import Life, function_path
from lib.obedience import cancel_all, unfinished
from lib.orders import Order
from lib.ownership.witness import Witness
from lib.roster import Roster


class Changeover:
    """Has lives begin and end; owns the births."""

    def __init__(self, roster: Roster, witness: Witness) -> None:
        self._roster = roster
        self._witness = witness
        self._account = ""
        self._births: dict[str, asyncio.Task[None]] = {}
        self._begun = asyncio.Event()

    def begin(self, account: str) -> None:
        """Let the bots live that have a file; the new ones after a look, each on its own."""
        self._account = account
        for life in list(self._roster.lives.values()):
            if isinstance(life.bot.conf, Leaving):
                self._see_off(life)
            self._start(life)
        for bot in self._roster.newborn:
            self._bear(bot)
        self._begun.set()

    async def has_begun(self, seconds: int) -> bool:
        """Wait so long at most for the start to be over; say whether it is."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._begun.wait()
        return self._begun.is_set()

    @property
    def unborn(self) -> dict[str, BotConf]:
        """The bots that wait for their birth, by name."""
        waiting = {bot.name: bot for bot in self._roster.newborn}
        return {
            name: waiting[name]
            for name, birth in self._births.items()
            if name in waiting and not birth.done()
        }

    # --- a bot comes

    def admit(self, bot: BotConf) -> str:
        """Have a bot live that did not; answer why it cannot, empty if it does or soon will.

        Raises ValueError for an unclear budget.
        """
        if self._roster.has_file(bot.name):
            life = self._roster.readmit(bot, self._account)
            if life is None:
                return self._roster.held[bot.name].reason
            self._start(life)
            return ""
        self._roster.held.pop(bot.name, None)
        self._roster.open_wallet(bot)
        self._roster.newborn = [*self._roster.newborn, bot]
        self._bear(bot)
        return ""

    def _bear(self, bot: BotConf) -> None:
        birth = asyncio.get_running_loop().create_task(self._born(bot), name=f"birth of {bot.name}")
        self._births[bot.name] = birth

    async def _born(self, bot: BotConf) -> None:
        try:
            life = await self._roster.bear(bot, self._account)
        except Exception as wrong:  # noqa: BLE001 - one bot's birth disturbs no other bot
            self._roster.hold(bot.name, f"{type(wrong).__name__}: {wrong}")
        else:
            if life is not None:
                self._start(life)

    def _start(self, life: Life) -> None:
        self._witness.watch(life)
        life.start()

    # --- a bot changes

    async def change(self, life: Life, bot: BotConf) -> str:
        """Have a bot go on with another conf; answer why it goes on with the one it had.

        Raises ValueError for an unclear budget.
        """
        life.on_idle = _nothing
        await life.rest()
        refused = _refusal(life, bot)
        if not refused:
            life.bot = bot
            self._roster.open_wallet(bot)
        life.start()
        return refused

    # --- a bot goes

    async def dismiss(self, name: str) -> Sequence[Order]:
        """Have a bot live no more; answer the orders that it leaves at the exchange.

        One that is being ended goes on until it is, and then lives no more.
        """
        await self._stop_birth(name)
        life = self._roster.lives.get(name)
        if life is None:
            return self._roster.dismiss(name)
        if life.is_being_ended:
            self._see_off(life)
            return ()
        await life.rest()
        return self._let_go(name)

    async def cancel(self, name: str, *, by: str, at: int) -> Sequence[Order]:
        """Have all orders of a bot canceled, then have it live no more; answer them.

        Without any it is left as it is, for `dismiss`. Raises Halt or ValueError for a file whose
        orders cannot be read; then it lives no more.
        """
        await self._stop_birth(name)
        life = self._roster.lives.get(name) or self._roster.recall(name, self._account)
        if life is None or life.is_being_ended:
            return ()
        await life.rest()
        orders = unfinished(life)
        if not orders:
            return ()
        try:
            await cancel_all(life, by=by, at=at)
        except BaseException:
            await self.dismiss(name)
            raise
        self._see_off(life)
        self._start(life)
        return orders

    async def _stop_birth(self, name: str) -> None:
        birth = self._births.pop(name, None)
        if birth is not None:
            birth.cancel()
            await asyncio.wait({birth})

    def _see_off(self, life: Life) -> None:
        """Have a bot live no more once it is ended."""
        life.bot = leaving(life.generation)
        self._roster.open_wallet(life.bot)
        life.on_idle = partial(self._let_go, life.bot.name)

    def _let_go(self, name: str) -> Sequence[Order]:
        self._witness.forget(name)
        return self._roster.dismiss(name)


def _refusal(life: Life, bot: BotConf) -> str:
    """Say why a living bot may not go on with a conf."""
    generation, before, after = life.generation, function_path(life.bot), function_path(bot)
    if generation.finished or generation.instruction is Instruction.FLATTEN:
        return ""
    if before != after:
        return (
            f"its function was changed from {before} to {after}, which could not read what it "
            "remembers: give the new one a name of its own"
        )
    return changed_while_busy(life, bot)


def _nothing() -> None:
    return
