"""The runner, in the network of another process: python -m tests.torture.network_runner PID ...

It resolves names as an installation does: aiohttp takes aiodns where it finds it, and only the
tools of development bring it along.
"""

import ctypes
import os
import runpy
import sys

MODULE = "tests.torture.network_runner"
MORTAL = "tests.torture.mortal_runner"
_NEW_NETWORK = 0x40000000


def enter_network_of(pid: int) -> None:
    """Move this process over. Raises OSError."""
    libc = ctypes.CDLL(None, use_errno=True)
    place = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY)
    try:
        if libc.setns(place, _NEW_NETWORK):
            raise OSError(ctypes.get_errno(), f"the network of process {pid} cannot be entered")
    finally:
        os.close(place)


if __name__ == "__main__":
    enter_network_of(int(sys.argv.pop(1)))
    sys.modules["aiodns"] = None  # type: ignore[assignment] # the documented way to forbid an import
    runpy.run_module(MORTAL, run_name="__main__", alter_sys=True)
