"""Client order ids for those who sent none."""

import hashlib
from typing import Final

GENERATED_LENGTH: Final = 22


def generated(kind: str, number: int) -> str:
    """Make an id, the same in every replay."""
    return hashlib.sha256(f"{kind} {number}".encode()).hexdigest()[:GENERATED_LENGTH]
