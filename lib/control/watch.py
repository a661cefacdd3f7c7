"""Everything about a run that only looks on: its lag, its status line, its health, its metrics."""

import platform
from collections.abc import Coroutine
from typing import Any, Final

from lib.control.census import Census
from lib.control.checkup import Checkup
from lib.control.event_age import EventAge
from lib.control.intake import Intake
from lib.control.loop_lag import LoopLag
from lib.control.metrics import Build, Metrics, Weighed
from lib.control.metrics_server import MetricsServer
from lib.control.pulse import Pulse, TimedDisk, running_ms
from lib.control.status_line import StatusLine
from lib.control.terminal import machine_time
from lib.control.version import version
from lib.control.vitals import Vitals
from lib.supervisor import Supervisor

SILENT_POLLS: Final = 4  # after so many polls without an answer the watchdog is not vouched to
SILENCE_MIN_MS: Final = 120_000  # but never sooner than this


class Watch:
    """Looks at one supervisor."""

    def __init__(
        self, intake: Intake, supervisor: Supervisor, disk: TimedDisk, vitals: Vitals
    ) -> None:
        self._intake = intake
        self._supervisor = supervisor
        self._disk = disk
        self._vitals = vitals
        self._pulse = Pulse(supervisor.floor.mirror, disk, running_ms)
        self._lag = LoopLag()
        self._silence_max_ms = max(SILENCE_MIN_MS, SILENT_POLLS * intake.conf.settings.poll)
        self.census = Census(supervisor)
        redact = intake.credentials.redactor.redact
        self._line = StatusLine(supervisor, self.census, redact)
        self.checkup = Checkup(
            self._pulse, self._lag, self._line.text, silence_max_ms=self._silence_max_ms
        )

    def tasks(self, venue: Weighed) -> dict[str, Coroutine[Any, Any, None]]:
        """Answer what is to run beside the bots, by name."""
        vouching = self._vitals.vouch(self._pulse, silence_max_ms=self._silence_max_ms)
        tasks = {"the watchdog's care": vouching, "the look at the loop": self._lag.keep()}
        if self._vitals.heard:
            tasks["the status line"] = self._line.keep(self._vitals)
        port = self._intake.conf.settings.metrics
        return tasks if port is None else {**tasks, **self._metrics(venue, port)}

    def _metrics(self, venue: Weighed, port: int) -> dict[str, Coroutine[Any, Any, None]]:
        event_age = EventAge(self._supervisor.floor.mirror, running_ms)
        metrics = Metrics(
            self._supervisor,
            self.census,
            build=Build(version(), platform.python_version(), self._intake.venue),
            venue=venue,
            saves=self._disk.saves,
            lag=self._lag,
            event_age=event_age,
            is_well=lambda: self.checkup()[0],
            now=machine_time,
            ticks=running_ms,
        )
        served = MetricsServer(metrics.text, port).serve()
        return {"the metrics": served, "the stream's age": event_age.keep()}
