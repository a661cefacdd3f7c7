"""All that is public of one exchange: who answers for it, and how the streams see a market."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lib.simulator.calls.choice import Choice, FindMarket
from lib.simulator.calls.execution_questions import ExecutionQuestions
from lib.simulator.calls.klines import Klines
from lib.simulator.calls.public import Public
from lib.simulator.calls.routes import Routes
from lib.simulator.calls.tickers import Tickers
from lib.simulator.calls.trades import Trades
from lib.simulator.engine.chart import Chart
from lib.simulator.engine.market import Market
from lib.simulator.engine.past import Past
from lib.simulator.options import Options


@dataclass(frozen=True, slots=True)
class Shown:
    """One market as everybody sees it."""

    market: Market
    chart: Chart


class MarketData:
    """The public rooms of an exchange, and its charts."""

    def __init__(
        self,
        info: Mapping[str, Any],
        markets: Mapping[str, Market],
        find_market: FindMarket,
        *,
        options: Options,
        pasts: Mapping[str, Past],
    ) -> None:
        charts = {name: Chart(market.tape, pasts.get(name)) for name, market in markets.items()}
        choice = Choice(markets, find_market, options.symbol_range)
        self._rooms = (
            Public(info, markets, choice),
            Trades(find_market),
            Klines(find_market, charts),
            Tickers(choice, charts, options),
            ExecutionQuestions(choice),
        )
        self.shown = {name: Shown(markets[name], chart) for name, chart in charts.items()}

    def routes(self) -> Routes:
        return {name: route for room in self._rooms for name, route in room.routes().items()}
