"""Barriers hold, together shares them, contexts come back or are refused."""

import asyncio
from decimal import Decimal
from typing import Any, ClassVar

import pytest
from pydantic import ValidationError

from lib.errors import LaterContext, Unavailable
from lib.machine import Context, Machine, drive, find_all, together
from lib.orders import Order


class Count(Context):
    done: int = 0
    other: int = 0


def driven(machine: Machine[Any]) -> list[str]:
    """Drive a machine over a slow disk; answer every context that was saved."""
    saved: list[str] = []

    async def save(context: Context) -> None:
        written = context.model_dump_json()
        await asyncio.sleep(0)
        saved.append(written)

    asyncio.run(drive(machine, save))
    return saved


def test_what_is_above_a_yield_is_on_disk_below_it() -> None:
    seen: list[bool] = []
    saved: list[Count] = []

    async def machine(ctx: Count) -> Machine[Count]:
        for _ in range(3):
            ctx.done += 1
            yield ctx
            seen.append(saved[-1].done == ctx.done)

    async def save(ctx: Count) -> None:
        await asyncio.sleep(0)
        saved.append(ctx.model_copy())

    asyncio.run(drive(machine(Count()), save))

    assert seen == [True, True, True]


def test_one_barrier_serves_all_that_wait() -> None:
    async def step(ctx: Count, name: str) -> Machine[Count]:
        for _ in range(2):
            setattr(ctx, name, getattr(ctx, name) + 1)
            yield ctx

    async def both(ctx: Count) -> Machine[Count]:
        async for _ in together(step(ctx, "done"), step(ctx, "other")):
            yield ctx

    saved = driven(both(Count()))

    assert [
        (Count.model_validate_json(s).done, Count.model_validate_json(s).other) for s in saved
    ] == [
        (1, 1),
        (2, 2),
    ]


def test_a_child_resumes_only_after_a_save_that_began_with_its_intent_in_it() -> None:
    acknowledged: list[Count] = []
    broken: list[int] = []

    async def slow(ctx: Count) -> Machine[Count]:
        for _ in range(4):
            await asyncio.sleep(0.003)
            ctx.done += 1
            yield ctx
            if acknowledged[-1].done < ctx.done:
                broken.append(ctx.done)

    async def fast(ctx: Count) -> Machine[Count]:
        for _ in range(9):
            await asyncio.sleep(0.001)
            ctx.other += 1
            yield ctx
            if acknowledged[-1].other < ctx.other:
                broken.append(ctx.other)

    async def both(ctx: Count) -> Machine[Count]:
        async for _ in together(slow(ctx), fast(ctx)):
            yield ctx

    async def save(ctx: Count) -> None:
        written = ctx.model_copy()
        await asyncio.sleep(0.002)
        acknowledged.append(written)

    asyncio.run(drive(both(Count()), save))

    assert not broken
    assert (acknowledged[-1].done, acknowledged[-1].other) == (4, 9)


def test_a_failure_of_one_child_stops_the_others_and_is_the_parents() -> None:
    ended: list[str] = []

    async def failing() -> Machine[Count]:
        yield Count()
        raise Unavailable("maintenance")

    async def waiting() -> Machine[Count]:
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            ended.append("canceled")
            raise
        yield Count()

    async def both() -> Machine[Count]:
        async for _ in together(failing(), waiting()):
            yield Count()

    with pytest.raises(Unavailable):
        driven(both())
    assert ended == ["canceled"]


def test_an_unknown_field_is_refused() -> None:
    with pytest.raises(ValidationError):
        Count.model_validate_json('{"version":1,"done":1,"typo":2}')


def test_a_context_of_a_later_version_is_refused_untouched() -> None:
    with pytest.raises(LaterContext):
        Count.model_validate_json('{"version":2,"done":1}')


def test_a_context_of_an_older_version_is_upgraded() -> None:
    class Renamed(Context):
        VERSION: ClassVar[int] = 2
        finished: int = 0

        @classmethod
        def upgrade(cls, old: dict[str, Any]) -> dict[str, Any]:
            return {"finished": old.pop("done"), **old}

    assert Renamed.model_validate_json('{"version":1,"done":7}').finished == 7


def test_an_amount_survives_to_the_last_digit() -> None:
    amount = Decimal("0.1234567890123456789012345678901234567890")
    order = Order(symbol="BTCUSDT", side="BUY", type="MARKET", quantity=amount)

    assert Order.model_validate_json(order.model_dump_json()).quantity == amount


def test_every_order_inside_a_context_is_found() -> None:
    class Nested(Context):
        one: Order | None = None
        many: list[Order] = []

    def order(symbol: str) -> Order:
        return Order(symbol=symbol, side="BUY", type="MARKET", quantity=Decimal(1))

    nested = Nested(one=order("A"), many=[order("B"), order("C")])

    assert [found.symbol for found in find_all(Order, nested)] == ["A", "B", "C"]


def test_a_machine_that_joins_runs_from_the_barrier_on() -> None:
    order: list[str] = []

    async def grow(ctx: Count) -> Machine[Count]:
        for _ in range(3):
            ctx.done += 1
            order.append(f"asked {ctx.done}")
            yield ctx

    async def newcomer(ctx: Count, number: int) -> Machine[Count]:
        order.append(f"began {number}")
        ctx.other += 1
        yield ctx

    async def team(ctx: Count) -> Machine[Count]:
        begun: list[int] = []

        def joining() -> list[Machine[Count]]:
            new = list(range(len(begun), ctx.done))
            begun.extend(new)
            return [newcomer(ctx, number + 1) for number in new]

        async for _ in together(grow(ctx), joining=joining):
            order.append("saved")
            yield ctx

    saved = driven(team(Count()))

    assert Count.model_validate_json(saved[-1]) == Count(done=3, other=3, version=1)
    assert order.index("asked 1") < order.index("saved") < order.index("began 1")
    assert {"began 1", "began 2", "began 3"} <= set(order)
