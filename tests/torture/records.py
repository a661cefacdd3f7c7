"""What was tried on which code, kept line by line, so that a run that was ended goes on."""

import subprocess
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Final

from pydantic import BaseModel

from tests.torture.experiment import Outcome

ROOT: Final = Path(__file__).parents[2]
FOLDER: Final = ROOT / ".torture"


class Record(BaseModel):
    """One finished attempt."""

    experiment: str
    seed: int
    seconds: float
    outcome: Outcome


class Records:
    """The finished attempts on one state of the code, in a file of lines."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)

    def __iter__(self) -> Iterator[Record]:
        """Read every whole line; the last one may have been cut off."""
        if not self.path.exists():
            return
        for line in self.path.read_text().splitlines(keepends=True):
            if line.endswith("\n"):
                yield Record.model_validate_json(line)

    def add(self, record: Record) -> None:
        """Append a line, after whatever a former run left unfinished."""
        with self.path.open("ab+") as file:
            file.truncate(_end_of_the_last_whole_line(self.path.read_bytes()))
            file.write(record.model_dump_json().encode() + b"\n")

    def forget(self) -> None:
        self.path.unlink(missing_ok=True)


def _end_of_the_last_whole_line(content: bytes) -> int:
    return content.rfind(b"\n") + 1


def state_of_the_code() -> str:
    """Name what runs: the commit, and a mark of the changes that are not in it."""
    commit = _git("rev-parse", "--short=12", "HEAD").strip() or "no-commit"
    changes = _git("diff", "HEAD", "--", ".", ":!docs", ":!*.md") + _new_files()
    return commit + (f"+{sha256(changes.encode()).hexdigest()[:8]}" if changes else "")


def _new_files() -> str:
    names = _git("ls-files", "--others", "--exclude-standard", "--", "*.py").split()
    return "".join(name + (ROOT / name).read_text() for name in names)


def _git(*words: str) -> str:
    done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout if done.returncode == 0 else ""
