"""Whether a power cut at the moment a request leaves would leave a medium that knows of it."""

import re
from collections.abc import Iterator
from typing import Final

from lib.simulator.protocol import Request
from tests.disk import File, Folder, SimulatedDisk

_NAMES: Final = ("newClientOrderId", "listClientOrderId")
_AMEND: Final = rb'"[0-9a-f]{31}d#(\d+)"'  # an amend's own id stays with us


def announced(disk: SimulatedDisk, request: Request) -> bool:
    """Say whether the medium holds an intent of this request whose fence is not behind its stamp.

    A request that has no name of its own announces nothing.
    """
    names = [request.params[name] for name in _NAMES if name in request.params]
    if request.path.endswith("keepPriority"):
        tokens = _AMEND
    elif names:
        tokens = b'"(?:' + "|".join(map(re.escape, names)).encode() + rb')#(\d+)"'
    else:
        return True
    stamp = int(request.params["timestamp"])
    found = (re.findall(tokens, content) for content in durable_files(disk.root))
    return any(stamp <= int(limit) for limits in found for limit in limits)


def durable_files(folder: Folder) -> Iterator[bytes]:
    """Answer the content of each file as the medium has it."""
    for node in folder.durable.values():
        if isinstance(node, File):
            yield bytes(node.durable)
        else:
            yield from durable_files(node)
