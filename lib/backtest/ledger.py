"""What happened at the exchange, in order: every change of an order, every fill, every balance.

Written from what the exchange announces to the account itself, so it holds what a real account's
statement would. The same bots on the same data with the same seed give the same ledger, byte for
byte.
"""

import csv
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any, ClassVar, Final, TypeAlias

import orjson

from lib.backtest.bar_path import Resting
from lib.ids import bot_tag, parse_id

NEW_STATUSES: Final = frozenset({"NEW", "PARTIALLY_FILLED", "PENDING_NEW"})
NOBODY: Final = ""  # an order that is no bot's


@dataclass(frozen=True, slots=True)
class OrderLine:
    """An order as it stands from `time` on, exchange ms. Amounts are Binance's own text."""

    KIND: ClassVar = "order"
    time: int
    bot: str
    symbol: str
    order: int
    client_order_id: str
    side: str
    type: str
    quantity: str
    price: str
    stop_price: str
    status: str
    executed: str
    reason: str


@dataclass(frozen=True, slots=True)
class FillLine:
    """One trade of an order."""

    KIND: ClassVar = "fill"
    time: int
    bot: str
    symbol: str
    order: int
    side: str
    quantity: str
    price: str
    quote: str
    fee: str
    fee_asset: str
    maker: bool


@dataclass(frozen=True, slots=True)
class BalanceLine:
    """What the account has of an asset from `time` on."""

    KIND: ClassVar = "balance"
    time: int
    asset: str
    free: str
    locked: str


@dataclass(frozen=True, slots=True)
class RefusalLine:
    """A request that the exchange refused, with its code and text."""

    KIND: ClassVar = "refusal"
    time: int
    bot: str
    symbol: str
    request: str
    code: int
    text: str


Line: TypeAlias = OrderLine | FillLine | BalanceLine | RefusalLine
KINDS: Final = (OrderLine, FillLine, BalanceLine, RefusalLine)


class Ledger:
    """Grows by what the exchange says. Knows which orders are open, and what was bought."""

    def __init__(self, bots: Iterable[str]) -> None:
        self.lines: list[Line] = []
        self._names = {bot_tag(name): name for name in bots}
        self._open: dict[str, dict[int, Resting]] = {}
        self._held: dict[str, Decimal] = {}

    # --- what is written

    def hear(self, event: Mapping[str, Any]) -> None:
        """Take in one event of the account's stream."""
        match event.get("e"):
            case "executionReport":
                self._hear_order(event)
            case "outboundAccountPosition":
                self.lines += [
                    BalanceLine(event["E"], row["a"], row["f"], row["l"]) for row in event["B"]
                ]

    def refuse(self, time: int, request: str, params: Mapping[str, str], body: Any) -> None:
        """Take in a changing request that was refused."""
        told = body if isinstance(body, Mapping) else {}
        mine = params.get("newClientOrderId") or params.get("listClientOrderId") or ""
        words = told.get("code", 0), told.get("msg", "")
        symbol = params.get("symbol", "")
        self.lines.append(RefusalLine(time, self._bot(mine), symbol, request, *words))

    def _hear_order(self, event: Mapping[str, Any]) -> None:
        placed_under = event["C"] or event["c"]
        bot = self._bot(placed_under)
        if event["x"] == "TRADE":
            self._hear_fill(event, bot)
        self._keep_open(event)
        line = OrderLine(
            *(event["T"], bot, event["s"], event["i"], placed_under, event["S"], event["o"]),
            *(event["q"], event["p"], event["P"], event["X"], event["z"]),
            reason=event.get("eR", ""),
        )
        self.lines.append(line)

    def _hear_fill(self, event: Mapping[str, Any], bot: str) -> None:
        symbol, quantity = event["s"], Decimal(event["l"])
        signed = quantity if event["S"] == "BUY" else -quantity
        self._held[symbol] = self._held.get(symbol, Decimal(0)) + signed
        line = FillLine(
            *(event["T"], bot, symbol, event["i"], event["S"], event["l"], event["L"]),
            *(event["Y"], event["n"], event["N"] or "", event["m"]),
        )
        self.lines.append(line)

    def _keep_open(self, event: Mapping[str, Any]) -> None:
        orders = self._open.setdefault(event["s"], {})
        if event["X"] not in NEW_STATUSES:
            orders.pop(event["i"], None)
            return
        waits = not event["w"] and Decimal(event["P"]) > 0
        price = Decimal(event["P"] if waits else event["p"])
        is_stop = waits and event["o"].startswith("STOP_LOSS")
        trails = "d" in event
        orders[event["i"]] = Resting(event["S"] == "BUY", is_stop, price, trails)

    def _bot(self, client_order_id: str) -> str:
        own = parse_id(client_order_id)
        return self._names.get(own.bot, NOBODY) if own is not None else NOBODY

    # --- what is asked

    @property
    def has_open(self) -> bool:
        """Say whether any order is open."""
        return any(self._open.values())

    def resting(self, symbol: str) -> Iterable[Resting]:
        """Answer what is open on a symbol."""
        return self._open.get(symbol, {}).values()

    def holds_coins(self, symbol: str) -> bool:
        """Say whether more was bought than sold since the beginning."""
        return self._held.get(symbol, Decimal(0)) > 0

    @property
    def fills(self) -> Iterator[FillLine]:
        """Answer every fill, oldest first."""
        return (line for line in self.lines if isinstance(line, FillLine))

    @property
    def trading(self) -> list[tuple[str, ...]]:
        """Answer what was traded, bot by bot, without times and ids.

        That is what cannot change because the power failed in between.
        """
        rows = [
            (f.bot, f.symbol, f.side, f.price, f.quantity, f.quote, f.fee, f.fee_asset)
            for f in self.fills
        ]
        return sorted(rows, key=lambda row: row[0])  # stable: each bot's own in their order

    # --- how it is kept

    def as_json_lines(self) -> bytes:
        """Write every line as JSON, its kind first."""
        return b"".join(
            orjson.dumps({"kind": line.KIND} | asdict(line)) + b"\n" for line in self.lines
        )

    def as_csv(self, kind: type[Line]) -> str:
        """Write the lines of one kind as a table."""
        text = StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(field.name for field in fields(kind))
        for line in self.lines:
            if isinstance(line, kind):
                writer.writerow(asdict(line).values())
        return text.getvalue()


def write_ledger(ledger: Ledger, folder: Path) -> list[Path]:
    """Write ledger.jsonl and a CSV file for each kind of line; answer what was written."""
    folder.mkdir(parents=True, exist_ok=True)
    whole = folder / "ledger.jsonl"
    whole.write_bytes(ledger.as_json_lines())
    written = [whole]
    for kind in KINDS:
        table = folder / f"{kind.KIND}s.csv"
        table.write_text(ledger.as_csv(kind))
        written.append(table)
    return written
