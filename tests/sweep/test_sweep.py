"""A sweep comes to the same, whoever runs its trials and however often it is broken off."""

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from lib.sweep.crew import DIED, ClusterLost, CrewLost
from lib.sweep.folder import SweepFolder
from lib.sweep.heat_map import as_svg, maps_of
from lib.sweep.plan import Plan
from lib.sweep.ranking import ranking_of
from lib.sweep.ranking_files import as_csv, as_json
from lib.sweep.sweep import Advance, Sweep
from lib.sweep.trial import Ending, Sample, State, Trial, TrialKey, run_trial
from lib.sweep.windows import Walk
from tests.sweep.scenes import DAY, Crew, formula, plan_of, swept

NEVER = 1_900_000_000_000
WALK = Walk(20 * DAY, 10 * DAY)


def found(folder: SweepFolder) -> tuple[str, bytes, str]:
    """Answer all that a sweep writes."""
    ranking = ranking_of(folder.plan, folder.endings)
    return as_csv(ranking), as_json(ranking), as_svg(maps_of(ranking))


def test_each_combination_is_tried_in_each_window_and_judged_on_what_follows(
    tmp_path: Path,
) -> None:
    crew = Crew()

    swept(plan_of(walk=WALK), tmp_path, crew)

    spans: dict[tuple[int, Sample], set[tuple[int | None, int | None]]] = {}
    for trial in crew.ran:
        spans.setdefault((trial.key.window, trial.key.sample), set()).add((
            trial.settings.begins,
            trial.settings.ends,
        ))
    assert len(crew.ran) == 12 * 2 * 2
    assert all(len(each) == 1 for each in spans.values())
    for window in (0, 1):
        ((_, tried_until),) = spans[window, Sample.TRIED]
        ((judged_from, _),) = spans[window, Sample.JUDGED]
        assert tried_until == judged_from


@pytest.mark.parametrize("room", [1, 2, 7])
@pytest.mark.parametrize("walk", [None, WALK], ids=["whole", "walk-forward"])
def test_the_ranking_does_not_depend_on_how_many_run_at_once(
    tmp_path: Path, room: int, walk: Walk | None
) -> None:
    alone = swept(plan_of(walk=walk), tmp_path / "alone", Crew(room=1))

    together = swept(plan_of(walk=walk), tmp_path / "together", Crew(room=room))

    assert found(together) == found(alone)


@pytest.mark.slow
@pytest.mark.parametrize("search", ["grid", "random"])
def test_the_ranking_is_the_same_byte_for_byte_wherever_it_was_broken_off(
    tmp_path: Path, search: str
) -> None:
    trials = 7 if search == "random" else None
    plan = plan_of(walk=WALK, search=search, trials=trials)
    calm = found(swept(plan, tmp_path / "calm"))

    many = 28 if trials else 48
    for after in range(0, many, 5):
        with pytest.raises(KeyboardInterrupt):
            swept(plan, tmp_path / str(after), Crew(breaking_after(after)))
        crew = Crew()
        again = swept(plan, tmp_path / str(after), crew)

        assert found(again) == calm
        assert len(crew.ran) < many or not after


@pytest.mark.slow
def test_a_bayesian_sweep_goes_on_as_if_it_had_not_been_broken_off(tmp_path: Path) -> None:
    pytest.importorskip("optuna", reason="research packages are not installed")
    plan = plan_of(search="bayes", trials=14, walk=WALK)
    calm = found(swept(plan, tmp_path / "calm"))

    for after in (1, 6, 17):
        with pytest.raises(KeyboardInterrupt):
            swept(plan, tmp_path / str(after), Crew(breaking_after(after)))

        assert found(swept(plan, tmp_path / str(after), Crew(room=1))) == calm


def breaking_after(many: int) -> Callable[[Trial], Ending]:
    left = [many]

    def run(trial: Trial) -> Ending:
        left[0] -= 1
        if left[0] < 0:
            raise KeyboardInterrupt
        return formula(trial)

    return run


# --- what goes wrong


def test_a_trial_that_breaks_is_one_failed_row(tmp_path: Path) -> None:
    def breaks(trial: Trial) -> Ending:
        if trial.key.places == (1, 1):
            raise CrewLost("its process died")
        return formula(trial)

    folder = swept(plan_of(), tmp_path, Crew(breaks))

    failed = [each for each in folder.endings.values() if each.state is State.FAILED]
    assert [each.reason for each in failed] == [DIED]
    assert len(folder.endings) == 12


