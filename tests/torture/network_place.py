"""Two networks with a wire between them, seen by nobody else: here the exchange, there the runner.

They belong to this process and one child, and vanish with them, mounts included. What goes wrong
is said to nftables on this side of the wire, to the wire itself, and to the name server.
"""

import ctypes
import shutil
import subprocess
import time
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Final, Self

from tests.torture.network_names import NameServer

HOST: Final = "spot.exchange.test"
EXCHANGE: Final = "10.77.0.2"  # where it listens
LINE: Final = "10.77.0.1"  # where the bad line begins that ends there; names are answered here too
PORTAL: Final = "10.77.0.9"  # who knows nothing of exchanges and answers all the same
RUNNER, RUNNER_MOVED = "10.77.0.100", "10.77.0.101"
HERE, THERE = "sky0", "sky1"
TOOLS: Final = {"ip": "iproute2", "nft": "nftables", "nsenter": "util-linux"}
PATIENCE: Final = 10.0  # seconds
ESTABLISHED: Final = "01"
TABLE: Final = "weather"

NEW_NETWORK, NEW_MOUNTS = 0x40000000, 0x00020000
_libc = ctypes.CDLL(None, use_errno=True)

TRY_RULES: Final = (
    "nft add table inet weather && "
    "nft add chain inet weather in '{ type filter hook input priority 0; }' && "
    "nft add rule inet weather in numgen random mod 100 '<' 30 drop && "
    "nft add rule inet weather in tcp dport 1 reject with tcp reset"
)


@cache
def lacks() -> str:
    """Say what this machine has not that such networks need; "" if nothing."""
    for tool, package in TOOLS.items():
        if shutil.which(tool) is None:
            return f"no {tool} (apt install {package})"
    if not _succeeds("unshare", "--mount", "--net", "true"):
        return "no right to make namespaces and mounts (it needs root)"
    if not _succeeds("unshare", "--net", "sh", "-c", TRY_RULES):
        return "no nftables in this kernel"
    return ""


def _succeeds(*words: str) -> bool:
    return subprocess.run(words, capture_output=True, check=False).returncode == 0


class Place:
    """Both networks. Whoever makes one moves this process for good: a process of its own."""

    def __init__(self, folder: Path) -> None:
        _take_own_namespaces()
        self._etc = _private_etc(folder)
        run("ip", "link", "set", "lo", "up")
        self._other = subprocess.Popen(["unshare", "--net", "sleep", "infinity"])
        _await_own_network(self._other.pid)
        self.pid = self._other.pid
        self._lay_wire()
        self.tell_name_server(LINE)
        self.names = NameServer(HOST, EXCHANGE, LINE)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.names.__exit__()
        self._other.kill()
        self._other.wait()

    def _lay_wire(self) -> None:
        run(
            "ip", "link", "add", HERE, "type", "veth", "peer", "name", THERE, "netns", f"{self.pid}"
        )
        for address in (EXCHANGE, LINE, PORTAL):
            run("ip", "address", "add", f"{address}/24", "dev", HERE)
        run("ip", "link", "set", HERE, "up")
        self.there("ip", "link", "set", "lo", "up")
        self.there("ip", "address", "add", f"{RUNNER}/24", "dev", THERE)
        self.there("ip", "link", "set", THERE, "up")

    # --- what goes wrong

    def rules(self, *, heard: Sequence[str] = (), said: Sequence[str] = ()) -> None:
        """Have these rules for what this side hears of the runner and says to it, and no others."""
        lines = [f"table inet {TABLE}", f"delete table inet {TABLE}", f"table inet {TABLE} {{"]
        for name, meets, verdicts in (("input", "iifname", heard), ("output", "oifname", said)):
            lines.append(f"chain {name} {{ type filter hook {name} priority 0;")
            lines += [f"{meets} {HERE} {verdict}" for verdict in verdicts]
            lines.append("}")
        run("nft", "-f", "-", text="\n".join([*lines, "}"]))

    def both_ways(self, *verdicts: str) -> None:
        self.rules(heard=verdicts, said=verdicts)

    def clear(self) -> None:
        self.rules()

    def unplug(self) -> None:
        self.there("ip", "link", "set", THERE, "down")

    def plug(self) -> None:
        self.there("ip", "link", "set", THERE, "up")

    def move_runner(self, old: str, new: str) -> None:
        """Give the runner another address, as another network would."""
        self.there("ip", "address", "add", f"{new}/24", "dev", THERE)
        self.there("ip", "address", "del", f"{old}/24", "dev", THERE)
        self.there("ip", "address", "replace", f"{new}/24", "dev", THERE)

    def tell_name_server(self, address: str) -> None:
        """Write resolv.conf as a DHCP client does; "" is none."""
        fresh = self._etc / "resolv.conf.fresh"
        fresh.write_text(f"nameserver {address}\n" if address else "")
        fresh.replace(self._etc / "resolv.conf")

    def connections(self) -> list[int]:
        """List the runner's own ports of the connections it has."""
        rows = Path(f"/proc/{self.pid}/net/tcp").read_text().splitlines()[1:]
        fields = [row.split() for row in rows]
        return [
            int(ours.split(":")[1], 16) for _, ours, _, state, *_ in fields if state == ESTABLISHED
        ]

    def there(self, *words: str) -> None:
        """Run a tool in the runner's network."""
        run("nsenter", f"--net=/proc/{self.pid}/ns/net", *words)


def run(*words: str, text: str | None = None) -> None:
    """Run a tool. Raises OSError with what it said."""
    done = subprocess.run(words, capture_output=True, text=True, check=False, input=text)
    if done.returncode:
        raise OSError(f"{' '.join(words)}: {done.stderr.strip()}\n{text or ''}")


def _take_own_namespaces() -> None:
    if _libc.unshare(NEW_NETWORK | NEW_MOUNTS):
        raise OSError(ctypes.get_errno(), "no namespaces of its own")
    run("mount", "--make-rprivate", "/")


def _private_etc(folder: Path) -> Path:
    """Show a copy of /etc: a resolver notices what changes there."""
    copy = folder / "etc"
    shutil.copytree("/etc", copy, symlinks=True)
    (copy / "resolv.conf").unlink(missing_ok=True)
    run("mount", "--bind", str(copy), "/etc")
    return Path("/etc")


def _await_own_network(pid: int) -> None:
    ours, deadline = Path("/proc/self/ns/net").readlink(), time.monotonic() + PATIENCE
    while Path(f"/proc/{pid}/ns/net").readlink() == ours:
        if time.monotonic() > deadline:
            raise OSError("no second network")
        time.sleep(0.005)
