"""From the start of the process to READY=1 with 100 contexts to read; seconds, and as a ratio.

The ratio is to what python-binance alone takes to be imported, in the same run.
"""

import subprocess
import sys
import time
from statistics import median

from bench.scene import Scene, scene

BOTS = 100
ROUNDS = 7


def measure() -> list[tuple[str, float]]:
    """Answer both, as medians; the files are warm."""
    with scene(BOTS) as stage:
        with stage.runner() as runner:
            runner.wait_until_all_trade()
        rounds = [(_start(stage), _import_alone()) for _ in range(ROUNDS)]
    return [
        (f"seconds to READY, {BOTS} contexts", median(start for start, _ in rounds)),
        ("times the import of python-binance", median(start / bare for start, bare in rounds)),
    ]


def _start(stage: Scene) -> float:
    with stage.runner() as runner:
        return runner.seconds_to_ready()


def _import_alone() -> float:
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", "import binance"], check=True)
    return time.perf_counter() - began
