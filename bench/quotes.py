"""One market event to 1000 bots on 50 symbols: how many times a broadcast to all, in one run.

The broadcast puts each event into the queue of every bot, which wakes and looks whether it is
meant; so do most bot runners. Ours wakes the bots of that symbol, and none while no bound of
theirs is crossed. `watching`: bots that want every price. `in a burst`: a hundred events between
two turns of the loop. `waiting for a price`: bots in `desk.crossing`, whose price is far away.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from decimal import Decimal
from statistics import median
from typing import TypeAlias, cast

from lib.exchange import Quote, Venue
from lib.quotes import Quotes

BOTS = 1_000
SYMBOLS = tuple(f"COIN{number}USDT" for number in range(50))
ROUNDS = 7
BURST = 100
EVENTS = {"broadcast": 50, "ours": 10_000}  # about as long: the broadcast is that slow
PRICE = Decimal("60000.01")

Deliver: TypeAlias = Callable[[int], Awaitable[None]]  # so many events


def measure() -> list[tuple[str, float]]:
    """Answer name and ratio of each way; 40 is forty times as many events a second."""
    return asyncio.run(_measure())


async def _measure() -> list[tuple[str, float]]:
    ways = {
        "watching": _watching(1),
        "in a burst": _watching(BURST),
        "waiting for a price": _waiting,
    }
    return [(f"times a broadcast, {name}", await _ratio(way)) for name, way in ways.items()]


async def _ratio(ours: Deliver) -> float:
    ratios = []
    for _ in range(ROUNDS):
        broadcast = await _seconds_per_event(_broadcast, EVENTS["broadcast"])
        ratios.append(broadcast / await _seconds_per_event(ours, EVENTS["ours"]))
    return median(ratios)


async def _seconds_per_event(deliver: Deliver, events: int) -> float:
    began = time.process_time()
    await deliver(events)
    return (time.process_time() - began) / events


def _event(number: int) -> Quote:
    return Quote(SYMBOLS[number % len(SYMBOLS)], last=PRICE + number, time=number)


async def _broadcast(events: int) -> None:
    queues: list[asyncio.Queue[Quote]] = [asyncio.Queue() for _ in range(BOTS)]
    heard = [0] * BOTS

    async def bot(number: int) -> None:
        symbol = SYMBOLS[number % len(SYMBOLS)]
        while True:
            heard[number] += (await queues[number].get()).symbol == symbol

    tasks = [asyncio.create_task(bot(number)) for number in range(BOTS)]
    await asyncio.sleep(0)
    for number in range(events):
        event = _event(number)
        for queue in queues:
            queue.put_nowait(event)
        await _settle()
    assert sum(heard) == events * BOTS // len(SYMBOLS)
    await _end(tasks)


def _watching(burst: int) -> Deliver:
    async def deliver(events: int) -> None:
        quotes, newest = _quotes(), dict.fromkeys(range(BOTS), PRICE)

        async def bot(number: int) -> None:
            while True:
                newest[number] = (await quotes.next(SYMBOLS[number % len(SYMBOLS)])).last

        tasks = [asyncio.create_task(bot(number)) for number in range(BOTS)]
        await asyncio.sleep(0)
        for number in range(events):
            quotes.take(_event(number))
            if number % burst == burst - 1:
                await _settle()
        # a burst of more events than symbols leaves its first one of each: the next is newer
        assert min(newest.values()) > PRICE + events - burst - len(SYMBOLS) - 1
        await _end(tasks)

    return deliver


async def _waiting(events: int) -> None:
    quotes, rung = _quotes(), []
    alarms = [
        quotes.alarm(SYMBOLS[number % len(SYMBOLS)], lambda: rung.append(1), below=PRICE / 2)
        for number in range(BOTS)
    ]
    for number in range(events):
        quotes.take(_event(number))
        await _settle()
    assert not rung
    quotes.take(Quote(SYMBOLS[0], last=PRICE / 3))
    assert len(rung) == len(alarms) // len(SYMBOLS)


def _quotes() -> Quotes:
    quotes = Quotes(cast("Venue", _Silence()))
    for number in range(BOTS):
        quotes.open(SYMBOLS[number % len(SYMBOLS)])
    return quotes


class _Silence:
    """A venue that has nothing to say by itself."""

    def watch_quotes(self, symbol: str, on_quote: Callable[[Quote], None]) -> Callable[[], None]:
        assert symbol in SYMBOLS
        assert on_quote is not None
        return lambda: None


async def _settle() -> None:
    """Let all who were woken run until they wait again."""
    for _ in range(2):
        await asyncio.sleep(0)


async def _end(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


if __name__ == "__main__":
    for name, ratio in measure():
        print(f"{name:40} {ratio:7.1f}")
