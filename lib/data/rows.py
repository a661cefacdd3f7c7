"""What a series holds, and its rows in the file."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, TypeAlias

from lib.data.amounts import Kept, kept
from lib.data.series import Series, Span
from lib.market.candles import ZERO, Bar

Row: TypeAlias = tuple[int | Kept, ...]


@dataclass(frozen=True, slots=True)
class AggregateTrade:
    """What one taker traded at one price in one go."""

    id: int
    price: Decimal
    quantity: Decimal
    first_id: int
    last_id: int
    time: int  # exchange ms
    buyer_is_maker: bool


@dataclass(frozen=True, slots=True)
class Line:
    """One message of a stream as it came, or an answered snapshot: JSON below a stream's name."""

    received_at: int  # exchange ms
    content: bytes


Item: TypeAlias = Bar | AggregateTrade | Line


@dataclass(frozen=True, slots=True)
class Piece:
    """Part of a series, saved as a whole: what there is, and from where to where that is all.

    In an outage the exchange itself has nothing: it was asked twice.
    """

    series: Series
    items: tuple[Item, ...]
    covered: tuple[Span, ...]
    outages: tuple[Span, ...] = ()
    asked_at: int = 0  # exchange ms


CANDLE_COLUMNS: Final = (
    *("open_time", "open", "high", "low", "close", "volume", "quote", "trades"),
    *("taker_volume", "taker_quote"),
)
TRADE_COLUMNS: Final = (
    *("id", "price", "quantity", "first_id", "trades", "time", "buyer_is_maker"),
)


def bar_of(open_time: int, amounts: Iterable[Decimal], trades: int) -> Bar:
    """Make a candle of its amounts in the order: four prices, volume, and if they are known
    the turnover and what takers bought, in both assets.
    """
    first, high, low, last, volume, *more = amounts
    quote, taker_volume, taker_quote = more or (ZERO, ZERO, ZERO)
    return Bar(open_time, first, high, low, last, volume, quote, trades, taker_volume, taker_quote)


def place_of(item: Bar | AggregateTrade) -> int:
    return item.open_time if isinstance(item, Bar) else item.id


def candle_row(bar: Bar) -> Row:
    """Write a candle. Raises Unstorable."""
    return (
        bar.open_time,
        kept(bar.open),
        kept(bar.high),
        kept(bar.low),
        kept(bar.close),
        kept(bar.volume),
        kept(bar.quote),
        bar.trades,
        kept(bar.taker_volume),
        kept(bar.taker_quote),
    )


def trade_row(trade: AggregateTrade) -> Row:
    """Write a trade. Raises Unstorable."""
    return (
        trade.id,
        kept(trade.price),
        kept(trade.quantity),
        trade.first_id,
        trade.last_id - trade.first_id + 1,
        trade.time,
        int(trade.buyer_is_maker),
    )
