"""A bot's story from the order journal: each step of each order, from what to what, and why."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Final

from lib.control.log_lines import printable
from lib.journal.rows import AMENDS, Happening, Row

STEP: Final = max(map(len, Happening))


def story_of(rows: Sequence[Row]) -> Iterator[str]:
    """Tell one line a step; a day is named where it begins."""
    day = ""
    for row in rows:
        at = datetime.fromtimestamp(row.at // 1000, UTC).astimezone()
        if (today := f"{at:%Y-%m-%d %Z}") != day:
            day = today
            yield day
        yield f"  {at:%H:%M:%S}  {row.event:<{STEP}}  {_told(row)}".rstrip()


def _told(row: Row) -> str:
    """Say what happened to which order, and why."""
    changed = row.state_before != row.state_after and bool(row.state_after)
    turn = f"{row.state_before or 'nothing'} -> {row.state_after}" if changed else ""
    why = "; ".join(text for text in (row.comment, row.reason) if text)
    name = f"[{row.client_order_id}]" if row.client_order_id else ""
    said = ", ".join(part for part in (_what(row), turn, printable(why)) if part)
    return f"{said} {name}".replace("\n", " ")


def _what(row: Row) -> str:
    if row.event == Happening.FILL:
        verb = "bought" if row.side == "BUY" else "sold"
        fee = f", fee {row.fee} {row.fee_asset}" if row.fee_asset else ""
        return f"{verb} {row.fill_quantity} {row.base_asset} at {row.fill_price}{fee}"
    quantity = row.quantity or f"{row.quote_quantity or '?'} {row.quote_asset}"
    price = row.price or row.stop_price
    smaller = f", to {row.amend_quantity}" if row.event in AMENDS and row.amend_quantity else ""
    at = f" at {price}" if price else ""
    return f"{row.type} {row.side} {quantity} {row.symbol}{at}{smaller}".strip()
