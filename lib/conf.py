"""conf.json: what a person sets, read whole and checked before anything starts.

Two forms, both with comments and trailing commas. The short one is a list of bots, the long one
an object with `bots` and the runner's own settings:

    [{"long_strategy": {"symbol": "BTCUSDT"}}]
    {"poll": "30s", "bots": [{"lisa": {"function": "smart_trade", "symbol": "BTCUSDT"}}]}

Every mistake is told at once. One in the file, in a name or in the runner's settings starts
nothing; one inside a bot's section holds back that bot alone.

`python -m lib.conf schema` writes conf.schema.json, by which editors check and complete the file.
"""

import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path as FilePath
from typing import Any

from pydantic import Field, field_validator

from lib.bot_kinds import BotKind, FindBot, NoSuchBot, find_bot, split_function
from lib.budget import KEYS, Terms, split_terms
from lib.commented_json import Duplicate, NotJson, parse
from lib.conf_words import Page, validated
from lib.limits import AllLimits
from lib.mistakes import ConfError, Mistake, Path, likely, shown
from lib.schedule import CLOCK_PATTERN
from lib.settings import Milliseconds, Settings
from lib.time_zones import ZoneName

__all__ = [
    "BotConf",
    "ConfError",
    "HeldBack",
    "Milliseconds",
    "Mistake",
    "RunnerConf",
    "RunnerSettings",
    "Settings",
    "find_bot",
    "read_conf",
]

NAME = re.compile(r"[A-Za-z0-9_-]{1,32}")
RESERVED_NAMES = frozenset({
    "installation",  # a file of its own beside the contexts
    "all",  # every bot, wherever a person names one: `flatten all`
    "runner",  # the program itself, in its log
})


class OnDoubt(StrEnum):
    """What to do once an order in doubt is presumed absent."""

    RESEND = "resend"  # under a new id
    PARK = "park"  # and let a person look


class OnWipe(StrEnum):
    """What to do with the bots after the venue was reset (testnet and demo only)."""

    PARK = "park"
    AFRESH = "afresh"


class OnOrphan(StrEnum):
    """What to do with an open order of ours that no context knows."""

    TELL = "tell"
    CANCEL = "cancel"  # once it is open for a minute


class OnOtherRunner(StrEnum):
    """What to do while another runner of this program trades on the account."""

    TELL = "tell"
    STOP = "stop"  # have no bot open anything new


class PaperMarket(StrEnum):
    """Whose prices paper trading shows."""

    CANDLES = "candles"
    CAPTURE = "capture"
    LIVE = "live"


class PaperTrading(Settings):
    """How paper trading goes: the key `paper`. The command line's --market outdoes it."""

    market: PaperMarket = Field(
        default=PaperMarket.CANDLES,
        description="Whose prices: recorded candles, every recorded trade of ten minutes, or "
        "Binance's real market as it is now. No key is needed, and no order leaves.",
    )
    live_symbols: tuple[str, ...] = Field(
        default=(),
        description="Which symbols the live market shows besides those that the bots name.",
    )
    live_rest: str | None = Field(
        default=None, description="Whose REST API, instead of Binance's public market data."
    )
    live_streams: str | None = Field(
        default=None, description="Whose streams, instead of Binance's public market data."
    )
    fees_in_bnb: bool = Field(
        default=False,
        description="Whether commissions are taken in BNB, a quarter cheaper: live market only, "
        "since no recording has the price of BNB.",
    )


class JournalSettings(Settings):
    """How the order journal is kept: the key `journal`."""

    file: str | None = Field(
        default=None,
        description="The journal's file; absent: journal/orders.sqlite beside the ctx folder.",
    )
    copy_every: Milliseconds = Field(
        default=86_400_000, ge=60_000, description="How often it is copied; 1m or more."
    )
    copies: int = Field(default=14, ge=1, le=10_000, description="How many copies stay.")
    rows_kept: Milliseconds | None = Field(
        default=None,
        description="How old rows may get; older ones are dropped once a copy has them. "
        "Absent: none is.",
    )


