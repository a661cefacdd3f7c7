"""What the chat can be asked: answered from memory and disk, in lines that fit a phone."""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from typing import Final

from lib.control.census import Census
from lib.control.journal_reading import NoJournal, Question, Unreadable, ask
from lib.control.results import Sums, listed, money_of
from lib.control.standing import Word, in_short, is_out, signed
from lib.control.telegram.crew import Crew, NoSuchBot
from lib.control.telegram.daily import Days, day_lines
from lib.control.telegram.words import Command
from lib.instructions import BY_YOU, Instruction
from lib.journal.rows import Row
from lib.money import plain
from lib.news import readable
from lib.orders import Order, orders_inside
from lib.supervisor import Supervisor
from lib.time_zones import local

TRADES: Final = 10  # the newest
LOG_LINES: Final = 12
SAID_MAX: Final = 200  # signs of a bot's last word
NOTHING: Final = "nothing is open"


@dataclass(frozen=True, slots=True)
class Sources:
    """Where answers come from."""

    supervisor: Supervisor
    census: Census
    crew: Crew
    days: Days
    journal: Path
    news: Callable[[str, int], str]  # of one bot or of all, so many lines
    heading: str
    zone: tzinfo


class Readings:
    """Answers; changes nothing."""

    def __init__(self, sources: Sources) -> None:
        self._of = sources
        self._answers: Mapping[str, Callable[[Command], Iterator[str]]] = MappingProxyType({
            "status": self._status,
            "bots": self._bots,
            "bot": self._bot,
            "orders": self._orders,
            "balance": self._balance,
            "profit": self._profit,
            "daily": self._daily,
            "log": self._log,
            "mode": self._mode,
        })

    async def answer(self, command: Command) -> str:
        """Answer a question in a few lines."""
        await self._of.crew.loaded()
        try:
            if command.word == "trades":
                bots = self._of.crew.meant(command.rest[:1])  # in the loop: bots come and go
                return await asyncio.to_thread(self._trades, bots)
            return "\n".join(self._answers[command.word](command))
        except NoSuchBot as missing:
            return str(missing)

    # --- how they stand

    def _status(self, _: Command) -> Iterator[str]:
        yield from self._mode(_)
        words = list(self._of.census.words())
        count = self._of.census.count()
        counted = [f"{number} {word}" for word, number in count.words.most_common()]
        yield ", ".join(counted) or "no bot"
        yield f"orders out: {count.orders_out}"
        if count.orders_in_doubt:
            yield f"in doubt: {count.orders_in_doubt}"
        if self._of.supervisor.floor.mirror.trouble is not None:
            yield "the exchange cannot be reached"
        yield from (f"{name}: needs you" for name, word in words if word is Word.NEEDS_YOU)

    def _mode(self, _: Command) -> Iterator[str]:
        yield self._of.heading
        if self._of.supervisor.floor.instructions.killed:
            yield "killed: no order leaves"

    def _bots(self, _: Command) -> Iterator[str]:
        for name, word in self._of.census.words():
            yield f"{name}: {word}"

    def _bot(self, command: Command) -> Iterator[str]:
        bots = self._of.crew.meant(command.rest[:1])
        if not bots:
            yield "which one? /bot NAME"
            return
        words = dict(self._of.census.words())
        yield f"{bots[0]}: {words[bots[0]]}"
        held = self._of.supervisor.held.get(bots[0])
        if held is not None:
            yield held.reason
        for generation in self._of.crew.generations(bots):
            yield ", ".join(generation.symbols)
            if generation.parked is not None:
                yield f"{generation.parked.kind}: {generation.parked.reason}"
                yield f"since {self._time(generation.parked.at)}"
            if generation.instruction is not Instruction.TRADE:
                yield f"{BY_YOU[generation.instruction]}"
                yield f"since {self._time(generation.told_at)}"
            orders = list(orders_inside(generation.context))
            yield f"orders: {in_short(orders)}"
            money = money_of(generation, orders)
            yield from _held(listed(money.wallet.totals, readable))
            yield from _sums(money.sums)
            if generation.memory.said:
                yield f"said: {generation.memory.said[:SAID_MAX]}"

    def _orders(self, command: Command) -> Iterator[str]:
        found = False
        for generation in self._of.crew.generations(self._of.crew.meant(command.rest[:1])):
            for order in filter(is_out, orders_inside(generation.context)):
                found = True
                yield f"{generation.bot}: {order.side.lower()} {order.symbol}"
                yield f"  {_size(order)}, {order.state}"
        if not found:
            yield NOTHING

    # --- money

    def _balance(self, _: Command) -> Iterator[str]:
        account = self._of.supervisor.floor.mirror.account
        if account is None:
            yield "the exchange was not asked yet"
            return
        yield "account:"
        for asset in sorted(account.balances):
            balance = self._of.supervisor.floor.mirror.balance(asset)
            if balance.free + balance.locked:
                locked = f", {readable(balance.locked)} in orders" if balance.locked else ""
                yield f"{readable(balance.free)} {asset}{locked}"
        for generation in self._of.crew.generations():
            money = money_of(generation, orders_inside(generation.context))
            holds = listed(money.wallet.totals, readable)
            if holds:
                yield f"{generation.bot}: {holds}"

    def _profit(self, _: Command) -> Iterator[str]:
        total = Sums()
        for generation in self._of.crew.generations():
            sums = money_of(generation, orders_inside(generation.context)).sums
            total.add(sums)
            if str(sums):
                yield f"{generation.bot}: {listed(sums.realised, signed) or '0'}"
        yield "all bots:"
        yield from list(_sums(total)) or ["nothing was traded yet"]

    def _daily(self, _: Command) -> Iterator[str]:
        yield from day_lines(self._of.days)

    # --- what happened

    def _trades(self, bots: Sequence[str]) -> str:
        question = Question(bot=bots[0] if bots else "", limit=TRADES)
        try:
            rows = ask(self._of.journal, "fills", question).rows
        except (NoJournal, Unreadable) as wrong:
            return str(wrong)
        return "\n".join(line for row in rows for line in self._trade(row)) or "no fill yet"

    def _trade(self, row: Row) -> Iterator[str]:
        verb = "bought" if row.side == "BUY" else "sold"
        yield f"{self._time(row.at)} {row.bot or '?'}"
        yield f"  {verb} {row.fill_quantity} {row.base_asset or row.symbol}"
        yield f"  at {row.fill_price}, fee {row.fee} {row.fee_asset}"

    def _log(self, command: Command) -> Iterator[str]:
        bots = self._of.crew.meant(command.rest[:1])
        lines = self._of.news(bots[0] if bots else "", LOG_LINES)
        yield lines or "nothing was told yet"

    def _time(self, at: int) -> str:
        return f"{local(at, self._of.zone):%d %b %H:%M}"


def _held(holds: str) -> Iterator[str]:
    if holds:
        yield f"wallet: {holds}"


def _sums(sums: Sums) -> Iterator[str]:
    parts: tuple[tuple[str, Mapping[str, Decimal]], ...] = (
        ("realised", sums.realised),
        ("unrealised", sums.unrealised),
    )
    for word, amounts in parts:
        if any(amounts.values()):
            yield f"{word} {listed(amounts, signed)}"
    if any(sums.fees.values()):
        yield f"fees {listed(sums.fees, readable)}"


def _size(order: Order) -> str:
    amount = order.quantity if order.quantity is not None else order.quote_quantity
    price = order.price or order.stop_price
    at = f" at {plain(price)}" if price else " at market"
    return f"{plain(amount) if amount is not None else '?'}{at}"
