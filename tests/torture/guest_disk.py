"""Attaches the disk of a machine that will die: guest_disk.py ADDRESS PORT SIZE. It is /dev/nbd0.

Runs inside that machine, before anything is mounted. The numbers are those of linux/nbd.h.
"""

import ctypes
import fcntl
import os
import socket
import sys
import time
from pathlib import Path

SET_SOCKET, SET_BLOCK_SIZE, DO_IT, SET_BLOCKS, SET_FLAGS = 0xAB00, 0xAB01, 0xAB03, 0xAB07, 0xAB0A
HAS_FLAGS, TAKES_FLUSH = 1, 4
SECTOR = 512
DRIVER = "/usr/lib/uml/modules/{}/kernel/drivers/block/nbd.ko"
LOAD_MODULE = 313  # finit_module(2) on amd64, the only place where this Linux runs
ATTACHED = Path("/sys/block/nbd0/pid")


def load_driver() -> None:
    file = os.open(DRIVER.format(os.uname().release), os.O_RDONLY)
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.syscall(LOAD_MODULE, file, b"nbds_max=1", 0) != 0:
        raise OSError(ctypes.get_errno(), "no driver for the disk")


def attach(address: str, port: int, size: int) -> None:
    """Attach it; a child stays and carries the requests until the machine dies."""
    line = socket.create_connection((address, port), timeout=20)
    line.settimeout(None)
    line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    device = os.open("/dev/nbd0", os.O_RDWR)
    fcntl.ioctl(device, SET_BLOCK_SIZE, SECTOR)
    fcntl.ioctl(device, SET_BLOCKS, size // SECTOR)
    fcntl.ioctl(device, SET_FLAGS, HAS_FLAGS | TAKES_FLUSH)
    fcntl.ioctl(device, SET_SOCKET, line.fileno())
    if os.fork() == 0:
        fcntl.ioctl(device, DO_IT)
        os._exit(1)
    while not ATTACHED.exists():
        time.sleep(0.005)


if __name__ == "__main__":
    load_driver()
    attach(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
