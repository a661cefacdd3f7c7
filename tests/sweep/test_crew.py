"""Real processes, real kills, a real cluster."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lib.sweep.crew import DIED, Cluster, Processes
from lib.sweep.ranking import ranking_of
from lib.sweep.ranking_files import as_csv, as_json
from lib.sweep.trial import State
from tests.sweep import odd_trials
from tests.sweep.processes import lives
from tests.sweep.scenes import Crew, plan_of, swept

ROOT = Path(__file__).parents[2]
SWEEPER = """
import sys
from pathlib import Path
from lib.sweep import plan
from lib.sweep.crew import Processes
from tests.sweep import odd_trials
from tests.sweep.scenes import plan_of, swept

plan._program_digest = lambda: "one program"

if __name__ == "__main__":
    swept(plan_of(), Path(sys.argv[1]), Processes(2, getattr(odd_trials, sys.argv[2])))
"""

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]


@contextmanager
def hired(crew: Processes) -> Iterator[Processes]:
    try:
        yield crew
    finally:
        crew.disband()


def test_a_process_that_is_killed_is_one_failed_row_and_disturbs_no_other(tmp_path: Path) -> None:
    with hired(Processes(2, odd_trials.deadly)) as crew:
        folder = swept(plan_of(), tmp_path, crew)  # type: ignore[arg-type]

    states = {key.places: ending.state for key, ending in folder.endings.items()}
    assert [places for places, state in states.items() if state is State.FAILED] == [
        odd_trials.DEADLY
    ]
    assert {each.reason for each in folder.endings.values()} == {"", DIED}
    assert len(states) == 12


def test_a_bot_that_ends_the_interpreter_is_a_failed_row(tmp_path: Path) -> None:
    with hired(Processes(1, odd_trials.quitting)) as crew:
        folder = swept(plan_of("dip_buyer.dip=0.1"), tmp_path, crew)  # type: ignore[arg-type]

    assert [each.state for each in folder.endings.values()] == [State.FAILED]


def sweeping(tmp_path: Path, how: str) -> subprocess.Popen[str]:
    program = tmp_path / "sweeper.py"
    program.write_text(SWEEPER)
    words = [sys.executable, str(program), str(tmp_path / "out"), how]
    return subprocess.Popen(
        words, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip


def rows(tmp_path: Path) -> int:
    path = tmp_path / "out" / "rows.jsonl"
    return path.read_bytes().count(b"\n") if path.exists() else 0


def test_a_sweep_killed_again_and_again_comes_to_the_same_ranking_byte_for_byte(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lib.sweep.plan._program_digest", lambda: "one program")
    calm = swept(plan_of(), tmp_path / "calm", Crew())

    for enough in (2, 9):
        running = sweeping(tmp_path, "paused")
        while rows(tmp_path) < enough and running.poll() is None:
            time.sleep(0.005)
        os.kill(running.pid, signal.SIGKILL)
        running.communicate()
    assert rows(tmp_path) >= 9
    crew = Crew()
    rough = swept(plan_of(), tmp_path / "out", crew)

    assert len(crew.ran) < 4
    one, other = (ranking_of(each.plan, each.endings) for each in (calm, rough))
    assert as_csv(one) == as_csv(other)
    assert as_json(one) == as_json(other)


def test_processes_die_with_whoever_began_them_however_it_dies(tmp_path: Path) -> None:
    running = sweeping(tmp_path, "endless")
    assert running.stdout is not None
    children = [int(running.stdout.readline()) for _ in range(2)]

    os.kill(running.pid, signal.SIGKILL)
    running.communicate()  # ends once nobody has the other end any more

    assert not any(lives(child) for child in children)


def test_a_cluster_comes_to_the_same_ranking(tmp_path: Path) -> None:
    distributed = pytest.importorskip("distributed", reason="research packages are not installed")
    plan = plan_of("dip_buyer.dip=0.002,0.003", "dip_buyer.rebound=0.004,-1", days=1)
    with hired(Processes(1)) as processes:
        here = swept(plan, tmp_path / "here", processes)  # type: ignore[arg-type]

    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=2, processes=True, dashboard_address=None
    ) as local:
        crew = Cluster(local.scheduler_address)
        there = swept(plan, tmp_path / "there", crew)  # type: ignore[arg-type]
        crew.disband()

    one, other = (ranking_of(each.plan, each.endings) for each in (here, there))
    assert [row.state for row in one.rows].count(State.DONE) == 2
    assert as_json(one) == as_json(other)


def test_a_cluster_that_does_not_answer_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("distributed", reason="research packages are not installed")
    monkeypatch.setattr("lib.sweep.crew.ANSWER_SECONDS", 1)

    with pytest.raises(ValueError, match=r"no Dask cluster answers at tcp://127\.0\.0\.1:9"):
        Cluster("tcp://127.0.0.1:9")