class ChatSettings(Settings):
    """What the Telegram chat is told, and who may speak in it: the key `chat`."""

    orders: bool = Field(
        default=False,
        description="Whether it is told of every order that rests, ends or is refused; "
        "fills are told anyway.",
    )
    daily: str | None = Field(
        default="00:05",
        pattern=CLOCK_PATTERN,
        description="When the result of the day is told, in `timezone`; null: never.",
    )
    notify: int | None = Field(
        default=None,
        description="Which chat of TELEGRAM_CHAT_ID is told what happens; absent: the first.",
    )
    senders: tuple[int, ...] = Field(
        default=(),
        description="Who may give commands in a group, by user id, besides those whose own "
        "chats TELEGRAM_CHAT_ID names.",
    )


class LogFormat(StrEnum):
    """How a line of the log looks."""

    LINES = "lines"  # for people
    JSON = "json"  # an object each, for programs


class LogFileSettings(Settings):
    """The file that keeps what the runner tells, beside terminal or journal: key `log_file`."""

    path: str | None = Field(default=None, description="The file; absent: none is kept.")
    bytes_max: int = Field(
        default=5_000_000,
        ge=10_000,
        description="How large it may get before another one is begun, in bytes.",
    )
    files: int = Field(
        default=5, ge=1, le=1_000, description="How many files stay, the newest included."
    )

    @field_validator("path")
    @classmethod
    def _can_be_a_file(cls, path: str | None) -> str | None:
        if path is not None and (not path.strip() or "\0" in path):
            raise ValueError("the path of a file")
        return path


class RunnerSettings(Settings):
    """The runner's own settings: the keys beside `bots` in the long form. All have defaults."""

    on_doubt: OnDoubt = Field(
        default=OnDoubt.RESEND,
        description="When an order whose outcome was lost is presumed absent: "
        "send it again, or park its bot.",
    )
    doubt_look: Milliseconds = Field(
        default=60_000,
        ge=15_000,
        description="How long such an order is looked for before it counts as absent; 15s or more.",
    )
    on_wipe: OnWipe = Field(
        default=OnWipe.PARK,
        description="After a reset of the test exchange: park the bots, or start them afresh.",
    )
    orphans: OnOrphan = Field(
        default=OnOrphan.TELL,
        description="An open order of this installation that no bot's context knows: tell of it, "
        "or cancel it. Orders of others are never touched.",
    )
    other_runner: OnOtherRunner = Field(
        default=OnOtherRunner.TELL,
        description="Another runner of this program, with a ctx folder of its own, trades on the "
        "account: tell of it, or also have no bot open anything new meanwhile.",
    )
    poll: Milliseconds = Field(
        default=30_000,
        ge=1_000,
        le=600_000,
        description="How often the exchange is asked for what the stream may have lost; 1s to 10m.",
    )
    paper: PaperTrading = Field(
        default=PaperTrading(), description="How paper trading goes; other venues ignore it."
    )
    journal: JournalSettings = Field(
        default=JournalSettings(), description="How the order journal is kept."
    )
    limits: AllLimits | None = Field(
        default=None, description="What all bots together may not pass: an exchange that says no."
    )
    log_format: LogFormat = Field(
        default=LogFormat.LINES,
        description="How the log looks: lines for people, or json, an object a line.",
    )
    log_file: LogFileSettings = Field(
        default=LogFileSettings(),
        description="A file that keeps what the runner tells, beside terminal or journal.",
    )
    metrics: int | None = Field(
        default=None,
        ge=1,
        le=65_535,
        description="The port at 127.0.0.1 where Prometheus finds metrics; absent: none.",
    )
    telegram: bool = Field(
        default=True, description="Whether Telegram is used, if .env has its token."
    )
    chat: ChatSettings = Field(
        default=ChatSettings(),
        description="What the Telegram chat is told, and who may speak in it.",
    )
    timezone: ZoneName = Field(
        default="UTC",
        description="The time zone of what you read in Telegram, and in which a day of "
        '`daily_loss` begins, like "Europe/Berlin".',
    )