def test_a_process_that_dies_once_changes_nothing(tmp_path: Path) -> None:
    calm = found(swept(plan_of(), tmp_path / "calm"))
    died: set[object] = set()

    def dies_once(trial: Trial) -> Ending:
        if trial.key not in died:
            died.add(trial.key)
            raise CrewLost("its process died")
        return formula(trial)

    assert found(swept(plan_of(), tmp_path / "rough", Crew(dies_once))) == calm
    assert len(died) == 12


def test_a_refused_combination_is_not_judged_and_the_others_are(tmp_path: Path) -> None:
    def refuses(trial: Trial) -> Ending:
        if trial.key.places[0] == 0:
            return Ending(trial.key, State.REFUSED, "no")
        return formula(trial)

    folder = swept(plan_of(walk=WALK), tmp_path, Crew(refuses))

    judged = [key for key in folder.endings if key.sample is Sample.JUDGED]
    assert len(judged) == 2 * 9
    assert all(key.places[0] for key in judged)


def test_a_lost_cluster_ends_the_sweep_and_leaves_no_row_of_it(tmp_path: Path) -> None:
    class Lost(Crew):
        def submit(self, trial: Trial) -> "Future[Ending]":
            if len(self.ran) >= 4:
                answer: Future[Ending] = Future()
                answer.set_exception(ClusterLost("the cluster was lost"))
                return answer
            return super().submit(trial)

    with pytest.raises(ClusterLost):
        swept(plan_of(), tmp_path, Lost(room=1))

    assert (tmp_path / "rows.jsonl").read_bytes().count(b"\n") == 4


def test_what_is_left_is_told_after_each_trial(tmp_path: Path) -> None:
    told: list[Advance] = []
    folder = SweepFolder.open(tmp_path, plan_of(walk=WALK))

    Sweep(plan_of(walk=WALK), folder, Crew(room=1), told.append).run()

    assert [each.done for each in told] == list(range(49))
    assert {each.expected for each in told} == {48}


# --- a trial itself


def test_a_trial_of_values_that_the_bot_refuses_has_its_reason() -> None:
    plan = plan_of("dip_buyer.dip=2")
    crew = Crew(run_trial)
    (key,) = _keys(plan)

    ending = crew.submit(plan.trial(key)).result()

    assert ending.state is State.REFUSED
    assert ending.reason == "dip_buyer.dip: found 2, expected less than 1"


def test_a_trial_of_a_time_that_was_not_recorded_has_failed_in_words() -> None:
    plan = plan_of("dip_buyer.dip=0.01", begins=NEVER)
    (key,) = _keys(plan)

    ending = run_trial(plan.trial(key))

    assert ending.state is State.FAILED
    assert "nothing was recorded then" in ending.reason


def test_one_process_runs_one_back_test_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = plan_of("dip_buyer.dip=0.01,0.02,0.03")
    inside: list[int] = []
    most: list[int] = []

    def runs(*_: object, **__: object) -> None:
        inside.append(1)
        most.append(len(inside))
        time.sleep(0.01)
        inside.pop()
        raise ValueError("enough")

    monkeypatch.setattr("lib.sweep.trial.run_backtest", runs)
    with ThreadPoolExecutor(3) as threads:
        list(threads.map(run_trial, map(plan.trial, _keys(plan))))

    assert most == [1, 1, 1]


@pytest.mark.slow
def test_a_trial_is_a_whole_back_test_with_the_figures_of_its_report() -> None:
    plan = plan_of("dip_buyer.dip=0.002", days=2)
    (key,) = _keys(plan)

    ending = run_trial(plan.trial(key))

    assert ending.state is State.DONE
    assert ending.figures is not None
    assert ending.figures.metrics["fills"]
    total = 1.0
    for each in ending.figures.returns:
        total *= 1 + each
    assert ending.figures.metrics["total_return"] == pytest.approx(total - 1)
    assert len(ending.figures.returns) == 2


def _keys(plan: Plan) -> list[TrialKey]:
    (window,) = plan.windows
    return [TrialKey(0, Sample.TRIED, places) for places in plan.searching(window).ask()]
