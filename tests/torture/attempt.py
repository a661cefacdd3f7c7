"""One attempt in a process of its own: python -m tests.torture.attempt MODULE FUNCTION SEED FOLDER.

The outcome goes to FOLDER/outcome.json; whatever is printed is the attempt's own noise.
"""

import resource
import sys
import traceback
from importlib import import_module
from pathlib import Path
from typing import Final

from tests.torture.experiment import Outcome

ANSWER: Final = "outcome.json"


def attempted(module: str, function: str, seed: int, folder: Path) -> Outcome:
    """Make one attempt; an exception of the harness is a loss too, never a success."""
    try:
        attempt = getattr(import_module(module), function)
        return Outcome.model_validate(attempt(seed, folder))
    except Exception:  # noqa: BLE001 - told in the report
        return Outcome(losses=[f"the attempt broke:\n{traceback.format_exc()}"])


def cpu_seconds() -> float:
    """Sum up what this process and its ended children computed."""
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(each.ru_utime + each.ru_stime for each in used)


if __name__ == "__main__":
    module, function, seed, folder = sys.argv[1:]
    outcome = attempted(module, function, int(seed), Path(folder))
    outcome.cpu_seconds = cpu_seconds()
    (Path(folder) / ANSWER).write_text(outcome.model_dump_json())
