"""What people write and what lies on the disk, spoilt; and the commands that must read it."""

import random
from collections import Counter
from collections.abc import Iterator
from contextlib import chdir
from pathlib import Path
from typing import Any, Final

import orjson
from click.testing import Result

from lib.commented_json import parse
from lib.conf import read_conf
from lib.control.exits import Exit
from lib.credentials import read_credentials
from lib.journal.file import JournalFile
from lib.journal.writer import JournalWriter
from lib.mistakes import ConfError
from lib.orders import OrderState
from tests.control.folder import BIRTH, command, folder, generation, order
from tests.torture.input_spoiling import BROKEN, LIES, spoilt_bytes

ROOT: Final = Path(__file__).parents[2]
SAMPLES: Final = (ROOT / "conf.json", *sorted((ROOT / "bots").glob("*_conf.json")))
ENV: Final = (
    b"BINANCE_API_KEY=abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ab\n"
    b"BINANCE_API_SECRET='ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789AB'\n"
    b"BINANCE_API_TEST=true\nTELEGRAM_TOKEN=123456:abcdef\nTELEGRAM_CHAT_ID=-100\n"
)
SECRETS: Final = ("abcdefghijklmnopqrstuvwxyzABCDEFGHIJ", "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghij")
SAID_MAX: Final = 100_000
READING: Final = 40  # inputs of a reader for each command that runs
COMMANDS: Final = (
    ("--venue", "paper", "check"),
    ("status",),
    ("bot", "lisa"),
    ("orders",),
    ("fills",),
)


def spoil_pages(seed: int, place: Path, many: int, spoilt: Counter[str]) -> Iterator[str]:
    """Spoil so many folders, and give the readers many more pages; say what was wrong."""
    for number in range(seed * many, (seed + 1) * many):
        chance = random.Random(f"pages {number}")
        own = place / str(number)
        own.mkdir()
        for _ in range(READING):
            yield from _read_conf(own, chance, spoilt)
            yield from _read_env(own, chance, spoilt)
        with chdir(own):
            yield from _command(own, number, chance, spoilt)
        yield from _journal(own, chance, spoilt)


# --- what a person writes


def _read_conf(own: Path, chance: random.Random, spoilt: Counter[str]) -> Iterator[str]:
    path = own / "conf.json"
    path.write_bytes(_conf(chance, spoilt))
    yield from misread_conf(path)


def misread_conf(path: Path) -> Iterator[str]:
    """Read a conf.json: it must be a conf, or mistakes that each say where and what."""
    try:
        conf = read_conf(path)
        mistakes = [mistake for held in conf.held_back for mistake in held.mistakes]
    except ConfError as wrong:
        mistakes = list(wrong.mistakes)
        if not mistakes:
            yield "conf.json was refused without a mistake"
    except Exception as wrong:  # noqa: BLE001 - whatever is raised is the finding
        yield f"conf.json raised {type(wrong).__name__}: {wrong}: {path.read_bytes()[:1500]!r}"
        return
    for mistake in mistakes:
        if not 0 < len(str(mistake)) <= MISTAKE_MAX:
            yield f"a mistake of {len(str(mistake))} letters: {str(mistake)[:300]}"


MISTAKE_MAX: Final = 2_000


def _conf(chance: random.Random, spoilt: Counter[str]) -> bytes:
    content = chance.choice(SAMPLES).read_bytes()
    if chance.randrange(2):
        spoilt["conf.json, bytes"] += 1
        return spoilt_bytes(content, chance)
    value = _plain(content)
    for _ in range(chance.choice((1, 1, 3))):
        ways = BROKEN | LIES
        how = chance.choice([each for each in ways if each != "huge" or not chance.randrange(20)])
        found = ways[how](value, chance)
        value = value if found is None else found
        spoilt[f"conf.json {how}"] += 1
        if how in {"too deep", "huge"}:
            break
    return orjson.dumps(value, default=str)


def _plain(content: bytes) -> Any:
    """Read a sample without its comments."""
    return parse(content).value


