"""The simulator as a process, with limits as wide as the data folder in its working folder says.

python -m tests.exchange_process PORT SEED SPEED MARKET
"""

import asyncio
import sys
from pathlib import Path
from typing import Final

from lib.simulator.paper.paper import MarketKind, PaperSettings, open_paper
from tests.real_processes import START

MARKETS: Final[dict[str, MarketKind]] = {"candles": "candles", "none": "none"}


async def serve(port: int, seed: int, speed: int, market: MarketKind) -> None:
    settings = PaperSettings(
        port=port,
        books=Path("books.sqlite"),
        market=market,
        speed=speed,
        seed=seed,
        balances=START,
        control=True,
        data=Path("data"),
    )
    paper = await open_paper(settings)
    print(f"listens at {paper.address}", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    port, seed, speed, market = sys.argv[1:]
    asyncio.run(serve(int(port), int(seed), int(speed), MARKETS[market]))
