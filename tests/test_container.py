"""The container may do as little as it needs, and takes along nothing that must stay at home."""

import fnmatch
import json
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DOCKERFILE = (ROOT / "Dockerfile").read_text()
COMPOSE = (ROOT / "compose.yaml").read_text()
STAGES = re.split(r"^FROM .*$", DOCKERFILE, flags=re.MULTILINE)[1:]
IGNORED = [
    line for line in (ROOT / ".dockerignore").read_text().splitlines() if not line.startswith("#")
]


def words_of(instruction: str, text: str) -> list[str]:
    return re.findall(rf"^{instruction} (.*)$", text, flags=re.MULTILINE)


def taken_along(name: str) -> bool:
    """Judge as Docker does: the last rule that fits a file, or a folder above it, decides."""
    taken = True
    for rule in IGNORED:
        if fits(name, rule.removeprefix("!")):
            taken = rule.startswith("!")
    return taken


def fits(name: str, pattern: str) -> bool:
    """Say whether a pattern means this file or a folder above; `**/` alone looks below the top."""
    parts = Path(name).parts
    if pattern.startswith("**/"):
        return any(fnmatch.fnmatch(part, pattern.removeprefix("**/")) for part in parts)
    assert "/" not in pattern, "this knows the names at the top alone"
    return fnmatch.fnmatch(parts[0], pattern)


def test_the_program_is_not_run_by_root() -> None:
    assert words_of("USER", STAGES[-1]) == ["10001:10001"]
    assert STAGES[-1].index("USER 10001") < STAGES[-1].index("ENTRYPOINT")


def test_only_pinned_packages_get_into_the_image_and_no_installer() -> None:
    assert "--require-hashes -r /requirements.lock" in STAGES[0].replace("\\\n        ", "")
    assert "pip uninstall" in STAGES[0]
    assert "pip" not in STAGES[-1]


def test_the_runner_is_the_first_process_and_hears_the_signal() -> None:
    assert words_of("STOPSIGNAL", STAGES[-1]) == ["SIGTERM"]
    assert words_of("ENTRYPOINT", STAGES[-1])[0].startswith('["/venv/bin/python"')


def test_what_must_survive_lies_in_volumes() -> None:
    assert words_of("VOLUME", STAGES[-1]) == ['["/ctx", "/journal"]']
    assert {"- ctx:/ctx", "- journal:/journal"} <= {
        line.split(" #")[0].strip() for line in COMPOSE.splitlines()
    }


def test_the_container_may_write_its_volumes_alone_and_publishes_no_port() -> None:
    for line in ("read_only: true", "cap_drop: [ALL]", "no-new-privileges:true"):
        assert line in COMPOSE
    assert "ports:" not in COMPOSE
    assert "privileged" not in COMPOSE


def test_the_health_is_asked_of_the_runner_itself_and_of_its_folder() -> None:
    asked = re.findall(r"HEALTHCHECK .*\\\n\s+CMD (\[.*\])", DOCKERFILE)
    started = words_of("ENTRYPOINT", STAGES[-1])

    assert [json.loads(each) for each in asked] == [
        [*json.loads(started[0]), "status", "--health"],
    ]


def test_a_runner_that_hangs_in_a_container_ends_itself() -> None:
    assert re.findall(r"HEARTBEAT_FILE=(\S+)", DOCKERFILE) == ["/tmp/heartbeat"]
    assert "/tmp:size" in COMPOSE


@pytest.mark.parametrize(
    "name",
    [
        *(".env", ".env.unfinished", "ctx/lisa.json", "journal/orders.sqlite", ".git/config"),
        *(".venv/bin/python", "tests/test_life.py", "lib/__pycache__/life.cpython-311.pyc"),
        *("binance.pem", "secrets/api_key", "id_ed25519", "bots/key.pem", "lib/.env", "bots/.env"),
    ],
)
def test_secrets_contexts_and_tests_stay_at_home(name: str) -> None:
    assert not taken_along(name)


def test_everything_that_the_program_needs_is_taken_along() -> None:
    command = ["git", "ls-files", "auto_trading.py", "lib", "bots", "data", "conf.json"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("not a git repository")

    left_at_home = [name for name in listed.stdout.splitlines() if not taken_along(name)]

    assert left_at_home == []
