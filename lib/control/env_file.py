"""Writes `.env`: readable by its owner alone from its first byte on, and never half written."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

UNFINISHED: Final = ".unfinished"  # beside it, and never sent anywhere: .gitignore names it


def with_values(text: str, values: Mapping[str, str]) -> str:
    """Answer the text with these values, in their old places where they have one."""
    lines, left = [], dict(values)
    for line in text.splitlines():
        name = line.partition("=")[0].removeprefix("export ").strip()
        if name in left:
            line = f"{name}={quoted(left.pop(name))}"
        elif name.removesuffix("_FILE") in values:
            continue  # written twice, or in a file that would count instead
        lines.append(line)
    lines += [f"{name}={quoted(value)}" for name, value in left.items()]
    return "\n".join(lines) + "\n"


def quoted(value: str) -> str:
    """Write a value so that every reader of such files finds it again."""
    if "'" in value or "\\" in value:
        raise ValueError("a quote or a backslash stands in no key")
    return f"'{value}'" if any(letter in value for letter in ' #\n"$') else value


def write_env_file(path: Path, text: str) -> None:
    """Replace the file at once and for good. Raises OSError; then it is as it was."""
    path = path.resolve()  # what a link leads to is replaced, not the link
    unfinished = path.with_name(path.name + UNFINISHED)
    unfinished.unlink(missing_ok=True)
    fd = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    try:
        with os.fdopen(fd, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    except OSError:
        unfinished.unlink(missing_ok=True)
        raise
    _flush_folder(path.parent)


def _flush_folder(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
