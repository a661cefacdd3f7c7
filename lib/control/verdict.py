"""What is said of one bot before it runs: by `check`, and by `reload` where it says no."""

from dataclasses import dataclass, field
from typing import Final

INDENT: Final = "    "


@dataclass(slots=True)
class Verdict:
    """What is said of one bot. `stops` are the reasons why it would not run."""

    name: str
    plan: str = ""
    stops: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        lines = [f"{self.name}: {self.plan}".rstrip(": ")]
        lines += [f"{INDENT}does not run: {text}" for text in self.stops]
        lines += [f"{INDENT}{text}" for text in self.remarks]
        return "\n".join(lines)
