"""What a changed conf.json means to each bot: found out, then done, then said in a line."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from lib.budget import KEYS
from lib.conf import BotConf, RunnerConf
from lib.conf_fit import Leaving
from lib.control.conf_changes import differences, since_when
from lib.control.ctx_folder import Page
from lib.control.request import Removed
from lib.errors import Halt
from lib.instructions import BY_YOU, Instruction
from lib.life import Life, function_path
from lib.money import plain
from lib.order_words import describe
from lib.orders import Order
from lib.supervisor import Supervisor
from lib.wallet import OUT

NOW: Final = "counts from now on"
NEW: Final = "new; it begins once it is known that the exchange has nothing of it"
CANCELED: Final = (
    "its orders were canceled as it was taken out: `start` begins it anew, `flatten` sells what it "
    "kept"
)
ENDED: Final = "taken out; what was begun is ended first: everything is canceled and sold"


@dataclass(frozen=True, slots=True)
class Plan:
    """Which bots are to come, to change and to go."""

    come: tuple[BotConf, ...]
    change: tuple[BotConf, ...]
    go: tuple[str, ...]
    removed: Removed

    @property
    def begun(self) -> tuple[BotConf, ...]:
        """The bots that would begin with what conf.json has now."""
        return self.come + self.change


@dataclass(frozen=True, slots=True)
class Step:
    """What became of one bot."""

    name: str
    text: str
    done: bool = True  # no: the bot does not run, or not by what conf.json has


class Steps:
    """Finds out and does what is to be done."""

    def __init__(self, supervisor: Supervisor, conf: RunnerConf) -> None:
        self._supervisor = supervisor
        self._changeover = supervisor.changeover
        self._known = _sections(conf)  # as taken over last

    # --- found out

    def plan(self, conf: RunnerConf, removed: Removed) -> Plan:
        """Compare what conf.json has with what runs."""
        running = self._running()
        bots = {bot.name: bot for bot in conf.bots}
        return Plan(
            come=tuple(b for n, b in bots.items() if n not in running and self._is_worth_it(b)),
            change=tuple(b for n, b in bots.items() if n in running and _differ(running[n], b)),
            go=tuple(name for name in self._removable(removed) if name not in bots),
            removed=removed,
        )

    def _running(self) -> dict[str, BotConf]:
        """Answer what the bots run by that live, or soon will."""
        lives = {name: life.bot for name, life in self._supervisor.lives.items()}
        return {**self._changeover.unborn, **lives}

    def _is_worth_it(self, bot: BotConf) -> bool:
        """Say whether a bot may run that did not: not if nothing about it has changed."""
        known = self._known.get(bot.name)
        return bot.name not in self._supervisor.held or known is None or _differ(known, bot)

    def _removable(self, removed: Removed) -> Iterator[str]:
        """Name the bots that are to go unless conf.json has them."""
        running = self._running()
        yield from (name for name, bot in running.items() if not isinstance(bot.conf, Leaving))
        for name, held in self._supervisor.held.items():
            rests = any(order.state in OUT for order in held.orders)
            if name not in running and (name in self._known or (rests and _cancels(removed))):
                yield name

    # --- done

    async def take(self, plan: Plan, conf: RunnerConf, *, by: str, at: int) -> list[Step]:
        """Do it; those that go come first, so that a budget is free before it is given again."""
        gone = [await self._go(name, plan.removed, by=by, at=at) for name in plan.go]
        changed = await asyncio.gather(*(self._change(bot) for bot in plan.change))
        come = [self._come(bot) for bot in plan.come]
        self._known = _sections(conf)
        return [*come, *changed, *gone]

    def _come(self, bot: BotConf) -> Step:
        refused = self._changeover.admit(bot)
        if refused:
            return Step(bot.name, f"does not run: {refused}", done=False)
        life = self._supervisor.lives.get(bot.name)
        return Step(bot.name, f"is back{_but(life)}" if life else NEW)

    async def _change(self, bot: BotConf) -> Step:
        life = self._supervisor.lives.get(bot.name)
        if life is None:
            return await self._change_unborn(bot)
        before = life.bot
        refused = await self._changeover.change(life, bot)
        if refused:
            return Step(bot.name, f"goes on as it was: {refused}", done=False)
        if isinstance(before.conf, Leaving):
            return Step(bot.name, f"is back{_but(life)}")
        return Step(bot.name, f"{_changes(before, bot)}; {_since_when(life, before)}")

    async def _change_unborn(self, bot: BotConf) -> Step:
        """Have a bot begin with another conf that was not born yet, or ended at this moment."""
        before = self._changeover.unborn.get(bot.name)
        await self._changeover.dismiss(bot.name)
        step = self._come(bot)
        if before is None or not step.done:
            return step
        return Step(bot.name, f"{_changes(before, bot)}; {step.text}")

    async def _go(self, name: str, removed: Removed, *, by: str, at: int) -> Step:
        if _cancels(removed):
            try:
                canceled = await self._changeover.cancel(name, by=by, at=at)
            except (Halt, ValueError) as wrong:
                return Step(name, f"taken out; its orders cannot be canceled: {wrong}", done=False)
            if canceled:
                named = ", ".join(map(describe, canceled))
                return Step(name, f"taken out; being canceled, and nothing sold: {named}")
        left = await self._changeover.dismiss(name)
        if name in self._supervisor.lives:
            return Step(name, ENDED)
        return Step(name, f"taken out{self._left(name, left)}")

    def _left(self, name: str, orders: Sequence[Order]) -> str:
        """Say what a bot leaves behind that lives no more."""
        out = ", ".join(describe(order) for order in orders if order.state in OUT)
        rests = f"; rests at the exchange, to be found when it is back: {out}" if out else ""
        positions = self._supervisor.floor.wallets.of(name).positions.items()
        held = [
            f"{plain(each.quantity)} of {symbol}" for symbol, each in positions if each.quantity
        ]
        return f"{rests}; it keeps {', '.join(held)}" if held else rests


def _sections(conf: RunnerConf) -> dict[str, BotConf | None]:
    """Answer every section of a conf.json by its bot; None for one with mistakes."""
    mistaken = dict.fromkeys(held.name for held in conf.held_back)
    return {**mistaken, **{bot.name: bot for bot in conf.bots}}


def _section(bot: BotConf) -> Mapping[str, Any]:
    return {**bot.settled, "function": function_path(bot)}


def _changes(before: BotConf, after: BotConf) -> str:
    return ", ".join(differences(_section(before), _section(after)))


def _differ(one: BotConf, other: BotConf) -> bool:
    return _section(one) != _section(other)


def _cancels(removed: Removed) -> bool:
    return removed is Removed.CANCEL


def _since_when(life: Life, before: BotConf) -> str:
    """Say from when the conf counts that a bot has just been given."""
    one, other = _section(before), _section(life.bot)
    changed = {key for key in one.keys() | other.keys() if one.get(key) != other.get(key)}
    page = Page(life.bot.name, life.generation, tuple(life.orders))
    try:
        when = since_when(life.bot, page, otherwise=NOW)
    except Halt:  # its context cannot be read: it says so itself
        return NOW
    if _is_over(life):
        return when
    return f"{NOW if changed <= KEYS else when}{_but(life)}"


def _is_over(life: Life) -> bool:
    """Say whether a bot only goes on once it begins anew."""
    return life.generation.finished or life.generation.instruction is Instruction.FLATTEN


def _but(life: Life) -> str:
    """Say what keeps a bot from trading."""
    generation = life.generation
    if generation.parked is not None:
        return "; it had stopped itself: `release` lets it go on"
    if life.keeps_coins:
        return f"; {CANCELED}"
    told = BY_YOU[generation.instruction]
    return f"; it is {told}" if told else ""
