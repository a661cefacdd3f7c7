"""A runner at work on a simulator in another process: what start and memory are measured on."""

import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import orjson

ROOT = Path(__file__).resolve().parent.parent
PROGRAM = ROOT / "auto_trading.py"
PATIENCE = 120  # seconds until a scene that does not come about is given up


class Scene:
    """A folder with conf.json and contexts, and the address of the simulator they trade on."""

    def __init__(self, folder: Path, address: str, bots: int) -> None:
        self.folder = folder
        self.bots = bots
        self._address = address
        (folder / "conf.json").write_bytes(orjson.dumps([_bot(number) for number in range(bots)]))

    @contextmanager
    def runner(self) -> Iterator["Runner"]:
        """Start the runner; kill it in the end, as a power cut would."""
        path = self.folder / "notify"
        path.unlink(missing_ok=True)
        with (
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify,
            (self.folder / "output").open("wb") as output,
        ):
            notify.bind(str(path))
            notify.settimeout(PATIENCE)
            began = time.perf_counter()
            process = subprocess.Popen(  # noqa: S603 - our own program
                [sys.executable, PROGRAM, "--venue", self._address],
                cwd=self.folder,
                env={**os.environ, "NOTIFY_SOCKET": str(path)},
                stdout=output,
                stderr=subprocess.STDOUT,
            )
            try:
                yield Runner(self, process, notify, began)
            finally:
                process.kill()
                process.wait()

    @property
    def at_work(self) -> int:
        """How many bots have had an order in the book, or filled at once."""
        output = (self.folder / "output").read_text(errors="replace")
        return len(set(re.findall(r"(bot\d+) (?:order: .* is in the book|fill: )", output)))


class Runner:
    """A running runner."""

    def __init__(
        self, scene: Scene, process: subprocess.Popen[bytes], notify: socket.socket, began: float
    ) -> None:
        self._scene = scene
        self._process = process
        self._notify = notify
        self._began = began

    def seconds_to_ready(self) -> float:
        """Wait for READY=1; answer how long after the start it came."""
        while b"READY=1" not in self._notify.recv(4096):
            pass
        return time.perf_counter() - self._began

    def wait_until_all_trade(self) -> None:
        """Wait until every bot has had an order accepted."""
        give_up_at = time.monotonic() + PATIENCE
        while self._scene.at_work < self._scene.bots:
            assert time.monotonic() < give_up_at, f"{self._scene.at_work} bots trade"
            assert self._process.poll() is None, "the runner ended"
            time.sleep(0.1)

    @property
    def resident_kb(self) -> int:
        """Answer the resident memory of the process."""
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        return int(re.findall(r"VmRSS:\s+(\d+) kB", status)[0])


@contextmanager
def scene(bots: int) -> Iterator[Scene]:
    """Set up a folder and a simulator of its own, and tidy both away."""
    folder = Path(tempfile.mkdtemp(prefix="bench-"))
    exchange = subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, PROGRAM, "simulator", "--port", "0"], cwd=folder, stdout=subprocess.PIPE
    )
    try:
        assert exchange.stdout is not None
        address = re.findall(rb"http://[0-9.:]+", exchange.stdout.readline())[0].decode()
        yield Scene(folder, address, bots)
    finally:
        exchange.kill()
        exchange.communicate()
        shutil.rmtree(folder)


def _bot(number: int) -> dict[str, object]:
    symbol, quantity = (("BTCUSDT", "0.0003"), ("ETHUSDT", "0.006"))[number % 2]
    return {
        f"bot{number}": {
            "function": "dip_buyer",
            "symbol": symbol,
            "quantity": quantity,
            "dip": "0.0005",
            "rebound": "0.003",
            "patience": "60s",
        }
    }
