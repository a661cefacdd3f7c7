"""backtrader: events, bar by bar."""

import time
from typing import Any

import backtrader

from bench.peers import terms


class Bars(backtrader.feed.DataBase):  # type: ignore[misc]
    """Bars that were read before."""

    params = (("rows", ()),)

    def start(self) -> None:
        """Begin with the first."""
        super().start()
        self.waiting = iter(self.p.rows)

    def _load(self) -> bool:
        row = next(self.waiting, None)
        if row is None:
            return False
        opened, *amounts = row
        lines = self.lines
        lines.datetime[0] = 719_163.0 + opened / 86_400_000  # days since year 1
        lines.open[0], lines.high[0], lines.low[0], lines.close[0], lines.volume[0] = amounts
        lines.openinterest[0] = 0.0
        return True


class Dips(backtrader.Strategy):  # type: ignore[misc]
    """The strategy of this folder."""

    def __init__(self) -> None:
        """Begin without an order."""
        self.bracket: list[Any] = []
        self.planned_at = self.placed = self.fills = 0

    def notify_order(self, order: Any) -> None:
        """Count what was filled; forget a bracket that is over."""
        if order.status == order.Completed:
            self.fills += 1
        if self.bracket and not any(each.alive() for each in self.bracket):
            self.bracket = []

    def next(self) -> None:
        """Look at the bar that has just closed."""
        bar = len(self)
        if self.position or (self.bracket and bar - self.planned_at < terms.PATIENCE):
            return
        if self.bracket:
            self.cancel(self.bracket[0])
        limit = self.data.close[0] * (1 - terms.DIP)
        self.bracket = self.buy_bracket(
            size=terms.QUANTITY,
            exectype=backtrader.Order.Limit,
            price=limit,
            limitprice=limit * (1 + terms.REBOUND),
            stopprice=limit * (1 - terms.STOP),
        )
        self.planned_at = bar
        self.placed += 1


def main() -> None:
    """Run it once over the bars."""
    rows = terms.asked()
    cerebro = backtrader.Cerebro(stdstats=False)
    cerebro.adddata(Bars(rows=rows))
    cerebro.addstrategy(Dips)
    cerebro.broker.setcash(terms.CASH)
    cerebro.broker.setcommission(commission=terms.FEE)
    began = time.process_time()
    (found,) = cerebro.run()
    seconds = time.process_time() - began
    terms.tell(
        bars=len(rows),
        seconds=seconds,
        orders=found.placed + found.fills // 2,
        fills=found.fills,
        result=cerebro.broker.getvalue() - terms.CASH,
    )


main()
