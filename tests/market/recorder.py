"""A market that writes down what is done to it, and a plain book of its own."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from lib.market.recordings import Levels

DATA = Path(__file__).resolve().parents[2] / "data"
CAPTURE = sorted((DATA / "capture").glob("*.jsonl.gz"))
BTC_CANDLES = DATA / "candles" / "BTCUSDT-5m-20240101-20240906.csv.gz"
ETH_CANDLES = DATA / "candles" / "ETHUSDT-5m-20240101-20240906.csv.gz"
FIVE_MINUTES = 300_000


@dataclass(frozen=True)
class Done:
    symbol: str
    price: Decimal
    quantity: Decimal
    buyer_is_maker: bool
    time: int


@dataclass
class Recorder:
    """Fulfils Market."""

    trades: list[Done] = field(default_factory=list)
    books: dict[str, tuple[dict[Decimal, Decimal], dict[Decimal, Decimal]]] = field(
        default_factory=dict
    )

    def set_book(self, symbol: str, bids: Levels, asks: Levels, time: int) -> None:
        self.books[symbol] = (dict(bids), dict(asks))

    def apply_depth(self, symbol: str, bids: Levels, asks: Levels, time: int) -> None:
        for side, changes in zip(self.books[symbol], (bids, asks), strict=True):
            for price, quantity in changes:
                side[price] = quantity
                if not quantity:
                    del side[price]

    def market_trade(
        self, symbol: str, price: Decimal, quantity: Decimal, *, buyer_is_maker: bool, time: int
    ) -> None:
        self.trades.append(Done(symbol, price, quantity, buyer_is_maker, time))

    def best(self, symbol: str) -> tuple[Decimal, Decimal, Decimal, Decimal]:
        bids, asks = self.books[symbol]
        bid, ask = max(bids), min(asks)
        return bid, bids[bid], ask, asks[ask]

    def prices(self, symbol: str) -> Sequence[Decimal]:
        return [trade.price for trade in self.trades if trade.symbol == symbol]
