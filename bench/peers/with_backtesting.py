"""backtesting.py: bars in arrays, a Python call for each."""

import time
import warnings

import pandas
from backtesting import Backtest, Strategy

from bench.peers import terms


class Dips(Strategy):  # type: ignore[misc]
    """The strategy of this folder."""

    def init(self) -> None:
        """Begin without an order."""
        self.planned_at = 0
        self.placed = 0

    def next(self) -> None:
        """Look at the bar that has just closed."""
        bar = len(self.data)
        if self.position or (self.orders and bar - self.planned_at < terms.PATIENCE):
            return
        for order in self.orders:
            order.cancel()
        limit = self.data.Close[-1] * (1 - terms.DIP)
        self.buy(
            size=terms.QUANTITY,
            limit=limit,
            tp=limit * (1 + terms.REBOUND),
            sl=limit * (1 - terms.STOP),
        )
        self.planned_at = bar
        self.placed += 1


def main() -> None:
    """Run it once over the bars."""
    warnings.simplefilter("ignore")
    names = ["time", "Open", "High", "Low", "Close", "Volume"]
    table = pandas.DataFrame(terms.asked(), columns=names)
    table.index = pandas.to_datetime(table.pop("time"), unit="ms")
    run = Backtest(table, Dips, cash=terms.CASH, commission=terms.FEE, finalize_trades=False)
    began = time.process_time()
    found = run.run()
    seconds = time.process_time() - began
    trades = len(found["_trades"])
    terms.tell(
        bars=len(table),
        seconds=seconds,
        orders=found["_strategy"].placed + trades,
        fills=2 * trades,
        result=float(found["Equity Final [$]"]) - terms.CASH,
    )


main()
