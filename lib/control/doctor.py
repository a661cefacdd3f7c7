"""The command `doctor`: what is wrong, and how to mend it. Changes nothing and starts nothing."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import click

from lib.conf import PaperMarket, RunnerConf, read_conf
from lib.control.doctor_findings import Finding, gravest
from lib.control.doctor_folder import examine_folder
from lib.control.doctor_machine import examine_machine
from lib.control.doctor_watch import examine_watch
from lib.control.exits import Exit
from lib.control.options import ENV_FILE, PAPER, Options, with_places, with_venue
from lib.control.paper_choice import paper_market
from lib.control.spoken import say
from lib.control.terminal import machine_time
from lib.credentials import Credentials, choose_venue, read_credentials
from lib.errors import Halt
from lib.mistakes import ConfError

SYMBOL: Final = "BTCUSDT"  # where no bot names one


@click.command()
@with_places
@with_venue
def doctor(options: Options) -> Exit:
    """Say what is wrong with this machine, its files, its network and the key, and the cure.

    May be asked at any time, beside a runner at work as well. The key is tried out by an order
    that the exchange judges and does not place. `check` looks at the bots; this looks at all
    below them.

    \b
    Ends with 0 if all is fine, 1 if something needs you, 2 if nothing would start,
    3 if another runner than the service has the ctx folder.
    """
    findings = []
    for finding in examine(options):
        findings.append(finding)
        say(str(finding))
    return gravest(findings)


def examine(options: Options) -> Iterator[Finding]:
    """Look at everything, from the machine outwards."""
    yield from examine_machine(ENV_FILE, home=Path.home())
    credentials, venue = Credentials(), ""
    try:
        credentials = read_credentials(ENV_FILE)
        venue = choose_venue(options.venue, credentials)
    except ConfError as wrong:
        yield from _mistaken("keys", wrong, "`python auto_trading.py keys` writes .env anew")
    conf = None
    try:
        conf = read_conf(options.conf)
        yield Finding("conf.json", f"{len(conf.bots)} bots")
    except ConfError as wrong:
        yield from _mistaken("conf.json", wrong, "mend the line; `check` says when it is right")
    play_money = venue == PAPER or venue.startswith("http")
    yield from examine_folder(options.ctx, play_money=play_money)
    if conf is not None:
        yield from examine_watch(conf.settings, options.ctx, home=Path.home())
    if venue:
        yield from _examine_venue(options, conf, credentials, venue)


def _mistaken(subject: str, wrong: ConfError, cure: str) -> Iterator[Finding]:
    for mistake in wrong.mistakes:
        yield Finding(subject, str(mistake), cure, Exit.NOTHING_STARTS)


def _examine_venue(
    options: Options, conf: RunnerConf | None, credentials: Credentials, venue: str
) -> Iterator[Finding]:
    if venue == PAPER and (conf is None or paper_market(options, conf) is not PaperMarket.LIVE):
        yield Finding("exchange", "paper on a recorded market: no network and no key are needed")
        return
    from lib.binance.addresses import resolve
    from lib.binance.public_market import market_addresses
    from lib.control.doctor_exchange import examine_exchange

    try:
        if venue == PAPER and conf is not None:
            paper = conf.settings.paper
            addresses = market_addresses(paper.live_rest, paper.live_streams)
        else:
            addresses = resolve(venue)
    except Halt as wrong:
        cure = "name paper, testnet, demo, live or http://HOST:PORT"
        yield Finding("exchange", str(wrong), cure, Exit.NOTHING_STARTS)
        return
    keys = None if venue == PAPER else credentials
    yield from examine_exchange(addresses, keys, symbol=_symbol(conf), machine_time=machine_time)


def _symbol(conf: RunnerConf | None) -> str:
    named = (symbol for bot in (conf.bots if conf else ()) for symbol in bot.conf.symbols)
    return next(named, SYMBOL)
