"""A real process on a real file, killed or refused at every single system call of its own."""

import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import orjson
import pytest

from lib.atomic_json import ContextFile

ROOT = Path(__file__).parent.parent
CALLS = (
    "openat,write,pwrite64,pread64,fsync,fdatasync,rename,unlink,lseek,fadvise64,close,newfstatat"
)
PADDING = (100, 3_000, 9_000, 200, 2_000)  # the third makes the file grow

WORKER = f"""
import os, sys
from pathlib import Path
import orjson
from lib.atomic_json import ContextFile
from lib.errors import DiskFailed

def fields(version):
    padding = {PADDING!r}[version % {len(PADDING)}]
    return orjson.dumps({{"version": version, "pad": f"{{version:05d}}," * (padding // 6)}})

path, start = Path(sys.argv[1]), int(sys.argv[2])
os.write(1, b"start\\n")
try:
    file = ContextFile.open(path) if start else ContextFile.create(path, fields(0))
    for version in range(start + 1, start + 5):
        try:
            file.save(fields(version))
            os.write(1, b"saved %d\\n" % version)
        except DiskFailed:
            os.write(1, b"failed %d\\n" % version)
except DiskFailed:
    os.write(1, b"refused\\n")
os.write(1, b"end\\n")
"""


def tracing_works() -> bool:
    if not shutil.which("strace"):
        return False
    return subprocess.run(["strace", "-o", "/dev/null", "true"], check=False).returncode == 0


pytestmark = [
    pytest.mark.slow,
    pytest.mark.needs_strace,
    pytest.mark.timeout(600),
    pytest.mark.skipif(not tracing_works(), reason="strace is missing or may not trace"),
]


def run_worker(path: Path, start: int, *options: str) -> str:
    """Run the worker under strace and answer what it said."""
    strace = ["strace", "-f", "-qq", "-e", f"trace={CALLS}", *options]
    worker = [sys.executable, "-S", "-c", WORKER, str(path), str(start)]
    libraries = Path(orjson.__file__).parent.parent
    environment = {"PYTHONPATH": f"{ROOT}:{libraries}", "PYTHONHASHSEED": "0"}
    ended = subprocess.run(
        [*strace, *worker], env=os.environ | environment, capture_output=True, check=False
    )
    assert b"Traceback" not in ended.stderr, ended.stderr.decode()
    return ended.stdout.decode()


def calls_of(trace: Path) -> Iterator[tuple[str, int]]:
    """Name each call between the worker's start and end, with its number among its kind."""
    seen: Counter[str] = Counter()
    working = False
    for line in trace.read_text().splitlines():
        called = re.match(r"(?:\d+ +)?(\w+)\(", line)
        if called is None:
            continue
        name = called[1]
        seen[name] += 1
        working = (working or '"start' in line) and '"end' not in line
        if working and name != "write":
            yield name, seen[name]


def prepared(folder: Path, start: int) -> Path:
    """Lay down what the worker begins with: nothing, or a file of a few versions."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    path = folder / "bot.json"
    if start:
        run_worker(path, 0, "-o", "/dev/null")
    return path


def recovered(path: Path) -> int | None:
    try:
        with closing(ContextFile.open(path)) as file:
            found = orjson.loads(file.fields)
    except FileNotFoundError:
        return None
    version: int = found["version"]
    assert found["pad"] == f"{version:05d}," * (PADDING[version % len(PADDING)] // 6)
    return version


@pytest.mark.parametrize("start", [0, pytest.param(4, marks=pytest.mark.long)])
@pytest.mark.parametrize("way", ["signal=KILL", "error=EIO", "error=ENOSPC", "error=EROFS"])
def test_loses_nothing_whichever_call_of_a_real_process_fails(
    tmp_path: Path, way: str, start: int
) -> None:
    folder = tmp_path / "ctx"
    trace = tmp_path / "trace"
    run_worker(prepared(folder, start), start, "-o", str(trace))
    calls = list(calls_of(trace))
    assert {name for name, _ in calls} >= {"openat", "pwrite64", "fsync", "fdatasync"}

    for name, number in calls:
        if name == "pread64" and way != "signal=KILL":
            continue
        path = prepared(folder, start)
        inject = f"inject={name}:{way}:when={number}"
        said = run_worker(path, start, "-e", inject, "-o", "/dev/null").split("\n")

        saved = [int(line.split()[1]) for line in said if line.startswith("saved")]
        begun = len([line for line in said if line.startswith(("saved", "failed"))]) + 1
        version = recovered(path)
        if version is None:
            assert (start, saved) == (0, []), inject
        else:
            assert max(saved, default=start) <= version <= start + begun, inject
        assert ("end" in said) == (way != "signal=KILL"), inject
        assert {file.name for file in folder.iterdir()} <= {"bot.json", "bot.json.tmp"}, inject
