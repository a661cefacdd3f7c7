"""How far a sweep has come: a line that moves on a terminal, else one now and then."""

import os
import sys
import time
from typing import Final

from lib.control.market_words import duration_text
from lib.control.spoken import say
from lib.sweep.sweep import Advance

LINE_EVERY: Final = 10.0  # seconds
STDERR: Final = 2


class SweepLines:
    """Shows each advance."""

    def __init__(self) -> None:
        self._moves = os.isatty(STDERR) and os.environ.get("TERM", "dumb") != "dumb"
        self._began = time.monotonic()
        self._told = self._began
        self.advance: Advance | None = None

    def show(self, advance: Advance) -> None:
        """Show how far it is now."""
        is_first, self.advance = self.advance is None, advance
        if is_first and advance.found:
            say(f"going on: {advance.found} trials are there from earlier")
        now = time.monotonic()
        if self._moves:
            sys.stderr.write(f"\r\x1b[K{summary(advance, now - self._began)}")
            sys.stderr.flush()
        elif now - self._told >= LINE_EVERY:
            self._told = now
            say(summary(advance, now - self._began))

    def leave(self) -> None:
        """Wipe what moves."""
        if self._moves:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()


def summary(advance: Advance, seconds: float) -> str:
    """Say in one line what is done and what is left."""
    left, fresh = advance.expected - advance.done, advance.done - advance.found
    parts = [f"{advance.done} of {advance.expected} trials", f"{left} left"]
    if left and fresh:
        parts.append(f"about {duration_text(round(seconds * 1000 * left / fresh))}")
    return ", ".join(parts)
