"""Which combinations are tried."""

import sys
from collections import Counter
from collections.abc import Mapping

import pytest

from lib.sweep.axes import read_axis
from lib.sweep.search import Search, drawn, search_of
from lib.sweep.trial import Places

AXES = [read_axis("b.a=1..10/1"), read_axis("b.c=0.1..1/0.1")]
PEAK = (7, 2)


def hill(places: Places) -> float | None:
    """Answer how near to the peak it is; one corner cannot be tried."""
    if sum(places) < 3:
        return None
    return -float(sum((place - top) ** 2 for place, top in zip(places, PEAK, strict=True)))


def climbed(search: Search) -> list[Places]:
    tried: list[Places] = []
    while asked := search.ask():
        tried += asked
        scores: Mapping[Places, float | None] = {places: hill(places) for places in asked}
        search.tell(scores)
    return tried


def test_a_grid_tries_every_combination_once_in_the_order_of_the_axes() -> None:
    tried = climbed(search_of("grid", AXES, trials=None, seed=1))

    assert tried == sorted(tried)
    assert len(set(tried)) == len(tried) == 100


def test_chance_draws_each_combination_once_at_most_and_the_same_for_a_seed() -> None:
    first, again, other = (
        climbed(search_of("random", AXES, trials=30, seed=seed)) for seed in (1, 1, 2)
    )

    assert len(set(first)) == len(first) == 30
    assert first == again
    assert first != other


def test_chance_asked_for_too_many_tries_all() -> None:
    assert len(set(climbed(search_of("random", AXES, trials=1_000, seed=1)))) == 100


def test_chance_has_no_favourites() -> None:
    counts = Counter(places for seed in range(500) for places in drawn(AXES[:1], 3, seed))

    assert len(counts) == 10
    assert max(counts.values()) < 1.4 * min(counts.values())


@pytest.mark.parametrize(
    ("kind", "trials", "said"),
    [("random", None, "needs --trials"), ("bayes", None, "needs --trials"), ("grid", 3, "every")],
)
def test_a_search_says_what_it_needs(kind: str, trials: int | None, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        search_of(kind, AXES, trials=trials, seed=1)  # type: ignore[arg-type]


def test_a_grid_that_is_too_large_is_refused_with_its_size() -> None:
    axes = [read_axis(f"b.a{number}=1..100/1") for number in range(3)]

    with pytest.raises(ValueError, match="1000000 combinations"):
        search_of("grid", axes, trials=None, seed=1)


@pytest.mark.slow
def test_a_bayesian_search_goes_the_same_way_for_a_seed_and_another_for_another() -> None:
    pytest.importorskip("optuna", reason="research packages are not installed")
    first, again, other = (
        climbed(search_of("bayes", AXES, trials=20, seed=seed)) for seed in (1, 1, 2)
    )

    assert len(set(first)) == len(first) == 20
    assert first == again
    assert first != other


@pytest.mark.slow
def test_a_bayesian_search_comes_nearer_than_chance() -> None:
    pytest.importorskip("optuna", reason="research packages are not installed")

    def best(kind: str, seed: int) -> float:
        tried = climbed(search_of(kind, AXES, trials=30, seed=seed))  # type: ignore[arg-type]
        return max(score for score in map(hill, tried) if score is not None)

    seeds = range(8)
    assert sum(best("bayes", seed) for seed in seeds) > sum(best("random", seed) for seed in seeds)


@pytest.mark.slow
def test_a_bayesian_search_takes_categories_and_lists() -> None:
    pytest.importorskip("optuna", reason="research packages are not installed")
    axes = [read_axis("b.a=5m,1h,4h"), read_axis("b.c=[[1], [2, 3]]")]
    search = search_of("bayes", axes, trials=12, seed=3)
    tried: set[Places] = set()

    while asked := search.ask():
        tried |= set(asked)
        search.tell(dict.fromkeys(asked, None))

    assert tried == {(a, c) for a in range(3) for c in range(2)}


def test_without_optuna_it_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)

    with pytest.raises(ValueError, match=r"optuna is not installed.*requirements-research\.lock"):
        search_of("bayes", AXES, trials=3, seed=1)
