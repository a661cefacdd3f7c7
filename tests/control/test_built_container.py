"""The image as it is really built, in containers that really run: behind all walls, on paper."""

import json
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from os import kill
from pathlib import Path

import pytest

from tests.control.folder import ROOT
from tests.control.podman import (
    BASE,
    IMAGE,
    LIMITS,
    Container,
    asked,
    build,
    lacks,
    podman,
    running,
)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.long,
    pytest.mark.timeout(900),
]

SECRET = "a-secret-that-must-stay-at-home"
PLANTED = (".env", "binance.pem", "secrets/api_secret", "ctx/lisa.json", "bots/.env", "lib/key.pem")
ADDED_MAX = 100 << 20  # bytes that the program and its packages add to the base
NEAR = {"symbol": "BTCUSDT", "quantity": "0.01", "dip": "0.0005", "rebound": "0.003"}
OWNER = 10001
METRICS = 9464
ASK_METRICS = (
    "import urllib.request as web; "
    f"print(web.urlopen('http://127.0.0.1:{METRICS}/metrics').read().decode())"
)


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The image of this very folder, in which secrets lie about."""
    if reason := lacks():
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("built")
    for name in ("bots", "data", "lib"):
        left_out = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, folder / name, ignore=left_out)
    for file in ROOT.iterdir():
        if file.is_file() and file.name != ".env":
            shutil.copy(file, folder)
    for planted in PLANTED:
        (folder / planted).parent.mkdir(exist_ok=True)
        (folder / planted).write_text(SECRET)
    build(folder)
    yield IMAGE
    asked("rmi", "--force", IMAGE)


@pytest.fixture
def volumes(tmp_path: Path) -> Iterator[list[str]]:
    """What compose.yaml mounts: a ctx, a journal, and a conf.json beside."""
    write_conf(tmp_path)
    names = [f"{tmp_path.name}-{name}" for name in ("ctx", "journal")]
    for name in names:
        podman("volume", "create", name)
    mounts = [f"{names[0]}:/ctx", f"{names[1]}:/journal", f"{conf_of(tmp_path)}:/app/conf.json:ro"]
    yield [word for mount in mounts for word in ("--volume", mount)]
    for name in names:
        asked("volume", "rm", "--force", name)


@pytest.fixture
def container(image: str, volumes: list[str], tmp_path: Path) -> Iterator[Container]:
    with running(tmp_path.name, "--restart", "always", *volumes, image=image) as found:
        found.until("near order: .* is in the book")
        yield found


def conf_of(folder: Path) -> Path:
    return folder / "conf.json"


def write_conf(folder: Path, **settings: object) -> None:
    """Write it in place: a file mounted alone is that file, not its name."""
    near = {"near": {"function": "dip_buyer", **NEAR}}
    conf_of(folder).write_text(json.dumps({"bots": [near], **settings}))
    conf_of(folder).chmod(0o644)


def test_it_trades_as_a_user_without_rights_and_writes_its_volumes_alone(
    container: Container,
) -> None:
    container.until("near fill: bought")

    status = Path(f"/proc/{container.pid}/status").read_text()
    assert f"Uid:\t{OWNER}" in status
    assert "CapBnd:\t0000000000000000" in status
    assert "NoNewPrivs:\t1" in status
    for closed in ("/app/x", "/venv/x", "/x", "/usr/local/bin/x"):
        assert "Read-only" in container.shell(f"touch {closed}")[1]
    for opened in ("/ctx/x", "/journal/x", "/tmp/x"):
        assert container.shell(f"touch {opened} && rm {opened}") == (0, "")
    assert "near.json" in container.shell("ls /ctx")[1]
    assert "orders.sqlite" in container.shell("ls /journal")[1]


def test_its_health_is_one_line_and_a_loop_that_hangs_has_none(container: Container) -> None:
    asked_by_docker = json.loads(podman("inspect", "--format", "{{json .HealthCheck}}", IMAGE))
    container.until("near fill: bought")
    question = ("exec", container.name, *asked_by_docker["Test"][1:])

    code, line = asked(*question)
    assert (code, line) == (0, "1 bot trades, 1 order open, 0 in doubt")

    kill(container.pid, signal.SIGSTOP)
    began = time.monotonic()
    code, line = asked(*question)
    took = time.monotonic() - began
    kill(container.pid, signal.SIGCONT)
    assert (code, line) == (1, "not well: the runner did not answer within 5 s")
    assert took < asked_by_docker["Timeout"] / 1e9


def test_a_stop_ends_it_at_once_and_with_nothing_to_complain_of(container: Container) -> None:
    began = time.monotonic()
    podman("stop", "--time", "20", container.name)

    assert container.ended_with == 0
    assert time.monotonic() - began < 10


def test_a_kill_brings_it_back_with_all_that_it_remembered(container: Container) -> None:
    kill(container.pid, signal.SIGKILL)

    container.until("Resumed 1 bot")
    assert "near" in container.told("status")[1]
    assert container.told("bot", "near")[0] == 0


def test_a_new_container_on_the_same_volumes_goes_on(
    image: str, volumes: list[str], tmp_path: Path
) -> None:
    with running(f"{tmp_path.name}-1", *volumes, image=image) as first:
        first.until("near order: .* is in the book")
        kill(first.pid, signal.SIGKILL)

    with running(f"{tmp_path.name}-2", *volumes, image=image) as second:
        second.until("Resumed 1 bot")
        assert "nameless volume" not in second.output


def test_a_volume_that_nobody_named_is_warned_of(image: str, tmp_path: Path) -> None:
    with running(tmp_path.name, image=image) as found:
        found.until("/ctx lies on a nameless volume")
        assert "which the next container does not get" in found.told("doctor")[1]


def test_a_changed_conf_is_taken_over_and_one_that_took_its_place_after_a_restart(
    container: Container, tmp_path: Path
) -> None:
    write_conf(tmp_path, poll="10s")
    podman("kill", "--signal", "HUP", container.name)
    container.until("poll: 30000 → 10000")

    shutil.copy(conf_of(tmp_path), tmp_path / "another")
    (tmp_path / "another").replace(conf_of(tmp_path))
    code, said = container.told("reload")
    assert code == 1
    assert "restart the container" in said

    podman("restart", "--time", "20", container.name)
    container.until("Resumed 1 bot")
    assert container.told("reload")[0] == 0


def test_a_log_belongs_into_a_volume_and_metrics_are_read_from_its_own_network(
    image: str, volumes: list[str], tmp_path: Path
) -> None:
    write_conf(tmp_path, metrics=METRICS, log_file={"path": "/journal/log/runner.log"})
    with running(tmp_path.name, *volumes, image=image) as found:
        found.until("near order: .* is in the book")
        network = f"container:{found.name}"
        python = ("--entrypoint", "/venv/bin/python", image)
        words = ("run", "--rm", "--network", network, *LIMITS, *python)

        assert 'standing="running"} 1' in podman(*words, "-c", ASK_METRICS)
        assert "is in the book" in found.shell("cat /journal/log/runner.log")[1]
        assert "cannot be written" not in found.output


def test_a_log_that_the_walls_do_not_let_it_write_is_told_of(
    image: str, volumes: list[str], tmp_path: Path
) -> None:
    write_conf(tmp_path, log_file={"path": "log/runner.log"})
    with running(tmp_path.name, *volumes, image=image) as found:
        found.until("the log file log/runner.log cannot be written")
        found.until("near order: .* is in the book")


def test_no_layer_holds_a_secret_that_lay_about_nor_anything_of_the_builder(
    image: str, tmp_path: Path
) -> None:
    archive = tmp_path / "image.tar"
    podman("save", "--format", "docker-archive", "--output", str(archive), image)

    found = subprocess.run(["grep", "--count", "--text", SECRET, str(archive)], check=False)

    assert found.returncode == 1, "grep ends with 1 where it found nothing"
    assert SECRET not in podman("history", "--no-trunc", image)
    archive.unlink()


def test_the_image_holds_the_program_alone_and_stays_small(image: str, tmp_path: Path) -> None:
    with running(tmp_path.name, image=image) as found:
        held = set(found.shell("ls -A /app")[1].split())
    whole, base = (
        int(podman("image", "inspect", "--format", "{{.Size}}", each)) for each in (image, BASE)
    )

    assert held == {
        *("LICENSE", "__pycache__", "auto_trading.py", "bots", "conf.json", "conf.schema.json"),
        *("data", "lib", "pyproject.toml", "requirements.lock"),
    }
    assert whole - base < ADDED_MAX
