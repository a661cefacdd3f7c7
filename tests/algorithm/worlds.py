"""Worlds for algorithms, and what is true of them whatever failed."""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from lib.simulator.protocol import Request
from tests.bots_of_lines import SlowWorld, finished
from tests.swinging import contexts, swing
from tests.world import CALM, Luck, World

MINUTE = 60_000
SWING = swing(0.02, 240)


def scripted(
    *acts: str,
    seed: int = 1,
    luck: Luck = CALM,
    shape: Callable[[float], float] = SWING,
    depth: Decimal = Decimal(1),
    **more: Any,
) -> SlowWorld:
    """Make a world of a bot that does one thing at each candle."""
    section = {
        "function": "scribe",
        "symbol": "BTCUSDT",
        "interval": "1m",
        "acts": list(acts),
        "entries_within": "1h",
        **more,
    }
    return SlowWorld(seed, {"bot": section}, luck, shape=shape, depth=depth)


def told(world: World) -> Mapping[str, Any]:
    """Answer what the bot wrote down, as its file has it."""
    return contexts(world, "bot")


def klines(world: World) -> list[list[Any]]:
    """Answer every candle of a minute that the exchange has."""
    params = {"symbol": "BTCUSDT", "interval": "1m", "limit": "1000"}
    request = Request("GET", "/api/v3/klines", params, None)
    rows: list[list[Any]] = world.exchange.answer(request).body
    return rows


def heard_truly(world: SlowWorld) -> None:
    """Each candle was told once, in order and as it was, and so was each fill."""
    finished(world)
    heard = told(world)
    rows = {row[0]: row for row in klines(world)}
    seen = heard["seen"]
    assert heard["starts"] == 1
    assert seen == [opened for opened in sorted(rows) if seen[0] <= opened <= seen[-1]]
    assert [Decimal(each) for each in heard["closes"]] == [Decimal(rows[at][4]) for at in seen]
    assert sorted(fills_of(heard["fills"])) == sorted(executed_at(world))
    held = sum((net for *_, net in trades(world)), Decimal(0))
    assert Decimal(heard["course"]["held"]) == held


def fills_of(words: Sequence[str]) -> list[tuple[str, Decimal, Decimal]]:
    parts = [each.split() for each in words]
    return [(side, Decimal(quantity), Decimal(price)) for side, quantity, price, _ in parts]


def executed_at(world: World) -> list[tuple[str, Decimal, Decimal]]:
    return [(side, quantity, price) for side, quantity, price, _ in trades(world)]


def trades(world: World) -> list[tuple[str, Decimal, Decimal, Decimal]]:
    """Answer every trade of the account: side, quantity, price, and what it brought of BTC."""
    found = []
    for row in world._asked("myTrades", symbol="BTCUSDT", limit="1000"):
        side, quantity = "BUY" if row["isBuyer"] else "SELL", Decimal(row["qty"])
        fee = Decimal(row["commission"]) if row["commissionAsset"] == "BTC" else Decimal(0)
        net = (quantity if row["isBuyer"] else -quantity) - fee
        found.append((side, quantity, Decimal(row["price"]), net))
    return found
