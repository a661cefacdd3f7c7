"""A Raspberry Pi and a small server get wheels: nothing of ours needs a compiler there."""

import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from tests.test_packaging import PIN, RUNTIME

PURE = {"sdnotify"}  # one file of Python, published as source alone: built without a compiler
PLATFORMS = {
    "aarch64": ("manylinux_2_28_aarch64", "manylinux_2_17_aarch64", "manylinux2014_aarch64"),
    "x86_64": ("manylinux_2_28_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64"),
}


def pip(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pip", *words, "--disable-pip-version-check", "--retries=0"]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)


@cache
def index_answers() -> bool:
    return pip("index", "versions", "click", "--timeout=5").returncode == 0


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.timeout(400)
@pytest.mark.parametrize("machine", PLATFORMS)
@pytest.mark.parametrize("version", ["3.11", "3.13"])
def test_every_pinned_package_but_the_pure_ones_has_a_wheel_of_a_pinned_hash(
    tmp_path: Path, version: str, machine: str
) -> None:
    if not index_answers():
        pytest.skip("no package index can be asked")
    wanted = [pin for pin in PIN.finditer(RUNTIME.read_text()) if pin[1] not in PURE]
    lock = tmp_path / "wheels.lock"
    lock.write_text("".join(pin[0] for pin in wanted))
    platforms = [f"--platform={tag}" for tag in PLATFORMS[machine]]
    how = ["--no-deps", "--only-binary=:all:", "--require-hashes", f"--python-version={version}"]

    done = pip("download", "-q", *how, *platforms, f"--dest={tmp_path}", f"--requirement={lock}")

    assert done.returncode == 0, done.stderr
    found = {re.split(r"-\d", path.name)[0] for path in tmp_path.glob("*.whl")}
    for_this_python = {pin[1].replace("-", "_") for pin in wanted if " ; " not in pin[0]}
    assert for_this_python <= {name.lower().replace(".", "_") for name in found}


def test_what_is_built_from_source_is_pure_and_pinned() -> None:
    pins = {name: hashes for name, _, hashes in PIN.findall(RUNTIME.read_text())}

    assert set(pins) >= PURE
    assert all(hashes.count("sha256:") == 1 for name, hashes in pins.items() if name in PURE)
