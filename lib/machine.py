"""The idiom every bot is written in.

A machine is an async generator that yields its own context. The yield is a barrier: it
returns only once everything above it is on disk. So a machine writes down what it is about
to do, yields, does it, writes down what happened, yields. Run again from its saved context,
it skips what is finished and picks up the rest: plain linear code survives a crash.

A machine owns nothing. No lock, no task, no `finally` to rely on: after a power cut none of
them would run. Stopping a bot is therefore no different from crashing it.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Iterable, Iterator
from contextlib import aclosing
from contextvars import ContextVar
from typing import Any, ClassVar, TypeAlias, TypeVar

from pydantic import BaseModel, ConfigDict, model_validator

from lib.errors import LaterContext

C = TypeVar("C")
Machine: TypeAlias = AsyncGenerator[C, None]


class Context(BaseModel):
    """What a machine remembers across a crash.

    Unknown fields are refused; a new field needs a default. A change that a default cannot
    express raises VERSION and gives `upgrade` the fields as an older version wrote them.
    """

    model_config = ConfigDict(extra="forbid", ser_json_inf_nan="strings")

    VERSION: ClassVar[int] = 1
    version: int = 0

    @model_validator(mode="before")
    @classmethod
    def _of_this_version(cls, fields: Any) -> Any:
        if not isinstance(fields, dict):
            return fields
        written = fields.get("version", cls.VERSION)
        if isinstance(written, int) and written > cls.VERSION:
            raise LaterContext(
                f"{cls.__name__} was written by version {written}, this is version {cls.VERSION}"
            )
        if written != cls.VERSION:
            fields = cls.upgrade(dict(fields))
        for name, value in fields.items():
            if isinstance(value, float) and not cls._may_be_float(name):
                raise ValueError(f"{name} is {value}: a float is no amount and no time")
        return {**fields, "version": cls.VERSION}

    @classmethod
    def _may_be_float(cls, name: str) -> bool:
        field = cls.model_fields.get(name)
        return field is not None and "float" in str(field.annotation)

    @property
    def holding(self) -> str:
        """Say what is bought and not yet sold, for a person; empty when nothing is.

        A bot that holds something must not have its symbol changed under it.
        """
        return ""

    @classmethod
    def upgrade(cls, old: dict[str, Any]) -> dict[str, Any]:
        """Turn the fields of an older version into this version's."""
        return old


Kin = TypeVar("Kin", bound=BaseModel)


def find_all(kind: type[Kin], inside: Any) -> Iterator[Kin]:
    """Find every context of a kind inside a context, in the order of its fields."""
    if isinstance(inside, kind):
        yield inside
    for part in _parts(inside):
        if isinstance(part, _NESTING):
            yield from find_all(kind, part)


_NESTING = (BaseModel, dict, list, tuple)


def _parts(whole: Any) -> Iterable[Any]:
    if isinstance(whole, BaseModel):
        return (getattr(whole, name) for name in type(whole).model_fields)
    if isinstance(whole, dict):
        return whole.values()
    return whole if isinstance(whole, _NESTING) else ()


_FINISHED = object()
_steps: ContextVar[set[asyncio.Future[object]]] = ContextVar("steps of the bot being driven")


async def drive(machine: Machine[C], save: Callable[[C], Awaitable[object]]) -> None:
    """Run a machine to its end, saving at every barrier. Leaves no task behind."""
    steps: set[asyncio.Future[object]] = set()
    _steps.set(steps)
    try:
        async with aclosing(machine):
            async for context in machine:
                await save(context)
    finally:
        await _reap(steps)


async def together(
    *machines: Machine[Any], joining: Callable[[], Iterable[Machine[Any]]] = tuple
) -> Machine[None]:
    """Run machines side by side; one barrier serves all those waiting at theirs.

    A waiting machine resumes only after our yield returned, hence after a save that began
    when its intent was already written. If one fails the others are stopped, then the
    failure is ours. After each barrier those that are `joining` run as well.
    """
    steps: dict[asyncio.Future[object], Machine[Any]] = {}

    def resume(machine: Machine[Any]) -> None:
        step = asyncio.ensure_future(anext(machine, _FINISHED))
        steps[step] = machine
        _steps.get().add(step)  # abandoned at a barrier, we cannot clean up: `drive` does

    for machine in machines:
        resume(machine)
    try:
        while steps:
            await asyncio.wait(steps, return_when=asyncio.FIRST_COMPLETED)
            arrived = [(step, steps.pop(step)) for step in list(steps) if step.done()]
            _steps.get().difference_update(step for step, _ in arrived)
            waiting = [machine for step, machine in arrived if step.result() is not _FINISHED]
            if not waiting:
                continue
            yield
            for machine in waiting:
                resume(machine)
            for newcomer in joining():
                resume(newcomer)
    except (Exception, asyncio.CancelledError):  # GeneratorExit must not await
        await _reap(steps)
        raise


async def _reap(steps: Collection[asyncio.Future[object]]) -> None:
    for step in steps:
        step.cancel()
    await asyncio.gather(*steps, return_exceptions=True)
