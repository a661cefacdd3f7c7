"""Run another bot's machine again and again: the soak test."""

from collections.abc import Mapping
from typing import Annotated, Any

import orjson
from pydantic import Field, ValidationInfo, field_validator

from lib.bot_kinds import BotKind, NoSuchBot, find_bot, split_function
from lib.desk import Desk
from lib.machine import Context, Machine
from lib.news import Kind
from lib.settings import Settings


class Conf(Settings):
    bot: str  # a module in bots/, or module.function
    conf: dict[str, Any]  # that bot's own section
    loop: Annotated[int, Field(ge=0)] = 0  # how often; 0: for ever

    @field_validator("bot")
    @classmethod
    def _is_a_bot(cls, bot: str) -> str:
        try:
            find_bot(*split_function(bot))
        except NoSuchBot as missing:
            raise ValueError(str(missing)) from missing
        return bot

    @field_validator("conf")
    @classmethod
    def _is_a_conf_of_that_bot(cls, conf: dict[str, Any], about: ValidationInfo) -> dict[str, Any]:
        if kind := cls.inner_type("conf", about.data):
            kind.model_validate(conf)  # its mistakes are told at their own places
        return conf

    @classmethod
    def inner_type(cls, field: str, section: Mapping[str, Any]) -> type[Settings] | None:
        """Answer by which Settings a field is read that may hold anything; None if by none."""
        try:
            named = str(section["bot"]) if field == "conf" else ""
            return find_bot(*split_function(named)).conf_type if named else None
        except (LookupError, NoSuchBot):
            return None

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
