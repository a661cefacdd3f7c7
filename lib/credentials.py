"""The secrets of the program, and which venue they are for.

Each is looked for, in this order, in systemd's `$CREDENTIALS_DIRECTORY`, in the file that
`<NAME>_FILE` names (Docker's secrets), in the environment, and in `.env`. Nothing read from
`.env` is put into the environment, where child processes and crash reports would find it.
"""

import io
import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

from dotenv import dotenv_values
from dotenv.parser import parse_stream

from lib.mistakes import ConfError, Mistake, shown
from lib.redaction import Redactor, Secret

NAMES: Final = (
    "BINANCE_API_KEY",
    "BINANCE_API_SECRET",
    "BINANCE_API_TEST",
    "TELEGRAM_TOKEN",
    "TELEGRAM_CHAT_ID",
    "TELEGRAM_API",
)
SECRET_NAMES: Final = ("BINANCE_API_KEY", "BINANCE_API_SECRET", "TELEGRAM_TOKEN")
CHAT_ID: Final = r"-?[0-9]{1,20}|@[A-Za-z0-9_]{1,64}"
LONG_WORD: Final = re.compile(r"(?<![^\s=\"'])(?![A-Za-z_]+(?![^\s=\"'#])|\.{0,2}/)[^\s=\"'#]{16,}")
"""What may be a secret in `.env`: neither a name nor a path."""
VENUES: Final = ("live", "testnet", "demo", "paper", "backtest")


@dataclass(frozen=True, slots=True)
class Credentials:
    """What was found; None is absent. `test` is the word of BINANCE_API_TEST, empty if absent."""

    api_key: Secret | None = None
    api_secret: Secret | None = None
    test: str = ""
    telegram_token: Secret | None = None
    telegram_chat_id: str = ""
    telegram_api: str = ""

    @property
    def keys(self) -> bool:
        """Whether there is a key to trade with."""
        return self.api_key is not None and self.api_secret is not None

    @property
    def redactor(self) -> Redactor:
        """A filter for log handlers that knows these secrets."""
        return Redactor(
            secret
            for secret in (self.api_key, self.api_secret, self.telegram_token)
            if secret is not None
        )


def read_credentials(env_file: Path, environ: Mapping[str, str] | None = None) -> Credentials:
    """Read all that is there; `env_file` may be missing. Raises ConfError with every mistake."""
    environ = os.environ if environ is None else environ
    wrong: list[Mistake] = []
    written: dict[str, str] = _collected(wrong, {}, partial(_env_file, env_file))
    wrong += _misspelt(env_file, written)
    found = {name: _collected(wrong, "", partial(_find, name, environ, written)) for name in NAMES}
    wrong += _contradictions(found)
    if wrong:
        raise ConfError(wrong)
    return Credentials(
        api_key=_secret(found["BINANCE_API_KEY"]),
        api_secret=_secret(found["BINANCE_API_SECRET"]),
        test=found["BINANCE_API_TEST"].lower(),
        telegram_token=_secret(found["TELEGRAM_TOKEN"]),
        telegram_chat_id=found["TELEGRAM_CHAT_ID"],
        telegram_api=found["TELEGRAM_API"].rstrip("/"),
    )


def cautious_redactor(env_file: Path, environ: Mapping[str, str] | None = None) -> Redactor:
    """Answer a filter for where something is wrong with the secrets. Raises nothing.

    It takes every long word of `.env` for one, and whatever else can be found by name.
    """
    environ, wrong = os.environ if environ is None else environ, list[Mistake]()
    text = _collected(wrong, "", partial(_raw, env_file))
    found = [_collected(wrong, "", partial(_find, name, environ, {})) for name in SECRET_NAMES]
    return Redactor(Secret(each) for each in (*LONG_WORD.findall(text), *found) if each)


def _raw(path: Path) -> str:
    with _readable(path):
        return path.read_text(encoding="utf-8", errors="replace")


def choose_venue(explicit: str | None, credentials: Credentials) -> str:
    """Answer the venue to trade on: the one asked for, else the one the credentials are for.

    Without keys that is paper. With keys BINANCE_API_TEST must say true (testnet) or false
    (live), so that nobody goes live by accident. An address (http://…) is a simulator's.
    Raises ConfError.
    """
    if explicit is None:
        return _venue_of(credentials)
    if re.match(r"https?://", explicit):
        return explicit
    if explicit not in VENUES:
        raise _refusal(f"there is no venue {shown(explicit)}: it is one of {', '.join(VENUES)}")
    if explicit in {"paper", "backtest"}:
        return explicit
    if not credentials.keys:
        raise _refusal(f"{explicit} needs BINANCE_API_KEY and BINANCE_API_SECRET")
    _check_agreement(explicit, credentials.test)
    return explicit


def _venue_of(credentials: Credentials) -> str:
    if not credentials.keys:
        return "paper"
    if not credentials.test:
        raise _refusal(
            "there are keys, but BINANCE_API_TEST does not say what for: "
            "true is the testnet, false trades real money"
        )
    return "testnet" if credentials.test == "true" else "live"


