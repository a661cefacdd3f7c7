"""A world whose bots are limited, and whose exchange notes what every entry made of its account.

Nothing of the program's own counting is used: positions, open orders and results are added up from
the exchange's reports, before anybody of ours hears them.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from lib.control.limiting import Limiting
from lib.exchange import ZERO
from lib.news import News
from lib.shelf import Shelf
from lib.supervisor import Supervisor
from tests.told_world import ToldLife, ToldWorld
from tests.world import OPEN, Life, World, world_conf

ALL = ""


@dataclass
class Seen:
    """One order as the exchange reported it last."""

    id: str
    bot: str
    symbol: str
    buys: bool
    is_entry: bool
    left: Decimal  # of base, still open
    price: Decimal
    list_id: int

    @property
    def value(self) -> Decimal:
        return self.left * self.price


@dataclass
class Moment:
    """What there was at the instant an entry came in, it included; amounts are USDT."""

    id: str
    bot: str
    symbol: str
    at: int
    value: Decimal
    price: Decimal
    last: Decimal
    exposure: Mapping[str, Decimal]  # by scope
    exposure_in: Mapping[tuple[str, str], Decimal]  # by scope and symbol
    open_orders: Mapping[str, int]
    results: Mapping[str, Decimal]


@dataclass
class LimitedWorld(ToldWorld):
    """Counts what limits count, at the exchange."""

    moments: list[Moment] = field(default_factory=list)
    exits: list[str] = field(default_factory=list)
    heard_at: list[tuple[int, str]] = field(default_factory=list)  # news, exchange ms

    def __post_init__(self) -> None:
        self.seen: dict[int, Seen] = {}
        self.holdings: dict[tuple[str, str], Decimal] = {}
        self.moved: dict[tuple[str, str], Decimal] = {}
        super().__post_init__()
        self.begin_life = LimitedLife

    def hear(self, news: News) -> None:
        super().hear(news)
        self.heard_at.append((self.clock(), news.text))

    def heard(self, event: Mapping[str, Any]) -> None:
        super().heard(event)
        bot, known = self._bot_of(event["C"] or event["c"]), self.seen.get(event["i"])
        executed, last = Decimal(event["l"]), Decimal(event["L"])
        before = self.holdings.get((bot, event["s"]), ZERO)
        self._book(bot, event, executed, last)
        is_entry = known.is_entry if known else _enlarges(before, event)
        self.seen[event["i"]] = seen = self._seen(bot, event, is_entry=is_entry)
        if known is None and event["x"] in {"NEW", "TRADE"}:
            if is_entry:
                self.moments.append(self._moment(seen, event))
            else:
                self.exits.append(seen.id)

    def _seen(self, bot: str, event: Mapping[str, Any], *, is_entry: bool) -> Seen:
        left = Decimal(event["q"]) - Decimal(event["z"]) if event["X"] in OPEN else ZERO
        price = Decimal(event["p"]) or Decimal(event["P"]) or self.price_of(event["s"])
        buys = event["S"] == "BUY"
        return Seen(event["c"], bot, event["s"], buys, is_entry, left, price, event["g"])

    def _book(self, bot: str, event: Mapping[str, Any], executed: Decimal, last: Decimal) -> None:
        if event["x"] != "TRADE":
            return
        sign = 1 if event["S"] == "BUY" else -1
        base = event["s"].removesuffix("USDT")
        self._move(bot, base, sign * executed)
        self._move(bot, "USDT", -sign * executed * last)
        if event["N"]:
            self._move(bot, event["N"], -Decimal(event["n"]))
        held = self.holdings.get((bot, event["s"]), ZERO) + sign * executed
        self.holdings[bot, event["s"]] = held

    def _move(self, bot: str, asset: str, amount: Decimal) -> None:
        self.moved[bot, asset] = self.moved.get((bot, asset), ZERO) + amount

    def _moment(self, seen: Seen, event: Mapping[str, Any]) -> Moment:
        last = self.price_of(seen.symbol)
        scopes = [ALL, *self.bots]
        value = Decimal(event["q"]) * (seen.price or last)
        return Moment(
            seen.id,
            seen.bot,
            seen.symbol,
            event["T"],
            value,
            seen.price,
            last,
            {scope: sum(self._exposures(scope), ZERO) for scope in scopes},
            {
                (scope, symbol): sum(self._exposures(scope, symbol), ZERO)
                for scope in scopes
                for symbol in self.prices
            },
            {scope: self._open_orders(scope) for scope in scopes},
            {scope: self.result(scope) for scope in scopes},
        )

    def _exposures(self, scope: str, symbol: str = "") -> Iterator[Decimal]:
        for (bot, each), held in self.holdings.items():
            if scope in {ALL, bot} and symbol in {"", each}:
                yield abs(held) * self.price_of(each)
        for order in self.seen.values():
            if scope in {ALL, order.bot} and symbol in {"", order.symbol} and order.is_entry:
                yield order.value

    def _open_orders(self, scope: str) -> int:
        return sum(bool(order.left) and scope in {ALL, order.bot} for order in self.seen.values())

    def result(self, scope: str) -> Decimal:
        """What a scope's fills moved, at the prices of this moment."""
        return sum(
            (
                amount * (1 if asset == "USDT" else self.price_of(f"{asset}USDT"))
                for (bot, asset), amount in self.moved.items()
                if scope in {ALL, bot}
            ),
            ZERO,
        )

    def price_of(self, symbol: str) -> Decimal:
        return Decimal(f"{self.prices[symbol]:.2f}")


class LimitedLife(ToldLife):
    """A life whose limits are in force."""

    def furnish(self, supervisor: Supervisor, shelf: Shelf) -> None:
        super().furnish(supervisor, shelf)
        world: World = self.world
        conf = world_conf(world)
        limiting = Limiting(
            conf, supervisor, self.office, shelf.folder, world.hear, disk=world.disk
        )
        self.limiting = limiting
        self.keeping = self.loop.create_task(limiting.keep())


def _enlarges(before: Decimal, event: Mapping[str, Any]) -> bool:
    change = Decimal(event["q"]) if event["S"] == "BUY" else -Decimal(event["q"])
    return abs(before + change) > abs(before)


__all__ = ["ALL", "Life", "LimitedWorld", "Moment"]
