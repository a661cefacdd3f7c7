"""The command `keys`: asks for the exchange's key without showing it, tries it, writes `.env`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import click

from lib.control.doctor_findings import Finding, gravest
from lib.control.env_file import with_values, write_env_file
from lib.control.exits import Exit
from lib.control.options import ENV_FILE, Options, with_places, with_venue
from lib.control.spoken import complain, known_secrets, say
from lib.control.terminal import machine_time
from lib.credentials import Credentials, read_credentials
from lib.errors import Halt
from lib.mistakes import ConfError

SYMBOL: Final = "BTCUSDT"
NO_FILE: Final = Path("/nonexistent")
KEY, SECRET, TEST = "BINANCE_API_KEY", "BINANCE_API_SECRET", "BINANCE_API_TEST"


@click.command()
@click.option("--untried", is_flag=True, help="Write it without asking the exchange.")
@with_places
@with_venue
def keys(options: Options, *, untried: bool) -> Exit:
    """Ask for the exchange's key and secret, try them out, and write them into .env.

    Nothing that you type is shown, and nobody else can read the file. Its other lines stay. A key
    that the exchange refuses is not written. A private key of several lines cannot be typed here:
    name its file in .env as BINANCE_API_SECRET_FILE.
    """
    answers = {
        KEY: click.prompt("API key", hide_input=True).strip(),
        SECRET: click.prompt("Secret", hide_input=True).strip(),
        TEST: "false" if _is_real(options.venue) else "true",
    }
    try:
        text = with_values(_present(ENV_FILE), answers)
        found = _judged(answers)
    except (OSError, ValueError, ConfError) as wrong:
        complain(f"{ENV_FILE} stays as it was: {wrong}")
        return Exit.NOTHING_STARTS
    findings = [] if untried else _tried(options.venue, found)
    for finding in findings:
        say(found.redactor.redact(str(finding)))
    if gravest(findings) is Exit.NOTHING_STARTS:
        complain(f"{ENV_FILE} stays as it was")
        return Exit.NOTHING_STARTS
    return _write(text) or gravest(findings)


def _is_real(venue: str | None) -> bool:
    """Ask what the key is for, unless the command line said so."""
    if venue is not None:
        return venue == "live"
    return click.confirm("Is it for real money (no: testnet)?", default=False)


def _present(path: Path) -> str:
    return path.read_text(encoding="utf-8-sig") if path.exists() else ""


def _judged(answers: Mapping[str, str]) -> Credentials:
    """Read the answers as the runner would. Raises ConfError with what is wrong in them."""
    return read_credentials(NO_FILE, environ=answers)


def _tried(venue: str | None, found: Credentials) -> list[Finding]:
    from lib.binance.addresses import resolve
    from lib.control.doctor_exchange import examine_exchange

    try:
        addresses = resolve(venue or ("testnet" if found.test == "true" else "live"))
    except Halt as wrong:
        cure = "name testnet, demo, live or http://HOST:PORT"
        return [Finding("exchange", str(wrong), cure, Exit.NOTHING_STARTS)]
    return list(examine_exchange(addresses, found, symbol=SYMBOL, machine_time=machine_time))


def _write(text: str) -> Exit:
    try:
        write_env_file(ENV_FILE, text)
    except OSError as wrong:
        complain(f"{ENV_FILE} stays as it was: {wrong.strerror or wrong}")
        return Exit.NOTHING_STARTS
    known_secrets.cache_clear()
    say(f"{ENV_FILE} is written, for its owner alone; the next start uses it")
    return Exit.FINE
