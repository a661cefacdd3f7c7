"""What each of them is to do, and how its answer is told: JSON, on one line."""

import csv
import gzip
import json
import sys
from collections.abc import Sequence
from pathlib import Path

QUANTITY = 1  # of coins
DIP = float(sys.argv[4])
REBOUND = 0.01
STOP = 0.02
PATIENCE = int(sys.argv[5])  # bars
FEE = 0.001
CASH = 1_000_000

Row = tuple[int, float, float, float, float, float]


def rows(path: Path, begins: int, many: int) -> Sequence[Row]:
    """Read bars from an open time on, ms: time, open, high, low, close, volume."""
    with gzip.open(path, "rt") as file:
        table = csv.reader(file)
        next(table)
        found = [(int(t), list(map(float, amounts))) for t, *amounts in table if int(t) >= begins]
    return [(t, o, h, low, c, v) for t, (o, h, low, c, v) in found[:many]]


def asked() -> Sequence[Row]:
    """Answer the bars that the command line asks for."""
    return rows(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))


def tell(*, bars: int, seconds: float, orders: int, fills: int, result: float) -> None:
    """Say what came of it."""
    words = {"bars": bars, "seconds": seconds, "orders": orders, "fills": fills, "result": result}
    print(json.dumps(words))
