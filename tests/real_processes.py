"""Runner and exchange as processes of their own, to be killed whenever a test likes.

The exchange's limits are wide here: a hundred restarts in a minute would otherwise spend the
minute waiting for Binance's request weight, and every kill would meet a program at rest.
"""

import os
import random
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Mapping, Sequence
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Any, Self

import orjson

from lib.control.venue_choice import BALANCES, BOOKS
from lib.orders import UNSETTLED, orders_inside
from lib.simulator.paper.paper import DATA, MarketKind
from tests.audit import Ledger, audit, contexts_in, ledger_in, ledger_of
from tests.control.folder import ROOT
from tests.control.program import clean_environment

START: Mapping[str, Decimal] = {
    "USDT": Decimal(10_000_000),
    "BTC": Decimal(100),
    "ETH": Decimal(1_000),
    "BNB": Decimal(100),
}
SPEED = 3_000  # recorded seconds a second: ten candles of five minutes
PATIENCE = 30.0
NEWS = re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d (\S+) (\w+): ")


class Process:
    """A program of ours whose lines are kept with the moment each was read."""

    def __init__(self, folder: Path, *words: str) -> None:
        self.began = time.monotonic()
        self.lines: list[tuple[float, str]] = []
        self.process = subprocess.Popen(
            [sys.executable, *words],
            cwd=folder,
            env=clean_environment() | {"PYTHONPATH": str(ROOT)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    @property
    def output(self) -> str:
        return "".join(line for _, line in self.lines)

    @property
    def alive(self) -> bool:
        return self.process.poll() is None

    def send(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            self.process.send_signal(number)

    def kill(self, number: signal.Signals = signal.SIGKILL) -> float:
        """End it by a signal; answer how long that took. What it said until then is kept."""
        began = time.monotonic()
        self.send(number)
        self.process.wait(PATIENCE)
        ended = time.monotonic()
        self._reader.join(PATIENCE)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return ended - began

    def stop(self) -> None:
        """Freeze it, every thread."""
        self.send(signal.SIGSTOP)
        os.waitpid(self.process.pid, os.WUNTRACED)

    def until(self, pattern: str, seconds: float = PATIENCE, *, after: float = 0.0) -> float:
        """Wait for a line said after a moment; answer when it was."""
        sought, deadline = re.compile(pattern), time.monotonic() + seconds
        while time.monotonic() < deadline:
            for at, line in list(self.lines):
                if at >= after and sought.search(line):
                    return at
            assert self.alive, f"it ended before {pattern}:\n{self.output}"
            time.sleep(0.01)
        raise AssertionError(f"no {pattern} within {seconds} s:\n{self.output}")

    def first_of_a_bot(self) -> float | None:
        """Tell when a bot first spoke in this life, if one did."""
        for at, line in list(self.lines):
            news = NEWS.match(line)
            if news and news[1] != "runner":
                return at
        return None

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append((time.monotonic(), line))


class Exchange:
    """A simulator with books on disk, always at the same address, whichever life it is in."""

    def __init__(self, folder: Path, *, seed: int, market: MarketKind = "candles") -> None:
        self.folder = folder
        self.port = free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self._words = (str(self.port), str(seed), str(SPEED), market)
        wide_limits(folder)
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
            f"{self.address}/simulator/{name}",
            method=method,
            data=None if content is None else orjson.dumps(content),
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            return orjson.loads(answer.read())

    def ledger(self) -> Ledger:
        return ledger_of(self.command("GET", "state"))

    def _start(self) -> Process:
        process = Process(self.folder, "-m", "tests.exchange_process", *self._words)
        process.until("listens")
        return process


class Lives:
    """A folder and one life of a runner after the other."""

    def __init__(self, folder: Path, bots: Mapping[str, Any], *, seed: int) -> None:
        self.folder = folder
        self.ctx = folder / "ctx"
        self.chance = random.Random(f"arena {seed}")
        self.program: tuple[str, ...] = (str(ROOT / "auto_trading.py"),)
        self.options: tuple[str, ...] = ()
        self.said = ""  # the last words of all lives
        self.recoveries: list[float] = []
        self.ended_at = 0.0
        self.runner: Process | None = None
        self.bots: dict[str, Any] = {}
        self.renew(bots)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.runner is not None:
            self.runner.kill()

    def renew(self, bots: Mapping[str, Any]) -> None:
        """Have the next lives run these bots; the former ones wait as they were left."""
        self.bots |= bots
        write_conf(self.folder, bots)

    def recall(self) -> None:
        """Have the next lives run every bot there ever was."""
        write_conf(self.folder, self.bots)

    def start(self) -> Process:
        """Begin the next life of the runner."""
        self.runner = Process(self.folder, *self.program, *self.options)
        return self.runner

    def kill(self, number: signal.Signals = signal.SIGKILL) -> float:
        """End this life; answer how long its end took."""
        assert self.runner is not None
        ended_at = time.monotonic()
        took = self.runner.kill(number)
        self.said += self.runner.output
        self.note_recovery()
        self.ended_at = ended_at
        return took

    def note_recovery(self) -> None:
        """Keep how long it was from the last end to the first word of a resumed bot."""
        assert self.runner is not None
        first = self.runner.first_of_a_bot()
        if first is not None and self.ended_at:
            self.recoveries.append(first - self.ended_at)
        self.ended_at = 0.0

    def live_a_while(self) -> None:
        """Begin a life and wait: a moment of the start, or some of the trading after it."""
        runner = self.start()
        if self.chance.random() < 0.25:
            time.sleep(self.chance.uniform(0.1, 0.7))
            return
        deadline = time.monotonic() + PATIENCE
        while runner.first_of_a_bot() is None and time.monotonic() < deadline:
            assert runner.alive, runner.output
            time.sleep(0.002)
        time.sleep(self.chance.uniform(0.0, 0.6))

    def doubts(self) -> set[str]:
        """Name the intents on disk whose orders are not known to the exchange yet."""
        orders = (o for each in contexts_in(self.ctx) for o in orders_inside(each.context))
        return {order.token for order in orders if order.token and order.state in UNSETTLED}

    def await_end_of(self, doubts: set[str], seconds: float = 150.0) -> None:
        """Wait until none of these intents is left open on disk."""
        deadline = time.monotonic() + seconds
        while left := doubts & self.doubts():
            assert time.monotonic() < deadline, f"in doubt for {seconds} s: {left}"
            time.sleep(0.5)

    def settle(self) -> Ledger:
        """Run every bot there ever was until no doubt of a former life is left; then audit."""
        doubts = self.doubts()
        self.recall()
        self.start()
        self.await_end_of(doubts)
        self.kill()
        return self.audit()

    def audit(self) -> Ledger:
        """Hold contexts against books; the runner must be dead or frozen."""
        raise NotImplementedError


class Arena(Lives):
    """Runner and exchange as two processes."""

    def __init__(
        self, folder: Path, bots: Mapping[str, Any], *, seed: int, market: MarketKind = "candles"
    ) -> None:
        super().__init__(folder, bots, seed=seed)
        self.exchange = Exchange(folder, seed=seed, market=market)
        self.options = ("--venue", self.exchange.address)

    def __exit__(self, *_: object) -> None:
        super().__exit__()
        self.exchange.kill()

    def audit(self) -> Ledger:
        ledger = self.exchange.ledger()
        audit(self.ctx, ledger, START)
        return ledger


class PaperArena(Lives):
    """The exchange inside the runner's process: they live and die together."""

    def __init__(self, folder: Path, bots: Mapping[str, Any], *, seed: int) -> None:
        super().__init__(folder, bots, seed=seed)
        self.options = ("--venue", "paper", "--speed", str(SPEED), "--seed", str(seed))

    def audit(self) -> Ledger:
        ledger = ledger_in(self.ctx / BOOKS)
        audit(self.ctx, ledger, BALANCES if ledger.balances else {})
        return ledger


def busy_bots(prefix: str = "") -> dict[str, Any]:
    """Write market orders without end, and dip buyers that plan anew every second."""
    bots: dict[str, Any] = {}
    for symbol, quantity in (("BTCUSDT", "0.001"), ("ETHUSDT", "0.01")):
        name = f"{prefix}{symbol.removesuffix('USDT').lower()}"
        bots[f"{name}_buys"] = loop_of(symbol, "BUY", quantity=quantity)
        bots[f"{name}_spends"] = loop_of(symbol, "BUY", quoteOrderQty="20")
        bots[f"{name}_sells"] = loop_of(symbol, "SELL", quantity=quantity)
        bots[f"{name}_dips"] = {"function": "dip_buyer", **dips(symbol, quantity, "0.0005")}
        soaked = {**dips(symbol, quantity, "0.0002"), "laps": 1}
        bots[f"{name}_soak"] = {"function": "infinite", "bot": "dip_buyer", "conf": soaked}
    return bots


def loop_of(symbol: str, side: str, **amount: str) -> dict[str, Any]:
    """Write one market order after the other, each wanted until it was placed."""
    order = {"symbol": symbol, "side": side, "type": "MARKET", **amount}
    return {
        "function": "infinite",
        "bot": "add_order",
        "conf": {"order": order, "valid_for": "1h"},
    }


def dips(symbol: str, quantity: str, dip: str) -> dict[str, Any]:
    return {
        "symbol": symbol,
        "quantity": quantity,
        "dip": dip,
        "rebound": "0.001",
        "stop": "0.005",
        "patience": "1s",
    }


def write_conf(folder: Path, bots: Mapping[str, Any], *, poll: str = "2s") -> None:
    sections = [{name: section} for name, section in bots.items()]
    conf = {"poll": poll, "doubt_look": "15s", "bots": sections}
    (folder / "conf.json").write_bytes(orjson.dumps(conf, option=orjson.OPT_INDENT_2))


def wide_limits(folder: Path) -> Path:
    """Make a data folder like the product's, with limits nobody reaches."""
    data = folder / "data"
    data.mkdir(exist_ok=True)
    info = orjson.loads((DATA / "exchange_info.json").read_bytes())
    for limit in info["rateLimits"]:
        limit["limit"] = 100_000_000
    (data / "exchange_info.json").write_bytes(orjson.dumps(info))
    for name in ("candles", "capture"):
        if not (data / name).exists():
            (data / name).symlink_to(DATA / name)
    return data


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


def median(numbers: Sequence[float]) -> float:
    return sorted(numbers)[len(numbers) // 2] if numbers else 0.0
