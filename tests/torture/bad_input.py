"""Bad input of every kind, from whoever the program listens to: exchange, disk and person."""

import gc
import logging
from collections import Counter
from pathlib import Path
from typing import Final

from tests.torture.experiment import Experiment, Outcome
from tests.torture.input_contexts import spoil_contexts
from tests.torture.input_pages import spoil_pages
from tests.torture.input_words import spoil_words
from tests.torture.input_worlds import PATIENCE, Nonsense, fewer, hear
from tests.torture.scenes import SCENES
from tests.world import World

HISTORIES: Final = 60  # in one attempt: about 1500 answers, events and frames
LOSSES_MAX: Final = 3
WORDS: Final = 30_000
PAGES: Final = 120
CONTEXTS: Final = 90


def nonsense_of_the_exchange(seed: int, _: Path) -> Outcome:
    """Live many histories in which the exchange does not speak as documented, or lies."""
    logging.disable(logging.CRITICAL)
    World.PATIENCE = PATIENCE
    outcome = Outcome()
    for number in range(seed * HISTORIES, (seed + 1) * HISTORIES):
        scene = list(SCENES)[number % len(SCENES)]
        lies = bool(number // len(SCENES) % 2)
        heard = hear(Nonsense(scene=scene, seed=number, lies=lies))
        outcome.points.update(heard.spoilt)
        if heard.wrong:
            outcome.losses.append(fewer(heard).transcript())
        if len(outcome.losses) >= LOSSES_MAX:
            break
        gc.collect()
    return outcome


def nonsense_word_by_word(seed: int, _: Path) -> Outcome:
    """Give each reader of answers and frames its own input, spoilt, alone."""
    logging.disable(logging.CRITICAL)
    spoilt: Counter[str] = Counter()
    losses = list(spoil_words(seed, WORDS, spoilt))
    return Outcome(points=spoilt, losses=losses[:LOSSES_MAX])


def nonsense_of_a_person(seed: int, folder: Path) -> Outcome:
    """Give the program conf.json, .env and a ctx folder that somebody spoilt, and let it check."""
    spoilt: Counter[str] = Counter()
    losses = list(spoil_pages(seed, folder, PAGES, spoilt))
    return Outcome(points=spoilt, losses=losses[:LOSSES_MAX])


def nonsense_of_the_disk(seed: int, _: Path) -> Outcome:
    """Start the program on contexts that were spoilt while it was away."""
    logging.disable(logging.CRITICAL)
    spoilt: Counter[str] = Counter()
    losses = list(spoil_contexts(seed, CONTEXTS, spoilt))
    return Outcome(points=spoilt, losses=losses[:LOSSES_MAX])


WAYS: Final = (
    "fields of a wrong type, missing, absurd, megabytes long or nested two hundred deep; whole "
    "answers replaced by nothing, half a JSON text, HTML or another status"
)
EXPERIMENTS: tuple[Experiment, ...] = (
    Experiment(
        name="bad_answers",
        title="The exchange speaks nonsense",
        text=(
            f"The program trades in {len(SCENES)} scenes while somebody between it and the "
            f"exchange spoils answers of every call, user events and market frames: {WAYS}. In "
            "half of the histories it also lies: answers from before, of another account, order "
            "or symbol, numbers that cannot be, rows repeated, missing or shuffled, events late, "
            "twice and out of order. Broken input must leave no trace: at the end the exchange's "
            "true books equal the contexts to the last digit and every bot has done what it was "
            "to do. A lie may at most make a bot stop itself and say why; no order may be doubled, "
            "forgotten, or leave unannounced, and no history may hang. What goes wrong is told "
            "again with fewer and fewer spoilt inputs and printed line by line."
        ),
        attempts=24,
        seconds=30,
        attempt=nonsense_of_the_exchange,
    ),
    Experiment(
        name="bad_frames",
        title="Nonsense word by word",
        text=(
            "Every reader of Binance's words (each call's answer, each event, each stream frame, "
            f"as bytes and as JSON) is given its own true input, spoilt: {WAYS}, bytes flipped, "
            "cut, moved. It must answer a value or refuse in the one documented way, in a bounded "
            "sentence; the stream must go on to its next frame."
        ),
        attempts=40,
        seconds=5,
        attempt=nonsense_word_by_word,
    ),
    Experiment(
        name="bad_files",
        title="Nonsense of a person",
        text=(
            "conf.json, .env, the files in the ctx folder and the order journal are spoilt (bytes "
            "flipped, cut, repeated; values of wrong types; files swapped), and the commands that "
            "read them run: check, status, bot, orders. Each must end with one of the documented "
            "exit codes and words for a person, never with a traceback."
        ),
        attempts=40,
        seconds=10,
        attempt=nonsense_of_a_person,
    ),
    Experiment(
        name="bad_contexts",
        title="Contexts that are not what they were",
        text=(
            "The runner is killed, a context is spoilt (bytes flipped, cut, swapped with another "
            "bot's, made another installation's, edited by hand under a right hash with nonsense "
            "inside, the installation's own file and the orphans' file too), and the runner starts "
            "again. It must live on, the other bot must trade on, a context that cannot be used "
            "must stay as it is with a sentence for the person, and no order may come twice."
        ),
        attempts=40,
        seconds=6,
        attempt=nonsense_of_the_disk,
    ),
)
