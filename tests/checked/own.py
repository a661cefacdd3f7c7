"""The same strategy in our own back-test: bots/sma_cross.py on the recorded candles."""

from lib.backtest.backtest import run_backtest
from lib.backtest.ledger import FillLine
from lib.backtest.liquidity import Costs
from lib.backtest.settings import BacktestSettings
from tests.backtest.scenes import conf_of
from tests.checked.peer import BEGINS, FAST, SIZE, SLOW, until

SECTION = {
    "function": "sma_cross",
    "symbol": "BTCUSDT",
    "interval": "1h",
    "quantity": str(SIZE),
    "fast": FAST,
    "slow": SLOW,
}


def fills_of(days: int) -> list[FillLine]:
    """Answer what was executed, oldest first."""
    settings = BacktestSettings(begins=BEGINS, ends=until(days), costs=Costs())
    return list(run_backtest(settings, conf_of({"sma_cross": SECTION})).ledger.fills)
