"""The same strategy in backtesting.py, a program of others (AGPL: a tool here, no part of ours).

    pip install backtesting; python -m tests.checked.peer [DAYS]

says what it won. It knows no lots below one and no commission in coins: prices are quoted per
0.00001 coin, and the page's textbook rules are what it is held against.
"""

import sys
import warnings
from dataclasses import dataclass
from decimal import Decimal
from importlib import import_module
from pathlib import Path
from typing import Any

from tests.checked.page import HOUR, LOT, Hour, deals, hours, result

CANDLES = Path("data/candles/BTCUSDT-5m-20240101-20240906.csv.gz")
BEGINS = 1_704_067_200_000  # 2024-01-01
DAYS = 243  # eight months
FAST, SLOW, SIZE = 10, 30, Decimal("0.01")
CASH = 10_000
COMMISSION = 0.001


@dataclass(frozen=True)
class Trades:
    """What backtesting.py did: each opening and each end, and what it won."""

    entries: list[tuple[int, float]]  # time, ms, and price of a whole coin
    exits: list[tuple[int, float]]
    won: float


def until(days: int) -> int:
    return BEGINS + days * 24 * HOUR


def trades_of_peer(candles: list[Hour]) -> Trades:
    """Run it. Raises ImportError where backtesting.py is not installed."""
    pandas: Any = import_module("pandas")
    library: Any = import_module("backtesting")

    class Cross(library.Strategy):  # type: ignore[misc]
        def init(self) -> None:
            """Nothing is prepared: the averages are taken of what has closed."""

        def next(self) -> None:
            closes = self.data.Close
            if len(closes) <= SLOW:
                return
            ahead = _lead(closes), _lead(closes[:-1])
            if ahead[0] > 0 >= ahead[1] and not self.position:
                self.buy(size=int(SIZE / LOT))
            elif ahead[0] < 0 <= ahead[1] and self.position:
                self.position.close()

    run = library.Backtest(_frame(pandas, candles), Cross, cash=CASH, commission=COMMISSION)
    with warnings.catch_warnings():  # that a trade is open at the end
        warnings.simplefilter("ignore")
        stats = run.run()
    closed = stats["_trades"]
    opened = [(each.entry_time, each.entry_price) for each in stats["_strategy"].trades]
    entries = list(zip(closed["EntryTime"], closed["EntryPrice"], strict=True)) + opened
    exits = list(zip(closed["ExitTime"], closed["ExitPrice"], strict=True))
    won = float(stats["Equity Final [$]"]) - CASH
    return Trades([_told(*each) for each in entries], [_told(*each) for each in exits], won)


def _lead(closes: Any) -> float:
    return float(closes[-FAST:].sum() * SLOW - closes[-SLOW:].sum() * FAST)


def _frame(pandas: Any, candles: list[Hour]) -> Any:
    """Quote per lot, as it trades whole units only; highs and lows play no part."""
    index = pandas.to_datetime([time for time, *_ in candles], unit="ms")
    opens = [float(opened * LOT) for _, opened, _ in candles]
    closes = [float(close * LOT) for *_, close in candles]
    highs = [max(pair) for pair in zip(opens, closes, strict=True)]
    lows = [min(pair) for pair in zip(opens, closes, strict=True)]
    columns = {"Open": opens, "High": highs, "Low": lows, "Close": closes}
    return pandas.DataFrame(columns, index=index)


def _told(time: Any, price: float) -> tuple[int, float]:
    return round(time.timestamp() * 1000), price / float(LOT)


def main(days: int) -> None:
    candles = hours(CANDLES, until(days))
    peer = trades_of_peer(candles)
    found = deals(candles, FAST, SLOW, SIZE, textbook=True)
    won = result(found, candles[-1][2], textbook=True)
    print(f"backtesting.py: {len(peer.entries)} bought, {len(peer.exits)} sold, won {peer.won:.8f}")
    print(f"page, textbook: {len(found)} orders, won {won:.8f}")
    buys = [(each.time, float(each.price)) for each in found if each.side == "BUY"]
    sells = [(each.time, float(each.price)) for each in found if each.side == "SELL"]
    same = _apart(peer.entries, buys), _apart(peer.exits, sells)
    print(f"farthest apart in price: {max(same):.2e}; in result: {abs(peer.won - float(won)):.2e}")


def _apart(one: list[tuple[int, float]], other: list[tuple[int, float]]) -> float:
    """Answer how far prices are apart; the times must be the same."""
    assert [time for time, _ in one] == [time for time, _ in other], "other times"
    return max(abs(mine - theirs) for (_, mine), (_, theirs) in zip(one, other, strict=True))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else DAYS)
