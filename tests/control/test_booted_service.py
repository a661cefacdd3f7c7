"""The unit under a real systemd, in a machine of its own: it starts, hangs, is killed, is cut off.

The machine is User-Mode Linux with this system's own tree, read only; systemd is its first
program, and the service belongs to a user without rights. There is no login manager in it:
lingering is taken for granted. Nor may a user have mounts of its own in it, so what hides
the file system is taken out of the unit here; the rest of its walls stands.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lib.control.service_unit import UNIT, unit_text
from tests.control.folder import ROOT
from tests.torture.machine import LINUX, Life

HOME = Path("/mnt/home")
PLACE = HOME / "auto_trading"
NOBODY = 65534
PATIENCE = 150.0
SYSTEMD = Path("/usr/lib/systemd/systemd")
HANGING = '''"""Hangs the whole program for as long as a file is there."""

import time
from pathlib import Path

from lib.desk import Desk
from lib.machine import Context, Machine
from lib.settings import Settings


class Conf(Settings):
    symbol: str


class Ctx(Context):
    turns: int = 0


async def bot(desk: Desk, conf: Conf, ctx: Ctx) -> Machine[Ctx]:
    while True:
        await desk.until(desk.now() + 1_000)
        while Path("/mnt/home/hang").exists():
            time.sleep(0.1)
        ctx.turns += 1
        yield ctx
'''
DROP_IN = f"""[Service]
WatchdogSec=12
RestartSec=1
StandardOutput=append:{HOME}/output.txt
StandardError=append:{HOME}/output.txt
ProtectSystem=no
ProtectHome=no
PrivateTmp=no
ReadWritePaths=
"""


def lacks() -> str:
    """Say what this machine has not that the other one needs."""
    for tool in (LINUX, "mkfs.ext4", "setpriv", "unshare"):
        if shutil.which(tool) is None:
            return f"no {tool}"
    if not SYSTEMD.exists():
        return "no systemd"
    return "" if os.geteuid() == 0 else "no right to make disks of other users (it needs root)"


def stage(folder: Path) -> Path:
    """Make a disk whose one user has the program, its unit, and a bot that can hang."""
    home = folder / "home"
    place = home / "auto_trading"
    shutil.copytree(ROOT / "lib", place / "lib", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "bots", place / "bots", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "data", place / "data")
    shutil.copy(ROOT / "auto_trading.py", place)
    (place / "bots/hanging.py").write_text(HANGING)
    (place / "conf.json").write_text('[{"hanging": {"symbol": "BTCUSDT"}}]')
    (place / ".venv").symlink_to(sys.prefix)
    for name in ("ctx", "journal"):
        (place / name).mkdir(mode=0o700)
    units = home / ".config/systemd/user"
    (units / f"{UNIT}.d").mkdir(parents=True)
    (units / UNIT).write_text(unit_text(ROOT).replace(str(ROOT), str(PLACE)))
    (units / f"{UNIT}.d/test.conf").write_text(DROP_IN)
    shutil.copy(Path(__file__).with_name("service_story.sh"), home / "story.sh")
    subprocess.run(["chown", "--recursive", "--no-dereference", str(NOBODY), home], check=True)
    image = folder.with_suffix(".img")
    words = ["mkfs.ext4", "-q", "-d", str(folder), str(image), "128M"]
    subprocess.run(words, check=True, capture_output=True)
    return image


def closed_folders(place: Path) -> list[str]:
    """Name the folders above a place that a stranger may not enter, the outermost alone."""
    shut = [each for each in reversed(place.parents) if not each.stat().st_mode & 0o001]
    return [str(each) for each in shut[:1]]


@contextmanager
def booted(folder: Path, image: Path) -> Iterator[Life]:
    """Switch the machine on; at the end its power is cut."""
    python = Path(sys.base_prefix).resolve()
    script = folder / "boot.sh"
    init = Path(__file__).with_name("service_init.sh")
    words = ["sh", str(init), str(HOME), str(python), *closed_folders(python)]
    script.write_text(f"#!/bin/sh\nexec {' '.join(words)}\n")
    script.chmod(0o755)
    life = Life(
        [
            *("setpriv", "--pdeathsig", "KILL"),
            *("unshare", "--pid", "--fork", "--kill-child", "--mount-proc", LINUX),
            *("mem=256M", "quiet", f"uml_dir={folder}", "umid=machine", f"ubd0={image}"),
            *("root=/dev/root", "rootfstype=hostfs", "rootflags=/", "ro", f"init={script}"),
            *("con=null", "con0=null,fd:1"),
        ],
        folder,
    )
    try:
        yield life
    finally:
        life.kill()
        life.bury()


def told(life: Life, pattern: str) -> str:
    life.until(f"story: {pattern}", PATIENCE)
    found = re.search(f"story: ({pattern}.*)\n", life.output)
    assert found is not None
    return found[1].strip()


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.skipif(bool(lacks()), reason=lacks() or "everything is there")
def test_the_service_heals_of_a_hang_and_a_kill_and_comes_back_after_a_power_cut(
    tmp_path: Path,
) -> None:
    image = stage(tmp_path / "staged")
    with booted(tmp_path, image) as first:
        assert told(first, "after its start") == "after its start: active"
        assert told(first, "says") == "says: 1 bots"
        assert told(first, "privileges") == "privileges: NoNewPrivs: 1 Seccomp: 2"
        assert told(first, "after a hang") == "after a hang: active"
        assert told(first, "after a kill") == "after a kill: active"
        told(first, "cut me")
    with booted(tmp_path, image) as second:
        assert told(second, "after the cut") == "after the cut: active"
        assert told(second, "stopped") == "stopped: inactive success"
