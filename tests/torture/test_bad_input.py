"""Bad input in small shares, and the harness itself with planted faults."""

from collections import Counter
from pathlib import Path
from typing import Any

import orjson
import pytest

from lib.binance import grain, payloads
from lib.binance.transport import Reply
from lib.context_file.generation import Generation
from lib.errors import Refused
from tests.torture.input_contexts import SPOILS, spoil_contexts
from tests.torture.input_pages import spoil_pages
from tests.torture.input_spoiling import BROKEN, LIES, Spoiler, places, spoilt_bytes
from tests.torture.input_words import gathered, spoil_words
from tests.torture.input_worlds import Nonsense, fewer, hear
from tests.torture.scenes import SCENES
from tests.world import World

SHORT = ("market buy", "limit given up while it fills", "dip buyer", "OTOCO", "amended order")


def losses_of(found: list[str]) -> str:
    return "\n".join(found[:3])


# --- what is tried


@pytest.mark.slow
@pytest.mark.parametrize("lies", [False, True], ids=["broken", "lies"])
@pytest.mark.parametrize("scene", SHORT)
def test_nonsense_of_the_exchange_leaves_no_trace(
    scene: str, lies: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(World, "PATIENCE", 3_600.0)

    for seed in range(3):
        heard = hear(Nonsense(scene=scene, seed=seed, lies=lies))

        assert not heard.wrong, heard.transcript()
        assert heard.spoilt


@pytest.mark.slow
def test_every_reader_answers_a_value_or_refuses_in_a_bounded_sentence() -> None:
    spoilt: Counter[str] = Counter()

    found = list(spoil_words(0, 4_000, spoilt))

    assert not found, losses_of(found)
    assert spoilt.total() >= 4_000


@pytest.mark.slow
def test_commands_on_spoilt_files_end_with_words_for_a_person(tmp_path: Path) -> None:
    spoilt: Counter[str] = Counter()

    found = list(spoil_pages(0, tmp_path, 10, spoilt))

    assert not found, losses_of(found)
    assert spoilt.total() >= 800


@pytest.mark.slow
def test_a_spoilt_context_is_the_affair_of_its_bot_alone() -> None:
    spoilt: Counter[str] = Counter()

    found = list(spoil_contexts(0, 25, spoilt))

    assert not found, losses_of(found)
    assert spoilt.total() == 25


# --- that it would be seen


@pytest.mark.slow
def test_a_client_that_takes_what_it_cannot_read_for_a_refusal_is_found_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def naive(asked: str, reply: Reply, parse: Any) -> Any:
        try:
            return parse(reply.body)
        except payloads.Unreadable as wrong:
            raise Refused(f"{asked}: {wrong}") from None

    monkeypatch.setattr("lib.binance.venue._accepted", naive)
    monkeypatch.setattr(World, "PATIENCE", 1_000.0)

    stories = (Nonsense(scene="infinite", seed=seed, lies=False) for seed in range(40))

    assert any(hear(story).wrong for story in stories)


@pytest.mark.slow
def test_a_reader_that_trusts_its_input_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(payloads, "text", lambda row, key: row[key])

    found = list(spoil_words(0, 2_000, Counter()))

    assert any("raised KeyError" in each for each in found)


@pytest.mark.slow
def test_a_refusal_that_repeats_all_it_was_told_is_found_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(grain, "shown", repr)

    found = list(spoil_words(0, 8_000, Counter()))

    assert any("letters" in each for each in found)


@pytest.mark.slow
def test_a_start_that_trusts_its_files_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def naive(fields: dict[str, Any] | bytes) -> Generation:
        members = orjson.loads(fields) if isinstance(fields, bytes) else dict(fields)
        own = Generation.model_fields
        return Generation.model_validate({key: members[key] for key in members if key in own})

    monkeypatch.setattr("lib.life.decode", naive)

    assert list(spoil_contexts(0, 25, Counter()))


@pytest.mark.slow
def test_a_command_that_trusts_its_files_is_found_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lib.control.ctx_folder.Halt", KeyError)

    assert list(spoil_pages(0, tmp_path, 10, Counter()))


@pytest.mark.slow
def test_a_failing_history_is_told_again_with_as_little_nonsense_as_it_takes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def naive(frame: Any, on_event: Any) -> None:
        frame["e"].upper()

    monkeypatch.setattr("lib.binance.venue._tell_user", naive)
    story = Nonsense(scene="market buy", seed=1, lies=False)
    whole = next(each for each in map(hear, _seeds(story)) if "an event raised" in each.wrong)

    least = fewer(whole)

    assert least.wrong
    assert least.nonsense.answers == 0
    assert least.nonsense.market == 0
    assert 0 < least.nonsense.events < whole.nonsense.events


def _seeds(story: Nonsense) -> list[Nonsense]:
    return [
        Nonsense(scene=scene, seed=seed, lies=False) for seed in range(10) for scene in SHORT[:3]
    ] + [story]


# --- that it spoils


@pytest.mark.parametrize("how", BROKEN | LIES)
def test_every_way_of_spoiling_changes_a_value_and_leaves_the_true_one(how: str) -> None:
    true = gathered().answers["openOrders"]
    value = next(each for each in true if each)
    before = orjson.dumps(value)
    spoiler = Spoiler(7, lies=True, one_in=1, enough=1_000)

    changed = [(BROKEN | LIES)[how](value, spoiler.chance) for _ in range(30)]

    assert any(each != value for each in changed)
    assert orjson.dumps(value) == before


def test_a_spoiler_stops_once_it_has_spoilt_enough() -> None:
    spoiler = Spoiler(1, lies=False, one_in=1, enough=5)

    while spoiler.strikes():
        spoiler.spoil("a thing", {"a": "1"})

    assert sum(spoiler.spoilt.values()) == 5


def test_the_same_seed_spoils_the_same_way() -> None:
    one, other = (Spoiler(3, lies=True, one_in=2, enough=50) for _ in range(2))
    value = {"a": [{"b": "1.0"}, {"uid": 7}]}

    assert [one.spoil("", value) for _ in range(20)] == [other.spoil("", value) for _ in range(20)]
    assert spoilt_bytes(b"abc", one.chance) == spoilt_bytes(b"abc", other.chance)


def test_every_place_of_a_value_is_known() -> None:
    assert list(places({"a": [1, {"b": 2}]})) == [(), ("a",), ("a", 0), ("a", 1), ("a", 1, "b")]


@pytest.mark.slow
def test_the_same_history_of_nonsense_goes_the_same_way_twice() -> None:
    story = Nonsense(scene="dip buyer", seed=5, lies=True)

    one, other = hear(story), hear(story)

    assert one.world.transcript.digest() == other.world.transcript.digest()


def test_contexts_are_spoilt_in_every_way_there_is() -> None:
    assert len(SPOILS) >= 10
    assert set(SHORT) <= SCENES.keys()
