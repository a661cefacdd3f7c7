"""What the usual scripts do under the same kills, counted the same way as ours."""

import json
import random
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from lib.context_file.generation import Generation
from lib.orders import orders_inside
from lib.simulator.server.faults import Rule, delay_reply
from lib.torture.audit import OPEN, contexts_in
from lib.torture.deaths import Deaths, killed_once_born
from lib.torture.ledger import Ledger
from lib.torture.processes import Process, Stuck
from lib.torture.venue import Exchange
from tests.torture.experiment import Outcome
from tests.torture.killings import chamber

KILLS: Final = 20
LIFE: Final = 1.2  # seconds of trading before a kill, at most
ROUND_TRIP: Final = 80  # ms: what an answer from Binance takes in a good network
PATIENCE: Final = 90.0
CYCLE: Final = {
    "function": "cycle",
    "symbol": "BTCUSDT",
    "quantity": "0.001",
    "price": "90000",
    "rests_for": "300ms",
}


@dataclass
class Count:
    """What became of orders that were accepted."""

    doubled: int = 0  # buys made again, for nobody remembered them
    orphans: int = 0  # open, and known to nobody
    forgotten: int = 0  # all that nobody remembers, those two included

    def noted(self, kills: int) -> dict[str, list[float]]:
        """Answer how many that is in a hundred kills."""
        counts = vars(self).items()
        return {f"{name} in 100 kills, orders": [100 * many / kills] for name, many in counts}


def moments(seed: int, kills: int) -> list[float]:
    """Draw when to kill: seconds after a bot's first word, the same for whoever is tried."""
    chance = random.Random(f"controls {seed}")
    return [chance.uniform(0, LIFE) for _ in range(kills)]


def slow_network(exchange: Exchange) -> None:
    """Have answers to changes take as long as they do from Binance."""
    rule = Rule(fault=delay_reply(ROUND_TRIP), path="/api/v3/order")
    exchange.command("POST", "faults", [rule.model_dump(mode="json", exclude_defaults=True)])


# --- scripts


def script_killed(seed: int, folder: Path, module: str, kills: int = KILLS) -> Outcome:
    """Kill a script at drawn moments; count what it does not remember in the end."""
    outcome = Outcome(deaths=kills)
    with Exchange(folder, seed=seed) as exchange:
        slow_network(exchange)
        for moment in moments(seed, kills):
            _live(folder, module, exchange, moment)
        accepted = exchange.ledger()
        _live(folder, module, exchange, LIFE)
        ledger = exchange.ledger()
    outcome.points["SIGKILL of the script"] = kills
    known = set(_remembered(folder))
    count = Count()
    for id in accepted.orders:
        order = ledger.orders[id]
        if order["orderId"] not in known:
            outcome.losses.append(_judged(order, count))
    outcome.figures = count.noted(kills)
    outcome.figures["accepted in 100 kills, orders"] = [100 * len(accepted.orders) / kills]
    return outcome


def _live(folder: Path, module: str, exchange: Exchange, seconds: float) -> None:
    with Process(folder, "-m", module, exchange.address) as process:
        process.until("begins", PATIENCE)
        time.sleep(seconds)
        if not process.alive:
            raise Stuck(f"the script ended by itself:\n{process.output}")


def _remembered(folder: Path) -> Iterable[int]:
    try:
        return [int(id) for id in json.loads((folder / "trades.json").read_text())["orders"]]
    except (FileNotFoundError, ValueError):
        return []


def _judged(order: Any, count: Count) -> str:
    """Count an order that nobody remembers; tell its story."""
    what = f"{order['side']} {order['origQty']} {order['symbol']}, order {order['orderId']}"
    count.forgotten += 1
    if order["status"] in OPEN:
        count.orphans += 1
        return f"{what} is open at the exchange and known to nobody"
    if order["side"] == "BUY":
        count.doubled += 1
        return f"{what} was bought, forgotten, and bought again"
    return f"{what} was placed and forgotten"


# --- ours


def ours_killed(seed: int, folder: Path, kills: int = KILLS) -> Outcome:
    """Kill the runner at the same moments, a fresh bot each time; resolve all doubts; count."""
    with chamber(folder, seed, {}) as opened:
        arena, outcome = opened.arena, opened.outcome
        slow_network(arena.exchange)
        arena.renew({f"cycle{number}": CYCLE for number in range(kills)})
        opened.count(killed_once_born(arena))
        for number, moment in enumerate(moments(seed, kills)):
            arena.recall([f"cycle{number}"])
            runner = arena.start()
            runner.until(" (order|fill): ", PATIENCE)
            time.sleep(moment)
            arena.kill()
            opened.count(Deaths({"SIGKILL of the runner": 1}))
        accepted = arena.exchange.ledger()
        opened.settle()
        count = _counted(contexts_in(arena.ctx), arena.exchange.ledger())
        outcome.figures |= count.noted(kills)
        outcome.figures["accepted in 100 kills, orders"] = [100 * len(accepted.orders) / kills]
    return outcome


def _counted(generations: Iterable[Generation], ledger: Ledger) -> Count:
    """Count by the exchange's books what the contexts do not have."""
    count, turns, bought = Count(), 0, 0
    present: set[str] = set()
    for each in generations:
        orders = {order.id: order for order in orders_inside(each.context) if order.id}
        present |= orders.keys()
        begun = sum(order.side == "BUY" and id in ledger.orders for id, order in orders.items())
        turns += each.context.get("turn", 1) - 1 + begun
    for id, order in ledger.orders.items():
        bought += order["side"] == "BUY"
        count.orphans += order["status"] in OPEN and id not in present
    count.doubled = bought - turns
    count.forgotten = count.doubled + count.orphans
    return count
