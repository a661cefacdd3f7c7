"""Takes the picture of docs/report.md, on recorded prices: python -m tests.report.picture."""

import sys
import tempfile
from decimal import Decimal
from pathlib import Path

from lib.backtest.backtest import run_backtest
from lib.backtest.settings import BacktestSettings
from lib.report.run_report import PAGE, run_report
from tests.backtest.scenes import conf_of
from tests.report.browser import Window, look

FEBRUARY = 1_706_745_600_000  # 2024
MARCH = 1_709_251_200_000
WIDTH, HEIGHT = 1_200, 2_130
BOTS = {
    "trend": {
        "function": "ema_cross", "symbol": "BTCUSDT", "quantity": "4000 USDT", "interval": "1h",
        "fast": 12, "slow": 36,
    },
    "ether_dips": {
        "function": "dip_buyer", "symbol": "ETHUSDT", "quantity": "1", "dip": "0.02",
        "rebound": "0.03", "stop": "0.06", "patience": "24h", "laps": 0,
    },
}  # fmt: skip
WEEK = 'document.querySelectorAll("#spans button")[2].click()'
DRAWN = "new Promise((done) => setTimeout(done, 1000))"


def main(place: Path) -> None:
    """Run the bots, open their report, and keep what a person sees first."""
    settings = BacktestSettings(begins=FEBRUARY, ends=MARCH, balances={"USDT": Decimal(10_000)})
    conf = conf_of(BOTS)
    report = run_report(run_backtest(settings, conf), settings, conf)
    taken: list[bytes] = []

    async def ask(window: Window) -> None:
        await window.resize(WIDTH, HEIGHT)
        await window.value(DRAWN)
        await window.value(WEEK)
        await window.value(DRAWN)
        taken.append(await window.picture())

    with tempfile.TemporaryDirectory() as folder:
        report.write(Path(folder), version="0.1.0")
        look(Path(folder) / PAGE, ask)
    place.write_bytes(taken[0])


if __name__ == "__main__":
    main(Path(sys.argv[1]) if sys.argv[1:] else Path(__file__).parents[2] / "docs" / "report.png")