def _read_env(own: Path, chance: random.Random, spoilt: Counter[str]) -> Iterator[str]:
    path = own / ".env"
    path.unlink(missing_ok=True)
    path.write_bytes(spoilt_bytes(ENV, chance))
    path.chmod(0o600)
    spoilt[".env, bytes"] += 1
    yield from misread_env(path)


def misread_env(path: Path) -> Iterator[str]:
    """Read an .env: it must be credentials, or mistakes that show no secret."""
    try:
        read_credentials(path, environ={})
    except ConfError as wrong:
        if any(secret in str(wrong) for secret in SECRETS):
            yield f"a mistake in .env shows a secret: {wrong}"
    except Exception as wrong:  # noqa: BLE001 - whatever is raised is the finding
        yield f".env raised {type(wrong).__name__}: {wrong}: {path.read_bytes()[:600]!r}"


# --- commands on a spoilt folder


def _command(own: Path, number: int, chance: random.Random, spoilt: Counter[str]) -> Iterator[str]:
    _write_folder(own, chance, spoilt)
    words = COMMANDS[number % len(COMMANDS)]
    result = command(own, *words)
    if broke := _broke(result):
        files = {path.name: path.read_bytes()[:400] for path in own.rglob("*") if path.is_file()}
        yield f"`{' '.join(words)}`: {broke}: {files}"
    if any(secret in result.output for secret in SECRETS):
        yield f"`{' '.join(words)}` shows a secret"


def _broke(result: Result) -> str:
    """Say what is wrong with how a command ended, if anything is."""
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        return f"raised {result.exception!r}"
    if result.exit_code not in set(Exit):
        return f"ended with {result.exit_code}: {result.output[-300:]}"
    if "Traceback" in result.output:
        return f"showed a traceback: {result.output[-600:]}"
    if len(result.output) > SAID_MAX:
        return f"said {len(result.output)} letters"
    return ""


def _write_folder(own: Path, chance: random.Random, spoilt: Counter[str]) -> None:
    """Make a folder as a runner leaves it, then spoil some of its files."""
    resting = order(OrderState.OPEN, order_id=7)
    ctx = folder(own, generation("lisa", resting), generation("dip"), generation("old"))
    (own / "conf.json").write_bytes(SAMPLES[0].read_bytes())
    (own / ".env").unlink(missing_ok=True)
    journal = JournalFile(own / "journal" / "orders.sqlite")
    journal.opened()
    journal.close()
    files = [own / "conf.json", *ctx.glob("*.json"), own / "journal" / "orders.sqlite"]
    for path in chance.sample(files, chance.choice((1, 2, len(files)))):
        if path.exists():
            path.write_bytes(spoilt_bytes(path.read_bytes(), chance))
            spoilt[f"a folder with {path.name} spoilt"] += 1
    if not chance.randrange(5):
        (ctx / "lisa.json").replace(ctx / "dip.json")
        spoilt["a folder with files swapped"] += 1


# --- the journal, which is never read to trade


def _journal(own: Path, chance: random.Random, spoilt: Counter[str]) -> Iterator[str]:
    """Write to a journal whose file is spoilt: it goes on, or says what is wrong."""
    path = own / "journal" / "orders.sqlite"
    path.parent.mkdir(exist_ok=True)
    content = path.read_bytes() if path.exists() else b"SQLite format 3\0"
    path.write_bytes(spoilt_bytes(content, chance))
    spoilt["the journal's file, bytes"] += 1
    said: list[str] = []
    writer = JournalWriter(
        JournalFile(path), tell=said.append, now=lambda: BIRTH, redact=lambda text: text
    )
    try:
        for turn in range(3):
            writer.remember("turn", turn)
            writer.turn()
    except Exception as wrong:  # noqa: BLE001 - whatever is raised is the finding
        yield f"the journal raised {type(wrong).__name__}: {wrong}"
    finally:
        writer.file.close()
    yield from (f"the journal said {len(text)} letters" for text in said if len(text) > MISTAKE_MAX)
