"""At which instants the power fails: drawn by a seed among all that a run without a cut had."""

from collections.abc import Iterator
from hashlib import shake_128
from typing import Final

BYTES: Final = 8


class Fuse:
    """Counts instants, and burns through at one of them."""

    def __init__(self, at: int | None = None) -> None:
        self.at = at
        self.passed = 0

    @property
    def burns(self) -> bool:
        """Count an instant; say whether the power fails there."""
        self.passed += 1
        return self.passed == self.at


def drawn_instants(seed: int, many: int, length: int) -> Iterator[int]:
    """Yield so many instants of a run that has `length`, oldest first, each once at most."""
    found: set[int] = set()
    number = 0
    while len(found) < min(many, length):
        noise = shake_128(f"cut {seed} {number}".encode()).digest(BYTES)
        found.add(1 + int.from_bytes(noise) % length)
        number += 1
    yield from sorted(found)
