"""Enter once, take profits, limit the loss: the smart trade, protected at the exchange."""

from decimal import Decimal
from typing import Self

from pydantic import model_validator

from lib.desk import Desk
from lib.errors import Halt
from lib.exits.entering import EntrySettings, plan_entry, plan_trail
from lib.exits.holding import Holding, bring_along, came_too_late, hold, plan_holding
from lib.exits.sections import (
    StopLoss,
    TakeProfits,
    faults_beside,
    faults_together,
    plan_lots,
    refuse,
    shares_of,
)
from lib.exits.turning import await_turn
from lib.exits.words import result_text, words_of, worst_case
from lib.machine import Context, Machine
from lib.news import Kind
from lib.orders import OrderState
from lib.trailing import Trail


class Conf(EntrySettings):
    """How it enters is said in lib/exits/entering.py, how it ends in lib/exits/sections.py."""

    take_profit: TakeProfits = ()
    stop_loss: StopLoss | None = None

    @model_validator(mode="after")
    def _belongs_together(self) -> Self:
        refuse(faults_together(self.take_profit, self.stop_loss))
        if self.limit is not None:
            refuse(faults_beside(self.side, self.limit, self.take_profit, self.stop_loss))
        return self

    @property
    def plan_text(self) -> str:
        verb, back = ("Buys", "sells it") if self.type == "long" else ("Sells", "buys it back")
        enters = f"{verb} {self.amount} of {self.symbol}{self.entry_words}, once, and {back}"
        ends = list(words_of(self.take_profit, self.stop_loss)) or ["nothing ends it: that is all"]
        worst = worst_case(self.stop_loss)
        return f"{enters}: {'; '.join(ends)}. Spends at most {self.most}. Worst case: {worst}."


class Ctx(Context):
    trail: Trail | None = None  # of the entry
    held: Holding | None = None

    @property
    def holding(self) -> str:
        held = self.held
        return "" if held is None or held.over or not held.held else held.words


async def bot(desk: Desk, conf: Conf, ctx: Ctx) -> Machine[Ctx]:
    while True:
        if ctx.held is None and conf.trailing is not None:
            ctx.trail = ctx.trail or plan_trail(desk, conf, await desk.price(conf.symbol))
            async for ctx.trail in await_turn(desk, ctx.trail):
                yield ctx
        elif ctx.held is None and conf.cond_price is not None:
            above, below = conf.condition
            await desk.crossing(conf.symbol, above=above, below=below)

        ctx.held = ctx.held or plan(desk, conf, await desk.price(conf.symbol))
        async for ctx.held in hold(desk, ctx.held):
            yield ctx
        if not came_too_late(ctx.held):
            break
        ctx.trail, ctx.held = None, None
        yield ctx

    if ctx.held.opening.state is OrderState.REJECTED:
        why = ctx.held.opening.reason
        raise Halt(f"the entry was refused: {why}; `afresh` lets it try again")
    desk.tell(Kind.RESULT, result_text(ctx.held))


def plan(desk: Desk, conf: Conf, last: Decimal) -> Holding:
    """Plan the entry and its ends. Raises Halt for a price that lies on the wrong side."""
    rules, targets, stop = desk.rules(conf.symbol), conf.take_profit, conf.stop_loss
    wrong = "; ".join(faults_beside(conf.side, conf.limit or last, targets, stop))
    if wrong:
        raise Halt(wrong)
    lots = plan_lots(rules, conf.side, targets, stop)
    held = plan_holding(rules, plan_entry(desk, conf, last), lots, shares_of(targets))
    held.even = None if stop is None else stop.break_even
    bring_along(rules, held)
    return held
