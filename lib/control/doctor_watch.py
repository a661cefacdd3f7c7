"""Looks at what conf.json wants kept and shown of a run: the log file, the port of the metrics."""

import errno
import os
import re
import socket
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from lib.conf import RunnerSettings
from lib.control.doctor_findings import Finding
from lib.control.exits import Exit
from lib.control.metrics_server import LOOPBACK
from lib.control.runner_place import runner_at_work
from lib.control.service_unit import unit_file
from lib.disk import in_words

WALLS: Final = re.compile(r"^ReadWritePaths=(.*)$", re.MULTILINE)


def examine_watch(settings: RunnerSettings, ctx: Path, *, home: Path) -> Iterator[Finding]:
    """Say whether the log file can be written and the metrics can be served."""
    if settings.log_file.path is not None:
        yield _log_file(Path(settings.log_file.path), home)
    if settings.metrics is not None:
        yield _metrics(settings.metrics, ctx)


def _log_file(path: Path, home: Path) -> Finding:
    wrong = _why_not(path.absolute())
    if wrong:
        cure = f"name another place for log_file.path, or give this one to user {os.geteuid()}"
        return Finding("log file", f"{path} cannot be written: {wrong}", cure, Exit.ATTENTION)
    walls = _walls(unit_file(home))
    if walls and not any(path.absolute().is_relative_to(each) for each in walls):
        words = f"the service may not write {path}: it lies outside its ReadWritePaths="
        cure = (
            "put it below log/, or `systemctl --user edit auto_trading`: [Service], "
            f"ReadWritePaths={path.absolute().parent}"
        )
        return Finding("log file", words, cure, Exit.ATTENTION)
    return Finding("log file", f"{path} can be written")


def _why_not(path: Path) -> str:
    """Say why a file could not be appended to; nothing is made or changed."""
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return _why_not_made(path.parent)
    except OSError as wrong:
        return in_words(wrong)
    if not stat.S_ISREG(mode):
        return "it is no plain file"
    return "" if os.access(path, os.W_OK) else "this user may not"


def _why_not_made(folder: Path) -> str:
    """Say why nothing can be made in a folder, which may have to be made first."""
    while not folder.exists():
        folder = folder.parent
    if not folder.is_dir():
        return f"{folder} is no folder"
    return "" if os.access(folder, os.W_OK | os.X_OK) else f"this user may not write {folder}"


def _walls(unit: Path) -> list[Path]:
    """Answer where the installed service may write, by what was added to it as well."""
    added = sorted(unit.with_name(f"{unit.name}.d").glob("*.conf"))
    try:
        texts = [each.read_text(encoding="utf-8") for each in (unit, *added)]
    except OSError:
        return []
    found = WALLS.findall("\n".join(texts))
    return [Path(word.lstrip("-+")) for line in found for word in line.split()]


def _metrics(port: int, ctx: Path) -> Finding:
    with socket.socket() as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind((LOOPBACK, port))
        except OSError as wrong:
            return _not_free(port, wrong, ctx)
    return Finding("metrics", f"port {port} is free")


def _not_free(port: int, wrong: OSError, ctx: Path) -> Finding:
    if wrong.errno != errno.EADDRINUSE:
        words = f"port {port} cannot be had: {in_words(wrong)}"
        return Finding("metrics", words, "name a port of 1024 or more", Exit.ATTENTION)
    if runner_at_work(ctx) and _is_ours(port):
        return Finding("metrics", f"a runner serves them at port {port}")
    words = f"port {port} is taken by another program"
    cure = f"name another port, or see who has it: ss -ltnp 'sport = :{port}'"
    return Finding("metrics", words, cure, Exit.ATTENTION)


def _is_ours(port: int) -> bool:
    """Say whether a runner of this program answers there."""
    try:
        with socket.create_connection((LOOPBACK, port), timeout=2) as connection:
            connection.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
            with connection.makefile("rb") as answer:
                return b"auto_trading_build_info" in answer.read(1 << 16)
    except OSError:
        return False
