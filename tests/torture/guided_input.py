"""Bad input that is looked for: an evolving search, led by the branches of our own code."""

import importlib.util
import random
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import orjson

from lib.torture.processes import ROOT
from tests.control.folder import folder as a_folder
from tests.control.folder import generation
from tests.torture.experiment import Experiment, Outcome
from tests.torture.guided_readers import READERS, Reader, told
from tests.torture.input_pages import ENV, SAMPLES
from tests.torture.input_words import QUESTIONS, gathered

SEARCH: Final = "tests.torture.guided_search"
SECONDS: Final = 40
LONGEST: Final = 8_192  # bytes of an input
PATIENCE: Final = 4 * SECONDS  # then it hangs, or reads one input for ever
LINES_SHOWN: Final = 40
DONE: Final = re.compile(r"Done (\d+) runs")
EXAMPLES: Final = 60


def lacks() -> str:
    """Say what this Python has not that a guided search needs; empty if nothing."""
    if importlib.util.find_spec("atheris") is None:
        return "no atheris (pip install atheris; CPython 3.11 to 3.13 on x86_64)"
    return ""


def guided(seed: int, folder: Path) -> Outcome:
    """Search for inputs that one reader does not survive; the seed chooses which reader."""
    name = list(READERS)[seed % len(READERS)]
    return searched(READERS[name], examples(name, folder), seed, folder)


def searched(
    read: Reader, known: Iterable[bytes], seed: int, folder: Path, seconds: int = SECONDS
) -> Outcome:
    """Search from known inputs for those that a reader does not survive."""
    corpus = folder / "corpus"
    corpus.mkdir()
    for number, example in enumerate(known):
        (corpus / f"{number}").write_bytes(example[:LONGEST])
    flags = (
        f"-seed={1 + seed}",
        f"-max_total_time={seconds}",
        f"-max_len={LONGEST}",
        f"-artifact_prefix={folder}/",
        "-timeout=30",
        "-rss_limit_mb=1024",
    )
    words = (SEARCH, read.__module__, read.__name__, str(folder), *flags)
    search = subprocess.run(
        [sys.executable, "-m", *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )
    return _judged(read.__name__, search, folder)


def examples(name: str, folder: Path) -> Iterator[bytes]:
    """Give true inputs of a reader, from which the search begins."""
    chance, true = random.Random(name), gathered()
    match name:
        case "frame":
            events = [each for rows in true.events.values() for each in rows]
            yield from map(orjson.dumps, chance.sample(events, min(EXAMPLES, len(events))))
        case "answer":
            for place, call in enumerate(QUESTIONS):
                known = true.answers.get(call, [])[:8]
                yield from (bytes([place]) + orjson.dumps(each) for each in known)
        case "conf":
            yield from (sample.read_bytes() for sample in SAMPLES)
        case "env":
            yield ENV
        case "context":
            yield (a_folder(folder, generation("one")) / "one.json").read_bytes()


def _judged(name: str, search: subprocess.CompletedProcess[str], folder: Path) -> Outcome:
    said = search.stdout + search.stderr
    done = DONE.search(said)
    told_of = [line for line in said.splitlines() if not line.startswith("#")]
    story = "\n".join(told_of[-LINES_SHOWN:])
    if search.returncode != 0:
        found = [told(path.read_bytes()) for path in folder.glob("*-*") if path.is_file()]
        return Outcome(losses=[f"{name}: {story}\nbytes in base64: {', '.join(found)}"])
    if done is None or not int(done[1]):
        return Outcome(losses=[f"the search for a {name} did nothing:\n{story}"])
    return Outcome(points=Counter({f"inputs read as {name}": int(done[1])}))


EXPERIMENTS: tuple[Experiment, ...] = (
    Experiment(
        name="guided-input",
        title="Bad input that is searched for",
        text=(
            "An evolving search (atheris, libFuzzer) for bytes that a reader of ours does not "
            "survive, led by the branches of our code that they reach: frames of the user's "
            "stream, answers of every kind, conf.json, .env, contexts. A reader may take them or "
            "refuse them in a short sentence, and do nothing else: any other exception, a hang of "
            "30 seconds or a gigabyte of memory is a finding, told with its bytes."
        ),
        attempts=2 * len(READERS),
        seconds=SECONDS + 15,
        attempt=guided,
        lacks=lacks,
    ),
)
