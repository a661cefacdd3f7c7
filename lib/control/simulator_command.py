"""The command `simulator`: the paper exchange as a server of its own."""

import asyncio
from collections.abc import Iterable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lib.control.exits import Exit
from lib.control.options import PATH
from lib.control.simulator_words import Amounts, Answer, Fees, Symbols
from lib.control.spoken import complain, say
from lib.control.stopping import stop_on_signals
from lib.errors import Halt, Unavailable
from lib.mistakes import ConfError

if TYPE_CHECKING:
    from lib.binance.addresses import Addresses
    from lib.binance.public_market import PublicMarket
    from lib.simulator.paper.paper import Paper, PaperSettings

KEY = "paper"
BALANCE = "USDT=10000,BTC=1,ETH=10,BNB=1"


def list_options(context: click.Context, _: click.Parameter, wanted: bool) -> None:  # noqa: FBT001 - click's own form
    """Print every name that --option takes, with its default, and end."""
    if wanted and not context.resilient_parsing:
        from lib.simulator.option_words import list_options as lines

        say(lines())
        context.exit(Exit.FINE)


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Where to listen.")
@click.option(
    "--port", type=click.IntRange(0, 65_535), default=9_090, show_default=True, help="0: any free."
)
@click.option("--db", type=PATH, help="The file of its books; without one it forgets.")
@click.option(
    "--market",
    type=click.Choice(["candles", "capture", "live", "none"]),
    default="candles",
    show_default=True,
    help="Recorded candles of eight months; ten minutes of every recorded trade; Binance's own "
    "market as it is now; or none but what you set.",
)
@click.option(
    "--symbols",
    type=Symbols(),
    help="Which symbols there are. Recordings: BTCUSDT and ETHUSDT; live: any, BTCUSDT alone "
    "unless you say.",
)
@click.option("--live-rest", metavar="URL", help="Live: whose REST API instead of Binance's.")
@click.option("--live-streams", metavar="URL", help="Live: whose streams instead of Binance's.")
@click.option(
    "--speed",
    type=click.IntRange(1, 100_000),
    default=60,
    show_default=True,
    help="Recordings: seconds played in one second.",
)
@click.option("--seed", type=int, default=1, show_default=True, help="Recordings: their chance.")
@click.option("--info", type=PATH, help="Another exchangeInfo than the one in data/.")
@click.option(
    "--balance",
    type=Amounts(),
    default=BALANCE,
    show_default=True,
    help="What a new account begins with.",
)
@click.option(
    "--accounts", type=PATH, help="A JSON file of accounts, keys and permissions instead of one."
)
@click.option("--fees", type=Fees(), help="Commissions, as in 0.001,0.001.")
@click.option(
    "--option",
    "answers",
    type=Answer(),
    multiple=True,
    help="Answer one of Binance's open questions, as in query_lag_ms=500. Again for another.",
)
@click.option(
    "--list-options",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=list_options,
    help="List what --option takes, with the defaults, and end.",
)
@click.option(
    "--control/--no-control",
    default=False,
    show_default=True,
    help="Whether /simulator/ takes commands: faults, wipes, clocks. For tests.",
)
@click.pass_context
def simulator(context: click.Context, /, **wanted: Any) -> None:
    """Serve a paper exchange that speaks as Binance Spot does: REST, WebSocket API, streams.

    Any client of Binance can use it; at start it says how three of them find it. Its clock is the
    real one, its orders never leave it, and with --db they survive a kill at any moment.

    \b
    Try a bot on months of recorded prices, a minute a second:
      python auto_trading.py simulator --db books.sqlite
    Try it on what Binance trades right now; no key is needed, only public data is read:
      python auto_trading.py simulator --market live --symbols BTCUSDT,SOLUSDT
    Make the market yourself, break things on purpose:
      python auto_trading.py simulator --market none --control
    """
    live = wanted.pop("live_rest"), wanted.pop("live_streams")
    try:
        settings = read_settings(wanted)
        market = _market_of(settings, *live)
    except (ConfError, Halt, ValueError) as wrong:
        complain(str(wrong))
        context.exit(Exit.NOTHING_STARTS)
    context.exit(serve(settings, market))


