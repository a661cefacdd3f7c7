"""The file that keeps what the runner tells: bounded, its owner's alone, and never in the way.

What cannot be written is counted, told once, and noted in the file as soon as it takes lines again.
A file that is moved away or removed is begun anew. Nothing here is flushed to the device: a power
cut may cost the last lines, and a bot's file is what remembers.
"""

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from lib.conf import LogFileSettings
from lib.control.outlet import write_all
from lib.disk import in_words

FLAGS: Final = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK


def generations(path: Path, files: int) -> Iterator[Path]:
    """Name the files that may be there, the newest first."""
    yield path
    yield from (path.with_name(f"{path.name}.{number}") for number in range(1, files))


class LogFile:
    """Writes for an `Outlet`, in its thread."""

    def __init__(self, settings: LogFileSettings) -> None:
        assert settings.path is not None, "no file is to be kept"
        self._path = Path(settings.path)
        self._bytes_max = settings.bytes_max
        self._files = settings.files
        self._complain: Callable[[str], None] | None = None
        self.note: Callable[[str], str] = str  # how a remark of the file's own looks as a line
        self._fd = -1
        self._lost = 0
        self._trouble = ""

    def complain_to(self, complain: Callable[[str], None]) -> None:
        """Tell somebody what is wrong, from the thread that writes; and at once what already is."""
        self._complain = complain
        if self._trouble:
            complain(self._trouble)

    def write(self, content: bytes) -> None:
        """Append whole lines. Raises nothing."""
        missed = f"{self.note(self._remark())}\n".encode() if self._lost else b""
        try:
            self._append(missed + content)
        except OSError as wrong:
            self._lost += content.count(b"\n")
            self._close()
            self._tell(f"the log file {self._path} cannot be written: {in_words(wrong)}")
        else:
            self._lost = 0
            self._tell("")

    def _remark(self) -> str:
        return f"{self._lost} lines could not be written here"

    def _tell(self, trouble: str) -> None:
        """Complain once when it begins, and once when it is over."""
        before, self._trouble = self._trouble, trouble
        if self._complain is not None and bool(trouble) != bool(before):
            self._complain(trouble or f"the log file {self._path} is written again")

    def _append(self, content: bytes) -> None:
        if self._fd < 0 or not self._stands():
            self._open()
        length = os.fstat(self._fd).st_size
        if length and length + len(content) > self._bytes_max:
            self._turn()
            length = 0
        if length and os.pread(self._fd, 1, length - 1) != b"\n":  # a cut left half a line
            content = b"\n" + content
        write_all(self._fd, content)

    def _stands(self) -> bool:
        """Say whether the open file is still the one of that name."""
        try:
            return os.path.samestat(os.fstat(self._fd), self._path.lstat())
        except FileNotFoundError:
            return False

    def _open(self) -> None:
        self._close()
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._fd = os.open(self._path, FLAGS, 0o600)
        if not stat.S_ISREG(os.fstat(self._fd).st_mode):
            self._close()
            raise OSError(f"{self._path} is no file")
        os.fchmod(self._fd, 0o600)

    def _turn(self) -> None:
        """Begin a new file; the oldest one is dropped."""
        self._close()
        names = list(generations(self._path, self._files))
        names[-1].unlink(missing_ok=True)
        for older, newer in zip(reversed(names), reversed(names[:-1]), strict=False):
            with suppress(FileNotFoundError):
                newer.rename(older)
        self._open()

    def _close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
        self._fd = -1
