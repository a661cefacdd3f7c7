"""Leaves out what cannot run on this machine, and says so in the very last line."""

import os
import shutil
import subprocess
from collections import Counter
from collections.abc import Generator
from functools import cache
from typing import Final

import pytest


@cache
def lacking(need: str) -> str:
    """Say why tests with this marker cannot run here; empty if they can."""
    match need:
        case "needs_root":
            return "" if _succeeds("unshare", "--mount", "true") else "no right to mount"
        case "needs_fuse":
            usable = os.access("/dev/fuse", os.R_OK | os.W_OK)
            return "" if usable else "no usable /dev/fuse"
        case "needs_strace":
            return (
                "" if _succeeds("strace", "-o", "/dev/null", "true") else "no strace that may trace"
            )
        case _:
            return ""


def _succeeds(*command: str) -> bool:
    if shutil.which(command[0]) is None:
        return False
    return subprocess.run(command, capture_output=True, timeout=10, check=False).returncode == 0


LONG: Final = "tests that take long: make test-long"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.get_closest_marker("long") and not os.environ.get("LONG"):
            item.add_marker(pytest.mark.skip(reason=LONG))
        for marker in item.iter_markers():
            if reason := lacking(marker.name):
                item.add_marker(pytest.mark.skip(reason=reason))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> Generator[None, object, object]:
    """Print after pytest's closing line; the workers of xdist have no terminal."""
    result = yield
    terminal = session.config.pluginmanager.get_plugin("terminalreporter")
    if isinstance(terminal, pytest.TerminalReporter):
        terminal.write_line(left_out(terminal))
    return result


def left_out(terminal: pytest.TerminalReporter) -> str:
    """Name what did not run, and why."""
    reasons = Counter(_reason(report) for report in terminal.stats.get("skipped", []))
    parts = [f"{count} tests ({reason})" for reason, count in reasons.items()]
    if terminal.config.option.keyword or terminal.config.option.markexpr:
        parts.append("what -k and -m exclude")
    return f"left out: {', '.join(parts) or 'nothing'}"


def _reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    _, _, text = report.longrepr if isinstance(report.longrepr, tuple) else ("", 0, "")
    return text.removeprefix("Skipped: ")
