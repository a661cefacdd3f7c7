"""An exchange in a process of its own, with keys that may trade and one that may only look."""

import json
import re
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.control.program import Program

TRADES, LOOKS, SECRET = "key-that-trades", "key-that-looks", "a-secret-that-nobody-may-see"
ACCOUNTS = {
    "accounts": [
        {
            "name": "alice",
            "balances": {"USDT": 10_000},
            "keys": [
                {"key": TRADES, "type": "HMAC", "secret": SECRET},
                {"key": LOOKS, "type": "HMAC", "secret": SECRET, "permissions": ["read"]},
            ],
        }
    ]
}


@dataclass(frozen=True, slots=True)
class Simulated:
    """Where it is, and how to command it."""

    address: str
    control: str

    def command(self, name: str, asked: Mapping[str, object]) -> None:
        request = urllib.request.Request(
            f"{self.control}/simulator/{name}", json.dumps(asked).encode(), method="POST"
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            assert answer.status == 200


@contextmanager
def simulated(folder: Path) -> Iterator[Simulated]:
    accounts = folder / "accounts.json"
    accounts.write_text(json.dumps(ACCOUNTS))
    words = ("simulator", "--market", "candles", "--port", "0", "--control")
    with Program(folder, *words, "--accounts", str(accounts)) as program:
        program.until("prices|recorded candles")
        addresses = re.findall(r"http://127\.0\.0\.1:\d+", program.output)
        yield Simulated(addresses[0], addresses[-1])


def write_keys(folder: Path, key: str = TRADES, mode: int = 0o600) -> Path:
    """Write an .env for it."""
    env = folder / ".env"
    env.write_text(f"BINANCE_API_KEY={key}\nBINANCE_API_SECRET={SECRET}\nBINANCE_API_TEST=true\n")
    env.chmod(mode)
    return env