@dataclass(frozen=True, slots=True)
class BotConf:
    """One bot as configured. `raw` is its section as written; `line` is where its name stands."""

    name: str
    module: str
    function: str
    kind: BotKind
    conf: Settings
    raw: Mapping[str, Any]
    line: int
    terms: Terms = field(default_factory=Terms)

    @property
    def may_sell_your_coins(self) -> bool:
        """Whether it may sell what it did not buy: as its section says, else as its kind does."""
        said = self.terms.may_sell_your_coins
        return self.conf.sells_your_coins if said is None else said

    @property
    def settled(self) -> dict[str, Any]:
        """Everything it is set by, as JSON has it, for its context to remember."""
        return {**self.conf.model_dump(mode="json"), **self.terms.written()}


@dataclass(frozen=True, slots=True)
class HeldBack:
    """A bot that must not run until the mistakes in its section are mended."""

    name: str
    mistakes: tuple[Mistake, ...]


@dataclass(frozen=True, slots=True)
class RunnerConf:
    """The whole of conf.json."""

    settings: RunnerSettings
    bots: tuple[BotConf, ...]
    held_back: tuple[HeldBack, ...]


def read_conf(path: FilePath, *, find_bot: FindBot = find_bot) -> RunnerConf:
    """Read conf.json, either form.

    Raises ConfError with every mistake of the whole file if nothing may start; otherwise the
    bots that may not are in `held_back`.
    """
    page = _page(path)
    settings, wrong = _settings(page)
    sections, misplaced = _sections(page)
    wrong = [*wrong, *misplaced, *_repeated(page, sections)]
    parts = [_bot(page, section, find_bot) for section in sections]
    held_back = tuple(part for part in parts if isinstance(part, HeldBack))
    if wrong or settings is None:
        raise ConfError([*wrong, *(mistake for held in held_back for mistake in held.mistakes)])
    bots = tuple(part for part in parts if isinstance(part, BotConf))
    return RunnerConf(settings, bots, held_back)


@dataclass(frozen=True, slots=True)
class _Section:
    """One bot's part of the file. `path` leads to it from the top of the document."""

    name: str
    path: Path
    value: object


def _page(path: FilePath) -> Page:
    try:
        document = parse(path.read_bytes())
    except OSError as wrong:
        words = f"cannot be read: {wrong.strerror or wrong}"
        raise ConfError([Mistake(str(path), 0, 0, "", "", words)]) from wrong
    except NotJson as wrong:
        place = wrong.position
        mistake = Mistake(str(path), place.line, place.column, "", wrong.found, wrong.expected)
        raise ConfError([mistake]) from wrong
    return Page(str(path), document, top=("bots",) if isinstance(document.value, list) else ())


def _settings(page: Page) -> tuple[RunnerSettings | None, list[Mistake]]:
    """Read what stands beside `bots`; in the short form that is nothing."""
    root = page.document.value
    if isinstance(root, list):
        return RunnerSettings(), []
    if not isinstance(root, dict):
        expected = "a list of bots, or an object with the key bots"
        return None, [page.mistake((), found=shown(root), expected=expected)]
    beside = {key: value for key, value in root.items() if key not in {"bots", "$schema"}}
    if "bots" not in root:
        return None, [_without_bots(page, root)]
    return validated(page, (), RunnerSettings, beside)


def _without_bots(page: Page, root: Mapping[str, object]) -> Mistake:
    close = likely("bots", root)
    if close:
        expected = "the key bots"
        found = f"the key {shown(close)}"
        return page.mistaken_key((close,), found=found, expected=expected, likely="bots")
    expected = "the key bots, or a list of bots instead of the object"
    return page.mistake((), found="an object without bots", expected=expected)


def _sections(page: Page) -> tuple[list[_Section], list[Mistake]]:
    root = page.document.value
    path: Path = ("bots",) if isinstance(root, dict) else ()
    listed = root.get("bots", []) if isinstance(root, dict) else root
    if not isinstance(listed, list):
        expected = 'a list of bots: [{"name": {…}}]'
        wrong = page.mistake(path, found=shown(listed), expected=expected)
        return [], [wrong] if path else []
    sections: list[_Section] = []
    misplaced: list[Mistake] = []
    for index, element in enumerate(listed):
        here: Path = (*path, index)
        if isinstance(element, dict) and len(element) == 1:
            ((name, value),) = element.items()
            sections.append(_Section(name, (*here, name), value))
        else:
            expected = 'an object with one key, the name of the bot: {"name": {…}}'
            misplaced.append(page.mistake(here, found=shown(element), expected=expected))
    return sections, misplaced


