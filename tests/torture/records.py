"""What was tried on which code, kept line by line, so that a run that was ended goes on."""

import subprocess
from collections.abc import Collection, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Final

from pydantic import BaseModel

from tests.torture.experiment import Outcome

ROOT: Final = Path(__file__).parents[2]
FOLDER: Final = ROOT / ".torture"
PROGRAM: Final = ("auto_trading.py", "bots", "lib", "requirements.lock")


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

    def forget(self, names: Collection[str] = ()) -> None:
        """Forget the attempts of some experiments, or of all."""
        kept = [each for each in self if names and each.experiment not in names]
        self.path.unlink(missing_ok=True)
        for each in kept:
            self.add(each)


def _end_of_the_last_whole_line(content: bytes) -> int:
    return content.rfind(b"\n") + 1


def state_of_the_code() -> str:
    """Name what runs: the last commit that changed the program, and a mark of what is not in it.

    A mended experiment is no other program: what the others brought stays true. Whoever mends one
    forgets its attempts (`--anew NAME`).
    """
    commit = _git("log", "-1", "--format=%h", "--abbrev=12", "--", *PROGRAM).strip()
    changes = _git("diff", "HEAD", "--", *PROGRAM) + _new_files()
    return (commit or "no-commit") + (
        f"+{sha256(changes.encode()).hexdigest()[:8]}" if changes else ""
    )


def _new_files() -> str:
    names = _git("ls-files", "--others", "--exclude-standard", "--", *PROGRAM).split()
    return "".join(name + (ROOT / name).read_text() for name in names)


def _git(*words: str) -> str:
    done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout if done.returncode == 0 else ""
