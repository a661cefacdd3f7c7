"""What processes of a crew run in tests: formulas that pause, die or hang."""

import os
import signal
import time

from lib.sweep.trial import Ending, Trial
from tests.sweep.scenes import formula

DEADLY = (1, 1)


def paused(trial: Trial) -> Ending:
    """Take a moment, as a back-test does."""
    time.sleep(0.15)
    return formula(trial)


def deadly(trial: Trial) -> Ending:
    """Kill its own process at one combination, as the system does when memory runs out."""
    if trial.key.places == DEADLY:
        os.kill(os.getpid(), signal.SIGKILL)
    return formula(trial)


def quitting(trial: Trial) -> Ending:
    """End the interpreter, as a bot has no business to."""
    raise SystemExit(3)


def endless(trial: Trial) -> Ending:
    """Go on and on, and say who it is."""
    print(os.getpid(), flush=True)
    time.sleep(600)
    return formula(trial)
