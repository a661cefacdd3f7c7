"""One attempt in a process of its own: python -m tests.torture.attempt MODULE NAME SEED FOLDER.

The outcome goes to FOLDER/outcome.json; whatever is printed is the attempt's own noise.
"""

import resource
import sys
import traceback
from pathlib import Path
from typing import Final

from tests.torture.catalogue import experiments_of
from tests.torture.experiment import Outcome

ANSWER: Final = "outcome.json"


def attempted(module: str, name: str, seed: int, folder: Path) -> Outcome:
    """Make one attempt; an exception of the harness is a loss too, never a success."""
    try:
        (experiment,) = (each for each in experiments_of(module) if each.name == name)
        return experiment.attempt(seed, folder)
    except Exception:  # noqa: BLE001 - told in the report
        return Outcome(losses=[f"the attempt broke:\n{traceback.format_exc()}"])


def cpu_seconds() -> float:
    """Sum up what this process and its ended children computed."""
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(each.ru_utime + each.ru_stime for each in used)


if __name__ == "__main__":
    module, name, seed, folder = sys.argv[1:]
    outcome = attempted(module, name, int(seed), Path(folder))
    outcome.cpu_seconds = cpu_seconds()
    (Path(folder) / ANSWER).write_text(outcome.model_dump_json())
