import time
from pathlib import Path

import pytest

from tests.torture import toys
from tests.torture.campaign import Attempt, Campaign, planned
from tests.torture.catalogue import experiments
from tests.torture.experiment import Experiment, Outcome
from tests.torture.records import Record, Records
from tests.torture.report import report

pytestmark = pytest.mark.slow


def run(path: Path, *experiments: Experiment, share: float = 1.0) -> list[Record]:
    records = Records(path)
    Campaign(planned(experiments, share, 0), records, cores=2, tell=lambda _: None).run()
    return list(records)


def losses(records: list[Record]) -> list[str]:
    return [loss for record in records for loss in record.outcome.losses]


def test_every_attempt_is_made_once_with_a_seed_of_its_own(tmp_path: Path) -> None:
    records = run(tmp_path / "records", toys.HARMLESS)

    assert sorted(record.seed for record in records) == [0, 1, 2, 3]
    assert all(record.outcome.deaths == 3 for record in records)


def test_attempts_that_mostly_wait_are_made_side_by_side(tmp_path: Path) -> None:
    records = run(tmp_path / "records", toys.WAITING)

    spans = [record.outcome.figures["from, until, s"] for record in records]
    assert len(spans) > 2
    assert max(begin for begin, _ in spans) < min(end for _, end in spans)


def test_a_share_is_at_least_one_attempt_of_each_experiment() -> None:
    attempts = planned([toys.HARMLESS, toys.HANGING], 0.3, 7)

    assert attempts == [
        Attempt(toys.HARMLESS, 7),
        Attempt(toys.HARMLESS, 8),
        Attempt(toys.HANGING, 7),
    ]


def test_a_run_that_was_cut_off_goes_on_where_it_stopped(tmp_path: Path) -> None:
    path = tmp_path / "records"
    first = Record(experiment="harmless", seed=0, seconds=99, outcome=Outcome(deaths=77))
    path.write_text(first.model_dump_json() + "\n" + first.model_dump_json()[:20])

    records = run(path, toys.HARMLESS)

    assert records[0] == first
    assert sorted(record.seed for record in records) == [0, 1, 2, 3]


def test_a_loss_is_kept_with_its_story(tmp_path: Path) -> None:
    assert sorted(losses(run(tmp_path / "records", toys.LOSING, share=0.5))) == [
        "an order of seed 0 was lost",
        "an order of seed 1 was lost",
    ]


@pytest.mark.parametrize(
    ("toy", "story"),
    [(toys.BROKEN, "no such luck"), (toys.VANISHING, "the last words")],
    ids=["broken", "vanished"],
)
def test_an_attempt_that_does_not_end_well_is_a_loss(
    tmp_path: Path, toy: Experiment, story: str
) -> None:
    (loss,) = losses(run(tmp_path / "records", toy, share=0.1))

    assert story in loss


def test_an_attempt_that_hangs_is_ended_and_is_a_loss(tmp_path: Path) -> None:
    began = time.monotonic()

    assert losses(run(tmp_path / "records", toys.HANGING)) == ["the attempt did not end in time"]
    assert time.monotonic() - began < 30


def test_the_report_adds_up_what_was_recorded(tmp_path: Path) -> None:
    shown = (toys.HARMLESS, toys.LOSING)
    records = run(tmp_path / "records", *shown)

    page = report(shown, records, "abc", "a machine")

    assert "| [harmless](#harmless) | 4 of 4 | 12 | nothing |" in page
    assert "| [losing](#losing) | 4 of 4 | 4 | **4** |" in page
    assert "| a write | 8 |" in page
    assert "| recovery, s | 1.5 |" in page
    assert "an order of seed 3 was lost" in page


def test_no_two_experiments_have_one_name() -> None:
    names = [each.name for each in experiments()]

    assert len(names) == len(set(names))
