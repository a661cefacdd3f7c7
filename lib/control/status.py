"""How all bots stand, read from their files: also while nothing runs, or another process does.

The JSON of `status --json` has this shape; fields may be added, none is renamed or taken away:

    {
      "format": 1,
      "ctx": "ctx",                      the folder looked at
      "running": true,                   a runner is at work on it
      "killed": null,                    or {"by", "at", "flatten"}: no order leaves until `unkill`
      "bots": [{
        "name": "bitcoin_dips",
        "stands": "running",             running, asking Binance, stopped, finished, needs you,
                                         waiting (no file yet), paused, stopped by you,
                                         being flattened, flattened, killed
        "in_conf": true,                 null: conf.json cannot be read
        "problem": "",                   why the bot needs you; else empty
        "function": "dip_buyer.bot", "symbols": ["BTCUSDT"],
        "mode": "simulation",            live, sandbox, simulation or backtest
        "venue": "paper",
        "saved_at": 1732184000000,       exchange ms; null without a readable file
        "parked": null,                  or {"kind", "reason", "at"}
        "told": null,                    or {"instruction", "by", "at"}: what you said to it last
        "orders": [{                     those not final
          "id", "order_id", "symbol", "side", "type",
          "state": "open",               a word of lib.orders.OrderState
          "quantity", "quote_quantity", "price", "stop_price",       amounts are strings or null
          "executed", "executed_quote",                              amounts are strings
          "sent_at"                      exchange ms
        }],
        "result": {
          "net": {"USDT": "-61.2"}, "fees": {"BTC": "0.000001"}, "orders_done": 1,
                                         of finished orders; partial fills count in all below
          "realised": {"USDT": "0"},     by average cost, fees in the symbol's assets inside
          "unrealised": {"USDT": "0.1"}, at the price of the bot's own newest fill
          "positions": [{"symbol", "quantity", "cost", "realised", "unrealised", "price",
                         "priced_at"}]   amounts are strings, cost and results in quote
        },
        "wallet": {
          "budget": {"USDT": "500"},     null: the bot shares what no budget reserves
          "total": {"USDT": "438.8"},    budget and what its fills made of it
          "in_orders": {}                what its unfinished orders may still take of it
        },                               null without a readable file
        "said": "lap 1 …"                its last word
      }],
      "totals": {"paper": {"realised", "unrealised", "fees"}},   of all bots, by venue and asset
      "others": [{                       other runners on the account, as our last one saw them
        "installation": "3fa2c1", "since": 1732184000000,
        "at_work": true,                 false: it has open orders, and may be gone for good
        "active": true
      }]
    }
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import orjson

from lib.conf import ConfError, RunnerConf, read_conf
from lib.context_file.generation import Generation, Memory
from lib.control.columns import Column, lay_out
from lib.control.ctx_folder import Page, installation_of, read_pages, runner_at_work
from lib.control.log_lines import local_time, printable
from lib.control.office_memory import Killed, read_killed
from lib.control.results import (
    Money,
    Sums,
    amounts_as_text,
    money_of,
    positions_as_json,
    sums_as_json,
    sums_by_venue,
    told,
    wallet_as_json,
)
from lib.control.standing import Word, brought, in_short, word_on_disk
from lib.dealing.dealer import describe
from lib.instructions import BY_YOU, Instruction
from lib.modes import mode_and_venue, mode_of
from lib.money import plain
from lib.orders import Order
from lib.ownership.others_page import Neighbour, read_others

FORMAT: Final = 1
COLUMNS: Final = (
    Column("bot"),
    Column("stands"),
    Column("symbol"),
    Column("mode"),
    Column("open orders"),
    Column("result so far"),
)


@dataclass(frozen=True, slots=True)
class BotStatus:
    """One bot: its file, if any, and what conf.json says of it."""

    page: Page
    stands: Word
    problem: str
    in_conf: bool | None


@dataclass(frozen=True, slots=True)
class Status:
    """All bots of a folder."""

    ctx: Path
    running: bool
    bots: Sequence[BotStatus]
    others: Sequence[Neighbour] = ()
    killed: Killed | None = None

    @property
    def needs_you(self) -> bool:
        """Say whether any bot waits for a person."""
        return any(bot.stands is Word.NEEDS_YOU for bot in self.bots)


def read_status(ctx: Path, conf: Path) -> Status:
    """Look at the files. Raises nothing for what they hold: a bad one is told of its bot."""
    running = runner_at_work(ctx)
    wrong = wrong_sections(conf)
    pages = list(read_pages(ctx, installation_of(ctx)))
    killed = read_killed(ctx)
    dead = killed is not None
    known = [_judged(page, wrong, running=running, killed=dead) for page in pages]
    found = {page.name for page in pages}
    unborn = [_unborn(name, text) for name, text in (wrong or {}).items() if name not in found]
    return Status(ctx, running, [*known, *unborn], read_others(ctx), killed)


def wrong_sections(conf: Path) -> dict[str, str] | None:
    """Answer each bot of conf.json with what is wrong in its section; None: it cannot be read."""
    try:
        read = read_conf(conf)
    except ConfError:
        return None
    return {**dict.fromkeys(_names(read), ""), **_held(read)}


def as_json(status: Status) -> str:
    """Write the shape that the head of this file documents."""
    value = {
        "format": FORMAT,
        "ctx": str(status.ctx),
        "running": status.running,
        "killed": status.killed.model_dump() if status.killed else None,
        "bots": [_bot_as_json(bot) for bot in status.bots],
        "totals": {venue: sums_as_json(sums) for venue, sums in _sums(status).items()},
        "others": [other.model_dump() for other in status.others],
    }
    return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()


def as_text(status: Status, width: int) -> str:
    """Write a table for a person, the orders of each bot below it."""
    head = "\n".join([_head(status), *_killed(status), *_neighbours(status)])
    if not status.bots:
        return f"{head}\nno bot has ever run here"
    titles, *rows = lay_out(COLUMNS, [_cells(bot) for bot in status.bots], width)
    lines = [head, "", titles]
    for row, bot in zip(rows, status.bots, strict=True):
        lines += [row, *_details(bot)]
    totals = [f"{venue}: {sums}" for venue, sums in _sums(status).items() if str(sums)]
    return "\n".join([*lines, "", *totals] if totals else lines)


def _head(status: Status) -> str:
    if status.running:
        return f"{status.ctx}: a runner is at work"
    return f"{status.ctx}: no runner is at work: nothing trades until it is started"


def _killed(status: Status) -> Iterator[str]:
    killed = status.killed
    if killed is not None:
        since = f" since {local_time(killed.at)}" if killed.at else ""
        yield f"killed{since} by {killed.by}: no order leaves until `unkill`"


def _neighbours(status: Status) -> Iterator[str]:
    """Name the other runners on the account, as long as somebody looks."""
    for other in status.others if status.running else ():
        who = f"another runner of auto_trading (installation {other.installation})"
        does = "trades" if other.at_work else "has open orders"
        quiet = "" if other.active else "; it is quiet now"
        yield f"{who} {does} on this account since {local_time(other.since)}{quiet}"


def _sums(status: Status) -> dict[str, Sums]:
    return sums_by_venue(bot.page for bot in status.bots)


def _judged(page: Page, wrong: dict[str, str] | None, *, running: bool, killed: bool) -> BotStatus:
    in_conf = None if wrong is None else page.name in wrong
    problem = page.problem or (wrong or {}).get(page.name, "")
    if page.generation is None or problem:
        return BotStatus(page, Word.NEEDS_YOU, problem, in_conf)
    runs = running and in_conf is not False
    word = word_on_disk(page.generation, page.orders, runs=runs, killed=killed)
    parked = page.generation.parked
    return BotStatus(page, word, f"{parked.kind}: {parked.reason}" if parked else "", in_conf)


def _unborn(name: str, wrong: str) -> BotStatus:
    page = Page(name, None, problem="")
    return BotStatus(page, Word.NEEDS_YOU if wrong else Word.WAITING, wrong, in_conf=True)


def _names(conf: RunnerConf) -> Iterator[str]:
    return (bot.name for bot in conf.bots)


def _held(conf: RunnerConf) -> dict[str, str]:
    return {
        held.name: "; ".join(str(mistake) for mistake in held.mistakes) for held in conf.held_back
    }


# --- for a person


def _cells(bot: BotStatus) -> tuple[str, ...]:
    generation = bot.page.generation
    return (
        bot.page.name,
        str(bot.stands),
        ", ".join(generation.symbols) if generation else "-",
        mode_and_venue(generation.venue) if generation and generation.venue else "-",
        in_short(bot.page.orders),
        (brought(generation.memory) if generation else "") or "-",
    )


def _details(bot: BotStatus) -> Iterator[str]:
    if bot.in_conf is False:
        yield "    it is not in conf.json and does not run"
    if bot.problem:
        first, *rest = printable(bot.problem).split("\n")
        yield f"    {first}"
        yield from (f"    {line}" for line in rest)
    if bot.page.generation is not None:
        yield from _told(bot.page.generation)
        money = money_of(bot.page.generation, bot.page.orders)
        yield from (f"    {line}" for line in told(money))
    for order in _unfinished(bot):
        done = f", {plain(order.executed)} of it done" if order.executed else ""
        yield f"    {describe(order)}: {order.state}{done}{_since(order)}"


def _told(generation: Generation) -> Iterator[str]:
    told = generation.instruction
    if told is not Instruction.TRADE:
        yield f"    {BY_YOU[told]} since {local_time(generation.told_at)} ({generation.told_by})"


def _since(order: Order) -> str:
    return f", sent {local_time(order.sent_at)}" if order.sent_at else ""


# --- for a program


_NO_RESULT: Final = {
    "net": {},
    "fees": {},
    "orders_done": 0,
    "realised": {},
    "unrealised": {},
    "positions": [],
}


def _bot_as_json(bot: BotStatus) -> dict[str, Any]:
    generation = bot.page.generation
    facts: dict[str, Any] = {
        "name": bot.page.name,
        "stands": str(bot.stands),
        "in_conf": bot.in_conf,
        "problem": bot.problem,
        "function": generation.function if generation else "",
        "symbols": generation.symbols if generation else [],
        "mode": str(mode_of(generation.venue)) if generation and generation.venue else "",
        "venue": generation.venue if generation else "",
        "saved_at": generation.saved_at if generation else None,
        "parked": None,
        "told": None,
        "orders": [_order_as_json(order) for order in _unfinished(bot)],
        "result": _NO_RESULT,
        "wallet": None,
        "said": generation.memory.said if generation else "",
    }
    if generation:
        money = money_of(generation, bot.page.orders)
        facts["result"] = _result_as_json(generation.memory, money)
        facts["wallet"] = wallet_as_json(money)
        if generation.instruction is not Instruction.TRADE:
            facts["told"] = {
                "instruction": str(generation.instruction),
                "by": generation.told_by,
                "at": generation.told_at,
            }
        if generation.parked:
            facts["parked"] = generation.parked.model_dump(include={"kind", "reason", "at"})
    return facts


def _result_as_json(memory: Memory, money: Money) -> dict[str, Any]:
    sums = sums_as_json(money.sums)
    return {
        "net": amounts_as_text(memory.net),
        "fees": amounts_as_text(memory.fees),
        "orders_done": memory.orders_done,
        "realised": sums["realised"],
        "unrealised": sums["unrealised"],
        "positions": positions_as_json(money),
    }


def _order_as_json(order: Order) -> dict[str, Any]:
    shown = {"id", "order_id", "symbol", "side", "type", "state", "sent_at"}
    amounts = ("quantity", "quote_quantity", "price", "stop_price", "executed", "executed_quote")
    facts = order.model_dump(mode="json", include=shown)
    for name in amounts:
        amount = getattr(order, name)
        facts[name] = None if amount is None else plain(amount)
    return facts


def _unfinished(bot: BotStatus) -> list[Order]:
    return [order for order in bot.page.orders if not order.final]
