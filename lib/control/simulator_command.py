"""The command `simulator`: the paper exchange as a server of its own."""

import asyncio
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lib.control.exits import Exit
from lib.control.options import PATH
from lib.control.spoken import complain, say
from lib.control.stopping import stop_on_signals
from lib.settings import exact

if TYPE_CHECKING:
    from lib.simulator.paper import PaperSettings

KEY = "paper"


class Amounts(click.ParamType[dict[str, Decimal]]):
    """Reads USDT=10000,BTC=1."""

    name = "ASSET=AMOUNT,…"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> dict[str, Decimal]:
        """Make amounts by asset; fails with what cannot be read."""
        amounts: dict[str, Decimal] = {}
        for part in str(value).split(","):
            asset, _, written = part.strip().partition("=")
            amount = _amount(written)
            if not asset.isalnum() or amount is None or asset.upper() in amounts:
                self.fail(f"{part!r} is not like USDT=10000, each asset once", param, ctx)
            amounts[asset.upper()] = amount
        return amounts


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Where to listen.")
@click.option(
    "--port", type=click.IntRange(0, 65_535), default=9_090, show_default=True, help="0: any free."
)
@click.option("--db", type=PATH, help="The file of its books; without one it forgets.")
@click.option(
    "--speed",
    type=click.IntRange(1, 100_000),
    default=60,
    show_default=True,
    help="Recorded seconds played in one second.",
)
@click.option(
    "--market",
    type=click.Choice(["candles", "capture", "none"]),
    default="candles",
    show_default=True,
    help="Candles of eight months, every trade of two days, or no market but yours.",
)
@click.option("--seed", type=int, default=1, show_default=True, help="The market's chance.")
@click.option(
    "--balance",
    type=Amounts(),
    default="USDT=10000,BTC=1,ETH=10,BNB=1",
    show_default=True,
    help="What a new account begins with.",
)
@click.option(
    "--control/--no-control",
    default=False,
    show_default=True,
    help="Whether /simulator/ takes commands: faults, wipes, clocks. For tests.",
)
@click.pass_context
def simulator(context: click.Context, /, **wanted: Any) -> None:
    """Serve a paper exchange that speaks as Binance does.

    Any client of Binance can use it; its clock is the real one, its prices are recorded ones.
    """
    from lib.simulator.paper import PaperSettings

    db: Path | None = wanted.pop("db")
    balances: dict[str, Decimal] = wanted.pop("balance")
    settings = PaperSettings(books=db, balances=balances, key=KEY, secret=KEY, **wanted)
    context.exit(serve(settings))


def serve(settings: "PaperSettings") -> Exit:
    """Serve until a signal ends the process; the books are on disk already."""
    stop_on_signals()
    try:
        asyncio.run(_serve(settings))
    except OSError as wrong:
        complain(f"cannot listen at {settings.host}:{settings.port}: {wrong.strerror or wrong}")
    return Exit.NOTHING_STARTS


async def _serve(settings: "PaperSettings") -> None:
    from lib.simulator.paper import open_paper

    paper = await open_paper(settings)
    say(directions(paper.address))
    await asyncio.Event().wait()


def directions(address: str) -> str:
    """Say how the runner and a foreign client find the exchange."""
    sockets = address.replace("http", "ws", 1)
    return f"""a paper exchange listens at {address} (key {KEY}, secret {KEY}); Ctrl-C stops it

the runner:       python auto_trading.py --venue {address}
python-binance:   AsyncClient.API_URL = "{address}/api"
                  AsyncClient.WS_API_URL = "{sockets}/ws-api/v3"
                  BinanceSocketManager.STREAM_URL = "{sockets}/"
                  client = await AsyncClient.create("{KEY}", "{KEY}")"""


def _amount(written: str) -> Decimal | None:
    try:
        amount = exact(written)
    except ValueError:
        return None
    return amount if amount >= 0 else None
