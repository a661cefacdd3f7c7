"""A world in which a person acts at the exchange, beside the bot that holds a position there."""

import random
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from lib.atomic_json import ContextFile
from lib.context_file.generation import decode
from lib.control.release import released
from lib.exits.protection import Position
from lib.ids import parse_id
from lib.life import Standing
from lib.simulator.protocol import Request
from tests.disk import HOME, Cut
from tests.held_world import LOT, HeldWorld, position_of
from tests.world import ACCOUNT, START

RELEASES_MAX = 8


@dataclass
class HandWorld(HeldWorld):
    """`deeds`: when (seconds since the beginning) and what a person does, in that order.

    Samples at every movement of the market what the position says of itself against what rests
    at the exchange.
    """

    deeds: list[tuple[float, str]] = field(default_factory=list)
    done: list[str] = field(default_factory=list)
    by_hand: dict[str, Decimal] = field(default_factory=dict)  # what a person's deeds moved
    position: Position | None = None  # of this life, as last yielded
    silent: list[str] = field(default_factory=list)  # unprotected without a word, or the reverse
    overstated_since: int | None = None
    overstated_longest: int = 0  # ms for which more was said to be guarded than was
    watched_life: int = 0

    def __post_init__(self) -> None:
        self.waiting = list(self.deeds)
        super().__post_init__()
        self._withdraw(START["BTC"])  # what the bot buys is all that there is

    def heard(self, event: Mapping[str, Any]) -> None:
        if parse_id(event["C"] or event["c"]) is not None:
            super().heard(event)
        elif event["x"] == "TRADE":
            self._move("BTC", -Decimal(event["l"]))
            self._move("USDT", Decimal(event["Y"]))
            self._move(event["N"], -Decimal(event["n"]))

    def move_market(self) -> None:
        super().move_market()
        now = self.clock() / 1000 - self.begun
        while self.waiting and self.waiting[0][0] <= now:
            self._do(self.waiting.pop(0)[1])
        self._sample()

    # --- the person

    def _do(self, deed: str) -> None:
        if deed in {"cancel", "sell", "withdraw"}:
            self._cancel("SELL")
        if deed in {"cancel entry", "cancel all"}:
            self._cancel("BUY")
        if deed == "cancel all":
            self._cancel("SELL")
        free = self._free()
        if deed == "sell" and free > LOT:
            lots = free - free % LOT
            self._ask("POST", "order", side="SELL", type="MARKET", quantity=f"{lots:f}")
        elif deed == "withdraw" and free:
            self._withdraw(free)
        self.done.append(deed)

    def _cancel(self, side: str) -> None:
        """Cancel all that is shown as open; what has ended meanwhile is refused, with no harm."""
        answer = self._ask("GET", "openOrders")
        for order in answer.body:
            if order["side"] == side:
                self._ask("DELETE", "order", orderId=str(order["orderId"]))

    def _ask(self, method: str, path: str, **params: str) -> Any:
        known = {"symbol": "BTCUSDT", "timestamp": str(self.clock()), **params}
        return self.exchange.answer(Request(method, f"/api/v3/{path}", known, ACCOUNT))

    def _free(self) -> Decimal:
        held = self.books.accounts[ACCOUNT].balances.get("BTC")
        return Decimal(held.free if held else 0).scaleb(-8)

    def _withdraw(self, amount: Decimal) -> None:
        self.exchange.transfer(ACCOUNT, "BTC", -amount)
        self._move("BTC", -amount)

    def _move(self, asset: str, amount: Decimal) -> None:
        self.by_hand[asset] = self.by_hand.get(asset, Decimal(0)) + amount

    def release(self) -> None:
        """End the runner and let the bot go on, as the command does."""
        self.disk = self.disk.after(Cut.KILL)
        with closing(ContextFile.open(HOME / "ctx" / "holder.json", disk=self.disk)) as file:
            file.save(released(decode(file.fields)))

    # --- what is true all the time

    def _sample(self) -> None:
        position, now = self.position, self.clock()
        if self.life is None or position is None or self.lives != self.watched_life:
            self.overstated_since = None
            return
        if bool(position.unprotected) != bool(position.unprotected_because):
            self.silent.append(f"{position.unprotected}: {position.unprotected_because!r}")
        if position.guarded - self._rests() < LOT:
            self.overstated_since = None
            return
        self.overstated_since = self.overstated_since or now
        self.overstated_longest = max(self.overstated_longest, now - self.overstated_since)

    def _rests(self) -> Decimal:
        stops = [e for e in self.sells.values() if e["o"].startswith("STOP_LOSS")]
        return sum((Decimal(e["q"]) - Decimal(e["z"]) for e in stops), Decimal(0))

    # --- what is true afterwards

    def _moved(self) -> dict[str, Decimal]:
        moved = dict(super()._moved())
        for asset, amount in self.by_hand.items():
            moved[asset] = moved.get(asset, Decimal(0)) - amount
        return {asset: amount for asset, amount in moved.items() if amount}


def judge(world: HandWorld, *, stale: int) -> Position:
    """Hold the exchange's books against the context: nothing oversold, nothing unexplained."""
    world.check()
    assert world.silent == []
    assert world.overstated_longest <= stale
    assert world.most_lists <= 1
    position = position_of(world)
    assert world.bought - world.sold == position.held + position.gone
    assert world.standings == {"holder": Standing.FINISHED}, world.news
    assert world.locked() == {}
    assert position.over
    assert position.ending is not None
    return position


def live_on(world: HandWorld) -> HandWorld:
    """Release the bot as often as it stops itself, until it is done."""
    for _ in range(RELEASES_MAX):
        if world.standings["holder"] is not Standing.PARKED:
            break
        world.release()
        world.pass_time(30)
        assert world.live()
    return world


def drawn(seed: int) -> list[tuple[float, str]]:
    """Draw what a person does, by the seed."""
    chance = random.Random(f"deeds {seed}")
    deeds = ("cancel", "cancel", "cancel", "cancel entry", "cancel all", "sell", "withdraw")
    many = chance.randrange(1, 5)
    return sorted((chance.uniform(30, 240), chance.choice(deeds)) for _ in range(many))
