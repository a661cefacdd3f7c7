"""The simulator as a process of its own, with books on disk.

Its limits are wide: a hundred restarts of a runner in a minute would otherwise spend the minute
waiting for Binance's request weight, and every kill would meet a program at rest.
"""

import re
import urllib.request
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, Self

import orjson

from lib.simulator.paper.paper_settings import MarketKind
from lib.torture.ledger import INFO, Ledger, assets_in, ledger_of
from lib.torture.processes import PROGRAM, Process, free_port

START: Final[Mapping[str, Decimal]] = {
    "USDT": Decimal(10_000_000),
    "BTC": Decimal(100),
    "ETH": Decimal(1_000),
    "BNB": Decimal(100),
}
SPEED: Final = 3_000  # recorded seconds a second: ten candles of five minutes
WIDE: Final = 100_000_000
BOOKS: Final = "books.sqlite"
RULES: Final = "exchange_info.json"
COMMANDS: Final = re.compile(r"curl (\S+)/simulator/state")


class Exchange:
    """A simulator with books on disk, always at the same address, whichever life it is in."""

    def __init__(
        self,
        folder: Path,
        *,
        seed: int,
        market: MarketKind = "candles",
        speed: int = SPEED,
        start: Mapping[str, Decimal] = START,
        host: str = "127.0.0.1",
    ) -> None:
        self.folder = folder
        self.port = free_port()
        self.address = f"http://{host}:{self.port}"
        self.assets = assets_in(wide_limits(folder))
        money = ",".join(f"{asset}={amount}" for asset, amount in start.items())
        self._words = (
            *("simulator", "--control", "--host", host, "--port", str(self.port), "--db", BOOKS),
            *("--info", RULES, "--market", market, "--balance", money),
            *("--speed", str(speed), "--seed", str(seed)),
        )
        self.process = self._start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()

    def kill(self) -> None:
        self.process.kill()

    def start(self) -> None:
        """Begin the next life, with the books of the former ones."""
        self.process = self._start()

    def command(self, method: str, name: str, content: object = None) -> Any:
        """Give the simulator a command; answer what it says."""
        request = urllib.request.Request(
            f"{self._commands}/simulator/{name}",
            method=method,
            data=None if content is None else orjson.dumps(content),
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            return orjson.loads(answer.read())

    def ledger(self) -> Ledger:
        """Ask it for all it knows."""
        return ledger_of(self.command("GET", "state"), self.assets)

    def _start(self) -> Process:
        process = Process(self.folder, PROGRAM, *self._words)
        self.start_seconds = process.until(COMMANDS.pattern) - process.began
        found = COMMANDS.search(process.output)
        assert found is not None
        self._commands = found[1]  # not where it trades, if that can be reached from elsewhere
        return process


def wide_limits(folder: Path) -> dict[str, Any]:
    """Write rules like the product's into a folder, with limits nobody reaches."""
    info: dict[str, Any] = orjson.loads(INFO.read_bytes())
    for limit in info["rateLimits"]:
        limit["limit"] = WIDE
    (folder / RULES).write_bytes(orjson.dumps(info))
    return info
