"""Containers of the project's own image, built and run as compose.yaml has it, by Podman.

On a machine without overlay mounts STORAGE_DRIVER=vfs has Podman copy; slowly, but as truly.
"""

import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Final

from tests.control.folder import ROOT

BASE: Final = re.sub(
    r"\$\{PYTHON\}",
    re.findall(r"^ARG PYTHON=(\S+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)[0],
    re.findall(r"^FROM (\S+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)[0],
)
IMAGE: Final = f"auto_trading_tested_{os.environ.get('PYTEST_XDIST_WORKER', 'alone')}"
CERTIFICATES: Final = "/etc/ssl/certs"
PATIENCE: Final = 240.0  # a container begins with a copy of its image where disks cannot overlay
BUILD_PATIENCE: Final = 600.0
LIMITS: Final = ("--ulimit", "nofile=20000:20000", "--ulimit", "nproc=20000:20000")
WALLS: Final = (
    *("--read-only", "--read-only-tmpfs=false", "--tmpfs", "/tmp:size=16m,mode=1777"),
    *("--cap-drop=ALL", "--security-opt", "no-new-privileges", "--network", "none"),
    *("--no-healthcheck", *LIMITS),
)


@cache
def lacks(image: str = BASE) -> str:
    """Say what this machine has not that is needed: Podman, and an image to begin with."""
    if shutil.which("podman") is None:
        return "no podman"
    try:
        known = subprocess.run(["podman", "image", "exists", image], timeout=PATIENCE, check=False)
    except subprocess.TimeoutExpired:
        return "podman does not answer"
    return "" if known.returncode == 0 else f"no podman image {image}: docs/docker.md"


def podman(*words: str, patience: float = PATIENCE) -> str:
    """Have podman do something; answer what it and the container said."""
    code, said = asked(*words, patience=patience)
    assert code == 0, f"podman {' '.join(words)}: {said}"
    return said


def asked(*words: str, patience: float = PATIENCE) -> tuple[int, str]:
    """Have podman do something that may fail; answer its exit code and what was said."""
    done = subprocess.run(
        ["podman", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=patience,
        check=False,
    )
    return done.returncode, done.stdout.strip()


def build(folder: Path) -> None:
    """Build a folder's unmodified Dockerfile, from what is here and the packages' index."""
    podman(
        *("build", "--layers=false", "--isolation", "chroot", "--network", "host"),
        *("--pull=never", "--format", "docker", "-v", f"{CERTIFICATES}:{CERTIFICATES}:ro"),
        *("--tag", IMAGE, str(folder)),
        patience=BUILD_PATIENCE,
    )


class Container:
    """A container that runs."""

    def __init__(self, name: str) -> None:
        self.name = name

    @property
    def output(self) -> str:
        return podman("logs", self.name)

    @property
    def pid(self) -> int:
        """Its first process, as the machine outside knows it."""
        return int(podman("inspect", "--format", "{{.State.Pid}}", self.name))

    @property
    def ended_with(self) -> int:
        return int(podman("inspect", "--format", "{{.State.ExitCode}}", self.name))

    def until(self, pattern: str, times: int = 1) -> str:
        """Wait until something was said so often; answer what was said last."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            found = [match[0] for match in re.finditer(pattern, self.output)]
            if len(found) >= times:
                return found[-1]
            time.sleep(0.2)
        raise AssertionError(f"no {pattern} in {self.output}")

    def told(self, *words: str) -> tuple[int, str]:
        """Give a command inside, as a person does; answer its exit code and what it said."""
        return asked("exec", self.name, "auto_trading", *words)

    def shell(self, script: str) -> tuple[int, str]:
        return asked("exec", self.name, "sh", "-c", script)


@contextmanager
def running(name: str, *options: str, image: str = IMAGE) -> Iterator[Container]:
    """Run the image behind its walls; at the end nothing of it is left but named volumes."""
    try:
        podman("run", "--detach", "--name", name, *WALLS, *options, image)
        yield Container(name)
    finally:
        asked("rm", "--force", "--volumes", "--time", "0", name)
