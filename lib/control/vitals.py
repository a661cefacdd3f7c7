"""What systemd and Docker are told about our health.

systemd takes one-line messages at a socket, Docker looks at the age of a file. Both are told only
while something real holds: the loop turns, saves complete, and the exchange is heard or is known
to be out of reach. Whoever does not listen is not spoken to: without NOTIFY_SOCKET and
HEARTBEAT_FILE all of this does nothing.

Two traps of sdnotify are kept here: a letter outside latin-1 makes it drop the whole datagram in
silence, so texts are folded to ASCII and a ping never travels with one.
"""

import asyncio
import faulthandler
import logging
import os
import time
import unicodedata
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Final, Protocol

from sdnotify import SystemdNotifier

log = logging.getLogger(__name__)

LAG_MAX_MS: Final = 2_000
"""How late the loop may wake us. A program that slow must not trade."""
SAVE_MAX_MS: Final = 30_000
"""How long one save may take: an SD card collecting its garbage needs seconds, not this."""
SECOND_LOOK_MS: Final = 1_000
HEARTBEAT_MS: Final = 60_000
"""The watchdog's interval in a container, where no systemd sets one."""
STATUS_LENGTH_MAX: Final = 200
START_EXTENSION: Final = 180_000_000
"""Microseconds that a start may take from each step forward: what TimeoutStartSec= allows."""
STEP_MS: Final = 1_000  # between two such steps that are told: systemd reads no thousand at once
FAREWELL: Final = 0.1  # seconds that the last word may take
_TRANSLITERATED: Final = str.maketrans({"€": "EUR", "£": "GBP", "→": "->", "–": "-", "—": "-"})


class Signs(Protocol):
    """By what the supervisor shows that it lives. Both are read at one glance, without waiting."""

    @property
    def saving_ms(self) -> int:
        """How long the oldest save that has not come back has been running; 0 if none is."""
        ...

    @property
    def silent_ms(self) -> int:
        """How long no stream event, no complete poll and no refusal of one has been heard.

        An exchange known to be out of reach is not silence: a ban is waited out, not restarted.
        """
        ...


class Vitals:
    """Our voice to systemd, and the file whose age Docker looks at."""

    def __init__(
        self,
        environ: Mapping[str, str] | None = None,
        *,
        ticks: Callable[[], int] = lambda: time.monotonic_ns() // 1_000_000,
    ) -> None:
        environ = os.environ if environ is None else environ
        self._notifier = SystemdNotifier() if environ.get("NOTIFY_SOCKET") else None
        heartbeat = environ.get("HEARTBEAT_FILE")
        self._heartbeat = Path(heartbeat) if heartbeat else None
        self.watchdog_ms = _watchdog_ms(environ) or (HEARTBEAT_MS if heartbeat else 0)
        self._ticks = ticks
        self._is_ready = False
        self._stepped_at: int | None = None
        self._text = ""
        self._ailment = ""
        self._shown = ""

    def ready(self) -> None:
        """Say that the start is over: every context is read."""
        self._is_ready = True
        self._notify("READY=1")

    def reloading(self) -> None:
        """Say that conf.json is being read again; `ready` ends it."""
        self._notify(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}")

    def status(self, text: str) -> None:
        """Say in one line what goes on; shown by `systemctl --user status`.

        Until it is ready each new line is a step forward, and puts off the end that systemd has
        in store for a start that takes too long; one that hangs says nothing new, and is ended.
        """
        moved_on, self._text = text != self._text, text
        if self._is_ready or (moved_on and self._is_step_due()):
            self._show()

    def stopping(self) -> None:
        """Say that the end has begun, so that it is not taken for a failure.

        May be called by a signal's handler: it waits for nobody.
        """
        self._notify("STOPPING=1", wait=FAREWELL)

    def close(self) -> None:
        """Give the socket back; nothing is told any more."""
        if self._notifier and self._notifier.socket:
            self._notifier.socket.close()
        self._notifier = None

    @property
    def heard(self) -> bool:
        """Whether anybody listens to what is said."""
        return self._notifier is not None

    async def vouch(
        self,
        signs: Signs,
        *,
        silence_max_ms: int,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Ping at half the watchdog's interval for as long as all is well; never ends.

        What is not well is looked at again after a second, so that a short lapse costs no ping
        and a long one costs all of them: then the process is ended, and started again.
        Returns at once if nobody watches.
        """
        loop, lag_ms = asyncio.get_running_loop(), 0
        while self.watchdog_ms:
            ailment = diagnosis(signs, lag_ms=lag_ms, silence_max_ms=silence_max_ms)
            self._note(ailment)
            if not ailment:
                self._beat()
            pause = (SECOND_LOOK_MS if ailment else self.watchdog_ms // 2) / 1000
            due = loop.time() + pause
            await sleep(pause)
            lag_ms = round((loop.time() - due) * 1000)

    def _beat(self) -> None:
        """Put off the end once more. Docker ends no hung process, so it must end itself."""
        self._notify("WATCHDOG=1")
        if self._heartbeat:
            self._heartbeat.touch()
            faulthandler.dump_traceback_later(self.watchdog_ms / 1000, exit=True)

    def _note(self, ailment: str) -> None:
        if ailment and not self._ailment:
            log.warning("not well: %s", ailment)
        if self._ailment and not ailment:
            log.warning("well again")
        self._ailment = ailment
        self._show()

    def _is_step_due(self) -> bool:
        """Put off the end of a start that moves on; False if that was done a moment ago."""
        now = self._ticks()
        if self._stepped_at is not None and now - self._stepped_at < STEP_MS:
            return False
        self._stepped_at = now
        self._notify(f"EXTEND_TIMEOUT_USEC={START_EXTENSION}")
        return True

    def _show(self) -> None:
        line = ascii_line(f"not well: {self._ailment}" if self._ailment else self._text)
        if line != self._shown:
            self._shown = line
            self._notify(f"STATUS={line}", wait=0)

    def _notify(self, message: str, *, wait: float = 1) -> None:
        """Tell systemd; where its socket is full, the loop waits no longer than this for room."""
        if self._notifier:
            if self._notifier.socket:
                self._notifier.socket.settimeout(wait)
            self._notifier.notify(message)


def diagnosis(signs: Signs, *, lag_ms: int, silence_max_ms: int) -> str:
    """Say what is wrong with us; empty when nothing is."""
    if lag_ms > LAG_MAX_MS:
        return f"the loop woke {lag_ms} ms late"
    if signs.saving_ms > SAVE_MAX_MS:
        return f"a save has been running for {signs.saving_ms} ms"
    if signs.silent_ms > silence_max_ms:
        return f"neither stream nor poll has brought anything for {signs.silent_ms} ms"
    return ""


def ascii_line(text: str) -> str:
    """Write a text in one ASCII line: accents dropped, what has no likeness as a question mark."""
    plain = unicodedata.normalize("NFKD", text.translate(_TRANSLITERATED))
    plain = "".join(letter for letter in plain if not unicodedata.combining(letter))
    printable = "".join(letter if letter.isprintable() else " " for letter in plain)
    line = " ".join(printable.encode("ascii", "replace").decode("ascii").split())
    return line[:STATUS_LENGTH_MAX]


def _watchdog_ms(environ: Mapping[str, str]) -> int:
    """Answer the interval that systemd set for this very process, 0 if none."""
    micros, pid = environ.get("WATCHDOG_USEC", ""), environ.get("WATCHDOG_PID", "")
    meant = not pid or pid == str(os.getpid())
    return int(micros) // 1000 if meant and micros.isdecimal() else 0
