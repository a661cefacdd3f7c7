"""Makes folders of contexts as a runner leaves them behind, and runs commands on them."""

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
from click.testing import CliRunner, Result

from auto_trading import main
from lib.atomic_json import ContextFile, atomic_save_json, read_generations
from lib.context_file.generation import (
    Generation,
    Memory,
    Parked,
    decode,
    encode_as_it_was,
    stamped,
)
from lib.orders import Order, OrderState

ROOT = Path(__file__).parents[2]
TAG = "3fa2c1"
BIRTH = 1_700_000_000_000
DIPS = {"symbol": "BTCUSDT", "quantity": "0.01", "dip": "0.02", "rebound": "0.03"}


def order(state: OrderState, **facts: Any) -> Order:
    """Make a buy of a hundredth bitcoin in some state."""
    return Order(
        symbol="BTCUSDT",
        side="BUY",
        type="LIMIT",
        quantity=Decimal("0.01"),
        price=Decimal(60_000),
        time_in_force="GTC",
        **{
            "state": state,
            "id": f"a7{TAG}0000000000000000000000001a",
            "sent_at": BIRTH + 5,
            "sends": 1,
            **facts,
        },
    )


def parked(kind: str, reason: str = "the books differ") -> Parked:
    return Parked(kind=kind, reason=reason, at=BIRTH + 9, traceback="Traceback: line 12\n")


def generation(name: str = "lisa", *orders: Order, **facts: Any) -> Generation:
    """Make a dip buyer's generation whose context holds these orders."""
    buy = orders[0].model_dump(mode="json") if orders else None
    sells = [sell.model_dump(mode="json") for sell in orders[1:]]
    context = {"lap": 1, "buy": buy, "sells": sells, "version": 1} if orders else {}
    return Generation(**{
        "bot": name,
        "venue": "paper",
        "account": "7",
        "installation": TAG,
        "birth": BIRTH,
        "saved_at": BIRTH + 7,
        "function": "dip_buyer.bot",
        "symbols": ["BTCUSDT"],
        "conf": {},
        "memory": Memory(),
        "context": context,
        **facts,
    })


def folder(tmp_path: Path, *generations: Generation) -> Path:
    """Make a ctx folder that holds these."""
    ctx = tmp_path / "ctx"
    ctx.mkdir(exist_ok=True)
    if not (ctx / "installation.json").exists():
        atomic_save_json({"installation": TAG}, ctx / "installation.json")
    for each in generations:
        fields = stamped(encode_as_it_was(each), each.saved_at)
        ContextFile.create(ctx / f"{each.bot}.json", fields).close()
    return ctx


def newest(ctx: Path, name: str) -> Generation:
    return decode(read_generations(ctx / f"{name}.json"))


def conf_file(tmp_path: Path, **bots: Any) -> Path:
    """Write a conf.json, by default with one dip buyer called lisa."""
    sections = bots or {"lisa": {"function": "dip_buyer", **DIPS}}
    path = tmp_path / "conf.json"
    path.write_bytes(orjson.dumps([{name: section} for name, section in sections.items()]))
    return path


def command(tmp_path: Path, *words: str, answer: str = "") -> Result:
    """Run one command of the program on tmp_path's conf.json and ctx."""
    places: Sequence[str] = ("--conf", str(tmp_path / "conf.json"), "--ctx", str(tmp_path / "ctx"))
    return CliRunner().invoke(main, [*places, *words], input=answer)
