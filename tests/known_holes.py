"""Asks whether the pinned packages have known holes: `make audit`, a step of .ci/run.

pip-audit ends with 0 also where it could learn nothing of a package. Here that is no clean bill:
what was not audited is named as left out, and only a hole that somebody published fails.
"""

import json
import subprocess
import sys
from collections.abc import Sequence
from typing import Final, NamedTuple

PATIENCE: Final = 300.0  # seconds
QUESTION: Final = ("--disable-pip", "--require-hashes", "--progress-spinner", "off")
FORM: Final = ("--format", "json", "--desc", "off")


class Findings(NamedTuple):
    """What is known of the packages, each in a line, and what could not be learnt."""

    audited: int
    holes: list[str]
    left_out: list[str]


def findings(report: str) -> Findings:
    """Read pip-audit's report. Raises ValueError where it is none."""
    try:
        packages = json.loads(report)["dependencies"]
        known = [package for package in packages if "vulns" in package]
        unknown = [package["name"] for package in packages if "vulns" not in package]
        holes = [_words(package, hole) for package in known for hole in package["vulns"]]
    except (KeyError, TypeError) as wrong:
        raise ValueError(f"no report: {wrong}") from wrong
    return Findings(len(known), holes, unknown)


def _words(package: dict[str, str], hole: dict[str, list[str]]) -> str:
    cure = ", ".join(hole["fix_versions"]) or "no version yet"
    return f"{package['name']} {package['version']}: {hole['id']}; mended by {cure}"


def asked(tool: str, lock: str) -> str:
    """Have pip-audit look at a lock file; answer its report, which is empty without network."""
    words = [tool, *QUESTION, *FORM, "--requirement", lock]
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=PATIENCE, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout


def verdict(report: str) -> tuple[int, list[str]]:
    """Judge a report: exit code, and what to say."""
    try:
        found = findings(report)
    except ValueError:
        return 0, ["left out: known holes of the packages; whoever knows them cannot be reached"]
    if found.holes:
        return 1, [f"known hole: {hole}" for hole in found.holes]
    if found.left_out:
        few = f"{len(found.left_out)} of {found.audited + len(found.left_out)} packages"
        return 0, [f"left out: known holes of {few}, of which nothing could be learnt"]
    return 0, [f"no known hole in {found.audited} packages"]


def main(words: Sequence[str]) -> int:
    """Judge a lock file by a pip-audit."""
    tool, lock = words
    code, said = verdict(asked(tool, lock))
    sys.stdout.write("".join(f"{line}\n" for line in said))
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