def _repeated(page: Page, sections: list[_Section]) -> Iterator[Mistake]:
    """Find names given twice, regardless of case, and keys given twice outside the sections."""
    inside = {section.path for section in sections}
    for twice in page.document.duplicates:
        if not any(twice.path[:length] in inside for length in range(len(twice.path))):
            yield _given_twice(page, twice)
    first: dict[str, _Section] = {}
    for section in sections:
        earlier = first.setdefault(section.name.lower(), section)
        if earlier is not section:
            line = page.document.keys[earlier.path].line
            found = f"the name {shown(section.name)} again"
            expected = f"another one than in line {line}; names differ by more than case"
            yield page.mistaken_key(section.path, found=found, expected=expected)


def _given_twice(page: Page, twice: Duplicate) -> Mistake:
    mistake = page.mistaken_key(
        twice.path,
        found=f"the key {shown(twice.path[-1])} again",
        expected=f"it once, as in line {twice.first.line}",
    )
    return replace(mistake, line=twice.second.line, column=twice.second.column)


def _bot(page: Page, section: _Section, find_bot: FindBot) -> BotConf | HeldBack:
    """Make one section into a bot, or hold it back with every mistake in it."""
    wrong = [
        _given_twice(page, twice)
        for twice in page.document.duplicates
        if twice.path[: len(section.path)] == section.path and twice.path != section.path
    ]
    reserved = section.name.lower() in RESERVED_NAMES
    if reserved or not NAME.fullmatch(section.name):
        found = f"the name {shown(section.name)}"
        expected = "another one" if reserved else "1 to 32 letters, digits, _ and -"
        wrong.append(page.mistaken_key(section.path, found=found, expected=expected))
    if not isinstance(section.value, dict):
        expected = "an object with what the bot is set by: {…}"
        wrong.append(page.mistake(section.path, found=shown(section.value), expected=expected))
        return _held_back(section.name, wrong)
    raw = section.value
    try:
        module, function = _function(page, section.path, raw)
        kind = find_bot(module, function)
    except NoSuchBot as missing:
        return _held_back(section.name, [*wrong, _no_such_bot(page, section.path, raw, missing)])
    money, own = split_terms({key: value for key, value in raw.items() if key != "function"})
    conf, mistakes = validated(page, section.path, kind.conf_type, own, beside=KEYS)
    terms, unclear = validated(page, section.path, Terms, money)
    if conf is None or terms is None or wrong:
        return _held_back(section.name, [*wrong, *mistakes, *unclear])
    line = page.document.keys[section.path].line
    return BotConf(section.name, module, function, kind, conf, raw, line, terms)


def _held_back(name: str, mistakes: list[Mistake]) -> HeldBack:
    return HeldBack(name, ConfError(mistakes).mistakes)


def _function(page: Page, path: Path, raw: Mapping[str, object]) -> tuple[str, str]:
    written = raw.get("function", path[-1])
    if not isinstance(written, str):
        raise NoSuchBot(found=shown(written), expected='a text: "module" or "module.function"')
    return split_function(written)


def _no_such_bot(page: Page, path: Path, raw: Mapping[str, object], missing: NoSuchBot) -> Mistake:
    """Place the mistake at `function`; at the bot's name where that stands for it."""
    words = {"found": missing.found, "expected": missing.expected, "likely": missing.likely}
    if "function" in raw:
        return page.mistake((*path, "function"), **words)
    if missing.found:
        words["expected"] += ", or the key function to name one"
    return page.mistaken_key(path, **words)


def main(arguments: list[str]) -> int:
    """Write conf.schema.json beside the program."""
    from lib.conf_schema import SCHEMA_FILE, schema_text  # it imports this module

    if arguments != ["schema"]:
        sys.stderr.write("usage: python -m lib.conf schema\n")
        return 2
    SCHEMA_FILE.write_text(schema_text(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
