"""Looks at the machine: its Python, who may read the secrets, whether the service comes back."""

import ctypes
import os
import pwd
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from lib.control.doctor_findings import Finding
from lib.control.exits import Exit
from lib.control.service_unit import LINGERING, UNIT, unit_file

UNSYNCHRONISED: Final = 5  # TIME_ERROR of adjtimex(2)
TIMEX_BYTES: Final = 512  # more than the kernel's struct timex, whose first word 0 changes nothing


def examine_machine(env_file: Path, *, home: Path) -> Iterator[Finding]:
    """Say what of the machine helps or hinders."""
    version = ".".join(map(str, sys.version_info[:3]))
    yield Finding("python", f"{version} at {sys.executable}")
    yield from _secrets(env_file)
    yield from _service(home)


def clock_is_kept() -> bool:
    """Say whether the kernel believes that some time service sets its clock."""
    state: int = ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(TIMEX_BYTES))
    return state not in {-1, UNSYNCHRONISED}


def _secrets(env_file: Path) -> Iterator[Finding]:
    try:
        mode = env_file.stat().st_mode
    except FileNotFoundError:
        yield Finding("secrets", f"there is no {env_file}")
        return
    except OSError as wrong:
        words = f"{env_file} cannot be looked at: {wrong.strerror}"
        yield Finding("secrets", words, "see who owns it: ls -l", Exit.NOTHING_STARTS)
        return
    if stat.S_IMODE(mode) & 0o077:
        words = f"others than its owner can read {env_file}"
        cure = f"chmod 600 {env_file}; if others use this machine, make a new key as well"
        yield Finding("secrets", words, cure, Exit.NOTHING_STARTS)
    else:
        yield Finding("secrets", f"{env_file} is its owner's alone")


def _service(home: Path) -> Iterator[Finding]:
    unit = unit_file(home)
    if not unit.exists():
        yield Finding("service", "not installed for this user; `make install` does it")
        return
    if not (unit.parent / "default.target.wants" / UNIT).is_symlink():
        words = "installed, and not started at boot"
        cure = "systemctl --user enable --now auto_trading"
        yield Finding("service", words, cure, Exit.ATTENTION)
    elif not (LINGERING / pwd.getpwuid(os.geteuid()).pw_name).exists():
        words = "it starts when you log in and ends when you log out"
        yield Finding("service", words, "loginctl enable-linger", Exit.ATTENTION)
    else:
        yield Finding("service", "installed, and started at boot")