def read_settings(wanted: Mapping[str, Any]) -> "PaperSettings":
    """Make the words of the command line into settings. Raises ConfError and ValueError."""
    from lib.simulator.option_words import with_options
    from lib.simulator.options import Options
    from lib.simulator.paper.accounts_file import read_accounts
    from lib.simulator.paper.paper import PaperSettings

    chosen = dict(wanted)
    accounts: Path | None = chosen.pop("accounts")
    answers: Iterable[tuple[str, Any]] = chosen.pop("answers")
    fees: dict[str, Decimal] = chosen.pop("fees") or {}
    symbols = chosen.pop("symbols") or (("BTCUSDT",) if chosen["market"] == "live" else ())
    return PaperSettings(
        books=chosen.pop("db"),
        balances=chosen.pop("balance"),
        key=KEY,
        secret=KEY,
        symbols=symbols,
        accounts=read_accounts(accounts) if accounts else (),
        options=with_options(Options(), fees | dict(answers)),
        **chosen,
    )


def serve(settings: "PaperSettings", market: "Addresses | None" = None) -> Exit:
    """Serve until a signal ends the process; the books are on disk already."""
    stop_on_signals()
    try:
        asyncio.run(_serve(settings, market))
    except Unavailable as weather:
        complain(f"the live market cannot be asked, and never was: {weather}")
    except OSError as wrong:
        complain(f"cannot listen at {settings.host}:{settings.port}: {wrong.strerror or wrong}")
    except (Halt, ValueError) as wrong:
        complain(str(wrong))
    return Exit.NOTHING_STARTS


def directions(address: str, *, keys: Iterable[str] | None = None, control: str = "") -> str:
    """Say how the runner and foreign clients find the exchange, and what address takes commands."""
    sockets = address.replace("http", "ws", 1)
    key, secret = (KEY, KEY) if keys is None else ("KEY", "SECRET")
    listed = ", ".join(keys or ()) or "none, so nobody can trade"
    known = f"key {KEY}, secret {KEY}" if keys is None else f"keys {listed}"
    words = f"""a paper exchange listens at {address} ({known}); Ctrl-C stops it

the runner:       python auto_trading.py --venue {address}
python-binance:   AsyncClient.API_URL = "{address}/api"
                  AsyncClient.WS_API_URL = "{sockets}/ws-api/v3"
                  BinanceSocketManager.STREAM_URL = "{sockets}/"
                  client = await AsyncClient.create("{key}", "{secret}")
ccxt:             exchange = ccxt.pro.binance({{
                      "apiKey": "{key}", "secret": "{secret}", "options": {{
                          "fetchMarkets": {{"types": ["spot"]}}, "defaultType": "spot",
                          "fetchCurrencies": False, "fetchMargins": False}}}})
                  api = exchange.urls["api"]
                  api["public"] = api["private"] = "{address}/api/v3"
                  api["ws"]["spot"] = "{sockets}/ws"
                  api["ws"]["ws-api"]["spot"] = "{sockets}/ws-api/v3\""""
    if control:
        words += f"""
commands:         curl {control}/simulator/state      (docs/simulator.md lists them)"""
    return words


def _market_of(
    settings: "PaperSettings", rest: str | None, streams: str | None
) -> "Addresses | None":
    """Find where the live market is, if it is wanted. Raises Halt and ValueError."""
    if settings.market != "live":
        if rest or streams:
            raise ValueError("--live-rest and --live-streams go with --market live")
        return None
    from lib.binance.public_market import market_addresses

    return market_addresses(rest, streams)


async def _serve(settings: "PaperSettings", market: "Addresses | None") -> None:
    from lib.simulator.paper.paper import open_paper

    paper = await open_paper(settings, source=_source(market) if market else None)
    keys = [key.key for grant in settings.accounts for key in grant.keys]
    known = keys if settings.accounts else None
    say(directions(paper.address, keys=known, control=paper.control_address))
    say(_shown_market(settings, paper, market))
    await paper.serve()


def _source(market: "Addresses") -> "PublicMarket":
    from lib.binance.public_market import PublicMarket

    return PublicMarket(market)


def _shown_market(settings: "PaperSettings", paper: "Paper", market: "Addresses | None") -> str:
    """Say whose prices these are."""
    symbols = ", ".join(paper.symbols)
    if market is not None:
        where = market.rest.removesuffix("/api")
        return f"\nthe market is the live one of {where}, read only: {symbols}"
    if settings.market == "none":
        return f"\nthere is no market but the one you set: {symbols}"
    return (
        f"\nthe market is recorded {settings.market}, {settings.speed} seconds a second: {symbols}"
    )
