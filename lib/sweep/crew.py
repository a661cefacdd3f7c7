"""Who runs the trials: processes of this machine, or a Dask cluster. Both answer futures.

Every process of ours has a pipe of its own, so that one which dies (killed, out of memory, a crash
in C) takes its own trial with it and no other's. What died is tried once more: only a trial whose
process dies twice has failed, so a process killed by chance changes no result.
"""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, Protocol

from lib.sweep.research import imported
from lib.sweep.trial import Ending, Trial, failed, run_trial

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

ANSWER_SECONDS: Final = 10  # for which a cluster is waited for
DASK_ROOM: Final = 2  # trials per thread of a cluster: one runs, one waits
DIED: Final = "its process died twice: killed, out of memory, or a crash outside Python"


class Crew(Protocol):
    """Takes as many trials at a time as it has `room`."""

    @property
    def room(self) -> int: ...

    def submit(self, trial: Trial) -> "Future[Ending]":
        """Begin a trial. The future holds its ending, or CrewLost."""
        ...

    def disband(self) -> None:
        """End at once what still runs."""
        ...


class CrewLost(Exception):
    """Who ran a trial is gone, and the trial with it."""


class ClusterLost(Exception):
    """The whole cluster is gone."""


class Processes:
    """Processes of this machine, `jobs` of them, begun when they are needed."""

    def __init__(self, jobs: int, run: Callable[[Trial], Ending] = run_trial) -> None:
        self.room = jobs
        self._run = run
        self._idle: list[Hand] = []
        self._hands: list[Hand] = []
        self._waiters = ThreadPoolExecutor(jobs)

    def submit(self, trial: Trial) -> "Future[Ending]":
        """Give a trial to a process that has nothing to do."""
        hand = self._idle.pop() if self._idle else self._begin()
        return self._waiters.submit(self._ask, hand, trial)

    def disband(self) -> None:
        """Kill every process."""
        for hand in tuple(self._hands):
            hand.process.kill()
        self._waiters.shutdown(wait=True, cancel_futures=True)
        for hand in tuple(self._hands):
            hand.end()

    def _begin(self) -> "Hand":
        hand = Hand(self._run)
        self._hands.append(hand)
        return hand

    def _ask(self, hand: "Hand", trial: Trial) -> Ending:
        try:
            ending = hand.ask(trial)
        except (EOFError, OSError) as gone:
            self._hands.remove(hand)
            hand.end()
            raise CrewLost("its process died") from gone
        self._idle.append(hand)
        return ending


class Hand:
    """One process, and the pipe to it. It has no other way to be told anything."""

    def __init__(self, run: Callable[[Trial], Ending]) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self.process = context.Process(target=serve, args=(theirs, run), daemon=True)
        self.process.start()
        theirs.close()

    def ask(self, trial: Trial) -> Ending:
        """Have a trial run. Raises EOFError or OSError if the process dies over it."""
        self._pipe.send(trial)
        ending: Ending = self._pipe.recv()
        return ending

    def end(self) -> None:
        """Let go of a process, dead or alive."""
        self.process.kill()
        self.process.join()
        self._pipe.close()


def serve(pipe: "Connection[Ending, Trial]", run: Callable[[Trial], Ending]) -> None:
    """Run what comes through the pipe, until its other end is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent
    threading.Thread(target=_die_with_parent, daemon=True).start()
    with suppress(EOFError, OSError):
        while True:
            pipe.send(run(pipe.recv()))


def _die_with_parent() -> None:
    """End in the midst of a trial, too, when nobody waits for it any more."""
    parent = multiprocessing.parent_process()
    assert parent is not None, "begun by nobody"
    parent.join()
    os._exit(1)


class Cluster:
    """A Dask cluster that is there already, by the address of its scheduler."""

    def __init__(self, address: str, run: Callable[[Trial], Ending] = run_trial) -> None:
        """Raises ValueError where it cannot be reached, or Dask is not installed."""
        distributed = imported("distributed")
        self._run = run
        try:
            self._client: Any = distributed.Client(
                address, timeout=ANSWER_SECONDS, set_as_default=False
            )
        except (OSError, ValueError, TimeoutError) as wrong:
            raise ValueError(f"no Dask cluster answers at {address}: {wrong}") from wrong
        self._executor: Any = self._client.get_executor(pure=False, retries=0)
        self.room = max(1, DASK_ROOM * sum(self._client.nthreads().values()))

    def submit(self, trial: Trial) -> "Future[Ending]":
        """Give a trial to the cluster."""
        answer: Future[Ending] = Future()
        begun = self._executor.submit(self._run, trial)
        begun.add_done_callback(lambda done: _pass_on(done, answer))
        return answer

    def disband(self) -> None:
        """Take back what was given to the cluster, and leave it."""
        self._executor.shutdown(wait=False)
        self._client.close(timeout=2)


def _pass_on(done: "Future[Ending]", answer: "Future[Ending]") -> None:
    if done.cancelled():
        answer.set_exception(ClusterLost("the cluster was lost"))
        return
    wrong = done.exception()
    if wrong is None:
        answer.set_result(done.result())
    elif type(wrong).__name__ == "KilledWorker":
        answer.set_exception(CrewLost("its worker died"))
    else:
        answer.set_exception(wrong)


def died_twice(trial: Trial) -> Ending:
    """Answer what a trial comes to whose process died each time."""
    return failed(trial.key, DIED)
