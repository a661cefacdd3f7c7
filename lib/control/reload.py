"""The word `reload`: conf.json is read anew while the bots run.

What it says is judged first; one mistake, and nothing is changed. Then every difference is named,
and what can be taken over is: bots come, go and change one by one (lib/changeover.py), each as a
restart would have it. The runner's own settings count from the next start.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final, Protocol

from lib.conf import RunnerConf
from lib.control.conf_changes import NEXT_START, differences
from lib.control.reload_judgement import judge
from lib.control.reload_steps import Step, Steps
from lib.control.reload_words import PARTLY, SAME, TAKEN, UNCHANGED, is_whole
from lib.control.request import Request
from lib.mistakes import ConfError
from lib.news import Kind, News, Sink
from lib.supervisor import Supervisor

TOO_EARLY: Final = "the exchange was not reached yet; say it again later, or restart"
PATIENCE: Final = 20  # seconds for the start to get so far that bots may come and go
KILLED: Final = "all bots are killed until `unkill`"


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read, and what else a person changed that counts from the next start alone."""

    conf: RunnerConf
    beside: tuple[str, ...] = ()


Read = Callable[[], Reading]


class Heralds(Protocol):
    """Who wants to know that conf.json is being read: systemd, or nobody."""

    def reloading(self) -> None: ...

    def ready(self) -> None: ...


class Reload:
    """Takes conf.json over, each time it is asked to. `read` raises ConfError."""

    def __init__(
        self, supervisor: Supervisor, conf: RunnerConf, read: Read, tell: Sink, heralds: Heralds
    ) -> None:
        self._supervisor = supervisor
        self._settings = conf.settings
        self._steps = Steps(supervisor, conf)
        self._read = read
        self._sink = tell
        self._heralds = heralds
        self.on_conf: Callable[[RunnerConf], None] = lambda _: None  # before any bot goes by it

    async def __call__(self, request: Request) -> str:
        """Read, judge, take over; answer what changed, or why nothing did."""
        self._heralds.reloading()
        try:
            answer = await self._taken_over(request)
        finally:
            self._heralds.ready()
        kind = Kind.START if is_whole(answer) else Kind.WARNING
        self._sink(News(0, "", kind, f"conf.json was read again (by {request.by}): {answer}"))
        return answer

    async def _taken_over(self, request: Request) -> str:
        try:
            reading = self._read()
        except ConfError as wrong:
            return f"{UNCHANGED}:\n{wrong}"
        if not await self._supervisor.changeover.has_begun(PATIENCE):
            return f"{UNCHANGED}: {TOO_EARLY}"
        plan = self._steps.plan(reading.conf, request.removed)
        verdicts = judge(reading.conf, plan.begun, self._supervisor.floor.rules)
        if verdicts:
            return "\n".join([f"{UNCHANGED}:", *map(str, verdicts)])
        self.on_conf(reading.conf)
        taken = await self._steps.take(plan, reading.conf, by=request.by, at=request.asked_at)
        beside = [*self._changed_settings(reading.conf), *reading.beside]
        return self._answer(taken, [f"{text}; {NEXT_START}" for text in beside])

    def _changed_settings(self, conf: RunnerConf) -> list[str]:
        before, after = self._settings, conf.settings
        return differences(before.model_dump(mode="json"), after.model_dump(mode="json"))

    def _answer(self, taken: Iterable[Step], beside: Iterable[str]) -> str:
        steps = list(taken)
        lines = [*(f"{step.name}: {step.text}" for step in steps), *beside]
        if not lines:
            return SAME
        if steps and self._supervisor.floor.instructions.killed:
            lines.append(KILLED)
        return "\n".join([f"{TAKEN if all(step.done for step in steps) else PARTLY}:", *lines])