def _check_agreement(venue: str, test: str) -> None:
    if venue == "live" and test == "true":
        raise _refusal("live was asked for, but BINANCE_API_TEST says the keys are the testnet's")
    if venue != "live" and test == "false":
        raise _refusal(f"{venue} was asked for, but BINANCE_API_TEST says the keys are live ones")


def _refusal(sentence: str) -> ConfError:
    return ConfError([_mistake(sentence)])


def _secret(text: str) -> Secret | None:
    return Secret(text) if text else None


Read = TypeVar("Read")


def _collected(wrong: list[Mistake], otherwise: Read, read: Callable[[], Read]) -> Read:
    """Keep what is wrong with one source and go on to the next."""
    try:
        return read()
    except ConfError as mistaken:
        wrong += mistaken.mistakes
        return otherwise


def _find(name: str, environ: Mapping[str, str], written: Mapping[str, str]) -> str:
    directory = environ.get("CREDENTIALS_DIRECTORY")
    for candidate in (name, name.lower()) if directory else ():
        path = Path(str(directory), candidate)
        if path.is_file():
            return _file(path)
    for source in (environ, written):
        if source.get(f"{name}_FILE"):
            return _file(Path(source[f"{name}_FILE"]))
    return (environ.get(name) or written.get(name) or "").strip()


def _file(path: Path) -> str:
    with _readable(path), path.open("rb") as file:
        return _text(path, file.read()).strip()


def _env_file(path: Path) -> dict[str, str]:
    """Read `.env`, which no one but its owner may be able to read."""
    if not path.exists():
        return {}
    with _readable(path), path.open("rb") as file:
        mode = os.fstat(file.fileno()).st_mode
        content = file.read()
    if mode & 0o077:
        words = f"others than its owner can read this file: chmod 600 {path}"
        raise ConfError([Mistake(str(path), 0, 0, "", "", words)])
    text = _text(path, content)
    _refuse_unreadable_lines(path, text)
    values = dotenv_values(stream=io.StringIO(text), interpolate=False)
    return {name: value for name, value in values.items() if value}


def _refuse_unreadable_lines(path: Path, text: str) -> None:
    """Raise ConfError where a line would be passed over: a lost key would mean paper."""
    lines = [each.original.line for each in parse_stream(io.StringIO(text)) if each.error]
    words = "this line cannot be read as NAME=value (it is not shown: it may hold a secret)"
    if lines:
        raise ConfError([Mistake(str(path), line, 1, "", "", words) for line in lines])


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as wrong:
        words = f"cannot be read: {wrong.strerror}"
        raise ConfError([Mistake(str(path), 0, 0, "", "", words)]) from wrong


def _text(path: Path, content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as wrong:
        words = f"is no UTF-8 text (byte {wrong.start})"
        raise ConfError([Mistake(str(path), 0, 0, "", "", words)]) from wrong


def _misspelt(path: Path, written: Mapping[str, str]) -> Iterator[Mistake]:
    """Find names in `.env` that were surely meant to be ours: a lost key would mean paper."""
    known = {*NAMES, *(f"{name}_FILE" for name in NAMES)}
    for name in written.keys() - known:
        close = get_close_matches(name.upper(), known, n=1, cutoff=0.85)
        if close:
            yield Mistake(str(path), 0, 0, "", f"the name {shown(name)}", close[0], close[0])


def _contradictions(found: Mapping[str, str]) -> Iterator[Mistake]:
    """Say what is wrong with the values. The secret ones are never shown."""
    for name in SECRET_NAMES:
        if re.search(r"[^\x21-\x7e]", found[name]) and "PRIVATE KEY" not in found[name]:
            yield _mistake(f"{name} contains a space or a letter that no key has")
    if bool(found["BINANCE_API_KEY"]) != bool(found["BINANCE_API_SECRET"]):
        yield _mistake("BINANCE_API_KEY and BINANCE_API_SECRET go together: one is missing")
    test = found["BINANCE_API_TEST"]
    if test and test.lower() not in {"true", "false"}:
        yield _mistake(f"BINANCE_API_TEST is {shown(test)}; it must be true or false")
    chat = found["TELEGRAM_CHAT_ID"]
    if chat and not all(re.fullmatch(CHAT_ID, each.strip()) for each in chat.split(",")):
        wanted = "a number, or several with commas between them"
        yield _mistake(f"TELEGRAM_CHAT_ID is {shown(chat)}; it must be {wanted}")
    api = found["TELEGRAM_API"]
    if api and not re.fullmatch(r"https?://[^\s?#@]+", api):
        yield _mistake(f"TELEGRAM_API is {shown(api)}; it must be like https://api.telegram.org")


def _mistake(sentence: str) -> Mistake:
    return Mistake(".env", 0, 0, "", "", sentence)
