"""How the program stops: at once. Nothing is wound up, since nothing may rely on that."""

import os
import signal
from collections.abc import Callable
from types import FrameType
from typing import Final

from lib.control.exits import Exit

SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def stop_on_signals(leave: Callable[[], None] = lambda: None) -> None:
    """End the process on Ctrl-C, SIGTERM and SIGHUP after a last look at the terminal.

    A runner without a terminal takes SIGHUP for a `reload` instead: lib/control/hangup.py. The
    handlers are Python's own and not the event loop's: a loop that hangs stops as well.
    """

    def stop(_: int, __: FrameType | None) -> None:
        try:
            leave()
        finally:
            os._exit(Exit.FINE)

    for number in SIGNALS:
        signal.signal(number, stop)
