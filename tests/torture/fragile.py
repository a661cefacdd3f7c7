"""A reader with a fault, for the search to find."""

from collections.abc import Iterator
from pathlib import Path


def fragile(raw: bytes, _: Path) -> Iterator[str]:
    """Stumble over bytes that hardly anybody would guess at once."""
    if len(raw) > 3 and raw[0] == ord("B"):  # noqa: SIM102 - each branch leads the search on
        if raw[1] == ord("U"):  # noqa: SIM102
            if raw[2] == ord("G"):
                yield "it stumbled"
