"""What is best, what was chosen, and what it came to."""

import csv
from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from lib.sweep.figures import Figures, Metric
from lib.sweep.overfitting import Sign
from lib.sweep.ranking import Ranking, ranking_of
from lib.sweep.ranking_files import as_csv, as_json
from lib.sweep.trial import Ending, Sample, State, Trial
from lib.sweep.windows import Walk
from tests.sweep.scenes import DAY, Crew, figures, formula, plan_of, swept

WALK = Walk(20 * DAY, 10 * DAY)


def ranked(path: Path, crew: Crew | None = None, **plan: object) -> Ranking:
    folder = swept(plan_of(**plan), path, crew)  # type: ignore[arg-type]
    return ranking_of(folder.plan, folder.endings)


def sign(ranking: Ranking, name: str) -> Sign:
    return next(each for each in ranking.signs if each.name == name)


def test_the_best_figure_is_first(tmp_path: Path) -> None:
    ranking = ranked(tmp_path)

    scores = [row.score for row in ranking.rows]
    assert all(score is not None for score in scores)
    assert scores == sorted(scores, key=lambda score: -(score or 0))
    assert ranking.rows[0].places == (1, 1)


def test_of_a_drawdown_the_smallest_is_first(tmp_path: Path) -> None:
    def falls(trial: Trial) -> Ending:
        deep = 0.01 * (1 + sum(trial.key.places))
        return Ending(trial.key, State.DONE, "", Figures({"max_drawdown": deep}, ()))

    ranking = ranked(tmp_path, Crew(falls), metric=Metric("max_drawdown"))

    assert ranking.rows[0].places == (0, 0)
    assert ranking.rows[0].tried["max_drawdown"] == pytest.approx(0.01)


def test_equals_stand_in_the_order_of_the_axes(tmp_path: Path) -> None:
    flat = Crew(lambda trial: Ending(trial.key, State.DONE, "", figures(0.01)))

    ranking = ranked(tmp_path, flat)

    assert [row.places for row in ranking.rows] == sorted(row.places for row in ranking.rows)


def test_each_window_chooses_where_it_tried_and_is_judged_elsewhere(tmp_path: Path) -> None:
    def turns(trial: Trial) -> Ending:
        """Answer the most at the first value where it is tried, the least where it is judged."""
        good = trial.key.places[0] == 0
        if trial.key.sample is Sample.TRIED:
            return Ending(trial.key, State.DONE, "", figures(0.1 if good else 0.0))
        return Ending(trial.key, State.DONE, "", figures(-0.05 if good else 0.9))

    ranking = ranked(tmp_path, Crew(turns), walk=WALK)

    assert [step.places[0] for step in ranking.steps] == [0, 0]
    assert ranking.chained == pytest.approx(0.95 * 0.95 - 1)
    assert sign(ranking, "rank correlation").value == pytest.approx(-1)
    assert sign(ranking, "walk-forward efficiency").warns
    assert ranking.rows[0].chosen == 2


def test_the_year_of_what_was_judged_is_that_of_its_days_alone(tmp_path: Path) -> None:
    steady = Crew(lambda trial: Ending(trial.key, State.DONE, "", figures(0.01)))

    ranking = ranked(tmp_path, steady, walk=WALK)

    assert ranking.chained == pytest.approx(1.01**2 - 1)
    assert ranking.judged_yearly == pytest.approx((1.01**2) ** (365 / 20) - 1)
    twenty = 1.01 ** (365 / 20) - 1
    efficiency = sign(ranking, "walk-forward efficiency").value
    assert efficiency == pytest.approx(((1.01**2) ** (365 / 20) - 1) / twenty)


def test_what_has_no_figure_comes_last_and_has_no_rank(tmp_path: Path) -> None:
    def some(trial: Trial) -> Ending:
        if trial.key.places[0] == 0:
            return Ending(trial.key, State.REFUSED, "too small, really")
        if trial.key.places[0] == 1:
            return Ending(trial.key, State.DONE, "", Figures({"total_return": None}, ()))
        return formula(trial)

    ranking = ranked(tmp_path, Crew(some))

    rows = list(csv.DictReader(as_csv(ranking).splitlines()))
    assert [row["rank"] for row in rows] == [*map(str, range(1, 7)), *[""] * 6]
    assert {row["reason"] for row in rows} == {"", "too small, really"}
    assert rows[0]["dip_buyer.dip"] in {"0.003", "0.004"}


def test_the_files_say_the_same(tmp_path: Path) -> None:
    ranking = ranked(tmp_path, walk=WALK)

    rows = list(csv.DictReader(as_csv(ranking).splitlines()))
    whole = orjson.loads(as_json(ranking))

    assert [float(row["tried_total_return"]) for row in rows] == [
        row["tried"]["total_return"] for row in whole["ranking"]
    ]
    assert [row["dip_buyer.dip"] for row in rows] == [
        row["values"]["dip_buyer.dip"] for row in whole["ranking"]
    ]
    assert len(whole["windows"]) == 2
    assert whole["judged"]["total_return"] == ranking.chained
    assert set(whole["overfitting"]) == {each.name for each in ranking.signs}


def test_a_sweep_in_which_nothing_can_be_ranked_has_a_ranking_all_the_same(
    tmp_path: Path,
) -> None:
    nothing = Crew(lambda trial: Ending(trial.key, State.FAILED, "it broke"))

    ranking = ranked(tmp_path, nothing, walk=WALK)

    assert ranking.steps == ()
    assert ranking.chained is None
    assert {each.value for each in ranking.signs} == {None}
    assert as_csv(ranking).count("it broke") == 12


def test_combinations_that_miss_a_window_are_not_mixed_with_those_that_do_not(
    tmp_path: Path,
) -> None:
    def misses(trial: Trial) -> Ending:
        if trial.key.places == (0, 0) and trial.key.window == 1:
            return Ending(trial.key, State.FAILED, "it broke")
        return formula(trial)

    ranking = ranked(tmp_path, Crew(misses), walk=WALK)

    assert ranking.rows[-1].places == (0, 0)
    assert ranking.rows[-1].score is None
    assert sign(ranking, "probability of overfitting").value is not None


def test_days_of_different_windows_are_never_held_against_each_other(tmp_path: Path) -> None:
    def misses(trial: Trial) -> Ending:
        if trial.key.places[0] % 2 == trial.key.window:
            return Ending(trial.key, State.FAILED, "it broke")
        return formula(trial)

    ranking = ranked(tmp_path, Crew(misses), walk=WALK)

    assert "0 combinations" in sign(ranking, "probability of overfitting").reason


def test_a_metric_that_is_none_is_named_with_the_likely_one() -> None:
    with pytest.raises(ValueError, match="did you mean sharpe"):
        Metric("sharp")
    assert replace(Metric(), name="calmar").more_is_better
