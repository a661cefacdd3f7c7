"""What the doctor finds: a sentence each, and for what is wrong its cure."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from lib.control.exits import Exit

GRAVEST_FIRST: Final = (Exit.NOTHING_STARTS, Exit.BUSY, Exit.ATTENTION)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. What is fine has no cure."""

    subject: str
    says: str
    cure: str = ""
    exit: Exit = Exit.FINE

    def __str__(self) -> str:
        if not self.cure:
            return f"fine   {self.subject}: {self.says}"
        return f"WRONG  {self.subject}: {self.says}\n       cure: {self.cure}"


def gravest(findings: Iterable[Finding]) -> Exit:
    """Choose the exit code for all of them."""
    found = {finding.exit for finding in findings}
    return next((code for code in GRAVEST_FIRST if code in found), Exit.FINE)
