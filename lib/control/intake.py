"""Everything a person wrote, read and judged together: options, .env and conf.json."""

from dataclasses import dataclass

from lib.binance.addresses import resolve
from lib.conf import RunnerConf, read_conf
from lib.control.log_place import misplaced
from lib.control.options import ENV_FILE, PAPER, Options
from lib.control.sample import is_sample
from lib.credentials import Credentials, choose_venue, read_credentials
from lib.errors import Halt
from lib.mistakes import ConfError, Mistake


@dataclass(frozen=True, slots=True)
class Intake:
    """What was written, without a mistake that keeps everything from starting."""

    options: Options
    credentials: Credentials
    venue: str
    conf: RunnerConf


def take_in(options: Options) -> Intake:
    """Read it all. Raises ConfError with every mistake of all of it."""
    wrong: list[Mistake] = []
    credentials, venue, conf = Credentials(), "", None
    try:
        credentials = read_credentials(ENV_FILE)
        venue = choose_venue(options.venue, credentials)
    except ConfError as mistaken:
        wrong += mistaken.mistakes
    try:
        conf = read_conf(options.conf)
    except ConfError as mistaken:
        wrong += mistaken.mistakes
    if wrong or conf is None:
        raise ConfError(wrong)
    _check_fit(options, venue)
    _check_log(options, conf)
    return Intake(options, credentials, venue, conf)


def _check_log(options: Options, conf: RunnerConf) -> None:
    """Refuse a log file that is another file of the program. Raises ConfError."""
    if why := misplaced(options, conf.settings):
        raise ConfError([Mistake(str(options.conf), 0, 0, "log_file.path", "", why)])


def _check_fit(options: Options, venue: str) -> None:
    """Refuse what must not go together. Raises ConfError."""
    if venue == "backtest":
        words = "a backtest is not run by the runner: use paper, testnet, demo or live"
        raise ConfError([Mistake("--venue", 0, 0, "", "", words)])
    if venue != PAPER:
        try:
            resolve(venue)
        except Halt as wrong:
            raise ConfError([Mistake("--venue", 0, 0, "", "", str(wrong))]) from wrong
    if venue == "live" and is_sample(options.conf):
        words = "this is the sample as it was shipped: make it yours before it trades real money"
        raise ConfError([Mistake(str(options.conf), 0, 0, "", "", words)])
