"""Draws the pictures of docs/bots/: make pictures, or python -m tests.pictures grid dca."""

import json
import sys
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from tests.pictures.drawing import Filled, Rested, Run, svg
from tests.pictures.recorded import RecordedWorld, steps
from tests.pictures.scenes import SCENES, Scene
from tests.world import CALM, EPOCH, live

PAGES: Final = Path(__file__).parents[2] / "docs" / "bots"
CHAPTER: Final = "## A run on recorded prices"
SETTLED: Final = 40.0  # seconds that the first price holds, while the bot is born


def played(bot: str, scene: Scene) -> Run:
    """Live the scene; its books must agree in the end."""
    pace = scene.minutes * 60 / 4
    prices = {each: steps(each, scene.minutes, scene.days) for each in ("BTCUSDT", "ETHUSDT")}
    section = {"function": bot, **scene.section}
    length = SETTLED + len(prices["BTCUSDT"]) * pace
    RecordedWorld.TICK = min(pace, 300.0)
    world = RecordedWorld(
        1,
        {bot: section},
        CALM,
        settings={"poll": "10m"},
        steps=[str(price) for price in prices["BTCUSDT"]],
        recorded=prices,
        start=SETTLED,
        pace=pace,
        resting_at=length,
    )
    end = EPOCH + int(length * 1000)
    live(world)
    world.check()
    path = [
        (EPOCH + int((SETTLED + number * pace) * 1000), price)
        for number, price in enumerate(prices["BTCUSDT"])
    ]
    title = f"{bot}: BTCUSDT as recorded, {scene.days:g} days from August 1, 2024, UTC"
    return Run(title, path, list(_orders(world, end)), list(_fills(world)))


def _orders(world: RecordedWorld, end: int) -> Iterator[Rested]:
    for order in world.orders():
        price = Decimal(order["price"]) or Decimal(order["stopPrice"])
        if order["symbol"] == "BTCUSDT" and price:
            is_open = order["status"] in {"NEW", "PARTIALLY_FILLED"}
            until = end if is_open else order["updateTime"]
            yield Rested(order["side"], price, order["time"], until)


def _fills(world: RecordedWorld) -> Iterator[Filled]:
    trades: list[dict[str, Any]] = world._asked("myTrades", symbol="BTCUSDT", limit="1000")
    for trade in trades:
        yield Filled("BUY" if trade["isBuyer"] else "SELL", Decimal(trade["price"]), trade["time"])


def shown(page: str, bot: str) -> str:
    """Put the picture at the end of a page, with the section that was run."""
    section = json.dumps({bot: SCENES[bot].section}, indent=2)
    return (
        page.partition(CHAPTER)[0].rstrip()
        + f"""

{CHAPTER}

![orders and fills of {bot} on recorded prices]({bot}.svg)

Drawn by `make pictures` from the exchange's books: lines are orders while they rest, triangles are
fills; they point up where something was bought. The section:

```jsonc
{section}
```
"""
    )


def main() -> None:
    """Draw all, or those that are named."""
    for bot in sys.argv[1:] or SCENES:
        began = time.monotonic()
        run = played(bot, SCENES[bot])
        (PAGES / f"{bot}.svg").write_text(svg(run), encoding="utf-8")
        page = PAGES / f"{bot}.md"
        page.write_text(shown(page.read_text(encoding="utf-8"), bot), encoding="utf-8")
        spent = time.monotonic() - began
        print(f"{bot}: {len(run.orders)} orders, {len(run.fills)} fills, {spent:.1f} s", flush=True)


if __name__ == "__main__":
    main()
