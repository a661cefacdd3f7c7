"""Which experiments there are, in the order of the report."""

import importlib
from typing import Final

from tests.torture.experiment import Experiment

MODULES: Final = (
    "lives",
    "processes",
    "power_cuts",
    "block_log",
    "system_calls",
    "sick_disks",
    "sick_networks",
    "bad_input",
    "guided_input",
    "long_runs",
    "mutants",
    "naive_script",
    "cost",
    "simulated_exchange",
)


def experiments() -> list[Experiment]:
    """Import every experiment there is; a module may hold several."""
    return [each for module in MODULES for each in experiments_of(f"tests.torture.{module}")]


def experiments_of(module: str) -> tuple[Experiment, ...]:
    """Import the experiments of one module."""
    found: tuple[Experiment, ...] = importlib.import_module(module).EXPERIMENTS
    return found
