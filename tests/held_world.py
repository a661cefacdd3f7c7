"""A world that watches at the exchange how far bought coins are protected, and for how long not."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from lib.exits.protection import Position
from lib.life import Standing
from tests.swinging import ShapedWorld, contexts
from tests.world import OPEN

DUST = Decimal("0.0001")  # of BTC at 61000: less than 5 USDT at any price of these worlds, or so
LOT = Decimal("0.00001")


@dataclass
class HeldWorld(ShapedWorld):
    """Judges each report of an order as the exchange makes it, before anybody of ours hears it."""

    sells: dict[int, Mapping[str, Any]] = field(default_factory=dict)  # open ones, by order id
    bought: Decimal = Decimal(0)  # less the fees
    sold: Decimal = Decimal(0)
    executed: dict[Any, Decimal] = field(default_factory=dict)  # of sells, by list
    most_lists: int = 0
    oversold: list[str] = field(default_factory=list)
    naked_since: int | None = None
    naked_longest: int = 0  # ms

    def heard(self, event: Mapping[str, Any]) -> None:
        if event["x"] == "TRADE":
            self._count(event)
        if event["S"] == "SELL":
            self.sells.pop(event["i"], None)
            if event["X"] in OPEN - {"PENDING_NEW"}:
                self.sells[event["i"]] = event
        self._judge()

    def _count(self, event: Mapping[str, Any]) -> None:
        quantity = Decimal(event["l"])
        if event["S"] == "BUY":
            fee = Decimal(event["n"]) if event["N"] == "BTC" else Decimal(0)
            self.bought += quantity - fee
        else:
            self.sold += quantity
            which = _group(event)
            self.executed[which] = self.executed.get(which, Decimal(0)) + quantity

    def _judge(self) -> None:
        """Hold what is open against what is there."""
        by_list: dict[Any, Decimal] = {}
        for event in self.sells.values():
            which = _group(event)
            left = Decimal(event["q"]) - self.executed.get(which, Decimal(0))
            by_list[which] = max(by_list.get(which, Decimal(0)), left)
        self.most_lists = max(self.most_lists, len(by_list))
        if self.sold + sum(by_list.values()) > self.bought:
            self.oversold.append(f"{self.sold} and {by_list} of {self.bought}")
        self._time_nakedness()

    def _time_nakedness(self) -> None:
        held, now = self.bought - self.sold, self.clock()
        stops = [e for e in self.sells.values() if e["o"].startswith("STOP_LOSS")]
        guarded = sum((Decimal(e["q"]) - Decimal(e["z"]) for e in stops), Decimal(0))
        if held - guarded < LOT:
            if self.naked_since is not None:
                self.naked_longest = max(self.naked_longest, now - self.naked_since)
            self.naked_since = None
        elif self.naked_since is None:
            self.naked_since = now


def _group(event: Mapping[str, Any]) -> str:
    """Name what is executed once at most: a list, or an order of its own."""
    return f"list {event['g']}" if event["g"] != -1 else f"order {event['i']}"


def position_of(world: HeldWorld) -> Position:
    """Answer the position as it is on the disk."""
    return Position.model_validate(contexts(world, "holder")["position"])


def check(world: HeldWorld) -> Position:
    """Hold the exchange's own count against the context: nothing too much, nothing left over."""
    world.check()
    assert world.standings == {"holder": Standing.FINISHED}, world.news
    assert world.most_lists <= 1
    assert world.oversold == []
    assert world.locked() == {}
    position = position_of(world)
    assert position.over
    assert position.ending is not None
    assert world.bought - world.sold == position.dust < DUST
    assert position.unprotected == 0
    result = position.result
    assert result.sold == world.sold
    assert result.position == position.dust
    moved = world.balances()["USDT"] - 100_000
    assert result.realised - result.cost == moved
    return position
