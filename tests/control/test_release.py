"""`release` frees a parked bot, changes nothing else, and says first what that means."""

from pathlib import Path

import pytest

from lib.context_file.generation import Memory
from lib.control.exits import Exit
from lib.errors import Halt
from lib.orders import OrderState
from lib.shelf import Shelf
from tests.control.folder import command, folder, generation, newest, order, parked


def test_a_released_bot_is_as_it_was_but_free(tmp_path: Path) -> None:
    before = generation("lisa", order(OrderState.OPEN), parked=parked("BooksDisagree"))
    ctx = folder(tmp_path, before)

    result = command(tmp_path, "release", "lisa", "--yes")

    assert result.exit_code == Exit.FINE
    free = before.model_copy(update={"parked": None, "memory": Memory(releases=1)})
    assert newest(ctx, "lisa") == free


def test_the_time_of_the_last_save_does_not_move(tmp_path: Path) -> None:
    ctx = folder(tmp_path, generation(parked=parked("Halt")))
    before = newest(ctx, "lisa").saved_at

    command(tmp_path, "release", "lisa", "--yes")

    assert newest(ctx, "lisa").saved_at == before


@pytest.mark.parametrize("state", [OrderState.SUBMITTING, OrderState.IN_DOUBT])
def test_a_released_doubt_is_accepted_up_to_the_last_sending_and_no_further(
    tmp_path: Path, state: OrderState
) -> None:
    lost = order(state, sent_at=1_700_000_000_500)
    ctx = folder(tmp_path, generation("lisa", lost, parked=parked("Halt", "nowhere to be found")))

    result = command(tmp_path, "release", "lisa", "--yes")

    assert newest(ctx, "lisa").memory.doubts_accepted_until == 1_700_000_000_500
    assert "presumed never to have arrived" in result.stdout
    assert lost.id in result.stdout


def test_a_release_for_another_cause_accepts_no_doubt(tmp_path: Path) -> None:
    ctx = folder(tmp_path, generation("lisa", order(OrderState.OPEN), parked=parked("Halt")))

    command(tmp_path, "release", "lisa", "--yes")

    assert newest(ctx, "lisa").memory == Memory(releases=1)


@pytest.mark.parametrize(
    ("kind", "sentence"),
    [
        ("BooksDisagree", "see to it at the exchange first"),
        ("BadCredentials", "mend the key"),
        ("DiskFailed", "See that the disk is well"),
        ("MissingBarrier", "a `yield ctx` is missing"),
        ("VenueReset", "counted as lost"),
        ("Halt", "it stops again at once"),
        ("KeyError", "a mistake in the bot's code"),
        ("Unavailable", "look there first"),
    ],
)
def test_each_cause_has_its_own_advice(tmp_path: Path, kind: str, sentence: str) -> None:
    folder(tmp_path, generation(parked=parked(kind)))

    assert sentence in command(tmp_path, "release", "lisa", "--yes").stdout


def test_every_reason_to_halt_has_advice_of_its_own_or_never_reaches_the_file() -> None:
    from lib.control.release import EFFECTS

    held_not_parked = {"CorruptContext", "ForeignContext", "LaterContext"}
    causes = {cause.__name__ for cause in Halt.__subclasses__() if cause.__module__ == "lib.errors"}

    assert causes - held_not_parked <= EFFECTS.keys()


def test_without_a_yes_nothing_changes(tmp_path: Path) -> None:
    ctx = folder(tmp_path, generation(parked=parked("Halt")))

    assert command(tmp_path, "release", "lisa", answer="n\n").exit_code == Exit.ATTENTION
    assert command(tmp_path, "release", "lisa", answer="").exit_code == Exit.ATTENTION
    assert newest(ctx, "lisa").parked is not None
    assert command(tmp_path, "release", "lisa", answer="y\n").exit_code == Exit.FINE
    assert newest(ctx, "lisa").parked is None


def test_a_bot_that_is_not_parked_cannot_be_released(tmp_path: Path) -> None:
    folder(tmp_path, generation())

    result = command(tmp_path, "release", "lisa", "--yes")

    assert result.exit_code == Exit.ATTENTION
    assert "did not stop itself" in result.stderr


def test_a_runner_at_work_is_not_written_under(tmp_path: Path) -> None:
    ctx = folder(tmp_path, generation(parked=parked("Halt")))
    shelf = Shelf.open(ctx, allow_volatile=True)

    result = command(tmp_path, "release", "lisa", "--yes")

    shelf.close()
    assert result.exit_code == Exit.BUSY
    assert "stop it" in result.stderr
    assert "`release lisa`" in result.stderr
    assert newest(ctx, "lisa").parked is not None


@pytest.mark.parametrize("name", ["bart", "../lisa", "installation", "li sa", "\x1b[2J"])
def test_a_name_without_a_file_is_told_with_those_there_are(tmp_path: Path, name: str) -> None:
    folder(tmp_path, generation())

    result = command(tmp_path, "release", "--yes", "--", name)

    assert result.exit_code == Exit.ATTENTION
    assert "there are lisa" in result.stderr
    assert "\x1b" not in result.stderr


def test_a_corrupt_file_is_a_sentence_and_stays(tmp_path: Path) -> None:
    ctx = folder(tmp_path)
    (ctx / "lisa.json").write_bytes(b"rubbish")

    result = command(tmp_path, "release", "lisa", "--yes")

    assert result.exit_code == Exit.ATTENTION
    assert "Traceback" not in result.output
    assert (ctx / "lisa.json").read_bytes() == b"rubbish"


def test_the_folder_is_free_again_afterwards(tmp_path: Path) -> None:
    ctx = folder(tmp_path, generation(parked=parked("Halt")))

    command(tmp_path, "release", "lisa", "--yes")
    command(tmp_path, "release", "nobody", "--yes")

    Shelf.open(ctx, allow_volatile=True).close()
