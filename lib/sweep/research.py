"""Packages that only research needs. A machine that trades does without them."""

import importlib
from types import ModuleType
from typing import Final

LOCK: Final = "requirements-research.lock"


class NotInstalled(ValueError):
    """A package is missing. The message says how to install it."""


def imported(name: str) -> ModuleType:
    """Import a package of requirements/research.in. Raises NotInstalled."""
    try:
        return importlib.import_module(name)
    except ImportError as missing:
        raise NotInstalled(
            f"{name} is not installed: it comes with "
            f"`.venv/bin/python -m pip install --require-hashes -r {LOCK}`"
        ) from missing
