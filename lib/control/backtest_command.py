"""The command `backtest`: the bots of conf.json on recorded prices, as fast as they go."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from lib.conf import RunnerConf, read_conf
from lib.control.backtest_words import Duration, Moment, Share
from lib.control.columns import Column, lay_out
from lib.control.exits import Exit
from lib.control.figure_words import figure_lines
from lib.control.model_words import TwoWays
from lib.control.options import PATH, Options
from lib.control.refusal_lines import refusal_lines
from lib.control.simulator_words import Amounts, Fees
from lib.control.spoken import complain, say
from lib.control.sweep_options import with_sweep
from lib.control.sweeping import run_sweep
from lib.control.version import version
from lib.mistakes import ConfError
from lib.modes import Mode
from lib.money import plain

if TYPE_CHECKING:
    from lib.backtest.backtest import Outcome
    from lib.backtest.result import AccountResult, BotResult
    from lib.backtest.settings import BacktestSettings
    from lib.news import News
    from lib.report.run_report import RunReport

BALANCE: Final = "USDT=10000"
WIDTH: Final = 110
CENT: Final = Decimal("0.01")
COLUMNS: Final = (
    Column("bot"),
    Column("symbol"),
    Column("fills", right=True),
    Column("fees", right=True, spare=3),
    Column("invested", right=True, spare=2),
    Column("result", right=True),
    Column("held instead", right=True),
    Column("price", right=True, spare=1),
)


@click.command()
@click.option("--conf", type=PATH, help="The file that says which bots there are.")
@click.option("--ctx", type=PATH, help="A new folder for what the bots remember, to look into.")
@click.option("--from", "begins", type=Moment(), help="When it begins: 2024-08-01, UTC.")
@click.option("--to", "ends", type=Moment(), help="When it ends. Both: else all of the recording.")
@click.option(
    "--market",
    type=click.Choice(["candles", "trades"]),
    default="candles",
    show_default=True,
    help="Bars, or every recorded trade, and change of the book where there is one.",
)
@click.option("--data", type=PATH, help="A folder of recordings, or an SQLite file of `collect`.")
@click.option(
    "--path",
    type=click.Choice(["pessimistic", "high_first", "low_first"]),
    default="pessimistic",
    show_default=True,
    help="Which extreme of a bar comes first.",
)
@click.option("--seed", type=int, default=1, show_default=True, help="Of ids, and of --cuts.")
@click.option(
    "--latency",
    type=TwoWays(),
    default="40ms",
    show_default=True,
    help="Of a request and its answer together, or there and back: 20ms,30ms.",
)
@click.option(
    "--jitter",
    type=Duration(),
    default="0ms",
    show_default=True,
    help="The most that chance, drawn by --seed, adds to each way.",
)
@click.option("--model", metavar="FILE.py:NAME", help="A model of your own: book, fees, latency.")
@click.option(
    "--spread",
    type=Share(),
    default="0",
    show_default=True,
    help="Between bid and ask, of the price.",
)
@click.option(
    "--slippage",
    type=Share(),
    default="0",
    show_default=True,
    help="How far behind the best price all but one lot of the book stands.",
)
@click.option(
    "--volume-share",
    type=Share(),
    default="0.1",
    show_default=True,
    help="How much of what was traded your orders may have.",
)
@click.option("--fees", type=Fees(), help="Commissions, maker and taker, as in 0.001,0.001.")
@click.option(
    "--balance", type=Amounts(), default=BALANCE, show_default=True, help="What the account has."
)
@click.option("--info", type=PATH, help="Another exchangeInfo than the one in data/.")
@click.option(
    "--cuts",
    type=click.IntRange(0, 100_000),
    default=0,
    show_default=True,
    help="How often the power fails meanwhile.",
)
@click.option("--out", type=PATH, help="A folder for report.html, JSON, CSV and the ledger.")
@click.option(
    "--risk-free",
    type=Share(),
    default="0",
    show_default=True,
    help="A year's interest, for ratios.",
)
@click.option("--news", is_flag=True, help="Show what the bots say.")
@with_sweep(run_sweep)
@click.pass_context
def backtest(context: click.Context, /, **wanted: Any) -> None:
    """Run the bots of conf.json on recorded prices: the runner itself, on a clock that jumps.

    Nothing is sent anywhere and ctx/ is not touched. The bots cannot tell: rules, fees, limits,
    partial fills and latency are the simulated exchange's, and no candle is seen before it has
    closed. Inside a bar the price takes the way that hurts, unless --path says otherwise. Same
    data, same words, same ledger. Exit code 0: it ran to its end; 1: a bot stopped itself; 2: it
    cannot be run.
    """
    given = context.find_object(Options) or Options()
    conf_path, out, news = wanted.pop("conf"), wanted.pop("out"), wanted.pop("news")
    risk_free = float(wanted["risk_free"])
    try:
        conf = read_whole_conf(conf_path or given.conf)
        settings = read_settings(wanted, conf)
        outcome = _run(settings, conf, news=news)
    except (ConfError, ValueError) as wrong:
        complain(str(wrong))
        context.exit(Exit.NOTHING_STARTS)
    say("\n".join(report(outcome)))
    if outcome.closing:
        found = _report(outcome, settings, conf, risk_free)
        say("\n".join(figure_lines(found.summary)))
        if out is not None:
            _write(found, out)
    context.exit(Exit.ATTENTION if stopped(outcome) else Exit.FINE)


def read_whole_conf(path: Path) -> RunnerConf:
    """Read a conf none of whose bots is held back. Raises ConfError with every mistake."""
    conf = read_conf(path)
    if conf.held_back:
        raise ConfError([mistake for held in conf.held_back for mistake in held.mistakes])
    return conf


def read_settings(wanted: Mapping[str, Any], conf: RunnerConf) -> "BacktestSettings":
    """Make the words of the command line into settings. Raises ValueError."""
    from lib.backtest.bar_path import PathModel
    from lib.backtest.latency import Latency
    from lib.backtest.liquidity import Costs
    from lib.backtest.settings import BacktestSettings
    from lib.simulator.options import Options as Answers

    chosen = dict(wanted)
    chosen.pop("risk_free", None)  # of the report, not of the run
    ctx: Path | None = chosen["ctx"]
    if ctx is not None and ctx.exists():
        raise ValueError(f"{ctx} exists: a back-test begins in a new folder")
    if chosen["data"] is None:
        del chosen["data"]
    there, back = chosen.pop("latency")
    costs = Costs(*(chosen.pop(name) for name in ("spread", "slippage", "volume_share")))
    fees = chosen.pop("fees") or {}
    return BacktestSettings(
        path=PathModel(chosen.pop("path")),
        costs=costs,
        latency=Latency(there, back, chosen.pop("jitter")),
        balances=chosen.pop("balance"),
        options=Answers(fees_in_bnb=conf.settings.paper.fees_in_bnb, **fees),
        **chosen,
    )


def stopped(outcome: "Outcome") -> list[str]:
    """Name the bots that stopped themselves and need a person."""
    return [name for name, standing in outcome.standings.items() if standing == "parked"]


# --- what a person reads


def report(outcome: "Outcome") -> list[str]:
    """Lay out what came of it, in lines."""
    from lib.backtest.result import account_result, bot_results

    period = outcome.period
    span = f"{_day(period.begins)} to {_day(period.ends)} UTC"
    lines = [f"{Mode.BACKTEST}: {span}, {outcome.stood_for} bars"]
    if outcome.lives > 1:
        lines.append(f"the power failed {outcome.lives - 1} times")
    rows = [_cells(row) for row in bot_results(outcome)]
    lines += lay_out(COLUMNS, rows, WIDTH) if rows else ["nothing was traded"]
    account = account_result(outcome)
    lines += _told(account) if account else []
    lines += refusal_lines(outcome.ledger)
    return [*lines, *(f"{name} stopped itself: see --news" for name in stopped(outcome))]


def _cells(row: "BotResult") -> list[str]:
    fees = ", ".join(f"{plain(amount)} {asset}" for asset, amount in sorted(row.fees.items()))
    return [
        *(row.bot, row.symbol, str(row.fills), fees),
        *(_money(row.invested), f"{_money(row.result)} {row.quote_asset}"),
        *(_money(row.held_instead), _percent(row.change)),
    ]


def _told(account: "AccountResult") -> list[str]:
    part = account.result / account.began if account.began else Decimal(0)
    lines = [
        f"account: {_money(account.began)} became {_money(account.ended)} {account.asset} "
        f"({_percent(part)}); untouched it would be {_money(account.untouched)}"
    ]
    if account.unpriced:
        lines.append(f"not counted, for want of a price: {', '.join(account.unpriced)}")
    return lines


def _money(amount: Decimal) -> str:
    return f"{amount.quantize(CENT):f}"


def _percent(share: Decimal) -> str:
    return f"{(share * 100).quantize(CENT):+f} %"


def _day(time: int) -> str:
    return datetime.fromtimestamp(time // 1000, UTC).strftime("%Y-%m-%d %H:%M")


# --- how it is run


def _run(settings: "BacktestSettings", conf: RunnerConf, *, news: bool) -> "Outcome":
    from lib.backtest.backtest import run_backtest

    return run_backtest(settings, conf, tell=_speak if news else None)


def _speak(news: "News") -> None:
    say(f"{_day(news.at)} {news.bot or 'runner'}: {news.text}")


def _report(
    outcome: "Outcome", settings: "BacktestSettings", conf: RunnerConf, risk_free: float
) -> "RunReport":
    from lib.report.run_report import run_report

    return run_report(outcome, settings, conf, risk_free=risk_free)


def _write(found: "RunReport", out: Path) -> None:
    from lib.backtest.ledger import write_ledger

    ledger = found.outcome.ledger
    refused = tuple(refusal_lines(ledger))
    written = [
        *found.write(out, version=version(), refused=refused),
        *write_ledger(ledger, out),
    ]
    say(f"written: {', '.join(path.name for path in written)} in {out}")
