"""An event loop whose time is a number: it jumps to the next timer when nothing is ready.

What happens on the way to that timer may be told it: `passing` moves the time itself, as far as
it likes, and stops as soon as it gave somebody something to do.
"""

import asyncio
import heapq
import itertools
import selectors
import warnings
from collections.abc import Callable
from contextlib import suppress
from contextvars import Context
from typing import Any


class _Jump(selectors.SelectSelector):
    """A selector that does not wait: it moves the loop's time on instead."""

    loop: "VirtualLoop"

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        loop = self.loop
        if timeout is None:
            raise Deadlock("nothing is ready and nothing ever will be")
        if loop.on_turn is not None:
            loop.on_turn(timeout)
        if timeout > 0:
            if loop.passing is None:
                loop.move(timeout)
            else:
                loop.passing(loop.due(timeout))
        return super().select(0) if loop.looks_outside else []


class _Timer(asyncio.TimerHandle):
    """A timer that rings in the order of setting among those of one moment.

    asyncio leaves that open: it would depend on what else is waited for.
    """

    __slots__ = ("serial",)
    serial: int

    def __lt__(self, other: "_Timer") -> bool:  # type: ignore[override]
        return (self.when(), self.serial) < (other.when(), other.serial)


class Deadlock(AssertionError):
    """Everything waits, and no timer is set."""


class VirtualLoop(asyncio.SelectorEventLoop):
    """Days per second. What is asked of an executor happens in the loop, `disk_ms` later."""

    def __init__(self, start: float = 0.0, disk_ms: int = 5) -> None:
        self._now = start
        self.on_turn: Callable[[float], None] | None = None  # told how long it would wait
        self.passing: Callable[[float], None] | None = None  # moves the time up to a moment
        self.looks_outside = True  # whether sockets and other threads can have news
        self.stirred = False  # set whenever something is to be done, or a timer begins
        self._disk_seconds = disk_ms / 1000
        self._serials = itertools.count()
        selector = _Jump()
        selector.loop = self
        super().__init__(selector)
        self._abandoned = False
        self._clock_resolution = 1e-5  # of a float of seconds since 1970

    def time(self) -> float:
        return self._now

    def move(self, seconds: float) -> None:
        """Let so much time pass, and at least as much as the clock can tell apart."""
        self._now += max(seconds, self._clock_resolution)

    def move_to(self, time: float) -> None:
        """Let the time be so late; it never goes back."""
        self._now = max(self._now, time)

    def call_soon(  # type: ignore[override]
        self, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.Handle:
        """Take in something to do at once."""
        self.stirred = True
        return super().call_soon(callback, *args, context=context)

    def call_at(  # type: ignore[override]
        self,
        when: float,
        callback: Callable[..., object],
        *args: Any,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        """Take in something to do later."""
        self.stirred = True
        timer = _Timer(when, callback, args, self, context)
        timer.serial = next(self._serials)
        heapq.heappush(self._scheduled, timer)  # type: ignore[attr-defined]
        timer._scheduled = True  # type: ignore[attr-defined]  # noqa: SLF001
        return timer

    def due(self, timeout: float) -> float:
        """Answer until when it would wait so many seconds: exactly the next timer's time."""
        scheduled = self._scheduled  # type: ignore[attr-defined]
        at = float(scheduled[0].when()) if scheduled else self._now
        return at if at - self._now <= timeout + self._clock_resolution else self._now + timeout

    def run_in_executor(  # type: ignore[override]
        self, executor: Any, func: Callable[..., Any], *args: Any
    ) -> asyncio.Future[Any]:
        """Run it later, whether or not somebody still waits: a thread cannot be canceled."""
        future: asyncio.Future[Any] = self.create_future()

        def act() -> None:
            try:
                result = func(*args)
            except Exception as wrong:  # noqa: BLE001 - it belongs to whoever waits
                if not future.done():
                    future.set_exception(wrong)
            else:
                if not future.done():
                    future.set_result(result)

        self.call_later(self._disk_seconds, act)
        return future

    def abandon(self) -> None:
        """Let go of everything at once, as a power cut does: nothing is awaited or told."""
        self._abandoned = True
        self.set_exception_handler(lambda _loop, _context: None)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # what never began was not awaited
            self._drop_everything()
        self.close()

    def _asyncgen_finalizer_hook(self, agen: Any) -> None:
        """Close what nobody iterates any more; after the end there is nobody to do it."""
        if not self._abandoned:
            super()._asyncgen_finalizer_hook(agen)  # type: ignore[misc]

    def _drop_everything(self) -> None:
        self._ready.clear()  # type: ignore[attr-defined]
        for task in asyncio.all_tasks(self):
            task._log_destroy_pending = False  # type: ignore[attr-defined]  # noqa: SLF001
            coroutine = task.get_coro()
            if coroutine is not None and hasattr(coroutine, "close"):
                _close(coroutine)
        self._asyncgens.clear()  # type: ignore[attr-defined]


def _close(coroutine: Any) -> None:
    with suppress(BaseException):  # the dead cannot complain
        coroutine.close()
