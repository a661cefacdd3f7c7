"""Run another bot's machine again and again: the soak test."""

from typing import Annotated, Any, Self

import orjson
from pydantic import Field, model_validator

from lib.bot_kinds import BotKind, NoSuchBot, find_bot, split_function
from lib.desk import Desk
from lib.machine import Context, Machine
from lib.news import Kind
from lib.settings import Settings


class Conf(Settings):
    bot: str  # a module in bots/, or module.function
    conf: dict[str, Any]  # that bot's own section
    loop: Annotated[int, Field(ge=0)] = 0  # how often; 0: for ever

    @model_validator(mode="after")
    def _is_a_bot_with_its_conf(self) -> Self:
        try:
            self.inner()
        except NoSuchBot as missing:
            raise ValueError(str(missing)) from missing
        return self

    def inner(self) -> tuple[BotKind, Settings]:
        """Answer the bot that is run, and its conf."""
        kind = find_bot(*split_function(self.bot))
        return kind, kind.conf_type.model_validate(self.conf)

    @property
    def symbols(self) -> tuple[str, ...]:
        return self.inner()[1].symbols

    @property
    def sells_your_coins(self) -> bool:
        return self.inner()[1].sells_your_coins

    @property
    def plan_text(self) -> str:
        often = f"{self.loop} times" if self.loop else "For ever"
        inner = getattr(self.inner()[1], "plan_text", self.bot)
        return f"{often}, one after the other: {inner}"


class Ctx(Context):
    turn: int = 1
    child: dict[str, Any] = {}  # the inner bot's context, as JSON has it


async def bot(desk: Desk, conf: Conf, ctx: Ctx) -> Machine[Ctx]:
    kind, inner = conf.inner()
    while ctx.child or not conf.loop or ctx.turn <= conf.loop:  # a turn that began is finished
        child = kind.ctx_type.model_validate_json(orjson.dumps(ctx.child))
        async for child in kind.entry(desk, inner, child):
            ctx.child = child.model_dump(mode="json")
            yield ctx

        desk.tell(Kind.RESULT, f"turn {ctx.turn} is done")
        ctx.turn, ctx.child = ctx.turn + 1, {}
        yield ctx
