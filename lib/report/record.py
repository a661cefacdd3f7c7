"""A run as one JSON document: what was asked for, and what came of it.

A later version may add keys; it changes or drops none without a new `format`.
"""

from dataclasses import asdict
from decimal import Decimal
from typing import Any, Final

import orjson

from lib.modes import Mode
from lib.report.asked import Asked
from lib.report.summary import Result, Summary
from lib.report.sums import rounded

FORMAT: Final = 1


def record(summary: Summary, asked: Asked, *, version: str) -> dict[str, Any]:
    """Lay out a run as JSON has it: amounts as text, statistics as numbers, times in ms."""
    return {
        "format": FORMAT,
        "program": version,
        "mode": str(Mode.BACKTEST),
        "asset": summary.asset,
        "begins": summary.begins,
        "ends": summary.ends,
        "unpriced": list(summary.unpriced),
        "total": result_record(summary.total),
        "bots": {result.name: result_record(result) for result in summary.bots},
        "asked": {"options": asked.options, "bots": asked.bots},
    }


def result_record(result: Result) -> dict[str, Any]:
    """Lay out the figures of one bot, or of all."""
    amounts = ("began", "ended", "profit", "held", "fees", "bought", "sold")
    sums: dict[str, Decimal] = {name: getattr(result, name) for name in amounts}
    return {
        "symbols": list(result.symbols),
        **{name: rounded(amount) for name, amount in sums.items()},
        "fills": result.fills,
        "trades": result.trades,
        "metrics": asdict(result.metrics),
    }


def as_json(tree: dict[str, Any]) -> str:
    """Write it, indented and with a line end."""
    return orjson.dumps(tree, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode()
