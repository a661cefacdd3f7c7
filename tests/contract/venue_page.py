"""Writes docs/venue.md from what the simulator does: python -m tests.contract.venue_page."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from tests.contract.coverage import DOCUMENTED, SIMULATED, States, everything

PAGE: Final = Path(__file__).parents[2] / "docs/venue.md"
INTRODUCTION: Final = """\
# What of Binance Spot is simulated

Every endpoint, method, stream, event, filter, word of an order and error code that Binance
documents, and what a client of the simulator meets: *simulated*, or what it sees instead. Nothing
documented is answered with 404. The documents are those of {date}:
`{repository}` at `{commit}`.

This page is written by `python -m tests.contract.venue_page`, which tries it all;
`tests/contract/test_venue_page.py` fails as soon as the page says something else than the
simulator does. FIX and SBE are not spoken. Codes marked *not documented* are what
the real exchange is known to send.
"""
TITLES: Final[Mapping[str, str]] = {
    "rest": "REST endpoints",
    "retired": "REST endpoints that Binance has taken away",
    "socket_methods": "Methods of the WebSocket API",
    "streams": "Market streams",
    "user_events": "Events of an account and of a connection",
    "filters": "Filters",
    "order_words": "Order types, times in force, self-trade prevention, lengths of an answer",
    "order_statuses": "Statuses of an order",
    "execution_types": "Execution types",
    "expiry_reasons": "Expiry reasons",
    "contingency_types": "Kinds of order lists",
    "list_status_types": "Status types of an order list",
    "list_order_statuses": "Statuses of an order list",
    "symbol_statuses": "Statuses of a symbol",
    "codes": "Error codes",
}


def write(found: Mapping[str, States]) -> str:
    """Write the page."""
    parts = [INTRODUCTION.format_map(DOCUMENTED["source"])]
    parts += [_section(title, name, found[name]) for name, title in TITLES.items()]
    return "\n".join(parts)


def _section(title: str, name: str, states: States) -> str:
    of_all = list(states.values())
    count = f"{of_all.count(SIMULATED)} of {len(of_all)}"
    rows = "\n".join(
        f"| `{word}`{_meaning(name, word)} | {state} |" for word, state in states.items()
    )
    return f"## {title}\n\nSimulated: {count}.\n\n| | |\n|---|---|\n{rows}\n"


def _meaning(section: str, word: str) -> str:
    if section != "codes":
        return ""
    meaning = (DOCUMENTED["codes"] | DOCUMENTED["codes_seen"])[word].rstrip(".")
    return f" {meaning}"


def main() -> None:
    PAGE.write_text(write(asyncio.run(everything())), encoding="utf-8")


if __name__ == "__main__":
    main()
